"""Figures of the book: shared ones here, the others in one module for each page."""

from stflow_lib.book.alt_text import install

install()
