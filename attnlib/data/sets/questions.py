"""Questions about a passage: bAbI tasks 1-3 (Weston et al. 2015) and CNN (Hermann et al. 2015).

Both as Jain & Wallace 2019 used them.
"""

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from attnlib.data import files
from attnlib.data.corpora import Row, make
from attnlib.data.corpus import Corpus
from attnlib.data.rows import one_of, row_at

# The words of bAbI.
ACTORS = ("Daniel", "John", "Mary", "Sandra")
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
OBJECTS = ("apple", "football", "milk")
MOVES = ("journeyed to", "moved to", "travelled to", "went back to", "went to")
GETS = ("got", "grabbed", "picked up", "took")
DROPS = ("discarded", "dropped", "left", "put down")

# The paper's answer space: every word of the joint vocabulary of the three tasks, the full stop included,
# because the authors join sentences with " . ". 36 words; only the six places are ever answers.
_VERBS = {word for phrase in MOVES + GETS + DROPS for word in phrase.split()}
_OTHERS = {".", "there", "the", "Where", "is", "was", "before"}
ANSWERS = tuple(sorted({*ACTORS, *PLACES, *OBJECTS, *_VERBS, *_OTHERS}))

TASKS = {1: "qa1_single-supporting-fact", 2: "qa2_two-supporting-facts", 3: "qa3_three-supporting-facts"}
FOLDERS = {"10k": "en-10k", "1k": "en"}

# Of CNN. The official question files, one each, or the three files that the paper read.
ENTITY = "@entity"
PART_OF = {"questions/training": "train", "questions/validation": "dev", "questions/test": "test"}


def read_babi(lines: Iterable[str], where: str = "") -> Iterator[Row]:
    """Yield one row per question of the official format: numbered statements, and question, answer, facts.

    The text is the story so far, statements joined by ``.``. Labels are positions in `ANSWERS`. Case is kept,
    as in the released code. Evidence is +1 on the tokens of supporting facts. Raises DataError, with file
    and line, for a question in another format, without a story, or whose answer is no word of the tasks.

    >>> row = next(read_babi(["1 John went to the office.", "2 Where is John? \\toffice\\t1"]))
    >>> " ".join(row.text), row.question, ANSWERS[row.label], row.evidence.tolist()
    ('John went to the office', ['Where', 'is', 'John'], 'office', [1, 1, 1, 1, 1])
    """
    story: dict[str, list[str]] = {}
    for line, text in enumerate(lines, start=1):
        number, _, rest = text.partition(" ")
        if number == "1":
            story = {}
        if "\t" not in rest:
            story[number] = rest.strip().removesuffix(".").split()
            continue
        with row_at(f"{where}:{line}"):
            question, answer, facts = map(str.strip, rest.split("\t"))
            label = one_of(answer, ANSWERS, "the answer")
            if not (story and question.removesuffix("?").split()):
                raise ValueError("the question or its story is empty")
        tokens: list[str] = []
        marks: list[int] = []
        for told, words in story.items():
            tokens += [".", *words]
            marks += [0, *[int(told in facts.split())] * len(words)]
        evidence = np.array(marks[1:], dtype=np.int8)
        yield Row(line, label, tokens[1:], question.removesuffix("?").split(), evidence)


def load_babi(task: int, size: str | None = None, verify: bool = True) -> Corpus:
    """Return bAbI task 1, 2 or 3; with the 10k files 8500 / 1500 / 1000 questions, 36 answer classes.

    size: "10k" or "1k" training questions; None takes 10k, or 1k if only that is on this machine (provenance
    says which). `verify` checks each file's sha256. Raises DataError for missing or damaged files, ValueError
    for an unknown task or size.
    """
    if task not in TASKS:
        raise ValueError(f"unknown bAbI task {task!r}; known: {', '.join(map(str, TASKS))}")
    choices = {n: [f"{f}/{TASKS[task]}_{part}.txt" for part in ("train", "test")] for n, f in FOLDERS.items()}
    chosen, paths = files.at_hand("babi", size, "size", choices)
    contents = files.locate("babi", paths, verify)
    lines = {part: contents[path].lines() for part, path in zip(("train", "test"), paths, strict=True)}
    places = [contents[path].where for path in paths]
    return babi(f"babi{task}", lines, files.sums(contents), size is None and chosen == "1k", places)


def babi(
    name: str,
    lines: dict[str, list[str]],
    sums: dict[str, str],
    small: bool = False,
    places: Sequence[str] = ("train", "test"),
) -> Corpus:
    """Return the corpus of one task from the lines of train, out of which dev is drawn, and of test."""
    parts = {part: read_babi(text, at) for (part, text), at in zip(lines.items(), places, strict=True)}
    return make(name, parts, sums, {"small": small}, entry="babi", class_names=ANSWERS)


class Question(NamedTuple):
    """A passage, a question with the placeholder ``@placeholder``, and the entity that belongs there."""

    id: str
    passage: tuple[str, ...]
    question: tuple[str, ...]
    answer: str

    @property
    def entities(self) -> set[str]:
        """Entities of the passage: the possible answers."""
        return {token for token in self.passage if token.startswith(ENTITY)}


def question(name: str, passage: str, asked: str, answer: str) -> Question:
    """Return a question; ValueError if it is empty or its answer is no entity of the passage."""
    # Interned: the corpus has 300 million tokens of some hundred thousand kinds.
    words = [tuple(map(sys.intern, text.split())) for text in (passage, asked)]
    found = Question(name, words[0], words[1], answer.strip())
    if not found.question or found.answer not in found.entities:
        raise ValueError(f"the question is empty, or its answer {found.answer!r} is no entity of the passage")
    return found


def from_folders(verify: bool) -> dict[str, list[Question]]:
    """Return the questions of the official folders, in order of file name.

    A file holds address, passage, question, answer and entities, with blank lines between. Raises DataError,
    naming the file, for one that does not, or whose answer is no entity of its passage.
    """
    found: dict[str, list[Question]] = {part: [] for part in PART_OF.values()}
    for path, content in files.locate("cnn", PART_OF, verify).items():
        folder, _, file = path.removesuffix(".question").rpartition("/")
        part = PART_OF[folder]
        with row_at(content.where):
            _, passage, asked, answer, *_ = "\n".join(content.lines()).split("\n\n")
            found[part].append(question(f"cnn/{part}/{file}", passage, asked, answer))
    return {part: sorted(questions) for part, questions in found.items()}


def from_file(part: str) -> Iterator[Question]:
    """Yield the questions of one of the three files: lines question, answer, passage, then a blank one.

    Raises DataError, with file and line, for fewer lines, or an answer that is no entity of the passage.
    """
    with files.stream("cnn", f"{part}.txt") as (where, file), row_at(where):
        lines = enumerate(io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n"), start=1)
        for filled, block in groupby(lines, key=lambda line: bool(line[1].strip())):
            if filled:
                (first, asked), *rest = block
                with row_at(f"{where}:{first}"):
                    (_, answer), (_, passage), *_ = rest
                    found = question(f"cnn/{part}/{first}", passage, asked, answer)
                yield found


def load_cnn(verify: bool = True) -> Corpus:
    """Return the CNN questions; classes are entities, candidates those of each passage.

    Reads train.txt, dev.txt and test.txt (as the paper did), or the folder of question files. The whole set
    takes some 6 GB of memory. Raises DataError for missing, damaged or malformed files.
    """
    choice, paths = files.at_hand("cnn", None)
    as_files = choice == "files"
    found = {p: list(from_file(p)) for p in PART_OF.values()} if as_files else from_folders(verify)
    entities = {part: set().union(*(q.entities for q in questions)) for part, questions in found.items()}
    classes = sorted(set().union(*entities.values()))
    number_of = {entity: number for number, entity in enumerate(classes)}

    def row(q: Question) -> Row:
        candidates = np.array(sorted(number_of[entity] for entity in q.entities), dtype=np.int64)
        return Row(q.id, number_of[q.answer], q.passage, q.question, candidates=candidates)

    parts = {part: map(row, questions) for part, questions in found.items()}
    sums = paths if as_files else files.folder_sums("cnn", verify)
    said = {"later": len(classes) - len(entities["train"])}
    return make("cnn", parts, sums, said, class_names=classes, also=classes)
