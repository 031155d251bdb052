"""The results of the kernels: what a field holds is said where a user reads it; means leave out fillers."""

import math
import re
import typing

import pytest
import torch

from attnlib import kernels
from attnlib.faithfulness import Violation
from attnlib.kernels import attention_order, erase_until_flip, minimal_flip_mass, minimal_flip_set
from tests.kernels.cases import make, one


def results():
    """Every named tuple that a public kernel returns."""
    returned = [typing.get_type_hints(getattr(kernels, name)).get("return") for name in kernels.__all__]
    return sorted({kind for kind in returned if hasattr(kind, "_fields")}, key=str)


def test_all_are_found():
    assert {kind.__name__ for kind in results()} == {
        "Adversary",
        "Bounds",
        "FirstFlipCheck",
        "Flip",
        "FlipMass",
        "MinimalFlip",
        "Moments",
        "Reach",
        "SingleErasure",
    }


@pytest.mark.parametrize("kind", [*results(), Violation], ids=lambda kind: kind.__name__)
def test_the_docstring_names_every_field(kind):
    named = re.findall(r"^- `(\w+)`: ", kind.__doc__.replace("\n    ", "\n"), re.MULTILINE)
    assert tuple(named) == kind._fields


def by_attention(readout):
    return erase_until_flip(readout, attention_order(readout))


FLIPS = {
    "minimal_flip_set": (minimal_flip_set, 2, ["count", "fraction", "mass"]),
    "erase_until_flip": (by_attention, 2, ["count", "fraction", "mass"]),
    "minimal_flip_mass": (minimal_flip_mass, 2, ["lower", "upper"]),
    "erase_until_flip, five classes": (by_attention, 5, ["count", "emptied"]),
}


@pytest.mark.parametrize("name", FLIPS)
def test_a_mean_over_the_texts_that_flip(name):
    kernel, classes, names = FLIPS[name]
    found = kernel(make(60, 9, classes, seed=4))
    assert 0 < found.flipped.sum() < 60
    for field in names:
        rows = zip(getattr(found, field).tolist(), found.flipped.tolist(), strict=True)
        each = [value for value, flips in rows if flips]
        assert found.mean_over_flipped(field) == pytest.approx(sum(each) / len(each), rel=1e-12)
    assert getattr(found, names[0]).double().mean() != found.mean_over_flipped(names[0])


@pytest.mark.parametrize("kernel", [minimal_flip_set, minimal_flip_mass, by_attention])
def test_no_text_flips(kernel):
    found = kernel(one([0.5, 0.5], [1.0, 2.0], bias=1.0))
    assert not found.flipped.any()
    assert math.isnan(found.mean_over_flipped(found._fields[0]))


@pytest.mark.parametrize("field", ["mask", "flipped", "counts", "", None])
def test_a_field_without_a_mean(field):
    with pytest.raises(ValueError, match="field: must be one of count, fraction, mass, emptied, got"):
        minimal_flip_set(make(3, 4)).mean_over_flipped(field)


def test_filler_values_are_those_that_are_documented():
    r = make(40, 6, seed=5)
    found, mass = minimal_flip_set(r), minimal_flip_mass(r)
    never = ~found.flipped
    assert never.any()
    assert torch.equal(found.count[never], r.lengths[never])
    assert (found.fraction[never] == 1).all()
    assert (found.mass[never] == 1).all()
    assert not found.mask[never].any()
    assert (mass.lower[never] == 1).all()
    assert (mass.upper[never] == 1).all()
