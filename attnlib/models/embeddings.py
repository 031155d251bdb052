"""Word vectors: from a text file, trained on the corpus, or drawn at random."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from attnlib.checks import refuse_string, token_lists
from attnlib.data.corpus import Vocabulary

log = logging.getLogger(__name__)


def read_vectors(path: str | Path, words: Sequence[str], dimension: int) -> dict[str, np.ndarray]:
    """The vectors of `words` in a GloVe or fastText text file (plain or .gz).

    Each line is a word and `dimension` numbers, separated by spaces; a fastText header line ("count
    dimension") is passed over. Words that the file lacks are absent from the result.

    Raises FileNotFoundError, or ValueError with file and line when a line has another dimension or holds
    something that is no number.
    """
    refuse_string(words, "words", "list of words", "give a list, of one word too")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"vectors file {path} does not exist: give a GloVe or fastText text file")
    wanted = set(words)
    found: dict[str, np.ndarray] = {}
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            # From the right: a few entries of public files are words that contain a space.
            fields = line.rstrip().rsplit(" ", dimension)
            if number == 1 and len(line.split()) == 2:
                declared = line.split()[1]
                if declared != str(dimension):
                    raise ValueError(f"{path}:1: dimension {declared}, the model needs {dimension}")
                continue
            given = len(line.split()) - 1
            if len(fields) != dimension + 1 or (number <= 2 and given != dimension):
                raise ValueError(f"{path}:{number}: vector of dimension {given}, the model needs {dimension}")
            if fields[0] not in wanted:
                continue
            try:
                found[fields[0]] = np.array(fields[1:], dtype=np.float32)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: not a vector of numbers: {error}") from None
    return found


def train_vectors(
    texts: Sequence[Sequence[str]], dimension: int, seed: int = 0, epochs: int = 10
) -> dict[str, np.ndarray]:
    """Word2vec (skip-gram, window 5) trained on the texts by gensim; one thread, so the seed decides."""
    try:
        from gensim.models import Word2Vec
    except ImportError:
        raise ImportError("vectors='corpus' needs gensim: pip install 'attnlib[vectors]'") from None
    model = Word2Vec(
        sentences=token_lists(texts),
        vector_size=dimension,
        window=5,
        min_count=1,
        sg=1,
        epochs=epochs,
        seed=seed,
        workers=1,
    )
    return {word: model.wv[word] for word in model.wv.index_to_key}


def embedding_matrix(
    vocabulary: Vocabulary,
    source: str = "random",
    *,
    dimension: int = 300,
    deviation: float = 0.1,
    missing: str = "zero",
    texts: Sequence[Sequence[str]] = (),
    seed: int = 0,
) -> Tensor:
    """Initial word vectors [len(vocabulary), dimension], float32.

    source: "random" (N(0, deviation²)), "corpus" (word2vec on `texts`), or the path of a vectors file.
    missing: what a word without a vector gets, "zero" (Jain & Wallace's code) or "random" (N(0, 1), their
    paper). The padding row is zero.
    """
    generator = np.random.default_rng(seed)
    shape = (len(vocabulary), dimension)
    if source == "random":
        matrix = generator.normal(0, deviation, size=shape)
    else:
        known = (
            train_vectors(texts, dimension, seed)
            if source == "corpus"
            else read_vectors(source, vocabulary.words, dimension)
        )
        matrix = np.zeros(shape) if missing == "zero" else generator.normal(0, 1, size=shape)
        hits = 0
        for row, word in enumerate(vocabulary.words, start=len(vocabulary) - len(vocabulary.words)):
            if word in known:
                matrix[row] = known[word]
                hits += 1
        log.info("%d of %d words have a vector from %s", hits, len(vocabulary), source)
        if hits == 0:
            raise ValueError(f"no word of the vocabulary has a vector in {source}: wrong language or case?")
    matrix[0] = 0
    return torch.from_numpy(matrix.astype(np.float32))
