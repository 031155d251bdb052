"""The error raised for data that cannot be used."""

from importlib import import_module
from typing import Any


class DataError(ValueError):
    """A data file is missing, damaged or malformed; the message says what, where and how to mend it."""


def needed(module: str, purpose: str) -> Any:
    """A module that comes with the extra `data`, imported; DataError without it, for this purpose."""
    try:
        return import_module(module)
    except ImportError as error:
        raise DataError(f"{purpose} needs {module}: pip install 'attnlib[data]'") from error
