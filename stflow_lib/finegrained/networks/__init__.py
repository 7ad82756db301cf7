"""Layers and networks that several methods of this wing share."""
