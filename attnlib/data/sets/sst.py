"""Stanford Sentiment Treebank: binary as Jain & Wallace 2019 prepared it, five classes as Liu et al. 2022."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError

# Class by the root's label; None: the sentence is left out.
BINARY = (0, 0, None, 1, 1)
FIVE = (0, 1, 2, 3, 4)
MIN_LENGTH = 5


@dataclass(frozen=True)
class Tree:
    """A labelled tree: the root's label (0 very negative to 4 very positive) and its leaves in order."""

    label: int
    leaves: tuple[str, ...]


_SYMBOL = re.compile(r"[()]|[^ ()\t]+")


def parse_tree(line: str, where: str = "tree") -> Tree:
    """Parse one line such as ``(3 (2 a) (4 marvel))``.

    Raises DataError, naming `where` (file:line), for unbalanced parentheses, a label outside 0-4, a node
    without word or children, or text outside the tree.
    """

    def fail(problem: str) -> DataError:
        return DataError(f"{where}: {problem}. Expected one tree such as (3 (2 a) (4 marvel)) on the line.")

    leaves: list[str] = []
    labels: list[int] = []
    # Per open node: None until its label is read, then the number of its children; -1 for a node with a word.
    stack: list[int | None] = []
    for symbol in _SYMBOL.findall(line):
        if labels and not stack:
            raise fail(f"text after the end of the tree: {symbol!r}")
        if symbol == "(":
            if stack:
                if stack[-1] is None:
                    raise fail("a node has no label")
                if stack[-1] < 0:
                    raise fail(f"a node has both the word {leaves[-1]!r} and children")
                stack[-1] += 1
            stack.append(None)
        elif symbol == ")":
            if not stack:
                raise fail("closing parenthesis without an opening one")
            if not stack.pop():
                raise fail("a node is empty: it has neither word nor children")
        elif not stack:
            raise fail(f"text outside the tree: {symbol!r}")
        elif stack[-1] is None:
            if symbol not in {"0", "1", "2", "3", "4"}:
                raise fail(f"label {symbol!r} is not one of 0, 1, 2, 3, 4")
            labels.append(int(symbol))
            stack[-1] = 0
        elif stack[-1] > 0:
            raise fail(f"a node has both children and the word {symbol!r}")
        elif stack[-1] < 0:
            raise fail(f"a leaf has more than one word: {leaves[-1]!r} {symbol!r}")
        else:
            leaves.append(symbol)
            stack[-1] = -1
    if stack:
        raise fail(f"{len(stack)} parentheses are not closed")
    if not labels:
        raise fail("the line is empty")
    return Tree(labels[0], tuple(leaves))


def tokenize(leaves: Sequence[str]) -> tuple[str, ...]:
    """Return the paper's tokens: bracket symbols and non-word characters removed, lower case.

    May be empty. Source: the authors' released preprocessing, less its spaCy step, which changes 2 of 9,613
    texts.
    """
    text = " ".join(leaves).replace("-LRB-", "").replace("-RRB-", " ")
    return tuple(re.sub(r"\W", " ", text).lower().split())


def split_from_lines(
    lines: Sequence[str], name: str, where: str, classes: Sequence[int | None] = BINARY, corpus: str = "sst"
) -> Split:
    """Return the split of one tree file, before the length filter; ids are ``<corpus>/<name>/<line>``.

    classes: by the root's label, None to drop the sentence. Raises DataError, with file and line, for a
    malformed tree or a sentence left without tokens.
    """
    ids, texts, labels = [], [], []
    for number, line in enumerate(lines, start=1):
        tree = parse_tree(line, f"{where}:{number}")
        label = classes[tree.label]
        if label is None:
            continue
        tokens = tokenize(tree.leaves)
        if not tokens:
            raise DataError(f"{where}:{number}: no word is left after preprocessing. Remove the line.")
        ids.append(f"{corpus}/{name}/{number}")
        texts.append(tokens)
        labels.append(label)
    if not ids:
        raise DataError(
            f"{where}: no labelled sentence; the file may be truncated. Restore the official file."
        )
    return Split(tuple(ids), tuple(texts), np.array(labels, dtype=np.int64))


def _load(
    name: str, classes: Sequence[int | None], class_names: tuple[str, ...], notes: list[str], verify: bool
) -> Corpus:
    contents = registry.locate("sst", ["train.txt", "dev.txt", "test.txt"], verify)
    splits = {}
    for path, content in contents.items():
        part = path.removesuffix(".txt")
        splits[part] = split_from_lines(content.lines(), part, content.where, classes, name)
    return classification(
        name,
        splits,
        class_names,
        provenance(
            catalogue.SST,
            {path: content.sha256 for path, content in contents.items()},
            [
                notes[0],
                "Texts with more than 5 tokens and fewer than the split's longest, as in the released code.",
                "Vocabulary of all training sentences before the length filter, as in the released code.",
                *notes[1:],
            ],
        ),
        min_documents=1,
        minimum=MIN_LENGTH,
        maximum=None,
    )


def load(verify: bool = True) -> Corpus:
    """Return SST: 6355 / 821 / 1725 texts, classes negative and positive, 13,826 vocabulary entries.

    The vocabulary is that of all training sentences, the few that the length filter drops included. `verify`
    checks each file's sha256. Raises DataError for missing, damaged or malformed files. Source: Socher et al.
    2013; preprocessing of Jain & Wallace 2019, released code.
    """
    return _load(
        "sst",
        BINARY,
        ("negative", "positive"),
        [
            "Root label of each sentence; neutral (2) dropped, 0-1 negative, 3-4 positive.",
            "Of the 9,613 texts before the length filter 9,611 equal the authors' own file; the other "
            "two differ because their tokenizer splits 'gonna' into 'gon na' and '28k' into '28 k'.",
        ],
        verify,
    )


def load_five(verify: bool = True) -> Corpus:
    """Return SST with all five classes, very negative to very positive; else as `load`.

    Source: Socher et al. 2013; preprocessing of Liu et al. 2022, released code. Their table gives the size of
    the binary set.
    """
    return _load(
        "sst5",
        FIVE,
        ("very negative", "negative", "neutral", "positive", "very positive"),
        ["Root label of each sentence, 0 to 4."],
        verify,
    )
