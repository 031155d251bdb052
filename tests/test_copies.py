"""What was handed in belongs to the caller: changed afterwards, it changes nothing in what was made of it."""

import numpy as np
import pytest
import torch

from attnlib.data import Split
from attnlib.data.imposed import impose
from attnlib.data.scenes import SceneSplit
from attnlib.faithfulness import Removal, removal_of_texts

TEXTS = (("a", "b"), ("c", "d", "e"))


def spoil(x):
    """Other values in the same memory."""
    x = torch.from_numpy(x) if isinstance(x, np.ndarray) else x
    x.copy_(~x if x.dtype == torch.bool else x + 7)


SPLIT = {
    "labels": lambda: np.array([0, 1]),
    "labels of a tensor": lambda: torch.tensor([0, 1]),
    "evidence": lambda: [np.array([1, 0], dtype=np.int8), np.array([0, 0, -1], dtype=np.int8)],
    "candidates": lambda: [np.array([0, 1]), np.array([1, 2])],
    "sentences": lambda: [np.array([2]), np.array([1, 2])],
    "attention": lambda: [np.array([0.5, 0.5]), np.array([0.25, 0.25, 0.5])],
    "attention of tensors": lambda: list(torch.tensor([[0.25, 0.75]] * 2).double()),
}


@pytest.mark.parametrize("name", SPLIT)
def test_a_split(name):
    given, column = SPLIT[name](), name.split()[0]
    texts = TEXTS if name != "attention of tensors" else (("a", "b"), ("c", "d"))
    split = Split(("x", "y"), texts, **{"labels": np.array([0, 1]), column: given})
    before = [np.array(x) for x in getattr(split, column)]
    for x in [given] if column == "labels" else given:
        spoil(x)
    for x, y in zip(getattr(split, column), before, strict=True):
        assert np.array_equal(x, y)
    if column == "attention":
        weights = dict(zip(split.ids, SPLIT[name](), strict=True))
        imposed = impose(split, {key: np.asarray(x) for key, x in weights.items()})
        for x in weights.values():
            spoil(x)
        assert all(np.array_equal(x, y) for x, y in zip(imposed.attention, before, strict=True))


def scenes():
    return {
        "features": np.ones((2, 3, 4), dtype=np.float32),
        "boxes": np.tile(np.array([0.1, 0.2, 0.5, 0.6], dtype=np.float32), (2, 3, 1)),
        "present": np.array([[True, True, False], [True, True, True]]),
        "labels": np.array([0, 1]),
        "evidence": np.array([[1, 0, 0], [0, 0, -1]], dtype=np.int8),
    }


@pytest.mark.parametrize("name", scenes())
def test_scenes(name):
    given = scenes()
    split = SceneSplit(("x", "y"), (("what", "?"),) * 2, **given)
    spoil(given[name])
    assert np.array_equal(getattr(split, name), scenes()[name])


@pytest.mark.parametrize("name", ["intact", "lengths"])
def test_a_removal(name):
    given = {"intact": np.array([[0.25, 0.75], [0.5, 0.5]]), "lengths": np.array([2, 3])}
    before = {key: x.copy() for key, x in given.items()}
    removal = Removal("way", **given, evaluate=lambda rows, removed: np.full((len(rows), 2), 0.5))
    spoil(given[name])
    assert np.array_equal(getattr(removal, name), before[name])


class Reusing:
    """A classifier that answers in the same memory every time: p of class 1 is the share of tokens "a"."""

    def __init__(self, kind):
        self.memory, self.kind = np.zeros((50, 2)), kind

    def answer(self, p):
        found = self.memory[: len(p)]
        found[:, 1] = p
        found[:, 0] = 1 - found[:, 1]
        return torch.from_numpy(found) if self.kind == "tensor" else found

    def predict(self, texts):
        return self.answer([np.mean([token == "a" for token in text]) for text in texts])


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_answers_in_memory_that_is_used_again(kind):
    texts = [["a", "b"], ["b", "b", "a"], ["a", "a"]]
    removal = removal_of_texts(Reusing(kind).predict, texts, batch_size=1)
    assert removal.intact[:, 1].tolist() == pytest.approx([1 / 2, 1 / 3, 1])
    texts[0][0] = "z"  # the caller's lists are the caller's
    first = removal.drop_of_each()
    assert first[0, :2].tolist() == pytest.approx([-0.5, 0.5])
    assert np.array_equal(removal.drop_of_each(), first, equal_nan=True)


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_a_removal_of_ones_own_that_uses_its_memory_again(kind):
    model = Reusing(kind)

    def evaluate(rows, removed):
        return model.answer(removed.mean(axis=1))

    intact = np.full((2, 2), 0.5)
    removal = Removal("way", intact, np.array([4, 4]), evaluate)
    one, two = np.eye(4, dtype=bool)[None, :1].repeat(2, 0), np.tri(4, dtype=bool)[None, 1:2].repeat(2, 0)
    first = removal.without(one)[..., 1]
    removal.without(two)
    assert np.array_equal(removal.without(one)[..., 1], first)
    assert (first == 0.25).all()
