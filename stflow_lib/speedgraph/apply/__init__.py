"""Methods put to use: the minutes after the last that a city has."""
