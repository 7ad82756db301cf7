"""The papers' claims against our records."""
