"""Attention permutation: what happens to the output when the same weights sit on other tokens."""

import functools
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.kernels._common import (
    check_at_least,
    check_two_classes,
    groups,
    pack,
    padded_width,
    seed_for,
    token_columns,
    token_margins,
)
from attnlib.kernels.divergence import tvd
from attnlib.kernels.triton import use_triton
from attnlib.readout import Readout

_BUDGET = 1 << 18  # permuted weights held at a time
_TRITON_BUDGET = 1 << 24  # permuted weights times classes, which a Triton kernel does not hold


class Moments(NamedTuple):
    """Result of `permutation_moments`, one entry per text, float64."""

    mean: Tensor  # [N] of the margin (log-odds of class 1)
    variance: Tensor  # [N]


def permutation_test(readout: Readout, n_permutations: int = 100, seed: int = 0) -> Tensor:
    """Median over random permutations of the weights of the TVD between permuted and original output.

    Weights move among the tokens of the mask only, uniformly, always from the original weights; the median
    of an even number of draws is the mean of the middle two. All rows of one length share the same
    `n_permutations` draws, which depend on the seed and the length alone. Any head and any number of classes.

    Returns [N] float64 in [0, 1]; sums in float64. Raises ValueError when n_permutations < 1 or seed < 0.
    (Jain & Wallace 2019, Algorithm 2.)
    """
    check_at_least("n_permutations", n_permutations, 1)
    check_at_least("seed", seed, 0)
    columns = token_columns(readout.mask)
    before = readout.probabilities()  # [N, C]
    out = before.new_empty(len(readout))
    orders: dict[int, Tensor] = {}  # of the length at hand
    budget = _TRITON_BUDGET // readout.scores.shape[2] if use_triton(readout.alpha) else _BUDGET
    for length, rows in groups(readout.lengths, budget // n_permutations):
        if length not in orders:
            orders = {length: _orders(length, n_permutations, seed).to(readout.device)}
        alpha, scores, _ = pack(readout, columns, rows, length)
        distance = _distances(readout, alpha, scores, orders[length], before[rows], rows)  # [n, P]
        out[rows] = _median(distance)
    return out


def _orders(length: int, n_permutations: int, seed: int) -> Tensor:
    """[P · length] int64: P uniform permutations one after the other."""
    # a uniform permutation of a few more numbers, without those, is uniform: neighbouring lengths share draws
    longer = _longer_orders(int(padded_width(torch.tensor(length))), n_permutations, seed)
    return torch.from_numpy(longer[longer < length])


@functools.lru_cache(maxsize=1)
def _longer_orders(width: int, n_permutations: int, seed: int) -> np.ndarray:
    """[P, width]: P uniform permutations."""
    identity = np.tile(np.arange(width), (n_permutations, 1))
    return np.random.default_rng(seed_for(seed, width)).permuted(identity, axis=1)


def _distances(
    readout: Readout, alpha: Tensor, scores: Tensor, order: Tensor, before: Tensor, rows: Tensor
) -> Tensor:
    """TVD between permuted and original output, [n, P]."""
    scores = scores.double()
    if readout.head is not None:
        pooled = _pooled(alpha, scores, order).transpose(0, 1)  # [n, P, C']
        return tvd(readout.decode(pooled, rows).softmax(-1), before[:, None])
    # softmax does not see a constant added to all logits: class 0 is the reference, C − 1 columns remain
    bias = readout.bias.double()
    logits = _pooled(alpha, scores[..., 1:] - scores[..., :1], order) + (bias[1:] - bias[0])  # [P, n, C − 1]
    if logits.shape[2] == 1:
        return (logits[..., 0].sigmoid() - before[:, 1]).abs().t()
    return tvd(pad(logits, (1, 0)).softmax(2), before).t()


def _pooled(alpha: Tensor, columns: Tensor, order: Tensor) -> Tensor:
    """Columns [n, L, C'] summed under each permutation of the weights alpha [n, L], [P, n, C']; float64."""
    if use_triton(alpha):
        from attnlib.kernels.triton.permutation import pooled

        return pooled(alpha, columns, order)
    # texts last: a draw moves whole rows of the transposed weights
    n, length = alpha.shape
    permuted = alpha.t().contiguous().index_select(0, order).view(-1, length, n)  # [P, L, n]
    return torch.stack([(permuted * z).sum(1) for z in columns.permute(2, 1, 0).contiguous()], 2)


def _median(x: Tensor) -> Tensor:
    """Median over the last axis, the mean of the middle two for an even number."""
    n = x.shape[-1]
    half = x.topk(n // 2 + 1, largest=False).values  # ascending, up to the upper middle
    return (half[..., (n - 1) // 2] + half[..., n // 2]) / 2


def permutation_range(readout: Readout) -> Tensor:
    """Lowest and highest probability of the predicted class over *all* permutations of the weights.

    Two classes. The margin Σ α_π(t) s_t is largest when large weights meet large margins and smallest when
    they meet small ones (rearrangement inequality), so two sorts replace L! permutations.

    Returns [N, 2] float64, (lowest, highest). Raises ValueError for a head or for C ≠ 2.
    (Closed form of Jain & Wallace 2019, Algorithm 2.)
    """
    check_two_classes(readout, "permutation_range")
    mask, s = readout.mask, token_margins(readout)
    n, t = mask.shape
    last = readout.lengths[:, None] - 1  # [N, 1]
    at = torch.arange(t, device=mask.device).expand(n, t)
    inside = at <= last
    # padding sorts to the end and then counts as 0
    weights = readout.alpha.masked_fill(~mask, torch.inf).sort(dim=1).values.masked_fill(~inside, 0.0)
    upward = s.masked_fill(~mask, torch.inf).sort(dim=1).values.masked_fill(~inside, 0.0)
    downward = upward.gather(1, (last - at).clamp(min=0)).masked_fill(~inside, 0.0)
    margins = torch.stack(((weights * downward).sum(1), (weights * upward).sum(1)), 1)  # [N, 2] low, high
    ones = readout.predictions()[:, None] == 1
    return torch.where(ones, margins.sigmoid(), (-margins.flip(1)).sigmoid())


def permutation_moments(readout: Readout) -> Moments:
    """Mean and variance of the margin (log-odds of class 1) over all permutations of the weights.

    Two classes. With weights summing to 1 over L tokens, sampling without replacement gives
    E = mean(s) and Var = Σ(α − 1/L)² · Σ(s − mean(s))² / (L − 1), 0 when L = 1; s includes the bias.

    float64. Raises ValueError for a head or for C ≠ 2.
    """
    check_two_classes(readout, "permutation_moments")
    mask, s = readout.mask, token_margins(readout)
    length = readout.lengths.double()  # [N]
    mean = s.sum(1) / length
    spread_s = (s - mean[:, None]).masked_fill(~mask, 0.0).square().sum(1)
    spread_alpha = (readout.alpha - 1 / length[:, None]).masked_fill(~mask, 0.0).square().sum(1)
    return Moments(mean, spread_alpha * spread_s / (length - 1).clamp(min=1))
