"""Figures of the pages on TSJT."""
