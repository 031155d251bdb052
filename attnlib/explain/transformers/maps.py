"""Explanations made of the attention maps of a transformer: plain functions of tensors, model-free.

`weights`, `gradients` and `relevances` are lists over layers of [N, heads, queries, keys]: the maps, the
gradients of the target by them, and the relevance at them (module `relevance`). `row` says for which query:
its number in each instance [N], such as that of the class token, or weights over queries [N, Q]. Results
are [N, keys], of the predicted class; columns of other modalities or special tokens are the caller's to leave
out.

heads: how maps of heads become one: "mean", "max" or the number of one head. clamp: negative values to zero
before that, as Chefer et al. do; without it a score can say that a key speaks against the prediction.
"""

from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor

from attnlib.checks import shown
from attnlib.explain.transformers.relevance import divide

Maps = Sequence[Tensor]
Which = str | int

HEADS, LAYERS = ("mean", "max"), ("last", "mean")


def which(name: str, value: object, words: Sequence[str]) -> Which:
    """One of the words or a whole number, of NumPy too; ValueError by name for anything else."""
    if isinstance(value, str) and value in words:
        return value
    # True and False are numbers to Python, and nobody's.
    if not isinstance(value, Integral) or isinstance(value, bool):
        known = ", ".join((*map(repr, words), "a whole number from 0"))
        raise ValueError(f"unknown {name} {shown(value)}: give {' or '.join(known.rsplit(', ', 1))}")
    return int(value)


def numbered(name: str, number: int, there: int) -> int:
    """The number, if it is one of those that are there; ValueError by name if not."""
    if not 0 <= number < there:
        raise ValueError(f"{name} is {number}: there are {there}, from 0 to {there - 1}")
    return number


def at_row(matrix: Tensor, row: Tensor) -> Tensor:
    """Row row[n] of each matrix [N, Q, K], or the mean of its rows by weights [N, Q]: [N, K]."""
    if row.dim() == 2:
        return (row.to(matrix.dtype).unsqueeze(1) @ matrix).squeeze(1)
    return matrix[torch.arange(len(matrix), device=matrix.device), row]


def over_heads(layer: Tensor, heads: Which = "mean", clamp: bool = False) -> Tensor:
    """One map [N, Q, K] of those of all heads; ValueError for a head that is not there."""
    heads = which("heads", heads, HEADS)
    kept = layer.clamp(min=0) if clamp else layer
    if isinstance(heads, int):
        return kept[:, numbered("heads", heads, kept.shape[1])]
    return kept.mean(dim=1) if heads == "mean" else kept.amax(dim=1)


def single_layer(
    maps: Maps, row: Tensor, heads: Which = "mean", layers: Which = "last", clamp: bool = False
) -> Tensor:
    """The last map, the mean of all, or that of the numbered layer, at the row.

    Of the weights this is RawAtt; of `attention_times_norm` AttIN; of weights × gradients AttGrad, which Liu
    et al. sum over heads instead, the same up to a factor; of the relevances PLRP.
    """
    layers = which("layers", layers, LAYERS)
    if layers == "mean":
        return torch.stack([at_row(over_heads(layer, heads, clamp), row) for layer in maps]).mean(dim=0)
    number = numbered("layers", layers, len(maps)) if isinstance(layers, int) else len(maps) - 1
    return at_row(over_heads(maps[number], heads, clamp), row)


def attention_times_norm(weights: Tensor, values: Tensor, output: Tensor, joint: bool = True) -> Tensor:
    """‖Σ_h A_h W_h v_h‖₂ of one layer [N, 1, Q, K] (AttIN, Kobayashi et al. 2020), or per head [N, H, Q, K].

    weights: [N, heads, Q, K]; values: [N, K, heads · size]; output: [d, heads · size], the weight of the
    layer that joins the heads. Its bias belongs to no key and is left out.
    """
    n, heads, _, keys = weights.shape
    # [N, K, H, d] would be the transformed values; their products with each other are smaller.
    size = values.shape[2] // heads
    own = values.view(n, keys, heads, size).double()
    joined = output.double().view(output.shape[0], heads, size)
    between = torch.einsum("dha,dgb->hagb", joined, joined)
    products = torch.einsum("nkha,hagb,nkgb->nkhg", own, between, own)
    if joint:
        pooled = weights.double()
        squared = torch.einsum("nhqk,nkhg,ngqk->nqk", pooled, products, pooled).unsqueeze(1)
    else:
        squared = weights.double().square() * products.diagonal(dim1=2, dim2=3).permute(0, 2, 1).unsqueeze(2)
    return squared.clamp(min=0).sqrt().to(weights.dtype)


def rollout(weights: Maps, row: Tensor, heads: Which = "mean") -> Tensor:
    """Π_l (Ā_l + I), Ā the mean over heads, each factor with rows of sum 1 (Abnar & Zuidema 2020).

    So in Liu et al.'s code for LXMERT too; in theirs for VisualBERT factors stay as they are.
    """
    return at_row(rolled_out(weights, weights[0], weights[0].shape[2], heads), row)


def rolled_out(weights: Maps, like: Tensor, size: int, heads: Which = "mean") -> Tensor:
    """The whole rollout of a stream of `size` positions, [N, size, size]; the identity without layers."""
    joint = identity(like, size)
    for layer in weights:
        step = over_heads(layer, heads) + identity(layer, size)
        joint = step / step.sum(dim=2, keepdim=True) @ joint
    return joint


def identity(like: Tensor, size: int) -> Tensor:
    """I [N, size, size], N and the number format as those of another tensor."""
    return torch.eye(size, dtype=like.dtype, device=like.device).expand(len(like), -1, -1)


def attribution(layers: Maps, clamp: bool = True, heads: Which = "mean") -> Tensor:
    """R ← R + E_h (layer)⁺ R from the first layer to the last and R = I, [N, Q, Q].

    Of ∇A ⊙ relevance this is Π_l (I + E_h (∇A ⊙ R)⁺), TransAtt (Chefer et al. 2021, CVPR); of A ⊙ ∇A it is
    GenAtt (Chefer et al. 2021, ICCV).
    """
    relevance = identity(layers[0], layers[0].shape[2])
    for layer in layers:
        relevance = relevance + over_heads(layer, heads, clamp) @ relevance
    return relevance


# What happens at one time in a two-stream model, such as both directions of a cross attention: A ⊙ ∇A of each
# attention, [N, heads, Q, K], by (query stream, key stream).
Step = dict[tuple[str, str], Tensor]


def two_stream_attribution(
    steps: Sequence[Step], sizes: dict[str, int], clamp: bool = True, heads: Which = "mean"
) -> dict[tuple[str, str], Tensor]:
    """GenAtt's rules for two streams: relevance of every key stream to every query stream, [N, Q, K].

    steps: from the first to the last, by (query stream, key stream) the weights × gradients of one time.
    sizes: number of positions of each stream. Self-attention of stream s: R_ss += Ā R_ss, R_st += Ā R_st.
    Cross attention from s to t: R_st += N(R_ss)ᵀ Ā N(R_tt), R_ss += Ā R_ts, with N(R) the off-identity part
    scaled to rows of sum 1, plus I. (Chefer et al. 2021, ICCV, equations 5 to 11.)
    """
    first = next(iter(steps[0].values()))
    relevance = {
        (s, t): identity(first, sizes[s]) if s == t else first.new_zeros(len(first), sizes[s], sizes[t])
        for s in sizes
        for t in sizes
    }
    for step in steps:
        added: list[tuple[tuple[str, str], Tensor]] = []
        for (query, key), product in step.items():
            mean = over_heads(product, heads, clamp)
            if query == key:
                added += [((query, t), mean @ relevance[query, t]) for t in sizes]
                continue
            own, other = normalised(relevance[query, query]), normalised(relevance[key, key])
            added.append(((query, key), own.mT @ mean @ other))
            added.append(((query, query), mean @ relevance[key, query]))
        for place, more in added:
            relevance[place] = relevance[place] + more
    return relevance


def normalised(relevance: Tensor) -> Tensor:
    """(R − I) with rows of sum 1, plus I; a row of zeros stays so."""
    own = identity(relevance, relevance.shape[1])
    rest = relevance - own
    return divide(rest, rest.sum(dim=2, keepdim=True)) + own
