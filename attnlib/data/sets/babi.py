"""bAbI tasks 1-3 (Weston et al. 2015): the official text format and Jain & Wallace's use of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.splitting import random_split

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
DEV_SHARE = 0.15
DEV_SEED = 16377


@dataclass(frozen=True)
class Question:
    """One question with all statements of its story so far.

    statements: text without the full stop. supporting: positions in `statements`. line: in the file, from 1.
    """

    statements: tuple[str, ...]
    text: str
    answer: str
    supporting: tuple[int, ...]
    line: int


def parse(lines: Sequence[str], where: str) -> list[Question]:
    """Parse the official format: numbered statements, and questions as ``question<tab>answer<tab>facts``.

    Raises DataError, naming `where` and the line, for a line without number, a number that neither continues
    nor restarts the story, a statement without full stop, a question without question mark, answer or earlier
    statement, or supporting facts that are not earlier statements of the story.
    """
    questions: list[Question] = []
    statements: list[str] = []
    position: dict[int, int] = {}  # number of a statement in the story -> position in `statements`
    previous = 0
    for line_number, line in enumerate(lines, start=1):

        def fail(problem: str, at: int = line_number) -> DataError:
            return DataError(f"{where}:{at}: {problem}. Restore the official file or mend the line.")

        first, _, rest = line.partition(" ")
        if not first.isdecimal() or not rest.strip():
            raise fail(f"expected a number, a space and a sentence, found {line[:60]!r}")
        number = int(first)
        if number not in (1, previous + 1):
            raise fail(
                f"line number {number} follows {previous}; expected {previous + 1}, or 1 for a new story"
            )
        previous = number
        if number == 1:
            statements, position = [], {}
        if "\t" not in rest:
            statement = rest.rstrip()
            if not statement.endswith(".") or not statement[:-1].strip():
                raise fail(f"a statement must be words that end with a full stop, found {statement[:60]!r}")
            position[number] = len(statements)
            statements.append(statement[:-1].strip())
            continue
        fields = [item.strip() for item in rest.split("\t")]
        if len(fields) != 3:
            raise fail(
                f"a question has three tab-separated fields (question, answer, facts), found {len(fields)}"
            )
        text, answer, facts = fields
        if not text.endswith("?") or not text[:-1].strip():
            raise fail(f"a question must be words that end with a question mark, found {text[:60]!r}")
        if not answer:
            raise fail("the question has no answer")
        if not statements:
            raise fail("the question comes before any statement of its story")
        unknown = [fact for fact in facts.split() if not fact.isdecimal() or int(fact) not in position]
        if unknown or not facts:
            raise fail(f"supporting facts {facts!r} must be numbers of earlier statements of the story")
        supporting = tuple(position[int(fact)] for fact in facts.split())
        questions.append(Question(tuple(statements), text[:-1].strip(), answer, supporting, line_number))
    return questions


def split_from_lines(lines: Sequence[str], name: str, where: str) -> Split:
    """Return one example per question: statements joined by ``.``, labels as positions in `ANSWERS`.

    Ids are ``<name>/<line>``. Case is kept, as in the released code. Evidence is +1 on the tokens of
    supporting facts. Raises DataError, with file and line, for a malformed line or an answer outside
    `ANSWERS`.
    """
    number_of = {word: i for i, word in enumerate(ANSWERS)}
    ids, texts, labels, asked, evidence = [], [], [], [], []
    for question in parse(lines, where):
        if question.answer not in number_of:
            raise DataError(
                f"{where}:{question.line}: answer {question.answer!r} is not a word of bAbI tasks 1-3. "
                f"Restore the official file or mend the line."
            )
        tokens: list[str] = []
        marks: list[int] = []
        for i, statement in enumerate(question.statements):
            if i:
                tokens.append(".")
                marks.append(0)
            words = statement.split()
            tokens += words
            marks += [int(i in question.supporting)] * len(words)
        ids.append(f"{name}/{question.line}")
        texts.append(tuple(tokens))
        labels.append(number_of[question.answer])
        asked.append(tuple(question.text.split()))
        evidence.append(np.array(marks, dtype=np.int8))
    if not ids:
        raise DataError(f"{where}: no question in the file; it may be truncated. Restore the official file.")
    return Split(tuple(ids), tuple(texts), np.array(labels, dtype=np.int64), tuple(asked), tuple(evidence))


def divide(split: Split) -> tuple[Split, Split]:
    """Return (train, dev): the paper's random 15 % of the training questions as dev, both in file order.

    Same rows as sklearn's train_test_split(test_size=.15, random_state=16377); questions of one story may
    fall on both sides, as in the paper. Raises ValueError for fewer than 2 questions.
    """
    if len(split) < 2:
        raise ValueError(f"cannot take a dev split out of {len(split)} question(s); give at least 2")
    train, dev = random_split(len(split), DEV_SHARE, DEV_SEED)
    return split.select(train), split.select(dev)


def assemble(name: str, train_and_dev: Split, test: Split, provenance: dict[str, Any]) -> Corpus:
    """Return the corpus of one task: dev taken out of train, vocabulary from train texts and questions."""
    train, dev = divide(train_and_dev)
    return Corpus(
        name=name,
        task="question answering",
        train=train,
        dev=dev,
        test=test,
        vocabulary=Vocabulary.build([*train.texts, *(train.questions or ())]),
        class_names=ANSWERS,
        provenance=provenance,
    )


def load(task: int, size: str | None = None, verify: bool = True) -> Corpus:
    """Return bAbI task 1, 2 or 3; with the 10k files 8500 / 1500 / 1000 questions, 36 answer classes.

    size: "10k" or "1k" training questions; None takes 10k, or 1k if only that is on this machine (provenance
    says which). `verify` checks each file's sha256. Raises DataError for missing, damaged or malformed files,
    ValueError for an unknown task or size.
    """
    if task not in FILES:
        raise ValueError(f"unknown bAbI task {task!r}; known: {', '.join(map(str, FILES))}")
    folders = {"10k": "en-10k", "1k": "en"}
    if size is not None and size not in folders:
        raise ValueError(f"unknown size {size!r}; known: 10k, 1k, or None for the largest at hand")
    notes = [
        "Sentences joined with ' . ', question mark removed, case kept; dev is 15 % of train.",
        "Answer classes: all 36 words of the three tasks' joint vocabulary, as in the released code.",
    ]
    if size is None:
        at_hand = [
            s for s, folder in folders.items() if registry.find("babi", f"{folder}/{FILES[task]}_train.txt")
        ]
        size = at_hand[0] if at_hand else "10k"
        if size == "1k":
            notes.append(
                "The paper's 10,000 training questions (en-10k) were not found; these are the 1,000 of 'en'."
            )
    train_path, test_path = (f"{folders[size]}/{FILES[task]}_{part}.txt" for part in ("train", "test"))
    contents = registry.locate("babi", [train_path, test_path], verify)
    train, test = (
        split_from_lines(contents[path].lines(), f"babi{task}/{part}", contents[path].where)
        for path, part in ((train_path, "train"), (test_path, "test"))
    )
    return assemble(
        f"babi{task}",
        train,
        test,
        {
            "source": catalogue.BABI.address,
            "licence": catalogue.BABI.licence,
            "citation": catalogue.BABI.citation,
            "files": {path: content.sha256 for path, content in contents.items()},
            "notes": notes,
        },
    )
