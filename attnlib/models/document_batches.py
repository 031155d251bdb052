"""Documents as word ids with sentence boundaries, and the batches that Serrano & Smith's models read.

No start or end symbols: a hierarchical model reads a document's sentences, a flat one its words in a row.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from attnlib.data.columns import Ragged
from attnlib.data.corpus import SPECIALS, UNK, Split, Vocabulary
from attnlib.models.batches import buckets

MOST_ITEMS = 32_768  # documents × longest document, in items of attention, of a batch for evaluation


class DocumentBatch(NamedTuple):
    """N documents of W words and S sentences in all, one after another, on the CPU: a model pads them."""

    words: Tensor  # [W] word ids
    lengths: Tensor  # [N] words of each document
    labels: Tensor  # [N]
    sentences: Tensor | None = None  # [S] words of each sentence
    counts: Tensor | None = None  # [N] sentences of each document


@dataclass(frozen=True, eq=False)
class Documents:
    """A split of N documents in memory as numbers, encoded once.

    words: of each document the ids of its words. labels: [N]. sentences: of each document how many words each
    of its sentences has; None for texts without sentences.
    """

    words: Ragged
    labels: np.ndarray
    sentences: Ragged | None = None

    @classmethod
    def of(cls, split: Split, vocabulary: Vocabulary) -> "Documents":
        """The documents of a split; unknown words become ``<unk>``, and so do words spelt like a symbol."""
        index = vocabulary.index | dict.fromkeys(SPECIALS, UNK)
        texts, lengths = split.texts, split.lengths
        if isinstance(texts, Ragged):
            numbers = np.array([index.get(word, UNK) for word in texts.words or ()], dtype=np.int32)
            words = numbers[texts.joined()]
        else:
            every = (index.get(word, UNK) for word in chain.from_iterable(texts))
            words = np.fromiter(every, dtype=np.int32, count=int(lengths.sum()))
        found, sentences = Ragged.in_a_row(words, lengths), split.sentences
        if sentences is None:
            return cls(found, split.labels)
        counts = np.array([len(each) for each in sentences])
        return cls(found, split.labels, Ragged.in_a_row(np.concatenate(list(sentences)), counts))

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, hierarchical: bool) -> Ragged:
        """Of each document what a model's last attention is over: its sentences' lengths, or its words' ids.

        ValueError where a hierarchical model is to read texts without sentences.
        """
        if not hierarchical:
            return self.words
        if self.sentences is None:
            raise ValueError(
                "a hierarchical model reads sentences, but these texts have none: take a data set with "
                "sentences, or a FLAN architecture"
            )
        return self.sentences

    def batch(self, rows: np.ndarray) -> DocumentBatch:
        """The documents at `rows`, in that order."""
        there = [column.select(rows) for column in (self.words, self.sentences) if column is not None]
        words, lengths, *sentences = (
            torch.from_numpy(found) for column in there for found in (column.joined(), column.lengths)
        )
        return DocumentBatch(words, lengths, torch.from_numpy(self.labels[rows]), *sentences)


def training_batches(
    documents: Documents, hierarchical: bool, limit: int, size: int, generator: np.random.Generator
) -> Iterator[DocumentBatch]:
    """The released order of training: buckets of like length, cut to a limit, in random order.

    Documents are sorted by sentences (hierarchical) or words × (1 + noise of ±10 %, AllenNLP's default) and
    cut into buckets of `size`; a bucket whose documents × padded words exceeds `limit` is cut into equal
    parts, as many as that goes into the product. The padded words of a hierarchical model are the longest
    sentence alone. A single document may exceed the limit.
    """
    items = documents.read(hierarchical)
    padded = items.reduced(np.maximum) if hierarchical else items.lengths
    groups: list[np.ndarray] = []
    for bucket in buckets(items.lengths, size, generator):
        n_parts = -(-len(bucket) * int(padded[bucket].max()) // limit)
        part = -(-len(bucket) // n_parts)
        groups += [bucket[i : i + part] for i in range(0, len(bucket), part)]
    for i in generator.permutation(len(groups)):
        yield documents.batch(groups[i])


def evaluation_batches(
    documents: Documents, hierarchical: bool, size: int = 128
) -> Iterator[tuple[np.ndarray, DocumentBatch]]:
    """Batches of like length, shortest first, a stable order, with the rows that they hold.

    At most `size` documents, and MOST_ITEMS sentences (hierarchical) or words, padding counted.
    """
    lengths = documents.read(hierarchical).lengths
    order = np.argsort(lengths, kind="stable")
    for run in runs(lengths[order].tolist(), MOST_ITEMS, size):
        yield order[run], documents.batch(order[run])


def runs(lengths: list[int], most: int, size: float = math.inf) -> Iterator[slice]:
    """Cut ascending lengths into runs of one or more: at most `size`, and `most` items with padding."""
    start = 0
    for end, longest in enumerate(lengths):
        n = end + 1 - start
        if n > 1 and (n > size or n * longest > most):
            yield slice(start, end)
            start = end
    if lengths:
        yield slice(start, len(lengths))
