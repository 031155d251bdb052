import itertools

import numpy as np
import pytest

from attnlib.data import load_scenes
from attnlib.data.generated import scenes as scenes_generated
from attnlib.data.generated.scenes import COLOURS, FEATURES, KINDS, SHAPES, SIZES

HALF = len(FEATURES) - 4


def read(split, i):
    """The objects of a scene as they can be seen: (colour, shape, size, middle x, middle y)."""
    things = []
    for features in split.features[i][split.present[i]]:
        attributes = zip((COLOURS, SHAPES, SIZES), np.split(features[:HALF], [4, 7]), strict=True)
        x1, y1, x2, y2 = features[HALF:]
        seen = (names[column.argmax()] for names, column in attributes)
        things.append((*seen, (x1 + x2) / 2, (y1 + y2) / 2))
    return things


def reply(words, things):
    """Answer a question word by word; None where what it is about is not there, or not there once."""

    def those(*wanted):
        wanted = {w.removesuffix("s") for w in wanted} - {"shape"}
        return [t for t in things if wanted <= set(t[:3])]

    match words:
        case ("is", "there", "a", colour, shape):
            return "yes" if those(colour, shape) else "no"
        case ("is", "every", shape, colour):
            if not those(shape):
                return None
            return "yes" if len(those(shape)) == len(those(shape, colour)) else "no"
        case ("are", "there", "more", *rest):
            middle = rest.index("than")
            return "yes" if len(those(*rest[:middle])) > len(those(*rest[middle + 1 :])) else "no"
        case ("is", "the", colour, shape, ("small" | "large") as size):
            if len(those(colour, shape)) != 1:
                return None
            return "yes" if those(colour, shape)[0][2] == size else "no"
        case ("is", "the", colour, shape, *relation, "the", other, form):
            first, second = those(colour, shape), those(other, form)
            if len(first) != 1 or len(second) != 1:
                return None
            (*_, x, y), (*_, u, v) = first[0], second[0]
            holds = {"left": x < u, "right": x > u, "above": y < v, "below": y > v}
            return "yes" if holds[relation[0]] else "no"
    raise AssertionError(words)


def kind_of(words):
    if words[0] == "are":
        return "more"
    return {"there": "exists", "every": "every"}.get(words[1], "size" if words[-1] in SIZES else "relation")


@pytest.fixture(scope="module")
def corpus():
    return load_scenes("scenes", n_train=600, n_dev=60, n_test=60)


def test_every_question_has_its_answer_in_what_can_be_seen(corpus):
    train = corpus.train
    assert corpus.class_names == ("no", "yes")
    for i, words in enumerate(train.questions):
        assert reply(words, read(train, i)) == corpus.class_names[train.labels[i]], train.ids[i]


def test_evidence_by_taking_objects_away(corpus):
    train = corpus.train
    seen = set()
    for i, words in enumerate(train.questions):
        things, name = read(train, i), corpus.class_names[train.labels[i]]
        marks, kind = train.evidence[i][: len(things)], kind_of(words)
        kept = [thing for thing, mark in zip(things, marks, strict=True) if mark != 1]
        # Without all that speaks for it the answer is another; without what does not, it is the same.
        assert (reply(words, kept) != name) == (1 in marks)
        others = np.flatnonzero(marks != 1)
        for n in range(len(others) + 1):
            for gone in itertools.islice(itertools.combinations(others, n), 20):
                assert reply(words, [t for j, t in enumerate(things) if j not in gone]) == name
        supporting = np.flatnonzero(marks == 1)
        alone = [reply(words, things[:j] + things[j + 1 :]) != name for j in supporting]
        if kind in ("size", "relation"):
            assert len(supporting) == (2 if kind == "relation" else 1)
            assert all(alone)
        elif kind == "exists":
            assert (1 in marks) == (name == "yes")
            assert all(alone) == (len(supporting) < 2)
        elif kind == "every":
            assert (-1 in marks) == (name == "no")
            assert any(alone) == (name == "no" and len(supporting) == 1)
        else:
            assert -1 in marks
            assert len(set(alone)) == 1
            assert alone[0] == (name == "yes" and marks.sum() == 1)
        seen.add((kind, name, tuple(sorted(set(marks.tolist())))))
    assert ("every", "no", (-1, 0, 1)) in seen
    assert ("exists", "no", (0,)) in seen
    assert {kind for kind, *_ in seen} == set(KINDS)


@pytest.mark.slow
def test_defaults_are_balanced_in_every_kind_and_counting_attributes_does_not_help():
    corpus = load_scenes("scenes")
    assert [len(split) for split in corpus.splits.values()] == [20_000, 1000, 1000]
    assert corpus.class_names == ("no", "yes")
    assert corpus.train.features.shape[1:] == (9, len(corpus.region_features))
    for split in corpus.splits.values():
        assert split.labels.mean() == 0.5
        counts = np.unique([kind_of(words) for words in split.questions], return_counts=True)
        assert (counts[1] == len(split) / 5).all()
        assert set(split.evidence[split.present].tolist()) == {-1, 0, 1}
    train = corpus.train
    assert set(train.present.sum(1).tolist()) == set(range(4, 10))
    kinds = np.array([kind_of(words) for words in train.questions])
    for kind in ("exists", "every"):
        rows = np.flatnonzero(kinds == kind)
        # How often the colour, and the shape, that are asked for occur in the scene.
        asked = np.array([[FEATURES.index(w) for w in train.questions[i] if w in FEATURES] for i in rows])
        counts = train.features[rows[:, None], :, asked].sum(2).round()
        yes = train.labels[rows] == 1
        assert abs(counts[yes].mean(0) - counts[~yes].mean(0)).max() < 0.15
    lengths = [train.present[train.labels == label].sum(1).mean() for label in (0, 1)]
    assert abs(lengths[0] - lengths[1]) < 0.2


def test_regions_are_in_cells_of_their_own_and_noisy(monkeypatch):
    split = scenes_generated.generate(200, "x")
    middles = (split.boxes[..., :2] + split.boxes[..., 2:]) / 2
    cells = np.floor(middles * 3)
    assert (np.floor(split.boxes[..., :2] * 3) == cells)[split.present].all()
    assert (np.floor(split.boxes[..., 2:] * 3) == cells)[split.present].all()
    for cell, present in zip(cells, split.present, strict=True):
        assert len({tuple(c) for c in cell[present].tolist()}) == present.sum()
    assert (split.features[~split.present] == 0).all()
    np.testing.assert_array_equal(split.features[..., HALF:], split.boxes)
    attributes = split.features[split.present][:, :HALF]
    off = abs(attributes - attributes.round())
    assert 0.075 < off.max() <= 0.1
    monkeypatch.setattr(scenes_generated, "NOISE", 0)
    exact = scenes_generated.generate(200, "x")
    np.testing.assert_array_equal(exact.features[..., :HALF], split.features[..., :HALF].round())
    assert exact.questions == split.questions
