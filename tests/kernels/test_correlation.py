import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from attnlib.kernels import kendall_tau, naive


def check(x, y, mask):
    tau, p = kendall_tau(x, y, mask)
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
    check(x.masked_fill(~mask, torch.nan), y.masked_fill(~mask, torch.inf), mask)  # garbage is not read


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


def test_mixed_scales_and_signed_zero():
    x = torch.tensor([[0.0, -0.0, 1e-300, 1e300, -1e300]], dtype=torch.float64)
    check(x, torch.arange(5.0)[None], torch.ones(1, 5, dtype=torch.bool))


def test_only_rows_without_pairs():
    found = kendall_tau(torch.ones(3, 2), torch.ones(3, 2), torch.tensor([[True, False]] * 3))
    assert torch.stack(found).isnan().all()


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
