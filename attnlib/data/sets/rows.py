"""Checks of rows that no checksum holds fast, above all of the user's own files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from attnlib.data.errors import DataError


@contextmanager
def row_at(place: str) -> Iterator[None]:
    """Read a row: what cannot be read becomes a DataError that begins with its place, such as file:line.

    >>> with row_at("train.csv:7"):
    ...     label = int("x")
    Traceback (most recent call last):
    attnlib.data.errors.DataError: train.csv:7: ...
    """
    try:
        yield
    except DataError:
        raise
    except (ValueError, TypeError) as error:
        raise DataError(f"{place}: {error}. Mend it, or get the file again.") from error
    except LookupError as error:
        raise DataError(f"{place}: no field {error}. Mend it, or get the file again.") from error


def one_of(written: str, known: Sequence[str], what: str) -> int:
    """Return the position of what is written among what is known; ValueError for anything else.

    >>> one_of("4", ("1", "2", "4", "5"), "the rating")
    2
    """
    if written not in known:
        raise ValueError(f"{what} is {written!r}, not {', '.join(known[:-1])} or {known[-1]}")
    return known.index(written)


def require_columns(found: Iterable[str], wanted: Sequence[str], place: str) -> None:
    """Raise DataError, naming the columns and the place, unless all of the wanted ones are there."""
    here = set(found)
    if lacking := [column for column in wanted if column not in here]:
        raise DataError(
            f"{place}: no column {', '.join(lacking)}; the header must name {', '.join(wanted)}. Is it the "
            "right file?"
        )
