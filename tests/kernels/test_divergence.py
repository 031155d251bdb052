import math

import mpmath
import pytest
import torch
from scipy.special import rel_entr

from attnlib.kernels import jsd, kl, tvd

mpmath.mp.dps = 60


def exact_jsd(p, q):
    p, q = [[mpmath.mpf(x) for x in v.tolist()] for v in (p, q)]
    total = mpmath.mpf(0)
    for a, b in zip(p, q, strict=True):
        m = (a + b) / 2
        total += (a * mpmath.log(a / m) if a else 0) + (b * mpmath.log(b / m) if b else 0)
    return total / 2


def relative_error(p, q):
    exact = exact_jsd(p, q)
    return float(abs(mpmath.mpf(jsd(p, q).item()) - exact) / exact)


def test_jsd_against_mpmath():
    g = torch.Generator().manual_seed(0)
    for scale in (0.1, 1.0, 5.0, 20.0):
        p = (scale * torch.randn(9, generator=g, dtype=torch.float64)).softmax(0)
        q = (scale * torch.randn(9, generator=g, dtype=torch.float64)).softmax(0)
        assert relative_error(p, q) < 2e-15


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9, 1e-12])
def test_jsd_near_zero(step):
    p = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
    q = p + step * torch.tensor([1.0, -1.0, 2.0, -2.0], dtype=torch.float64)
    assert relative_error(p, q) < 2e-15
    assert jsd(p, q) > 0


@pytest.mark.parametrize("rest", [1e-3, 1e-8, 1e-16, 1e-300, 0.0])
def test_jsd_near_ln2_and_zeros(rest):
    p = torch.tensor([1 - rest, rest, 0.0, 0.0], dtype=torch.float64)
    q = torch.tensor([rest, 0.0, 1 - rest, 0.0], dtype=torch.float64)
    assert relative_error(p, q) < 1e-15
    assert jsd(p, q) <= math.log(2)


def test_jsd_of_equals_is_zero():
    p = torch.tensor([[0.3, 0.7, 0.0], [1.0, 0.0, 0.0]])
    assert torch.equal(jsd(p, p), torch.zeros(2, dtype=torch.float64))


def test_jsd_is_symmetric_and_broadcasts():
    p, q = torch.rand(4, 3, 5).softmax(-1), torch.rand(3, 5).softmax(-1)
    assert jsd(p, q).shape == (4, 3)
    torch.testing.assert_close(jsd(p, q), jsd(q, p))
    assert jsd(p, q).dtype == torch.float64


def test_kl_and_tvd():
    g = torch.Generator().manual_seed(1)
    p = torch.randn(20, 6, generator=g, dtype=torch.float64).softmax(1)
    q = torch.randn(20, 6, generator=g, dtype=torch.float64).softmax(1)
    expected = torch.from_numpy(rel_entr(p.numpy(), q.numpy()).sum(1))
    torch.testing.assert_close(kl(p, q), expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(tvd(p, q), (p - q).clamp(min=0).sum(1))
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert kl(one, one) == 0
    assert kl(one, other) == math.inf
    assert kl(one, torch.tensor([0.5, 0.5])) == pytest.approx(math.log(2), rel=1e-15)
    assert tvd(one, other) == 1
