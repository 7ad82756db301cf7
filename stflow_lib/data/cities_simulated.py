"""Catalogue: the simulated cities, always here."""

ENTRIES = []
