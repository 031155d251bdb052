"""Attention permutation: what happens to the output when the same weights sit on other tokens."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.checks import check_at_least
from attnlib.kernels._common import blocks, check_linear, relative, seed_for, token_margins
from attnlib.kernels.divergence import unchecked_tvd
from attnlib.kernels.triton import use_triton
from attnlib.readout import Readout

_BLOCK = 1 << 23  # permuted weights times columns of the texts that are packed and decoded together
_BUDGET = 1 << 20  # permuted weights held at a time
_FEW = 2  # up to so many columns are summed one by one; more are faster as a matrix
_TRITON_BUDGET = 1 << 24  # permuted weights times classes, which a Triton kernel does not hold


class Moments(NamedTuple):
    """Result of `permutation_moments`, one entry per text, float64.

    - `mean`: [N] of the margin (log-odds of class 1).
    - `variance`: [N] of the margin. 0 in a text of one token, which has one permutation.
    """

    mean: Tensor
    variance: Tensor


def permutation_test(readout: Readout, n_permutations: int = 100, seed: int = 0) -> Tensor:
    """Median over random permutations of the weights of the TVD between permuted and original output.

    Weights move among the tokens of the mask only, uniformly, always from the original weights; the median
    of an even number of draws is the mean of the middle two. All rows of one length share the same
    `n_permutations` draws, which depend on the seed and the length alone. Any head and any number of classes.

    Returns [N] float64 in [0, 1]; sums in float64. Raises ValueError when n_permutations < 1 or seed < 0.
    (Jain & Wallace 2019, Algorithm 2.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.permutation_test(readout).round(decimals=3).tolist()
    [0.062]
    """
    check_at_least("n_permutations", n_permutations, 1)
    check_at_least("seed", seed, 0)
    out = readout.alpha.new_empty(len(readout))
    draws = _draws(readout.lengths.unique().tolist(), n_permutations, seed)
    order, drawn = torch.empty(0), 0  # of the length at hand
    held = _TRITON_BUDGET if use_triton(readout.alpha) else _BLOCK
    for rows, _, texts in blocks(readout, max(1, held // (n_permutations * readout.scores.shape[2]))):
        (summed, bias), pooled = relative(texts), []  # [n, W, C']
        lengths, counts = (x.tolist() for x in texts.lengths.unique_consecutive(return_counts=True))
        for length, alpha, z in zip(lengths, texts.alpha.split(counts), summed.split(counts), strict=True):
            if length != drawn:
                order, drawn = next(draws).to(readout.device), length
            pooled.append(_pooled(alpha[:, :length], z[:, :length], order))  # [P, n, C']
        original = (texts.alpha[..., None] * summed).sum(1)  # [n, C']
        out[rows] = _median(_distances(texts, torch.cat(pooled, 1), original, bias))
    return out


def orders(length: int, n_permutations: int, seed: int) -> Tensor:
    """[P · length] int64: P uniform permutations one after the other."""
    return next(_draws([length], n_permutations, seed))


def _draws(lengths: Iterable[int], n_permutations: int, seed: int) -> Iterator[Tensor]:
    """For each of ascending lengths L: [P · L] int64, P uniform permutations one after the other.

    They depend on the seed and the length alone, and are not independent of those of neighbouring lengths:
    a uniform permutation whose last number was put in, then swapped with any one or with itself, is uniform.
    """
    draw = np.arange(n_permutations)
    start = end = known = 0
    for length in lengths:
        if length >= end:
            step = 1 << max(2, length.bit_length() - 4)  # an eighth of the largest power of two ≤ length
            start = known = length // step * step
            end = start + step
            generator = np.random.default_rng(seed_for(seed, start))
            order = np.tile(np.arange(end), (n_permutations, 1))
            order[:, :start] = generator.permuted(order[:, :start], axis=1)
            last = np.arange(start, end)[:, None]
            partner = generator.integers(last, size=(step, n_permutations), endpoint=True)
            cells, flat = partner + draw * end, order.ravel()
        for new in range(known, length):
            other = cells[new - start]
            order[:, new] = flat[other]
            flat[other] = new
        known = length
        yield torch.from_numpy(order[:, :length].flatten())


def _distances(texts: Readout, pooled: Tensor, original: Tensor, bias: Tensor) -> Tensor:
    """TVD [n, P] between the outputs of permuted [P, n, C'] and original sums [n, C']."""
    if not texts.linear:
        after = texts.decode(pooled.transpose(0, 1)).softmax(-1)
        return unchecked_tvd(after, texts.decode(original[:, None]).softmax(-1))
    after, before = pooled + bias, original + bias
    if after.shape[2] == 1:
        return (after.sigmoid() - before.sigmoid()).abs()[..., 0].t()
    return unchecked_tvd(pad(after, (1, 0)).softmax(2), pad(before, (1, 0)).softmax(1)).t()


def _pooled(alpha: Tensor, columns: Tensor, order: Tensor) -> Tensor:
    """Columns [n, L, C'] summed under each permutation of the weights alpha [n, L], [P, n, C']; float64."""
    if use_triton(alpha):
        from attnlib.kernels.triton.permutation import pooled

        return pooled(alpha, columns, order)
    n, length = alpha.shape
    step = max(1, _BUDGET // len(order))
    if n > step:
        parts = zip(alpha.split(step), columns.split(step), strict=True)
        return torch.cat([_pooled(a, z, order) for a, z in parts], 1)
    if columns.shape[2] > _FEW:
        permuted = alpha.index_select(1, order).view(n, -1, length)  # [n, P, L]
        return (permuted @ columns).transpose(0, 1)
    # texts last: a draw moves whole rows of the transposed weights
    weights = alpha.t().contiguous()
    permuted = (
        (weights.flatten() if n == 1 else weights).index_select(0, order).view(-1, length, n)
    )  # [P, L, n]
    first, *others = columns.permute(2, 1, 0).contiguous()
    found = [(permuted * z).sum(1) for z in others]
    return torch.stack([permuted.mul_(first).sum(1), *found], 2)


def _median(x: Tensor) -> Tensor:
    """Median over the last axis, the mean of the middle two for an even number."""
    n = x.shape[-1]
    # NumPy sorts short rows several times faster than torch does on a CPU
    ordered = x.sort().values if x.is_cuda else torch.from_numpy(np.sort(x.contiguous().numpy()))
    return (ordered[..., (n - 1) // 2] + ordered[..., n // 2]) / 2


def permutation_range(readout: Readout) -> Tensor:
    """Lowest and highest probability of the predicted class over *all* permutations of the weights.

    Two classes. The margin Σ α_π(t) s_t is largest when large weights meet large margins and smallest when
    they meet small ones (rearrangement inequality), so two sorts replace L! permutations.

    Returns [N, 2] float64, (lowest, highest). Raises ValueError for a head, for C ≠ 2 and where a class is
    not allowed.
    (Closed form of Jain & Wallace 2019, Algorithm 2.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.permutation_range(readout).round(decimals=3).tolist()
    [[0.223, 0.562]]
    """
    check_linear(readout, "permutation_range", two_classes=True)
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

    float64. Raises ValueError for a head, for C ≠ 2 and where a class is not allowed.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> moments = kernels.permutation_moments(readout)
    >>> moments.mean.round(decimals=3).tolist(), moments.variance.round(decimals=3).tolist()
    ([-0.333], [0.431])
    """
    check_linear(readout, "permutation_moments", two_classes=True)
    mask, s = readout.mask, token_margins(readout)
    length = readout.lengths.double()  # [N]
    mean = s.sum(1) / length
    spread_s = (s - mean[:, None]).masked_fill(~mask, 0.0).square().sum(1)
    spread_alpha = (readout.alpha - 1 / length[:, None]).masked_fill(~mask, 0.0).square().sum(1)
    return Moments(mean, spread_alpha * spread_s / (length - 1).clamp(min=1))
