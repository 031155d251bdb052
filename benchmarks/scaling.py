"""How time grows with the length of a text, the numbers of texts, of classes and of permutations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch

from attnlib import kernels
from attnlib.explain import leave_one_out
from attnlib.models import Architecture, build
from benchmarks.harness import Bench
from benchmarks.sizes import Size, Workload, equal_lengths, rankings, texts

LENGTHS = (16, 64, 256, 1024, 4096)
LENGTHS_RECURRENT = (8, 16, 32, 64, 128)
COUNTS = (256, 1024, 4096, 16384)
CLASSES = (2, 4, 8, 16, 32, 64)
OF_CLASSES = ("permutation_test", "erase_each", "erase_until_flip", "minimal_flip_set", "reach")
PERMUTATIONS = (10, 30, 100, 300, 1000)

# Expected power of the time per text in its length. Sorting adds a factor ln T, and Kendall's τ another:
# over this range that is worth about .2 and .3 in the exponent, less where the start-up of operations shows.
EXPECTED = {
    "exact_adversary": "1 (T ln T)",
    "permutation_test": "1",
    "search_adversary": "1",
    "erase_each": "1",
    "erase_until_flip": "1",
    "minimal_flip_set": "1 (T ln T)",
    "reach": "1",
    "kendall_tau": "1 (T ln T)",
    "leave_one_out": "2",
}


def slope(x: Iterable[float], seconds: Iterable[float]) -> float:
    """Least-squares slope of ln seconds over ln x."""
    a, b = torch.tensor(list(x)).double().log(), torch.tensor(list(seconds)).double().log()
    a = a - a.mean()
    return float((a * (b - b.mean())).sum() / (a * a).sum())


def _calls(w: Workload) -> dict[str, Callable[[], Any]]:
    r = w.readout
    _, (_, order), *_ = rankings(r)
    return {
        "exact_adversary": lambda: kernels.exact_adversary(r, 0.01),
        "permutation_test": lambda: kernels.permutation_test(r, 20),
        "search_adversary": lambda: kernels.search_adversary(r, 0.01, n_steps=10),
        "erase_each": lambda: kernels.erase_each(r),
        "erase_until_flip": lambda: kernels.erase_until_flip(r, order),
        "minimal_flip_set": lambda: kernels.minimal_flip_set(r),
        "reach": lambda: kernels.reach(r),
        "kendall_tau": lambda: kernels.kendall_tau(r.alpha, r.scores[..., 1], r.mask),
    }


def _leave_one_out(bench: Bench, tokens: int, n: int) -> Callable[[], Any]:
    size = Size("equal", "equal lengths", n, tokens, 1e-6, tokens, tokens)
    split, vocabulary = texts(size)
    model = build(Architecture("bilstm", "additive", 2, len(vocabulary))).to(bench.settings.device)
    return lambda: leave_one_out(model, split, vocabulary, bench.settings.device)


def measure(bench: Bench, only: str | None) -> list[dict[str, Any]]:
    """Records with the kernel, what varies, its values, seconds (over T per text, else in all) and slopes."""
    total = bench.settings.scaling
    records: list[dict[str, Any]] = []

    def wanted(kernel: str) -> bool:
        return only is None or kernel == only

    def add(kernel: str, over: str, x: list[int], seconds: list[float], expected: str) -> None:
        fitted = slope(x, seconds) if len(x) > 1 else math.nan
        record = dict(kernel=kernel, over=over, x=x, seconds=seconds, slope=fitted, expected=expected)
        records.append(record)

    def over(name: str, points: list[tuple[int, int, int, int]], expected: dict[str, str]) -> None:
        """points: (x, texts, tokens, classes)."""
        found: dict[str, list[float]] = {kernel: [] for kernel in expected if wanted(kernel)}
        for _, n, tokens, classes in points:
            w = equal_lengths(n, tokens, classes).to(bench.settings.device)
            calls = _calls(w)
            for kernel in found:
                fastest = bench.ours(calls[kernel], memory=False).seconds
                found[kernel].append(fastest / n if name == "T" else fastest)
        for kernel, seconds in found.items():
            add(kernel, name, [point[0] for point in points], seconds, expected[kernel])

    attention = {kernel: power for kernel, power in EXPECTED.items() if kernel != "leave_one_out"}
    over("T", [(t, max(1, total // t), t, 2) for t in LENGTHS if t <= total], attention)
    over("N", [(n, n, 16, 2) for n in COUNTS if n * 16 <= 4 * total], dict.fromkeys(attention, "1"))
    over("C", [(c, max(1, total // 64), 16, c) for c in CLASSES], dict.fromkeys(OF_CLASSES, "1"))
    if wanted("leave_one_out"):
        tokens = [t for t in LENGTHS_RECURRENT if t * 64 <= total]
        # equal work per point: T²/2 cells a direction
        counts = [max(1, total // 4 // t**2) for t in tokens]
        seconds = [
            bench.ours(_leave_one_out(bench, t, n), memory=False).seconds / n
            for t, n in zip(tokens, counts, strict=True)
        ]
        add("leave_one_out", "T", tokens, seconds, EXPECTED["leave_one_out"])
    if wanted("permutation_test"):
        r = equal_lengths(max(1, total // 64), 32).to(bench.settings.device).readout
        times = [
            bench.ours(partial(kernels.permutation_test, r, n), memory=False).seconds for n in PERMUTATIONS
        ]
        add("permutation_test", "P", list(PERMUTATIONS), times, "1")
    return records
