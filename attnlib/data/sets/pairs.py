"""Pairs of sentences: what one says of the other (SNLI), and whether both mean the same (Quora, MRPC).

SNLI 1.0 (Bowman et al. 2015) as Jain & Wallace 2019 prepared it, from the official files or a subset of its
training split; attention is over the premise. Quora's questions as Liu et al. 2022 prepared them, and MRPC in
the same way; attention is over the second sentence of a pair, the first one is the question.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from attnlib.data import files
from attnlib.data.corpus import Corpus
from attnlib.data.errors import DataError
from attnlib.data.files import Content
from attnlib.data.kept import keep
from attnlib.data.recipes import Row
from attnlib.data.rows import one_of, require_columns, row_at
from attnlib.data.sets.corpora import classes, make

SNLI_CLASSES = classes("snli")
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

MRPC_FILES = {
    "official": ("msr_paraphrase_train.txt", "msr_paraphrase_test.txt"),
    # The same lines in a public repository, which moved the last 500 training pairs to a file of their own.
    "parts": ("msr-para-train.tsv", "msr-para-val.tsv", "msr-para-test.tsv"),
}
MRPC_DEV = 500
QQP_COLUMNS = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
QQP_DEV_SHARE = 0.1
# GLUE's train.tsv has a few questions with a line end in them: both halves of such a row lack fields.
QQP_TOLERATED = 100


def snli_official(content: Content, part: str) -> Iterator[Row]:
    """Yield the pairs of an official file, one JSON object a line, less those without gold label ("-").

    Raises DataError, with file and line, for a line that is no such object: these files have no checksum.
    """
    for line, text in enumerate(content.lines(), start=1):
        with row_at(f"{content.where}:{line}"):
            row = json.loads(text)
            label = one_of(row["gold_label"], (*SNLI_CLASSES, "-"), "gold_label")
            pair = Row(f"snli/{part}/{line}", label, row["sentence1"], row["sentence2"])
        if label < len(SNLI_CLASSES):
            yield pair


def snli_held_out(content: Content, part: str) -> Iterator[Row]:
    """Yield the pairs of a tab-separated file with the header premise, hypothesis, label."""
    for line, text in enumerate(content.lines()[1:], start=2):
        premise, hypothesis, label = text.split("\t")
        yield Row(f"snli/{part}/{line}", _HELD_OUT_LABELS[label], premise, hypothesis)


def snli_subset(content: Content, name: str) -> Iterator[Row]:
    """Yield the pairs of a tab-separated file of rows label, label, premise, hypothesis."""
    for line, text in enumerate(content.lines(), start=1):
        label, _, premise, hypothesis = text.split("\t")
        yield Row(f"snli/{name}/{line}", _SUBSET_LABELS[label], premise, hypothesis)


@keep("snli")
def load_snli(train: str | None = None, verify: bool = True) -> Corpus:
    """Return SNLI: premises as texts, hypotheses as questions, three classes in alphabetical order.

    train: "official" (the three jsonl files) or "subset" (20,000 training pairs with the whole dev and test
    splits, tab-separated); None takes what is on this machine, the official files first. The corpus is called
    "snli" or "snli_subset" accordingly. `verify` checks sha256 sums. Raises DataError for missing, damaged or
    malformed files, ValueError for an unknown train.
    """
    train = files.at_hand("snli", FILES, train)
    contents = files.locate("snli", FILES[train], verify)
    if train == "official":
        parts = {part: list(snli_official(contents[path], part)) for part, path in OFFICIAL.items()}
        return make("snli", parts, files.sums(contents))
    parts = {part: list(snli_held_out(contents[path], part)) for part, path in HELD_OUT.items()}
    parts["train"] = [row for name in SUBSETS for row in snli_subset(contents[f"{name}.tsv"], name)]
    return make("snli_subset", parts, files.sums(contents), {"subset": len(parts["train"])}, entry="snli")


def read_mrpc(content: Content, part: str, before: int = 0) -> Iterator[Row]:
    """Yield the pairs of a file of MRPC; the number in an id is the line in the official file of this part.

    before: how many lines of the official file come before this one's. Raises DataError, with file and line,
    for a wrong number of fields or label: the official files have no checksum.
    """
    for line, text in enumerate(content.lines()[1:], start=2):
        with row_at(f"{content.where}:{line}"):
            label, _, _, first, second = text.split("\t")
            row = Row(f"mrpc/{part}/{before + line}", one_of(label, ("0", "1"), "the label"), second, first)
        yield row


@keep("mrpc")
def load_mrpc(verify: bool = True) -> Corpus:
    """Return MRPC: the second sentences as texts, the first as questions, classes different and paraphrase.

    Reads the two official files, or the three that a public repository made of them; both give the same
    corpus, in which dev are the last 500 training pairs. `verify` checks sha256 sums where they are known.
    Raises DataError for missing, damaged or malformed files.
    """
    paths = MRPC_FILES[files.at_hand("mrpc", MRPC_FILES, None)]
    contents = files.locate("mrpc", paths, verify)
    training: list[Row] = []
    for path in paths[:-1]:
        training += read_mrpc(contents[path], "train", len(training))
    parts = {"train": training[:-MRPC_DEV], "dev": training[-MRPC_DEV:]}
    parts["test"] = list(read_mrpc(contents[paths[-1]], "test"))
    return make("mrpc", parts, files.sums(contents), {"n_dev": MRPC_DEV})


def read_qqp(content: Content) -> tuple[list[Row], int, int]:
    """Return the pairs of a file, how many rows have not six fields, and how many an empty question.

    Those two kinds are left out, as in the released code. Raises DataError, with file and line, for a wrong
    header or label, and if more than `QQP_TOLERATED` rows have not six fields.
    """
    header, *rows = (line.split("\t") for line in content.lines() or [""])
    require_columns(header, QQP_COLUMNS, content.where)
    whole = {line: row for line, row in enumerate(rows, start=2) if len(row) == len(QQP_COLUMNS)}
    if len(rows) - len(whole) > QQP_TOLERATED:
        raise DataError(
            f"{content.where}: {len(rows) - len(whole)} rows have not {len(QQP_COLUMNS)} fields. Restore it."
        )
    found = []
    for line, (*_, first, second, label) in whole.items():
        if first.strip() and second.strip():
            with row_at(f"{content.where}:{line}"):
                label_number = one_of(label, ("0", "1"), "the label")
            name = f"qqp/{content.path.removesuffix('.tsv')}/{line}"
            found.append(Row(name, label_number, second, first))
    return found, len(rows) - len(whole), len(whole) - len(found)


@keep("qqp")
def load_qqp() -> Corpus:
    """Return Quora's question pairs from the user's own files of GLUE, classes different and paraphrase.

    The second questions are the texts. dev is the first tenth of train.tsv, test is dev.tsv, since GLUE's
    test labels are not public. Raises DataError for files that are missing (the message says how to get
    them) or malformed. Source: Liu et al. 2022, released code.
    """
    contents = files.locate("qqp", ["train.tsv", "dev.tsv"])
    (training, *left_out), (test, *left_out_of_test) = (read_qqp(c) for c in contents.values())
    broken, empty = (a + b for a, b in zip(left_out, left_out_of_test, strict=True))
    n_dev = int(QQP_DEV_SHARE * len(training))
    parts = {"train": training[n_dev:], "dev": training[:n_dev], "test": test}
    return make("qqp", parts, files.sums(contents), {"broken": broken, "empty": empty})
