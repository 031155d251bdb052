"""The smallest flipping sets: by hand, against all subsets and against a linear programme."""

import math

import pytest
import torch
from scipy.optimize import linprog

from attnlib import kernels
from attnlib.kernels import erase_until_flip, minimal_flip_mass, minimal_flip_set, naive
from tests.kernels.cases import make, one
from tests.kernels.test_erasure import random_order


def check_minimal(readout):
    found = minimal_flip_set(readout)
    assert not found.emptied.any()
    assert not (found.mask & ~readout.mask).any()
    assert torch.equal(found.mask.any(1), found.flipped)
    assert torch.equal(found.count, naive.minimal_flip_set(readout))
    assert torch.equal(found.flipped, found.count < readout.lengths)
    assert torch.equal(found.fraction, found.count / readout.lengths.double())
    assert (found.mass[~found.flipped] == 1).all()
    for i in found.flipped.nonzero()[:, 0].tolist():
        text, erased = readout.select([i]), found.mask[i]
        assert erased.sum() == found.count[i]
        assert naive.decision_without(text, erased) != text.predictions()
        torch.testing.assert_close(found.mass[i], readout.alpha[i, erased].sum(), rtol=0, atol=1e-15)
    return found


CASES = [(2, False), (2, True), (3, True), (4, False), (6, True)]


@pytest.mark.parametrize(("classes", "ties"), CASES)
def test_minimal_flip_set_against_exhaustive_search(classes, ties):
    found = check_minimal(make(25, 7, classes, seed=10 + classes, ties=ties, scale=1.0))
    assert 0 < found.flipped.sum() < 25
    check_minimal(make(3, 10, classes, seed=4, shortest=10, ties=ties))


def test_never_larger_than_any_ranking():
    for classes, ties in ((2, False), (3, True), (5, False)):
        r = make(60, 12, classes, seed=20 + classes, ties=ties, scale=1.0)
        least, mass = minimal_flip_set(r), minimal_flip_mass(r)
        assert (mass.upper <= least.mass + 1e-12).all()
        orders = [kernels.attention_order(r), kernels.gradient_order(r)]
        for order in (*orders, *(random_order(r, seed) for seed in range(6))):
            ranked = erase_until_flip(r, order)
            real = ranked.flipped & ~ranked.emptied
            assert (least.flipped | ~real).all()
            assert (least.count <= ranked.count)[real].all()
            assert (mass.lower <= ranked.mass + 1e-12)[real].all()
        # and erasing exactly this set, in any order, flips at the latest with its last token
        key = torch.where(least.mask, 0.0, 1.0).masked_fill(~r.mask, 2.0)
        ranked = erase_until_flip(r, key.argsort(dim=1, stable=True))
        assert torch.equal(ranked.count[least.flipped], least.count[least.flipped])
    assert (mass.upper < least.mass - 1e-3).any()


def test_extreme_scores_and_weights():
    r = one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, -1e4])
    found = minimal_flip_set(r)
    assert found.count.item() == 1
    assert found.mask.tolist() == [[True, False, False]]
    # only tokens without attention would flip: they cannot stay alone
    assert not minimal_flip_set(one([1.0, 0.0], [1.0, -1.0])).flipped.item()
    assert not minimal_flip_set(one([1.0], [1.0])).flipped.item()


def check_mass(readout):
    found = minimal_flip_mass(readout)
    assert torch.equal(found.flipped, minimal_flip_set(readout).flipped)
    least = naive.minimal_flip_mass(readout)
    assert torch.equal(found.flipped, least < 1)
    assert (found.lower <= least + 1e-12).all()
    assert (found.upper >= least - 1e-12).all()
    assert (found.lower[~found.flipped] == 1).all()
    assert (found.upper[~found.flipped] == 1).all()
    assert (found.lower <= found.upper).all()
    assert ((found.upper - found.lower) <= readout.alpha.amax(1) + 1e-12).all()
    for i, text in enumerate(naive.texts(readout)):
        masses = (text.alpha * naive.flipping_sets(text)).sum(1)
        assert (masses - found.upper[i]).abs().lt(1e-12).any() or not found.flipped[i]
    return found, (found.upper / least)[found.flipped]


@pytest.mark.parametrize(("classes", "ties"), CASES)
def test_between_the_bounds_lies_the_least_of_all_subsets(classes, ties):
    found, ratios = check_mass(make(25, 9, classes, seed=20 + classes, ties=ties, scale=1.0))
    assert 0 < found.flipped.sum() < 25
    assert (ratios < 1 + 1e-9).double().mean() > 0.7  # mostly the optimum itself


@pytest.mark.parametrize("classes", [2, 4])
def test_lower_is_the_linear_programmes(classes):
    r = make(60, 12, classes, seed=6, scale=1.0)
    found = minimal_flip_mass(r)
    compared = 0
    for i in found.flipped.nonzero()[:, 0].tolist():
        length, y = int(r.lengths[i]), int(r.predictions()[i])
        alpha, alone = r.alpha[i, :length].numpy(), (r.scores[i, :length] + r.bias).numpy()
        values = []
        for c in set(range(classes)) - {y}:
            d = alone[:, y] - alone[:, c]
            if not (d < 0).any():
                continue  # then c can win with nothing that remains
            result = linprog(alpha, A_ub=-(alpha * d)[None], b_ub=[-(alpha * d).sum()], bounds=(0, 1))
            values.append(result.fun)
        assert found.lower[i].item() == pytest.approx(min(min(values), found.upper[i].item()), abs=1e-9)
        compared += 1
    assert compared > 5


def test_by_hand():
    # lead of class 1: .5·2 + .3·1 − .2·4 = .5; per weight token 0 is worth most: .25 of attention makes .5
    found = minimal_flip_mass(one([0.5, 0.3, 0.2], [2.0, 1.0, -4.0]))
    # whole tokens: 0 alone (mass .5); 1 alone leaves a lead of .2
    assert [x.item() for x in found] == [pytest.approx(0.25), pytest.approx(0.5), True]
    # the lead is .9 + .2 + .1·7 − .2·5 = .8: .2 + .7 turns it for .3 of attention, .9 for .5
    found = minimal_flip_mass(one([0.5, 0.2, 0.1, 0.2], [1.8, 1.0, 7.0, -5.0]))
    # in part: .1 of d = 7, then .1/1.8 of the first
    assert [x.item() for x in found] == [pytest.approx(0.1 + 0.1 / 1.8), pytest.approx(0.3), True]
    # lead .7 + 1.2 + 1.4 − 2.2 = 1.1: .7 goes first and 1.2 with it, which does alone, so .7 comes back
    # (the smallest number of tokens is one too, but the heavier 1.4)
    found = minimal_flip_mass(one([0.1, 0.3, 0.4, 0.2], [7.0, 4.0, 3.5, -11.0]))
    assert [x.item() for x in found] == [pytest.approx(0.2), pytest.approx(0.3), True]
    # a tie goes to class 0, so that half of the first token would do, and whole tokens hit it exactly
    found = minimal_flip_mass(one([0.25, 0.25, 0.5], [1.0, 1.0, -0.5]))
    assert [x.item() for x in found] == [0.25, 0.25, True]
    # nothing speaks against the decision, or nothing with attention, or there is only one token
    for alpha, margins in (([0.5, 0.5], [1.0, 2.0]), ([1.0, 0.0], [1.0, -1.0]), ([1.0], [1.0])):
        assert [x.item() for x in minimal_flip_mass(one(alpha, margins))] == [1, 1, False]


def test_mass_of_peaked_attention_and_large_scores():
    found = minimal_flip_mass(one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, -1e4]))
    # the first token must go but for as much as the second outweighs: 1e-8 of attention
    assert found.lower.item() == pytest.approx(1 - 2e-8, abs=1e-15)
    assert found.upper.item() == pytest.approx(1 - 1e-8, abs=1e-15)


def by_attention(readout):
    return erase_until_flip(readout, kernels.attention_order(readout))


@pytest.mark.parametrize("kernel", [minimal_flip_set, minimal_flip_mass, by_attention])
def test_a_mean_over_the_texts_that_flip(kernel):
    found = kernel(make(60, 9, 5, seed=4))
    assert 0 < found.flipped.sum() < 60
    for field in {"count", "fraction", "mass", "emptied", "lower", "upper"} & set(found._fields):
        each = getattr(found, field)[found.flipped].tolist()
        assert found.mean_over_flipped(field) == pytest.approx(sum(each) / len(each), rel=1e-12)
    none = kernel(one([0.5, 0.5], [1.0, 2.0], bias=1.0))
    assert not none.flipped.any()
    assert math.isnan(none.mean_over_flipped(none._fields[0]))


@pytest.mark.parametrize("field", ["mask", "flipped", "counts", "", None])
def test_a_field_without_a_mean(field):
    with pytest.raises(ValueError, match="unknown field .*: known are count, fraction, mass, emptied"):
        minimal_flip_set(make(3, 4)).mean_over_flipped(field)
