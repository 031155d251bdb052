"""Erasure step by step, as the authors' code does it: a check of the closed form of `erase_until_flip`."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from attnlib.kernels._common import arranged, check_linear, similar
from attnlib.kernels.erasure import Flip, check_order, read_order
from attnlib.readout import Readout

_NUMBERS = 1 << 17  # scores held at a time
_FIRST_STEPS, _MOST_STEPS = 4, 32  # between two looks at the outputs
_NEAR_TIE = 1e-6  # of the scale: rounding may decide
_EPSILON = 1e-12  # of the authors' normalisation: less attention than this is not brought back to a sum of 1


class FirstFlipCheck(NamedTuple):
    """In how many texts step-by-step erasure first flips at another step, or not at all; whole numbers.

    - `texts`: compared.
    - `float64`: that disagree when the steps are in float64.
    - `float64_near_ties`: of these, where the lead at the earlier of the two steps is ≤ 1e-6 of the scale.
    - `float32`: that disagree in float32, normalised as in the authors' code.
    - `float32_near_ties`: of these, the near-ties in the same sense.
    - `float32_below_epsilon`: of the others, where a step had left < 1e-12 of the attention before it.
    """

    texts: int
    float64: int
    float64_near_ties: int
    float32: int
    float32_near_ties: int
    float32_below_epsilon: int


def check_first_flip(readout: Readout, order: Tensor, flip: Flip) -> FirstFlipCheck:
    """Erase step by step in `order` and count the texts whose first flip is not where `flip` has it.

    A step sets one weight to 0, renormalises what the step before left (so that rounding accumulates), pools
    the remaining scores anew and takes the argmax; with no attention left the bias decides. Once in float64;
    and once in float32 with weights divided by max(Σ, 1e-12), as in the authors' code. What must change is
    `readout.predictions()`. The lead is the logit of that class less the largest other one; the scale is the
    text's largest absolute logit of a single token.

    `order`: [N, T] as `erase_until_flip` takes it; `flip`: what that returned. O(T² C) for each text. Raises
    ValueError for a head, where a class is not allowed, for a bad `order` and another number of texts.

    >>> from attnlib import Readout, kernels
    >>> from attnlib.tables.replay import check_first_flip
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> order = kernels.attention_order(readout)
    >>> check_first_flip(readout, order, kernels.erase_until_flip(readout, order)).float64
    0
    """
    check_linear(readout, "check_first_flip")
    order = check_order(readout, order)
    if len(flip.count) != len(readout):
        raise ValueError(f"flip: expected {len(readout)} texts like the Readout, got {len(flip.count)}")
    expected = torch.where(flip.flipped, flip.count, order.shape[1] + 1)
    counts = []
    for dtype in (torch.float64, torch.float32):
        found = _first_flips(readout, order, dtype)
        rows = (found != expected).nonzero()[:, 0]
        near, below = 0, 0
        if len(rows):
            ties, lost = _doubtful(readout, rows, order[rows], torch.minimum(found, expected)[rows])
            near, below = int(ties.sum()), int((lost & ~ties).sum())
        counts += [len(rows), near, below]
    return FirstFlipCheck(len(readout), *counts[:2], *counts[3:])


def _first_flips(readout: Readout, order: Tensor, dtype: torch.dtype) -> Tensor:
    """The step at which each text first flips, T + 1 if it never does, [N] int64."""
    y, lengths, bias = readout.predictions(), readout.lengths, readout.bias.to(dtype)
    never = order.shape[1] + 1
    out = torch.full_like(lengths, never)
    for rows, width in similar(lengths, max(1, _NUMBERS // len(bias))):
        tokens, inside = read_order(readout, order, lengths, rows, width)
        texts = arranged(readout, rows, tokens)
        weights, scores = (texts.alpha * inside).to(dtype), texts.scores.to(dtype)
        start, steps = 0, _FIRST_STEPS
        while len(rows):
            weights, pooled = _pooled(weights, scores, min(steps, width - start))
            step = torch.arange(start + 1, start + 1 + pooled.shape[1], device=rows.device)
            flips = ((pooled + bias).argmax(2) != y[rows, None]) & (step <= lengths[rows, None])
            out[rows] = torch.where(flips, step, never).amin(1)
            start, steps = int(step[-1]), min(2 * steps, _MOST_STEPS)
            stay = (out[rows] == never) & (lengths[rows] > start)
            rows, weights, scores = rows[stay], weights[stay], scores[stay, len(step) :]
    return out


def _pooled(weights: Tensor, scores: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The weights [n, W − steps] left after some steps, and Σ weights · scores after each [n, steps, C]."""
    each = weights.new_zeros(len(weights), steps, weights.shape[1])
    for step in range(steps):
        weights = _normalised(weights[:, 1:])  # the first goes, the others make up 1
        each[:, step, step + 1 :] = weights
    return weights, each @ scores


def _normalised(weights: Tensor) -> Tensor:
    """Weights over their sum; float32 as the authors do it, so that less than 1e-12 stays less than 1."""
    return normalize(weights, p=1.0, dim=1, eps=_EPSILON if weights.dtype == torch.float32 else math.ulp(0.0))


def _doubtful(readout: Readout, rows: Tensor, order: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Whether the lead after `step` erasures is a near-tie, and whether 1e-12 was reached by then, [n]."""
    at = torch.arange(order.shape[1], device=order.device)
    inside, gone = at < readout.lengths[rows, None], at < step[:, None]
    texts = arranged(readout, rows, order.long().where(inside, order[:, :1]))  # the first erased first
    weights = texts.alpha.masked_fill(~inside, 0.0)
    left = weights.flip(1).cumsum(1).flip(1)  # [n, T] attention before each step
    after = pad(left[:, 1:], (0, 1))
    lost = ((after < _EPSILON * left) & (after > 0) & gone).any(1)
    logits = texts.logits(_normalised(weights.masked_fill(gone, 0.0)))  # [n, C]
    y = readout.predictions()[rows, None]
    lead = logits.gather(1, y)[:, 0] - logits.scatter(1, y, -torch.inf).amax(1)
    alone = (texts.scores.double() + texts.bias.double()).abs()  # padding repeats a token
    return lead.abs() <= _NEAR_TIE * alone.amax((1, 2)), lost
