"""Yahoo! Answers, ten topics, as Serrano & Smith 2019 used it.

Read from the user's own copy: the Webscope L6 files (FullOct2007.xml.part1 and part2, which are one XML text
cut in two), or the csv files that Zhang et al. 2015 made of them.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.compact import RowIds
from attnlib.data.corpus import Corpus, Split
from attnlib.data.csv_rows import stream_rows
from attnlib.data.documents import SEED, Collector, Limits, Row, corpus, exact_dev, within
from attnlib.data.errors import DataError
from attnlib.data.kept import keep

# In the order of Zhang et al.'s classes 1 to 10.
TOPICS = (
    "Society & Culture",
    "Science & Mathematics",
    "Health",
    "Education & Reference",
    "Computers & Internet",
    "Sports",
    "Business & Finance",
    "Entertainment & Music",
    "Family & Relationships",
    "Politics & Government",
)
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
    number, place = 0, ""
    parser: XMLPullParser | None = None
    root: Element | None = None
    for path in paths:
        with registry.stream("yahoo", path) as (where, file):
            place, complete = where, False
            while not complete and (piece := file.read(PIECE)):
                if parser is None:
                    parser, root = XMLPullParser(("start", "end")), None
                try:
                    parser.feed(piece)
                    events = cast(list[tuple[str, Element]], list(parser.read_events()))
                except ParseError as error:
                    raise DataError(
                        f"{where}: near document {number + 1}: {error}. Restore the official file."
                    ) from error
                for event, element in events:
                    if root is None:
                        root = element
                    if event == "end" and element is root:
                        parser, complete = None, True
                    elif event == "end" and element.tag == "document":
                        number += 1
                        yield _question(number, element)
                        root.clear()
    if parser is not None:
        raise DataError(
            f"{place}: the XML text stops within document {number + 1}; the file may be cut. Restore it."
        )


def _question(number: int, document: Element) -> Question:
    fields = {child.tag: (child.text or "").strip() for child in document}
    parts = [fields.get(name, "") for name in ("subject", "content", "bestanswer")]
    return Question(number, fields.get("uri", ""), fields.get("maincat", ""), " ".join(filter(None, parts)))


def survey(paths: Sequence[str]) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the numbers [N] and classes [N] of the ten topics' documents, and how many repeats are left out.

    A document whose address occurred before is a repeat.
    """
    numbers, labels, addresses = array("q"), array("b"), array("q")
    for number, uri, topic, text in questions(paths):
        if topic in TOPICS and text:
            key = hashlib.blake2b((uri or f"document {number}").encode(), digest_size=8).digest()
            numbers.append(number)
            labels.append(TOPICS.index(topic))
            addresses.append(int.from_bytes(key, "little", signed=True))
    first = np.sort(np.unique(np.array(addresses, dtype=np.int64), return_index=True)[1])
    found, classes = np.array(numbers, dtype=np.int64), np.array(labels, dtype=np.int64)
    return found[first], classes[first], len(found) - len(first)


def draw(numbers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the numbers of the documents to read, in random order: as many of each class as may be used."""
    order = np.random.RandomState(SEED).permutation(len(numbers))
    most = round(SPARE * (TEST + TRAIN_AND_DEV))
    kept = [order[labels[order] == label][:most] for label in range(len(TOPICS))]
    return numbers[np.concatenate(kept)]


def balanced(every: Split, ranks: np.ndarray) -> tuple[Split, Split]:
    """Return (train and dev, test) with as many documents of each class, the lowest ranks first.

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
    return every.select(kept), every.select(held)


def from_webscope(collector: Collector, paths: Sequence[str]) -> tuple[Split, Split, int]:
    """Return (train and dev, test, repeats left out) of the Webscope files, which are read twice."""
    numbers, labels, repeats = survey(paths)
    if not len(numbers):
        raise DataError(f"yahoo: no document of the ten topics in {', '.join(paths)}. Restore the files.")
    drawn = draw(numbers, labels)
    ranks = np.full(int(numbers.max()) + 1, -1, dtype=np.int64)
    ranks[drawn] = np.arange(len(drawn))
    rows = (
        Row(question.number, TOPICS.index(question.topic), plain(question.text))
        for question in questions(paths)
        if question.number < len(ranks) and ranks[question.number] >= 0
    )
    every = collector.collect("yahoo", rows)
    assert isinstance(every.ids, RowIds)
    training, test = balanced(every, ranks[every.ids.lines])
    return training, test, repeats


def read_csv(path: str) -> Iterator[Row]:
    """Yield the rows of a csv file: class 1 to 10, title, content, best answer.

    Raises DataError, with file and line, for another class and for what `stream_rows` refuses.
    """
    known = {str(number): label for label, number in enumerate(range(1, 11))}
    for where, line, (topic, *parts) in stream_rows("yahoo", path, 4):
        if topic not in known:
            raise DataError(f"{where}:{line}: the class is {topic!r}, not 1 to 10. Mend or remove the line.")
        yield Row(line, known[topic], plain(" ".join(filter(None, parts))))


@keep("yahoo")
def load(source: str | None = None) -> Corpus:
    """Return Yahoo! Answers, classes its ten largest topics, from the user's own files.

    source: "webscope" (FullOct2007.xml.part1 and part2), "whole" (FullOct2007.xml in one), "csv" (train.csv,
    test.csv of Zhang et al.), None for the first of these at hand. Raises DataError for files that are
    missing (the message says how to get them), damaged or malformed, ValueError for an unknown source.
    """
    if source not in (None, *SOURCES):
        raise ValueError(
            f"unknown source {source!r}; known: {', '.join(SOURCES)}, or None for what is at hand"
        )
    if source is None:
        at_hand = [s for s, paths in SOURCES.items() if all(registry.find("yahoo", p) for p in paths)]
        source = at_hand[0] if at_hand else "webscope"
    paths = SOURCES[source]
    collector = Collector()
    notes = ["Subject, content and best answer of each question; mark-up of line ends is left out."]
    if source == "csv":
        training = collector.collect("yahoo/train", read_csv("train.csv"))
        test = collector.collect("yahoo/test", read_csv("test.csv"))
        training = training.select(within(training, LIMITS))
        notes.append(
            "The files of Zhang et al., not the paper's own draw from the Webscope files: theirs have 6,000 "
            "test questions of each topic, the paper has 5,000."
        )
    else:
        training, test, repeats = from_webscope(collector, paths)
        notes.append(
            "5,000 test and 140,000 training and development questions of each topic, drawn with seed 5; "
            "the released code draws without a seed, and reads the first file twice and the second never, so "
            "that no split can equal the paper's."
        )
        notes += [f"{repeats} questions whose address occurred before are left out."] if repeats else []
    notes.append(
        f"Training and development documents have at most {LIMITS.sentences} sentences, of at most "
        f"{LIMITS.tokens} tokens; test has all. Dev is a tenth of them."
    )
    train, dev, _ = exact_dev(training, "yahoo")
    return corpus(
        "yahoo",
        {"train": train, "dev": dev, "test": test},
        TOPICS,
        catalogue.YAHOO,
        dict.fromkeys(paths, "not known"),
        notes,
        collector.left_out,
    )
