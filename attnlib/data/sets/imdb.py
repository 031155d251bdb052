"""IMDB film reviews: those of Maas et al. 2011 as flat texts and with their stars, and JMARS.

Jain & Wallace 2019 read the first as flat texts, negative or positive (`load`). Serrano & Smith 2019 read
documents of JMARS (Diao et al. 2014) with ratings 1 to 10 (`load_jmars`); the stars of the first are a set at
hand in their place (`load_ratings`).
"""

import json
import re
import string
import sys
from collections.abc import Iterator
from itertools import starmap
from typing import IO

import numpy as np

from attnlib.data import files
from attnlib.data.corpora import Parts, Row, classes, held_out, make
from attnlib.data.corpus import Corpus
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.rows import one_of, row_at

FOLDERS = ("train/neg", "train/pos", "test/neg", "test/pos")
LONGEST = 400
SEED = 1378
# Reviews with 5 and 6 stars are in no folder of the first set.
STARS = ("1", "2", "3", "4", "7", "8", "9", "10")
RATINGS = classes("imdb10")

# The tokens of the Keras copy that the authors read: lower case, no punctuation but the apostrophe, cut at
# spaces only. The mark-up <br /> leaves the token "br".
_SPACES = str.maketrans(dict.fromkeys(string.punctuation.replace("'", "") + "\t\n", " "))
_BREAK = re.compile(r"<br\s*/?>")
# What stands between the objects of an array, or between objects on lines of their own.
_BETWEEN = re.compile(r"[\s,\[]*")


def read(verify: bool) -> dict[str, dict[str, str]]:
    """Return the reviews of train and test by path, less its ending, such as ``train/neg/<number>_<stars>``.

    They are in order: negative ones first, then by number.
    """
    contents = files.locate("imdb", FOLDERS, verify)

    def order(path: str) -> tuple[str, int]:
        folder, _, file = path.rpartition("/")
        with row_at(contents[path].where):
            return folder, int(file.partition("_")[0])

    found: dict[str, dict[str, str]] = {"train": {}, "test": {}}
    for path in sorted(contents, key=order):
        found[path.partition("/")[0]][path.removesuffix(".txt")] = "\n".join(contents[path].lines())
    return found


def tokenize(text: str) -> tuple[str, ...]:
    """Return the tokens of a review for flat texts.

    >>> tokenize("It's <br /> so-so.")
    ("it's", 'br', 'so', 'so')
    """
    return tuple(sys.intern(token) for token in text.lower().translate(_SPACES).split(" ") if token)


def divide(parts: Parts) -> Parts:
    """Return train and a fifth of it as dev, and a fifth of test, drawn with the paper's seed."""
    # For test their call asks for a share to keep, 20 % rounded down, where the others ask for a share to
    # hold out.
    n = len(parts["test"])
    order = np.random.RandomState(SEED).permutation(n)
    test = parts["test"].select(np.sort(order[n - int(0.2 * n) :]))
    return held_out(parts, 0.2, SEED) | {"test": test}


@keep("imdb")
def load(verify: bool = True) -> Corpus:
    """Return IMDB: reviews of 7 to 399 tokens, classes negative and positive.

    Reads the folder aclImdb or its archive. `verify` compares the checksums of the four folders of labelled
    reviews. Raises DataError for missing or damaged files.
    """
    found = read(verify)
    known = {token for text in found["train"].values() for token in tokenize(text)}

    def rows(reviews: dict[str, str]) -> Iterator[Row]:
        for name, text in reviews.items():
            tokens = [token for token in tokenize(text) if token in known]
            if len(tokens) < LONGEST:
                yield Row(f"imdb/{name}", int("/pos/" in name), tokens)

    parts = {part: rows(reviews) for part, reviews in found.items()}
    return make("imdb", parts, files.folder_sums("imdb", verify), divide=divide)


@keep("imdb")
def load_ratings(verify: bool = True) -> Corpus:
    """Return the same reviews as documents, classes star ratings 1-4 and 7-10.

    `verify` compares the checksums of the four folders. Raises DataError for missing or damaged files.
    """

    def row(name: str, text: str) -> Row:
        with row_at(f"{name}.txt"):
            stars = one_of(name.rpartition("_")[2], STARS, "the number of stars")
        return Row(f"imdb_ratings/{name}", stars, _BREAK.sub(" ", text))

    parts = {part: starmap(row, reviews.items()) for part, reviews in read(verify).items()}
    return make("imdb_ratings", parts, files.folder_sums("imdb", verify))


def read_jmars(where: str, file: IO[bytes]) -> Iterator[Row]:
    """Yield the reviews of JMARS, less their titles, which are not used (released code).

    The file is a JSON array, or objects one after the other. Raises DataError, with the number of the object,
    for a rating missing or other than 1 to 10, a text that is missing, text that is no JSON, and a file that
    stops within an object or before the array's end.
    """
    with row_at(where):
        text = file.read().decode("utf-8-sig")
    number, at = 0, _BETWEEN.match(text).end()  # type: ignore[union-attr]
    while at < len(text) and text[at] != "]":
        number += 1
        with row_at(f"{where}: object {number}"):
            item, end = json.JSONDecoder().raw_decode(text, at)
            rating, review = str(item["rating"]).removesuffix(".0"), item["review"]
            if not isinstance(review, str):
                raise ValueError("the review is no text")
            row = Row(number, one_of(rating, RATINGS, "the rating"), review)
        yield row
        at = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
    if text.lstrip().startswith("[") and not text.rstrip().endswith("]"):
        raise DataError(f"{where}: the array has no end after object {number}; the file may be cut.")


@keep("imdb10")
def load_jmars() -> Corpus:
    """Return IMDB reviews, classes ratings 1 to 10, from the user's own data.json of JMARS.

    One JSON array or one object a line. Raises DataError for a file that is missing (the message says how to
    get it), cut or malformed.
    """
    with files.stream("imdb10", "data.json") as (where, file):
        return make("imdb10", {"": read_jmars(where, file)}, ["data.json"])
