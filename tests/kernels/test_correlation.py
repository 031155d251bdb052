import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from attnlib.kernels import kendall_tau, naive
from attnlib.kernels.correlation import _inversions


def check(x, y, mask):
    tau, p = kendall_tau(x, y, mask)
    assert tau.dtype == p.dtype == torch.float64
    torch.testing.assert_close(tau, naive.kendall_tau(x, y, mask), rtol=0, atol=1e-12, equal_nan=True)
    for i in range(len(mask)):
        here = x[i][mask[i]].numpy(), y[i][mask[i]].numpy()
        if len(here[0]) < 2 or min(len(np.unique(v)) for v in here) < 2:
            assert p[i].isnan()
        else:
            assert p[i].item() == pytest.approx(kendalltau(*here).pvalue, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize("levels", [None, 2, 5, 40])
@pytest.mark.parametrize("longest", [6, 40, 90])
def test_against_scipy(longest, levels):
    rng = np.random.default_rng(longest)
    n = 60
    mask = torch.from_numpy(np.arange(longest) < rng.integers(1, longest + 1, (n, 1)))
    x = rng.normal(size=(n, longest))
    y = x * rng.choice([-1, 0, 0.3, 3], (n, 1)) + rng.normal(size=(n, longest))
    if levels:
        x, y = np.round(x * levels / 4), np.round(y * levels / 4)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    check(x, y, mask)
    # garbage off the mask is not read
    again = kendall_tau(x.masked_fill(~mask, torch.nan), y.masked_fill(~mask, torch.inf), mask)
    for found, expected in zip(again, kendall_tau(x, y, mask), strict=True):
        assert torch.equal(found.nan_to_num(9), expected.nan_to_num(9))


def test_all_short_orders_and_nearly_sorted_long_rows():
    # every number of discordant pairs for n = 5, and 0, 1, 2 of them around the exact limit of 33 tokens
    rng = np.random.default_rng(0)
    for n in (2, 3, 5, 32, 33, 34, 60, 200):
        rows = [np.arange(n), np.arange(n)[::-1].copy()]
        for swaps in ([0], [0, 1], [n // 2], [1, n - 2]):
            row = np.arange(n)
            for at in swaps:
                at = min(at, n - 2)
                row[[at, at + 1]] = row[[at + 1, at]]
            rows += [row, row[::-1].copy()]
        rows += [rng.permutation(n) for _ in range(10)]
        y = torch.from_numpy(np.array(rows)).double()
        x = torch.arange(n).double().expand_as(y)
        check(x, y, torch.ones_like(y, dtype=torch.bool))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_small_rows_with_ties(data):
    n = data.draw(st.integers(1, 12))
    values = st.lists(st.integers(-3, 3), min_size=n, max_size=n)
    x = torch.tensor([data.draw(values)], dtype=torch.float32)
    y = torch.tensor([data.draw(values)], dtype=torch.float32)
    check(x, y, torch.ones(1, n, dtype=torch.bool))


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 40).flatmap(lambda n: st.permutations(range(n))))
def test_inversions(values):
    rank = torch.tensor([values])
    expected = sum(a > b for i, a in enumerate(values) for b in values[i + 1 :])
    assert _inversions(rank).item() == expected


def test_mixed_scales_and_signed_zero():
    x = torch.tensor([[0.0, -0.0, 1e-300, 1e300, -1e300]], dtype=torch.float64)
    y = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]], dtype=torch.float64)
    check(x, y, torch.ones(1, 5, dtype=torch.bool))


def test_a_mask_with_holes():
    g = torch.Generator().manual_seed(3)
    x, y = torch.randn(2, 30, 25, generator=g).round(decimals=1)
    mask = torch.rand(30, 25, generator=g) < 0.6
    check(x, y, mask)


def test_only_rows_without_pairs():
    tau, p = kendall_tau(torch.ones(3, 2), torch.ones(3, 2), torch.tensor([[True, False]] * 3))
    assert tau.isnan().all()
    assert p.isnan().all()


def test_bad_input():
    x, mask = torch.ones(2, 3), torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"y: expected shape \[2, 3\]"):
        kendall_tau(x, torch.ones(2, 4), mask)
    with pytest.raises(ValueError, match="mask: expected a bool tensor"):
        kendall_tau(x, x, mask.float())
    bad = x.clone()
    bad[1, 2] = torch.nan
    with pytest.raises(ValueError, match="x: row 1, token 2 is nan"):
        kendall_tau(bad, x, mask)
