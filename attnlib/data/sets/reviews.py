"""Amazon and Yelp reviews with 1 to 5 stars (Zhang et al. 2015), as Serrano & Smith 2019 used them.

Both are read from the user's own copy of the csv files, row by row: Amazon has 3 million training reviews.
"""

from __future__ import annotations

from collections.abc import Iterator

from attnlib.data import catalogue
from attnlib.data.corpus import Corpus
from attnlib.data.csv_rows import stream_rows
from attnlib.data.documents import Collector, Limits, Row, corpus
from attnlib.data.errors import DataError
from attnlib.data.kept import keep

STARS = ("1", "2", "3", "4", "5")
CLASSES = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
AMAZON_LIMITS = Limits(sentences=15, tokens=130)
YELP_LIMITS = Limits(sentences=43, tokens=200)
NOTES = (
    "The official train file, from which each review goes to dev with probability .1 (seed 5), and the "
    "official test file.",
)


def unescape(text: str) -> str:
    """Return the text with the files' escapes undone: ``\\n`` is a line end, ``\\"`` a quote."""
    return text.replace("\\n", "\n").replace('\\"', '"')


def read(name: str, path: str, columns: int, title: bool) -> Iterator[Row]:
    """Yield the reviews of one csv file: stars, a title where there are three columns, text.

    title: put the title before the text. Raises DataError, with file and line, for stars other than 1 to 5
    and for what `stream_rows` refuses.
    """
    for where, line, (stars, *parts) in stream_rows(name, path, columns):
        if stars not in STARS:
            raise DataError(
                f"{where}:{line}: the star rating is {stars!r}, not 1 to 5. Mend or remove the line."
            )
        used = parts if title else parts[-1:]
        yield Row(line, STARS.index(stars), unescape(" ".join(used)))


def _load(data_set: catalogue.DataSet, columns: int, limits: Limits, title: bool, notes: list[str]) -> Corpus:
    collector = Collector()
    paths = {"train": "train.csv", "test": "test.csv"}
    train, dev, note = collector.collect_with_dev(
        f"{data_set.name}/train", read(data_set.name, paths["train"], columns, title), limits
    )
    test = collector.collect(f"{data_set.name}/test", read(data_set.name, paths["test"], columns, title))
    return corpus(
        data_set.name,
        {"train": train, "dev": dev, "test": test},
        CLASSES,
        data_set,
        dict.fromkeys(paths.values(), "not known"),
        [*NOTES, *notes, note],
        collector.left_out,
    )


@keep("amazon_full")
def load_amazon(title: bool = False) -> Corpus:
    """Return Amazon reviews, classes 1 to 5 stars, from the user's own amazon_review_full_csv.

    title: put each review's title before its text; the paper does not say that it used them. Raises DataError
    for files that are missing (the message says how to get them), damaged or malformed.
    """
    note = "Title and text of each review." if title else "The text of each review, without its title."
    return _load(catalogue.AMAZON_FULL, 3, AMAZON_LIMITS, title, [note])


@keep("yelp_full")
def load_yelp() -> Corpus:
    """Return Yelp reviews, classes 1 to 5 stars, from the user's own yelp_review_full_csv.

    Raises DataError for files that are missing (the message says how to get them), damaged or malformed.
    """
    return _load(catalogue.YELP_FULL, 2, YELP_LIMITS, False, [])
