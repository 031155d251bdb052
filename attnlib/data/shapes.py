"""SHAPES (Andreas et al. 2016): images of 3 x 3 coloured shapes, each with a query that is true or false.

A region is a cell of the grid, 10 x 10 pixels, empty or with one shape; its features are its pixels. The
query is a tree such as ``(is red (above circle))``: is there a red shape right above a circle? `proofs` reads
it on the shapes and colours of the image, which are read off the pixels; this gives the official answer of
every image, and with it the evidence.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import provenance
from attnlib.data.corpus import Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.registry import Content
from attnlib.data.scenes import SceneCorpus, SceneSplit

COLOURS = ("red", "green", "blue")
SHAPES = ("circle", "square", "triangle")
# Where the neighbour is that a relation speaks of, as (row, column): what is above something has it below.
NEIGHBOUR = {"above": (1, 0), "below": (-1, 0), "left_of": (0, 1), "right_of": (0, -1)}
SIZES = ("large", "med", "small", "tiny")
PARTS = ("input.npy", "query", "query_str.txt", "output")
GRID, CELL = 3, 10
SHARE, SEED = 0.15, 5

Tree = str | tuple["Tree", ...]


class File(NamedTuple):
    """One part of the data set as it is read: images uint8 ``[N, 30, 30, 3]``, red first."""

    name: str
    images: np.ndarray
    queries: tuple[Tree, ...]
    questions: tuple[tuple[str, ...], ...]
    labels: np.ndarray


def parse(query: str) -> Tree:
    """Return the tree of a query: ``(is A B)``, each a colour, a shape or ``(relation A)``.

    Raises ValueError that says what is wrong.
    """
    tokens = re.findall(r"[()]|[^\s()]+", query)
    position = 0

    def take(expected: str | None = None) -> str:
        nonlocal position
        if position == len(tokens) or (expected and tokens[position] != expected):
            found = tokens[position] if position < len(tokens) else "the end"
            raise ValueError(f"expected {expected or 'more'!r}, found {found!r} in {query!r}")
        position += 1
        return tokens[position - 1]

    def operand() -> Tree:
        token = take()
        if token in COLOURS or token in SHAPES:
            return token
        if token != "(":
            raise ValueError(f"unknown word {token!r} in {query!r}")
        relation = take()
        if relation not in NEIGHBOUR:
            raise ValueError(f"unknown relation {relation!r} in {query!r}")
        tree = (relation, operand())
        take(")")
        return tree

    take("(")
    take("is")
    tree = ("is", operand(), operand())
    take(")")
    if position != len(tokens):
        raise ValueError(f"{tokens[position]!r} after the end of the query in {query!r}")
    return tree


def cells(images: np.ndarray) -> np.ndarray:
    """Return the cells of images ``[N, 30, 30, 3]`` in reading order: ``[N, 9, 10, 10, 3]``."""
    n = len(images)
    return (
        images.reshape(n, GRID, CELL, GRID, CELL, 3)
        .transpose(0, 1, 3, 2, 4, 5)
        .reshape(n, GRID * GRID, CELL, CELL, 3)
    )


def read_shapes(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shape and colour of every cell, int ``[N, 9]``: positions in `SHAPES`, `COLOURS`; -1: empty.

    By moments of the brightness around the middle of the cell, in which every shape is centred: only a
    triangle has its mass below the middle (0.7 pixels and more, others 0.0); the mean of x²y² over that of x²
    squared is 1 for a square and 2/3 for a disk.
    """
    pixels = cells(images).astype(np.float64)
    light = pixels.max(-1)
    total = light.sum((2, 3), keepdims=True)
    empty = total[..., 0, 0] == 0
    light /= np.where(total == 0, 1, total)
    offset = np.arange(CELL) - (CELL - 1) / 2
    below = (light * offset[:, None]).sum((2, 3))
    high = (light * offset[:, None] ** 2).sum((2, 3))
    both = (light * offset[:, None] ** 2 * offset**2).sum((2, 3))
    square = both > 0.86 * high**2
    shape = np.where(below > 0.36, SHAPES.index("triangle"), np.where(square, SHAPES.index("square"), 0))
    colour = pixels.sum((2, 3)).argmax(-1)
    return np.where(empty, -1, shape), np.where(empty, -1, colour)


def proofs(query: Tree, shape: np.ndarray, colour: np.ndarray) -> list[frozenset[int]]:
    """Return all sets of cells that make a query true on one image; the query is true if there is any.

    shape, colour: int ``[9]`` as of `read_shapes`. A set has the cell that is what the query asks for and the
    cells that it is above, below, left or right of, one after another; next to each other, not anywhere.
    """
    return [found for each in _proofs(query, shape, colour) for found in each]


def _proofs(tree: Tree, shape: np.ndarray, colour: np.ndarray) -> list[list[frozenset[int]]]:
    """Return for each cell the sets of cells that make the tree true there."""
    every = range(GRID * GRID)
    if isinstance(tree, str):
        held, value = (shape, SHAPES.index(tree)) if tree in SHAPES else (colour, COLOURS.index(tree))
        return [[frozenset((cell,))] if held[cell] == value else [] for cell in every]
    if tree[0] == "is":
        first, second = (_proofs(part, shape, colour) for part in tree[1:])
        return [[a | b for a in first[cell] for b in second[cell]] for cell in every]
    inner = _proofs(tree[1], shape, colour)
    assert isinstance(tree[0], str)
    down, right = NEIGHBOUR[tree[0]]
    found: list[list[frozenset[int]]] = []
    for cell in every:
        row, column = divmod(cell, GRID)
        row, column = row + down, column + right
        inside = 0 <= row < GRID and 0 <= column < GRID
        found.append(inner[row * GRID + column] if inside else [])
    return found


def evidence(file: File) -> np.ndarray | None:
    """Return int8 ``[N, 9]``; None if the queries do not give the labels of all images of the file.

    +1 for the cells that make a true query true: those of any of its `proofs`. Emptying one leaves fewer
    proofs, and changes the answer where it is in all of them. All other cells are 0, and all cells of an
    image whose query is false: there is nothing that emptying a cell could take away. No cell is -1, since
    nothing that is there makes a query of SHAPES false.
    """
    shape, colour = read_shapes(file.images)
    marks = np.zeros((len(file.labels), GRID * GRID), dtype=np.int8)
    for i, query in enumerate(file.queries):
        found = proofs(query, shape[i], colour[i])
        if bool(found) != bool(file.labels[i]):
            return None
        marks[i, sorted(frozenset().union(*found))] = 1
    return marks


def read(contents: dict[str, Content], name: str) -> File:
    """Return one part of the data set, such as "train.small", from its four files.

    Raises DataError, with file and row, for an array that is not of 30 x 30 images of three bytes a pixel,
    files of different numbers of rows, a query that is malformed, a question without words, or an answer
    other than true and false.
    """
    array, trees, words, answers = (contents[f"{name}.{part}"] for part in PARTS)
    try:
        images = np.load(io.BytesIO(array.data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{array.where}: not a numpy array ({error}). Restore the official file.") from error
    side = GRID * CELL
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (side, side, 3):
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else "an archive"
        raise DataError(
            f"{array.where}: expected images uint8 [N, {side}, {side}, 3], found {found}. Restore the "
            "official file."
        )
    if not len(images):
        raise DataError(f"{array.where}: no image in the file. Restore the official file.")
    queries, questions, labels = [], [], []
    rows = {content.where: content.lines() for content in (trees, words, answers)}
    for where, lines in rows.items():
        if len(lines) != len(images):
            raise DataError(
                f"{where}: {len(lines)} rows for the {len(images)} images of {array.where}. Restore the "
                "official files."
            )
    known: dict[str, Tree] = {}
    for row, (tree, question, answer) in enumerate(zip(*rows.values(), strict=True), start=1):
        try:
            if tree not in known:
                known[tree] = parse(tree)
        except ValueError as error:
            raise DataError(f"{trees.where}:{row}: {error}. Restore the official file.") from error
        if not question.split():
            raise DataError(f"{words.where}:{row}: the question is empty. Restore the official file.")
        if answer.strip() not in ("true", "false"):
            raise DataError(
                f"{answers.where}:{row}: the answer is {answer[:40]!r}, not true or false. Restore the "
                "official file."
            )
        queries.append(known[tree])
        questions.append(tuple(question.split()))
        labels.append(int(answer.strip() == "true"))
    # The file has blue first, as OpenCV writes it.
    return File(name, images[..., ::-1], tuple(queries), tuple(questions), np.array(labels))


def split_of(file: File, marks: np.ndarray | None) -> SceneSplit:
    """Return a part as a split: 9 regions, all there, with the pixels of a cell as 300 numbers in [0, 1]."""
    n = len(file.labels)
    features = cells(file.images).reshape(n, GRID * GRID, -1).astype(np.float32) / 255
    edges = np.arange(GRID + 1) / GRID
    boxes = [
        (edges[column], edges[row], edges[column + 1], edges[row + 1])
        for row in range(GRID)
        for column in range(GRID)
    ]
    return SceneSplit(
        ids=tuple(f"shapes/{file.name}/{row}" for row in range(1, n + 1)),
        questions=file.questions,
        features=features,
        boxes=np.tile(np.array(boxes, dtype=np.float32), (n, 1, 1)),
        present=np.ones((n, GRID * GRID), dtype=bool),
        labels=file.labels,
        evidence=marks,
    )


def joined(splits: Sequence[SceneSplit]) -> SceneSplit:
    """Return the instances of several splits as one; with evidence if all have it."""
    marks = [split.evidence for split in splits if split.evidence is not None]
    return SceneSplit(
        ids=tuple(name for split in splits for name in split.ids),
        questions=tuple(question for split in splits for question in split.questions),
        features=np.concatenate([split.features for split in splits]),
        boxes=np.concatenate([split.boxes for split in splits]),
        present=np.concatenate([split.present for split in splits]),
        labels=np.concatenate([split.labels for split in splits]),
        evidence=np.concatenate(marks) if len(marks) == len(splits) else None,
    )


def at_hand(size: str | None) -> str:
    """Return which training part to read; None is the largest that is on this machine, or else "large".

    Raises ValueError for an unknown size.
    """
    if size not in (None, *SIZES):
        raise ValueError(f"unknown size {size!r}; known: {', '.join(SIZES)}, or None for the largest at hand")
    here = [s for s in SIZES if all(registry.find("shapes", f"train.{s}.{part}") for part in PARTS)]
    return size or (here[0] if here else SIZES[0])


def _splits(size: str, verify: bool) -> tuple[dict[str, SceneSplit], dict[str, str], list[str]]:
    """Return the official splits, path and sha256 of the files, and notes."""
    names = {"train": f"train.{size}", "dev": "val", "test": "test"}
    paths = [f"{name}.{part}" for name in names.values() for part in PARTS]
    contents = registry.locate("shapes", paths, verify)
    files = {part: read(contents, name) for part, name in names.items()}
    marks = {part: evidence(file) for part, file in files.items()}
    notes = [
        "Regions are the 9 cells of the grid, empty ones too; features their pixels, red first (the files "
        "have blue first).",
        ", ".join(f"{len(set(file.queries))} queries in {part}" for part, file in files.items()) + ".",
    ]
    if size != "large":
        notes.append(f"Trained on the official train.{size}, not on train.large.")
    if any(mark is None for mark in marks.values()):
        marks = dict.fromkeys(marks)
        notes.append("Evidence is left out: the queries do not give the answers in the files.")
    splits = {part: split_of(file, marks[part]) for part, file in files.items()}
    return splits, {path: content.sha256 for path, content in contents.items()}, notes


def _corpus(
    name: str, splits: dict[str, SceneSplit], files: dict[str, str], notes: Sequence[str]
) -> SceneCorpus:
    return SceneCorpus(
        name=name,
        train=splits["train"],
        dev=splits["dev"],
        test=splits["test"],
        vocabulary=Vocabulary.build(splits["train"].questions),
        class_names=("false", "true"),
        region_features=(),
        provenance=provenance(catalogue.SHAPES, files, notes),
    )


def load(size: str | None = None, verify: bool = True) -> SceneCorpus:
    """Return SHAPES with the official splits, val as dev; no query of one split is in another.

    size: of the training part, "large", "med", "small" or "tiny" (which is in small); None takes the largest
    on this machine. The corpus is called "shapes" with the large one, else as in "shapes_small".
    `verify` checks each file's sha256. Evidence as in `evidence`, None if the queries do not give the
    answers. Raises DataError for missing, damaged or malformed files, ValueError for an unknown size.
    """
    size = at_hand(size)
    return _corpus("shapes" if size == "large" else f"shapes_{size}", *_splits(size, verify))


def load_images(size: str | None = None, verify: bool = True) -> SceneCorpus:
    """Return SHAPES with the images of all three parts drawn into splits: 15 % test, 15 % of the others dev.

    So the queries of dev and test are those of training, on other images; the official splits ask for other
    queries. Repeated images are left out, so no image is in two splits. Options and errors as in `load`.
    """
    size = at_hand(size)
    official, files, notes = _splits(size, verify)
    every = joined(list(official.values()))
    _, first = np.unique(every.features.reshape(len(every), -1), axis=0, return_index=True)
    every = every.select(np.sort(first))
    order = np.random.RandomState(SEED).permutation(len(every))
    n_test = round(SHARE * len(every))
    n_dev = round(SHARE * (len(every) - n_test))
    if not n_dev:
        raise DataError(f"shapes: only {len(every)} images; too few to split. Restore the official files.")
    rows = {"test": order[:n_test], "dev": order[n_test : n_test + n_dev], "train": order[n_test + n_dev :]}
    splits = {part: every.select(np.sort(index)) for part, index in rows.items()}
    notes.insert(0, f"Not the official splits: images of all parts, split at random (seed {SEED}).")
    return _corpus("shapes_images", splits, files, notes)
