"""The steps that all sets of documents share: from rows of text to a corpus whose texts have sentences.

Source: Serrano & Smith 2019, section 3 and their released code.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from attnlib.data import registry
from attnlib.data.building import provenance
from attnlib.data.compact import Builder, Ragged, RaggedBuilder, RowIds, Texts, Words
from attnlib.data.corpus import SPECIALS, Corpus, Split, Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.sentences import Segmenter
from attnlib.data.splitting import random_split

MIN_OCCURRENCES = 5
DEV_SHARE = 0.1
SEED = 5
TOKENS = (
    "Sentences by sentencex, tokens by spaCy's English rules in lower case; the paper split sentences with "
    "spaCy's parser.",
    "Vocabulary: words with at least 5 occurrences in train and dev together.",
)


class Row(NamedTuple):
    """One document as it is read: the end of its id (a number of a line, or a name), class and text."""

    name: int | str
    label: int
    text: str


@dataclass(frozen=True)
class Limits:
    """The longest documents kept in training: most sentences, most tokens in one sentence."""

    sentences: int
    tokens: int

    def note(self, dropped: int) -> str:
        """Return what a corpus says about the documents dropped."""
        return (
            f"Training documents of more than {self.sentences} sentences or with a sentence of more than "
            f"{self.tokens} tokens are left out, {dropped} of them; dev and test have all."
        )


class Columns:
    """The columns of a split that is being read. Arrays that grow are read by numpy without a copy."""

    def __init__(self, known: Words) -> None:
        self._texts, self._sentences = Builder(known), RaggedBuilder()
        self._names: list[str] = []
        self._numbers, self._labels = array("q"), array("q")

    def append(self, row: Row, tokens: tuple[str, ...], lengths: np.ndarray) -> None:
        """Add one document at the end."""
        self._texts.append(tokens)
        self._sentences.append(lengths.tolist())
        self._labels.append(row.label)
        if isinstance(row.name, int):
            self._numbers.append(row.name)
        else:
            self._names.append(row.name)

    def split(self, prefix: str) -> Split:
        """Return the documents, with the ids ``prefix/name``; no more can be added."""
        names = tuple(f"{prefix}/{name}" for name in self._names)
        return Split(
            ids=names or RowIds(prefix, np.frombuffer(self._numbers, dtype=np.int64)),
            texts=self._texts.finish(),
            labels=np.frombuffer(self._labels, dtype=np.int64),
            sentences=self._sentences.finish(),
        )


class Collector:
    """Turns rows into splits, one after the other, whose texts share one list of words.

    `left_out` counts the documents without a sentence.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._segment = Segmenter()
        self._known = Words()

    def collect(self, prefix: str, rows: Iterable[Row]) -> Split:
        """Return the rows as a split with the ids ``prefix/name``; those without a sentence are left out."""
        columns = Columns(self._known)
        for row, tokens, lengths in self._documents(rows):
            columns.append(row, tokens, lengths)
        return columns.split(prefix)

    def collect_with_dev(self, prefix: str, rows: Iterable[Row], limits: Limits) -> tuple[Split, Split, str]:
        """Return (train, dev, note): each row goes to dev with probability .1 (Amazon, Yelp; released code).

        Rows are named by their numbers, ascending; what is drawn for a row depends on its number alone, as in
        `draws`. Documents beyond the limits are dropped from train; the note says how many. Rows go to their
        part as they are read: of millions, every further copy of a column counts.
        """
        train, dev, dropped, number = Columns(self._known), Columns(self._known), 0, 0
        random = np.random.RandomState(SEED)
        for row, tokens, lengths in self._documents(rows):
            assert isinstance(row.name, int)
            drawn = random.random_sample(row.name - number)[-1]
            number = row.name
            if drawn < DEV_SHARE:
                dev.append(row, tokens, lengths)
            elif len(lengths) <= limits.sentences and lengths.max() <= limits.tokens:
                train.append(row, tokens, lengths)
            else:
                dropped += 1
        return train.split(prefix), dev.split(prefix), limits.note(dropped)

    def _documents(self, rows: Iterable[Row]) -> Iterator[tuple[Row, tuple[str, ...], np.ndarray]]:
        for row in rows:
            tokens, lengths = self._segment(row.text)
            if tokens:
                yield row, tokens, lengths
            else:
                self.left_out += 1


def draws(split: Split) -> np.ndarray:
    """Return one number in [0, 1) per text, float64 [N], that depends on its row number alone.

    So what other rows hold does not change which part a row is drawn for.
    """
    lines = split.ids.lines if isinstance(split.ids, RowIds) else np.arange(1, len(split) + 1)
    return np.random.RandomState(SEED).random_sample(int(lines.max(initial=0)))[lines - 1]


def exact_dev(split: Split, name: str, limits: Limits | None = None) -> tuple[Split, Split, str]:
    """Return (train, dev, note): a tenth of the documents, rounded up, drawn for dev.

    Documents beyond the limits are dropped from train; the note says how many. DataError if there is but one
    document.
    """
    try:
        train, dev = random_split(len(split), DEV_SHARE, SEED)
    except ValueError as error:
        raise DataError(f"{name}: too few training documents: {error}") from error
    if limits is None:
        return split.select(train), split.select(dev), ""
    fits = within(split, limits)[train]
    return split.select(train[fits]), split.select(dev), limits.note(int(np.sum(~fits)))


def within(split: Split, limits: Limits) -> np.ndarray:
    """Return which documents have at most so many sentences of at most so many tokens, bool [N]."""
    assert isinstance(split.sentences, Ragged)
    return (split.sentences.counts <= limits.sentences) & (split.sentences.largest() <= limits.tokens)


def vocabulary(splits: Sequence[Split]) -> Vocabulary:
    """Return the words with at least `MIN_OCCURRENCES` occurrences in splits of one collector."""
    texts = [cast(Texts, split.texts) for split in splits]
    words = texts[0].words
    assert all(t.words is words for t in texts)
    frequent = np.flatnonzero(sum(t.occurrences() for t in texts) >= MIN_OCCURRENCES).tolist()
    return Vocabulary(tuple(sorted(words[i] for i in frequent if words[i] not in SPECIALS)))


def corpus(
    name: str,
    splits: dict[str, Split],
    class_names: tuple[str, ...],
    data_set: registry.DataSet,
    files: dict[str, str],
    notes: Sequence[str],
    left_out: int,
) -> Corpus:
    """Return a corpus of the splits "train", "dev" and "test"; empty notes are dropped.

    The vocabulary is of train and dev. Raises DataError for a split without documents, or a class that no
    training document has; a class absent from dev or test is noted.
    """
    notes = [note for note in (*notes, *TOKENS) if note]
    if left_out:
        notes.append(f"{left_out} documents without a sentence are left out.")
    for part, split in splits.items():
        if not len(split):
            raise DataError(f"{name}: no document in {part}; the files hold too few. Restore them.")
        counts = np.bincount(split.labels, minlength=len(class_names))
        absent = [class_names[label] for label in np.flatnonzero(counts == 0)]
        if absent and part == "train":
            raise DataError(
                f"{name}: no training document of class {', '.join(absent)}; the file may be cut. Restore it."
            )
        if absent:
            notes.append(f"No document of {part} has the class {', '.join(absent)}.")
    return Corpus(
        name=name,
        task="classification",
        train=splits["train"],
        dev=splits["dev"],
        test=splits["test"],
        vocabulary=vocabulary([splits["train"], splits["dev"]]),
        class_names=class_names,
        provenance=provenance(data_set, files, notes),
    )
