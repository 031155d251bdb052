"""NLVR (Suhr et al. 2017), structured: sentences that are true or false of three boxes with objects.

A region is an object. The official training file may not be at hand; see `load`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import provenance
from attnlib.data.corpus import Vocabulary
from attnlib.data.errors import DataError
from attnlib.data.registry import Content
from attnlib.data.scenes import SceneCorpus, SceneSplit

# As the files spell them.
COLOURS = {"Black": "black", "#0099ff": "blue", "Yellow": "yellow"}
SHAPES = ("circle", "square", "triangle")
SIZES = (10, 20, 30)
N_BOXES, SIDE = 3, 100
# In the picture the boxes stand side by side, half a box apart.
WIDTH, STEP = 400, 150
FEATURES = (
    *COLOURS.values(),
    *SHAPES,
    *(f"size {size}" for size in SIZES),
    *(f"box {number}" for number in range(1, N_BOXES + 1)),
    "x",
    "y",
)
TRAIN, DEV, TEST, HIDDEN = "train.json", "dev.json", "test.json", "hidden.json"
SOURCES = ("official", "subset")
DEV_SHARE, DEV_SEED = 0.15, 5


class Item(NamedTuple):
    """An object: box 0 to 2, left, top and side in hundredths of the box's side, shape and colour."""

    box: int
    x: float
    y: float
    size: int
    shape: str
    colour: str


class Example(NamedTuple):
    """One row: its id, the number of the scenes that were presented together, the sentence's words."""

    id: str
    presented: str
    words: tuple[str, ...]
    label: int
    items: tuple[Item, ...]

    @property
    def scene(self) -> tuple[tuple[Item, ...], ...]:
        """What two rows share that differ only in the order of boxes, or of objects in a box."""
        boxes = [[item._replace(box=0) for item in self.items if item.box == box] for box in range(N_BOXES)]
        return tuple(sorted(tuple(sorted(box)) for box in boxes))


def words(sentence: str) -> tuple[str, ...]:
    """Return the words of a sentence: lower case, numbers kept as they are, no punctuation."""
    return tuple(re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", sentence.lower()))


def examples(content: Content) -> list[Example]:
    """Return the rows of a file: one JSON object a line.

    Ids are ``nlvr/<file>/<identifier>``. Raises DataError, with file and line, for a line that is no JSON
    object, a field that is missing, an identifier that is malformed or repeated, a sentence without words, a
    label other than true and false, other than three boxes, no object in any, or an object of unknown shape,
    colour or size or outside its box; and for an empty file.
    """
    part = content.path.removesuffix(".json")
    found: list[Example] = []
    seen: set[str] = set()
    for line_number, line in enumerate(content.lines(), start=1):

        def fail(problem: str, at: int = line_number) -> DataError:
            return DataError(f"{content.where}:{at}: {problem}. Restore the official file or mend the line.")

        try:
            row = json.loads(line)
        except ValueError as error:
            raise fail(f"not JSON ({error})") from error
        wanted = ("identifier", "sentence", "label", "structured_rep")
        if not isinstance(row, dict) or (absent := [name for name in wanted if name not in row]):
            raise fail("not an object" if not isinstance(row, dict) else f"no {', '.join(absent)}")
        name = str(row["identifier"])
        if not re.fullmatch(r"\d+-\d+", name) or name in seen:
            raise fail(
                f"identifier {name!r} is {'repeated' if name in seen else 'not two numbers as in 12-3'}"
            )
        seen.add(name)
        if not (tokens := words(str(row["sentence"]))):
            raise fail(f"the sentence {row['sentence']!r} has no words")
        # In case a copy has JSON's own truth values.
        label = str(row["label"]).lower()
        if label not in ("true", "false"):
            raise fail(f"the label is {row['label']!r}, not true or false")
        boxes = row["structured_rep"]
        if (
            not isinstance(boxes, list)
            or len(boxes) != N_BOXES
            or not all(isinstance(b, list) for b in boxes)
        ):
            raise fail(f"structured_rep is not a list of {N_BOXES} boxes")
        try:
            items = tuple(_item(number, thing) for number, box in enumerate(boxes) for thing in box)
        except ValueError as error:
            raise fail(str(error)) from error
        if not items:
            raise fail("no object in any box")
        found.append(Example(f"nlvr/{part}/{name}", name.split("-")[0], tokens, int(label == "true"), items))
    if not found:
        raise DataError(f"{content.where}: no row in the file. Restore the official file.")
    return found


def _item(box: int, thing: Any) -> Item:
    """Return one object; ValueError says what is wrong with it."""
    if not isinstance(thing, dict):
        raise ValueError(f"box {box + 1}: {str(thing)[:40]!r} is not an object")
    for name, known in (("type", SHAPES), ("color", tuple(COLOURS)), ("size", SIZES)):
        if thing.get(name) not in known:
            raise ValueError(
                f"box {box + 1}: {name} is {thing.get(name)!r}, not one of {', '.join(map(str, known))}"
            )
    size = int(thing["size"])
    x, y = thing.get("x_loc"), thing.get("y_loc")
    for name, at in (("x_loc", x), ("y_loc", y)):
        if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= SIDE - size:
            raise ValueError(
                f"box {box + 1}: {name} is {at!r}; an object of size {size} is not in its box there"
            )
    assert x is not None
    assert y is not None
    return Item(box, x, y, size, thing["type"], COLOURS[thing["color"]])


def split_of(rows: Sequence[Example], n_regions: int) -> SceneSplit:
    """Return rows as a split of `n_regions` regions, the objects box by box in the order of the file."""
    features = np.zeros((len(rows), n_regions, len(FEATURES)), dtype=np.float32)
    boxes = np.zeros((len(rows), n_regions, 4), dtype=np.float32)
    present = np.zeros((len(rows), n_regions), dtype=bool)
    for i, row in enumerate(rows):
        present[i, : len(row.items)] = True
        for j, item in enumerate(row.items):
            named = (item.colour, item.shape, f"size {item.size}", f"box {item.box + 1}")
            for name in named:
                features[i, j, FEATURES.index(name)] = 1
            # The middle of the object in its box.
            features[i, j, -2:] = (item.x + item.size / 2) / SIDE, (item.y + item.size / 2) / SIDE
            left = item.box * STEP + item.x
            boxes[i, j] = left / WIDTH, item.y / SIDE, (left + item.size) / WIDTH, (item.y + item.size) / SIDE
    return SceneSplit(
        ids=tuple(row.id for row in rows),
        questions=tuple(row.words for row in rows),
        features=features,
        boxes=boxes,
        present=present,
        labels=np.array([row.label for row in rows], dtype=np.int64),
    )


def groups(rows: Sequence[Example]) -> list[list[int]]:
    """Return the positions of rows that must stay together: presented together, or of the same scene.

    Also through others. In the order of each group's first row.
    """
    leader = list(range(len(rows)))

    def lead(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    first: dict[object, int] = {}
    for i, row in enumerate(rows):
        for key in (row.presented, row.scene):
            a, b = sorted((lead(first.setdefault(key, i)), lead(i)))
            leader[b] = a
    found: dict[int, list[int]] = {}
    for i in range(len(rows)):
        found.setdefault(lead(i), []).append(i)
    return list(found.values())


def divide(rows: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return (train, dev): groups are drawn until dev has 15 % of the rows; both in the order given."""
    whole = groups(rows)
    chosen: set[int] = set()
    for number in np.random.RandomState(DEV_SEED).permutation(len(whole)):
        if len(chosen) >= DEV_SHARE * len(rows):
            break
        chosen.update(whole[number])
    return (
        [row for i, row in enumerate(rows) if i not in chosen],
        [row for i, row in enumerate(rows) if i in chosen],
    )


def at_hand(train: str | None) -> str:
    """Return which rows to train on, "official" or "subset"; None is the first of them that is here.

    Raises ValueError for an unknown name.
    """
    if train not in (None, *SOURCES):
        raise ValueError(f"unknown train {train!r}; known: {', '.join(SOURCES)}, or None for what is at hand")
    if train is None:
        here = {path: registry.find("nlvr", path) is not None for path in (TRAIN, DEV, TEST, HIDDEN)}
        return "subset" if not here[TRAIN] and all(here[path] for path in (DEV, TEST, HIDDEN)) else "official"
    return train


def load(train: str | None = None, verify: bool = True) -> SceneCorpus:
    """Return NLVR's structured scenes, false (0) and true (1); no evidence.

    train: "official" (train.json, dev.json, test.json) or "subset": test.json is the test split, and dev.json
    and hidden.json (the second test file, released in 2022) are split into train and 15 % dev; rows with a
    scene of the test split are left out, and rows that were presented together or show the same scene (in
    whatever order of boxes) are not parted, so that no scene is in two splits. None takes what is on this
    machine, the official file first. The corpus is called "nlvr" or "nlvr_subset" accordingly. `verify`
    checks each file's checksum. Raises DataError for missing, damaged or malformed files, ValueError for an
    unknown train.
    """
    subset = at_hand(train) == "subset"
    paths = [DEV, HIDDEN, TEST] if subset else [TRAIN, DEV, TEST]
    contents = registry.locate("nlvr", paths, verify)
    rows = {path: examples(content) for path, content in contents.items()}
    notes = ["Words in lower case without punctuation; regions are the objects, box by box."]
    if subset:
        tested = {row.scene for row in rows[TEST]}
        others = [*rows[DEV], *rows[HIDDEN]]
        kept = [row for row in others if row.scene not in tested]
        training, dev = divide(kept)
        notes.insert(
            0,
            "Not the official splits: train and dev are dev.json and hidden.json by groups of rows with the "
            f"same identifier or scene (seed {DEV_SEED}), test is test.json; {len(others) - len(kept)} rows "
            "with a scene of test.json are left out. No scene is in two splits; sentences may be.",
        )
    else:
        training, dev = rows[TRAIN], rows[DEV]
        notes.insert(0, "The official splits; dev and test share some scenes.")
    parts = {"train": training, "dev": dev, "test": rows[TEST]}
    for part, held in parts.items():
        if not held:
            raise DataError(f"nlvr: no row in {part}; a file may be cut. Restore the official files.")
    n_regions = max(len(row.items) for held in parts.values() for row in held)
    splits = {part: split_of(held, n_regions) for part, held in parts.items()}
    return SceneCorpus(
        name="nlvr_subset" if subset else "nlvr",
        train=splits["train"],
        dev=splits["dev"],
        test=splits["test"],
        vocabulary=Vocabulary.build(splits["train"].questions),
        class_names=("false", "true"),
        region_features=FEATURES,
        provenance=provenance(
            catalogue.NLVR, {path: content.sha256 for path, content in contents.items()}, notes
        ),
    )
