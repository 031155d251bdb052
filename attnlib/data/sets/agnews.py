"""AG News, from the official files or from subsets of the training file.

Flat texts: business against world (Jain & Wallace 2019), or all topics (Liu et al. 2022). Documents: all
topics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attnlib.data import files
from attnlib.data.corpus import Corpus
from attnlib.data.files import Content
from attnlib.data.kept import keep
from attnlib.data.recipes import Row
from attnlib.data.rows import read_rows
from attnlib.data.sets.corpora import classes, make

TOPICS = classes("agnews4")
# Subsets of the training file and how many columns they have: text, label, and what is not read.
SUBSETS = {"a_train": 2, "a_dev": 2, "b": 2, "c": 2, "d_train": 3, "d_validation": 3}
FILES = {
    "official": ("train.csv", "test.csv"),
    "subset": (*(f"train_subset_{part}.csv" for part in SUBSETS), "test.csv"),
}
# Labels as the subsets write them.
_LABELS = {"world": 0, "sci_tech": 3} | {f"{y}{end}": y for y in range(4) for end in ("", ".0")}


def _rows(content: Content, columns: int) -> Iterator[tuple[int, list[str]]]:
    return read_rows((line + "\n" for line in content.lines()), content.where, columns)


def official(content: Content, name: str, title: bool) -> Iterator[Row]:
    """Yield the items of a file with rows class, title, description; `title`: put before the description."""
    for line, (label, heading, text) in _rows(content, 3):
        yield Row(f"{name}/{line}", int(label) - 1, f"{heading} {text}" if title else text)


def subset(content: Content, name: str, columns: int) -> Iterator[Row]:
    """Yield the items of a subset, in which title and description are one text; some have a header."""
    for line, (text, label, *_) in _rows(content, columns):
        if label != "label":
            yield Row(f"{name}/{line}", _LABELS[label], text)


def fingerprint(text: object) -> str:
    """Return what two copies of an item share: its letters and digits, lower case.

    >>> fingerprint("AT&T, again!")
    'attagain'
    """
    return re.sub(r"[\W_]+", "", str(text).lower())


def distinct(found: Sequence[Row], test: Sequence[Row]) -> list[Row]:
    """Return one item per text, less those that are in test or have two topics."""
    topics: dict[str, set[int]] = {}
    for row in found:
        topics.setdefault(fingerprint(row.text), set()).add(row.label)
    seen = {fingerprint(row.text) for row in test}
    kept = []
    for row in found:
        key = fingerprint(row.text)
        if key not in seen and len(topics[key]) == 1:
            seen.add(key)
            kept.append(row)
    return kept


def read(
    name: str, train: str, verify: bool, titles: bool, once: bool
) -> tuple[dict[str, list[Row]], dict[str, str], dict[str, int]]:
    """Return the items of train and test, the files' checksums, and what the notes say of repeats.

    titles: read those of the official files too. once: leave repeated texts out of train, see `distinct`.
    """
    contents = files.locate("ag_news", FILES[train], verify)
    rows = {"test": list(official(contents["test.csv"], f"{name}/test", titles))}
    if train == "official":
        found = list(official(contents["train.csv"], f"{name}/train", titles))
    else:
        named = {part: contents[f"train_subset_{part}.csv"] for part in SUBSETS}
        found = [row for part, c in named.items() for row in subset(c, f"{name}/{part}", SUBSETS[part])]
    rows["train"] = distinct(found, rows["test"]) if once else found
    return rows, files.sums(contents), {train: True, "repeats": len(found) - len(rows["train"])}


def _flat(name: str, train: str | None, verify: bool) -> Corpus:
    """Return AG News with the topics that are classes of the corpus `name`."""
    train = files.at_hand("ag_news", FILES, train)
    joined = train == "subset"
    full_name = f"{name}_subset" if joined else name
    rows, sums, said = read(full_name, train, verify, titles=joined, once=joined)
    number = {TOPICS.index(topic): label for label, topic in enumerate(classes(name))}
    parts = {
        part: [row._replace(label=number[row.label]) for row in found if row.label in number]
        for part, found in rows.items()
    }
    return make(full_name, parts, sums, said, entry=name)


@keep("ag_news")
def load(train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News, business (1) against world (0).

    train: "official" (train.csv, descriptions only, as in the paper) or "subset" (all subsets of it that
    `SUBSETS` lists, titles and descriptions joined); None takes what is on this machine, the official file
    first. The corpus is called "agnews" or "agnews_subset" accordingly. `verify` checks each file's sha256.
    Raises DataError for missing or damaged files, ValueError for an unknown train.
    """
    return _flat("agnews", train, verify)


@keep("ag_news")
def load_four(train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News, classes world, sports, business, sci/tech, as flat texts; else as `load`.

    The corpus is called "agnews4" or "agnews4_subset". Source: Liu et al. 2022, released code.
    """
    return _flat("agnews4", train, verify)


@keep("ag_news")
def load_topics(train: str | None = None, verify: bool = True) -> Corpus:
    """Return AG News as documents, classes world, sports, business, sci/tech; else as `load`.

    Title and description are one text.
    """
    train = files.at_hand("ag_news", FILES, train)
    return make("agnews_topics", *read("agnews_topics", train, verify, titles=True, once=True))
