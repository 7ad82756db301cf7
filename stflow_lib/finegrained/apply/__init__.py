"""Methods put to use: fine maps for coarse ones whose fine truth nobody knows."""
