"""Seven operations: the naive twin as in the paper, and a fast form, one file each."""
