import math

import mpmath
import numpy as np
import pytest
import torch

from attnlib import kernels
from attnlib.kernels import jsd, kl, naive, tvd
from tests.kernels.cases import make

mpmath.mp.dps = 60


def exact_jsd(p, q):
    p, q = [[mpmath.mpf(x) for x in v.tolist()] for v in (p, q)]
    pairs = [(a, (a + b) / 2) for a, b in (*zip(p, q, strict=True), *zip(q, p, strict=True)) if a]
    return sum(a * mpmath.log(a / m) for a, m in pairs) / 2


def test_jsd_against_mpmath():
    g = torch.Generator().manual_seed(0)
    pairs = [(scale * torch.randn(2, 9, generator=g).double()).softmax(1) for scale in (0.1, 1.0, 5.0, 20.0)]
    p = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
    for step in (1e-3, 1e-6, 1e-9, 1e-12):  # near zero
        pairs.append((p, p + step * torch.tensor([1.0, -1.0, 2.0, -2.0])))
    for rest in (1e-3, 1e-8, 1e-16, 1e-300, 0.0):  # near ln 2, and zeros
        pairs.append(
            torch.tensor([[1 - rest, rest, 0.0, 0.0], [rest, 0.0, 1 - rest, 0.0]], dtype=torch.float64)
        )
    for p, q in pairs:
        found, exact = jsd(p, q).item(), exact_jsd(p, q)
        assert float(abs(mpmath.mpf(found) - exact) / exact) < 2e-15
        assert 0 < found <= math.log(2)


@pytest.mark.parametrize("name", ["jsd", "kl", "tvd"])
def test_the_definition(name):
    p, q = make(30, 7, seed=1, ties=True).alpha, make(30, 7, seed=2, shortest=7, peak=4.0).alpha
    found, expected = getattr(kernels, name)(p, q), getattr(naive, name)(p, q)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-14)


def test_equal_and_disjoint_distributions():
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert jsd(one, one) == tvd(one, one) == kl(one, one) == 0
    assert kl(one, other) == math.inf
    assert kl(one, torch.tensor([0.5, 0.5])) == pytest.approx(math.log(2), rel=1e-15)
    assert tvd(one, other) == 1


NONE = {  # name: numbers that are no distribution, and what the message says
    "counts": ([5, 5], "it sums to 10"),
    "a negative number": ([-1.0, 2.0], "its least number is -1"),
    "two that cancel": ([0.5, -0.5, 1.0], "its least number is -0.5"),
    "logits": (torch.tensor([[0.5, 0.5], [2.0, -1.0]]), "row 1 is no distribution"),
    "percent": (np.array([[[50.0, 50.0]]]), "row 0, 0 is no distribution: it sums to 100"),
    "one NaN": ([math.nan, 1.0], "it sums to nan"),
    "infinity": ([math.inf, 0.0], "it sums to inf"),
    "nothing": ([0.0, 0.0], "it sums to 0"),
    "off by more than rounding": ([0.5, 0.5002], "it sums to 1.0002"),
    "a number": (1.0, "expected distributions"),
    "no classes": (torch.ones(2, 0), "expected distributions"),
    "booleans": ([True, False], "expected distributions"),
    "complex": (torch.tensor([1 + 0j, 0]), "expected distributions"),
}


@pytest.mark.parametrize("name", NONE)
@pytest.mark.parametrize("divergence", [jsd, kl, tvd])
def test_what_is_no_distribution_is_refused(divergence, name):
    given, message = NONE[name]
    good = [0.25] * np.shape(given)[-1] if np.ndim(given) and np.shape(given)[-1] == 4 else [0.25, 0.75]
    with pytest.raises(ValueError, match=f"p: .*{message}"):
        divergence(given, good)
    with pytest.raises(ValueError, match=f"q: .*{message}"):
        divergence(good, given)


@pytest.mark.parametrize("divergence", [jsd, kl, tvd])
def test_arrays_of_any_kind_whose_shapes_fit(divergence):
    p = torch.full((2, 3, 4), 0.25)
    for q in (torch.full((3, 2), 0.5), torch.full((2, 4), 0.25), torch.ones(3, 1)):
        with pytest.raises(ValueError, match=r"q: shape .* does not fit that of p, \[2, 3, 4\]"):
            divergence(p, q)
    expected = divergence(torch.tensor([0.25, 0.75]).double(), torch.tensor([0.5, 0.5]).double())
    for kind in (list, tuple, np.array, torch.tensor):
        assert divergence(kind([0.25, 0.75]), kind([0.5, 0.5])) == expected
    assert divergence([1, 0], [0, 1]) == divergence([1.0, 0.0], [0.0, 1.0])
    float32 = torch.rand(50, 300, generator=torch.Generator().manual_seed(1)).softmax(1)
    assert divergence(float32, float32.flip(1)).isfinite().all()
    # a row that is NaN throughout gives NaN
    p = torch.tensor([[0.5, 0.5], [math.nan, math.nan]])  # as `erase_each` has them off the mask
    found = divergence(p, [0.25, 0.75])
    assert found.isnan().tolist() == [False, True]
    assert divergence([0.25, 0.75], p).isnan().tolist() == [False, True]
