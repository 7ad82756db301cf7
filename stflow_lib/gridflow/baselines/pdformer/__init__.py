"""PDFormer: attention within a neighbourhood, among alike cells, and over time."""
