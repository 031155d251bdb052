"""Yelp reviews with 1 to 5 stars as flat texts, as Liu et al. 2022 used them.

Read from the user's own copy of the csv files, row by row, as in `attnlib.data.sets.reviews`.
"""

from __future__ import annotations

import random
from array import array

import numpy as np

from attnlib.data import catalogue
from attnlib.data.building import classification, provenance
from attnlib.data.compact import Builder, RowIds, Words
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.sentences import Segmenter
from attnlib.data.sets.reviews import CLASSES, read

NAME = "yelp5"
SEED, DEV = 1357, 7_000
MIN_LENGTH, MAX_LENGTH = 6, 150
MIN_DOCUMENTS = 20


def collect(part: str, known: Words) -> tuple[Split, np.ndarray, int]:
    """Return (reviews, their row numbers, count of all rows) of one csv file.

    Rows are counted from 0; reviews without words are left out.
    """
    segment = Segmenter()
    texts = Builder(known)
    lines, labels, numbers = array("q"), array("q"), array("q")
    rows = 0
    for row in read(catalogue.YELP_FULL.name, f"{part}.csv", 2, False):
        if tokens := segment.tokens(row.text):
            assert isinstance(row.name, int)
            texts.append(tokens)
            lines.append(row.name)
            labels.append(row.label)
            numbers.append(rows)
        rows += 1
    split = Split(
        ids=RowIds(f"{NAME}/{part}", np.frombuffer(lines, dtype=np.int64)),
        texts=texts.finish(),
        labels=np.frombuffer(labels, dtype=np.int64),
    )
    return split, np.frombuffer(numbers, dtype=np.int64), rows


def drawn(rows: int) -> list[int]:
    """Return the numbers of the rows that come first when the file is shuffled as in the released code."""
    order = list(range(rows))
    random.Random(SEED).shuffle(order)
    return order[:DEV]


@keep("yelp_full")
def load() -> Corpus:
    """Return Yelp reviews of 7 to 149 tokens, classes 1 to 5 stars, from the user's own yelp_review_full_csv.

    Raises DataError for files that are missing (the message says how to get them), damaged or malformed.
    Source: Liu et al. 2022, released code.
    """
    known = Words()
    every, numbers, rows = collect("train", known)
    if rows <= DEV:
        raise DataError(
            f"{NAME}: train.csv has {rows} reviews, of which dev alone takes {DEV}; the file may be cut. "
            "Restore it."
        )
    dev = np.isin(numbers, drawn(rows))
    test, _, _ = collect("test", known)
    return classification(
        NAME,
        {"train": every.select(~dev), "dev": every.select(dev), "test": test},
        CLASSES,
        provenance(
            catalogue.YELP_FULL,
            dict.fromkeys(("train.csv", "test.csv"), "not known"),
            [
                "The official test file; dev is the first 7,000 rows of the official train file after the "
                "released code's shuffle (seed 1357): the paper's very reviews.",
                "spaCy tokens in lower case, digits kept. The released code leaves the files' escapes of "
                "line ends and quotes in the text and counts each further space as a token. Here they are "
                "undone, so some other reviews are within the limits of length.",
                "Texts with 7 to 149 tokens. Vocabulary: words of at least 20 training texts before that "
                "filter.",
            ],
        ),
        MIN_DOCUMENTS,
        MIN_LENGTH,
        MAX_LENGTH,
    )
