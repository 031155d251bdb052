"""Pairs of sentences: what one says of the other (SNLI), and whether both mean the same (Quora, MRPC).

SNLI 1.0 (Bowman et al. 2015) as Jain & Wallace 2019 prepared it, from the official files or a subset of its
training split; attention is over the premise. Quora's questions as Liu et al. 2022 prepared them, and MRPC in
the same way; attention is over the second sentence of a pair, the first one is the question.
"""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from attnlib.data import files
from attnlib.data.corpora import Row, classes, make
from attnlib.data.corpus import PARTS, Corpus
from attnlib.data.errors import DataError
from attnlib.data.files import Content
from attnlib.data.kept import keep
from attnlib.data.rows import one_of, require_columns, row_at


class Layout(NamedTuple):
    """Of a tab-separated file: its columns, those without a name unread; labels as written, by class."""

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    header: bool = True


SNLI_LABELS = (*classes("snli"), "-")
OFFICIAL = {part: f"snli_1.0_{part}.jsonl" for part in PARTS}
HELD_OUT = Layout(("text", "question", "label"), ("2", "0", "1"))
SUBSET = Layout(("label", "", "text", "question"), ("2", "3", "1"), header=False)
# By file: the part that its pairs belong to, what their ids begin with, and the layout.
SUBSETS = {
    "train_subset_18k.tsv": ("train", "snli/train_subset_18k", SUBSET),
    "train_subset_2k.tsv": ("train", "snli/train_subset_2k", SUBSET),
    "validation.tsv": ("dev", "snli/dev", HELD_OUT),
    "test.tsv": ("test", "snli/test", HELD_OUT),
}

MRPC = Layout(("label", "", "", "question", "text"), ("0", "1"))
MRPC_DEV = 500
QQP_COLUMNS = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
QQP = Layout(("", "", "", "question", "text", "label"), ("0", "1"))
QQP_DEV_SHARE = 0.1
# GLUE's train.tsv has a few questions with a line end in them: both halves of such a row lack fields.
QQP_TOLERATED = 100


def pair(place: str, name: str, layout: Layout, fields: Sequence[str]) -> Row:
    """Return a pair called so; DataError, which begins with its place, for wrong fields or another label."""
    with row_at(place):
        if len(fields) != len(layout.columns):
            raise ValueError(f"expected {len(layout.columns)} tab-separated fields, found {len(fields)}")
        row = dict(zip(layout.columns, fields, strict=True))
        return Row(name, one_of(row["label"], layout.labels, "the label"), row["text"], row["question"])


def tabbed(content: Content, name: str, layout: Layout, before: int = 0) -> Iterator[Row]:
    """Yield the pairs of a tab-separated file, with the ids ``<name>/<line>``; errors as of `pair`.

    before: how many lines of the official file come before this one's, and count in the ids.
    """
    for line, text in enumerate(content.lines(), start=1):
        if line > layout.header:
            yield pair(f"{content.where}:{line}", f"{name}/{before + line}", layout, text.split("\t"))


def snli_official(content: Content, part: str) -> Iterator[Row]:
    """Yield the pairs of an official file, one JSON object a line, less those without gold label ("-").

    Raises DataError, with file and line, for a line that is no such object: these files have no checksum.
    """
    for line, text in enumerate(content.lines(), start=1):
        with row_at(f"{content.where}:{line}"):
            row = json.loads(text)
            label = one_of(row["gold_label"], SNLI_LABELS, "gold_label")
            found = Row(f"snli/{part}/{line}", label, row["sentence1"], row["sentence2"])
        if row["gold_label"] != "-":
            yield found


@keep("snli")
def load_snli(train: str | None = None, verify: bool = True) -> Corpus:
    """Return SNLI: premises as texts, hypotheses as questions, three classes in alphabetical order.

    train: "official" (the three jsonl files) or "subset" (20,000 training pairs with the whole dev and test
    splits, tab-separated); None takes what is on this machine, the official files first. The corpus is called
    "snli" or "snli_subset" accordingly. `verify` checks sha256 sums. Raises DataError for missing, damaged or
    malformed files, ValueError for an unknown train.
    """
    train, paths = files.at_hand("snli", train)
    contents = files.locate("snli", paths, verify)
    if train == "official":
        official = {part: snli_official(contents[path], part) for part, path in OFFICIAL.items()}
        return make("snli", official, files.sums(contents))
    parts: dict[str, list[Row]] = {part: [] for part in PARTS}
    for path, (part, name, layout) in SUBSETS.items():
        parts[part] += tabbed(contents[path], name, layout)
    return make("snli_subset", parts, files.sums(contents), {"subset": len(parts["train"])}, entry="snli")


@keep("mrpc")
def load_mrpc(verify: bool = True) -> Corpus:
    """Return MRPC: the second sentences as texts, the first as questions, classes different and paraphrase.

    Reads the two official files, or the three that a public repository made of them; both give the same
    corpus, in which dev are the last 500 training pairs. An id has the line in the official file. `verify`
    checks sha256 sums where they are known. Raises DataError for missing, damaged or malformed files.
    """
    _, (*of_train, of_test) = files.at_hand("mrpc", None)
    contents = files.locate("mrpc", [*of_train, of_test], verify)
    training: list[Row] = []
    for path in of_train:
        training += tabbed(contents[path], "mrpc/train", MRPC, len(training))
    parts = {"train": training[:-MRPC_DEV], "dev": training[-MRPC_DEV:]}
    test = tabbed(contents[of_test], "mrpc/test", MRPC)
    return make("mrpc", parts | {"test": list(test)}, files.sums(contents), {"n_dev": MRPC_DEV})


def read_qqp(content: Content) -> tuple[list[Row], int, int]:
    """Return the pairs of a file, how many rows have not six fields, and how many an empty question.

    Those two kinds are left out, as in the released code. Raises DataError, with file and line, for a wrong
    header or label, and if more than `QQP_TOLERATED` rows have not six fields.
    """
    header, *rows = (line.split("\t") for line in content.lines() or [""])
    require_columns(header, QQP_COLUMNS, content.where)
    whole = {line: row for line, row in enumerate(rows, start=2) if len(row) == len(QQP_COLUMNS)}
    broken = len(rows) - len(whole)
    if broken > QQP_TOLERATED:
        raise DataError(f"{content.where}: {broken} rows have not {len(QQP_COLUMNS)} fields. Restore it.")
    filled = {line: row for line, row in whole.items() if row[3].strip() and row[4].strip()}
    name = f"qqp/{content.path.removesuffix('.tsv')}"
    found = [pair(f"{content.where}:{n}", f"{name}/{n}", QQP, row) for n, row in filled.items()]
    return found, broken, len(whole) - len(found)


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
