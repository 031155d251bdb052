"""The best pair of tokens of each row among the candidates of the exact adversary."""
# mypy: disable-error-code="no-untyped-def"

import torch
import triton
import triton.language as tl
from torch import Tensor

from attnlib.kernels._common import Side

MOST_PAIRS = 1 << 18  # a row with more is left to the search by blocks
BLOCK_I, BLOCK_J = tl.constexpr(16), tl.constexpr(32)  # pairs evaluated at a time


def best_pairs(low: Side, up: Side) -> tuple[Tensor, Tensor, Tensor]:
    """JSD of the best pair of each row, [G] float64, and the flat positions of its two tokens, [G] each.

    −inf, 0 and 0 for rows without a pair and for those with more than MOST_PAIRS. Of equal pairs the first
    by the lower, then the upper token. One program per row evaluates its pairs tile by tile in float64.
    """
    value = torch.empty(low.size.shape, dtype=torch.float64, device=low.size.device)
    i, j = torch.empty_like(low.size), torch.empty_like(low.size)
    given = []
    for side in (low, up):
        given += [torch.stack((side.distance, side.alpha, side.own)), len(side.row), side.start, side.size]
    with torch.cuda.device_of(value):
        _best[(len(value),)](*given, value, i, j, MOST_PAIRS, num_warps=4)
    return value, i, j


# low, up: [3, K] distances > 0 of the candidates to the bound, their α and α ln α; the others: [G]
@triton.jit
def _best(low, k, i_in, n_in, up, m, j_in, m_in, value, i_out, j_out, most):
    row = tl.program_id(0).to(tl.int64)
    first_i = tl.load(i_in + row)
    first_j = tl.load(j_in + row)
    n_i = tl.load(n_in + row)
    n_j = tl.load(m_in + row)
    n_i = tl.where(n_i * n_j <= most, n_i, 0)
    best = tl.full((), -float("inf"), tl.float64)
    best_at = tl.full((), 0, tl.int64)  # position i · n_j + j of the best pair
    for start_i in range(0, n_i, BLOCK_I):
        i = start_i + tl.arange(0, BLOCK_I)[:, None]  # [I, 1]
        in_i = i < n_i
        near = tl.load(low + first_i + i, mask=in_i, other=1.0)
        a_near = tl.load(low + k + first_i + i, mask=in_i, other=1.0)
        t_near = tl.load(low + 2 * k + first_i + i, mask=in_i, other=0.0)
        for start_j in range(0, n_j, BLOCK_J):
            j = start_j + tl.arange(0, BLOCK_J)[None, :]  # [1, J]
            in_j = j < n_j
            far = tl.load(up + first_j + j, mask=in_j, other=1.0)
            a_far = tl.load(up + m + first_j + j, mask=in_j, other=1.0)
            t_far = tl.load(up + 2 * m + first_j + j, mask=in_j, other=0.0)
            span = near + far
            w = near / span  # weights of the upper and the lower token
            v = far / span
            lower = v + a_near
            upper = w + a_far
            pair = w * tl.log(w) + v * tl.log(v) - lower * tl.log(lower) - upper * tl.log(upper)
            divergence = 0.6931471805599453 + (pair + t_near + t_far) / 2  # ln 2 + …
            divergence = tl.where(in_i & in_j, divergence, -float("inf"))  # [I, J]
            top = tl.max(tl.max(divergence, 1), 0)
            at = tl.where(divergence == top, i * n_j + j, n_i * n_j)
            at = tl.min(tl.min(at, 1), 0)
            better = (top > best) | ((top == best) & (at < best_at))
            best_at = tl.where(better, at, best_at)
            best = tl.maximum(best, top)
    found = best > -float("inf")
    width = tl.maximum(n_j, 1)
    tl.store(value + row, best)
    tl.store(i_out + row, tl.where(found, first_i + best_at // width, 0))
    tl.store(j_out + row, tl.where(found, first_j + best_at % width, 0))
