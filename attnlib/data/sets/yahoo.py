"""Yahoo! Answers, ten topics, as Serrano & Smith 2019 used it.

Read from the user's own copy: the Webscope L6 files (FullOct2007.xml.part1 and part2, which are one XML text
cut in two), or the csv files that Zhang et al. 2015 made of them.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, cast
from xml.etree.ElementTree import ParseError, XMLPullParser

import numpy as np

from attnlib.data import files
from attnlib.data.columns import RowIds
from attnlib.data.corpora import SEED, Limits, Parts, Row, classes, held_out, make, within
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.kept import keep

# In the order of Zhang et al.'s classes 1 to 10.
TOPICS = classes("yahoo")
CLASSES = tuple(map(str, range(1, 11)))
LIMITS = Limits(sentences=50, tokens=350)
TEST, TRAIN_AND_DEV = 5_000, 140_000
# More are read than are wanted: some have no sentence, some are too long for training.
SPARE = 1.1
FIELDS = ("uri", "maincat", "subject", "content", "bestanswer")
PIECE = 1 << 20


def plain(text: str) -> str:
    """Return the text with line ends, in whichever way they are written, as spaces."""
    return text.replace("<br />", " ").replace("\\n", " ").replace('\\"', '"')


def questions(paths: Sequence[str]) -> Iterator[tuple[int, str, str, str]]:
    """Yield (number, address, topic, text) of the documents of the Webscope files.

    They are counted from 1 over all files; text is subject, content and best answer. A file goes on where the
    one before stopped, in the middle of a document if need be, unless that was complete. Raises DataError,
    with file and document, for what is no XML or is cut.
    """
    number, root, place = 0, None, ""
    parser: Any = None
    for place, piece in _pieces(paths):
        if parser is None and not piece.strip():
            continue
        parser = parser or XMLPullParser(("start", "end"))
        try:
            parser.feed(piece)
            events = list(parser.read_events())
        except ParseError as error:
            problem = f"{place}: near document {number + 1}: {error}. Restore the official file."
            raise DataError(problem) from error
        for event, element in events:
            root = element if root is None else root
            if event == "end" and element is root:
                parser = root = None
            elif event == "end" and element.tag == "document":
                number += 1
                found = {child.tag: (child.text or "").strip() for child in element}
                uri, topic, *texts = (found.get(name, "") for name in FIELDS)
                yield number, uri, topic, " ".join(filter(None, texts))
                root.clear()
    if parser is not None:
        raise DataError(f"{place}: the XML text stops in document {number + 1}; it may be cut. Restore it.")


def _pieces(paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        with files.stream("yahoo", path) as (where, file):
            yield from ((where, piece) for piece in iter(partial(file.read, PIECE), b""))


def survey(paths: Sequence[str]) -> tuple[np.ndarray, int]:
    """Return the ranks of the ten topics' documents, see `draw`, and how many repeats are left out.

    A document whose address occurred before is a repeat.
    """
    labels: dict[int, int] = {}
    addresses: set[str] = set()
    repeats = 0
    for number, uri, topic, text in questions(paths):
        if topic in TOPICS and text:
            if uri in addresses:
                repeats += 1
            else:
                labels[number] = TOPICS.index(topic)
            addresses |= {uri} - {""}
    return draw(np.array(list(labels), dtype=np.int64), np.array(list(labels.values()))), repeats


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


def read(paths: Sequence[str], ranks: np.ndarray) -> Iterator[Row]:
    """Yield those documents of the Webscope files that were drawn."""
    for number, _, topic, text in questions(paths):
        if number < len(ranks) and ranks[number] >= 0:
            yield Row(number, TOPICS.index(topic), plain(text))


def balanced(every: Split, ranks: np.ndarray) -> Parts:
    """Return train (and dev in it) and test with as many documents of each class, the lowest ranks first.

    Test is drawn before the limits of length are applied to the rest (released code). A class with too few
    documents gives them in the same proportion, 28 to 1.
    """
    fits = within(every, LIMITS)
    parts: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for label in range(len(TOPICS)):
        rows = np.flatnonzero(every.labels == label)
        rows = rows[np.argsort(ranks[rows])]
        share = len(rows) * TEST // (TEST + TRAIN_AND_DEV)
        n_test = min(TEST, max(share, min(1, len(rows) - 1)))
        parts["test"].append(rows[:n_test])
        parts["train"].append(rows[n_test:][fits[rows[n_test:]]][:TRAIN_AND_DEV])
    return {part: every.select(np.sort(np.concatenate(rows))) for part, rows in parts.items()}


def read_csv(path: str) -> Iterator[Row]:
    """Yield the rows of a csv file: class 1 to 10, title, content, best answer."""
    for line, label, fields in files.labelled_rows("yahoo", path, 4, CLASSES, "the class"):
        yield Row(line, label, plain(" ".join(filter(None, fields))))


@keep("yahoo")
def load(source: str | None = None) -> Corpus:
    """Return Yahoo! Answers, classes its ten largest topics, from the user's own files.

    source: "webscope" (FullOct2007.xml.part1 and part2), "whole" (FullOct2007.xml in one), "csv" (train.csv,
    test.csv of Zhang et al.), None for the first of these at hand. Raises DataError for files that are
    missing (the message says how to get them), damaged or malformed, ValueError for an unknown source.
    """
    source, paths = files.at_hand("yahoo", source, "source")
    if source == "csv":

        def divide(parts: Parts) -> Parts:
            train = parts["train"]
            return held_out(parts | {"train": train.select(within(train, LIMITS))})

        parts = {path.removesuffix(".csv"): read_csv(path) for path in paths}
        return make("yahoo", parts, paths, {"csv": 1}, divide=divide)

    # The files are read twice: to draw documents, and to read those drawn.
    ranks, repeats = survey(paths)

    def divide_drawn(parts: Parts) -> Parts:
        return held_out(balanced(parts[""], ranks[cast(RowIds, parts[""].ids).lines]))

    said = {"drawn": 1, "repeats": repeats}
    return make("yahoo", {"": read(paths, ranks)}, paths, said, divide=divide_drawn)
