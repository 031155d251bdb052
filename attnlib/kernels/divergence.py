"""Divergences between distributions over the last axis, in nats."""

import torch
from torch import Tensor


def jsd(p: Tensor, q: Tensor) -> Tensor:
    """Jensen–Shannon divergence ½ KL(p‖m) + ½ KL(q‖m), m = (p + q)/2, in nats: 0 to ln 2.

    `p`, `q`: [..., T] distributions, broadcast against each other; zeros are exact. Returns [...] float64,
    relative error about 1e-15 everywhere, near 0 and near ln 2 included: with d = (p − q)/(p + q) every
    element adds ¼ (p + q) φ(d), φ(d) = (1+d) ln(1+d) + (1−d) ln(1−d) ≥ 0, so nothing cancels between
    elements. (Jain & Wallace 2019, section 4.2.)
    """
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


def kl(p: Tensor, q: Tensor) -> Tensor:
    """Kullback–Leibler divergence Σ p ln(p/q) in nats: 0 ln 0 = 0, +inf where q = 0 < p.

    `p`, `q`: [..., T] distributions, broadcast against each other. Returns [...] float64, absolute error
    about 1e-15 · Σ p |ln p|.
    """
    p, q = p.double(), q.double()
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


def tvd(p: Tensor, q: Tensor) -> Tensor:
    """Total variation distance ½ Σ |p − q|: 0 to 1 (|p_1 − q_1| for two classes).

    `p`, `q`: [..., C] distributions, broadcast against each other. Returns [...] float64.
    (Jain & Wallace 2019, section 3.)
    """
    return (p.double() - q.double()).abs().sum(-1) / 2
