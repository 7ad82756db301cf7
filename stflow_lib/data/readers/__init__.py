"""One raw format to one city each."""
