"""Pooled scores under permuted weights, without writing the permuted weights down."""
# mypy: disable-error-code="no-untyped-def"

import torch
import triton
import triton.language as tl
from torch import Tensor

from attnlib.kernels.triton import power_of_two


def pooled(alpha: Tensor, columns: Tensor, order: Tensor) -> Tensor:
    """Σ_t α[order[p, t]] · columns[c, t] for P permutations shared by all rows, [P, n, C'] float64.

    `alpha`: [n, L] float64; `columns`: [n, L, C'] float64; `order`: [P · L], one permutation after the other.
    Products and sums in float64: error at most L · 2⁻⁵³ · Σ_t α_t |column_t|, about.

    One program per row and block of permutations gathers the weights once for all columns.
    """
    n, length = alpha.shape
    count = columns.shape[2]
    n_draws = len(order) // length
    columns = columns.transpose(1, 2).contiguous()  # [n, C', L]
    out = torch.empty(n_draws, n, count, dtype=torch.float64, device=alpha.device)
    block_t = min(128, max(16, power_of_two(length)))
    block_p = min(2048 // block_t, power_of_two(n_draws))
    given = alpha.contiguous(), columns, order.to(torch.int32), out
    sizes = dict(P=block_p, T=block_t, C=power_of_two(count))
    with torch.cuda.device_of(alpha):
        _pool[(n * triton.cdiv(n_draws, block_p),)](*given, n, length, n_draws, count, **sizes, num_warps=4)
    return out


# alpha: [n, L]; columns: [n, C', L]; order: [P, L]; out: [P, n, C']
@triton.jit
def _pool(
    alpha, columns, order, out, n, length, n_draws, count, P: tl.constexpr, T: tl.constexpr, C: tl.constexpr
):
    program, blocks = tl.program_id(0), tl.cdiv(n_draws, P)
    row = (program // blocks).to(tl.int64)
    draw = (program % blocks) * P + tl.arange(0, P)[:, None]  # [P, 1]
    known = draw < n_draws
    column = tl.arange(0, C)[None, :]  # [1, C']
    alpha += row * length
    columns += row * length * count
    order += draw.to(tl.int64) * length
    total = tl.zeros((P, C), tl.float64)
    for start in range(0, length, T):
        t = start + tl.arange(0, T)[None, :]  # [1, T]
        inside = t < length
        source = tl.load(order + t, mask=known & inside, other=0)  # [P, T]
        weight = tl.load(alpha + source, mask=known & inside, other=0.0)
        for c in range(count):
            score = tl.load(columns + c * length + t, mask=inside, other=0.0)
            part = tl.sum(weight * score, 1)[:, None]  # [P, 1]
            total += tl.where(column == c, part, 0.0)
    at = (draw.to(tl.int64) * n + row) * count + column
    tl.store(out + at, total, mask=known & (column < count))
