"""Columns of a split that stay small in memory for millions of texts.

A token is kept as a number into a list of distinct words (4 bytes), an id as the number of its line. `Texts`,
`RowIds` and `Ragged` are sequences that spell an entry out when it is asked for; a selection of rows shares
the numbers of the whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from attnlib.checks import refuse_string

CHUNK = 10_000


class Ragged(Sequence[np.ndarray]):
    """Rows of integers of unequal length, such as the sentence lengths of each text; row i is int64 [S_i].

    values: [M] int32, the numbers of all rows; starts, counts: [N], where each row lies in `values`.
    """

    def __init__(self, values: np.ndarray, starts: np.ndarray, counts: np.ndarray):
        self.values = values
        self.starts = np.asarray(starts, dtype=np.int64)
        self.counts = np.asarray(counts, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, i: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, i: slice) -> Ragged: ...
    def __getitem__(self, i: int | slice) -> np.ndarray | Ragged:
        if isinstance(i, slice):
            return self.select(i)
        start = self.starts[i]
        return self.values[start : start + self.counts[i]].astype(np.int64)

    def select(self, rows: Any) -> Ragged:
        """Return these rows (positions, a boolean mask or a slice); the values are shared, not copied."""
        return Ragged(self.values, self.starts[rows], self.counts[rows])

    def totals(self) -> np.ndarray:
        """Sum of each row, int64 [N]; 0 for an empty one."""
        return self._reduce(np.add)

    def smallest(self) -> np.ndarray:
        """Smallest number of each row, int64 [N]; 0 for an empty one."""
        return self._reduce(np.minimum)

    def largest(self) -> np.ndarray:
        """Largest number of each row, int64 [N]; 0 for an empty one."""
        return self._reduce(np.maximum)

    def unlike(self, totals: np.ndarray) -> np.ndarray:
        """Return the rows whose sum is not the one in totals [N], or that have a number below 1."""
        found = [np.zeros(0, dtype=np.int64)]
        # In pieces: whole columns of millions of rows would be the peak of what reading needs.
        for first in range(0, len(self), CHUNK):
            some = self[first : first + CHUNK]
            bad = (some.totals() != totals[first : first + CHUNK]) | (some.smallest() < 1)
            found.append(first + np.flatnonzero(bad))
        return np.concatenate(found)

    def _reduce(self, operation: np.ufunc) -> np.ndarray:
        results = np.zeros(len(self), dtype=np.int64)
        filled = np.flatnonzero(self.counts)
        for first in range(0, len(filled), CHUNK):
            rows = filled[first : first + CHUNK]
            counts = self.counts[rows].astype(np.int64)
            ends = np.cumsum(counts)
            places = np.arange(ends[-1]) + np.repeat(self.starts[rows] - (ends - counts), counts)
            results[rows] = operation.reduceat(self.values[places].astype(np.int64), ends - counts)
        return results


class RaggedBuilder:
    """Collects the rows of a Ragged one by one."""

    def __init__(self) -> None:
        # array grows in place, by a sixteenth at a time, and numpy reads it without a copy.
        self.values = array("i")
        self.counts = array("i")

    def append(self, row: Iterable[int]) -> None:
        """Add one row at the end."""
        before = len(self.values)
        self.values.extend(row)
        self.counts.append(len(self.values) - before)

    def finish(self) -> Ragged:
        """Return the rows; the builder takes no more."""
        counts = np.frombuffer(self.counts, dtype=np.int32)
        starts = np.cumsum(counts, dtype=np.int64)
        starts -= counts
        return Ragged(np.frombuffer(self.values, dtype=np.int32), starts, counts)


class Texts(Sequence[tuple[str, ...]]):
    """Texts as tuples of words, kept as int32 numbers into `words`, one row per text in `rows`."""

    def __init__(self, words: Sequence[str], rows: Ragged):
        self.words = words
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, i: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, i: slice) -> Texts: ...
    def __getitem__(self, i: int | slice) -> tuple[str, ...] | Texts:
        if isinstance(i, slice):
            return self.select(i)
        return tuple(map(self.words.__getitem__, self.rows[i].tolist()))

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return (self[i] for i in range(len(self)))

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each text, int64 [N]; nothing is spelt out."""
        return self.rows.counts.astype(np.int64)

    def numbers(self, i: int) -> np.ndarray:
        """Numbers of the words of text i in `words`, int64 [T]."""
        return self.rows[i]

    def occurrences(self) -> np.ndarray:
        """How often each of `words` occurs in these texts, int64 [len(words)]."""
        counts = np.zeros(len(self.words), dtype=np.int64)
        for first in range(0, len(self), CHUNK):
            some = [self.rows[i] for i in range(first, min(first + CHUNK, len(self)))]
            counts += np.bincount(np.concatenate(some), minlength=len(counts))
        return counts

    def select(self, index: Any) -> Texts:
        """Return these texts (positions, a boolean mask or a slice); words and numbers are shared."""
        return Texts(self.words, self.rows.select(index))


class Words:
    """Distinct words in the order in which they were met, and the number of each."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, word: str) -> int:
        """Return the number of a word, a new one if it was not met before."""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = len(self.words)
            self.words.append(word)
        return found


class Builder:
    """Collects Texts one by one. `known`: words to share with other builders."""

    def __init__(self, known: Words | None = None) -> None:
        self._known = Words() if known is None else known
        self._rows = RaggedBuilder()

    def append(self, tokens: Iterable[str]) -> None:
        """Add one text at the end."""
        refuse_string(tokens, "tokens")
        self._rows.append(map(self._known.number, tokens))

    def finish(self) -> Texts:
        """Return the texts; the builder takes no more."""
        return Texts(self._known.words, self._rows.finish())


class RowIds(Sequence[str]):
    """Ids made of a prefix and the number of a line: ``RowIds("yelp/train", lines)[0]`` is ``yelp/train/1``.

    lines: [N] integers; ValueError if one occurs twice.
    """

    def __init__(self, prefix: str, lines: np.ndarray | Sequence[int]):
        self.prefix = prefix
        self.lines = np.asarray(lines, dtype=np.int64)
        if (self.lines[1:] <= self.lines[:-1]).any():
            numbers, counts = np.unique(self.lines, return_counts=True)
            if (counts > 1).any():
                i = counts.argmax()
                raise ValueError(f"id '{prefix}/{numbers[i]}' occurs {counts[i]} times; ids must be unique")

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> RowIds: ...
    def __getitem__(self, i: int | slice) -> str | RowIds:
        return self.select(i) if isinstance(i, slice) else f"{self.prefix}/{self.lines[i]}"

    def select(self, rows: Any) -> RowIds:
        """Return the ids of these rows (positions, a boolean mask or a slice)."""
        return RowIds(self.prefix, self.lines[rows])
