"""The catalogue: what every city is, where it comes from, and how it is loaded."""
