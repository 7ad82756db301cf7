"""The one exception of the data layer."""


class DataError(ValueError):
    """A file or city that breaks a rule; the message names which, which rule, and where."""
