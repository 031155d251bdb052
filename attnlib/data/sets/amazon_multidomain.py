"""Amazon reviews of four kinds of product with star ratings (Blitzer, Dredze & Pereira 2007).

A set at hand in place of the Amazon reviews that Serrano & Smith 2019 used.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from attnlib.data import catalogue, registry
from attnlib.data.corpus import Corpus
from attnlib.data.documents import SEED, Collector, Row, corpus
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.registry import Content
from attnlib.data.splitting import three_way
from attnlib.data.text import collapse

RATINGS = ("1.0", "2.0", "4.0", "5.0")
TEST_SHARE, DEV_SHARE = 0.2, 0.1
_REVIEW = re.compile(r"<review>(.*?)</review>", re.DOTALL)
_FIELD = re.compile(r"<(rating|review_text)>(.*?)</\1>", re.DOTALL)


def read(content: Content, domain: str) -> Iterator[Row]:
    """Yield the reviews of one file, named ``domain/file/number``.

    Raises DataError, with the line at which the review begins, for one without text or without a rating of 1,
    2, 4 or 5 stars, and for an unequal number of tags that open and close reviews.
    """
    text = "\n".join(content.lines())
    found = list(_REVIEW.finditer(text))
    if not len(found) == text.count("<review>") == text.count("</review>"):
        raise DataError(
            f"{content.where}: {text.count('<review>')} reviews begin, {text.count('</review>')} end, and "
            f"{len(found)} are whole; the file is damaged. Restore it."
        )
    kind = content.path.split("/")[-1].removesuffix(".review")
    for number, review in enumerate(found, start=1):
        line = 1 + text.count("\n", 0, review.start())
        fields = {name: value.strip() for name, value in _FIELD.findall(review.group(1))}
        if fields.get("rating") not in RATINGS:
            raise DataError(
                f"{content.where}:{line}: the rating of review {number} is {fields.get('rating')!r}, not "
                f"1, 2, 4 or 5 stars. Mend or remove the review."
            )
        if "review_text" not in fields:
            raise DataError(f"{content.where}:{line}: review {number} has no text. Mend or remove it.")
        yield Row(
            f"{domain}/{kind}/{number}",
            RATINGS.index(fields["rating"]),
            html.unescape(fields["review_text"]),
        )


@keep("amazon_multidomain")
def load(verify: bool = True) -> Corpus:
    """Return the reviews, classes 1, 2, 4 and 5 stars.

    `verify` checks each file's sha256. Raises DataError for missing, damaged or malformed files.
    """
    data_set = catalogue.AMAZON_MULTIDOMAIN
    contents = registry.locate(data_set.name, [member.path for member in data_set.members], verify)
    distinct: dict[str, Row] = {}
    number = 0
    for path, content in contents.items():
        for row in read(content, path.split("/")[0]):
            number += 1
            distinct.setdefault(collapse(row.text), row)
    collector = Collector()
    every = collector.collect(data_set.name, distinct.values())
    try:
        train, dev, test = three_way(every.labels, test=(TEST_SHARE, SEED), dev=(DEV_SHARE, SEED))
    except ValueError as error:
        raise DataError(f"{data_set.name}: too few reviews: {error}") from error
    return corpus(
        data_set.name,
        {"train": every.select(train), "dev": every.select(dev), "test": every.select(test)},
        tuple(f"{rating[0]} star{'s' if rating != '1.0' else ''}" for rating in RATINGS),
        data_set,
        {path: content.sha256 for path, content in contents.items()},
        [
            "Review texts without titles, all four domains together. There is no official split: test is "
            "20 % by class, dev 10 % of the rest (seed 5).",
            f"{number - len(distinct)} reviews whose text occurred before are left out.",
        ],
        collector.left_out,
    )
