"""Rank correlation of many rows at once: Kendall's τ-b with SciPy's p-values."""

import functools
import math

import numpy as np
import torch
from torch import Tensor

from attnlib.kernels._common import check_values, similar, take, token_columns
from attnlib.kernels.triton import use_triton

_EXACT_LENGTH = 33  # SciPy computes p exactly for tie-free rows up to this length
_BUDGET = 1 << 17  # row elements held at a time


def kendall_tau(x: Tensor, y: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Kendall's τ-b of x and y over the tokens of each row, and its two-sided p-value.

    `x`, `y`: [N, T] finite on the mask, anything off it; `mask`: [N, T] bool. Returns (tau [N], p_value [N])
    float64, NaN for rows that have fewer than two tokens or where x or y is constant. All counts are exact
    integers (T log T per row), so τ is right to rounding. p as `scipy.stats.kendalltau` by default: exact for
    rows without ties that have at most 33 tokens or at most one pair out of order (or in order), the normal
    approximation with tie correction otherwise.

    Raises ValueError for mismatched shapes, a mask that is not bool, or a value that is not finite.

    >>> import torch
    >>> from attnlib import kernels
    >>> x, y = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 3.0, 2.0]])
    >>> tau, p_value = kernels.kendall_tau(x, y, torch.ones(1, 3, dtype=torch.bool))
    >>> tau.round(decimals=3).tolist(), p_value.tolist()
    ([0.333], [1.0])
    """
    x, y, mask = map(torch.as_tensor, (x, y, mask))
    if mask.dim() != 2 or mask.dtype != torch.bool:
        raise ValueError(f"mask: expected a bool tensor [N, T], got {mask.dtype} {list(mask.shape)}")
    for name, values in {"x": x, "y": y}.items():
        check_values(name, values, mask, lambda v: ~v.isfinite())
    lengths, columns = mask.sum(1), token_columns(mask)
    if use_triton(mask):
        from attnlib.kernels.triton.correlation import LONGEST, pair_counts

        if mask.shape[1] <= LONGEST:
            return _statistics(lengths, pair_counts(x, y, mask))
    tau, p_value = torch.full((2, len(mask)), torch.nan, dtype=torch.float64, device=mask.device)
    for rows, width in similar(lengths.clamp(min=1), _BUDGET):
        if width > 1:  # otherwise there is nothing to compare
            first = width if columns is None else columns[rows, :width]
            counts = _count(*take((x, y, mask), rows, first))
            tau[rows], p_value[rows] = _statistics(lengths[rows], counts)
    return tau, p_value


def _count(x: Tensor, y: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
    """Exact counts over the pairs of tokens of rows [n, W] whose tokens come first, by sorting; int64 [n].

    Pairs equal in x, and Σ c(c−1)(c−2)/3 over its runs of c equal values; the same of y; pairs equal in both;
    pairs that x and y order oppositely.
    """
    # Sort by y, then stably by x: within equal x, y ascends. Padding (+inf) goes to the end.
    y, order = y.double().masked_fill(~mask, torch.inf).sort(dim=1)
    x, order = x.double().masked_fill(~mask, torch.inf).gather(1, order).sort(dim=1, stable=True)
    new_x, new_y = _starts(x) & mask, _starts(y) & mask
    zero = torch.zeros_like(mask[:, 0], dtype=torch.int64)
    x_ties = y_ties = zero, zero
    rank, both_tie = order, zero  # ranks of y in x order
    if bool((new_y != mask).any()):  # equal y: of these the first in x order ranks first
        y_ties = _tie_counts(new_y, mask)
        level = (new_y.cumsum(1) - 1).gather(1, order)
        both_tie = _tie_counts(new_x | (_starts(level) & mask), mask)[0]
        # a permutation and its inverse have equally many inversions
        rank = level.masked_fill(~mask, mask.shape[1]).sort(dim=1, stable=True).indices
    if bool((new_x != mask).any()):
        x_ties = _tie_counts(new_x, mask)
    return *x_ties, *y_ties, both_tie, _inversions(rank)


def _statistics(n: Tensor, counts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """τ and p of rows with n tokens [n_rows] each; NaN where n < 2 or one of x and y is constant."""
    x_tie, x_triples, y_tie, y_triples, both_tie, discordant = counts
    x0, y0 = 3 * x_triples, 3 * y_triples  # Σ c(c−1)(c−2)
    x1, y1 = 2 * x0 + 18 * x_tie, 2 * y0 + 18 * y_tie  # Σ c(c−1)(2c+5) = Σ 2 c(c−1)(c−2) + 9 c(c−1)
    total = n * (n - 1) // 2
    difference = total - x_tie - y_tie + both_tie - 2 * discordant  # concordant − discordant pairs
    constant = (x_tie == total) | (y_tie == total)
    tau = difference / (total - x_tie).double().sqrt() / (total - y_tie).double().sqrt()
    tau = tau.clamp(-1, 1).masked_fill(constant, torch.nan)

    size = n.double()
    m = size * (size - 1)
    variance = (m * (2 * size + 5) - x1 - y1) / 18 + 2 * x_tie.double() * y_tie / m
    variance = variance + x0.double() * y0 / (9 * m * (size - 2)).clamp(min=1)  # x0 · y0 = 0 when size = 2
    p_value = torch.special.erfc((difference / variance.sqrt()).abs() / math.sqrt(2))
    fewest = torch.minimum(discordant, total - discordant)
    exact = (x_tie == 0) & (y_tie == 0) & ((n <= _EXACT_LENGTH) | (fewest <= 1))
    p_value = torch.where(exact, _exact_p(n, fewest), p_value)
    return tau, p_value.masked_fill(constant, torch.nan)


def _starts(ordered: Tensor) -> Tensor:
    """True where a run of equal values starts, [n, width]."""
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return first


def _tie_counts(first: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Σ c(c−1)/2 and Σ c(c−1)(c−2)/3 over the runs of c equal values of each row, int64 [n].

    These are Σ r and Σ r(r−1) over the positions r = 0, 1, … of the elements in their runs.
    """
    at = torch.arange(first.shape[1], device=first.device)
    since = torch.where(first, at, 0).cummax(1).values
    r = (at - since).masked_fill(~inside, 0)  # [n, width]
    return r.sum(1), (r * (r - 1)).sum(1)


def _inversions(rank: Tensor) -> Tensor:
    """Pairs i < j with rank_i > rank_j, [n] int64, for rows [n, W] that are permutations of 0 … W − 1.

    Bit by bit from the top, with the elements kept grouped by their higher bits and in order within a group:
    a pair is decided at the first bit where it differs, and is an inversion when a 1 stands before a 0. The
    group that starts at rank s also starts at position s, behind s/2 ones, so a running count of ones gives
    both the number of ones before each 0 and the place of each element in the finer grouping.
    """
    rank = rank.int()
    at = torch.arange(rank.shape[1], device=rank.device, dtype=torch.int32)
    count = torch.zeros_like(rank[:, 0], dtype=torch.int64)
    for bit in reversed(range((rank.shape[1] - 1).bit_length())):
        one = (rank >> bit) & 1
        start = (rank >> (bit + 1)) << (bit + 1)
        ones = one.cumsum(1, dtype=torch.int32).sub_(start >> 1)  # of the group, up to and including here
        count += (ones * (1 - one)).sum(1)
        if bit:
            place = torch.where(one == 1, start + ones + ((1 << bit) - 1), at - ones)
            rank = torch.empty_like(rank).scatter_(1, place.long(), rank)
    return count


@functools.cache
def _null_distribution() -> Tensor:
    """P(at most k pairs of a random permutation of n are out of order), [n ≤ 33, k ≤ half the pairs]."""
    half = _EXACT_LENGTH * (_EXACT_LENGTH - 1) // 4  # the distribution is symmetric
    table = torch.ones(_EXACT_LENGTH + 1, half + 1, dtype=torch.float64)
    counts = np.ones(1, dtype=object)  # permutations of n items with k inversions, exact integers
    for n in range(2, _EXACT_LENGTH + 1):
        counts = np.convolve(counts, np.ones(n, dtype=object))
        most = counts.cumsum()[: half + 1] / math.factorial(n)
        table[n, : len(most)] = torch.from_numpy(most.astype(np.float64))
    return table


def _exact_p(n: Tensor, fewest: Tensor) -> Tensor:
    """Two-sided exact p of tie-free rows, for n ≤ 33 or `fewest` ≤ 1."""
    table = _null_distribution().to(n.device)
    short = table[n.clamp(max=_EXACT_LENGTH), fewest.clamp(max=table.shape[1] - 1)]
    # P(0) = 1/n!, P(≤ 1) = 1/n! + (n − 1)/n! = n/n!
    size = n.double()
    long = torch.where(fewest == 0, 1.0, size) * torch.exp(-torch.lgamma(size + 1))
    return (2 * torch.where(n <= _EXACT_LENGTH, short, long)).clamp(max=1)
