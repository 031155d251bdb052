"""The error raised for data that cannot be used."""

from typing import Any

from attnlib import checks


class DataError(ValueError):
    """A data file is missing, damaged or malformed; the message says what, where and how to mend it."""


def needed(module: str, purpose: str) -> Any:
    """A module that comes with the extra `data`, imported; DataError without it, for this purpose."""
    return checks.needed(module, f"{purpose} needs", "data", DataError)
