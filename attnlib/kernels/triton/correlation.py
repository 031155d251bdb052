"""Pairs of tokens that two scores order alike, oppositely or not at all, by comparing all pairs."""
# mypy: disable-error-code="no-untyped-def"

import torch
import triton
import triton.language as tl
from torch import Tensor

from attnlib.kernels.triton import power_of_two

LONGEST = 1 << 14  # wider rows are left to sorting, which takes T log T steps


def pair_counts(x: Tensor, y: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
    """What τ-b and its p-value need of each row: six exact counts, each [N] int64.

    `x`, `y`: [N, T], read on the `mask` only; T ≤ LONGEST. Over the runs of c equal values of x: Σ c(c−1)/2
    and Σ c(c−1)(c−2)/3; the same of y; pairs equal in both; pairs in opposite order.

    One program per row and block of tokens compares these with all tokens before them. With r_i the number
    of earlier tokens equal to token i, Σ r is Σ c(c−1)/2 and Σ r(r−1) is Σ c(c−1)(c−2)/3.
    """
    n, t = mask.shape
    exact = x.dtype == y.dtype == torch.float32  # converting would not change a comparison
    x, y = (v.contiguous() if exact else v.double().contiguous() for v in (x, y))
    at = torch.arange(1, t + 1, device=mask.device, dtype=torch.int32)
    last = torch.where(mask, at, 0).amax(1)  # [N] no token of the row from here on
    inside = mask.contiguous().to(torch.int8)
    block = min(32, max(16, power_of_two(t)))
    blocks, warps = triton.cdiv(t, block), 4 if block > 16 else 1
    counts = torch.empty(n, blocks, 6, dtype=torch.int64, device=mask.device)
    with torch.cuda.device_of(x):
        _count[(n * blocks,)](x, y, inside, last, counts, t, blocks, BLOCK=block, num_warps=warps)
    return counts.sum(1).unbind(1)


# x_in, y_in, mask: [N, T]; last_in: [N]; counts: [N, blocks, 6]
@triton.jit
def _count(x_in, y_in, mask, last_in, counts, t, blocks, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    row = (program // blocks).to(tl.int64)
    first = (program % blocks) * BLOCK
    last = tl.load(last_in + row)
    x_in += row * t
    y_in += row * t
    mask += row * t

    i = first + tl.arange(0, BLOCK)
    in_i = tl.load(mask + i, mask=i < t, other=0) != 0
    x_i = tl.load(x_in + i, mask=in_i, other=0.0)[:, None]
    y_i = tl.load(y_in + i, mask=in_i, other=0.0)[:, None]
    x_equal = tl.zeros((BLOCK, BLOCK), tl.int32)
    y_equal = tl.zeros((BLOCK, BLOCK), tl.int32)
    both_equal = tl.zeros((BLOCK, BLOCK), tl.int32)
    opposite = tl.zeros((BLOCK, BLOCK), tl.int32)
    # pairs j < i; nothing to do when the row's tokens end before this block
    end = tl.where(first < last, tl.minimum(first + BLOCK, last), 0)
    for start in range(0, end, BLOCK):
        j = start + tl.arange(0, BLOCK)
        in_j = tl.load(mask + j, mask=j < t, other=0) != 0
        x_j = tl.load(x_in + j, mask=in_j, other=0.0)[None, :]
        y_j = tl.load(y_in + j, mask=in_j, other=0.0)[None, :]
        pair = in_i[:, None] & in_j[None, :] & (j[None, :] < i[:, None])
        x_equal += (pair & (x_i == x_j)).to(tl.int32)
        y_equal += (pair & (y_i == y_j)).to(tl.int32)
        both_equal += (pair & (x_i == x_j) & (y_i == y_j)).to(tl.int32)
        crossed = ((x_i < x_j) & (y_i > y_j)) | ((x_i > x_j) & (y_i < y_j))
        opposite += (pair & crossed).to(tl.int32)

    counts += program.to(tl.int64) * 6
    r = tl.sum(x_equal, 1).to(tl.int64)  # [I]
    tl.store(counts, tl.sum(r, 0))
    tl.store(counts + 1, tl.sum(r * (r - 1), 0))
    r = tl.sum(y_equal, 1).to(tl.int64)
    tl.store(counts + 2, tl.sum(r, 0))
    tl.store(counts + 3, tl.sum(r * (r - 1), 0))
    tl.store(counts + 4, tl.sum(tl.sum(both_equal, 1).to(tl.int64), 0))
    tl.store(counts + 5, tl.sum(tl.sum(opposite, 1).to(tl.int64), 0))
