"""Triton kernels against the torch definition: under Triton's interpreter without a GPU, else on the GPU.

The interpreter runs programs one after another, a few milliseconds each and more for the search, so grids
are small here; the tests marked `gpu` have realistic sizes.
"""

import functools
import os
import re
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest
import torch

from attnlib.kernels import adversary, exact, exact_adversary, kendall_tau, permutation_test, search_adversary
from attnlib.kernels import triton as choice
from attnlib.kernels._common import Side
from tests.kernels.cases import make, one, spread_out

pytest.importorskip("triton")
from attnlib.kernels.permutation import orders
from attnlib.kernels.triton import correlation, permutation, search
from attnlib.kernels.triton import exact as pairs

# The interpreter takes milliseconds a program: with the full tier.
pytestmark = pytest.mark.slow

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture
def poisoned():
    """New uninitialised tensors hold NaN, or the largest integer."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(False)


def guarded(x):
    """The same numbers on the device, with NaN (or −1) behind the last of them."""
    fill = torch.nan if x.is_floating_point() else -1
    room = torch.full((x.numel() + 4096,), fill, dtype=x.dtype, device=DEVICE)
    room[: x.numel()] = x.flatten()
    return room[: x.numel()].view(x.shape)


def close(found, expected, atol):
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


# ---------------------------------------------------------------- the search


ASCEND = [(5, 2, "published"), (5, 2, "released"), (2, 3, "released"), (1, 4, "published")]


@pytest.mark.parametrize(("k", "classes", "variant"), ASCEND)
def test_the_same_steps(k, classes, variant):
    r = make(3, 13, classes, seed=53, scale=1.0, dtype=torch.float32).to(DEVICE)  # 13, 7 and 1 tokens
    terms = adversary.weigh_terms(variant, k, classes, 100.0, 0.05)
    task, x = adversary.Task(r, r.probabilities(), terms), adversary._starts(r.mask, k, 1)
    if variant == "released":  # a short memory, so that its running maximum matters within a few steps
        task.terms = task.terms._replace(beta2=0.5)
    rates = adversary.schedule(6, 0.05, task.terms)
    task.alpha, task.columns = guarded(task.alpha), guarded(task.columns)
    expected, found = x.clone(), guarded(x)
    adversary.ascend(task, expected, rates)
    search.ascend(task, found, rates)
    inside = x.isfinite()
    assert (expected - x)[inside].abs().max() > 0.1
    close(found[inside], expected[inside], 2e-4)
    assert (found[~inside] == -torch.inf).all()


def test_search(both, poisoned):
    r, columns = spread_out(make(3, 9, 2, seed=1, dtype=torch.float32))
    expected, found = both(lambda: search_adversary(r.to(DEVICE), 0.1, n_steps=8, learning_rate=0.05))
    assert (expected.jsd > 0.1).any()
    close(found.jsd, expected.jsd, 1e-4)
    close(found.weights, expected.weights, 1e-4)
    assert (found.tvd <= 0.1 + 1e-12).all()
    assert (found.weights[:, columns].sum(1) - 1).abs().max() < 1e-12
    r = one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, 3.0]).to(DEVICE)
    expected, found = both(lambda: search_adversary(r, 0.1, n_candidates=2, n_steps=6, learning_rate=50.0))
    assert found.weights.isfinite().all()
    close(found.jsd, expected.jsd, 1e-4)


def test_rows_too_long_for_a_tile_go_to_torch(both, monkeypatch):
    monkeypatch.setattr(search, "_CELLS", 128)  # 16 tokens for 8 candidates
    calls = []
    monkeypatch.setattr(search, "ascend", lambda task, x, *rest: calls.append(tuple(x.shape)))
    monkeypatch.setattr(adversary, "ascend", lambda task, x, *rest: calls.append(tuple(x.shape)))
    r = make(6, 40, seed=2, shortest=17).to(DEVICE)
    both(lambda: search_adversary(r, 0.1, n_steps=1))
    half = len(calls) // 2
    assert calls[:half] == calls[half:]
    assert all(shape[2] > 16 for shape in calls)


def test_width_of_the_tile():
    lengths = torch.tensor([1, 15, 16, 17, 64, 65, 1000, 1024, 1025, 5000])
    width = search.padded_width(lengths, search.longest(5), torch.full_like(lengths, -1))
    assert width.tolist() == [16, 16, 16, 32, 64, 128, 1024, 1024, -1, -1]
    assert [search.longest(k) for k in (1, 2, 5, 8, 9)] == [8192, 4096, 1024, 1024, 0]


# ---------------------------------------------------------------- Kendall's tau


@pytest.mark.parametrize(("levels", "dtype"), [(None, torch.float32), (4, torch.float32), (1, torch.float64)])
def test_kendall_tau(both, poisoned, levels, dtype):
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 8, 45, generator=g, dtype=dtype)
    if levels:
        x, y = (x * levels).round(), (y * levels).round() / levels
    mask = torch.rand(8, 45, generator=g) < 0.7
    mask[0], mask[1], mask[2], mask[3, 5:] = False, True, torch.arange(45) == 40, False
    y[4], x[5], y[6] = 1.0, -2 * y[5], y[6].masked_fill(y[6] > -1, 0.0)
    off = ~mask & (torch.arange(45) % 2 == 0)  # the other values off the mask look like any value
    x[off] = torch.nan
    y[off] = torch.inf
    x, y, mask = guarded(x), guarded(y), mask.to(DEVICE)
    expected, found = both(lambda: kendall_tau(x, y, mask))
    assert expected[0][[0, 2, 4]].isnan().all()
    assert expected[0].isfinite().any()
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def test_wide_rows_are_sorted(both, monkeypatch):
    monkeypatch.setattr(correlation, "LONGEST", 8)
    monkeypatch.setattr(correlation, "pair_counts", None)
    x = torch.randn(2, 3, 9, device=DEVICE)
    expected, found = both(lambda: kendall_tau(x[0], x[1], torch.ones(3, 9, dtype=torch.bool, device=DEVICE)))
    assert torch.equal(found[0], expected[0])


# ---------------------------------------------------------------- permutation


@pytest.mark.parametrize(("length", "n_permutations", "columns"), [(1, 1, 1), (37, 9, 3), (150, 20, 2)])
def test_pooled(both, poisoned, length, n_permutations, columns):
    g = torch.Generator().manual_seed(length)
    alpha = torch.rand(3, length, generator=g, dtype=torch.float64)
    scores = torch.randn(3, length, columns, generator=g, dtype=torch.float64)
    order = orders(length, n_permutations, 0)
    found = permutation.pooled(guarded(alpha), guarded(scores), guarded(order))
    expected = torch.einsum("npl,nlc->pnc", alpha[:, order].view(3, -1, length), scores)
    close(found.cpu(), expected, 1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_permutation_test(both, poisoned, classes):
    r, _ = spread_out(make(7, 21, classes, seed=3, ties=classes == 3))
    expected, found = both(lambda: permutation_test(r.to(DEVICE), 10))
    assert (expected > 0.01).any()
    close(found, expected, 1e-14)


# ---------------------------------------------------------------- the exact adversary


@pytest.mark.parametrize("epsilon", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("ties", [False, True])
def test_exact_adversary(both, poisoned, ties, epsilon):
    r, _ = spread_out(make(6, 43, seed=4, ties=ties))
    expected, found = both(lambda: exact_adversary(r.to(DEVICE), epsilon))
    close(found.jsd, expected.jsd, 1e-14)
    close(found.weights, expected.weights, 1e-9)
    close(found.tvd, expected.tvd, 1e-9)


def test_exact_adversary_with_many_candidates(both, monkeypatch):
    # attention rises with the distance from the margin: no token can be pruned, 50 · 50 pairs, several tiles
    s = torch.linspace(-3, 3, 101, dtype=torch.float64)
    alpha = s.abs() + 0.1 + 0.01 * torch.arange(101) / 101
    r = one((alpha / alpha.sum()).tolist(), s.tolist()).to(DEVICE)
    expected, found = both(lambda: exact_adversary(r, 0.01))
    close(found.jsd, expected.jsd, 1e-14)
    close(found.weights, expected.weights, 1e-9)
    searched = []
    block_search = exact._search_blocks
    monkeypatch.setattr(exact, "_search_blocks", lambda *a: searched.append(1) or block_search(*a))
    monkeypatch.setattr(pairs, "MOST_PAIRS", 100)
    again = both(lambda: exact_adversary(r, 0.01))[1]
    assert searched
    close(again.jsd, expected.jsd, 1e-14)


def side(sizes, g):
    """Candidates with whole distances and α, many of them equal; α above 1 is as good as any here."""
    size = torch.tensor(sizes, device=DEVICE)
    row = torch.arange(len(sizes), device=DEVICE).repeat_interleave(size)
    distance, alpha = torch.randint(1, 4, (2, len(row)), generator=g).double()
    distance[sizes[0] : sizes[0] + sizes[1]] = 2.0  # all pairs of the second row are equal
    alpha[sizes[0] : sizes[0] + sizes[1]] = 2.0
    own = torch.xlogy(alpha, alpha)
    return Side(row, row, guarded(distance), guarded(alpha), own, size, size.cumsum(0) - size)


def test_best_pairs(poisoned, monkeypatch):
    sizes = ([3, 20, 40, 1, 0, 5, 30], [2, 40, 40, 1, 7, 0, 60])
    monkeypatch.setattr(pairs, "MOST_PAIRS", 1700)  # the last row has more
    g = torch.Generator().manual_seed(5)
    low, up = (side(s, g) for s in sizes)
    value, i, j = pairs.best_pairs(low, up)
    for row, (n, m) in enumerate(zip(*sizes, strict=True)):
        if n * m == 0 or n * m > 1700:
            assert (value[row].item(), i[row].item(), j[row].item()) == (-torch.inf, 0, 0)
            continue
        a, b = int(low.start[row]), int(up.start[row])
        near, far = low.distance[a : a + n, None], up.distance[b : b + m]
        own = low.own[a : a + n, None] + up.own[b : b + m]
        expected = exact._value(near, far, low.alpha[a : a + n, None], up.alpha[b : b + m], own)
        assert value[row].item() == pytest.approx(expected.max().item(), abs=1e-14)
        assert expected[i[row] - a, j[row] - b] >= expected.max() - 1e-13
    assert (i[1], j[1]) == (low.start[1], up.start[1])  # the first of equals


# ---------------------------------------------------------------- the choice


@pytest.mark.parametrize("works", [False, True])
def test_one_warning_without_triton_and_none_with_it(monkeypatch, works):
    active = SimpleNamespace(get_current_target=lambda: "cuda")
    stub = SimpleNamespace(runtime=SimpleNamespace(driver=SimpleNamespace(active=active)))
    monkeypatch.setitem(sys.modules, "triton", stub if works else None)  # importing None fails
    monkeypatch.setattr(choice, "_works", functools.cache(choice._works.__wrapped__))
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        assert [choice.use_triton(SimpleNamespace(is_cuda=True)) for _ in range(3)] == [works] * 3
    assert not choice.use_triton(torch.zeros(1))  # of the CPU
    messages = [str(each.message) for each in record]
    assert len(messages) == (not works)
    assert all(re.match("Triton cannot be used here .*through torch", message) for message in messages)


def test_kernels_compile_for_gpus(tmp_path):
    # the interpreter checks no types: Triton's compiler does, and it needs no GPU
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    command = [sys.executable, "-m", "tests.kernels.compile_triton", "80", "90"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    kernels = ["_ascend", "_ascend", "_count", "_pool", "_best"]
    assert done.stdout.split("\n")[:-1] == [f"{kernel} {arch}" for kernel in kernels for arch in (80, 90)]
