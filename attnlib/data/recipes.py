"""From the rows of a data set to a corpus: the steps that all loaders share.

A loader yields rows; `flat` and `documents` cut them into tokens, divide them into train, dev and test, leave
out what is too short or too long, and build the vocabulary. Sources: Jain & Wallace 2019 for flat texts and
pairs, Serrano & Smith 2019 (section 3) for documents, and their released code.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np

from attnlib.data.catalogue import DATA_SETS
from attnlib.data.columns import Builder, Ragged, RowIds, Words
from attnlib.data.corpus import SPECIALS, Corpus, Split, Vocabulary
from attnlib.data.errors import DataError, needed
from attnlib.data.tokens import Segmenter, clean

SEED, DEV_SHARE = 5, 0.1
MIN_OCCURRENCES = 5
TOKENS = (
    "Sentences by sentencex, tokens by spaCy's English rules in lower case; the paper split sentences with "
    "spaCy's parser.",
    "Vocabulary: words with at least 5 occurrences in train and dev together.",
)

Parts = dict[str, Split]
Divide = Callable[[Parts], Parts]


class Row(NamedTuple):
    """One text as it is read.

    name: a whole id, or the number of a line, of which the frame makes the id ``<corpus>/<part>/<number>``.
    label: class number. text, question: a string to be cut, or tokens. evidence, candidates: as in `Split`.
    """

    name: int | str
    label: int
    text: str | Sequence[str]
    question: str | Sequence[str] | None = None
    evidence: np.ndarray | None = None
    candidates: np.ndarray | None = None


@dataclass(frozen=True)
class Limits:
    """The longest documents kept in training: most sentences, most tokens in one sentence."""

    sentences: int
    tokens: int


def flat(
    name: str,
    source: str,
    parts: Mapping[str, Iterable[Row]],
    class_names: Sequence[str],
    files: Mapping[str, str],
    notes: Sequence[str],
    *,
    tokenize: Callable[[str], Sequence[str]] = clean,
    divide: Divide | None = None,
    length: tuple[int | None, int | None] | None = None,
    min_documents: int = 1,
    also: Iterable[str] = (),
    task: str = "classification",
    prefix: str | None = None,
    large: bool = False,
) -> Corpus:
    """A corpus of texts, or of pairs of texts, without sentences; rows left without a word are left out.

    source: name of the data set in the catalogue. parts: rows by part, which `divide` makes "train", "dev"
    and "test"; None: they are. files: path and sha256, for provenance, as are notes, to which the rows may
    still add while they are read. length: keep texts of every part with ``length[0] < T < length[1]`` tokens;
    None inside is the part's own shortest or longest. The vocabulary is of the training texts and questions,
    those included that this drops (released code): words of at least `min_documents` of them, and `also`.
    prefix: of the ids, in place of the name. large: keep texts compact in memory.

    Raises DataError if there are too few texts to divide, or a part has none left.
    """
    known = lru_cache(maxsize=20_000)(tokenize)

    def cut(text: str | Sequence[str]) -> tuple[Sequence[str], None]:
        return known(text) if isinstance(text, str) else text, None

    splits = _divided(name, _read(prefix or name, parts, cut, large)[0], divide)
    train = splits["train"]
    words = Vocabulary.build([*train.texts, *(train.questions or ())], min_documents).words
    for part, split in splits.items():
        splits[part] = filter_by_length(split, *length) if length else split
        if not len(splits[part]):
            raise DataError(
                f"{name}: none of {len(split)} {part} texts is left, of lengths within {length}; a file may "
                "be cut. Restore the files."
            )
    vocabulary = Vocabulary(tuple(sorted({*words, *also})))
    return Corpus(
        name,
        task,
        **splits,
        vocabulary=vocabulary,
        class_names=tuple(class_names),
        provenance=_provenance(source, files, notes),
    )


def documents(
    name: str,
    source: str,
    parts: Mapping[str, Iterable[Row]],
    class_names: Sequence[str],
    files: Mapping[str, str],
    notes: Sequence[str],
    *,
    divide: Divide | None = None,
    limits: Limits | None = None,
    prefix: str | None = None,
) -> Corpus:
    """A corpus of texts whose sentences are known; rows without a sentence are left out, as a note says.

    Arguments as in `flat`; limits: longer documents are left out of train, as a note says. The vocabulary is
    of train and dev. Raises DataError if there are too few documents to divide, a part has none, or no
    training document has one of the classes; a class absent from dev or test is noted.
    """
    splits, left_out = _read(prefix or name, parts, Segmenter(), large=True)
    # Under the same name: of millions of documents every further copy of a column counts.
    splits = _divided(name, splits, divide)
    more = []
    if limits is not None:
        fits = within(splits["train"], limits)
        splits["train"] = splits["train"].select(fits)
        more.append(
            f"Training documents of more than {limits.sentences} sentences or with a sentence of more than "
            f"{limits.tokens} tokens are left out, {(~fits).sum()} of them; dev and test have all."
        )
    more += TOKENS
    more += [f"{left_out} documents without a sentence are left out."] if left_out else []
    for part, split in splits.items():
        counts = np.bincount(split.labels, minlength=len(class_names))
        absent = ", ".join(class_names[label] for label in np.flatnonzero(counts == 0).tolist())
        if not len(split) or (absent and part == "train"):
            raise DataError(
                f"{name}: no document in {part} of class {absent}; a file may be cut. Restore the files."
            )
        more += [f"No document of {part} has the class {absent}."] if absent else []
    known = cast(Ragged, splits["train"].texts).words or ()
    train, dev = (cast(Ragged, splits[part].texts).occurrences(len(known)) for part in ("train", "dev"))
    words = tuple(
        sorted({known[i] for i in np.flatnonzero(train + dev >= MIN_OCCURRENCES).tolist()} - set(SPECIALS))
    )
    return Corpus(
        name,
        "classification",
        **splits,
        vocabulary=Vocabulary(words),
        class_names=tuple(class_names),
        provenance=_provenance(source, files, [*notes, *more]),
    )


def _read(
    prefix: str, parts: Mapping[str, Iterable[Row]], cut: Callable[[Any], tuple[Any, Any]], large: bool
) -> tuple[Parts, int]:
    """The rows of each part as a split, all with one list of words, and how many rows had no word.

    cut: from a text to tokens and the lengths of its sentences, or None. large: keep texts compact.
    """
    known, left_out = Words(), 0
    read = {part: _Columns(known) for part in parts}
    for part, rows in parts.items():
        for row in rows:
            text, sentences = cut(row.text)
            question = None if row.question is None else cut(row.question)[0]
            if len(text) and (question is None or len(question)):
                read[part].append(row, texts=text, questions=question, sentences=sentences)
            else:
                left_out += 1
    words = tuple(known)
    prefixes = {part: f"{prefix}/{part}" if part else prefix for part in parts}
    return {part: read[part].split(prefixes[part], words, large) for part in parts}, left_out


class _Columns:
    """The columns of a split that is being read. Arrays that grow are read by numpy without a copy."""

    def __init__(self, known: Words) -> None:
        self._ids: list[str] = []
        self._lines, self._labels = array("q"), array("q")
        self._spelt = {name: Builder(known) for name in ("texts", "questions")}
        self._numbers = {name: Builder() for name in ("evidence", "candidates", "sentences")}

    def append(self, row: Row, **cells: Any) -> None:
        """Add one text at the end."""
        if isinstance(row.name, int):
            self._lines.append(row.name)
        else:
            self._ids.append(row.name)
        self._labels.append(row.label)
        cells |= {"evidence": row.evidence, "candidates": row.candidates}
        for name, builder in (self._spelt | self._numbers).items():
            if cells[name] is not None:
                builder.append(cells[name])

    def split(self, prefix: str, words: Sequence[str], large: bool) -> Split:
        """The texts, with the ids ``prefix/line`` where they have no other; no more can be added."""
        columns: dict[str, Any] = {"ids": RowIds(prefix, np.frombuffer(self._lines, dtype=np.int64))}
        if self._ids:
            columns["ids"] = tuple(self._ids)
        columns |= {name: builder.finish(words) for name, builder in self._spelt.items()}
        columns |= {name: builder.finish() for name, builder in self._numbers.items()}
        if not large:
            columns = {name: tuple(column) for name, column in columns.items()}
        held = {name: column for name, column in columns.items() if len(column) or name in ("ids", "texts")}
        return Split(**held, labels=np.frombuffer(self._labels, dtype=np.int64))


def _divided(name: str, parts: Parts, divide: Divide | None) -> Parts:
    try:
        return divide(parts) if divide else parts
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{name}: too few texts to divide: {error}") from error


def _provenance(source: str, files: Mapping[str, str], notes: Iterable[str]) -> dict[str, Any]:
    data_set = DATA_SETS[source]
    origin = {"source": data_set.address, "licence": data_set.licence, "citation": data_set.citation}
    return origin | {"files": dict(files), "notes": list(notes)}


def filter_by_length(split: Split, minimum: int | None = None, maximum: int | None = None) -> Split:
    """Keep texts with ``minimum < T < maximum`` tokens; None is the split's own shortest or longest.

    Strict on both ends, so with None the shortest or longest texts of the split are dropped. Source: the
    released code; the paper does not say it.
    """
    lengths = split.lengths
    if not len(split):
        return split
    low = lengths.min() if minimum is None else minimum
    high = lengths.max() if maximum is None else maximum
    return split.select((lengths > low) & (lengths < high))


def within(split: Split, limits: Limits) -> np.ndarray:
    """Which documents have at most so many sentences of at most so many tokens, bool [N]."""
    if not len(split):
        return np.zeros(0, dtype=np.bool_)
    assert isinstance(split.sentences, Ragged)
    return (split.sentences.counts <= limits.sentences) & (
        split.sentences.reduced(np.maximum) <= limits.tokens
    )


def draws(split: Split) -> np.ndarray:
    """One number in [0, 1) per text, float64 [N], that depends on its row number alone.

    So what other rows hold does not change which part a row is drawn for.
    """
    lines = split.ids.lines if isinstance(split.ids, RowIds) else np.arange(1, len(split) + 1)
    return np.random.RandomState(SEED).random_sample(int(lines.max(initial=0)))[lines - 1]


def random_split(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(kept, held out) row numbers, each ascending; ``ceil(share · n)`` of the n rows are held out.

    The rows are those of scikit-learn's ``train_test_split``, with which the papers' authors drew theirs,
    from numpy's frozen RandomState stream. Raises ValueError if either part would be empty.

    >>> random_split(5, 0.2, seed=0)
    (array([0, 1, 3, 4]), array([2]))
    """
    n_held = math.ceil(share * n)
    if not 0 < n_held < n:
        raise ValueError(f"cannot hold {share:.0%} out of {n} text(s): one part would be empty")
    order = np.random.RandomState(seed).permutation(n)
    return np.sort(order[n_held:]), np.sort(order[:n_held])


def held_out(share: float = DEV_SHARE, seed: int = SEED) -> Divide:
    """How to divide texts whose test part is known: a share of train, rounded up, is drawn for dev."""

    def divide(parts: Parts) -> Parts:
        train, dev = random_split(len(parts["train"]), share, seed)
        return parts | {"train": parts["train"].select(train), "dev": parts["train"].select(dev)}

    return divide


def by_class(test: tuple[float, int], dev: tuple[float, int]) -> Divide:
    """How to divide texts of one part, each class in proportion: test is drawn first, then dev of the rest.

    test, dev: (share, seed).
    """

    def divide(parts: Parts) -> Parts:
        draw = needed("sklearn.model_selection", "drawing texts by class").train_test_split
        (every,) = parts.values()
        rest, rows = np.arange(len(every)), {}
        for part, (share, seed) in (("test", test), ("dev", dev)):
            rest, rows[part] = draw(rest, test_size=share, random_state=seed, stratify=every.labels[rest])
        return {part: every.select(np.sort(index)) for part, index in {"train": rest, **rows}.items()}

    return divide
