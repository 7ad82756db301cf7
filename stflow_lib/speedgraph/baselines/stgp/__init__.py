"""STGP: prompts over a masked encoder."""
