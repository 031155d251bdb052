"""Word vectors trained on a whole data set, made once and kept as a file that any model can start from."""

from __future__ import annotations

import logging
from pathlib import Path

from attnlib import data
from attnlib.cache import cache_folder, digest, file_checksum, locked, replacing
from attnlib.cache.sources import function_digest
from attnlib.models import embeddings

log = logging.getLogger(__name__)

# Data sets of the user's own files, which no checksum holds fast.
OWN_FILES = ("adr", "anemia", "cnn", "diabetes")


def vectors_file(dataset: str, dimension: int = 300) -> Path:
    """A text file of word vectors, trained by word2vec on the training texts of a data set; made once.

    It holds the words of the data set's vocabulary, in the format that fastText writes. The vectors' seed is
    always 0: like published ones they are the same for every model that starts from them. ValueError for a
    data set of the user's own files: they may change, and the vectors would not.
    """
    if dataset in OWN_FILES:
        raise ValueError(
            f"vectors={dataset!r}: vectors are trained once on texts that stay the same, and these files are "
            "your own. Give 'corpus', another data set, or a file of vectors."
        )
    # The name and the code decide the texts, as every file is checked; reading them takes far longer.
    code = [function_digest(data.LOADERS[dataset]), function_digest(embeddings.train_vectors)]
    name = digest({"dataset": dataset, "dimension": dimension, "code": code})
    path = cache_folder() / "vectors" / f"{dataset}-{name}.txt"
    known_sum = path.with_suffix(".sha256")
    with locked(path):
        if path.exists() and known_sum.exists() and known_sum.read_text() != file_checksum(path):
            log.warning("%s is damaged: it is made again", path)
            path.unlink()
        if not path.exists():
            # A checksum of an earlier file must not outlive it.
            known_sum.unlink(missing_ok=True)
            corpus = data.load(dataset)
            known = embeddings.train_vectors(corpus.train.texts, dimension)
            words = [word for word in corpus.vocabulary.words if word in known]
            with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.write(f"{len(words)} {dimension}\n")
                file.writelines(
                    f"{word} {' '.join(format(x, '.6g') for x in known[word])}\n" for word in words
                )
            with replacing(known_sum) as temporary:
                temporary.write_text(file_checksum(path))
    return path
