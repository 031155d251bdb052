"""All that a model's scorer and head take from the states, as one linear map of the states.

Both begin with a linear map of h_t: the additive scorer's W h_t or the dot product with a vector, and the
head's projection. Joined, one product per state gives what attention and output need, and because the map is
linear, a state that is the concatenation of two halves may have its halves projected apart and added.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from attnlib.models.classifier import AttentionModel, DeepHead, LinearHead, PairHead
from attnlib.models.scorers import Additive, ScaledDot, Uniform


@dataclass(frozen=True)
class JointProjection:
    """weight [A + K, m], or [n, A + K, m] when it depends on a question; bias [A + K] or [n, A + K]."""

    weight: Tensor
    bias: Tensor
    n_hidden: int  # A
    scorer: Additive | ScaledDot | Uniform
    head: LinearHead | DeepHead | PairHead
    query: Tensor | None  # [n, m]

    def __call__(self, states: Tensor, part: slice = slice(None)) -> Tensor:
        """States [n, ..., m], or a part of their columns, → [n, ..., A + K]; any part with the bias."""
        product = states.flatten(1, -2) @ self.weight[..., part].mT
        bias = self.bias if self.bias.dim() == 1 else self.bias.unsqueeze(1)
        return (product + bias).unflatten(1, states.shape[1:-1])

    def split(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        """[..., A + K] → scores [...] and values [..., K]."""
        hidden, values = projected[..., : self.n_hidden], projected[..., self.n_hidden :]
        if isinstance(self.scorer, Uniform):
            return values.new_zeros(values.shape[:-1]), values
        if isinstance(self.scorer, Additive):
            hidden = self.scorer.value(torch.tanh(hidden))
        return hidden.squeeze(-1), values

    def logits(self, pooled: Tensor) -> Tensor:
        """Pooled values [n, T, K] → logits [n, T, C]."""
        return self.head.finish(pooled, None if self.query is None else self.query.unsqueeze(1))


def joint_projection(model: AttentionModel, query: Tensor | None) -> JointProjection:
    """The joint projection of a model for a batch whose questions have the summary `query` [n, m].

    ValueError for a model whose attention is imposed: on a changed text nobody says what it would be.
    """
    scorer, head = model.scorer, model.head
    if not isinstance(scorer, Additive | ScaledDot | Uniform):
        raise ValueError(
            f"attention from {type(scorer).__name__} cannot be computed anew on a changed text; "
            "take a model with a scorer of its own"
        )
    rest: Tensor = head.projection.weight
    rest_bias: Tensor = head.projection.bias
    weight: Tensor
    bias: Tensor
    if isinstance(scorer, Additive):
        weight, bias = scorer.states.weight, scorer.states.bias
        if scorer.query is not None:
            bias = bias + scorer.query(query)  # [n, A]
            rest_bias = rest_bias.expand(len(bias), -1)
    elif isinstance(scorer, Uniform):
        weight, bias = rest.new_zeros(0, rest.shape[-1]), rest.new_zeros(0)
    elif scorer.value is not None:
        weight, bias = scorer.value.weight * scorer.scale, rest.new_zeros(1)
    else:
        assert query is not None
        weight, bias = query.unsqueeze(1) * scorer.scale, rest.new_zeros(1)  # [n, 1, m]
        rest = rest.expand(len(query), -1, -1)
    weight, bias = torch.cat([weight, rest], dim=-2), torch.cat([bias, rest_bias], dim=-1)
    return JointProjection(weight, bias, bias.shape[-1] - rest.shape[-2], scorer, head, query)
