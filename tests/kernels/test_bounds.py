import math

import pytest
import torch

from attnlib.kernels import adversary_bounds, exact_adversary, jsd, naive, search_adversary, tvd
from attnlib.kernels.bounds import _pairs
from tests.kernels.cases import make, one, spread_out, with_head

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
    bounds = adversary_bounds(r, epsilon, **QUICK)
    assert (bounds.lower <= bounds.upper).all()
    reached = []
    for i, length in enumerate(r.lengths.tolist()):
        weights = torch.zeros(1, 1, 4, dtype=torch.float64)
        grid = simplex_grid(length, 60)
        weights = torch.nn.functional.pad(grid, (0, 4 - length))[None]
        single = r.select([i])
        moved = tvd(single.probabilities(weights), single.probabilities()[:, None])[0]
        found = jsd(weights[0], r.alpha[i])
        best = found.masked_fill(moved > epsilon, 0).max()
        reached.append(best)
        assert best <= bounds.upper[i] + 1e-12
        assert found.max() == pytest.approx(bounds.upper[i].item(), abs=1e-12)  # some vertex of the grid
    # the pairs, sharpened, and the search reach most of what the grid reaches
    assert bounds.lower.mean() > 0.9 * torch.stack(reached).mean()


def test_two_classes_give_the_exact_optimum_below():
    r = make(12, 8, seed=2)
    bounds = adversary_bounds(r, 0.05, **QUICK)
    exact = exact_adversary(r, 0.05).jsd
    torch.testing.assert_close(bounds.lower, exact, rtol=0, atol=1e-12)
    assert (bounds.upper >= exact - 1e-15).all()
    torch.testing.assert_close(bounds.upper, naive.adversary_ceiling(r), rtol=0, atol=1e-12)


def test_pairs_of_two_classes_come_close_to_the_optimum():
    r = make(15, 8, seed=3)
    pairs, exact = _pairs(r, 0.05), exact_adversary(r, 0.05).jsd
    assert (pairs <= exact + 1e-12).all()
    torch.testing.assert_close(pairs, exact, rtol=0, atol=1e-6)


def test_lower_is_at_least_the_search():
    r = make(15, 10, 4, seed=4, scale=1.0)
    bounds = adversary_bounds(r, 0.1, **QUICK, seed=5)
    assert (bounds.lower >= search_adversary(r, 0.1, 3, 60, seed=5).jsd).all()
    assert (bounds.lower >= 0).all()


def test_upper_is_the_best_single_token():
    r = make(10, 6, 3, seed=5)
    upper = adversary_bounds(r, 0.1, n_candidates=1, n_steps=1).upper
    alone = jsd(torch.eye(6, dtype=torch.float64), r.alpha[:, None]).masked_fill(~r.mask, 0)
    torch.testing.assert_close(upper, alone.amax(1), rtol=0, atol=1e-14)


def test_everything_allowed_and_one_token():
    r = make(10, 6, 3, seed=6)
    bounds = adversary_bounds(r, 1.0, n_candidates=1, n_steps=1)
    torch.testing.assert_close(bounds.lower, bounds.upper, rtol=0, atol=1e-12)
    single = adversary_bounds(one([1.0], [2.0]), 0.1, n_steps=1)
    assert single.lower.item() == single.upper.item() == 0
    assert adversary_bounds(one([1.0, 0.0], [2.0, 1.0]), 1.0).upper.item() == pytest.approx(math.log(2))


def test_padding_and_batch_do_not_matter():
    r = make(10, 12, 3, seed=7, scale=1.0)
    found = adversary_bounds(r, 0.1, **QUICK)
    wide = adversary_bounds(spread_out(r)[0], 0.1, **QUICK)
    for a, b in zip(found, wide, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    alone = adversary_bounds(r.select([4]), 0.1, **QUICK)
    assert alone.lower[0].item() == pytest.approx(found.lower[4].item(), abs=1e-6)


def test_bad_input():
    with pytest.raises(ValueError, match="epsilon: must be a number"):
        adversary_bounds(make(2, 3), -1.0)
    with pytest.raises(ValueError, match="adversary_bounds needs logits linear"):
        adversary_bounds(with_head(2, 3), 0.1)
