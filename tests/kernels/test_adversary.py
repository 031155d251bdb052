import math

import pytest
import torch

from attnlib.kernels import adversary, jsd, search_adversary, tvd
from attnlib.kernels.adversary import Task, _starts, padded_width, weigh_terms
from tests.kernels.cases import allowing, make, one, with_head


def loss(readout, x, epsilon, penalty, variant):
    """Minus the objective of the paper or of the authors' code for scores x [N, k, T], by definition."""
    k = x.shape[1]
    p = x.masked_fill(~readout.mask[:, None], -math.inf).softmax(2)

    def divergence(a, b):
        m = (a + b) / 2
        safe = [torch.where(v > 0, v, 1.0) for v in (a, b, m)]
        return (a * (safe[0].log() - safe[2].log()) + b * (safe[1].log() - safe[2].log())).sum(-1) / 2

    alpha = readout.alpha.to(x.dtype)
    pooled = torch.einsum("nkt,ntc->nkc", p, readout.scores.to(x.dtype))
    after = readout.decode(pooled).softmax(2)
    before = readout.probabilities()[:, None]
    apart = divergence(p, alpha[:, None]).sum()
    pairs = divergence(p[:, :, None], p[:, None])  # [N, k, k]
    l1 = (after - before).abs().sum(2)
    if variant == "published":
        spread = pairs.triu(1).sum() / max(1, k * (k - 1))
        return -apart - spread + penalty / k * (l1 / 2 - epsilon).clamp(min=0).sum()
    moved = l1 / 2 if after.shape[2] == 2 else l1
    return -apart - pairs.mean((1, 2)).sum() + penalty * (moved - 0.01).clamp(min=0).sum()


GRADIENTS = {  # readout, starts, ε, penalty, dtype of the kernel, tolerance
    f"{c} classes, {k} starts": (make(12, 9, c, seed=k, scale=1.0), k, 0.05, 100.0, torch.float64, 1e-9)
    for c, k in [(2, 5), (2, 4), (2, 1), (3, 5), (5, 2), (2, 6), (12, 4), (12, 1)]
}
everything = make(12, 7, 6, seed=1, scale=1.0), with_head(12, 7, classes=6)
some, some_with_head = (allowing(each, least=3) for each in everything)
GRADIENTS |= {
    "a head": (with_head(6, 5), 3, 0.02, 10.0, torch.float32, 1e-3),
    "some classes allowed": (some, 3, 0.02, 10.0, torch.float64, 1e-3),
    "some allowed of a head": (some_with_head, 3, 0.02, 10.0, torch.float64, 1e-3),
}


@pytest.mark.parametrize("few", [0, 100], ids=["as a matrix", "one by one"])
@pytest.mark.parametrize("variant", ["published", "released"])
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient_against_autograd(name, variant, few, monkeypatch):
    monkeypatch.setattr(adversary, "_FEW", few)
    readout, k, epsilon, penalty, dtype, tolerance = GRADIENTS[name]
    n, t = readout.mask.shape
    x = 2 * torch.randn(n, k, t, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = x.to(dtype).masked_fill(~readout.mask[:, None], -math.inf)
    free = x.clone().requires_grad_()
    loss(readout, free, epsilon, penalty, variant).backward()
    before = readout.probabilities()
    task = Task(readout, before, weigh_terms(variant, k, before.shape[1], penalty, epsilon), dtype)
    found = task.gradient(x.transpose(0, 1).contiguous()).transpose(0, 1)
    scale = free.grad.abs().max().item()
    assert 1e-3 < scale < math.inf
    torch.testing.assert_close(found, free.grad, rtol=tolerance, atol=tolerance * scale * 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["published", "released"])
def test_whole_search_against_torch_optim(variant):
    r = make(6, 10, seed=3, dtype=torch.float32)
    epsilon, steps = 0.05, 120
    found = search_adversary(r, epsilon, n_steps=steps, seed=4, variant=variant)
    starts = _starts(r.mask, 5, 4).transpose(0, 1).double()  # [N, k, T]
    x = starts.masked_fill(~r.mask[:, None], 0).requires_grad_()
    adam = torch.optim.Adam([x], lr=0.01, amsgrad=variant == "released")
    for _ in range(steps):
        adam.zero_grad()
        loss(r, x, epsilon, 500.0, variant).backward()
        adam.step()
    p = x.detach().masked_fill(~r.mask[:, None], -math.inf).softmax(2)
    p = torch.cat((r.alpha[:, None], p), 1)
    feasible = tvd(r.probabilities(p), r.probabilities()[:, None]) <= epsilon
    expected = jsd(p, r.alpha[:, None]).masked_fill(~feasible, 0).amax(1)
    assert (expected > 0.1).any()
    # float32 steps against float64 ones: near the hinge the paths part slowly
    torch.testing.assert_close(found.jsd, expected, rtol=0, atol=5e-3)


@pytest.mark.parametrize("r", [make(20, 12, 2, seed=5), make(20, 12, 4, seed=5), with_head(20, 7)])
def test_result_is_feasible_and_consistent(r):
    for epsilon in (0.0, 0.01, 0.2):
        found = search_adversary(r, epsilon, n_steps=60, learning_rate=0.05)
        assert (found.tvd <= epsilon + (1e-12 if r.linear else 1e-6)).all()
        assert (found.weights >= 0).all()
        assert (found.weights[~r.mask] == 0).all()
        torch.testing.assert_close(found.weights.sum(1), torch.ones(20, dtype=torch.float64))
        torch.testing.assert_close(found.jsd, jsd(found.weights, r.alpha), rtol=0, atol=1e-15)
    assert (found.jsd > 0.05).any()


def test_falls_back_to_alpha():
    # ε is far below what a few steps from random starts can meet
    found = search_adversary(one([0.0, 1.0], [0.0, 1.0]), 1e-9, n_steps=5)
    assert found.weights.tolist() == [[0.0, 1.0]]
    assert found.jsd.item() == found.tvd.item() == 0


def test_no_steps_keeps_the_starts():
    r = make(3, 6, seed=6, scale=0.0)
    found = search_adversary(r, 0.5, n_steps=0, seed=3)
    p = _starts(r.mask, 5, 3).double().softmax(2)
    torch.testing.assert_close(found.jsd, jsd(p, r.alpha).amax(0), rtol=0, atol=1e-14)


def test_seed():
    r = make(4, 8, seed=8)
    first, again, other = (search_adversary(r, 0.1, n_steps=20, seed=s).weights for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_zero_weights_extremes_and_one_token():
    r = make(10, 8, seed=9, ties=True)
    assert search_adversary(r, 0.1, n_steps=30).jsd.isfinite().all()
    peaked = one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, 3.0])
    for rate in (0.01, 50.0):  # a rate that throws scores far out must not make NaN
        found = search_adversary(peaked, 0.1, n_steps=40, learning_rate=rate)
        assert found.weights.isfinite().all()
    assert search_adversary(one([1.0], [2.0]), 0.1, n_steps=5).jsd.item() == 0


def test_width_depends_on_the_length_alone():
    lengths = torch.arange(1, 5000)
    width = padded_width(lengths)
    assert (width >= lengths).all()
    assert ((width - lengths < 16) | (width <= lengths * 1.13)).all()


def test_an_unknown_variant():
    with pytest.raises(ValueError, match="unknown variant 'improved': known are published, released"):
        search_adversary(make(2, 3), 0.1, variant="improved")
