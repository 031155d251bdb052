"""Whether the decision changes when some tokens remain: one comparison for all kernels with linear logits.

With the tokens S left, renormalised, class c takes the place of the predicted class y when Σ_S α_t d_t < 0,
or = 0 if c comes before y, for argmax takes the first; d_t = (z_ty + b_y) − (z_tc + b_c) is the lead of y
over c if token t held all the attention. Nothing is divided and no sum depends on its order, so what is a tie
for one kernel is a tie for all. With no attention left the bias decides.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from attnlib.readout import Readout

# Weights are multiplied by this power of two, so exactly: the smallest there are, times a small lead, would
# else be 0, a tie.
SCALE = 2.0**500


def leads(texts: Readout, weights: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """What each token adds to the lead of the predicted class over each other class; no head.

    `weights`: [n, W], `y`: [n]. Yields, for each other class c that a text allows, α_t d_t [n, W] and whether
    c comes before y, so wins ties, [n, 1]. The first c are the next after y, the classes taken in a circle; a
    text with fewer of them than others gets α itself, with which none wins.
    """
    scores, b, classes = texts.scores, texts.bias.double(), len(texts.bias)
    if classes == 2 and texts.allowed is None:
        margin = (scores.double() + b).diff(dim=2)[..., 0]
        ones = (y == 1)[:, None]
        yield margin.mul_(weights).mul_(torch.where(ones, 1.0, -1.0)), ones
        return

    rows = torch.arange(len(y), device=y.device)

    def of(c: Tensor) -> Tensor:
        return scores[rows, :, c].double() + b[c, None]  # [n, W]

    steps = (torch.arange(classes, device=y.device) - y[:, None]) % classes  # [n, C] from y to each class
    if texts.allowed is not None:
        steps = steps.masked_fill(~texts.allowed, classes)
    steps, order = steps.sort(dim=1)
    of_y = of(y)
    for k in range(1, int((steps < classes).sum(1).max())):
        c = order[:, k]
        lead = weights * (of_y - of(c))
        if texts.allowed is not None:
            lead = torch.where(steps[:, k, None] < classes, lead, weights)
        yield lead, (c < y)[:, None]


def sums(lead: Tensor, add: Callable[[Tensor], Tensor]) -> Tensor:
    """`add(lead)`, where `add` sums over the tokens of [n, W] in any order, with nearly twice the digits.

    Every lead is cut in two: upper parts, multiples of one number for each text, whose sums are exact in any
    order, and the rest, so small (2⁻⁴⁰) that its rounding decides nothing.
    """
    low, high = lead.aminmax(dim=1, keepdim=True)
    exponent = torch.frexp(torch.maximum(high, -low)).exponent + (2 * lead.shape[1]).bit_length()
    unit = torch.pow(2.0, exponent.double())
    upper = (lead + unit).sub_(unit)
    return add(upper) + add(lead - upper)


def turned(left: Tensor, ahead: Tensor) -> Tensor:
    """Whether the other class wins with a lead of y of `left`: ties go to it where it comes first."""
    return torch.where(ahead, left <= 0, left < 0)


def flips_emptied(readout: Readout, y: Tensor) -> Tensor:
    """Whether the decision is not `y` when no attention is left, [N] bool; any head."""
    texts = 1 if readout.linear else len(y)  # the empty document is the same for all
    return readout.decode(readout.bias.new_zeros(texts, readout.scores.shape[2])).argmax(1) != y
