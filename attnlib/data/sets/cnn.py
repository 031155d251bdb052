"""CNN questions over anonymised entities (Hermann et al. 2015) as Jain & Wallace 2019 used them."""

from __future__ import annotations

import io
import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import folder_sums, provenance
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.errors import DataError

MIN_DOCUMENTS = 8
ENTITY = "@entity"
PLACEHOLDER = "@placeholder"
FOLDERS = {"train": "questions/training", "dev": "questions/validation", "test": "questions/test"}
FILES = {part: f"{part}.txt" for part in FOLDERS}


@dataclass(frozen=True)
class Question:
    """A passage, a question with the placeholder ``@placeholder``, and the entity that belongs there."""

    id: str
    passage: tuple[str, ...]
    question: tuple[str, ...]
    answer: str

    def __post_init__(self) -> None:
        if not self.question:
            raise ValueError("the question is empty")
        if not self.answer.startswith(ENTITY):
            raise ValueError(f"the answer {self.answer!r} is no entity ({ENTITY}<number>)")
        if self.answer not in self.passage:
            raise ValueError(f"the answer {self.answer} is not in the passage")

    @property
    def candidates(self) -> set[str]:
        """Entities of the passage: the possible answers."""
        return {token for token in self.passage if token.startswith(ENTITY)}


def _tokens(line: str) -> tuple[str, ...]:
    # Interned: the corpus has 300 million tokens of some hundred thousand kinds.
    return tuple(map(sys.intern, line.split()))


def parse_question(text: str, name: str, where: str) -> Question:
    """Parse one question file: address, passage, question, answer and entities, blank lines between.

    Raises DataError, naming the file and the line, for a missing block, or an answer that is no entity of the
    passage.
    """
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip("\n"))
    if len(blocks) < 4:
        raise DataError(
            f"{where}:1: expected address, passage, question, answer and entities with blank lines between; "
            f"found {len(blocks)} block(s). Restore the official file."
        )
    try:
        return Question(name, _tokens(blocks[1]), _tokens(blocks[2]), sys.intern(blocks[3].strip()))
    except ValueError as error:
        line = 1 + sum(block.count("\n") + 2 for block in blocks[:3])
        raise DataError(f"{where}:{line}: {error}. Restore the official file.") from error


def parse_lines(lines: Iterable[str], name: str, where: str) -> Iterator[Question]:
    """Parse a file of questions: lines question, answer, passage for each, a blank line between two.

    Raises DataError, with file and line, for a block of another length, or an answer that is no entity of the
    passage.
    """
    block: list[str] = []
    for number, line in enumerate(itertools.chain(lines, [""]), start=1):
        if line.strip():
            block.append(line)
            continue
        if not block:
            continue
        first = number - len(block)
        if len(block) < 3:
            raise DataError(
                f"{where}:{first}: expected lines question, answer and passage, found {len(block)} line(s). "
                f"Restore the official file."
            )
        try:
            yield Question(
                f"{name}/{first}", _tokens(block[2]), _tokens(block[0]), sys.intern(block[1].strip())
            )
        except ValueError as error:
            raise DataError(f"{where}:{first}: {error}. Restore the official file.") from error
        block = []


def from_folders(verify: bool) -> dict[str, list[Question]]:
    """Return the questions of the official folders, in order of file name."""
    found: dict[str, list[Question]] = {part: [] for part in FOLDERS}
    part_of = {folder: part for part, folder in FOLDERS.items()}
    for content in registry.walk("cnn", list(FOLDERS.values()), verify):
        folder, _, file = content.path.rpartition("/")
        if folder in part_of:
            name = f"cnn/{part_of[folder]}/{file.removesuffix('.question')}"
            text = "\n".join(content.lines())
            found[part_of[folder]].append(parse_question(text, name, content.where))
    for questions in found.values():
        questions.sort(key=lambda question: question.id)
    return found


def from_files() -> dict[str, list[Question]]:
    """Return the questions of train.txt, dev.txt and test.txt."""
    found = {}
    for part, path in FILES.items():
        with registry.stream("cnn", path) as (where, file):
            try:
                lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
                found[part] = list(parse_lines(lines, f"cnn/{part}", where))
            except UnicodeDecodeError as error:
                raise DataError(f"{where}: not UTF-8 text. Restore the official file.") from error
    return found


def split_of(questions: list[Question], number_of: dict[str, int]) -> Split:
    """Return questions as a split; labels and candidates are positions in the list of entities."""
    return Split(
        ids=tuple(question.id for question in questions),
        texts=tuple(question.passage for question in questions),
        labels=np.array([number_of[question.answer] for question in questions], dtype=np.int64),
        questions=tuple(question.question for question in questions),
        candidates=tuple(
            np.array(sorted(number_of[entity] for entity in question.candidates), dtype=np.int64)
            for question in questions
        ),
    )


def load(verify: bool = True) -> Corpus:
    """Return the CNN questions; classes are entities, candidates those of each passage.

    Reads train.txt, dev.txt and test.txt (as the paper did), or the folder of question files. The whole set
    takes some 5 GB of memory. Raises DataError for missing, damaged or malformed files.
    """
    as_files = registry.find_folders("cnn", list(FOLDERS.values())) is None and all(
        registry.find("cnn", path) for path in FILES.values()
    )
    found = from_files() if as_files else from_folders(verify)
    for part, questions in found.items():
        if not questions:
            raise DataError(f"cnn: no question in the {part} split; files may be missing. Restore them.")
    entities = {entity for question in found["train"] for entity in question.candidates}
    later = {e for part in ("dev", "test") for q in found[part] for e in q.candidates} - entities
    classes = tuple(sorted(entities | later))
    number_of = {entity: number for number, entity in enumerate(classes)}
    frequent = Vocabulary.build(
        [text for question in found["train"] for text in (question.passage, question.question)],
        MIN_DOCUMENTS,
    )
    notes = [
        "Tokens as in the files; classes: the entities of the training passages, sorted; candidates: the "
        "entities of each passage.",
        "Vocabulary: words of at least 8 training passages or questions, and every entity.",
    ]
    if later:
        notes.append(f"{len(later)} entities occur in dev or test passages only; they are classes too.")
    return Corpus(
        name="cnn",
        task="question answering",
        train=split_of(found["train"], number_of),
        dev=split_of(found["dev"], number_of),
        test=split_of(found["test"], number_of),
        vocabulary=Vocabulary(tuple(sorted({*frequent.words, *classes}))),
        class_names=classes,
        provenance=provenance(
            catalogue.CNN,
            dict.fromkeys(FILES.values(), "not known") if as_files else folder_sums(catalogue.CNN, verify),
            notes,
        ),
    )
