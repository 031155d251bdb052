"""IMDB film reviews with ratings 1 to 10 (Diao et al. 2014, JMARS), as Serrano & Smith 2019 used them.

Read from the user's own copy of data.json, review by review.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

from attnlib.data import catalogue, registry
from attnlib.data.corpus import Corpus
from attnlib.data.documents import Collector, Row, corpus, draws
from attnlib.data.errors import DataError
from attnlib.data.kept import keep

RATINGS = tuple(str(n) for n in range(1, 11))
TRAIN_SHARE, DEV_SHARE = 0.8, 0.1
PIECE = 1 << 20
LONGEST = 10 * PIECE
# What stands between the objects of an array, or between objects on lines of their own.
_BETWEEN = " \t\r\n,["


def objects(file: IO[bytes], where: str) -> Iterator[tuple[int, Any]]:
    """Yield (number from 1, object) of a JSON array, or of objects one after the other, without reading all.

    Raises DataError, with the number of the object, for text that is no JSON or not UTF-8, or that stops
    within an object or before the array's end.
    """
    decode = json.JSONDecoder().raw_decode
    to_text = codecs.getincrementaldecoder("utf-8")()
    text, number, array, ended = "", 0, None, False
    while not ended:
        try:
            piece = file.read(PIECE)
            ended = not piece
            text += to_text.decode(piece, final=ended)
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: object {number + 1}: not UTF-8 text. Restore the file.") from error
        at = 0
        while True:
            start = at
            while start < len(text) and text[start] in _BETWEEN:
                start += 1
            if array is None and text.strip():
                array = text.lstrip().startswith("[")
            if start == len(text) or (array and text[start] == "]"):
                at = start
                break
            try:
                found, at = decode(text, start)
            except json.JSONDecodeError as error:
                if ended or len(text) - start > LONGEST:
                    raise DataError(
                        f"{where}: object {number + 1}: {error.msg}; the file may be cut or damaged. "
                        f"Restore it."
                    ) from error
                at = start
                break
            number += 1
            yield number, found
        text = text[at:]
    if array and text.strip() != "]":
        raise DataError(f"{where}: the array has no end after object {number}; the file may be cut.")


def read(where: str, file: IO[bytes]) -> Iterator[Row]:
    """Yield the reviews; their titles are not used (released code).

    Raises DataError, with the number of the review, for a rating missing or other than 1 to 10, a text that
    is missing, and for what `objects` refuses.
    """
    for number, item in objects(file, where):
        if not isinstance(item, dict):
            raise DataError(f"{where}: object {number}: expected a review with rating and review. Mend it.")
        rating, text = str(item.get("rating")), item.get("review")
        if rating.removesuffix(".0") not in RATINGS:
            raise DataError(
                f"{where}: object {number}: the rating is {item.get('rating')!r}, not 1 to 10. Mend or "
                f"remove the review."
            )
        if not isinstance(text, str):
            raise DataError(f"{where}: object {number}: no text called 'review'. Mend or remove the review.")
        yield Row(number, int(rating.removesuffix(".0")) - 1, text)


@keep("imdb10")
def load() -> Corpus:
    """Return IMDB reviews, classes ratings 1 to 10, from the user's own data.json of JMARS.

    One JSON array or one object a line. Raises DataError for a file that is missing (the message says how to
    get it), cut or malformed.
    """
    collector = Collector()
    with registry.stream("imdb10", "data.json") as (where, file):
        every = collector.collect("imdb10", read(where, file))
    drawn = draws(every)
    train, rest = drawn < TRAIN_SHARE, drawn >= TRAIN_SHARE + DEV_SHARE
    return corpus(
        "imdb10",
        {"train": every.select(train), "dev": every.select(~train & ~rest), "test": every.select(rest)},
        RATINGS,
        catalogue.IMDB10,
        {"data.json": "not known"},
        [
            "Review texts without titles; each review goes to train, dev or test with probability .8, .1, .1 "
            "(seed 5). The released code draws so without a seed: no split can equal the paper's."
        ],
        collector.left_out,
    )
