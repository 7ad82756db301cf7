"""TransGTR: a graph learned where data are many, and carried over."""
