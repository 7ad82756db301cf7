"""Figures of the book: shared ones here, the others in one module for each page."""
