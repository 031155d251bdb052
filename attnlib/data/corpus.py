"""Texts, labels and vocabulary as every model and experiment receives them."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import import_module
from typing import Any, Generic, Self, TypeVar, cast

import numpy as np

from attnlib.checks import check_at_least, numbers, one_of, refuse_string, tokens_of, whole_labels
from attnlib.data.columns import Ragged, RowIds

PAD, UNK, START, END = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<start>", "<end>")
PARTS = ("train", "dev", "test")
TASKS = ("classification", "question answering", "pair classification")
PAIRED = TASKS[1:]
# How far the sum of imposed weights may be from 1 before it is an error and not rounding; as in a Readout.
ATTENTION_TOLERANCE = 1e-4


class Columns:
    """What splits of all kinds share: columns with one entry per text or instance, some of them None."""

    ids: Sequence[str]
    labels: np.ndarray

    @property
    def columns(self) -> dict[str, Any]:
        """All columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(cast(Any, self))}

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        """One line: how many, which, and what is known of each."""
        there = [name for name, column in self.columns.items() if column is not None]
        which = f"{self.ids[0]} … {self.ids[-1]}; " if len(self) else ""
        return f"{type(self).__name__}({len(self)}: {which}{', '.join(there)})"

    def select(self, index: Sequence[int] | np.ndarray | slice) -> Self:
        """The entries at `index` (positions, a boolean mask or a slice), in that order."""
        if not isinstance(index, slice):
            index = np.asarray(index) if len(index) else np.zeros(0, dtype=np.int64)
        rows = np.arange(len(self))[index]

        def pick(column: Any) -> Any:
            if isinstance(column, np.ndarray | Ragged | RowIds):
                return column[rows]
            return None if column is None else tuple(column[i] for i in rows.tolist())

        return type(self)(**{name: pick(column) for name, column in self.columns.items()})

    def sample(self, limit: int | None, seed: int = 0) -> Self:
        """`limit` entries drawn without replacement, kept in order; all for None or a large limit.

        Raises ValueError if limit is below 1.
        """
        if limit is not None:
            check_at_least("limit", limit, 1)
        if limit is None or limit >= len(self):
            return self
        # RandomState: its stream is frozen across numpy versions, so a seed names the same rows for ever.
        return self.select(np.sort(np.random.RandomState(seed).permutation(len(self))[:limit]))

    def _check_columns(self, what: str, labels: Any, **texts: Any) -> None:
        """Set the labels; ValueError for columns of unequal length, ids that repeat, texts that are none.

        what: an entry is called in messages. Words kept as numbers (`Ragged`) were texts once.
        """
        object.__setattr__(self, "labels", whole_labels(labels, what))
        for name, column in texts.items():
            refuse_string(column, name, "column of texts", "give the tokens of each text")
            for row, text in enumerate(() if column is None or isinstance(column, Ragged) else column):
                tokens_of(text, f"{name}: row {row}")
        for name, column in self.columns.items():
            if column is not None and len(column) != len(self.ids):
                raise ValueError(f"{name} has {len(column)} entries for {len(self.ids)} ids")
        # Row ids are distinct by construction; spelling out millions of them would fill the memory.
        if not isinstance(self.ids, RowIds):
            refuse_string(self.ids, "ids", "list of names", f"give one to each {what}")
            if len(set(self.ids)) != len(self.ids):
                name, count = Counter(self.ids).most_common(1)[0]
                raise ValueError(f"id {name!r} occurs {count} times; ids must be unique")
        for name, question in zip(self.ids, texts.get("questions") or (), strict=False):
            if not question:
                raise ValueError(f"the question of {what} {name!r} is empty")

    def _refuse(self, wrong: Any, where: str, problem: str) -> None:
        """ValueError if any entry is wrong, bool [N], naming the first after `where`."""
        if wrong.any():
            raise ValueError(f"{where} {self.ids[int(wrong.argmax())]!r} {problem}")


@dataclass(frozen=True, eq=False, repr=False)
class Split(Columns):
    """One split of a corpus as columns, one entry per text.

    ids: stable names such as ``sst/test/17``; the number is the line of the official file, counted from 1
    before any filtering. texts: tokens without start, end or padding. labels: ``[N]`` int64 class numbers.
    questions: tokens; question answering and pairs (the hypothesis) only. evidence: per text int8 ``[T]``, +1
    where a token speaks for the gold label, -1 against, 0 neutral (bAbI: +1 on the tokens of supporting
    facts). candidates: per text the class numbers that may be the answer, int64, ascending; None: all may.
    sentences: per text the number of tokens of each of its sentences, int64 ``[S]``, all at least 1, together
    the text's. ids, texts and sentences may be the sequences of `attnlib.data.columns`, for large sets.
    attention: per text the weights imposed on its tokens, float64 ``[T]``, at least 0, their sum 1 (within
    1e-4, then normalised); `attnlib.data.imposed` puts them there. states: per text those of its words in a
    frozen encoder, ``[T, d]``; `attnlib.models.frozen` puts them there.

    Raises ValueError for columns of unequal length, repeated ids, an empty text or question, one that is a
    string or holds anything but strings, labels that are not integers, evidence of the wrong length or
    outside -1, 0, 1, a label that is no candidate, sentences that do not make up the text, or weights that
    are no distribution; the message names the text.

    >>> split = Split(ids=("a", "b"), texts=(("so", "good"), ("bad",)), labels=[1, 0])
    >>> len(split), split.lengths.tolist(), split.select([1]).ids
    (2, [2, 1], ('b',))
    """

    ids: Sequence[str]
    texts: Sequence[tuple[str, ...]]
    labels: np.ndarray
    questions: tuple[tuple[str, ...], ...] | None = None
    evidence: tuple[np.ndarray, ...] | None = None
    candidates: tuple[np.ndarray, ...] | None = None
    sentences: Sequence[np.ndarray] | None = None
    attention: tuple[np.ndarray, ...] | None = None
    states: Sequence[np.ndarray] | None = None

    def __post_init__(self) -> None:
        self._check_columns("text", self.labels, texts=self.texts, questions=self.questions)
        lengths = self.lengths
        self._refuse(lengths == 0, "text", "is empty; drop it or give it at least one token")
        if (given := self.states) is not None:
            held = given.counts if isinstance(given, Ragged) else np.array([len(row) for row in given])
            self._refuse(held != lengths, "text", "has states for another number of words")
        for column, checked in CELLS.items():
            given = getattr(self, column)
            rows: Iterable[int] = range(len(self))
            if isinstance(given, Ragged):
                wrong = (given.reduced(np.add) != lengths) | (given.reduced(np.minimum) < 1)
                rows = np.flatnonzero(wrong).tolist()
            cells = []
            for i in () if given is None else rows:
                try:
                    cells.append(checked(given[i], int(lengths[i]), int(self.labels[i])))
                except ValueError as error:
                    raise ValueError(f"{column} of {self.ids[i]!r} {error}") from None
            if given is not None and not isinstance(given, Ragged):
                object.__setattr__(self, column, tuple(cells))

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each text, int64 [N]."""
        if isinstance(self.texts, Ragged):
            return self.texts.lengths
        return np.fromiter(map(len, self.texts), dtype=np.int64, count=len(self.texts))


def _evidence(given: Any, length: int, label: int) -> np.ndarray:
    marks = np.asarray(given)
    if marks.shape != (length,):
        raise ValueError(f"has shape {marks.shape} for {length} tokens")
    if ((marks != 0) & (np.abs(marks) != 1)).any():
        raise ValueError("holds values other than -1, 0, 1")
    return marks.astype(np.int8)


def _candidates(given: Any, length: int, label: int) -> np.ndarray:
    classes = np.array(given, dtype=np.int64)
    if label not in classes or (np.diff(classes) <= 0).any():
        raise ValueError(f"must be distinct class numbers, ascending, and hold its label {label}")
    return classes


def _sentences(given: Any, length: int, label: int) -> np.ndarray:
    counts = np.asarray(given)
    whole = counts.ndim == 1 and np.issubdtype(counts.dtype, np.integer)
    if not whole or counts.sum() != length or (counts < 1).any():
        raise ValueError(f"are {counts.tolist()}; give integers ≥ 1 that sum to the text's {length} tokens")
    return counts.astype(np.int64)


def _attention(given: Any, length: int, label: int) -> np.ndarray:
    weights = numbers(given, "is")
    if weights.shape != (length,):
        raise ValueError(f"has shape {weights.shape} for {length} tokens")
    total = weights.sum()
    # Written so that NaN, which compares as False, is refused.
    if not ((weights >= 0).all() and abs(total - 1) <= ATTENTION_TOLERANCE):
        found = f"its least weight is {weights.min():g}, its sum {total:.8g}"
        raise ValueError(f"must be at least 0 and sum to 1 within {ATTENTION_TOLERANCE:g}; {found}")
    return weights / total


# By column: what makes an array of one text's cell, given the text's length and label; ValueError says what
# is wrong with it.
CELLS = {"evidence": _evidence, "candidates": _candidates, "sentences": _sentences, "attention": _attention}


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """Words and their ids: 0 ``<pad>``, 1 ``<unk>``, 2 ``<start>``, 3 ``<end>``, words from 4, sorted.

    `words` holds the words alone; ``len()`` counts the four special symbols too.

    >>> Vocabulary(("bad", "good")).encode(["so", "good"])
    [2, 1, 5, 3]
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        tokens_of(self.words, "words")
        if list(self.words) != sorted(set(self.words)):
            raise ValueError("vocabulary words must be sorted and distinct; use Vocabulary.build")
        if special := sorted(set(self.words) & set(SPECIALS)):
            raise ValueError(f"{special} cannot be vocabulary words: these are names of special symbols")

    def __len__(self) -> int:
        return len(self.words) + len(SPECIALS)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.words)} words)"

    @cached_property
    def index(self) -> dict[str, int]:
        """Id of every word and special symbol."""
        return {word: number for number, word in enumerate(SPECIALS + self.words)}

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """Return ids with start and end added: ``len(tokens) + 2``; unknown words become ``<unk>``."""
        refuse_string(tokens, "tokens")
        index = self.index
        ids = [index.get(token, UNK) for token in tokens]
        # A token spelt like a special symbol is text, not a symbol.
        return [START, *(i if i >= len(SPECIALS) else UNK for i in ids), END]

    @classmethod
    def build(
        cls, texts: Iterable[Sequence[str]], min_documents: int = 1, min_occurrences: int = 1
    ) -> "Vocabulary":
        """Return the words in at least `min_documents` texts that occur at least `min_occurrences` times.

        Give the train split only; for question answering also its questions (Jain & Wallace's released code);
        for Serrano & Smith train and dev. Raises ValueError if a minimum is below 1.
        """
        check_at_least("min_documents", min_documents, 1)
        check_at_least("min_occurrences", min_occurrences, 1)
        documents: Counter[str] = Counter()
        occurrences: Counter[str] = Counter()
        for row, text in enumerate(texts):
            tokens_of(text, f"texts: row {row}")
            documents.update(set(text))
            occurrences.update(text)
        kept = {w for w, n in occurrences.items() if n >= min_occurrences and documents[w] >= min_documents}
        return cls(tuple(sorted(kept - set(SPECIALS))))


S = TypeVar("S", bound=Columns)


class Parts(Generic[S]):
    """What corpora of all kinds share: a name, three splits and class names."""

    name: str
    train: S
    dev: S
    test: S
    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        """One line: name, and how many of what."""
        sizes = ", ".join(f"{len(split)} {name}" for name, split in self.splits.items())
        return f"{type(self).__name__}({self.name!r}: {sizes}; {len(self.class_names)} classes)"

    @property
    def splits(self) -> dict[str, S]:
        """The three splits by name."""
        return {part: getattr(self, part) for part in PARTS}

    @cached_property
    def checksum(self) -> str:
        """Sha256 (hex) of all that a model can depend on: texts, labels, classes, words, weights, regions.

        States of a frozen encoder follow from the texts and the encoder, which has a name of its own.
        """
        digest = hashlib.sha256()
        for item in self._content():
            digest.update(item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n")
        return digest.hexdigest()

    def _content(self) -> Iterator[Any]:
        """Yield what the checksum is of: bytes, or what JSON can hold."""
        raise NotImplementedError

    def _check_parts(self, what: str) -> None:
        """ValueError for an empty split or a label outside the classes; what: an entry is called."""
        refuse_string(self.class_names, "class_names", "list of names", "give one to each class")
        n = len(self.class_names)
        for part, split in self.splits.items():
            if not len(split):
                raise ValueError(f"{self.name}: split {part!r} has no {what}s")
            wrong = (split.labels < 0) | (split.labels >= n)
            outside = f"has label {split.labels[wrong.argmax()]}, outside the {n} classes 0-{n - 1}"
            split._refuse(wrong, f"{self.name}: split {part!r}, {what}", outside)


@dataclass(frozen=True, eq=False, repr=False)
class Corpus(Parts[Split]):
    """A data set ready for a model: three splits, a vocabulary, class names and where it all comes from.

    provenance holds source, licence, citation, notes, and `files` (relative path: sha256) or `settings` of a
    generator. Raises ValueError for an unknown task, an empty split, question answering or pairs without
    questions, or a label or candidate outside the classes (the message names split, id and label).
    """

    name: str
    task: str
    train: Split
    dev: Split
    test: Split
    vocabulary: Vocabulary
    class_names: tuple[str, ...]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        one_of("task", self.task, TASKS)
        self._check_parts("text")
        n = len(self.class_names)
        for part, split in self.splits.items():
            if self.paired and split.questions is None:
                raise ValueError(f"{self.name}: split {part!r} has no questions")
            outside = np.array([given[0] < 0 or given[-1] >= n for given in split.candidates or ()])
            problem = f"has candidates outside the {n} classes"
            split._refuse(outside, f"{self.name}: split {part!r}, text", problem)

    # By name: what reads files is no part of what a model works with.
    @staticmethod
    def from_frame(frame: Any, name: str = "frame") -> "Corpus":
        """The corpus of a pandas frame with the columns text and label, and further ones (`data.own`).

        A text is a string, cut at spaces, or a list of tokens. Raises DataError, with the row.

        >>> import pandas as pd
        >>> frame = pd.DataFrame({"text": ["so good", "so bad"] * 20, "label": ["yes", "no"] * 20})
        >>> corpus = Corpus.from_frame(frame)
        >>> corpus.class_names, len(corpus.train), len(corpus.dev), len(corpus.test)
        (('no', 'yes'), 28, 4, 8)
        """
        return import_module("attnlib.data.own").of_frame(frame, name)

    @staticmethod
    def from_csv(path: Any) -> "Corpus":
        """The corpus of a file: .csv, or .tsv, .jsonl or .parquet (`data.own`); named as it is."""
        return import_module("attnlib.data.own").load(str(path))

    @property
    def paired(self) -> bool:
        """Whether a model reads two texts: a passage and a question, or a premise and a hypothesis."""
        return self.task in PAIRED

    def _content(self) -> Iterator[Any]:
        yield [self.task, self.class_names, self.vocabulary.words]
        for name, split in self.splits.items():
            yield [name, len(split), split.labels.tolist()]
            for i, text_id in enumerate(split.ids):
                question = split.questions[i] if split.questions is not None else None
                evidence = split.evidence[i].tobytes().hex() if split.evidence is not None else None
                yield [text_id, split.texts[i], question, evidence]
                for column in (split.candidates, split.sentences):
                    if column is not None:
                        yield column[i].tolist()
                if split.attention is not None:
                    yield split.attention[i].tobytes().hex()
