"""AG News, from the official files or from subsets of the training file.

Flat texts: business against world (Jain & Wallace 2019), or all topics (Liu et al. 2022). Documents: all
topics.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from attnlib.data import files
from attnlib.data.corpora import CORPORA, Row, classes, make
from attnlib.data.corpus import Corpus
from attnlib.data.files import Content
from attnlib.data.kept import keep
from attnlib.data.rows import one_of, row_at

TOPICS = classes("agnews4")
# Subsets of the training file and how many columns they have: text, label, and what is not read.
SUBSETS = {"a_train": 2, "a_dev": 2, "b": 2, "c": 2, "d_train": 3, "d_validation": 3}
# Labels as the subsets write them.
_LABELS = {"world": 0, "sci_tech": 3} | {f"{y}{end}": y for y in range(4) for end in ("", ".0")}


def official(content: Content, name: str, title: bool) -> Iterator[Row]:
    """Yield the items of a file with rows class, title, description; `title`: put before the description."""
    for line, (label, heading, text) in content.rows(3):
        with row_at(f"{content.where}:{line}"):
            topic = one_of(label, ("1", "2", "3", "4"), "the class")
        yield Row(f"{name}/{line}", topic, f"{heading} {text}" if title else text)


def subset(content: Content, name: str, columns: int) -> Iterator[Row]:
    """Yield the items of a subset, in which title and description are one text; some have a header."""
    for line, (text, label, *_) in content.rows(columns):
        if label != "label":
            with row_at(f"{content.where}:{line}"):
                topic = _LABELS[label]
            yield Row(f"{name}/{line}", topic, text)


def fingerprint(text: object) -> str:
    """Return what two copies of an item share: its letters and digits, lower case.

    >>> fingerprint("AT&T, again!")
    'attagain'
    """
    return re.sub(r"[\W_]+", "", str(text).lower())


def distinct(found: Sequence[Row], test: Sequence[Row]) -> list[Row]:
    """Return one item per text, less those that are in test or have two topics."""
    texts = pd.Series([fingerprint(row.text) for row in found])
    topics = pd.Series([row.label for row in found]).groupby(texts).transform("nunique")
    tested = texts.isin([fingerprint(row.text) for row in test])
    kept = (topics == 1) & ~texts.duplicated() & ~tested
    return [found[i] for i in np.flatnonzero(kept).tolist()]


@keep("ag_news")
def load(name: str, train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News as the corpus of that name, or as its subset.

    name: "agnews", business (1) against world (0); "agnews4", classes world, sports, business, sci/tech
    (Liu et al. 2022, released code); "agnews_topics", the same as documents, title and description one text.
    train: "official" (train.csv; as flat texts descriptions only, as in the paper) or "subset" (all subsets
    of it that `SUBSETS` lists, titles and descriptions joined); None takes what is on this machine, the
    official file first. Flat texts of the subsets are called "agnews_subset" or "agnews4_subset". `verify`
    checks each file's sha256. Raises DataError for missing or damaged files, ValueError for an unknown train.
    """
    train, paths = files.at_hand("ag_news", train)
    documents, parts = "documents" in CORPORA[name], train == "subset"
    # Where title and description are one text, texts may occur twice.
    joined = documents or parts
    full_name = f"{name}_subset" if parts and not documents else name
    contents = files.locate("ag_news", paths, verify)
    test = list(official(contents["test.csv"], f"{full_name}/test", joined))
    if parts:
        found: list[Row] = []
        for part, columns in SUBSETS.items():
            found += subset(contents[f"train_subset_{part}.csv"], f"{full_name}/{part}", columns)
    else:
        found = list(official(contents["train.csv"], f"{full_name}/train", joined))
    kept = distinct(found, test) if joined else found
    number = {TOPICS.index(topic): label for label, topic in enumerate(classes(name))}
    rows = {"test": test, "train": kept}
    for part, every in rows.items():
        rows[part] = [row._replace(label=number[row.label]) for row in every if row.label in number]
    said = {train: True, "repeats": len(found) - len(kept)}
    return make(full_name, rows, files.sums(contents), said, entry=name)
