"""SNLI 1.0 (Bowman et al. 2015) as Jain & Wallace 2019 prepared it; and a subset of its training split."""

from __future__ import annotations

import json
from collections.abc import Iterator

from attnlib.data import files
from attnlib.data.corpus import Corpus
from attnlib.data.files import Content
from attnlib.data.kept import keep
from attnlib.data.recipes import Row
from attnlib.data.sets.corpora import classes, make
from attnlib.data.sets.rows import one_of, row_at

CLASSES = classes("snli")
OFFICIAL = {part: f"snli_1.0_{part}.jsonl" for part in ("train", "dev", "test")}
HELD_OUT = {"dev": "validation.tsv", "test": "test.tsv"}
SUBSETS = ("train_subset_18k", "train_subset_2k")
FILES = {
    "official": tuple(OFFICIAL.values()),
    "subset": (*(f"{name}.tsv" for name in SUBSETS), *HELD_OUT.values()),
}
# The two codings of labels in the tab-separated files, as class numbers.
_HELD_OUT_LABELS = {"0": 1, "1": 2, "2": 0}
_SUBSET_LABELS = {"1": 2, "2": 0, "3": 1}


def official(content: Content, part: str) -> Iterator[Row]:
    """Yield the pairs of an official file, one JSON object a line, less those without gold label ("-").

    Raises DataError, with file and line, for a line that is no such object: these files have no checksum.
    """
    for line, text in enumerate(content.lines(), start=1):
        with row_at(f"{content.where}:{line}"):
            row = json.loads(text)
            label = one_of(row["gold_label"], (*CLASSES, "-"), "gold_label")
            pair = Row(f"snli/{part}/{line}", label, row["sentence1"], row["sentence2"])
        if label < len(CLASSES):
            yield pair


def held_out(content: Content, part: str) -> Iterator[Row]:
    """Yield the pairs of a tab-separated file with the header premise, hypothesis, label."""
    for line, text in enumerate(content.lines()[1:], start=2):
        premise, hypothesis, label = text.split("\t")
        yield Row(f"snli/{part}/{line}", _HELD_OUT_LABELS[label], premise, hypothesis)


def subset(content: Content, name: str) -> Iterator[Row]:
    """Yield the pairs of a tab-separated file of rows label, label, premise, hypothesis."""
    for line, text in enumerate(content.lines(), start=1):
        label, _, premise, hypothesis = text.split("\t")
        yield Row(f"snli/{name}/{line}", _SUBSET_LABELS[label], premise, hypothesis)


@keep("snli")
def load(train: str | None = None, verify: bool = True) -> Corpus:
    """Return SNLI: premises as texts, hypotheses as questions, three classes in alphabetical order.

    train: "official" (the three jsonl files) or "subset" (20,000 training pairs with the whole dev and test
    splits, tab-separated); None takes what is on this machine, the official files first. The corpus is called
    "snli" or "snli_subset" accordingly. `verify` checks sha256 sums. Raises DataError for missing, damaged or
    malformed files, ValueError for an unknown train.
    """
    train = files.at_hand("snli", FILES, train)
    contents = files.locate("snli", FILES[train], verify)
    if train == "official":
        parts = {part: list(official(contents[path], part)) for part, path in OFFICIAL.items()}
        return make("snli", parts, files.sums(contents))
    parts = {part: list(held_out(contents[path], part)) for part, path in HELD_OUT.items()}
    parts["train"] = [row for name in SUBSETS for row in subset(contents[f"{name}.tsv"], name)]
    return make("snli_subset", parts, files.sums(contents), {"subset": len(parts["train"])}, entry="snli")
