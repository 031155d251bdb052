"""Shapley values of the tokens: the logits that attention shares out, divided among those that hold it.

A set S of tokens is worth v(S) = Σ_S α_t z_t / Σ_S α_t + b, the logits once all others are erased, and b if S
holds no attention (the empty document). The Shapley value of a token is what it adds to v when it joins those
before it, averaged over all orders of the tokens. Without renormalising v is additive, and the value α_t z_t.
"""

from math import comb
from typing import NamedTuple

import torch
from scipy.special import stdtrit
from torch import Tensor

from attnlib.checks import check_at_least
from attnlib.kernels._common import blocks, check_linear
from attnlib.kernels._decision import SCALE
from attnlib.kernels._draws import Names, text_keys, token_keys
from attnlib.readout import Readout, unchecked

LONGEST = 16  # tokens whose sets are all tried: 2^16 of them

_NUMBERS = 1 << 22  # values of sets, or of prefixes of drawn orders, held at a time


class Shapley(NamedTuple):
    """What each token contributes to each class's logit, and how well that is known.

    - `values`: [N, T, C] float64, logits. They sum to the logits minus the bias. NaN off the mask.
    - `half_width`: [N, T, C] float64, of the 95 % interval around a sampled value. 0 where the value is
      exact, NaN off the mask.
    """

    values: Tensor
    half_width: Tensor


def shapley(
    readout: Readout, n_permutations: int = 1000, seed: int = 0, exact_up_to: int = 12, ids: Names = None
) -> Shapley:
    """Shapley values of the game with renormalising, each class's logit a game of its own, any C.

    Exact for texts with up to `exact_up_to` (at most 16) tokens that hold attention, from all 2^T sets: a
    token without any adds nothing to any set, and its value is 0. Longer texts: the mean over
    `n_permutations` orders, half of them drawn and each followed by its reverse, with Student's interval over
    these pairs. float64.

    ids: names of the N texts, strings or whole numbers. A draw depends on the seed, the text's length and its
    id alone, not on the batch or the model; without ids texts of one length draw the same.

    Raises ValueError for a head and where a class is not allowed; when n_permutations is odd or < 4,
    exact_up_to < 1 or > 16, or seed < 0; and for ids of another number or kind. (Shapley 1953; sampling:
    Castro et al. 2009, in pairs as Mitchell et al. 2022.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.shapley(readout).values[0, :, 1].round(decimals=3).tolist()
    [1.25, 0.333, -0.333]
    """
    check_linear(readout, "shapley")
    check_at_least("n_permutations", n_permutations, 4)
    if n_permutations % 2:
        raise ValueError(f"n_permutations: must be even, for an order and its reverse; got {n_permutations}")
    check_at_least("exact_up_to", exact_up_to, 1)
    if exact_up_to > LONGEST:
        remedy = f"At most {LONGEST}; longer texts are sampled: n_permutations narrows their intervals"
        raise ValueError(f"exact_up_to: {exact_up_to} tokens have 2^{exact_up_to} sets. {remedy}")
    keys = text_keys(seed, readout.lengths, ids)
    values = torch.zeros_like(readout.scores, dtype=torch.float64)
    half_width = torch.zeros_like(values)
    holding = unchecked(readout, mask=readout.mask & (readout.alpha > 0))
    held = max(n_permutations, 2**exact_up_to) * len(readout.bias)
    for rows, columns, texts in blocks(holding, max(1, _NUMBERS // held), holding.lengths):
        a = texts.alpha * SCALE  # [n, L], all above 0
        w = a[:, None] * texts.scores.double().transpose(1, 2)  # [n, C, L]
        at = rows[:, None], columns
        if a.shape[1] <= exact_up_to:
            values[at] = _exact(a, w).transpose(1, 2)
            continue
        draws = (token_keys(keys[rows], texts.mask, draw) for draw in range(n_permutations // 2))
        pairs = _pairs(a, w, torch.stack([drawn.argsort(dim=1, stable=True) for drawn in draws], 1))
        values[at] = pairs.mean(2).transpose(1, 2)
        factor = stdtrit(pairs.shape[2] - 1, 0.975) / pairs.shape[2] ** 0.5
        half_width[at] = factor * pairs.std(2).transpose(1, 2)
    off = ~readout.mask[..., None]
    return Shapley(values.masked_fill_(off, torch.nan), half_width.masked_fill_(off, torch.nan))


def _exact(a: Tensor, w: Tensor) -> Tensor:
    """Values [n, C, L] from all sets; `a`: [n, L] weights above 0, `w`: [n, C, L] weights times scores."""
    length = a.shape[1]
    numbers = torch.arange(2**length, device=a.device)
    members = (numbers[:, None] >> numbers[:length]) % 2  # [2^L, L]: the sets in binary
    size = members.sum(1, keepdim=True)
    # of all orders, those in which a token comes right after a given set of so many: |S|! (L − |S| − 1)! / L!
    share = a.new_tensor([1 / (length * comb(length - 1, before)) for before in range(length)])
    joined, missed = share[(size - 1).clamp(min=0)], share[size.clamp(max=length - 1)]
    inside = members.double()
    worth = w @ inside.t() / (a @ inside.t())[:, None]  # [n, C, 2^L]
    worth[..., 0] = 0.0  # the empty set
    return worth @ torch.where(members > 0, joined, -missed)


def _pairs(a: Tensor, w: Tensor, order: Tensor) -> Tensor:
    """Mean of what a token adds in an order [n, K, L] and in its reverse, [n, C, K, L]; a, w: as `_exact`."""
    both = torch.cat((order, order.flip(2)), 1)  # [n, 2K, L]
    mass = a[:, None].expand_as(both).gather(2, both).cumsum(2)
    places = both[:, None].expand(-1, w.shape[1], -1, -1)
    worth = w[:, :, None].expand_as(places).gather(3, places).cumsum(3).div_(mass[:, None])
    added = worth.diff(dim=3, prepend=torch.zeros_like(worth[..., :1]))
    return torch.zeros_like(worth).scatter_(3, places, added).unflatten(2, (2, -1)).mean(2)
