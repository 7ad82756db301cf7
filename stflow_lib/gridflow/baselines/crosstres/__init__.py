"""CrossTReS: source regions weighted by what they teach."""
