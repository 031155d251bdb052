"""Reviews with stars: Amazon's and Yelp's of Zhang et al. 2015, and Amazon's of Blitzer et al. 2007.

Serrano & Smith 2019 read the first two as documents, Liu et al. 2022 Yelp's as flat texts. Both are read from
the user's own csv files, row by row: Amazon has 3 million training reviews. The last is a set at hand in
place of Amazon's.
"""

import html
import random
from array import array
from collections.abc import Iterator

import numpy as np

from attnlib.data import files
from attnlib.data.catalogue import DATA_SETS
from attnlib.data.columns import RowIds
from attnlib.data.corpora import Parts, Row, make
from attnlib.data.corpus import Corpus
from attnlib.data.kept import keep
from attnlib.data.rows import one_of, row_at
from attnlib.data.tokens import Segmenter, collapse

STARS = ("1", "2", "3", "4", "5")
FILES = ("train.csv", "test.csv")
# Of Yelp's reviews as flat texts.
FLAT_SEED, FLAT_DEV = 1357, 7_000
# Of the reviews of four domains.
RATINGS = ("1.0", "2.0", "4.0", "5.0")


def unescape(text: str) -> str:
    """Return the text with the files' escapes undone: ``\\n`` is a line end, ``\\"`` a quote."""
    return text.replace("\\n", "\n").replace('\\"', '"')


def read(name: str, path: str, columns: int, title: bool = False) -> Iterator[Row]:
    """Yield the reviews of one csv file: stars, a title where there are three columns, text.

    title: put the title before the text. Raises DataError, with file and line, for stars other than 1 to 5
    and for what `files.labelled_rows` refuses.
    """
    for line, label, fields in files.labelled_rows(name, path, columns, STARS, "the star rating"):
        yield Row(line, label, unescape(" ".join(fields if title else fields[-1:])))


@keep("amazon_full")
def load_amazon(title: bool = False) -> Corpus:
    """Return Amazon reviews, classes 1 to 5 stars, from the user's own amazon_review_full_csv.

    title: put each review's title before its text; the paper does not say that it used them. Raises DataError
    for files that are missing (the message says how to get them), damaged or malformed.
    """
    parts = {part: read("amazon_full", f"{part}.csv", 3, title) for part in ("train", "test")}
    return make("amazon_full", parts, FILES, {"title": title, "text": not title})


@keep("yelp_full")
def load_yelp() -> Corpus:
    """Return Yelp reviews, classes 1 to 5 stars, from the user's own yelp_review_full_csv.

    Raises DataError for files that are missing (the message says how to get them), damaged or malformed.
    """
    parts = {part: read("yelp_full", f"{part}.csv", 2) for part in ("train", "test")}
    return make("yelp_full", parts, FILES)


def shuffled(rows: int) -> list[int]:
    """Return the numbers of rows in the order into which the released code shuffles the file."""
    order = list(range(rows))
    random.Random(FLAT_SEED).shuffle(order)
    return order


@keep("yelp_full")
def load_yelp_flat() -> Corpus:
    """Return Yelp reviews of 7 to 149 tokens as flat texts, classes 1 to 5 stars, from the same files.

    Raises DataError for files that are missing (the message says how to get them), damaged or malformed.
    Source: Liu et al. 2022, released code.
    """
    # Also those of reviews without words, which count when the rows are shuffled.
    lines = array("q")

    def training() -> Iterator[Row]:
        for row in read("yelp_full", "train.csv", 2):
            lines.append(int(row.name))
            yield row

    def divide(parts: Parts) -> Parts:
        train = parts["train"]
        assert isinstance(train.ids, RowIds)
        dev = np.isin(train.ids.lines, np.array(lines)[shuffled(len(lines))[:FLAT_DEV]])
        return parts | {"train": train.select(~dev), "dev": train.select(dev)}

    parts = {"train": training(), "test": read("yelp_full", "test.csv", 2)}
    return make("yelp5", parts, FILES, tokenize=Segmenter().tokens, divide=divide, compact=True)


def read_domain(path: str, text: str, where: str = "") -> Iterator[Row]:
    """Yield the reviews of one file of one domain, such as ``books/negative.review``.

    Raises DataError, with file and review, for one without its end, text or stars.

    >>> review = "<review><rating>1.0</rating><review_text>A &quot;bad&quot; one</review_text></review>"
    >>> next(read_domain("books/negative.review", review))[:3]
    ('amazon_multidomain/books/negative/1', 0, 'A "bad" one')
    """

    def inside(text: str, tag: str) -> str:
        _, begun, rest = text.partition(f"<{tag}>")
        found, ended, _ = rest.partition(f"</{tag}>")
        if not (begun and ended):
            raise ValueError(f"{tag} has no begin or no end")
        return found.strip()

    # Cut at every begin: the time grows with the length, whatever lacks its end.
    for number, review in enumerate(text.split("<review>")[1:], start=1):
        with row_at(f"{where}: review {number}"):
            fields = inside(f"<review>{review}", "review")
            stars = one_of(inside(fields, "rating"), RATINGS, "the rating")
            written = html.unescape(inside(fields, "review_text"))
        yield Row(f"amazon_multidomain/{path.removesuffix('.review')}/{number}", stars, written)


@keep("amazon_multidomain")
def load_domains(verify: bool = True) -> Corpus:
    """Return Amazon reviews of four kinds of product, classes 1, 2, 4 and 5 stars.

    `verify` checks each file's sha256. Raises DataError for missing or damaged files.
    """
    name = "amazon_multidomain"
    contents = files.locate(name, [item.path for item in DATA_SETS[name].files], verify)
    held = ((path, "\n".join(content.lines()), content.where) for path, content in contents.items())
    every = [row for file in held for row in read_domain(*file)]
    distinct: dict[str, Row] = {}
    for row in every:
        distinct.setdefault(collapse(str(row.text)), row)
    said = {"repeats": len(every) - len(distinct)}
    return make(name, {"": distinct.values()}, files.sums(contents), said)
