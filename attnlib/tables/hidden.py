"""What attention, the smallest flipping set and the votes nearby show of tokens that are to be hidden."""

import torch
from torch import Tensor

from attnlib.kernels import minimal_flip_set, token_margins
from attnlib.readout import Readout


def hidden_tokens(readout: Readout, marked: Tensor, furthest: int = 3) -> dict[tuple[str, str], Tensor]:
    """Numbers of each text by metric and method, [N] float64; NaN where a text has no marked token.

    marked: [N, T] bool, the tokens to be hidden. attention_on_hidden: the weights of those.
    hidden_in_minimal: their share of the smallest flipping set, NaN where no set flips. vote_alone: the mean
    size of the margin that a token's state has alone, |s_t + β|, over the tokens at distance 0, 1, … from the
    nearest marked one; those at `furthest` or beyond are one. ValueError as of `kernels.token_margins`.

    >>> readout = Readout([[0.5, 0.5]], [[[0.0, 3.0], [0.0, 1.0]]], [0.0, 0.0], [[True, True]])
    >>> found = hidden_tokens(readout, torch.tensor([[True, False]]))
    >>> found["attention_on_hidden", "attention"].item(), found["vote_alone", "distance 1"].item()
    (0.5, 1.0)
    """
    alone = token_margins(readout).abs()
    flip = minimal_flip_set(readout)
    smallest = flip.mask & flip.flipped[:, None]
    found = {
        ("attention_on_hidden", "attention"): (readout.alpha.double() * marked).sum(dim=1),
        ("hidden_in_minimal", "minimal flipping set"): share(smallest & marked, smallest),
    }
    away = distance(marked).clamp(max=furthest)
    for step in range(furthest + 1):
        there = readout.mask & (away == step)
        found["vote_alone", f"distance {step}"] = share(alone * there, there)
    none = ~marked.any(dim=1)
    return {key: values.masked_fill(none, torch.nan) for key, values in found.items()}


def share(part: Tensor, whole: Tensor) -> Tensor:
    """Sums of rows over sums of rows, [N] float64; NaN where both are 0."""
    return part.sum(dim=1).double() / whole.sum(dim=1)


def distance(marked: Tensor) -> Tensor:
    """Tokens from each position to the nearest marked one, [N, T]; at least T where none is marked."""
    width = marked.shape[1]
    place = torch.arange(width, device=marked.device).expand_as(marked)
    before = torch.where(marked, place, -width).cummax(dim=1).values
    after = torch.where(marked, place, 2 * width).flip(1).cummin(dim=1).values.flip(1)
    return torch.minimum(place - before, after - place)
