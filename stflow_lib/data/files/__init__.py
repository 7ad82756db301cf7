"""Files: downloaded, kept, read."""
