"""ST-GFSL: weights generated for each sensor from its own history."""
