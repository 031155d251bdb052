"""Bounds on the least erased mass: by hand, against all subsets and against a linear programme."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from attnlib.kernels import (
    attention_order,
    erase_until_flip,
    gradient_order,
    minimal_flip_mass,
    minimal_flip_set,
    naive,
)
from tests.kernels.cases import allowing, make, one, spread_out, with_head


def check(readout):
    found = minimal_flip_mass(readout)
    assert torch.equal(found.flipped, minimal_flip_set(readout).flipped)
    least = naive.minimal_flip_mass(readout)
    assert torch.equal(found.flipped, least < 1)
    assert (found.lower <= least + 1e-12).all()
    assert (found.upper >= least - 1e-12).all()
    assert (found.lower[~found.flipped] == 1).all()
    assert (found.lower <= found.upper).all()
    assert ((found.upper - found.lower) <= readout.alpha.amax(1) + 1e-12).all()
    return found, (found.upper / least)[found.flipped]


@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (3, True), (4, False)])
def test_between_the_bounds_lies_the_least_of_all_subsets(classes, ties):
    found, ratios = check(make(25, 9, classes, seed=20 + classes, ties=ties, scale=1.0))
    assert found.flipped.any()
    assert (~found.flipped).any()
    assert (ratios < 1 + 1e-9).double().mean() > 0.7  # mostly the optimum itself


def test_twelve_tokens():
    check(make(4, 12, 3, seed=4, shortest=12, scale=1.0))


@pytest.mark.slow
@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(2, 4), st.integers(0, 10**6))
def test_ties_and_zero_weights(length, classes, seed):
    check(make(3, length, classes, seed=seed, shortest=length, ties=True))


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


def test_never_more_than_any_ranking():
    for classes in (2, 5):
        r = make(60, 15, classes, seed=30 + classes, scale=1.0)
        found, least = minimal_flip_mass(r), minimal_flip_set(r)
        assert (found.upper <= least.mass + 1e-12).all()
        assert (found.upper < least.mass - 1e-3).any()
        for order in (attention_order(r), gradient_order(r)):
            ranked = erase_until_flip(r, order)
            real = ranked.flipped & ~ranked.emptied
            assert (found.lower <= ranked.mass + 1e-12)[real].all()


def test_upper_is_a_set_that_flips():
    r = make(30, 8, 3, seed=40, scale=1.0)
    found = minimal_flip_mass(r)
    for i, text in enumerate(naive.texts(r)):
        masses = (text.alpha * naive.flipping_sets(text)).sum(1)
        assert (masses - found.upper[i]).abs().lt(1e-12).any() or not found.flipped[i]


@pytest.mark.parametrize("classes", [2, 3])
def test_padding_and_batch_do_not_matter(classes, monkeypatch):
    r = make(16, 9, classes, seed=50, scale=1.0)
    found = minimal_flip_mass(r)
    alone = [minimal_flip_mass(r.select([i])) for i in range(16)]
    monkeypatch.setattr("attnlib.kernels.flip_mass._NUMBERS", 30)
    for a, b in zip(found, minimal_flip_mass(spread_out(r)[0]), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    for a, b in zip(found, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(a, torch.cat(b), rtol=0, atol=1e-12)


def test_peaked_attention_and_large_scores():
    found = minimal_flip_mass(one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, -1e4]))
    # the first token must go but for as much as the second outweighs: 1e-8 of attention
    assert found.lower.item() == pytest.approx(1 - 2e-8, abs=1e-15)
    assert found.upper.item() == pytest.approx(1 - 1e-8, abs=1e-15)


def test_what_is_refused():
    with pytest.raises(ValueError, match="minimal_flip_mass needs logits linear"):
        minimal_flip_mass(with_head(2, 3))
    with pytest.raises(ValueError, match="minimal_flip_mass needs texts that allow every class"):
        minimal_flip_mass(allowing(make(2, 3, 3)))
