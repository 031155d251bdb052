import math

import pytest
import torch

from attnlib import Readout, kernels
from attnlib.kernels import naive, reach, reach_of_heads
from attnlib.kernels.bounds import _pairs
from tests.kernels.cases import make, one

QUICK = {"n_steps": 60, "n_candidates": 3}


def simplex_grid(length, steps):
    """All weights in multiples of 1/steps over `length` tokens."""
    if length == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    axes = torch.cartesian_prod(*[torch.arange(steps + 1)] * (length - 1)).view(-1, length - 1)
    axes = axes[axes.sum(1) <= steps]
    return torch.cat((axes, steps - axes.sum(1, keepdim=True)), 1).double() / steps


@pytest.mark.parametrize("epsilon", [0.02, 0.1, 0.4])
def test_three_classes_bracket_a_fine_grid(epsilon):
    r = make(10, 4, 3, seed=1, scale=1.0)
    bounds = kernels.adversary_bounds(r, epsilon, **QUICK)
    assert (bounds.lower <= bounds.upper).all()
    assert (bounds.lower >= kernels.search_adversary(r, epsilon, 3, 60).jsd).all()
    reached = []
    for i, length in enumerate(r.lengths.tolist()):
        weights = torch.nn.functional.pad(simplex_grid(length, 60), (0, 4 - length))[None]
        single = r.select([i])
        moved = kernels.tvd(single.probabilities(weights), single.probabilities()[:, None])[0]
        found = kernels.jsd(weights[0], r.alpha[i])
        best = found.masked_fill(moved > epsilon, 0).max()
        reached.append(best)
        assert best <= bounds.upper[i] + 1e-12
        assert found.max() == pytest.approx(bounds.upper[i].item(), abs=1e-12)  # some vertex of the grid
    # the pairs, sharpened, and the search reach most of what the grid reaches
    assert bounds.lower.mean() > 0.9 * torch.stack(reached).mean()


def test_two_classes_give_the_exact_optimum_below():
    r = make(12, 8, seed=2)
    bounds = kernels.adversary_bounds(r, 0.05, **QUICK)
    exact = kernels.exact_adversary(r, 0.05).jsd
    torch.testing.assert_close(bounds.lower, exact, rtol=0, atol=1e-12)
    assert (bounds.upper >= exact - 1e-15).all()
    torch.testing.assert_close(bounds.upper, naive.adversary_ceiling(r), rtol=0, atol=1e-12)


def test_pairs_of_two_classes_come_close_to_the_optimum():
    r = make(15, 8, seed=3)
    pairs, exact = _pairs(r, 0.05), kernels.exact_adversary(r, 0.05).jsd
    assert (pairs <= exact + 1e-12).all()
    torch.testing.assert_close(pairs, exact, rtol=0, atol=1e-6)


def test_everything_allowed_and_one_token():
    r = make(10, 6, 3, seed=6)
    bounds = kernels.adversary_bounds(r, 1.0, n_candidates=1, n_steps=1)
    torch.testing.assert_close(bounds.lower, bounds.upper, rtol=0, atol=1e-12)
    single = kernels.adversary_bounds(one([1.0], [2.0]), 0.1, n_steps=1)
    assert single.lower.item() == single.upper.item() == 0
    assert kernels.adversary_bounds(one([1.0, 0.0], [2.0, 1.0]), 1.0).upper.item() == pytest.approx(
        math.log(2)
    )


@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (3, False), (5, True)])
def test_no_mixture_of_tokens_reaches_further(classes, ties):
    r = make(40, 6, classes, seed=classes, scale=0.8, ties=ties)
    found = kernels.reach(r)
    y = r.predictions()
    g = torch.Generator().manual_seed(9)
    weights = 4 * torch.randn(40, 500, 6, generator=g, dtype=torch.float64)
    logits = r.logits(weights.masked_fill(~r.mask[:, None], -torch.inf).softmax(2))
    p = logits.softmax(2).gather(2, y[:, None, None].expand(-1, 500, 1))[..., 0]
    assert (p >= found.lowest[:, None] - 1e-12).all()
    if classes == 2:
        assert (p <= found.highest[:, None] + 1e-12).all()
    else:
        assert found.highest.isnan().all()
    if not ties:  # rounding may break an exact tie of a mixture
        assert not ((logits.argmax(2) != y[:, None]).any(1) & ~found.can_flip).any()


def test_to_keep_the_class_is_not_to_keep_the_output():
    inert, alive = kernels.reach(one([0.75, 0.25], [7.0, 0.02])), kernels.reach(one([0.5, 0.5], [0.1, -0.05]))
    # Some attention halves a probability of .995 and none changes the class; another text is the reverse.
    assert (inert.can_flip.item(), alive.can_flip.item()) == (False, True)
    assert inert.largest_tvd.item() > 0.48
    assert alive.largest_tvd.item() < 0.03
    # The same change is little of what is possible on the first text and nearly all of it on the second.
    moved = torch.tensor([0.015], dtype=torch.float64)
    assert inert.share(moved).item() < 0.04
    assert alive.share(moved).item() > 0.7


def test_a_share_of_no_change_is_none():
    still = kernels.reach(one([0.3, 0.7], [0.4, 0.4]))
    assert not still.can_flip.item()
    assert still.share(torch.zeros(1)).isnan().item()
    assert kernels.reach(make(5, 4, classes=3)).share(torch.zeros(5)).isnan().all()
    r = make(40, 6, seed=5, shortest=2)
    lowest, highest = kernels.permutation_range(r).unbind(1)
    predicted = r.probabilities().amax(1)
    permuted = (predicted - lowest).maximum(highest - predicted)
    assert (kernels.reach(r).share(permuted) <= 1 + 1e-12).all()


def test_reach_of_one_token_and_extremes():
    single = kernels.reach(one([1.0], [3.0]))
    assert not single.can_flip.item()
    assert single.lowest.item() == single.highest.item()
    huge = kernels.reach(one([1 - 1e-8, 1e-8], [1e4, -1e4]))
    assert huge.can_flip.item()
    assert huge.lowest.item() == 0
    assert huge.highest.item() == 1


def several(heads, length, classes, seed, ties=False):
    """Weights [N, H, T], scores [N, H, T, C] and bias of several heads, and the mask that they share."""
    base = [make(30, length, classes, seed, ties=ties)]
    base += [make(30, length, classes, seed, ties=ties) for seed in range(seed + 1, seed + heads)]
    alpha = torch.stack([base[0].alpha, *(uniform(base[0].mask) for _ in base[1:])], 1)
    return alpha, torch.stack([r.scores for r in base], 1), base[0].bias, base[0].mask


def uniform(mask):
    return mask.double() / mask.sum(1, keepdim=True)


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (4, False)])
def test_heads_together_reach_the_best_of_all_combinations(heads, classes, ties):
    given = several(heads, 5, classes, seed=3 * heads, ties=ties)
    if ties:  # of whole numbers, so that a tie is exact
        given = (torch.eye(5).double()[0].expand_as(given[0]), *given[1:])
    found = reach_of_heads(*given)
    for own, expected in zip(found, naive.reach_of_heads(*given), strict=True):
        torch.testing.assert_close(own, expected, rtol=0, atol=1e-12, equal_nan=True)
    single = reach_of_heads(*(x[:, :1] for x in given[:2]), *given[2:])
    alone = reach(Readout(given[0][:, 0], given[1][:, 0], *given[2:]))
    assert torch.equal(single.can_flip, alone.can_flip)
    if classes == 2:
        torch.testing.assert_close(single[1:], alone[1:], rtol=0, atol=1e-12)
    assert (found.can_flip >= reach(Readout.of_head(*given, 0)).can_flip).all()


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_range_of_every_class_holds_on_a_fine_grid(classes):
    r = make(10, 4, classes, seed=7, scale=1.0)
    found = kernels.class_range(r)
    assert (found.lowest <= found.reached).all()
    assert (found.reached <= found.ceiling).all()
    for i, length in enumerate(r.lengths.tolist()):
        weights = torch.nn.functional.pad(simplex_grid(length, 20), (0, 4 - length))[None]
        p = r.select([i]).probabilities(weights)[0]  # [K, C]
        torch.testing.assert_close(p.amin(0), found.lowest[i], rtol=0, atol=1e-12)
        assert (p.amax(0) >= found.reached[i] - 1e-12).all()
        assert (p.amax(0) <= found.ceiling[i] + 1e-12).all()
        if classes == 2:
            torch.testing.assert_close(p.amax(0), found.ceiling[i], rtol=0, atol=1e-12)


def test_of_the_predicted_class_it_is_the_reach():
    for r in (make(30, 7, 2, seed=8), make(30, 7, 4, seed=9, ties=True)):
        of_y = [x.gather(1, r.predictions()[:, None])[:, 0] for x in kernels.class_range(r)]
        assert torch.equal(of_y[0], reach(r).lowest)
        if len(r.bias) == 2:
            assert torch.equal(of_y[1], reach(r).highest)
