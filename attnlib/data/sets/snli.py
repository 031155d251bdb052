"""SNLI 1.0 (Bowman et al. 2015) as Jain & Wallace 2019 prepared it; and a subset of its training split."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from attnlib.data import catalogue, registry
from attnlib.data.building import Pair, pair_classification, pair_split, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.registry import Content

SOURCES = ("official", "subset")
CLASSES = ("contradiction", "entailment", "neutral")
MIN_DOCUMENTS = 3

OFFICIAL = {part: f"snli_1.0_{part}.jsonl" for part in ("train", "dev", "test")}
HELD_OUT = {"dev": "validation.tsv", "test": "test.tsv"}
SUBSETS = ("train_subset_18k.tsv", "train_subset_2k.tsv")

# The two codings of labels in the tab-separated files.
_HELD_OUT_LABELS = {"0": "entailment", "1": "neutral", "2": "contradiction"}
_SUBSET_LABELS = {"1": "neutral", "2": "contradiction", "3": "entailment"}


def _pair(file: str, line: int, premise: str, hypothesis: str, label: str) -> Pair:
    return Pair(f"snli/{file}/{line}", premise, hypothesis, CLASSES.index(label))


def _fail(content: Content, line: int, problem: str) -> DataError:
    return DataError(f"{content.where}:{line}: {problem}. Restore the official file or mend the line.")


def parse_jsonl(content: Content, file: str) -> Iterator[Pair]:
    """Yield the pairs of an official file, called `file` in their ids, less those without gold label ("-").

    Raises DataError, with file and line, for a line that is no JSON object with sentence1, sentence2 and
    gold_label, or has another label.
    """
    for number, line in enumerate(content.lines(), start=1):
        try:
            row = json.loads(line)
            premise, hypothesis, label = (row[key] for key in ("sentence1", "sentence2", "gold_label"))
        except (ValueError, KeyError, TypeError) as error:
            raise _fail(
                content, number, "expected a JSON object with sentence1, sentence2 and gold_label"
            ) from error
        if label == "-":
            continue
        if label not in CLASSES or not isinstance(premise, str) or not isinstance(hypothesis, str):
            raise _fail(content, number, f"gold_label {label!r} or a sentence is not as in SNLI")
        yield _pair(file, number, premise, hypothesis, label)


def parse_held_out(content: Content, file: str) -> Iterator[Pair]:
    """Yield the pairs of a file with header premise, hypothesis, label; 0 is entailment, 1 neutral.

    Raises DataError, with file and line, for another header or label or number of fields.
    """
    for number, line in enumerate(content.lines(), start=1):
        fields = line.split("\t")
        if number == 1:
            if fields != ["premise", "hypothesis", "label"]:
                raise _fail(content, 1, "expected the header premise, hypothesis, label")
            continue
        if len(fields) != 3 or fields[2] not in _HELD_OUT_LABELS:
            raise _fail(content, number, "expected premise, hypothesis and a label 0, 1 or 2, tab-separated")
        yield _pair(file, number, fields[0], fields[1], _HELD_OUT_LABELS[fields[2]])


def parse_subset(content: Content, file: str) -> Iterator[Pair]:
    """Yield the pairs of a file of rows label, label, premise, hypothesis; 1 is neutral, 3 entailment.

    Raises DataError, with file and line, for another label or number of fields.
    """
    for number, line in enumerate(content.lines(), start=1):
        fields = line.split("\t")
        if len(fields) != 4 or fields[0] not in _SUBSET_LABELS or fields[0] != fields[1]:
            raise _fail(
                content, number, "expected a label 1, 2 or 3 twice, premise and hypothesis, tab-separated"
            )
        yield _pair(file, number, fields[2], fields[3], _SUBSET_LABELS[fields[0]])


def split_of(pairs: Sequence[Pair]) -> Split:
    """Return pairs as a split, less those with a sentence without words. Raises DataError if none is left."""
    split = pair_split(pairs)
    if not len(split):
        raise DataError("snli: a file holds no pair with a gold label; it may be truncated. Restore it.")
    return split


@keep("snli")
def load(train: str | None = None, verify: bool = True) -> Corpus:
    """Return SNLI: premises as texts, hypotheses as questions, three classes in alphabetical order.

    train: "official" (the three jsonl files) or "subset" (20,000 training pairs with the whole dev and test
    splits, tab-separated); None takes what is on this machine, the official files first. The corpus is called
    "snli" or "snli_subset" accordingly. `verify` checks sha256 sums. Raises DataError for missing, damaged or
    malformed files, ValueError for an unknown train.
    """
    if train not in (None, *SOURCES):
        raise ValueError(f"unknown train {train!r}; known: {', '.join(SOURCES)}, or None for what is at hand")
    if train is None:
        at_hand = registry.find("snli", OFFICIAL["train"]) is None and all(
            registry.find("snli", path) for path in (*SUBSETS, *HELD_OUT.values())
        )
        train = "subset" if at_hand else "official"
    if train == "subset":
        registry.require("snli", (*SUBSETS, *HELD_OUT.values()), "load with train='official'")
    notes = [
        "spaCy tokens in lower case, those with a digit as 'qqq'; pairs without gold label are left out.",
        "Vocabulary: words of at least 3 training sentences, premises and hypotheses each counted.",
        "Classes in alphabetical order: 0 contradiction, 1 entailment, 2 neutral, as in the released code.",
    ]
    if train == "subset":
        contents = registry.locate("snli", [*SUBSETS, *HELD_OUT.values()], verify)
        pairs = {part: list(parse_held_out(contents[path], part)) for part, path in HELD_OUT.items()}
        pairs["train"] = [
            pair for path in SUBSETS for pair in parse_subset(contents[path], path.removesuffix(".tsv"))
        ]
        notes.insert(
            0,
            f"Not the paper's 549,367 training pairs but {len(pairs['train']):,} of them, as many of each "
            "class; dev and test are the official ones.",
        )
    else:
        contents = registry.locate("snli", list(OFFICIAL.values()), verify)
        pairs = {part: list(parse_jsonl(contents[path], part)) for part, path in OFFICIAL.items()}
    return pair_classification(
        "snli_subset" if train == "subset" else "snli",
        {part: split_of(pairs[part]) for part in ("train", "dev", "test")},
        CLASSES,
        provenance(catalogue.SNLI, {path: c.sha256 for path, c in contents.items()}, notes),
        MIN_DOCUMENTS,
    )
