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

PAD, UNK, START, END = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<start>", "<end>")
TASKS = ("classification", "question answering", "pair classification")
PAIRED = TASKS[1:]


@dataclass(frozen=True, eq=False)
class Split:
    """One split of a corpus as columns, one entry per text.

    ids: stable names such as ``sst/test/17``; the number is the line of the official file, counted from 1
    before any filtering. texts: tokens without start, end or padding. labels: ``[N]`` int64 class numbers.
    questions: tokens; question answering and pairs (the hypothesis) only. evidence: per text int8 ``[T]``, +1
    where a token speaks for the gold label, -1 against, 0 neutral (bAbI: +1 on the tokens of supporting
    facts). candidates: per text the class numbers that may be the answer, int64, ascending; None: all may.

    Raises ValueError for columns of unequal length, repeated ids, an empty text or question, labels that are
    not integers, evidence of the wrong length or outside -1, 0, 1, or a label that is no candidate; the
    message names the text.
    """

    ids: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    labels: np.ndarray
    questions: tuple[tuple[str, ...], ...] | None = None
    evidence: tuple[np.ndarray, ...] | None = None
    candidates: tuple[np.ndarray, ...] | None = None

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.ndim != 1 or (labels.size and not np.issubdtype(labels.dtype, np.integer)):
            raise ValueError(
                f"labels must be integers, one per text; got {labels.dtype} of shape {labels.shape}"
            )
        object.__setattr__(self, "labels", labels.astype(np.int64, copy=False))
        for name in ("texts", "labels", "questions", "evidence", "candidates"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.ids):
                raise ValueError(f"{name} has {len(column)} entries for {len(self.ids)} ids")
        if len(set(self.ids)) != len(self.ids):
            name, count = Counter(self.ids).most_common(1)[0]
            raise ValueError(f"id {name!r} occurs {count} times; ids must be unique")
        for name, text in zip(self.ids, self.texts, strict=True):
            if not text:
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
            object.__setattr__(self, "evidence", tuple(m.astype(np.int8, copy=False) for m in marks))
        if self.candidates is not None:
            allowed = tuple(np.asarray(c, dtype=np.int64) for c in self.candidates)
            for name, label, classes in zip(self.ids, self.labels, allowed, strict=True):
                if label not in classes or (np.diff(classes) <= 0).any():
                    raise ValueError(
                        f"candidates of {name!r} must be distinct class numbers, ascending, and hold its "
                        f"label {label}"
                    )
            object.__setattr__(self, "candidates", allowed)

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, index: Sequence[int] | np.ndarray | slice) -> Split:
        """Return the texts at `index` (positions, a boolean mask or a slice), in that order."""
        if not isinstance(index, slice):
            index = np.asarray(index) if len(index) else np.zeros(0, dtype=np.int64)
        rows = np.arange(len(self))[index].tolist()
        return Split(
            ids=tuple(self.ids[i] for i in rows),
            texts=tuple(self.texts[i] for i in rows),
            labels=self.labels[rows],
            questions=None if self.questions is None else tuple(self.questions[i] for i in rows),
            evidence=None if self.evidence is None else tuple(self.evidence[i] for i in rows),
            candidates=None if self.candidates is None else tuple(self.candidates[i] for i in rows),
        )

    def sample(self, limit: int | None, seed: int = 0) -> Split:
        """Return `limit` texts drawn without replacement, kept in order; all for None or a large limit.

        Raises ValueError if limit is below 1.
        """
        if limit is None:
            return self
        if operator.index(limit) < 1:
            raise ValueError(f"limit must be at least 1, or None for all texts; got {limit}")
        if limit >= len(self):
            return self
        # RandomState: its stream is frozen across numpy versions, so a seed names the same texts for ever.
        drawn = np.random.RandomState(seed).permutation(len(self))[:limit]
        return self.select(np.sort(drawn))


@dataclass(frozen=True)
class Vocabulary:
    """Words and their ids: 0 ``<pad>``, 1 ``<unk>``, 2 ``<start>``, 3 ``<end>``, words from 4, sorted.

    `words` holds the words alone; ``len()`` counts the four special symbols too.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
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
    def build(cls, texts: Iterable[Sequence[str]], min_documents: int = 1) -> Vocabulary:
        """Return the words that occur in at least `min_documents` texts (document frequency).

        Give the train split only; for question answering also its questions (Jain & Wallace's released code).
        Raises ValueError if min_documents is below 1.
        """
        if min_documents < 1:
            raise ValueError(f"min_documents must be at least 1, got {min_documents}")
        frequency: Counter[str] = Counter()
        for text in texts:
            frequency.update(set(text))
        return cls(tuple(sorted(w for w, n in frequency.items() if n >= min_documents and w not in SPECIALS)))


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
        for split_name, split in self.splits.items():
            if not len(split):
                raise ValueError(f"{self.name}: split {split_name!r} has no texts")
            if self.paired and split.questions is None:
                raise ValueError(f"{self.name}: split {split_name!r} has no questions")
            outside = np.flatnonzero((split.labels < 0) | (split.labels >= len(self.class_names)))
            if outside.size:
                i = outside[0]
                raise ValueError(
                    f"{self.name}: split {split_name!r}, text {split.ids[i]!r} has label {split.labels[i]}, "
                    f"outside the {len(self.class_names)} classes 0-{len(self.class_names) - 1}"
                )

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
        """Sha256 (hex) of all that a model can depend on: texts, labels, questions, classes, words."""
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
        return digest.hexdigest()
