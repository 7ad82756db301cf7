"""Where weights come from: the code that a method reaches, and the stamp of a fitted folder."""
