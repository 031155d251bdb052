"""What the problem needs at least on this device: operations and bytes over rates measured in the same run.

The counts are those of the formulas, over real tokens (no padding): inputs read once, results written once.
The rates are what one torch operation reaches here: matrix products, one elementwise pass, one exponential,
one sort, one gather over arrays that stay in the cache, and a copy of an array that does not. A floor is the
larger of the time to compute and the time to move. Work that fuses several elementwise passes can be faster
than its floor, and small inputs are dominated by the start of each operation, which no floor counts.
"""

from __future__ import annotations

import ast
import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

_CACHED = 1 << 16  # elements per operand that stay in a core's cache
_LARGE = 1 << 25  # elements that do not
_SORTED_ROW = 256

UNITS = {
    "gemm_f32": "flop/s",
    "gemm_f64": "flop/s",
    "elementwise_f32": "element/s",
    "elementwise_f64": "element/s",
    "exp_f32": "element/s",
    "exp_f64": "element/s",
    "log_f32": "element/s",
    "log_f64": "element/s",
    "gather_f64": "element/s",
    "sort_f64": "element × log2(row)/s",
    "copy": "byte/s",
}


@dataclass(frozen=True)
class Work:
    """Operations and bytes; field names as in UNITS."""

    gemm_f32: float = 0
    gemm_f64: float = 0
    elementwise_f32: float = 0
    elementwise_f64: float = 0
    exp_f32: float = 0
    exp_f64: float = 0
    log_f32: float = 0
    log_f64: float = 0
    gather_f64: float = 0
    sort_f64: float = 0
    copy: float = 0

    def seconds(self, rates: dict[str, float]) -> float:
        """The floor in seconds."""
        parts = {name: count / rates[name] for name, count in asdict(self).items()}
        moving = parts.pop("copy")
        return max(moving, sum(parts.values()))

    def counts(self) -> dict[str, float]:
        """The counts that are not zero."""
        return {name: float(count) for name, count in asdict(self).items() if count}


def checksum() -> str:
    """Of the formulas of this file, whatever their comments: a goal stands for one of them."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    formulas = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.returns)
    kept = [ast.unparse(node.body[1:]) for node in formulas if ast.unparse(node.returns) == "Work"]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def synchronise(device: str) -> None:
    """Wait for the device; nothing on a CPU."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def measure_rates(device: str, seconds: float = 0.2) -> dict[str, float]:
    """Each rate of UNITS on this device, the best of at least ten repeats and those that fit in `seconds`."""
    large = device.startswith("cuda")
    side = 4096 if large else 1024
    many = _LARGE if large else _CACHED  # a GPU is not filled by what a core's cache holds
    generator = torch.Generator().manual_seed(0)

    def rand(*shape: int, dtype: torch.dtype) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=dtype).to(device)

    def best(call: Callable[[], object], inner: int = 1) -> float:
        call()
        fastest, repeats, stop = math.inf, 0, time.perf_counter() + seconds
        while time.perf_counter() < stop or repeats < 10:
            repeats += 1
            synchronise(device)
            start = time.perf_counter()
            for _ in range(inner):
                call()
            synchronise(device)
            fastest = min(fastest, (time.perf_counter() - start) / inner)
        return fastest

    rates = {}
    for name, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        a, b = rand(side, side, dtype=dtype), rand(side, side, dtype=dtype)
        out = torch.empty_like(a)
        rates[f"gemm_{name}"] = 2 * side**3 / best(partial(torch.mm, a, b, out=out))
        x, y = rand(many, dtype=dtype), rand(many, dtype=dtype)
        out = torch.empty_like(x)
        rates[f"elementwise_{name}"] = many / best(partial(torch.mul, x, y, out=out), 4)
        rates[f"exp_{name}"] = many / best(partial(torch.exp, x, out=out), 4)
        rates[f"log_{name}"] = many / best(partial(torch.log, x, out=out), 4)
    x = rand(many, dtype=torch.float64)
    index = torch.randperm(many, generator=generator).to(device)
    out = torch.empty_like(x)
    rates["gather_f64"] = many / best(partial(torch.index_select, x, 0, index, out=out), 4)
    rows = x.view(-1, _SORTED_ROW)
    rates["sort_f64"] = many * math.log2(_SORTED_ROW) / best(partial(rows.sort, dim=1))
    x = torch.zeros(_LARGE, device=device)
    out = torch.ones_like(x)
    rates["copy"] = 2 * 4 * _LARGE / best(partial(out.copy_, x))  # read and written
    return rates


def _sort(lengths: Tensor) -> float:
    return float((lengths * lengths.clamp(min=2).log2()).sum())


def _inputs(tokens: float, classes: int) -> float:
    """Bytes of alpha (float64), scores (float32) and mask."""
    return tokens * (8 + 4 * classes + 1)


def exact_adversary(lengths: Tensor) -> Work:
    """Margins, one sort, running minima from both ends, and about (2 ln T/2)² pairs a bound."""
    lengths = lengths.double()
    tokens = float(lengths.sum())
    records = 2 * (lengths / 2).clamp(min=1).log() + 1
    pairs = 2 * float((records**2).sum())
    return Work(
        elementwise_f64=tokens * (4 + 4 + 4) + pairs * 16,
        log_f64=pairs * 6 + 2 * tokens / 100,
        sort_f64=_sort(lengths),
        copy=_inputs(tokens, 2) + 8 * tokens,
    )


def exact_adversary_rising(lengths: Tensor, block: int = 32) -> Work:
    """As `exact_adversary`, but all tokens stay candidates: two corners of each pair of blocks per bound."""
    lengths = lengths.double()
    corners = 2 * 3 * float(((lengths / 2 / block) ** 2).sum())
    base = exact_adversary(lengths)
    return Work(
        elementwise_f64=base.elementwise_f64 + 16 * corners,
        log_f64=base.log_f64 + 6 * corners,
        sort_f64=base.sort_f64 + 2 * corners / 3,  # block pairs by their limit
        copy=base.copy,
    )


def permutation_test(lengths: Tensor, classes: int, n_permutations: int) -> Work:
    """Per permutation and token: fetch a weight, C − 1 multiply-adds; an output each, and one median."""
    texts, tokens = len(lengths), float(lengths.sum())
    outputs = texts * n_permutations * (classes - 1)
    return Work(
        gather_f64=n_permutations * tokens,
        gemm_f64=2 * n_permutations * tokens * (classes - 1),
        elementwise_f64=3 * outputs,
        exp_f64=outputs,
        sort_f64=texts * n_permutations * math.log2(n_permutations),
        copy=_inputs(tokens, classes),
    )


def search_adversary(lengths: Tensor, classes: int, n_steps: int = 500, n_candidates: int = 5) -> Work:
    """Per step, candidate and token: an exponential, logarithms of p + α and of each pair, the step."""
    tokens, k = float(lengths.sum()), n_candidates
    each = n_steps * k * tokens
    return Work(
        exp_f32=each,
        log_f32=each * (1 + (k - 1) / 2),
        # softmax 3, gradient 2 + 2 per pair, pooling and its gradient 2 a column, softmax backwards 4, Adam 9
        elementwise_f32=each * (3 + 2 + (k - 1) + 2 * (classes - 1) + 4 + 9),
        copy=_inputs(tokens, classes),
    )


def erase_each(lengths: Tensor, classes: int) -> Work:
    """Sums before and after each token of α and α z, a quotient and a softmax: C numbers a token out."""
    tokens = float(lengths.sum())
    return Work(
        elementwise_f64=tokens * (classes + 3 * (classes + 1) + classes + 3 * classes),
        exp_f64=tokens * classes,
        copy=_inputs(tokens, classes) + 8 * tokens * classes,
    )


def erase_until_flip(lengths: Tensor, classes: int, n_rankings: int = 4) -> Work:
    """Per ranking and token: fetch α and C scores, weigh, one running sum each, compare the classes."""
    tokens = float(lengths.sum())
    return Work(
        gather_f64=n_rankings * tokens * (classes + 1),
        elementwise_f64=n_rankings * tokens * (classes + (classes + 1) + classes),
        copy=n_rankings * (_inputs(tokens, classes) + 8 * tokens),
    )


def minimal_flip_set(lengths: Tensor, classes: int) -> Work:
    """Per other class: weighted score differences, a sort, a running sum, a comparison; the set itself."""
    tokens = float(lengths.sum())
    return Work(
        elementwise_f64=(classes - 1) * tokens * 4 + tokens,
        sort_f64=(classes - 1) * _sort(lengths.double()),
        copy=_inputs(tokens, classes) + tokens,
    )


def reach(lengths: Tensor, classes: int) -> Work:
    """The logits and softmax of each token alone, compared and reduced."""
    tokens = float(lengths.sum())
    return Work(elementwise_f64=tokens * 5 * classes, exp_f64=tokens * classes, copy=_inputs(tokens, classes))


def kendall_tau(lengths: Tensor) -> Work:
    """Two sorts, and the inversions between them: T log T comparisons more."""
    tokens = float(lengths.sum())
    return Work(sort_f64=3 * _sort(lengths.double()), elementwise_f64=12 * tokens, copy=17 * tokens)


def leave_one_out(encoder: str, lengths: Tensor, dimension: int = 300, hidden: int = 128) -> Work:
    """By encoder: T²/2 cells a direction, states near the gap, or no state; then scores and pooling."""
    lengths = lengths.double()
    tokens, square = float(lengths.sum()), float((lengths**2).sum())
    if encoder in ("bilstm", "bigru"):
        gates, functions = (4, 5) if encoder == "bilstm" else (3, 3)
        scorer = hidden + 1  # the additive scorer has m/2 = hidden units, the head one output
        return Work(
            # one cell per left-out token and later position, in each direction: T² in all
            gemm_f32=square * 2 * (gates * hidden * hidden + hidden * scorer)
            + tokens * 2 * 2 * dimension * gates * hidden,
            exp_f32=square * (functions * hidden + hidden),
            elementwise_f32=square * (4 * hidden + hidden),
        )
    size = hidden
    scorer = size // 2 + 1
    changed = 6 if encoder == "convolution" else 0  # half-width 3: three states on each side of the gap
    return Work(
        gemm_f32=tokens * 2 * dimension * (size if encoder == "average" else 4 * size)
        + tokens * (1 + changed) * 2 * size * scorer,
        exp_f32=tokens * (1 + changed) * size + square,
        elementwise_f32=tokens * changed * 4 * size + square * 3,
    )
