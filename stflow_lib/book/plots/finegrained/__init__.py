"""Figures of the pages on UrbanSTC."""
