"""Figures of the book: shared ones here, the others in one module for each page."""

from stflow_lib.book import alt_text, stacked

alt_text.install()
stacked.install()
