"""Methods put to use: the hours after the last that a city has."""
