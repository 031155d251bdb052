"""CNN questions over anonymised entities (Hermann et al. 2015) as Jain & Wallace 2019 used them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

from attnlib.data import files
from attnlib.data.corpus import Corpus
from attnlib.data.recipes import Row
from attnlib.data.sets.corpora import make
from attnlib.data.sets.rows import row_at

ENTITY = "@entity"
FOLDERS = {"train": "questions/training", "dev": "questions/validation", "test": "questions/test"}
# The official question files, one each, or the three files that the paper read.
FILES = {"folders": tuple(FOLDERS.values()), "files": ("train.txt", "dev.txt", "test.txt")}


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
    found = Question(name, tuple(passage.split()), tuple(asked.split()), answer.strip())
    if not found.question or found.answer not in found.entities:
        raise ValueError(f"the question is empty, or its answer {found.answer!r} is no entity of the passage")
    return found


def from_folders(verify: bool) -> dict[str, list[Question]]:
    """Return the questions of the official folders, in order of file name.

    A file holds address, passage, question, answer and entities, with blank lines between. Raises DataError,
    naming the file, for one that does not, or whose answer is no entity of its passage.
    """
    found: dict[str, list[Question]] = {part: [] for part in FOLDERS}
    part_of = {folder: part for part, folder in FOLDERS.items()}
    for path, content in files.locate("cnn", FOLDERS.values(), verify).items():
        folder, _, file = path.rpartition("/")
        part = part_of[folder]
        with row_at(content.where):
            _, passage, asked, answer, *_ = "\n".join(content.lines()).split("\n\n")
            found[part].append(
                question(f"cnn/{part}/{file.removesuffix('.question')}", passage, asked, answer)
            )
    return {part: sorted(questions) for part, questions in found.items()}


def from_file(part: str) -> Iterator[Question]:
    """Yield the questions of one of the three files: lines question, answer, passage, then a blank one.

    Raises DataError, with file and line, for fewer lines, or an answer that is no entity of the passage.
    """
    with files.stream("cnn", f"{part}.txt") as (where, file), row_at(where):
        lines = enumerate(io.TextIOWrapper(file, encoding="utf-8", newline="\n"), start=1)
        for filled, block in groupby(lines, key=lambda line: bool(line[1].strip())):
            if filled:
                (first, asked), *rest = block
                with row_at(f"{where}:{first}"):
                    (_, answer), (_, passage), *_ = rest
                    found = question(f"cnn/{part}/{first}", passage, asked, answer)
                yield found


def load(verify: bool = True) -> Corpus:
    """Return the CNN questions; classes are entities, candidates those of each passage.

    Reads train.txt, dev.txt and test.txt (as the paper did), or the folder of question files. The whole set
    takes some 5 GB of memory. Raises DataError for missing, damaged or malformed files.
    """
    as_files = files.at_hand("cnn", FILES, None) == "files"
    found = {part: list(from_file(part)) for part in FOLDERS} if as_files else from_folders(verify)
    entities = {part: set().union(*(q.entities for q in questions)) for part, questions in found.items()}
    classes = sorted(set().union(*entities.values()))
    number_of = {entity: number for number, entity in enumerate(classes)}

    def rows(questions: list[Question]) -> Iterator[Row]:
        for q in questions:
            candidates = np.array(sorted(number_of[entity] for entity in q.entities), dtype=np.int64)
            yield Row(q.id, number_of[q.answer], q.passage, q.question, candidates=candidates)

    parts = {part: rows(questions) for part, questions in found.items()}
    sums = dict.fromkeys(FILES["files"], "not known") if as_files else files.folder_sums("cnn", verify)
    said = {"later": len(classes) - len(entities["train"])}
    return make("cnn", parts, sums, said, classes=classes, also=classes)
