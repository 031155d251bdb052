"""Readouts that the kernel tests share."""

from dataclasses import replace

import torch
from torch import Tensor

from attnlib import Readout


def make(
    n: int,
    longest: int,
    classes: int = 2,
    seed: int = 0,
    *,
    shortest: int = 1,
    scale: float = 3.0,
    peak: float = 2.0,
    ties: bool = False,
    dtype: torch.dtype = torch.float64,
) -> Readout:
    """Random texts of `shortest` to `longest` tokens; `ties`: whole scores and dyadic weights, some 0."""
    g = torch.Generator().manual_seed(seed)
    lengths = torch.randint(shortest, longest + 1, (n,), generator=g)
    lengths[0] = longest
    mask = torch.arange(longest) < lengths[:, None]
    if ties:
        # multiples of 1/16 that sum to exactly 1: 16 balls in `length` boxes
        alpha = torch.zeros(n, longest, dtype=torch.float64)
        for i, length in enumerate(lengths.tolist()):
            boxes = torch.randint(0, length, (16,), generator=g)
            alpha[i] = torch.bincount(boxes, minlength=longest).double() / 16
        scores = torch.randint(-2, 3, (n, longest, classes), generator=g).double()
        bias = torch.randint(-1, 2, (classes,), generator=g).double()
        return Readout(alpha, scores.to(dtype), bias, mask)
    alpha = peak * torch.randn(n, longest, generator=g, dtype=torch.float64)
    alpha = alpha.masked_fill(~mask, -torch.inf).softmax(1)
    scores = scale * torch.randn(n, longest, classes, generator=g, dtype=torch.float64)
    scores = scores + scale / 3 * torch.randn(n, 1, classes, generator=g, dtype=torch.float64)
    bias = torch.randn(classes, generator=g, dtype=torch.float64)
    return Readout(alpha, scores.to(dtype), bias.to(dtype), mask)


def one(alpha: list[float], margins: list[float], bias: float = 0.0) -> Readout:
    """One two-class text from its weights and the log-odds of its tokens."""
    s = torch.tensor(margins, dtype=torch.float64)
    scores = torch.stack((torch.zeros_like(s), s), 1)[None]
    a, biases = torch.tensor([alpha], dtype=torch.float64), torch.tensor([0.0, bias], dtype=torch.float64)
    return Readout(a, scores, biases, torch.ones_like(a, dtype=torch.bool))


def with_head(n: int, longest: int, seed: int = 0, classes: int = 3) -> Readout:
    """Texts whose logits are W·tanh(Σ p_t z_t + b + offset), 4 inner numbers."""
    base = make(n, longest, 4, seed, scale=1.0, dtype=torch.float32)
    g = torch.Generator().manual_seed(seed + 1)
    w = 2 * torch.randn(4, classes, generator=g)
    offset = torch.randn(n, 4, generator=g)
    return replace(base, head=lambda pooled: torch.tanh(pooled) @ w, offset=offset)


def allowing(readout: Readout, seed: int = 0, least: int = 1) -> Readout:
    """The same texts, each with classes of its own that may be predicted, `least` of them or more."""
    g = torch.Generator().manual_seed(seed)
    key = torch.rand(readout.logits().shape, generator=g)
    return replace(readout, allowed=(key < 0.5) | (key.argsort(1).argsort(1) < least))


def alone(readout: Readout, i: int) -> Readout:
    """Text i with the classes that it allows, two or more, as if there were no others."""
    single = readout.select([i])
    classes = readout.allowed[i].nonzero()[:, 0]
    if readout.head is None:
        return replace(single, scores=single.scores[..., classes], bias=single.bias[classes], allowed=None)
    return replace(single, head=lambda pooled: readout.head(pooled)[..., classes], allowed=None)


def spread_out(readout: Readout, extra: int = 3) -> tuple[Readout, Tensor]:
    """The texts with NaN padding before, between and after the tokens; and the tokens' new columns."""
    n, t = readout.mask.shape
    columns = torch.arange(t) * 2 + 1  # [T]
    width = 2 * t + extra

    def place(x: Tensor, fill: float | bool) -> Tensor:
        out = torch.full((n, width, *x.shape[2:]), fill, dtype=x.dtype)
        out[:, columns] = x
        return out

    mask = place(readout.mask, False)
    scores = place(readout.scores, torch.nan).masked_fill(~mask[..., None], torch.nan)
    wide = replace(readout, alpha=place(readout.alpha, 0.0), scores=scores, mask=mask)
    return wide, columns
