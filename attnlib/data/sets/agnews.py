"""AG News: business against world (Jain & Wallace 2019) or all topics (Liu et al. 2022), whole or in part."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.csv_rows import read_rows
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.registry import Content
from attnlib.data.splitting import random_split
from attnlib.data.text import clean

SOURCES = ("official", "subset")
DEV_SHARE, DEV_SEED = 0.15, 16377

TOPICS = ("world", "sports", "business", "sci/tech")
# Label as written in a file → number of the topic.
_NUMBERS = {"1": 0, "2": 1, "3": 2, "4": 3}
_FROM_ZERO = {"0": 0, "1": 1, "2": 2, "3": 3}


@dataclass(frozen=True)
class Layout:
    """How a subset of the training split is written: columns, header, labels."""

    columns: int
    labels: dict[str, int]
    header: bool = False


SUBSETS = {
    "train_subset_a_train.csv": Layout(2, _FROM_ZERO),
    "train_subset_a_dev.csv": Layout(2, _FROM_ZERO),
    "train_subset_b.csv": Layout(2, {"world": 0, "sci_tech": 3}),
    "train_subset_c.csv": Layout(2, {f"{label}.0": y for label, y in _FROM_ZERO.items()}, header=True),
    "train_subset_d_train.csv": Layout(3, _FROM_ZERO, header=True),
    "train_subset_d_validation.csv": Layout(3, _FROM_ZERO, header=True),
}


@dataclass(frozen=True)
class Item:
    """A news item: its id, text and topic, a number into `TOPICS`."""

    id: str
    text: str
    topic: int


def items(
    content: Content,
    name: str,
    columns: int,
    header: bool,
    read: Callable[[list[str]], tuple[str, str]],
    labels: dict[str, int],
) -> list[Item]:
    """Return the items of one file; `read` takes (label, text) out of the fields.

    Raises DataError, with file and line, for an unknown class or an empty text.
    """
    found = []
    lines = (line + "\n" for line in content.lines())
    for line, fields in read_rows(lines, content.where, columns):
        if header and line == 1:
            continue
        label, text = read(fields)
        if label not in labels:
            raise DataError(
                f"{content.where}:{line}: class {label!r} is not one of {', '.join(labels)}. Mend the line."
            )
        if not text.strip():
            raise DataError(f"{content.where}:{line}: the text is empty. Restore or remove the line.")
        found.append(Item(f"{name}/{line}", text, labels[label]))
    if not found:
        raise DataError(f"{content.where}: no item; the file may be cut. Restore it.")
    return found


def official(content: Content, name: str, title: bool) -> list[Item]:
    """Return the items of a file with rows class, title, description; `title`: put before the description."""

    def read(fields: list[str]) -> tuple[str, str]:
        return fields[0], f"{fields[1]} {fields[2]}" if title else fields[2]

    return items(content, name, 3, False, read, _NUMBERS)


def subsets(contents: dict[str, Content], name: str) -> list[Item]:
    """Return the items of all subsets of the training file, in which title and description are one text."""
    found: list[Item] = []
    for path, layout in SUBSETS.items():
        part = path.removeprefix("train_subset_").removesuffix(".csv")
        found += items(
            contents[path],
            f"{name}/{part}",
            layout.columns,
            layout.header,
            lambda fields: (fields[1], fields[0]),
            layout.labels,
        )
    return found


def fingerprint(text: str) -> str:
    """Return what two copies of an item share: its letters and digits, lower case."""
    return re.sub(r"[\W_]+", "", text.lower())


def distinct(found: list[Item], test: list[Item]) -> list[Item]:
    """Return one item per text, less those that are in test or have two topics."""
    topics: dict[str, set[int]] = {}
    for item in found:
        topics.setdefault(fingerprint(item.text), set()).add(item.topic)
    seen = {fingerprint(item.text) for item in test}
    kept = []
    for item in found:
        key = fingerprint(item.text)
        if key not in seen and len(topics[key]) == 1:
            seen.add(key)
            kept.append(item)
    return kept


def split_of(found: list[Item], class_names: Sequence[str]) -> Split:
    """Return the items of these topics as a split, tokenised; those without words are left out.

    Raises DataError if there is no item of one of the topics.
    """
    classes = {TOPICS.index(name): label for label, name in enumerate(class_names)}
    if absent := sorted(classes.keys() - {item.topic for item in found}):
        names = ", ".join(TOPICS[topic] for topic in absent)
        raise DataError(f"ag_news: no item of the topic {names}; a file may be cut. Restore the files.")
    found = [item for item in found if item.topic in classes]
    texts = clean(item.text for item in found)
    kept = [i for i, text in enumerate(texts) if text]
    return Split(
        ids=tuple(found[i].id for i in kept),
        texts=tuple(texts[i] for i in kept),
        labels=np.array([classes[found[i].topic] for i in kept], dtype=np.int64),
    )


def at_hand(train: str | None) -> str:
    """Return which training texts to read, "official" or "subset"; None is the first of them that is here.

    Raises ValueError for an unknown name, DataError if the subsets are asked for and not here.
    """
    if train not in (None, *SOURCES):
        raise ValueError(f"unknown train {train!r}; known: {', '.join(SOURCES)}, or None for what is at hand")
    if train is None:
        here = registry.find("ag_news", "train.csv") is None and all(
            registry.find("ag_news", path) for path in SUBSETS
        )
        train = "subset" if here else "official"
    if train == "subset":
        registry.require("ag_news", SUBSETS, "load with train='official'")
    return train


def _load(name: str, class_names: tuple[str, ...], size: str, train: str | None, verify: bool) -> Corpus:
    """Return AG News with these of its topics; size: how many training texts the paper has."""
    subset = at_hand(train) == "subset"
    name = f"{name}_subset" if subset else name
    contents = registry.locate("ag_news", [*(SUBSETS if subset else ["train.csv"]), "test.csv"], verify)
    test = official(contents["test.csv"], f"{name}/test", title=subset)
    notes = [
        "spaCy tokens in lower case, those with a digit as 'qqq'; dev is 15 % of train (seed 16377).",
        "Texts longer than the split's shortest and shorter than its longest, as in the released code.",
        "Vocabulary: words of at least 5 training texts before that filter.",
    ]
    if subset:
        found = subsets(contents, name)
        training = distinct(found, test)
        notes.insert(
            0,
            f"Not the paper's {size} training texts but random subsets of them from several sources, joined; "
            f"{len(found) - len(training)} repeated texts, texts of the test split and texts with two labels "
            "are left out. Title and description are one text there, so the test texts have both too; the "
            "paper uses the description alone.",
        )
    else:
        training = official(contents["train.csv"], f"{name}/train", title=False)
        notes.insert(0, "The description alone, without title, as in the released code.")
    every = split_of(training, class_names)
    try:
        kept, dev = random_split(len(every), DEV_SHARE, DEV_SEED)
    except ValueError as error:
        raise DataError(f"ag_news: too few training texts: {error}") from error
    return classification(
        name,
        {"train": every.select(kept), "dev": every.select(dev), "test": split_of(test, class_names)},
        class_names,
        provenance(catalogue.AG_NEWS, {path: c.sha256 for path, c in contents.items()}, notes),
        min_documents=5,
        minimum=None,
        maximum=None,
    )


@keep("ag_news")
def load(train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News, business (1) against world (0).

    train: "official" (train.csv, descriptions only, as in the paper) or "subset" (all subsets of it that
    `SUBSETS` lists, titles and descriptions joined); None takes what is on this machine, the official file
    first. The corpus is called "agnews" or "agnews_subset" accordingly. `verify` checks each file's sha256.
    Raises DataError for missing, damaged or malformed files, ValueError for an unknown train.
    """
    return _load("agnews", ("world", "business"), "60,000", train, verify)


@keep("ag_news")
def load_four(train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News, classes world, sports, business, sci/tech, as flat texts; else as `load`.

    The corpus is called "agnews4" or "agnews4_subset". Source: Liu et al. 2022, released code.
    """
    return _load("agnews4", TOPICS, "120,000", train, verify)
