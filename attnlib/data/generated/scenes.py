"""Generated scenes with questions, whose evidence is known: which object matters, and for or against.

A scene is 4 to 9 objects, each in a cell of its own of a 3 x 3 grid, with a colour, a shape and a size. The
questions, by kind (`KINDS`):

========= ============================================ ================================================
exists    is there a red circle
size      is the red circle large                      one red circle
relation  is the red circle left of the blue square    one of each; left of, right of, above, below
every     is every circle red                          two or three circles, one at least red
more      are there more circles than squares          at least one of each, never as many; or of colours
========= ============================================ ================================================

The answer is yes or no, as often in every kind. For ``exists`` and ``every`` the colours and shapes of the
scene are as frequent behind either answer, so counting attributes does not help: a model has to bind them to
objects.

Evidence is the effect of taking an object away. `support` is how much the scene says for yes:

- exists: the number of such objects;
- size, relation: 1 where it holds, -1 where it does not, 0 where what is asked about is not there;
- every: objects of the colour less those of another (one of the latter decides for no, however many others);
- more: the first number less the second.

An object is +1 if taking it away lowers the support for the answer given, -1 if it raises it, else 0. So for
"is every circle red", answer no, a circle of another colour is +1 and a red one is -1. For "is there a red
circle", answer no, every object is 0: nothing there makes the answer what it is.

What holds, and the tests check: taking away objects of evidence 0 or -1 never changes the answer; taking away
all of +1 always does, if there are any. One +1 object is enough for that in size and relation (the question
has no answer then), and in exists and every if it is the only one of its kind; in more, where the
numbers differ by one and the answer is yes. Elsewhere taking one away weakens the answer without changing it.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from attnlib.data.corpus import Vocabulary
from attnlib.data.generated import drawing
from attnlib.data.generated.drawing import Draw
from attnlib.data.scenes import SceneCorpus, SceneSplit

COLOURS = ("red", "green", "blue", "yellow")
SHAPES = ("circle", "square", "triangle")
SIZES = ("small", "large")
KINDS = ("exists", "size", "relation", "every", "more")
# Whether it compares rows (0) or columns (1), and the sign of the first object's less the second's.
RELATIONS = {"left of": (1, -1), "right of": (1, 1), "above": (0, -1), "below": (0, 1)}
# Fewest and most objects of a scene, and cells of the grid.
N_OBJECTS, REGIONS = (4, 9), 9
FEATURES = (*COLOURS, *SHAPES, *SIZES, "x1", "y1", "x2", "y2")

# In cells: half the side of a box, at least and at most, and how far its middle is off the cell's.
HALF_SIDE = {"small": (0.14, 0.20), "large": (0.30, 0.36)}
JITTER = 0.12
# What is added to the columns of colour, shape and size lies evenly between -NOISE and NOISE.
NOISE = 0.1

# A colour, a shape, a size or several of them.
Description = frozenset[str]


class Thing(NamedTuple):
    """One object; its cell is (row, column), counted from the top and from the left."""

    colour: str
    shape: str
    size: str
    cell: tuple[int, int] = (0, 0)

    def fits(self, description: Description) -> bool:
        """Whether the object has these attributes."""
        return description.issubset(self[:3])


class Question(NamedTuple):
    """What is asked: its kind, its words, whom it is about, and a size, a colour or a relation."""

    kind: str
    words: tuple[str, ...]
    first: Description
    second: Description = Description()
    value: str = ""


def support(question: Question, things: Sequence[Thing]) -> int:
    """Return how much a scene says for the answer yes; see the module's text."""
    first = [thing for thing in things if thing.fits(question.first)]
    if question.kind == "exists":
        return len(first)
    if question.kind == "every":
        return sum(1 if thing.colour == question.value else -1 for thing in first)
    second = [thing for thing in things if thing.fits(question.second)]
    if question.kind == "more":
        return len(first) - len(second)
    if len(first) != 1:
        return 0
    if question.kind == "size":
        return 1 if first[0].size == question.value else -1
    if len(second) != 1:
        return 0
    return 1 if _holds(question.value, first[0].cell, second[0].cell) else -1


def evidence(question: Question, things: Sequence[Thing], yes: bool) -> np.ndarray:
    """Return int8 ``[n]``: +1 where an object speaks for the answer of the scene, -1 against, 0 neutral."""
    without = [support(question, [*things[:i], *things[i + 1 :]]) for i in range(len(things))]
    lost = support(question, things) - np.array(without)
    return (np.sign(lost) * (1 if yes else -1)).astype(np.int8)


def generate(n_scenes: int, name: str, seed: int = 0) -> SceneSplit:
    """Return `n_scenes` scenes with one question each; ids are ``scenes/<name>/<number from 1>``.

    Each kind of question is asked as often, and each answer. Regions are in random order; boxes are exact.
    """
    draw = Draw(f"scenes {name} {seed}")
    asked = [(KINDS[i % len(KINDS)], i // len(KINDS) % 2 == 0) for i in range(n_scenes)]
    draw.shuffle(asked)
    questions = []
    features = np.zeros((n_scenes, REGIONS, len(FEATURES)), dtype=np.float32)
    marks = np.zeros((n_scenes, REGIONS), dtype=np.int8)
    present = np.zeros((n_scenes, REGIONS), dtype=bool)
    for i, (kind, yes) in enumerate(asked):
        n = draw.between(N_OBJECTS)
        question, things = _scene(draw, kind, yes, n)
        questions.append(question.words)
        marks[i, :n] = evidence(question, things, yes)
        present[i, :n] = True
        features[i, :n] = [_features(draw, thing) for thing in things]
    boxes = features[..., -4:].copy()
    # The stream of RandomState is frozen, and even draws are the same on every machine.
    drawn = np.random.RandomState(draw.below(2**32)).random_sample((*present.shape, len(FEATURES) - 4))
    features[..., :-4] += ((2 * drawn - 1) * NOISE * present[..., None]).astype(np.float32)
    ids = tuple(f"scenes/{name}/{i}" for i in range(1, n_scenes + 1))
    labels = np.array([int(yes) for _, yes in asked])
    return SceneSplit(ids, tuple(questions), features, boxes, present, labels, marks)


@drawing.loader(generate, train=20_000, dev=1000, test=1000)
def load(splits: dict[str, Any], settings: dict[str, Any]) -> SceneCorpus:
    """Return the corpus of generated scenes; options n_train … and seed.

    Same options, same scenes, on every machine. Raises ValueError for a split of less than one scene.
    """
    about = drawing.about("scenes", __name__, settings)
    words = Vocabulary.build(splits["train"].questions)
    return SceneCorpus(**splits, vocabulary=words, region_features=FEATURES, **about)


def _holds(relation: str, first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Return whether objects in these cells stand so."""
    axis, sign = RELATIONS[relation]
    return sign * (first[axis] - second[axis]) > 0


def _thing(draw: Draw, colour: str = "", shape: str = "", size: str = "") -> Thing:
    """Return an object whose other attributes are drawn."""
    return Thing(colour or draw.one(COLOURS), shape or draw.one(SHAPES), size or draw.one(SIZES))


def _scene(draw: Draw, kind: str, yes: bool, n: int) -> tuple[Question, list[Thing]]:
    """Return a question of this kind and n objects that answer it so."""
    question, things = PLANS[kind](draw, yes, n)
    unwanted = [d for d in (question.first, question.second) if d]
    while len(things) < n:
        thing = _thing(draw)
        if not any(thing.fits(description) for description in unwanted):
            things.append(thing)
    cells = [divmod(cell, 3) for cell in range(REGIONS)]
    draw.shuffle(cells)
    if kind == "relation":
        axis, _ = RELATIONS[question.value]
        # The first two objects are those asked about; neither may be level with the other.
        while cells[0][axis] == cells[1][axis]:
            draw.shuffle(cells)
        if _holds(question.value, cells[0], cells[1]) != yes:
            cells[:2] = cells[1], cells[0]
    placed = [thing._replace(cell=cell) for thing, cell in zip(things, cells, strict=False)]
    draw.shuffle(placed)
    return question, placed


def _crossed(draw: Draw, colour: str, shape: str, both: bool) -> list[Thing]:
    """Return an object of this colour and shape and another, or two with one of these attributes each.

    Either way the two objects have the same two colours and the same two shapes.
    """
    other = draw.one(COLOURS, but=colour), draw.one(SHAPES, but=shape)
    pairs = [(colour, shape), other] if both else [(colour, other[1]), (other[0], shape)]
    return [_thing(draw, *pair) for pair in pairs]


def _exists(draw: Draw, yes: bool, n: int) -> tuple[Question, list[Thing]]:
    colour, shape = draw.one(COLOURS), draw.one(SHAPES)
    things = [thing for _ in range(1 + draw.below(2)) for thing in _crossed(draw, colour, shape, yes)]
    return Question("exists", ("is", "there", "a", colour, shape), Description([colour, shape])), things


def _size(draw: Draw, yes: bool, n: int) -> tuple[Question, list[Thing]]:
    colour, shape, size = draw.one(COLOURS), draw.one(SHAPES), draw.one(SIZES)
    words = ("is", "the", colour, shape, size)
    question = Question("size", words, Description([colour, shape]), value=size)
    return question, [_thing(draw, colour, shape, size if yes else draw.one(SIZES, but=size))]


def _relation(draw: Draw, yes: bool, n: int) -> tuple[Question, list[Thing]]:
    every = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    first = draw.one(every)
    second = draw.one(every, but=first)
    relation = draw.one(tuple(RELATIONS))
    words = ("is", "the", *first, *relation.split(), "the", *second)
    question = Question("relation", words, Description(first), Description(second), relation)
    return question, [_thing(draw, *first), _thing(draw, *second)]


def _every(draw: Draw, yes: bool, n: int) -> tuple[Question, list[Thing]]:
    colour, shape = draw.one(COLOURS), draw.one(SHAPES)
    n_asked = 2 + draw.below(2)
    n_other = 1 + draw.below(min(n_asked - 1, n - n_asked))
    things = [_thing(draw, colour, shape) for _ in range(n_asked - n_other)]
    for _ in range(n_other):
        things += _crossed(draw, colour, shape, yes)
    return Question("every", ("is", "every", shape, colour), Description([shape]), value=colour), things


def _more(draw: Draw, yes: bool, n: int) -> tuple[Question, list[Thing]]:
    fewer = 1 + draw.below(min(3, (n - 1) // 2))
    larger = fewer + 1 + draw.below(min(2, n - 2 * fewer))
    attribute, values = ("colour", COLOURS) if draw.share() < 0.5 else ("shape", SHAPES)
    first = draw.one(values)
    second = draw.one(values, but=first)
    words = [(value, "shapes") if attribute == "colour" else (value + "s",) for value in (first, second)]
    asked = ("are", "there", "more", *words[0], "than", *words[1])
    counts = (larger, fewer) if yes else (fewer, larger)
    pairs = zip((first, second), counts, strict=True)
    things = [_thing(draw, **{attribute: value}) for value, count in pairs for _ in range(count)]
    return Question("more", asked, Description([first]), Description([second])), things


# Each draws a question and the objects that decide it; `_scene` adds others, which none of it is about.
PLANS = dict(zip(KINDS, (_exists, _size, _relation, _every, _more), strict=True))


def _features(draw: Draw, thing: Thing) -> list[float]:
    """Return the feature vector without noise: one-hot attributes and the box, which is drawn."""
    low, high = HALF_SIDE[thing.size]
    half = low + (high - low) * draw.share()
    x, y = (cell + 0.5 + JITTER * (2 * draw.share() - 1) for cell in thing.cell[::-1])
    box = ((x - half) / 3, (y - half) / 3, (x + half) / 3, (y + half) / 3)
    attributes = ((COLOURS, thing.colour), (SHAPES, thing.shape), (SIZES, thing.size))
    return [*chain.from_iterable([float(v == value) for v in values] for values, value in attributes), *box]
