"""The steps of the adversarial search: one program takes all steps of one text."""
# mypy: disable-error-code="no-untyped-def"

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from attnlib.kernels.triton import power_of_two

_SMALLEST = 16  # narrowest tile
_CELLS = 1 << 13  # candidates × tokens of a tile, at most: 16 numbers per thread of 16 warps
_MOST_CANDIDATES = 8  # the loop over pairs of candidates is unrolled


def longest(n_candidates: int) -> int:
    """The longest row that is searched here, in tokens: 1024 for 5 to 8 candidates, 0 for more."""
    return 0 if n_candidates > _MOST_CANDIDATES else _CELLS // power_of_two(n_candidates)


def padded_width(lengths: Tensor, longest: int, otherwise: Tensor) -> Tensor:
    """Width of the tile for each row, [N]: a power of two, or `otherwise` for rows of more than `longest`."""
    exponent = torch.frexp((lengths - 1).double()).exponent  # 2^exponent ≥ lengths
    width = torch.pow(2, exponent.clamp(min=(_SMALLEST - 1).bit_length())).long()
    return torch.where(lengths <= longest, width, otherwise)


def ascend(task: Any, x: Tensor, rates: list[tuple[float, float]]) -> None:
    """Adam's steps on the scores x [k, n, W] float32 of an `adversary.Task`, in place; W ≤ longest(k).

    The same steps as the torch version: float32 sums in another order, so paths agree to rounding until the
    hinge of the penalty tells them apart. Scores, moments and α stay in registers between steps; the C − 1
    class columns are read again in each step, from cache.
    """
    k, n, width = x.shape
    classes = task.columns.shape[2] + 1
    block_k, block_t = power_of_two(k), power_of_two(max(width, _SMALLEST))
    columns = task.columns.mT.contiguous()  # [n, C − 1, W]
    steps = torch.tensor(rates, dtype=x.dtype, device=x.device)  # [n_steps, 2]
    read = task.alpha.contiguous(), columns, task.bias.contiguous(), task.before.contiguous(), steps
    warps = max(1, min(16, block_k * block_t // 512))
    sizes = dict(K=k, CLASSES=classes, BLOCK_K=block_k, BLOCK_T=block_t, BLOCK_C=power_of_two(classes))
    with torch.cuda.device_of(x):
        _ascend[(n,)](x, *read, n, width, len(rates), *task.terms, **sizes, num_warps=warps)


@triton.jit
def _ascend(
    x_in_out,  # [k, n, W]
    alpha_in,  # [n, W]
    columns,  # [n, C − 1, W] scores relative to class 0
    bias,  # [C − 1]
    before_in,  # [n, C]
    steps,  # [n_steps, 2] rate and eps of each step
    n,
    width,
    n_steps,
    delta,
    own,
    full,
    threshold,
    factor,
    AMSGRAD: tl.constexpr,
    BETA1: tl.constexpr,
    BETA2: tl.constexpr,
    K: tl.constexpr,
    CLASSES: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    candidate = tl.arange(0, BLOCK_K)[:, None]  # [K, 1]
    token = tl.arange(0, BLOCK_T)  # [T]
    cls = tl.arange(0, BLOCK_C)[None, :]  # [1, C]
    inside = token < width
    live = candidate < K  # the other candidates only fill the tile; nothing reads them
    at = (candidate.to(tl.int64) * n + row) * width + token[None, :]
    x = tl.load(x_in_out + at, mask=live & inside[None, :], other=-float("inf"))  # [K, T]
    x = tl.where(live, x, 0.0)
    alpha = tl.load(alpha_in + row * width + token, mask=inside, other=0.0)[None, :]
    before = tl.load(before_in + row * CLASSES + cls, mask=cls < CLASSES, other=0.0)  # [1, C]
    columns += row * (CLASSES - 1) * width + token  # [T]
    m = tl.zeros((BLOCK_K, BLOCK_T), tl.float32)
    v = tl.zeros((BLOCK_K, BLOCK_T), tl.float32)
    largest = tl.zeros((BLOCK_K, BLOCK_T), tl.float32)
    for step in range(n_steps):
        # log_softmax, finite everywhere; e^−80 counts as 0
        log_p = x - tl.max(x, 1)[:, None]
        log_p -= tl.log(tl.sum(tl.exp(log_p), 1))[:, None]
        log_p = tl.maximum(log_p, -80.0)
        p = tl.exp(log_p)
        g = tl.log(p + alpha)
        for j in tl.static_range(K - 1):  # candidate j with all later ones
            other = tl.sum(tl.where(candidate == j, p, 0.0), 0)[None, :]  # [1, T]
            pair = tl.where(live & (candidate > j), delta * tl.log(p + other), 0.0)  # [K, T]
            g += pair + tl.where(candidate == j, tl.sum(pair, 0)[None, :], 0.0)
        g -= own * log_p

        # probabilities of the classes, and the gradient of their TVD by the pooled columns
        logits = tl.where(cls < CLASSES, 0.0, -float("inf")) + tl.zeros((BLOCK_K, 1), tl.float32)  # [K, C]
        for c in range(1, CLASSES):
            column = tl.load(columns + (c - 1) * width, mask=inside, other=0.0)[None, :]
            pooled = tl.sum(p * column, 1) + tl.load(bias + c - 1)  # [K]
            logits = tl.where(cls == c, pooled[:, None], logits)
        after = tl.exp(logits - tl.max(logits, 1)[:, None])
        after = after / tl.sum(after, 1)[:, None]
        change = after - before
        sign = tl.where(change > 0, 1.0, 0.0) - tl.where(change < 0, 1.0, 0.0)
        distance = tl.sum(tl.abs(change), 1) / 2  # [K]
        by = factor * (after * (sign - tl.sum(after * sign, 1)[:, None]) / 2)
        by = tl.where((full * distance > threshold)[:, None], by, 0.0)
        for c in range(1, CLASSES):
            column = tl.load(columns + (c - 1) * width, mask=inside, other=0.0)[None, :]
            g += tl.sum(tl.where(cls == c, by, 0.0), 1)[:, None] * column
        g = (g - tl.sum(p * g, 1)[:, None]) * p * 0.5

        rate = tl.load(steps + 2 * step)
        eps = tl.load(steps + 2 * step + 1)
        m += (1 - BETA1) * (g - m)
        v = v * BETA2 + (1 - BETA2) * g * g
        largest = tl.maximum(largest, v) if AMSGRAD else v
        x = tl.where(live, x - rate * (m / (tl.sqrt(largest) + eps)), x)
    tl.store(x_in_out + at, x, mask=live & inside[None, :])
