"""Columns of a split that stay small in memory for millions of texts.

A token is kept as a number into a list of distinct words (4 bytes), an id as the number of its line. `Ragged`
and `RowIds` are sequences that spell an entry out when it is asked for; a selection of rows shares the
numbers of the whole.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from attnlib.checks import refuse_string

CHUNK = 10_000


class Ragged(Sequence[Any]):
    """Rows of unequal length: texts, or numbers such as the sentence lengths of each text.

    values: [M] int32, the numbers of all rows; starts, counts: [N], where each row lies in `values`. words:
    what the numbers stand for. Row i is a tuple of words, or without these int64 [counts[i]].
    """

    def __init__(
        self, values: np.ndarray, starts: np.ndarray, counts: np.ndarray, words: Sequence[str] | None = None
    ):
        self.values = values
        self.starts = np.asarray(starts, dtype=np.int64)
        self.counts = np.asarray(counts, dtype=np.int32)
        self.words = words

    @classmethod
    def in_a_row(cls, values: np.ndarray, counts: np.ndarray, words: Sequence[str] | None = None) -> Self:
        """Of values that are the rows one after another, each as long as counts [N] says."""
        return cls(values, np.cumsum(counts, dtype=np.int64) - counts, counts, words)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice | np.ndarray):
            return self.select(i)
        row = self.numbers(i)
        return row if self.words is None else tuple(map(self.words.__getitem__, row.tolist()))

    @property
    def lengths(self) -> np.ndarray:
        """How long each row is, int64 [N]."""
        return self.counts.astype(np.int64)

    def numbers(self, i: int) -> np.ndarray:
        """Row i as numbers, int64 [counts[i]]."""
        start = self.starts[i]
        return self.values[start : start + self.counts[i]].astype(np.int64)

    def select(self, rows: Any) -> Self:
        """These rows (positions, a boolean mask or a slice); the values are shared, not copied."""
        return type(self)(self.values, self.starts[rows], self.counts[rows], self.words)

    def reduced(self, operation: np.ufunc) -> np.ndarray:
        """Each row's numbers as one, int64 [N]: the sum for np.add, the largest for np.maximum; 0 if none."""
        results = np.zeros(len(self), dtype=np.int64)
        filled = np.flatnonzero(self.counts)
        # In pieces: whole columns of millions of rows would be the peak of what reading needs.
        for first in range(0, len(filled), CHUNK):
            rows = filled[first : first + CHUNK]
            counts = self.counts[rows]
            results[rows] = operation.reduceat(self.select(rows).joined(), np.cumsum(counts) - counts)
        return results

    def joined(self) -> np.ndarray:
        """The numbers of all rows, one after another, int64."""
        counts = self.lengths
        places = np.arange(counts.sum()) + np.repeat(self.starts - (np.cumsum(counts) - counts), counts)
        return self.values[places].astype(np.int64)

    def occurrences(self, n: int) -> np.ndarray:
        """How often each of the numbers 0 to n − 1 occurs, int64 [n]."""
        counts = np.zeros(n, dtype=np.int64)
        for first in range(0, len(self), CHUNK):
            counts += np.bincount(self[first : first + CHUNK].joined(), minlength=n)
        return counts


class Words(dict[str, int]):
    """Distinct words in the order in which they were met, and the number of each.

    >>> words = Words()
    >>> [words[word] for word in "to be or not to be".split()]
    [0, 1, 2, 3, 0, 1]
    """

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return self[word]

    def numbers(self, tokens: Iterable[str]) -> list[int]:
        """The number of each token; ValueError for a string, whose characters would pass for words."""
        refuse_string(tokens, "tokens")
        return [self[token] for token in tokens]


class Builder:
    """Collects the rows of a Ragged one by one: numbers, such as those that `Words` gives to a text."""

    def __init__(self) -> None:
        # array grows in place, by a sixteenth at a time, and numpy reads it without a copy.
        self._values, self._counts = array("i"), array("i")

    def append(self, row: Iterable[int]) -> None:
        """Add one row at the end."""
        before = len(self._values)
        self._values.extend(row)
        self._counts.append(len(self._values) - before)

    def finish(self, words: Sequence[str] | None = None) -> Ragged:
        """The rows, of these words; the builder takes no more."""
        counts = np.frombuffer(self._counts, dtype=np.int32)
        return Ragged.in_a_row(np.frombuffer(self._values, dtype=np.int32), counts, words)


class RowIds(Sequence[str]):
    """Ids made of a prefix and the number of a line; ValueError if one occurs twice.

    >>> RowIds("yelp/train", [1, 7])[1]
    'yelp/train/7'
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

    def __getitem__(self, i: Any) -> Any:
        return self.select(i) if isinstance(i, slice | np.ndarray) else f"{self.prefix}/{self.lines[i]}"

    def select(self, rows: Any) -> "RowIds":
        """The ids of these rows (positions, a boolean mask or a slice)."""
        return RowIds(self.prefix, self.lines[rows])
