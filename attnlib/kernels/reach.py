"""Reach: what any attention at all could do to the prediction."""

from typing import NamedTuple

import torch
from torch import Tensor

from attnlib.kernels._common import check_linear
from attnlib.readout import Readout


class Reach(NamedTuple):
    """Result of `reach`, one entry per text.

    - `can_flip`: [N] bool, whether some attention predicts another class.
    - `lowest`: [N] float64, lowest probability of the predicted class over all attentions.
    - `highest`: [N] float64, the highest one. NaN unless there are two classes.
    - `largest_tvd`: [N] float64, largest TVD between the output under any attention and the model's own. NaN
      unless there are two classes.
    """

    can_flip: Tensor
    lowest: Tensor
    highest: Tensor
    largest_tvd: Tensor


def reach(readout: Readout) -> Reach:
    """Whether any attention weights can change the decision, and how far they can move its probability.

    The logits are a mean of the tokens' own logits z_t + b, so if every token alone predicts y then so does
    every mixture: some attention flips the decision iff some single token does. The probability of y is
    1/Σ_c exp(l_c − l_y) with a sum that is convex in the weights, so it is lowest at a single token for any
    number of classes; for two classes it is monotone in a linear margin and highest at one too.

    float64. Raises ValueError for a head and where a class is not allowed (the argument needs linear logits).
    """
    check_linear(readout, "reach")
    mask = readout.mask
    y = readout.predictions()  # [N]
    alone = readout.scores.double() + readout.bias.double()  # [N, T, C] logits of single tokens
    p = alone.log_softmax(-1).gather(2, y[:, None, None].expand(-1, mask.shape[1], 1))[..., 0].exp()  # [N, T]
    lowest = p.masked_fill(~mask, torch.inf).amin(1)
    if readout.scores.shape[2] == 2:
        highest = p.masked_fill(~mask, -torch.inf).amax(1)
    else:
        highest = torch.full_like(lowest, torch.nan)
    predicted = readout.probabilities().amax(1)
    largest = (predicted - lowest).maximum(highest - predicted)
    return Reach(flips_alone(readout), lowest, highest, largest)


def flips_alone(readout: Readout) -> Tensor:
    """Whether some token, given all the attention, predicts another class, [N] bool; any head.

    For linear logits this is `reach(readout).can_flip`; for a head with hidden layers a mixture may flip
    where no single token does, so it is a lower bound.
    """
    y = readout.predictions()
    flips = torch.zeros_like(readout.mask[:, 0])
    step = max(1, (1 << 22) // (readout.scores.shape[1] * readout.scores.shape[2]))
    for start in range(0, len(readout), step):
        rows = torch.arange(start, min(start + step, len(readout)), device=readout.device)
        alone = readout.decode(readout.scores[rows].double(), rows).argmax(-1)  # [n, T]
        flips[rows] = ((alone != y[rows, None]) & readout.mask[rows]).any(1)
    return flips
