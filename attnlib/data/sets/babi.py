"""bAbI tasks 1-3 (Weston et al. 2015): the official text format and Jain & Wallace's use of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from attnlib.data import files
from attnlib.data.corpus import Corpus
from attnlib.data.recipes import Row
from attnlib.data.sets.corpora import make

ACTORS = ("Daniel", "John", "Mary", "Sandra")
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
OBJECTS = ("apple", "football", "milk")
MOVES = ("journeyed to", "moved to", "travelled to", "went back to", "went to")
GETS = ("got", "grabbed", "picked up", "took")
DROPS = ("discarded", "dropped", "left", "put down")

# The paper's answer space: every word of the joint vocabulary of the three tasks, the full stop included,
# because the authors join sentences with " . ". 36 words; only the six places are ever answers.
ANSWERS = tuple(
    sorted(
        {*ACTORS, *PLACES, *OBJECTS, ".", "there", "the", "Where", "is", "was", "before"}
        | {word for phrase in MOVES + GETS + DROPS for word in phrase.split()}
    )
)

FILES = {
    1: "qa1_single-supporting-fact",
    2: "qa2_two-supporting-facts",
    3: "qa3_three-supporting-facts",
}


class Question(NamedTuple):
    """One question with all statements of its story so far.

    statements: text without the full stop. supporting: positions in `statements`. line: in the file, from 1.
    """

    statements: tuple[str, ...]
    text: str
    answer: str
    supporting: tuple[int, ...]
    line: int


def parse(lines: Iterable[str]) -> Iterator[Question]:
    """Yield the questions of the official format: numbered statements, and ``question<tab>answer<tab>facts``.

    >>> next(parse(["1 John left.", "2 Where is John? \\toffice\\t1"]))
    Question(statements=('John left',), text='Where is John', answer='office', supporting=(0,), line=2)
    """
    for line, text in enumerate(lines, start=1):
        number, _, rest = text.partition(" ")
        if number == "1":
            story: dict[str, str] = {}
        if "\t" not in rest:
            story[number] = rest.strip().removesuffix(".")
            continue
        question, answer, facts = map(str.strip, rest.split("\t"))
        position = {told: i for i, told in enumerate(story)}
        supporting = tuple(position[fact] for fact in facts.split())
        yield Question(tuple(story.values()), question.removesuffix("?"), answer, supporting, line)


def read(lines: Iterable[str]) -> Iterator[Row]:
    """Yield one row per question: statements joined by ``.``, labels as positions in `ANSWERS`.

    Case is kept, as in the released code. Evidence is +1 on the tokens of supporting facts.
    """
    for question in parse(lines):
        tokens: list[str] = []
        marks: list[int] = []
        for i, statement in enumerate(question.statements):
            words = statement.split()
            tokens += [".", *words]
            marks += [0, *([int(i in question.supporting)] * len(words))]
        evidence = np.array(marks[1:], dtype=np.int8)
        yield Row(question.line, ANSWERS.index(question.answer), tokens[1:], question.text.split(), evidence)


def load(task: int, size: str | None = None, verify: bool = True) -> Corpus:
    """Return bAbI task 1, 2 or 3; with the 10k files 8500 / 1500 / 1000 questions, 36 answer classes.

    size: "10k" or "1k" training questions; None takes 10k, or 1k if only that is on this machine (provenance
    says which). `verify` checks each file's sha256. Raises DataError for missing or damaged files, ValueError
    for an unknown task or size.
    """
    if task not in FILES:
        raise ValueError(f"unknown bAbI task {task!r}; known: {', '.join(map(str, FILES))}")
    paths = {
        choice: [f"{folder}/{FILES[task]}_{part}.txt" for part in ("train", "test")]
        for choice, folder in (("10k", "en-10k"), ("1k", "en"))
    }
    chosen = files.at_hand("babi", paths, size, "size")
    contents = files.locate("babi", paths[chosen], verify)
    lines = {
        part: contents[path].lines() for part, path in zip(("train", "test"), paths[chosen], strict=True)
    }
    small = size is None and chosen == "1k"
    return corpus(f"babi{task}", lines, files.sums(contents), small=small)


def corpus(name: str, lines: dict[str, list[str]], sums: dict[str, str], small: bool = False) -> Corpus:
    """Return the corpus of one task from the lines of train, out of which dev is drawn, and of test."""
    parts = {part: read(text) for part, text in lines.items()}
    return make(name, parts, sums, {"small": small}, entry="babi", classes=ANSWERS)
