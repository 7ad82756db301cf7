"""What the paper is compared with: one file, or a folder, for each row of its table."""
