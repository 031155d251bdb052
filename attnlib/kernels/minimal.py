"""The smallest sets of tokens whose erasure changes the decision: fewest tokens, and least attention mass.

Erasing R turns class y into c when Σ_{t∉R} α_t d_t < 0, with d_t the token's lead of y over c, bias included
(≤ instead of < if c comes before y, for argmax takes the first). That is linear in the set. So the fewest
tokens are found by sorting α_t d_t. Least Σ_R α_t is a knapsack in which token t weighs α_t and is worth
α_t d_t. With parts of tokens allowed it is a linear programme, solved by taking tokens in descending worth
per weight, which is d_t itself: the gradient is to mass what attention × gradient is to count.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from attnlib.kernels._common import blocks, check_linear, put, take
from attnlib.kernels._decision import SCALE, leads, sums, turned
from attnlib.kernels.erasure import MinimalFlip, mean_over_flipped
from attnlib.readout import Readout

_TOKENS, _NUMBERS = 1 << 17, 1 << 20  # scores held at a time for the count, and for the mass
_ROUNDS = 8  # tokens that are put back, at most


class FlipMass(NamedTuple):
    """What the least mass that must be erased lies between, one entry per text.

    - `lower`: [N] float64, no set of less attention changes the decision. 1 in a text that no set flips.
    - `upper`: [N] float64, attention held by a set that does. 1 in a text that no set flips.
    - `flipped`: [N] bool, whether some set changes the decision and leaves some attention.

    `lower.mean()` mixes in texts that no set flips; `mean_over_flipped("lower")` leaves them out.
    """

    lower: Tensor
    upper: Tensor
    flipped: Tensor

    def mean_over_flipped(self, field: str) -> float:
        """Mean of a field over the texts that some set flips; NaN where there is none."""
        return mean_over_flipped(self, field)


def minimal_flip_set(readout: Readout) -> MinimalFlip:
    """The smallest number of tokens whose erasure changes the decision, and such a set. Exact, any C.

    Erasing R and renormalising turns class y into c when Σ_{t∉R} α_t d_t < 0 (or = 0 if c comes before y, for
    argmax takes the first), with d_t the token's lead of y over c, bias included. That is linear in the set,
    so for each c the best R of any size are the tokens with the largest α_t d_t, and one sort finds the
    smallest. The rest must keep some attention. Of equally small sets the one for the lowest class is
    returned, and `mass` is that set's (the smallest *mass* is another problem, a knapsack). In a text that no
    set flips `count` is all tokens, so a mean needs `mean_over_flipped`.

    float64. Raises ValueError for a head and where a class is not allowed.
    (Serrano & Smith 2019, section 5, calls the exhaustive search exponential.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.minimal_flip_set(readout).mask.tolist()
    [[True, False, False]]
    """
    check_linear(readout, "minimal_flip_set")
    y, lengths = readout.predictions(), readout.lengths
    count, chosen = torch.empty_like(lengths), torch.zeros_like(readout.mask)
    for rows, columns, texts in blocks(readout, max(1, _TOKENS // len(readout.bias))):
        count[rows], found = _fewest(texts, y[rows])
        put(chosen, rows, columns, found)
    flipped = count <= lengths
    count = torch.where(flipped, count, lengths)
    mass = torch.where(flipped, (readout.alpha * chosen).sum(1), 1.0)
    nothing = torch.zeros_like(flipped)
    return MinimalFlip(count, count / lengths.double(), mass, flipped, nothing, chosen)


def _fewest(texts: Readout, y: Tensor) -> tuple[Tensor, Tensor]:
    """Size of the smallest flipping set [n] (length + 1 if there is none), and the set [n, W] bool."""
    mask, lengths, classes = texts.mask, texts.lengths, len(texts.bias)
    at = torch.arange(mask.shape[1], device=mask.device)
    lead, ahead, other = leads(texts, texts.alpha * SCALE, y)
    # the m smallest leads remain, m = 1, 2, …; padding sorts to the end, and adds 0 there
    order = torch.where(mask, lead, torch.inf).sort(dim=2, stable=True).indices  # [C − 1, n, W]
    left = sums(lead.gather(2, order), lambda x: x.cumsum(2))
    some = texts.alpha.expand_as(lead).gather(2, order).cumsum(2) > 0
    flips = turned(left, ahead) & some & (at < lengths[:, None] - 1)
    remain = (flips * (at + 1)).amax(2)  # [C − 1, n] most tokens that may remain
    # the size of the set, then the class it leads to: the smallest
    found = torch.where(remain > 0, (lengths - remain) * classes + other, (lengths + 1) * classes)
    best, k = found.min(0)
    order, remain = (x.take_along_dim(k.view(1, -1, *[1] * (x.dim() - 2)), 0)[0] for x in (order, remain))
    erased = (at >= remain[:, None]) & (at < lengths[:, None]) & (remain > 0)[:, None]  # in sorted order
    return best // classes, torch.zeros_like(mask).scatter_(1, order, erased)


def minimal_flip_mass(readout: Readout) -> FlipMass:
    """Bounds on the least attention mass whose erasure changes the decision, any C.

    `lower`: of the linear programme above, the least over the classes c. `upper`: of a set of whole tokens,
    the best of `minimal_flip_set` and of the programme's solution for each c, its last token in exchange for
    the lightest that does; then up to 8 tokens that need not go are put back, the heaviest first. They differ
    by at most the largest weight. What remains keeps some attention. In a text that no set flips both are 1,
    so a mean needs `mean_over_flipped`.

    float64; `lower` is right within rounding, about T · 1e-16. Raises ValueError for a head and where a class
    is not allowed. (The question of Serrano & Smith 2019, section 5, for probability mass.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> found = kernels.minimal_flip_mass(readout)
    >>> found.lower.tolist(), found.upper.tolist()
    ([0.125], [0.25])
    """
    check_linear(readout, "minimal_flip_mass")
    y, fewest = readout.predictions(), minimal_flip_set(readout)
    lower = torch.full_like(readout.alpha[:, 0], torch.inf)
    upper = fewest.mass.masked_fill(~fewest.flipped, torch.inf)
    for rows, columns, texts in blocks(readout, max(1, _NUMBERS // len(readout.bias))):
        alpha, (small,) = texts.alpha, take([fewest.mask], rows, columns)
        for d, ahead in zip(*leads(texts, torch.ones_like(alpha), y[rows])[:2], strict=True):
            w = alpha * SCALE * d  # what a token adds to the lead, scaled
            order = d.masked_fill(~texts.mask, torch.inf).sort(dim=1, stable=True).indices
            a, w, inside, small_here = (x.gather(1, order) for x in (alpha, w, texts.mask, small))
            least, erased = _rounded(a, w, ahead)
            lower[rows] = torch.minimum(lower[rows], least)
            for chosen in (erased & inside, small_here):
                mass = _mass(a, w, _lightened(a, w, ahead, chosen), ahead)
                upper[rows] = torch.minimum(upper[rows], mass)
    flipped = upper.isfinite()
    upper = torch.where(flipped, upper.clamp(max=1), 1.0)
    lower = torch.where(flipped, torch.minimum(lower, upper), 1.0)
    return FlipMass(lower, upper, flipped)


def _rounded(a: Tensor, w: Tensor, ahead: Tensor) -> tuple[Tensor, Tensor]:
    """Mass of the linear programme for one class [n], inf if it has no solution, and a set of whole tokens.

    `a`, `w`: [n, W] weights and what they add to the lead, by ascending d, padding of 0 last; `ahead`:
    [n, 1]. The set [n, W] is empty if there is none.
    """
    # leads and mass of the first m tokens, m = 1, 2, …: what remains
    left, mass = w.cumsum(1), a.cumsum(1)
    enough = turned(sums(w, lambda x: x.cumsum(1)), ahead) & (mass > 0)
    # the lead falls while d < 0 and rises after: the largest m at which it is turned, then a part of the next
    at = torch.arange(1, a.shape[1] + 1, device=a.device)
    remain = (enough * at).amax(1, keepdim=True)  # [n, 1], 0 if none
    some = remain > 0
    gone = at > remain  # [n, W] sorted places of the erased
    # the programme: of the next token a part may stay, until the lead is 0
    next_one = remain.clamp(max=a.shape[1] - 1)
    kept = left.gather(1, (remain - 1).clamp(min=0))  # [n, 1] ≤ 0
    step, weight = w.gather(1, next_one), a.gather(1, next_one)
    part = torch.where(step > 0, -kept / step, 0.0).clamp(0, 1)
    all_stay = remain == a.shape[1]
    least = (a * gone).sum(1, keepdim=True) - torch.where(all_stay, 0.0, part * weight)
    least = torch.where(some, least.clamp(min=0), torch.inf)[:, 0]
    # instead of the next token, the lightest that does: it leaves a lead that is turned as well
    with_next = torch.where(all_stay, kept, kept + step)
    other = turned(with_next - w, ahead) & (w > 0) & (at <= remain + 1)
    other |= at == remain + 1
    lightest = a.masked_fill(~other, torch.inf).argmin(1, keepdim=True)
    erased = (at > remain + 1).scatter(1, lightest, ~all_stay)
    return least, erased & some


def _lightened(a: Tensor, w: Tensor, ahead: Tensor, erased: Tensor) -> Tensor:
    """The set [n, W] without up to 8 tokens that need not go, the heaviest first."""
    left = w.masked_fill(erased, 0.0).sum(1, keepdim=True)
    for _ in range(_ROUNDS):
        spare = erased & turned(left + w, ahead) & (a > 0)
        if not spare.any():
            break
        pick = a.masked_fill(~spare, -1.0).argmax(1, keepdim=True)
        back = spare.gather(1, pick)
        left = left + torch.where(back, w.gather(1, pick), 0.0)
        erased = erased.scatter(1, pick, erased.gather(1, pick) & ~back)
    return erased


def _mass(a: Tensor, w: Tensor, erased: Tensor, ahead: Tensor) -> Tensor:
    """Attention held by the set [n], inf unless its erasure turns the decision and leaves some attention."""
    left = sums(w.masked_fill(erased, 0.0), lambda x: x.sum(1, keepdim=True))
    good = turned(left, ahead)[:, 0] & (a.masked_fill(erased, 0.0).sum(1) > 0) & erased.any(1)
    return (a * erased).sum(1).masked_fill(~good, torch.inf)
