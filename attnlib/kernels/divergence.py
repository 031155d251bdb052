"""Divergences between distributions over the last axis, in nats.

The functions without `unchecked` look at what they are given; the kernels call the others in their loops.
"""

from typing import Any

import torch
from torch import Tensor

_SUM_TOLERANCE = 1e-4  # how far a sum may be from 1 before it is an error and not rounding; as in a Readout


def jsd(p: Any, q: Any) -> Tensor:
    """Jensen–Shannon divergence ½ KL(p‖m) + ½ KL(q‖m), m = (p + q)/2, in nats: 0 to ln 2.

    `p`, `q`: [..., T] distributions, broadcast against each other; zeros are exact. Returns [...] float64,
    relative error about 1e-15 everywhere, near 0 and near ln 2 included: with d = (p − q)/(p + q) every
    element adds ¼ (p + q) φ(d), φ(d) = (1+d) ln(1+d) + (1−d) ln(1−d) ≥ 0, so nothing cancels between
    elements. Raises ValueError, naming the row, where p or q is not ≥ 0 or does not sum to 1 within 1e-4; a
    row that is NaN throughout (a token off the mask) gives NaN. (Jain & Wallace 2019, section 4.2.)

    >>> from attnlib import kernels
    >>> kernels.jsd([0.5, 0.5], [1.0, 0.0]).round(decimals=4).item()
    0.2158
    """
    return unchecked_jsd(*_checked(p, q))


def kl(p: Any, q: Any) -> Tensor:
    """Kullback–Leibler divergence Σ p ln(p/q) in nats: 0 ln 0 = 0, +inf where q = 0 < p.

    `p`, `q`: [..., T] distributions, broadcast against each other. Returns [...] float64, absolute error
    about 1e-15 · Σ p |ln p|. Raises ValueError as `jsd` does.

    >>> from attnlib import kernels
    >>> kernels.kl([1.0, 0.0], [0.5, 0.5]).round(decimals=4).item()
    0.6931
    """
    p, q = _checked(p, q)
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


def tvd(p: Any, q: Any) -> Tensor:
    """Total variation distance ½ Σ |p − q|: 0 to 1 (|p_1 − q_1| for two classes).

    `p`, `q`: [..., C] distributions, broadcast against each other. Returns [...] float64. Raises ValueError
    as `jsd` does. (Jain & Wallace 2019, section 3.)

    >>> from attnlib import kernels
    >>> kernels.tvd([0.5, 0.5], [1.0, 0.0]).item()
    0.5
    """
    return unchecked_tvd(*_checked(p, q))


def _checked(p: Any, q: Any) -> tuple[Tensor, Tensor]:
    """Both as float64 tensors; ValueError unless they are distributions of one width."""
    first, second = _distributions("p", p), _distributions("q", q)
    sizes = list(zip(reversed(first.shape), reversed(second.shape), strict=False))  # from the last
    if first.shape[-1] != second.shape[-1] or any(m != n and 1 not in (m, n) for m, n in sizes):
        raise ValueError(f"q: shape {list(second.shape)} does not fit that of p, {list(first.shape)}")
    return first, second


def _distributions(name: str, given: Any) -> Tensor:
    x = torch.as_tensor(given)
    if x.dim() == 0 or x.shape[-1] == 0 or x.is_complex() or x.dtype == torch.bool:
        raise ValueError(f"{name}: expected distributions [..., T] of numbers, got {x.dtype} {list(x.shape)}")
    x = x.double()
    total = x.detach().sum(-1)
    # written so that NaN is bad too, but for rows that hold nothing else
    bad = ~(((total - 1).abs() <= _SUM_TOLERANCE) & (x >= 0).all(-1)) & ~x.isnan().all(-1)
    if bad.any():
        at = tuple(bad.nonzero()[0].tolist())
        row = f"row {', '.join(map(str, at))} " if at else ""
        raise ValueError(
            f"{name}: {row}is no distribution: it sums to {total[at].item():.8g}, its least number is "
            f"{x[at].min().item():g}. Numbers must be ≥ 0 and sum to 1 within {_SUM_TOLERANCE:g}; divide by "
            "the sum, or take the softmax of logits"
        )
    return x


def unchecked_jsd(p: Tensor, q: Tensor) -> Tensor:
    """`jsd` of what is known to be distributions."""
    p, q = p.double(), q.double()
    total = p + q
    d = ((p - q) / total).abs().masked_fill(total == 0, 0.0)  # [..., T] in [0, 1]
    # |d| < ½: φ = log1p(−d²) + 2 d atanh(d); else by definition, with 1 − d from the smaller of p and q
    small = d < 0.5
    near = torch.where(small, d, 0.0)
    low = 2 * torch.minimum(p, q) / total.masked_fill(total == 0, 1.0)
    phi_near = torch.log1p(-near * near) + 2 * near * torch.atanh(near)
    phi_far = (1 + d) * torch.log1p(d) + torch.xlogy(low, low)
    return (total * torch.where(small, phi_near, phi_far)).sum(-1) / 4


def unchecked_tvd(p: Tensor, q: Tensor) -> Tensor:
    """`tvd` of what is known to be distributions."""
    return (p.double() - q.double()).abs().sum(-1) / 2
