"""Rows of data files that no checksum holds fast: errors name file, line and problem; csv as a stream."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from attnlib.data.errors import DataError

# The csv module refuses longer fields, of which its own limit, 131,072, is too low for the longest documents.
# It also stops an open quote from swallowing the rest of a file.
LONGEST = 10_000_000


# What reading a row raises: of numbers too large, lists too deep, objects of other parts too.
UNREADABLE = (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, csv.Error)


@contextmanager
def row_at(place: str, remedy: str = "Mend it, or get the file again") -> Iterator[None]:
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
    except LookupError as error:
        raise DataError(f"{place}: no field {error}. {remedy}.") from error
    except UNREADABLE as error:
        raise DataError(f"{place}: {str(error).rstrip('.')}. {remedy}.") from error


def one_of(written: str, known: Sequence[str], what: str) -> int:
    """Return the position of what is written among what is known; ValueError for anything else.

    >>> one_of("4", ("1", "2", "4", "5"), "the rating")
    2
    """
    if written not in known:
        raise ValueError(f"{what} is {written!r}, not {', '.join(known[:-1])} or {known[-1]}")
    return known.index(written)


def require_columns(found: Iterable[str], wanted: Sequence[str], where: str) -> None:
    """Raise DataError, naming the columns, unless all of the wanted ones are in the first line of a file."""
    if lacking := ", ".join(sorted(set(wanted) - set(found))):
        raise DataError(f"{where}:1: no column {lacking} in the header. Is it the right file?")


def read_rows(
    lines: Iterable[str], where: str, columns: int | None, delimiter: str = ","
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it starts, fields) of each row of csv lines, which keep their line ends.

    columns: how many fields; None: as many as the first row has, and blank lines are passed over. Raises
    DataError, with `where` and line, for a wrong number of fields or an open quote.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
    reader, given = csv.reader(lines, strict=True, delimiter=delimiter), columns
    kind = "tab" if delimiter == "\t" else "comma"
    while True:
        start = reader.line_num + 1
        with row_at(f"{where}:{start}"):
            fields = next(reader, None)
            if fields == [] and given is None:
                continue
            columns = columns or len(fields or ())
            if fields is not None and len(fields) != columns:
                raise ValueError(f"expected {columns} {kind}-separated fields, found {len(fields)}")
        if fields is None:
            return
        yield start, fields


def decoded(file: IO[bytes], where: str) -> Iterator[str]:
    """Yield the lines of a text file with their line ends, less a byte-order mark at its begin.

    Raises DataError, with `where` and line, for what is not UTF-8.
    """
    for number, line in enumerate(file, start=1):
        with row_at(f"{where}:{number}"):
            if line.startswith((b"\xff\xfe", b"\xfe\xff")) and number == 1:
                raise ValueError("the text is in UTF-16: save it in UTF-8")
            try:
                text = line.decode("utf-8" if number > 1 else "utf-8-sig")
            except UnicodeDecodeError as error:
                raise ValueError(f"not UTF-8 text, {error}: save it in UTF-8") from error
        yield text
