"""Initial word vectors: drawn, from a text file, or trained on a corpus; those that are trained are kept."""

import gzip
import hashlib
import logging
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import distributions
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from attnlib import data
from attnlib.cache import cache_folder, digest, file_checksum, remember, replacing
from attnlib.cache.sources import function_digest
from attnlib.cache.tensors import load_tensors, save_tensors
from attnlib.checks import check_number, needed, refuse_string, token_lists
from attnlib.data.catalogue import own_files
from attnlib.data.corpus import PAD, SPECIALS, UNK, Corpus, Split, Vocabulary
from attnlib.models import glove

log = logging.getLogger(__name__)


def read_vectors(path: str | Path, words: Sequence[str], dimension: int) -> dict[str, np.ndarray]:
    """The vectors of `words` in a GloVe or fastText text file (plain or .gz).

    Each line is a word and `dimension` numbers, separated by spaces or tabs; a fastText header line ("count
    dimension") is passed over. Words that the file lacks are absent from the result.

    Raises FileNotFoundError, or ValueError with file and line when a line has another dimension or holds
    something that is no finite number.
    """
    refuse_string(words, "words", "list of words", "give a list, of one word too")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"vectors file {path} does not exist: give a GloVe or fastText text file")
    wanted = set(words)
    found: dict[str, np.ndarray] = {}
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if "\t" in line or "  " in line:
                line = re.sub(r"[ \t]+", " ", line)
            # From the right: a few entries of public files are words that contain a space.
            word, *fields = line.rstrip().rsplit(" ", dimension)
            parts = line.split()
            if number == 1 and len(parts) == 2:
                if parts[1] != str(dimension):
                    raise ValueError(f"{path}:1: dimension {parts[1]}, the model needs {dimension}")
                continue
            given = max(0, len(parts) - 1)
            if len(fields) != dimension or (number <= 2 and given != dimension):
                raise ValueError(f"{path}:{number}: vector of dimension {given}, the model needs {dimension}")
            if word not in wanted:
                continue
            try:
                found[word] = np.array(fields, dtype=np.float32)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: not a vector of numbers: {error}") from None
            if not np.isfinite(found[word]).all():
                raise ValueError(f"{path}:{number}: not a vector of finite numbers")
    return found


def word2vec(sentences: Iterable[Sequence[str]], dimension: int, seed: int, **options: int) -> Any:
    """Gensim's KeyedVectors, trained with a window of 5 on one thread, so that the seed decides."""
    models = needed("gensim.models", "vectors='corpus' needs", "vectors")
    usual = {"window": 5, "min_count": 1, "workers": 1}
    return models.Word2Vec(sentences=sentences, vector_size=dimension, seed=seed, **usual, **options).wv


def train_vectors(
    texts: Sequence[Sequence[str]], dimension: int, seed: int = 0, epochs: int = 10
) -> dict[str, np.ndarray]:
    """Word2vec (skip-gram) trained on the texts, by word."""
    found = word2vec(token_lists(texts), dimension, seed, sg=1, epochs=epochs)
    return {word: found[word] for word in found.index_to_key}


def vectors_file(dataset: str, dimension: int = 300) -> Path:
    """A text file of word vectors, trained by word2vec on the training texts of a data set; made once.

    It holds the words of the data set's vocabulary, in the format that fastText writes, and a checksum lies
    beside it. The vectors' seed is always 0: like published ones they are the same for every model that
    starts from them. ValueError for a data set of the user's own files: they may change, and the vectors
    would not.
    """
    if own_files(dataset):
        raise ValueError(
            f"vectors={dataset!r}: vectors are trained once on texts that stay the same, and these files are "
            "your own. Give 'corpus', another data set, or a file of vectors."
        )
    # The name and the code decide the texts, as every file is checked; reading them takes far longer.
    code = [function_digest(data.LOADERS[dataset]), function_digest(train_vectors)]
    name = digest({"dataset": dataset, "dimension": dimension, "code": code})
    path = cache_folder() / "vectors" / f"{dataset}-{name}.txt"
    sums = path.with_suffix(".sha256")

    def make() -> str:
        corpus = data.load(dataset)
        known = train_vectors(corpus.train.texts, dimension)
        words = [word for word in corpus.vocabulary.words if word in known]
        rows = (f"{word} {' '.join(format(x, '.6g') for x in known[word])}\n" for word in words)
        return "".join([f"{len(words)} {dimension}\n", *rows])

    def save(path: Path, text: str) -> None:
        for place, said in ((path, text), (sums, hashlib.sha256(text.encode()).hexdigest())):
            with replacing(place) as temporary:
                temporary.write_text(said, encoding="utf-8", newline="\n")

    def check(path: Path) -> str:
        # A killed process may leave a file that is whole and has no sum, or that of an earlier one.
        if not sums.is_file() or sums.read_bytes() != file_checksum(path).encode():
            raise ValueError(f"{path} is damaged")
        return ""

    remember(path, make, save, check)
    return path


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

    source: "random" (N(0, deviation²)), "corpus" (word2vec on `texts`), "glove50" (`glove.read_glove`), or
    the path of a vectors file.
    missing: what a word without a vector gets, "zero" (Jain & Wallace's code) or "random" (N(0, 1), their
    paper). The padding row is zero.
    """
    check_number("deviation", deviation, 0, sys.float_info.max)
    generator = np.random.default_rng(seed)
    shape = (len(vocabulary), dimension)
    if source == "random":
        matrix = generator.normal(0, deviation, size=shape)
    else:
        words = vocabulary.words
        if source == "corpus":
            known = train_vectors(texts, dimension, seed)
        elif source == glove.NAME:
            known = glove.read_glove(words, dimension)
        else:
            known = read_vectors(source, words, dimension)
        matrix = np.zeros(shape) if missing == "zero" else generator.normal(0, 1, size=shape)
        hits = [word for word in words if word in known]
        for word in hits:
            matrix[vocabulary.index[word]] = known[word]
        log.info("%d of %d words have a vector from %s", len(hits), len(vocabulary), source)
        if not hits:
            raise ValueError(f"no word of the vocabulary has a vector in {source}: wrong language or case?")
    matrix[PAD] = 0
    return torch.from_numpy(matrix.astype(np.float32))


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
                for end, length in zip(accumulate(lengths), lengths, strict=True):
                    sentence = tokens[end - length : end]
                    for first in range(0, length, LONGEST):
                        yield sentence[first : first + LONGEST]


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
    sentences = Sentences(splits, vocabulary)
    passes = passes_over(sum(len(sentence) for sentence in sentences))
    found = word2vec(sentences, dimension, seed, sg=0, epochs=passes)
    table = np.zeros((len(vocabulary), dimension), dtype=np.float32)
    for word in found.index_to_key:
        table[vocabulary.index[word]] = found[word]
    table[PAD] = 0
    return normalize(torch.from_numpy(table))


def document_vectors(corpus: Corpus, dimension: int) -> Tensor:
    """`train_document_vectors` of a corpus' train and dev, made once and kept; ImportError without gensim.

    Their seed is always 0: like published ones they are the same for every model.
    """
    gensim = next((found.version for found in distributions(name="gensim")), "missing")
    code = function_digest(train_document_vectors)
    known = {"data": corpus.checksum, "dimension": dimension, "gensim": gensim, "code": code}
    path = cache_folder() / "vectors" / f"{corpus.name}-documents-{digest(known)}.safetensors"
    return remember(
        path,
        lambda: train_document_vectors((corpus.train, corpus.dev), corpus.vocabulary, dimension),
        lambda path, table: save_tensors(path, {"vectors": table}, {}),
        lambda path: load_tensors(path)[0]["vectors"],
    )
