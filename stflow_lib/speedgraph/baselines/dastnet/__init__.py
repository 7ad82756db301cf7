"""DASTNet: node embeddings that do not betray their city."""
