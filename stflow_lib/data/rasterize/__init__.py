"""From points and trips to cells."""
