"""Whether the decision changes when some tokens remain: one comparison for all kernels with linear logits.

With the tokens S left, renormalised, class c takes the place of the predicted class y when Σ_S α_t d_t < 0,
or = 0 if c comes before y, for argmax takes the first; d_t = (z_ty + b_y) − (z_tc + b_c) is the lead of y
over c if token t held all the attention. Nothing is divided and no sum depends on its order, so what is a tie
for one kernel is a tie for all. With no attention left the bias decides.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from attnlib.readout import Readout

# Weights are multiplied by this power of two, so exactly: the smallest there are, times a small lead, would
# else be 0, a tie.
SCALE = 2.0**500
_LEAST = torch.finfo(torch.float64).tiny  # no sum of scaled leads but 0 is below it


def leads(texts: Readout, weights: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What each token adds to the lead of the predicted class over each other class; no head.

    `weights`: [n, W], `y`: [n]. Returns α_t d_t [C − 1, n, W], whether the other class comes before y, so
    wins ties, [C − 1, n, 1], and which class it is, ascending, [C − 1, n]. For a class that a text does not
    allow stands α, with which it does not win.
    """
    scores, b, classes = texts.scores, texts.bias.double(), len(texts.bias)
    if classes == 2 and texts.allowed is None:
        of_0, of_1 = (scores[..., c].double() + b[c] for c in (0, 1))
        ones = (y == 1)[:, None]
        lead = of_1.sub_(of_0).mul_(weights).mul_(torch.where(ones, 1.0, -1.0))
        return lead[None], ones[None], 1 - y[None]

    # classes first: everything then runs along whole rows
    alone = scores.movedim(2, 0).contiguous().double() + b[:, None, None]  # [C, n, W]
    of_y = alone.gather(0, y[None, :, None].expand(1, *weights.shape))
    other = torch.arange(classes - 1, device=y.device)[:, None]
    other = other + (other >= y)  # [C − 1, n]
    lead = of_y - alone.gather(0, other[..., None].expand(-1, *weights.shape))
    if texts.allowed is not None:
        lead = torch.where(texts.allowed.gather(1, other.t()).t()[..., None], lead, 1.0)
    return lead.mul_(weights), (other < y)[..., None], other


def sums(lead: Tensor, add: Callable[[Tensor], Tensor]) -> Tensor:
    """`add(lead)`, where `add` sums over the tokens of [..., W] in any order, with nearly twice the digits.

    Every lead is cut in two: upper parts, multiples of one number for each text, whose sums are exact in any
    order, and the rest, so small (2⁻⁴⁰) that its rounding decides nothing.
    """
    exponent = torch.frexp(lead.abs().amax(-1, keepdim=True)).exponent + (2 * lead.shape[-1]).bit_length()
    unit = torch.pow(2.0, exponent.double())
    upper = (lead + unit).sub_(unit)
    return add(upper) + add(lead - upper)


def turned(left: Tensor, ahead: Tensor) -> Tensor:
    """Whether the other class wins with a lead of y of `left`: ties go to it where it comes first."""
    return left < torch.where(ahead, left.new_tensor(_LEAST), 0.0)  # ≤ 0 where ahead, else < 0


def flips_emptied(readout: Readout, y: Tensor) -> Tensor:
    """Whether the decision is not `y` when no attention is left, [N] bool; any head."""
    texts = 1 if readout.linear else len(y)  # the empty document is the same for all
    return readout.decode(readout.bias.new_zeros(texts, readout.scores.shape[2])).argmax(1) != y
