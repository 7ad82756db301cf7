"""Figures of the pages on STBaT."""
