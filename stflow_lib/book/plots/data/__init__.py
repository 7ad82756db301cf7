"""Figures of the pages on cities."""
