"""Word vectors for documents, as Serrano & Smith made them: word2vec on train and dev, rows of length 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from attnlib.data.corpus import SPECIALS, UNK, Split, Vocabulary
from attnlib.models.batches import PAD

WINDOW = 5
MOST_PASSES, LEAST_PASSES, WORDS_READ = 30, 5, 30_000_000
LONGEST = 10_000  # gensim drops what a sentence has beyond so many words


def passes_over(n_words: int) -> int:
    """Passes of word2vec over a corpus of so many running words: 30 as released, fewer for a large one.

    As many as read 30 million words, but at least 5, gensim's default, and at most 30. A pass goes at about
    half a million words a second in the one thread that keeps it repeatable, so that 30 over IMDB's seven
    million words would take longer than training the model, which fine-tunes the vectors anyway.
    """
    return min(MOST_PASSES, max(LEAST_PASSES, math.ceil(WORDS_READ / n_words)))


class Sentences:
    """Sentences of some splits as lists of words, rare ones replaced by ``<unk>``; can be read many times.

    A text without sentences is one.
    """

    def __init__(self, splits: Sequence[Split], vocabulary: Vocabulary) -> None:
        self.splits = splits
        self.words = {word: word for word in vocabulary.words}

    def __iter__(self) -> Iterator[list[str]]:
        unknown, words = SPECIALS[UNK], self.words
        for split in self.splits:
            for i, text in enumerate(split.texts):
                tokens = [words.get(token, unknown) for token in text]
                lengths = [len(tokens)] if split.sentences is None else split.sentences[i].tolist()
                start = 0
                for length in lengths:
                    for first in range(start, start + length, LONGEST):
                        yield tokens[first : min(first + LONGEST, start + length)]
                    start += length


def random_unit_vectors(n_words: int, dimension: int, seed: int = 0) -> Tensor:
    """Rows of length 1 in random directions [n_words, dimension], float32; the padding row is zero."""
    drawn = np.random.default_rng(seed).normal(size=(n_words, dimension))
    table = normalize(torch.from_numpy(drawn)).float()
    table[PAD] = 0
    return table


def train_document_vectors(
    splits: Sequence[Split], vocabulary: Vocabulary, dimension: int = 200, seed: int = 0
) -> Tensor:
    """Word2vec on the sentences of `splits`, with gensim's defaults (CBOW, window 5).

    Gives [len(vocabulary), dimension], float32. Rows have length 1; those of
    padding and of words that do not occur are zero. One thread, so that the seed decides.
    """
    try:
        from gensim.models import Word2Vec
    except ImportError:
        raise ImportError("vectors='corpus' needs gensim: pip install 'attnlib[vectors]'") from None
    sentences = Sentences(splits, vocabulary)
    model = Word2Vec(
        sentences=sentences,
        vector_size=dimension,
        window=WINDOW,
        min_count=1,
        sg=0,
        epochs=passes_over(sum(len(sentence) for sentence in sentences)),
        seed=seed,
        workers=1,
    )
    table = np.zeros((len(vocabulary), dimension), dtype=np.float32)
    for word in model.wv.index_to_key:
        table[vocabulary.index[word]] = model.wv[word]
    table[PAD] = 0
    return normalize(torch.from_numpy(table))
