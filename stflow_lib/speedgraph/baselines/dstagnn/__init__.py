"""DSTAGNN: a graph from sensors with alike days."""
