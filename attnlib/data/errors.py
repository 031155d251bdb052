"""The error raised for data that cannot be used."""


class DataError(ValueError):
    """A data file is missing, damaged or malformed; the message says what, where and how to mend it."""
