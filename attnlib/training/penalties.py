"""What training can add to a text's loss, so that the model attends, or encodes, in another way.

A penalty is called as `penalty(index, output, batch)`, with the texts' positions in the training split, and
gives one number per text [n].
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from attnlib.kernels import conicity
from attnlib.models.batches import Batch, by_position
from attnlib.models.classifier import Output

Penalty = Callable[[np.ndarray, Output, Batch], Tensor]
# Marked tokens of each text, bool [T].
Marks = Sequence[np.ndarray]


def hiding(attention: Tensor, allowed: Tensor) -> Tensor:
    """−ln of the attention on allowed tokens, [n]: 0 where all of it is there (Pruthi et al. 2020, eq. 1).

    attention: [n, T]; allowed: [n, T] bool. A text in which no token is allowed has none to move: 0.
    """
    left = torch.where(allowed, attention, 0).sum(dim=1)
    return -torch.where(allowed.any(dim=1), left, 1).clamp_min(torch.finfo(left.dtype).tiny).log()


def deception(marks: Marks, strength: float) -> Penalty:
    """λ times `hiding` of the tokens that are marked in the training texts."""

    def penalty(index: np.ndarray, output: Output, batch: Batch) -> Tensor:
        shown = by_position(marks, index).to(output.attention.device)
        return strength * hiding(output.attention, batch.mask & ~shown)

    return penalty


def likeness(strength: float) -> Penalty:
    """λ times the `conicity` of the states of the tokens that attention may use (Mohankumar et al. 2020)."""
    return lambda index, output, batch: strength * conicity(output.states, batch.mask)
