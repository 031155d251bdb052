"""Yahoo! Answers, ten topics, as Serrano & Smith 2019 used it.

Read from the user's own copy: the Webscope L6 files (FullOct2007.xml.part1 and part2, which are one XML text
cut in two), or the csv files that Zhang et al. 2015 made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

import numpy as np

from attnlib.data import files
from attnlib.data.columns import RowIds
from attnlib.data.corpus import Corpus, Split
from attnlib.data.csv_rows import stream_rows
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.recipes import SEED, Limits, Parts, Row, held_out, within
from attnlib.data.sets.corpora import classes, make
from attnlib.data.sets.rows import one_of, row_at

# In the order of Zhang et al.'s classes 1 to 10.
TOPICS = classes("yahoo")
CLASSES = tuple(str(number) for number in range(1, 11))
LIMITS = Limits(sentences=50, tokens=350)
TEST, TRAIN_AND_DEV = 5_000, 140_000
# More are read than are wanted: some have no sentence, some are too long for training.
SPARE = 1.1
SOURCES = {
    "webscope": ("FullOct2007.xml.part1", "FullOct2007.xml.part2"),
    "whole": ("FullOct2007.xml",),
    "csv": ("train.csv", "test.csv"),
}
PIECE = 1 << 20


class Question(NamedTuple):
    """One document of the Webscope files: its number, counted from 1 over all files, address and text."""

    number: int
    uri: str
    topic: str
    text: str


def plain(text: str) -> str:
    """Return the text with line ends, in whichever way they are written, as spaces."""
    return text.replace("<br />", " ").replace("\\n", " ").replace('\\"', '"')


def questions(paths: Sequence[str]) -> Iterator[Question]:
    """Yield the documents of the Webscope files; text is subject, content and best answer.

    A file goes on where the one before stopped, in the middle of a document if need be, unless that was
    complete. Raises DataError, with file and document, for what is no XML or is cut.
    """
    number, root, place = 0, None, ""
    parser: Any = None
    for path in paths:
        with files.stream("yahoo", path) as (where, file):
            for piece in iter(partial(file.read, PIECE), b""):
                if parser is None and not piece.strip():
                    continue
                parser = parser or XMLPullParser(("start", "end"))
                place = f"{where}: near document {number + 1}"
                try:
                    parser.feed(piece)
                    events = list(parser.read_events())
                except ParseError as error:
                    raise DataError(f"{place}: {error}. Restore the official file.") from error
                for event, element in events:
                    root = element if root is None else root
                    if event == "end" and element is root:
                        parser = root = None
                    elif event == "end" and element.tag == "document":
                        number += 1
                        yield _question(number, element)
                        root.clear()
    if parser is not None:
        raise DataError(f"{place}: the XML text stops; the file may be cut. Restore it.")


def _question(number: int, document: Element) -> Question:
    fields = {child.tag: (child.text or "").strip() for child in document}
    parts = [fields.get(name, "") for name in ("subject", "content", "bestanswer")]
    return Question(number, fields.get("uri", ""), fields.get("maincat", ""), " ".join(filter(None, parts)))


def survey(paths: Sequence[str]) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the numbers [N] and classes [N] of the ten topics' documents, and how many repeats are left out.

    A document whose address occurred before is a repeat.
    """
    labels: dict[int, int] = {}
    addresses: set[str] = set()
    repeats = 0
    for number, uri, topic, text in questions(paths):
        if topic in TOPICS and text:
            repeats += uri in addresses
            if uri not in addresses:
                labels[number] = TOPICS.index(topic)
            addresses |= {uri} - {""}
    return np.array(list(labels), dtype=np.int64), np.array(list(labels.values()), dtype=np.int64), repeats


def draw(numbers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the rank of each document by its number: 0, 1 … for those to read, in random order, else -1.

    Of each class as many are drawn as may be used.
    """
    order = np.random.RandomState(SEED).permutation(len(numbers))
    most = round(SPARE * (TEST + TRAIN_AND_DEV))
    drawn = numbers[np.concatenate([order[labels[order] == y][:most] for y in range(len(TOPICS))])]
    ranks = np.full(int(numbers.max(initial=0)) + 1, -1, dtype=np.int64)
    ranks[drawn] = np.arange(len(drawn))
    return ranks


def balanced(every: Split, ranks: np.ndarray) -> Parts:
    """Return train (and dev in it) and test with as many documents of each class, the lowest ranks first.

    Test is drawn before the limits of length are applied to the rest (released code). A class with too few
    documents gives them in the same proportion, 28 to 1.
    """
    fits = within(every, LIMITS)
    training, test = [], []
    for label in range(len(TOPICS)):
        rows = np.flatnonzero(every.labels == label)
        rows = rows[np.argsort(ranks[rows])]
        share = len(rows) * TEST // (TEST + TRAIN_AND_DEV)
        n_test = min(TEST, max(share, min(1, len(rows) - 1)))
        rest = rows[n_test:]
        test.append(rows[:n_test])
        training.append(rest[fits[rest]][:TRAIN_AND_DEV])
    kept, held = (np.sort(np.concatenate(rows)) for rows in (training, test))
    return {"train": every.select(kept), "test": every.select(held)}


def read_csv(path: str) -> Iterator[Row]:
    """Yield the rows of a csv file: class 1 to 10, title, content, best answer.

    Raises DataError, with file and line, for another class and for what `stream_rows` refuses.
    """
    for where, line, (topic, *parts) in stream_rows("yahoo", path, 4):
        with row_at(f"{where}:{line}"):
            label = one_of(topic, CLASSES, "the class")
        yield Row(line, label, plain(" ".join(filter(None, parts))))


@keep("yahoo")
def load(source: str | None = None) -> Corpus:
    """Return Yahoo! Answers, classes its ten largest topics, from the user's own files.

    source: "webscope" (FullOct2007.xml.part1 and part2), "whole" (FullOct2007.xml in one), "csv" (train.csv,
    test.csv of Zhang et al.), None for the first of these at hand. Raises DataError for files that are
    missing (the message says how to get them), damaged or malformed, ValueError for an unknown source.
    """
    source = files.at_hand("yahoo", SOURCES, source, "source")
    ranks, repeats = np.zeros(0, dtype=np.int64), 0
    if source == "csv":
        parts = {part: read_csv(f"{part}.csv") for part in ("train", "test")}
    else:
        # The files are read twice: to draw documents, and to read those drawn.
        numbers, labels, repeats = survey(SOURCES[source])
        ranks = draw(numbers, labels)
        parts = {
            "": (
                Row(question.number, TOPICS.index(question.topic), plain(question.text))
                for question in questions(SOURCES[source])
                if question.number < len(ranks) and ranks[question.number] >= 0
            )
        }

    def divide(parts: Parts) -> Parts:
        if source == "csv":
            fitting = parts | {"train": parts["train"].select(within(parts["train"], LIMITS))}
            return held_out()(fitting)
        assert isinstance(parts[""].ids, RowIds)
        return held_out()(balanced(parts[""], ranks[parts[""].ids.lines]))

    said = {"csv": source == "csv", "drawn": source != "csv", "repeats": repeats}
    return make("yahoo", parts, dict.fromkeys(SOURCES[source], "not known"), said, divide=divide)
