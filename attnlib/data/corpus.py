"""Texts, labels and vocabulary as every model and experiment receives them."""

from __future__ import annotations

import hashlib
import json
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attnlib.checks import numbers, refuse_string, tokens_of, whole_labels
from attnlib.data.compact import Ragged, RowIds, Texts

PAD, UNK, START, END = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<start>", "<end>")
TASKS = ("classification", "question answering", "pair classification")
PAIRED = TASKS[1:]
# How far the sum of imposed weights may be from 1 before it is an error and not rounding; as in a Readout.
ATTENTION_TOLERANCE = 1e-4


def check_columns(split: Any, names: Iterable[str]) -> None:
    """ValueError for a column, unless it is None, that is not as long as `split.ids`."""
    for name in names:
        column = getattr(split, name)
        if column is not None and len(column) != len(split.ids):
            raise ValueError(f"{name} has {len(column)} entries for {len(split.ids)} ids")


def check_distinct(ids: Sequence[str]) -> None:
    """ValueError for an id that occurs twice."""
    if len(set(ids)) != len(ids):
        name, count = Counter(ids).most_common(1)[0]
        raise ValueError(f"id {name!r} occurs {count} times; ids must be unique")


def check_tokens(split: Any, names: Iterable[str]) -> None:
    """ValueError for a column of texts, unless it is None, of which one is a string or holds no tokens.

    Words kept as numbers (`Texts`) were texts once.
    """
    for name in names:
        column = getattr(split, name)
        refuse_string(column, name, "column of texts", "give the tokens of each text")
        if column is not None and not isinstance(column, Texts):
            for row, text in enumerate(column):
                tokens_of(text, f"{name}: row {row}")


def check_classes(split: Any, n_classes: int, where: str) -> None:
    """ValueError for a label outside the classes; `where` stands before the id."""
    outside = np.flatnonzero((split.labels < 0) | (split.labels >= n_classes))
    if outside.size:
        i = outside[0]
        raise ValueError(
            f"{where} {split.ids[i]!r} has label {split.labels[i]}, outside the {n_classes} classes "
            f"0-{n_classes - 1}"
        )


def positions(index: Sequence[int] | np.ndarray | slice, n: int) -> np.ndarray:
    """Row numbers that positions, a boolean mask or a slice pick out of n."""
    if not isinstance(index, slice):
        index = np.asarray(index) if len(index) else np.zeros(0, dtype=np.int64)
    return np.arange(n)[index]


def drawn_rows(n: int, limit: int | None, seed: int) -> np.ndarray | None:
    """`limit` of n rows drawn without replacement, in order; None for all, that is no or a large limit.

    Raises ValueError if limit is below 1.
    """
    if limit is not None and operator.index(limit) < 1:
        raise ValueError(f"limit must be at least 1, or None for all; got {limit}")
    if limit is None or limit >= n:
        return None
    # RandomState: its stream is frozen across numpy versions, so a seed names the same rows for ever.
    return np.sort(np.random.RandomState(seed).permutation(n)[:limit])


@dataclass(frozen=True, eq=False)
class Split:
    """One split of a corpus as columns, one entry per text.

    ids: stable names such as ``sst/test/17``; the number is the line of the official file, counted from 1
    before any filtering. texts: tokens without start, end or padding. labels: ``[N]`` int64 class numbers.
    questions: tokens; question answering and pairs (the hypothesis) only. evidence: per text int8 ``[T]``, +1
    where a token speaks for the gold label, -1 against, 0 neutral (bAbI: +1 on the tokens of supporting
    facts). candidates: per text the class numbers that may be the answer, int64, ascending; None: all may.
    sentences: per text the number of tokens of each of its sentences, int64 ``[S]``, all at least 1, together
    the text's. ids, texts and sentences may be the sequences of `attnlib.data.compact`, for large sets.
    attention: per text the weights imposed on its tokens, float64 ``[T]``, at least 0, their sum 1 (within
    1e-4, then normalised); `attnlib.data.imposed` puts them there.

    Raises ValueError for columns of unequal length, repeated ids, an empty text or question, one that is a
    string or holds anything but strings, labels that are not integers, evidence of the wrong length or
    outside -1, 0, 1, a label that is no candidate, sentences that do not make up the text, or weights that
    are no distribution; the message names the text.
    """

    ids: Sequence[str]
    texts: Sequence[tuple[str, ...]]
    labels: np.ndarray
    questions: tuple[tuple[str, ...], ...] | None = None
    evidence: tuple[np.ndarray, ...] | None = None
    candidates: tuple[np.ndarray, ...] | None = None
    sentences: Sequence[np.ndarray] | None = None
    attention: tuple[np.ndarray, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", whole_labels(self.labels, "text"))
        check_tokens(self, ("texts", "questions"))
        check_columns(
            self, ("texts", "labels", "questions", "evidence", "candidates", "sentences", "attention")
        )
        # Row ids are distinct by construction; spelling out millions of them would fill the memory.
        if not isinstance(self.ids, RowIds):
            refuse_string(self.ids, "ids", "list of names", "give one to each text")
            check_distinct(self.ids)
        if (empty := np.flatnonzero(self.lengths == 0)).size:
            name = self.ids[int(empty[0])]
            raise ValueError(f"text {name!r} is empty; drop it or give it at least one token")
        for name, question in zip(self.ids, self.questions or (), strict=False):
            if not question:
                raise ValueError(f"the question of text {name!r} is empty")
        if self.evidence is not None:
            marks = tuple(np.asarray(m) for m in self.evidence)
            for name, text, mark in zip(self.ids, self.texts, marks, strict=True):
                if mark.shape != (len(text),):
                    raise ValueError(f"evidence of {name!r} has shape {mark.shape} for {len(text)} tokens")
            if marks and not np.isin(np.concatenate(marks), (-1, 0, 1)).all():
                name = next(
                    i for i, m in zip(self.ids, marks, strict=True) if not np.isin(m, (-1, 0, 1)).all()
                )
                raise ValueError(f"evidence of {name!r} holds values other than -1, 0, 1")
            object.__setattr__(self, "evidence", tuple(m.astype(np.int8) for m in marks))
        if self.candidates is not None:
            allowed = tuple(np.array(c, dtype=np.int64) for c in self.candidates)
            for name, label, classes in zip(self.ids, self.labels, allowed, strict=True):
                if label not in classes or (np.diff(classes) <= 0).any():
                    raise ValueError(
                        f"candidates of {name!r} must be distinct class numbers, ascending, and hold its "
                        f"label {label}"
                    )
            object.__setattr__(self, "candidates", allowed)
        if self.sentences is not None:
            object.__setattr__(self, "sentences", self._checked_sentences(self.sentences))
        if self.attention is not None:
            object.__setattr__(self, "attention", self._checked_attention(self.attention))

    def _checked_attention(self, attention: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        kept = []
        for name, n, given in zip(self.ids, self.lengths, attention, strict=True):
            weights = numbers(given, f"attention of {name!r} is")
            if weights.shape != (n,):
                raise ValueError(f"attention of {name!r} has shape {weights.shape} for {n} tokens")
            total = weights.sum()
            # Written so that NaN, which compares as False, is refused.
            if not ((weights >= 0).all() and abs(total - 1) <= ATTENTION_TOLERANCE):
                raise ValueError(
                    f"attention of {name!r} must be at least 0 and sum to 1 within {ATTENTION_TOLERANCE:g}; "
                    f"its least weight is {weights.min():g}, its sum {total:.8g}"
                )
            kept.append(weights / total)
        return tuple(kept)

    def _checked_sentences(self, sentences: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        lengths = self.lengths
        if isinstance(sentences, Ragged):
            wrong = sentences.unlike(lengths)
        else:
            sentences = tuple(np.asarray(s) for s in sentences)
            wrong = np.array(
                [
                    i
                    for i, (s, n) in enumerate(zip(sentences, lengths, strict=True))
                    if s.ndim != 1 or not np.issubdtype(s.dtype, np.integer) or s.sum() != n or (s < 1).any()
                ]
            )
        if wrong.size:
            i = int(wrong[0])
            raise ValueError(
                f"sentences of {self.ids[i]!r} are {np.asarray(sentences[i]).tolist()}; they must be "
                f"integers of at least 1 that sum to the text's {lengths[i]} tokens"
            )
        if isinstance(sentences, tuple):
            return tuple(s.astype(np.int64) for s in sentences)
        return sentences

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each text, int64 [N]."""
        if isinstance(self.texts, Texts):
            return self.texts.lengths
        return np.fromiter(map(len, self.texts), dtype=np.int64, count=len(self.texts))

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, index: Sequence[int] | np.ndarray | slice) -> Split:
        """Return the texts at `index` (positions, a boolean mask or a slice), in that order."""
        rows = positions(index, len(self))

        def pick(column: Any) -> Any:
            if column is None or isinstance(column, RowIds | Texts | Ragged):
                return column if column is None else column.select(rows)
            return tuple(column[i] for i in rows.tolist())

        return Split(
            ids=pick(self.ids),
            texts=pick(self.texts),
            labels=self.labels[rows],
            questions=pick(self.questions),
            evidence=pick(self.evidence),
            candidates=pick(self.candidates),
            sentences=pick(self.sentences),
            attention=pick(self.attention),
        )

    def sample(self, limit: int | None, seed: int = 0) -> Split:
        """Return `limit` texts drawn without replacement, kept in order; all for None or a large limit.

        Raises ValueError if limit is below 1.
        """
        drawn = drawn_rows(len(self), limit, seed)
        return self if drawn is None else self.select(drawn)


@dataclass(frozen=True)
class Vocabulary:
    """Words and their ids: 0 ``<pad>``, 1 ``<unk>``, 2 ``<start>``, 3 ``<end>``, words from 4, sorted.

    `words` holds the words alone; ``len()`` counts the four special symbols too.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        tokens_of(self.words, "words")
        if list(self.words) != sorted(set(self.words)):
            raise ValueError("vocabulary words must be sorted and distinct; use Vocabulary.build")
        special = set(self.words) & set(SPECIALS)
        if special:
            raise ValueError(
                f"{sorted(special)} cannot be vocabulary words: the names are taken by special symbols"
            )

    def __len__(self) -> int:
        return len(self.words) + len(SPECIALS)

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

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the words and special symbols with these ids; ValueError for an unknown id."""
        symbols = SPECIALS + self.words
        tokens = []
        for i in ids:
            if not 0 <= i < len(symbols):
                raise ValueError(f"id {i} is outside the vocabulary of {len(symbols)} symbols")
            tokens.append(symbols[i])
        return tokens

    @classmethod
    def build(
        cls, texts: Iterable[Sequence[str]], min_documents: int = 1, min_occurrences: int = 1
    ) -> Vocabulary:
        """Return the words in at least `min_documents` texts that occur at least `min_occurrences` times.

        Give the train split only; for question answering also its questions (Jain & Wallace's released code);
        for Serrano & Smith train and dev. Raises ValueError if a minimum is below 1.
        """
        for name, least in (("min_documents", min_documents), ("min_occurrences", min_occurrences)):
            if least < 1:
                raise ValueError(f"{name} must be at least 1, got {least}")
        documents: Counter[str] = Counter()
        occurrences: Counter[str] = Counter()
        for row, text in enumerate(texts):
            tokens_of(text, f"texts: row {row}")
            if min_documents > 1:
                documents.update(set(text))
            occurrences.update(text)
        return cls(
            tuple(
                sorted(
                    word
                    for word, n in occurrences.items()
                    if n >= min_occurrences
                    and (min_documents == 1 or documents[word] >= min_documents)
                    and word not in SPECIALS
                )
            )
        )


@dataclass(frozen=True, eq=False)
class Corpus:
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
        if self.task not in TASKS:
            raise ValueError(f"unknown task {self.task!r}; known: {', '.join(TASKS)}")
        refuse_string(self.class_names, "class_names", "list of names", "give one to each class")
        for split_name, split in self.splits.items():
            if not len(split):
                raise ValueError(f"{self.name}: split {split_name!r} has no texts")
            if self.paired and split.questions is None:
                raise ValueError(f"{self.name}: split {split_name!r} has no questions")
            check_classes(split, len(self.class_names), f"{self.name}: split {split_name!r}, text")
            for name, classes in zip(split.ids, split.candidates or (), strict=False):
                if classes[0] < 0 or classes[-1] >= len(self.class_names):
                    raise ValueError(
                        f"{self.name}: split {split_name!r}, text {name!r} has candidates outside the "
                        f"{len(self.class_names)} classes"
                    )

    @property
    def paired(self) -> bool:
        """Whether a model reads two texts: a passage and a question, or a premise and a hypothesis."""
        return self.task in PAIRED

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "dev": self.dev, "test": self.test}

    @cached_property
    def checksum(self) -> str:
        """Sha256 (hex) of all a model can depend on: texts, labels, questions, classes, words, weights."""
        digest = hashlib.sha256()

        def add(item: object) -> None:
            digest.update(json.dumps(item).encode())
            digest.update(b"\n")

        add([self.task, self.class_names, self.vocabulary.words])
        for name, split in self.splits.items():
            add([name, len(split), split.labels.tolist()])
            for i, text_id in enumerate(split.ids):
                question = split.questions[i] if split.questions is not None else None
                evidence = split.evidence[i].tobytes().hex() if split.evidence is not None else None
                add([text_id, split.texts[i], question, evidence])
                if split.candidates is not None:
                    add(split.candidates[i].tolist())
                if split.sentences is not None:
                    add(split.sentences[i].tolist())
                if split.attention is not None:
                    add(split.attention[i].tobytes().hex())
        return digest.hexdigest()
