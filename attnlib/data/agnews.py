"""AG News, business against world, as Jain & Wallace 2019 prepared it; and subsets of its training split."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.csv_rows import read_rows
from attnlib.data.errors import DataError
from attnlib.data.registry import Content
from attnlib.data.splitting import random_split
from attnlib.data.text import clean

SOURCES = ("official", "subset")
DEV_SHARE, DEV_SEED = 0.15, 16377

# Label as written in a file → our class; OTHER: a class that the paper leaves out.
OTHER = -1
_NUMBERS = {"1": 0, "2": OTHER, "3": 1, "4": OTHER}
_FROM_ZERO = {"0": 0, "1": OTHER, "2": 1, "3": OTHER}


@dataclass(frozen=True)
class Layout:
    """How a subset of the training split is written: columns, header, labels."""

    columns: int
    labels: dict[str, int]
    header: bool = False


SUBSETS = {
    "train_subset_a_train.csv": Layout(2, _FROM_ZERO),
    "train_subset_a_dev.csv": Layout(2, _FROM_ZERO),
    "train_subset_b.csv": Layout(2, {"world": 0, "sci_tech": OTHER}),
    "train_subset_c.csv": Layout(2, {f"{label}.0": y for label, y in _FROM_ZERO.items()}, header=True),
    "train_subset_d_train.csv": Layout(3, _FROM_ZERO, header=True),
    "train_subset_d_validation.csv": Layout(3, _FROM_ZERO, header=True),
}


@dataclass(frozen=True)
class Item:
    """A news item: its id, text and class (0 world, 1 business, OTHER)."""

    id: str
    text: str
    label: int


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
    if all(item.label == OTHER for item in found):
        raise DataError(f"{content.where}: no item of the classes world and business; the file may be cut.")
    return found


def official(content: Content, name: str, title: bool) -> list[Item]:
    """Return the items of a file with rows class, title, description; `title`: put before the description."""

    def read(fields: list[str]) -> tuple[str, str]:
        return fields[0], f"{fields[1]} {fields[2]}" if title else fields[2]

    return items(content, name, 3, False, read, _NUMBERS)


def fingerprint(text: str) -> str:
    """Return what two copies of an item share: its letters and digits, lower case."""
    return re.sub(r"[\W_]+", "", text.lower())


def distinct(found: list[Item], test: list[Item]) -> list[Item]:
    """Return one item per text, less those that are in test or have two labels."""
    labels: dict[str, set[int]] = {}
    for item in found:
        labels.setdefault(fingerprint(item.text), set()).add(item.label)
    seen = {fingerprint(item.text) for item in test}
    kept = []
    for item in found:
        key = fingerprint(item.text)
        if key not in seen and len(labels[key]) == 1:
            seen.add(key)
            kept.append(item)
    return kept


def split_of(found: list[Item]) -> Split:
    """Return the world and business items as a split, tokenised; those without words are left out."""
    found = [item for item in found if item.label != OTHER]
    texts = clean(item.text for item in found)
    kept = [i for i, text in enumerate(texts) if text]
    return Split(
        ids=tuple(found[i].id for i in kept),
        texts=tuple(texts[i] for i in kept),
        labels=np.array([found[i].label for i in kept], dtype=np.int64),
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


def load(train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News, business (1) against world (0).

    train: "official" (train.csv, descriptions only, as in the paper) or "subset" (all subsets of it that
    `SUBSETS` lists, titles and descriptions joined); None takes what is on this machine, the official file
    first. The corpus is called "agnews" or "agnews_subset" accordingly. `verify` checks each file's sha256.
    Raises DataError for missing, damaged or malformed files, ValueError for an unknown train.
    """
    subset = at_hand(train) == "subset"
    name = "agnews_subset" if subset else "agnews"
    contents = registry.locate("ag_news", [*(SUBSETS if subset else ["train.csv"]), "test.csv"], verify)
    test = official(contents["test.csv"], f"{name}/test", title=subset)
    notes = [
        "spaCy tokens in lower case, those with a digit as 'qqq'; dev is 15 % of train (seed 16377).",
        "Texts longer than the split's shortest and shorter than its longest, as in the released code.",
        "Vocabulary: words of at least 5 training texts before that filter.",
    ]
    if subset:
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
        training = distinct(found, test)
        notes.insert(
            0,
            "Not the paper's 60,000 training texts but random subsets of them from several sources, joined; "
            f"{len(found) - len(training)} repeated texts, texts of the test split and texts with two labels "
            "are left out. Title and description are one text there, so the test texts have both too; the "
            "paper uses the description alone.",
        )
    else:
        training = official(contents["train.csv"], f"{name}/train", title=False)
        notes.insert(0, "The description alone, without title, as in the released code.")
    every = split_of(training)
    try:
        kept, dev = random_split(len(every), DEV_SHARE, DEV_SEED)
    except ValueError as error:
        raise DataError(f"ag_news: too few training texts: {error}") from error
    return classification(
        name,
        {"train": every.select(kept), "dev": every.select(dev), "test": split_of(test)},
        ("world", "business"),
        provenance(catalogue.AG_NEWS, {path: c.sha256 for path, c in contents.items()}, notes),
        min_documents=5,
        minimum=None,
        maximum=None,
    )
