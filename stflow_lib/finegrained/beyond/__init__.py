"""What the book adds to the paper: shares instead of maps, and forecasts with their uncertainty."""
