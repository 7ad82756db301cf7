"""How methods of this wing learn: losses, schedules, stages."""
