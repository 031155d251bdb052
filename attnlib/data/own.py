"""Data of one's own, wherever the name of a data set goes: a file, or ``package.module:function``.

A file is .csv or .tsv (with a header), .jsonl (an object a line) or .parquet, in UTF-8. Its columns, of which
the first two are needed, and others are not read:

text: tokens with spaces between them, taken as they are; or, in .jsonl and .parquet, a list of tokens. A text
of several lines is a document, whose sentences are its lines. label: whole numbers or names; classes are in
their order. split: train, dev (or validation) and test. rationale: one 0 or 1 per token (−1: against the
label), with spaces between them or as a list; empty: no token is marked. id: names the text for good; without
it that is the number of its line. text_b: a second text, read along with the one that attention is over.

Without `split` texts are drawn class by class, with a seed: 20 % for test, 10 % for dev. Nothing of a file
is copied to the cache, where models are known by the checksum of their corpus.
"""

import csv
import difflib
import json
import os
import re
import shlex
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from attnlib.cache import file_checksum
from attnlib.checks import own_path, tokens_of
from attnlib.data.columns import Ragged, Words
from attnlib.data.corpora import SEED, Cut, Parts, Row, by_class, held_out, read
from attnlib.data.corpus import PARTS, TASKS, Corpus, Split, Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.rows import decoded, read_rows, row_at

NEEDED, FURTHER = ("text", "label"), ("split", "rationale", "id", "text_b")
COLUMNS = (*NEEDED, *FURTHER)
# Shares that are drawn: of all texts, then of the rest.
TEST, DEV = (0.2, SEED), (0.125, SEED)

_WHOLE, _NUMBER = re.compile(r"-?\d+"), re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")

# A row: where it is, for messages; its number; and its cells by column.
Found = Iterator[tuple[str, int, Mapping[str, Any]]]


def load(given: str) -> Corpus:
    """Return the corpus of a file, called as it is without its ending, or the one that a function returns.

    A relative path begins in the current folder, where a function's module is looked for too. Raises
    DataError for what is not there or malformed; the message names file and line.
    """
    path = own_path(given)
    if path is None:
        return _of_function(*given.split(":"))
    if not path.is_file():
        raise DataError(
            f"{path.absolute()}: there is no such file. A path begins in the current folder, or with /"
        )
    return _of_file(path.absolute(), file_checksum(path))


def _of_function(module: str, name: str) -> Corpus:
    # Where Python was started by a script of its own, it does not look into the current folder.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        made = getattr(import_module(module), name)()
    except (ImportError, AttributeError) as error:
        raise DataError(f"{module}:{name}: {error}. Give package.module:function of a loader.") from error
    if not isinstance(made, Corpus):
        raise DataError(f"{module}:{name} returns {type(made).__name__}: return an attnlib.data.Corpus")
    return made


# Twice: a notebook looks at its data before it trains on them.
@lru_cache(maxsize=2)
def _of_file(path: Path, sha256: str) -> Corpus:
    stem, _, ending = path.name.rpartition(".")
    # What is recorded of it is not to pass for that of a known one.
    name = path.name if stem in import_module("attnlib.data").names() else stem
    return _made(name, READERS[ending.lower()](path), {path.name: sha256})


def of_frame(frame: pd.DataFrame, name: str) -> Corpus:
    """Return the corpus of a frame with the columns that a file would have; its rows count from 0."""
    return _made(name, _rows(frame, name), {})


def _rows(frame: pd.DataFrame, where: str) -> Found:
    _check_header(frame.columns, where)
    for number, cells in enumerate(zip(*(frame[column] for column in frame), strict=True)):
        yield f"{where}: row {number}", number, dict(zip(map(str, frame), cells, strict=True))


def _delimited(delimiter: str, path: Path) -> Found:
    with path.open("rb") as file:
        rows = read_rows(decoded(file, str(path)), str(path), None, delimiter)
        _, header = next(rows, (1, []))
        _check_separator(path, header, delimiter)
        _check_header(header, f"{path}:1")
        for line, fields in rows:
            yield f"{path}:{line}", line, dict(zip(header, fields, strict=True))


def _json_lines(path: Path) -> Found:
    with path.open("rb") as file:
        for line, text in enumerate(decoded(file, str(path)), start=1):
            where = f"{path}:{line}"
            with row_at(where):
                cells = json.loads(text) if text.strip() else None
            if not isinstance(cells, dict | None):
                raise DataError(f"{where}: no JSON object. Write one a line.")
            if cells is not None:
                _check_header(cells, where)
                yield where, line, cells


def _parquet(path: Path) -> Found:
    with row_at(str(path)):
        try:
            frame = pd.read_parquet(path)
        except (OSError, NotImplementedError) as error:  # pyarrow's, of a damaged file
            raise ValueError(str(error).strip()) from error
    yield from _rows(frame, str(path))


READERS: dict[str, Callable[[Path], Found]] = {"jsonl": _json_lines, "parquet": _parquet}
READERS |= {"csv": partial(_delimited, ","), "tsv": partial(_delimited, "\t")}


def _check_separator(path: Path, header: Sequence[str], delimiter: str) -> None:
    """DataError with the line that mends a file whose fields another sign separates."""
    for sign in {";", "\t", ",", "|"} - {delimiter}:
        if set(NEEDED) <= set(next(csv.reader(header[:1], delimiter=sign), [])) - set(header):
            given = f"{str(path)!r}, sep={sign!r}, dtype=str, keep_default_na=False"
            mended = f"{str(path)!r}, sep={delimiter!r}, index=False"
            code = f"import pandas; pandas.read_csv({given}).to_csv({mended})"
            problem = f"{sign!r} separates its fields, not {delimiter!r}"
            raise DataError(f"{path}:1: {problem}. This line mends it: python -c {shlex.quote(code)}")


def _check_header(header: Iterable[str], where: str) -> None:
    names = [str(name) for name in header]
    for name in NEEDED:
        if name not in names:
            raise DataError(f"{where}: no column {name!r} among {', '.join(names)}: rename one")
    for name in names:
        if name in COLUMNS and names.count(name) > 1:
            raise DataError(f"{where}: {names.count(name)} columns are called {name!r}: rename all but one")
        close = difflib.get_close_matches(name.lower(), FURTHER, n=1, cutoff=0.85)
        if name not in COLUMNS and close and close[0] not in names:
            raise DataError(f"{where}: column {name!r} would not be read: call it {close[0]!r}, or otherwise")


def _missing(cell: Any) -> bool:
    return cell == "" if isinstance(cell, str) else pd.api.types.is_scalar(cell) and bool(pd.isna(cell))


def _sentences(cell: Any, what: str = "the text") -> list[list[str]]:
    """The tokens of a text, sentence by sentence; ValueError for one without any."""
    if isinstance(cell, str):
        found = [tokens for line in cell.splitlines() if (tokens := line.split())]
    else:
        found = [] if _missing(cell) else list(filter(None, [tokens_of(cell, what)]))
        if wrong := [token for tokens in found for token in tokens if token.split() != [token]]:
            raise ValueError(f"{what} has the token {wrong[0]!r}: take out white space")
        cell = " ".join(found[0]) if found else ""
    if not found:
        raise ValueError(f"{what} is empty: leave the row out")
    if "\0" in cell:
        raise ValueError(f"{what} holds the character NUL: take it out")
    cell.encode()  # UnicodeEncodeError, a ValueError, for half of a character
    return found


def _joined(text: Any) -> tuple[Sequence[str], np.ndarray | None]:
    return [token for tokens in text for token in tokens], np.array([len(tokens) for tokens in text])


def _label(cell: Any) -> str:
    """A class as it is written; ValueError for none, or for a number with decimals."""
    word = "" if _missing(cell) else str(cell).strip()
    if not word or not word.isprintable():
        raise ValueError(f"the label is {word!r}: give a number or a name, or leave the row out")
    if _NUMBER.fullmatch(word) and not _WHOLE.fullmatch(word):
        if float(word) % 1:
            raise ValueError(f"the label is {word}: classes are whole numbers or names, such as 1 or low")
        return str(int(float(word)))
    return word


def _marks(cell: Any, n_tokens: int) -> np.ndarray:
    """A rationale as one number per token, int8 [T]; ValueError for another length, or other numbers."""
    if isinstance(cell, str):
        cell = re.sub(r"[\[\],]", " ", cell).split()
    marks = [] if _missing(cell) else [str(mark).removesuffix(".0") for mark in cell]
    marks = marks or ["0"] * n_tokens
    if wrong := [mark for mark in marks if mark not in ("0", "1", "-1")]:
        raise ValueError(f"the rationale holds {wrong[0]!r}: give a 0 or 1 for each token")
    if len(marks) != n_tokens:
        raise ValueError(
            f"the rationale has {len(marks)} marks for {n_tokens} tokens, which are cut at spaces"
        )
    return np.array(marks, dtype=np.int8)


def _made(name: str, found: Found, sums: Mapping[str, str]) -> Corpus:
    """Return the corpus of rows, each read once; what there is to say of it goes to stderr, on one line."""
    labels, parts, kinds = Words(), array("b"), dict[str, None]()
    # Where each class, and each id, is first.
    first, seen = dict[str, str](), dict[str, str]()

    def row(place: str, number: int, cells: Mapping[str, Any]) -> Row:
        if lacking := kinds.keys() & set(COLUMNS) ^ cells.keys() & set(COLUMNS):
            raise ValueError(f"{', '.join(sorted(lacking))} is there in some rows only: give it in all")
        label, text = _label(cells["label"]), _sentences(cells["text"])
        first.setdefault(label, place)
        if "split" in cells:
            written = str(cells["split"]).strip().lower()
            part = {"validation": "dev"}.get(written, written)
            if part not in PARTS:
                raise ValueError(f"the split is {cells['split']!r}: give train, dev or test")
            parts.append(PARTS.index(part))
        own = number if "id" not in cells else "" if _missing(cells["id"]) else str(cells["id"])
        if isinstance(own, str):
            if not own or not own.isprintable():
                raise ValueError(f"the id is {own!r}: give each text a name, on one line")
            if seen.setdefault(own, place) != place:
                raise ValueError(f"the id {own!r} is that of {seen[own]} too: give each text its own")
        second = _sentences(cells["text_b"], "text_b") if "text_b" in cells else None
        marked = _marks(cells["rationale"], sum(map(len, text))) if "rationale" in cells else None
        return Row(own, labels[label], cast(Any, text), cast(Any, second), marked)

    def rows() -> Iterator[Row]:
        for place, number, cells in found:
            kinds.update({} if first else dict.fromkeys(cells))
            with row_at(place, "Mend it"):
                made = row(place, number, cells)
            yield made

    every = read(name, {"": rows()}, cast(Cut, _joined), compact=True)[0][""]
    classes = tuple(sorted(labels, key=int if all(map(_WHOLE.fullmatch, labels)) else str))
    if len(classes) < 2:
        many = f"all {len(every)} labels are {classes[0]!r}" if classes else "it has no rows"
        raise DataError(f"{name}: {many}: a classifier needs two classes")
    number_of = {label: number for number, label in enumerate(classes)}
    columns = every.columns | {"labels": np.array([number_of[label] for label in labels])[every.labels]}
    # Of one sentence each they are texts, not documents.
    if (cast(Ragged, every.sentences).counts == 1).all():
        columns["sentences"] = None
    splits, notes = _divided(name, Split(**columns), np.frombuffer(parts, dtype=np.int8))
    train = splits["train"]
    for number in set(range(len(classes))) - set(train.labels.tolist()):
        raise DataError(f"{first[classes[number]]}: no text of train has the class {classes[number]!r}")
    if others := [column for column in kinds if column not in COLUMNS]:
        notes.append(f"not read: the columns {', '.join(others)}")
    if notes:
        print(f"{name}: {'; '.join(notes)}", file=sys.stderr)
    vocabulary = Vocabulary.build(chain(train.texts, train.questions or ()))
    task = TASKS[0] if every.questions is None else TASKS[2]
    about = dict(source="a file of one's own", licence="", citation="", files=dict(sums), notes=notes)
    return Corpus(name, task, **splits, vocabulary=vocabulary, class_names=classes, provenance=about)


def _divided(name: str, every: Split, parts: np.ndarray) -> tuple[Parts, list[str]]:
    """The three splits, as the parts [N] of the file say or drawn; and a note on what was drawn."""
    there = {part: every.select(parts == n) for n, part in enumerate(PARTS) if (parts == n).any()}
    for part in ("train", "test"):
        if there and part not in there:
            raise DataError(f"{name}: no row has the split {part}")
    if "dev" in there:
        return {part: there[part] for part in PARTS}, []
    drawn = "no split dev: drawn of train" if there else "no column split: drawn by class"
    try:
        splits = held_out(there) if there else by_class({"": every}, TEST, DEV)
    except ValueError as error:
        raise DataError(f"{name}: {len(every)} texts are too few to divide: {error}") from error
    sizes = ", ".join(f"{len(splits[part])} {part}" for part in PARTS)
    return {part: splits[part] for part in PARTS}, [f"{drawn} with seed {SEED}, {sizes}"]
