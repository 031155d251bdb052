"""Attention scorers: one number per position, before the softmax, or before a mapping of the scorer's own.

Called as `scorer(states [N, L, m], query [N, m] or None)` → scores [N, L]. A scorer with a method
`to_weights` makes weights of them by it; scores are -inf off the mask. With `pair=True` the score also
depends on the query (Jain & Wallace 2019, §2).
"""

import math

import torch
from torch import Tensor, nn

from attnlib.checks import needed


def weights_of(scorer: nn.Module, scores: Tensor) -> Tensor:
    """Attention weights [..., L] of a scorer's scores [..., L], by softmax or by its own `to_weights`."""
    to_weights = getattr(scorer, "to_weights", None)
    return scores.softmax(dim=-1) if to_weights is None else to_weights(scores)


class Additive(nn.Module):
    """v · tanh(W h_t + b), or v · tanh(W₁ h_t + b₁ + W₂ q + b₂) with a query (Bahdanau et al. 2015).

    width: of the hidden layer, None for half of the size.
    """

    def __init__(self, size: int, pair: bool = False, width: int | None = None) -> None:
        super().__init__()
        width = width or size // 2
        self.states = nn.Linear(size, width)
        self.query = nn.Linear(size, width) if pair else None
        self.value = nn.Linear(width, 1, bias=False)

    def forward(self, states: Tensor, query: Tensor | None = None) -> Tensor:
        """Scores [N, L]."""
        hidden = self.states(states)
        if self.query is not None:
            hidden = hidden + self.query(query).unsqueeze(1)
        return self.value(torch.tanh(hidden)).squeeze(2)


class AdditiveEntmax(Additive):
    """Additive scores, 1.5-entmax: many weights are exactly 0 (Peters et al. 2019)."""

    mapping = "entmax15"  # of the package entmax

    @classmethod
    def to_weights(cls, scores: Tensor) -> Tensor:
        """Attention weights [..., L]; ImportError says how to install the package of sparse mappings."""
        return getattr(needed("entmax", "sparse attention needs", "sparse"), cls.mapping)(scores, dim=-1)


class AdditiveSparsemax(AdditiveEntmax):
    """Additive scores, sparsemax: the nearest distribution to the scores (Martins & Astudillo 2016)."""

    mapping = "sparsemax"


class ScaledDot(nn.Module):
    """h_t · w / √m with a learned w, or h_t · q / √m with a query (Vaswani et al. 2017)."""

    def __init__(self, size: int, pair: bool = False) -> None:
        super().__init__()
        self.value = None if pair else nn.Linear(size, 1, bias=False)
        self.scale = 1 / math.sqrt(size)

    def forward(self, states: Tensor, query: Tensor | None = None) -> Tensor:
        """Scores [N, L]."""
        if self.value is not None:
            return self.value(states).squeeze(2) * self.scale
        assert query is not None
        return (states @ query.unsqueeze(2)).squeeze(2) * self.scale


class Uniform(nn.Module):
    """The same score everywhere: a model trained with it has frozen uniform attention (Wiegreffe & Pinter
    2019, §3.2)."""

    def __init__(self, size: int, pair: bool = False) -> None:
        super().__init__()

    def forward(self, states: Tensor, query: Tensor | None = None) -> Tensor:
        """Scores [N, L], all 0."""
        return states.new_zeros(states.shape[:2])


class Imposed(nn.Module):
    """No scores: the weights come with the texts (Wiegreffe & Pinter 2019, §3.4; `attnlib.data.imposed`)."""

    def __init__(self, size: int, pair: bool = False) -> None:
        super().__init__()

    def forward(self, states: Tensor, query: Tensor | None = None) -> Tensor:
        """ValueError: there is nothing to compute scores from."""
        raise ValueError(
            "the model takes imposed attention weights, and these texts carry none: put them there with "
            "attnlib.data.imposed.impose"
        )


SCORERS = {
    "additive": Additive,
    "scaled_dot": ScaledDot,
    "uniform": Uniform,
    "imposed": Imposed,
    "additive_entmax": AdditiveEntmax,
    "additive_sparsemax": AdditiveSparsemax,
}
