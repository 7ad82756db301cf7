"""FOGS: first-order gradients as what is asked, on a learned graph."""
