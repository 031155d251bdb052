"""Rows of csv files, read as a stream, with the lines on which they start."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import IO

from attnlib.data import files
from attnlib.data.errors import DataError

# The csv module refuses longer fields, of which its own limit, 131,072, is too low for the longest documents.
# It also stops an open quote from swallowing the rest of a file.
LONGEST = 10_000_000


def stream_rows(name: str, path: str, columns: int) -> Iterator[tuple[str, int, list[str]]]:
    """Yield (file, line on which it starts, fields) of each row of a csv file of data set `name`.

    Rows may hold line ends and doubled quotes inside quoted fields. Raises DataError, with file and line, for
    a missing or damaged file, bytes that are not UTF-8, a wrong number of fields, or an open quote.
    """
    with files.stream(name, path) as (where, file):
        for start, fields in read_rows(_lines(file, where), where, columns):
            yield where, start, fields


def read_rows(lines: Iterable[str], where: str, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it starts, fields) of each row of csv lines, which keep their line ends.

    Raises DataError, with `where` and line, for a wrong number of fields or an open quote.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
    reader = csv.reader(lines, strict=True)
    start = 1
    try:
        for fields in reader:
            if len(fields) != columns:
                raise DataError(
                    f"{where}:{start}: expected {columns} comma-separated fields, found {len(fields)}. "
                    "Restore the file or mend the line."
                )
            yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{where}:{start}: {error}. Restore the file or mend the line.") from error


def _lines(file: IO[bytes], where: str) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{where}:{number}: not UTF-8 text. Restore the official file.") from error
