"""How alike the states of a text are."""

import torch
from torch import Tensor


def conicity(states: Tensor, mask: Tensor) -> Tensor:
    """Mean cosine of a text's states to their mean, [N]: 1 where all point one way.

    states: [N, T, m]; mask: [N, T] bool, the tokens that count. T states at right angles and of one length
    give 1/√T; a state of length 0 has cosine 0. The result has the states' type. ValueError for a row without
    a token. (Mohankumar et al. 2020, section 3.)

    >>> states = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]]])
    >>> conicity(states, torch.tensor([[True, True, False]])).item().__round__(3)
    0.707
    """
    if not mask.any(dim=1).all():
        row = int((~mask.any(dim=1)).nonzero()[0])
        raise ValueError(f"mask: row {row} has no token, and no states no mean")
    kept = states.masked_fill(~mask.unsqueeze(2), 0)
    tokens = mask.sum(dim=1, keepdim=True)
    mean = kept.sum(dim=1, keepdim=True) / tokens.unsqueeze(2)
    return torch.cosine_similarity(kept, mean, dim=2).sum(dim=1) / tokens.squeeze(1)
