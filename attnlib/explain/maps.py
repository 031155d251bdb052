"""Explanations made of the attention maps of a transformer: plain functions of tensors, model-free.

`weights`, `gradients` and `relevances` are lists over layers of [N, heads, queries, keys]: the maps, the
gradients of the target by them, and the relevance at them (`attnlib.explain.relevance`). `row` is [N], the
query whose output the head reads, such as the class token. Results are [N, keys], of the predicted class;
columns of other modalities or special tokens are the caller's to leave out.

clamp: negative values to zero, as Chefer et al. do; without it a score can say that a key speaks against the
prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Maps = Sequence[Tensor]


def at_row(matrix: Tensor, row: Tensor) -> Tensor:
    """Row row[n] of each matrix [N, Q, K]: [N, K]."""
    return matrix[torch.arange(len(matrix), device=matrix.device), row]


def raw_attention(weights: Maps, row: Tensor, layer: int = -1) -> Tensor:
    """The weights of one layer, mean over heads (RawAtt)."""
    return at_row(weights[layer].mean(dim=1), row)


def attention_times_gradient(
    weights: Maps, gradients: Maps, row: Tensor, layer: int = -1, clamp: bool = False
) -> Tensor:
    """A ⊙ ∇A of one layer, summed over heads (AttGrad)."""
    product = weights[layer] * gradients[layer]
    return at_row((product.clamp(min=0) if clamp else product).sum(dim=1), row)


def attention_times_norm(weights: Tensor, values: Tensor, output: Tensor, row: Tensor) -> Tensor:
    """‖Σ_h A_h[row, j] W_h v_hj‖₂ of one layer (AttIN, Kobayashi et al. 2020).

    weights: [N, heads, Q, K]; values: [N, K, heads · size]; output: [d, heads · size], the weight of the
    layer that joins the heads. Its bias belongs to no key and is left out.
    """
    n, heads = weights.shape[:2]
    keys = values.shape[1]
    index = torch.arange(n, device=weights.device)
    chosen = weights[index, :, row].mT.unsqueeze(3)  # [N, K, heads, 1]
    pooled = (values.view(n, keys, heads, -1) * chosen).flatten(2)
    return (pooled @ output.T).norm(dim=2)


def rollout(weights: Maps, row: Tensor, normalise: bool = True) -> Tensor:
    """Π_l (Ā_l + I), Ā the mean over heads (Abnar & Zuidema 2020).

    normalise: rows of every factor to sum 1, as in the original and in Liu et al.'s code for LXMERT; not in
    that for VisualBERT.
    """
    return at_row(rolled_out(weights, weights[0], weights[0].shape[2], normalise), row)


def rolled_out(weights: Maps, like: Tensor, size: int, normalise: bool = True) -> Tensor:
    """The whole rollout of a stream of `size` positions, [N, size, size]; the identity without layers."""
    joint = torch.eye(size, dtype=like.dtype, device=like.device).repeat(len(like), 1, 1)
    for layer in weights:
        step = layer.mean(dim=1) + identity(layer)
        joint = (step / step.sum(dim=2, keepdim=True) if normalise else step) @ joint
    return joint


def partial_relevance(relevances: Maps, row: Tensor, layer: int = -1) -> Tensor:
    """Relevance at the weights of one layer, mean over heads (PLRP)."""
    return at_row(relevances[layer].mean(dim=1), row)


def transformer_attribution(gradients: Maps, relevances: Maps, row: Tensor, clamp: bool = True) -> Tensor:
    """Π_l (I + E_h (∇A ⊙ R)⁺) (TransAtt, Chefer et al. 2021, CVPR)."""
    return at_row(propagated([g * r for g, r in zip(gradients, relevances, strict=True)], clamp), row)


def generic_attribution(weights: Maps, gradients: Maps, row: Tensor, clamp: bool = True) -> Tensor:
    """R ← R + E_h (∇A ⊙ A)⁺ R over the layers, from R = I (GenAtt, Chefer et al. 2021, ICCV)."""
    return at_row(propagated([a * g for a, g in zip(weights, gradients, strict=True)], clamp), row)


def identity(layer: Tensor) -> Tensor:
    """I [N, Q, Q] for maps [N, heads, Q, Q]."""
    return torch.eye(layer.shape[2], dtype=layer.dtype, device=layer.device).expand(len(layer), -1, -1)


def averaged(layer: Tensor, clamp: bool) -> Tensor:
    """Mean over heads [N, Q, K], of the positive part if clamped."""
    return (layer.clamp(min=0) if clamp else layer).mean(dim=1)


def propagated(layers: Maps, clamp: bool) -> Tensor:
    """R ← R + E_h (layer)⁺ R, from the first layer to the last, [N, Q, Q]."""
    relevance = identity(layers[0])
    for layer in layers:
        relevance = relevance + averaged(layer, clamp) @ relevance
    return relevance


class Step(NamedTuple):
    """One attention of a two-stream model: which stream asks, which is asked, and A ⊙ ∇A [N, heads, Q, K]."""

    query: str
    key: str
    product: Tensor


def two_stream_attribution(
    steps: Sequence[Sequence[Step]], sizes: dict[str, int], clamp: bool = True
) -> dict[tuple[str, str], Tensor]:
    """GenAtt's rules for two streams: relevance of every key stream to every query stream, [N, Q, K].

    steps: what happens at one time stands in one group, such as the two directions of a cross attention.
    sizes: number of positions of each stream. Self-attention of stream s: R_ss += Ā R_ss, R_st += Ā R_st.
    Cross attention from s to t: R_st += N(R_ss)ᵀ Ā N(R_tt), R_ss += Ā R_ts, with N(R) the off-identity part
    scaled to rows of sum 1, plus I. (Chefer et al. 2021, ICCV, equations 5 to 11.)
    """
    first = steps[0][0].product
    streams = list(sizes)
    relevance = {
        (s, t): torch.eye(sizes[s], dtype=first.dtype, device=first.device).repeat(len(first), 1, 1)
        if s == t
        else first.new_zeros(len(first), sizes[s], sizes[t])
        for s in streams
        for t in streams
    }
    for group in steps:
        added: list[tuple[tuple[str, str], Tensor]] = []
        for query, key, product in group:
            mean = averaged(product, clamp)
            if query == key:
                added += [((query, t), mean @ relevance[query, t]) for t in streams]
                continue
            own, other = normalised(relevance[query, query]), normalised(relevance[key, key])
            added += [
                ((query, key), own.mT @ mean @ other),
                ((query, query), mean @ relevance[key, query]),
            ]
        for place, more in added:
            relevance[place] = relevance[place] + more
    return relevance


def normalised(relevance: Tensor) -> Tensor:
    """(R − I) with rows of sum 1, plus I; a row of zeros stays so."""
    own = torch.eye(relevance.shape[1], dtype=relevance.dtype, device=relevance.device)
    rest = relevance - own
    total = rest.sum(dim=2, keepdim=True)
    return torch.where(total == 0, 0.0, rest / torch.where(total == 0, 1.0, total)) + own
