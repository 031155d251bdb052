"""Ties and near-ties: what one kernel takes for a change of the decision, every kernel does.

Truth is exact arithmetic on the weights and leads as they are stored.
"""

import itertools
from fractions import Fraction

import pytest
import torch

from attnlib import Readout, kernels
from tests.kernels.cases import allowing, alone, one


def tied(n, length, classes, grid, seed=0, dtype=torch.float64):
    """Texts whose weights are multiples of 1/(2 · grid), their scores and biases multiples of 2/grid."""
    g = torch.Generator().manual_seed(seed)
    boxes = torch.randint(0, length, (n, 2 * grid), generator=g)
    alpha = torch.nn.functional.one_hot(boxes, length).sum(1).double() / (2 * grid)
    scores = torch.randint(-2, 3, (n, length, classes), generator=g) * 2 / grid
    bias = torch.randint(-1, 2, (classes,), generator=g) * 2 / grid
    return Readout(alpha, scores.to(dtype), bias.to(dtype), torch.ones(n, length, dtype=torch.bool))


def of_the_report():
    scores = [[[3.0, 1.0], [2, 1], [2, -3], [0, 1]]]
    return as_lists([[0.125, 0.375, 0.25, 0.25]], scores, [-2.0, 0.0])


def as_lists(alpha, scores, bias):
    given = (torch.tensor(x, dtype=torch.float64) for x in (alpha, scores, bias))
    return Readout(*given, torch.ones(len(alpha), len(alpha[0]), dtype=torch.bool))


EXACT = {
    "the report's": of_the_report,
    "sixteenths": lambda: tied(24, 5, 2, 8),
    "three classes": lambda: tied(24, 5, 3, 8, seed=1),
    "float32": lambda: tied(24, 5, 2, 8, seed=2, dtype=torch.float32),
    "six tokens, five classes": lambda: tied(16, 6, 5, 4, seed=3),
    "half precision": lambda: tied(20, 4, 3, 8, seed=4, dtype=torch.bfloat16),
    "all the same": lambda: as_lists([[0.5, 0.25, 0.25]], [[[1.0, 1.0]] * 3], [0.0, 0.0]),
}
# Decimals and thirds: no sum of theirs is exact, and its rounding depends on the order of the terms.
ROUNDED = {
    "tenths": lambda: tied(30, 5, 2, 10, seed=5),
    "tenths, three classes": lambda: tied(30, 5, 3, 10, seed=6),
    "sixths": lambda: tied(30, 6, 2, 6, seed=7),
    "fiftieths, seven tokens": lambda: tied(20, 7, 4, 50, seed=8),
    "sevenths, float32": lambda: tied(24, 5, 3, 7, seed=9, dtype=torch.float32),
}
# Products with their leads underflow.
TINY = {
    "the smallest weight": lambda: one([1.0, 5e-324], [1.0, 0.1]),
    "of class 1": lambda: one([1.0, 5e-324, 3e-320], [-1.0, -0.1, -1e-3]),
    "that flips": lambda: one([1.0, 5e-324], [1.0, -0.1]),
    "weights of 1e-310": lambda: one([1.0, 1e-310, 1e-310], [1.0, 1e-9, -1e-10]),
    "normal, small lead": lambda: one([1.0, 3e-300], [1.0, 1e-25]),
    "tiny weights of three classes": lambda: as_lists(
        [[1.0, 1e-315, 1e-322]], [[[0.0, 1, 0], [0.0, 0.1, 0], [0, 0.001, 0]]], [0.0, 0, 0]
    ),
}


def decides(readout, i, kept):
    """The class of text i when only the tokens `kept` remain, in exact arithmetic from the stored leads."""
    alpha = readout.alpha[i].tolist()
    mass = sum(Fraction(alpha[t]) for t in kept)
    z = (readout.scores[i].double() + readout.bias.double()).tolist()
    if mass == 0:
        z, kept = [readout.bias.double().tolist()], [0]
        alpha = [1.0]
    classes = range(len(z[0]))
    scale = 2**600  # α · d as a kernel has it, rounded once; whole powers of two change nothing
    first = 0
    for c in classes:
        terms = (Fraction(alpha[t]) * scale * Fraction(z[t][c] - z[t][first]) for t in kept)
        lead = sum(Fraction(float(term)) for term in terms)
        first = c if lead > 0 else first
    return first


def check(readout, truth=True):
    """All kernels, against each other and exact arithmetic."""
    n, length = readout.mask.shape
    minimum, mass = kernels.minimal_flip_set(readout), kernels.minimal_flip_mass(readout)
    y = readout.predictions()
    firsts = []
    for t in range(length):
        order = torch.tensor([t, *(u for u in range(length) if u != t)]).expand(n, length)
        found = kernels.erase_until_flip(readout, order)
        flips = found.flipped & (found.count == 1)
        firsts.append(flips & ~found.emptied)
        if truth:
            rest = [u for u in range(length) if u != t]
            assert flips.tolist() == [decides(readout, i, rest) != y[i] for i in range(n)]
        top = torch.zeros(n, length).index_fill(1, torch.tensor([t]), 1.0)
        for how in ("average", "drawn"):
            assert torch.equal(kernels.single_erasure(readout, top, how).flips_top, flips)
    assert torch.equal(torch.stack(firsts).any(0), minimum.flipped & (minimum.count == 1))
    assert torch.equal(mass.flipped, minimum.flipped)
    assert (mass.upper <= minimum.mass + 1e-15).all()
    # What no attention flips, no erasure does.
    assert not (minimum.flipped & ~kernels.reach(readout).can_flip).any()
    assert torch.equal(kernels.flips_alone(readout), kernels.reach(readout).can_flip)
    return y, minimum


@pytest.mark.parametrize("name", EXACT | TINY)
def test_kernels_agree_and_are_right(name):
    readout = (EXACT | TINY)[name]()
    y, minimum = check(readout)
    length = readout.mask.shape[1]
    for i, held in enumerate((readout.alpha > 0).tolist()):
        kept = (k for n in range(length - 1, 0, -1) for k in itertools.combinations(range(length), n))
        flips = (k for k in kept if any(held[t] for t in k) and decides(readout, i, k) != y[i])
        largest = next(flips, ())
        assert minimum.flipped[i].item() == (largest != ())
        assert minimum.count[i].item() == length - len(largest)


@pytest.mark.parametrize("name", ROUNDED)
def test_kernels_agree_where_every_sum_is_rounded(name):
    _, minimum = check(ROUNDED[name](), truth=False)
    assert 0 < (minimum.count == 1).sum() < len(minimum.count)


@pytest.mark.parametrize("name", EXACT | ROUNDED)
def test_the_order_of_what_remains_decides_nothing(name):
    readout = (EXACT | ROUNDED)[name]()
    n, length = readout.mask.shape
    orders = [(0, *p) for p in itertools.permutations(range(1, length))][:60]
    found = [kernels.erase_until_flip(readout, torch.tensor(order).expand(n, length)) for order in orders]
    flips = [each.flipped & (each.count == 1) for each in found]
    assert all(torch.equal(each, flips[0]) for each in flips)


@pytest.mark.parametrize("name", ["the report's", "three classes", "six tokens, five classes", "sixteenths"])
def test_ties_where_not_all_classes_are_allowed(name):
    readout = allowing(EXACT[name]().select(slice(0, 30)), seed=3, least=2)
    n, length = readout.mask.shape
    flipped = 0
    for t in range(length):
        order = torch.tensor([t, *(u for u in range(length) if u != t)]).expand(n, length)
        found = kernels.erase_until_flip(readout, order)
        flips = found.flipped & (found.count == 1)
        top = torch.zeros(n, length).index_fill(1, torch.tensor([t]), 1.0)
        assert torch.equal(kernels.single_erasure(readout, top).flips_top, flips)
        for i in range(n):
            there = kernels.erase_until_flip(alone(readout, i), order[i : i + 1])
            assert (found.count[i], found.flipped[i]) == (there.count[0], there.flipped[0])
        flipped += int(flips.sum())
    assert flipped > 0


@pytest.mark.parametrize("name", TINY)
def test_probabilities_without_the_heavy_tokens(name):
    """What is left of a text when all but its smallest weights go, is these alone."""
    readout = TINY[name]()
    weights = [Fraction(w) for w in readout.alpha[0].tolist()]
    rest = torch.tensor([[0.0, *(float(w / sum(weights[1:])) for w in weights[1:])]], dtype=torch.float64)
    found, expected = kernels.erase_each(readout)[0, 0], readout.probabilities(rest)[0]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
