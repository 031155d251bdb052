"""Word vectors trained on a whole data set, made once and kept as a file that any model can start from."""

from __future__ import annotations

from pathlib import Path

from attnlib import data
from attnlib.cache import cache_folder, digest, locked, replacing
from attnlib.models.embeddings import train_vectors


def vectors_file(dataset: str, dimension: int = 300) -> Path:
    """A text file of word vectors, trained by word2vec on the training texts of a data set; made once.

    It holds the words of the data set's vocabulary, in the format that fastText writes. The vectors' seed is
    always 0: like published ones they are the same for every model that starts from them.
    """
    corpus = data.load(dataset)
    name = digest({"data": corpus.checksum, "dimension": dimension, "word2vec": 1})
    path = cache_folder() / "vectors" / f"{corpus.name}-{name}.txt"
    with locked(path):
        if not path.exists():
            known = train_vectors(corpus.train.texts, dimension)
            words = [word for word in corpus.vocabulary.words if word in known]
            with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.write(f"{len(words)} {dimension}\n")
                file.writelines(
                    f"{word} {' '.join(format(x, '.6g') for x in known[word])}\n" for word in words
                )
    return path
