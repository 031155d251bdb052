import math

import mpmath
import pytest
import torch

from attnlib.kernels import exact_adversary, jsd, naive, token_margins, tvd
from attnlib.kernels.exact import margin_bounds
from tests.kernels.cases import make, one


def check(readout, epsilon):
    found = exact_adversary(readout, epsilon)
    assert (found.weights >= 0).all()
    assert (found.weights[~readout.mask] == 0).all()
    torch.testing.assert_close(found.weights.sum(1), torch.ones(len(readout), dtype=torch.float64))
    torch.testing.assert_close(found.jsd, jsd(found.weights, readout.alpha), rtol=0, atol=1e-15)
    moved = tvd(readout.probabilities(found.weights), readout.probabilities())
    torch.testing.assert_close(found.tvd, moved, rtol=0, atol=1e-12)
    assert (found.tvd <= epsilon + 1e-11 * (1 + token_margins(readout).abs().amax(1))).all()
    is_alpha = (found.weights == readout.alpha).all(1)
    assert (((found.weights > 0).sum(1) <= 2) | is_alpha).all()
    torch.testing.assert_close(found.jsd, naive.exact_adversary(readout, epsilon), rtol=0, atol=1e-12)
    return found


@pytest.mark.parametrize("epsilon", [0.0, 1e-9, 0.01, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("ties", [False, True])
def test_all_vertices_by_brute_force(epsilon, ties):
    check(make(15, 11, seed=1, ties=ties), epsilon)
    check(make(15, 5, seed=2, ties=ties, scale=0.3, dtype=torch.float32), epsilon)


def test_random_feasible_points_are_no_better():
    r = make(30, 6, seed=3, scale=1.0)
    g = torch.Generator().manual_seed(0)
    weights = 6 * torch.randn(30, 4000, 6, generator=g, dtype=torch.float64)
    weights = weights.masked_fill(~r.mask[:, None], -torch.inf).softmax(2)
    moved = tvd(r.probabilities(weights), r.probabilities()[:, None])
    reached = jsd(weights, r.alpha[:, None])
    for epsilon in (0.01, 0.1, 0.4):
        best = reached.masked_fill(moved > epsilon, 0).amax(1)
        found = exact_adversary(r, epsilon)
        assert (best > 0).any()
        assert (found.jsd >= best - 1e-12).all()


def test_margins_that_nearly_agree_cost_digits_and_no_more():
    # 1e-9 apart: rounding the last digit of the model's margin, 1e-16, moves the mixture by 1e-7.
    s = [0.9999999999395562, 0.9999999988243442, 0.9999999993371721]
    readout = one([0.7262048860291487, 0.08175494301561861, 0.1920401709552328], s, bias=-0.0858339703882752)
    found = exact_adversary(readout, 0.0)
    with mpmath.workdps(50):
        alpha, s = ([mpmath.mpf(x) for x in row] for row in (readout.alpha[0].tolist(), s))
        m = mpmath.fdot(alpha, s) / sum(alpha)
        optimum = max(
            exact_jsd([1 - w if t == i else w if t == j else 0 for t in range(3)], alpha)
            for i, j in ((1, 0), (2, 0))
            for w in [(m - s[i]) / (s[j] - s[i])]
        )
        # The model's margin, rounded; the weights mix it, as near as a margin is stored.
        mixed = mpmath.fdot(map(mpmath.mpf, found.weights[0].tolist()), s)
    assert abs(mixed - m) < 4e-16
    # So 1e-13 is more than can be promised, and 1e-7 is not.
    assert 1e-13 < abs(found.jsd.item() - optimum) < 1e-7


def exact_jsd(p, q):
    """Jensen–Shannon divergence in the precision of mpmath."""
    halves = [(x, x + y) for x, y in zip(p, q, strict=True)], [(y, x + y) for x, y in zip(p, q, strict=True)]
    return sum(x * mpmath.log(2 * x / both) for half in halves for x, both in half if x > 0) / 2


def adversarial(kind, length, seed):
    """Rows built so that little can be pruned, or much is equal."""
    g = torch.Generator().manual_seed(seed)
    s = torch.randn(length, generator=g, dtype=torch.float64)
    rank = s.abs().argsort().argsort().double()
    alpha = {
        "rising": rank + 1,
        "falling": length - rank,
        "steep": torch.exp(rank * 20 / length),
        "valley": (rank - length / 2).abs() + 1,
        "equal": torch.ones_like(rank),
        "steps": torch.floor(rank / 4) + 1,
    }[kind]
    if kind == "steps":
        s = (s * 4).round() / 4
    return one((alpha / alpha.sum()).tolist(), s.tolist())


@pytest.mark.parametrize("kind", ["rising", "falling", "steep", "valley", "equal", "steps"])
def test_rows_that_resist_pruning_and_the_search_by_blocks(kind, monkeypatch):
    for seed in range(3):
        check(adversarial(kind, 17, seed), 0.0)
        check(adversarial(kind, 17, seed), 0.02)
    for length in (40, 150, 300):
        r = adversarial(kind, length, length)
        monkeypatch.setattr("attnlib.kernels.exact._SMALL", 1 << 40)
        everything = exact_adversary(r, 0.03)
        monkeypatch.setattr("attnlib.kernels.exact._SMALL", 0)
        blocks = exact_adversary(r, 0.03)
        assert blocks.jsd.item() == pytest.approx(everything.jsd.item(), abs=1e-13)


def test_special_cases():
    # one token; all scores equal (α's smallest weight may take all); α at a vertex; ε that allows everything
    assert exact_adversary(one([1.0], [2.0]), 0.1).jsd.item() == 0
    for margin in (0.1, 7.3, -1e4 / 3):
        same = exact_adversary(one([0.1, 0.3, 0.6], [margin] * 3), 0.0)
        assert same.weights.tolist() == [[1.0, 0.0, 0.0]]
        assert same.tvd.item() < 1e-12
    vertex = exact_adversary(one([0.0, 1.0, 0.0], [-1.0, 0.5, 2.0]), 0.0)
    assert vertex.jsd.item() == pytest.approx(math.log(2), rel=1e-15)
    assert vertex.weights[0, 1] == 0
    stuck = exact_adversary(one([0.0, 1.0, 0.0], [-1.0, 3.0, 2.0]), 0.0)
    assert stuck.jsd.item() == stuck.tvd.item() == 0
    free = exact_adversary(one([0.2, 0.05, 0.75], [-9.0, 1.0, 5.0]), 1.0)
    assert free.weights.tolist() == [[0.0, 1.0, 0.0]]


def test_peaked_attention_and_extreme_scores():
    for epsilon in (0.0, 1e-6, 0.01, 0.6):
        check(one([1 - 1e-8, 1e-8], [1e4, -1e4]), epsilon)
        check(one([1e-8, 1 - 1e-8 - 1e-12, 1e-12], [-1e4, 1e-4, 1e4]), epsilon)
        check(one([0.5, 0.25, 0.25], [1e4, -1e4, 1e4 - 1e-6]), epsilon)
        check(one([0.5, 0.25, 0.25], [-800.0, -750.0, -700.0]), epsilon)


def test_bounds_against_mpmath():
    mpmath.mp.dps = 50
    for m in (-750.0, -40.0, -3.0, -1e-9, 0.0, 0.7, 20.0, 36.0, 750.0):
        y, rest = (1 / (1 + mpmath.exp(-sign * mpmath.mpf(m))) for sign in (1, -1))
        for epsilon in (1e-300, 1e-12, 0.01, 0.05, 0.4, 0.999):
            low, high = (x.item() for x in margin_bounds(torch.tensor([m], dtype=torch.float64), epsilon))
            for found, here, other in ((high, y, rest), (-low, rest, y)):
                if epsilon >= other:
                    assert found == math.inf
                    continue
                # where ε meets the other probability the bound runs to infinity, as uncertain as that is
                near = 4e-16 * other / (other - epsilon)
                expected = mpmath.log((here + epsilon) / (other - epsilon))
                assert abs(found - expected) <= near + 4e-15 * (1 + abs(m))
    m = torch.tensor([-3.0, 2.5], dtype=torch.float64)
    assert all(torch.equal(x, m) for x in margin_bounds(m, 0.0))


def test_no_epsilon_is_lost_to_rounding():
    # a confident output: 1 − y is far below ε, so any token that is confident too will do
    found = check(one([0.5, 0.3, 0.2], [60.0, 30.0, -5.0]), 0.01)
    assert found.weights.tolist() == [[0.0, 1.0, 0.0]]
