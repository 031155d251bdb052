"""Explanations of stock transformers: which keys a model reads, by every method, from one call.

A `Kind` (`attnlib.models.stock_kinds`) says what is scored: the words of a text, or the regions of an image
given a question. Nothing is copied from the models: attention maps and relevance come from the functions they
call (`interception`, `relevance`). A model must be in eval mode and attend eagerly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from attnlib.explain import maps
from attnlib.explain.interception import AttentionMaps, Map
from attnlib.explain.relevance import Relevance
from attnlib.explain.targets import TARGETS, target_value
from attnlib.models.build import one_of
from attnlib.models.stock_kinds import Inputs, Kind

METHODS = (
    "attention",
    "rollout",
    "attention × norm",
    "attention × gradient",
    "relevance",
    "transformer attribution",
    "generic attribution",
    "input × gradient",
)
# What Liu et al. 2022 call them.
PUBLISHED = dict(
    zip(
        METHODS,
        ("RawAtt", "Rollout", "AttIN", "AttGrad", "PLRP", "TransAtt", "GenAtt", "InputGrad"),
        strict=True,
    )
)


@dataclass(frozen=True)
class Pass:
    """A forward pass that was watched: the target's gradients and the relevances at every attention map."""

    found: list[Map]
    gradients: list[Tensor]
    relevances: list[Tensor]
    logits: Tensor
    row: Tensor
    by_features: Tensor  # features × gradient, summed, [N, U]


def watch(
    model: nn.Module, kind: Kind, inputs: Inputs, target: str = "logit", chosen: Tensor | None = None
) -> Pass:
    """Run a model twice, once for gradients and once for relevance, and keep what was seen.

    inputs: the model's keyword arguments; those of `kind.features` must be among them, so for BERT the word
    embeddings and not the ids. chosen: [N] class to explain; None the predicted one. target: what gradients
    are of; relevance starts from the class's logit. Raises ValueError by name for a missing input, another
    number of regions than their mask, a class that is not there, or a model in training.
    """
    one_of("target", target, TARGETS)
    check(model, kind, inputs)
    features = inputs[kind.features].detach().requires_grad_()
    given = {**inputs, kind.features: features}
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad():
        with AttentionMaps(model) as watched:
            logits = model(**given)[kind.logits]
        if chosen is None:
            chosen = logits.detach().argmax(dim=1)
        elif len(chosen) != len(logits) or not ((chosen >= 0) & (chosen < logits.shape[1])).all():
            raise ValueError(f"chosen: expected {len(logits)} classes from 0 to {logits.shape[1] - 1}")
        value = target_value(logits, chosen, target).sum()
        weights = [found.weights for found in watched.found]
        gradients = torch.autograd.grad(value, [*weights, features], allow_unused=True)
        # The later mode sees the earlier one's tensors: the maps are those that carry relevance.
        with Relevance(), AttentionMaps(model) as carried:
            relevant = model(**given)[kind.logits]
        start = torch.zeros_like(relevant).scatter(1, chosen.unsqueeze(1), 1.0)
        relevances = torch.autograd.grad(
            relevant, [found.weights for found in carried.found], start, allow_unused=True
        )
    detached = [replace(m, weights=m.weights.detach(), values=m.values.detach()) for m in watched.found]
    by_features = (features.detach() * filled(gradients[-1], features)).sum(dim=2)
    return Pass(
        detached,
        [filled(g, w) for g, w in zip(gradients, weights, strict=False)],
        [filled(r, w) for r, w in zip(relevances, weights, strict=True)],
        logits.detach(),
        kind.row(inputs).to(logits.device),
        by_features,
    )


def filled(found: Tensor | None, like: Tensor) -> Tensor:
    """A gradient, or zeros where the output does not depend on the tensor."""
    return torch.zeros_like(like) if found is None else found


def check(model: nn.Module, kind: Kind, inputs: Inputs) -> None:
    """ValueError names what is missing or does not fit."""
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first, or dropout explains itself")
    for name in (kind.features, kind.present, "attention_mask"):
        if name not in inputs:
            raise ValueError(f"inputs lack {name!r}, which {kind.name} needs; there are {sorted(inputs)}")
    features, present = inputs[kind.features], inputs[kind.present]
    if features.shape[:2] != present.shape:
        raise ValueError(
            f"{kind.features} has {list(features.shape[:2])} rows, but {kind.present} is for "
            f"{list(present.shape)}"
        )
    longest = getattr(getattr(model, "config", None), "max_position_embeddings", None)
    length = inputs["attention_mask"].shape[1]
    if longest is not None and length > longest:
        raise ValueError(f"the text has {length} positions, the model {longest}: shorten it")


def explain(
    model: nn.Module,
    kind: Kind,
    inputs: Inputs,
    methods: Iterable[str] = METHODS,
    target: str = "logit",
    clamp: bool = True,
    chosen: Tensor | None = None,
) -> dict[str, Tensor]:
    """Scores [N, U] of each method by name, as `kind.mask` has it; 0 where nothing is present.

    clamp: whether the two attributions set negative values to zero, as published. Others as in `watch`.
    Raises ValueError for an unknown method.
    """
    wanted = list(methods)
    for name in wanted:
        one_of("method", name, METHODS)
    seen = watch(model, kind, inputs, target, chosen)
    scores = (one_stream if kind.streams == 1 else two_streams)(model, seen, clamp)
    start, present = kind.offset(inputs), kind.mask(inputs)
    width = present.shape[1]
    columns = {name: found[:, start : start + width] for name, found in scores.items()}
    columns["input × gradient"] = seen.by_features[:, kind.ends : kind.ends + width]
    return {name: columns[name].masked_fill(~present, 0.0) for name in wanted}


def output_weight(model: nn.Module, found: Map) -> Tensor:
    """The weight of the layer that joins an attention module's heads: `output.dense` beside the module."""
    parent = found.name.rpartition(".")[0]
    dense = model.get_submodule(f"{parent}.output.dense")
    assert isinstance(dense, nn.Linear)
    return dense.weight.detach()


def one_stream(model: nn.Module, seen: Pass, clamp: bool) -> dict[str, Tensor]:
    """Scores [N, keys] of a model with one stream, over all its keys."""
    weights = [found.weights for found in seen.found]
    last, row = seen.found[-1], seen.row
    return {
        "attention": maps.raw_attention(weights, row),
        "rollout": maps.rollout(weights, row),
        "attention × norm": maps.attention_times_norm(
            last.weights, last.values, output_weight(model, last), row
        ),
        "attention × gradient": maps.attention_times_gradient(weights, seen.gradients, row),
        "relevance": maps.partial_relevance(seen.relevances, row),
        "transformer attribution": maps.transformer_attribution(seen.gradients, seen.relevances, row, clamp),
        "generic attribution": maps.generic_attribution(weights, seen.gradients, row, clamp),
    }


def two_streams(model: nn.Module, seen: Pass, clamp: bool) -> dict[str, Tensor]:
    """Scores [N, regions] of LXMERT, by its last attention from words to regions.

    Transformer attribution is that of this one layer, and rollout is of both streams before it, as in Liu et
    al.'s code; generic attribution goes through all layers.
    """
    kinds = [streams_of(found) for found in seen.found]
    last = max(i for i, kind in enumerate(kinds) if kind == ("text", "image"))
    cross, row = seen.found[last], seen.row
    product = [found.weights * gradient for found, gradient in zip(seen.found, seen.gradients, strict=True)]
    relevant = seen.gradients[last] * seen.relevances[last]
    sizes = {"text": cross.weights.shape[2], "image": cross.weights.shape[3]}
    joined = maps.two_stream_attribution(steps_of(kinds, product), sizes, clamp)
    own = {
        stream: [
            m.weights for m, kind in zip(seen.found[:last], kinds, strict=False) if kind == (stream,) * 2
        ]
        for stream in sizes
    }
    rolled = {stream: maps.rolled_out(found, cross.weights, sizes[stream]) for stream, found in own.items()}
    through = rolled["text"].mT @ cross.weights.mean(dim=1) @ rolled["image"]
    return {
        "attention": maps.raw_attention([cross.weights], row),
        "rollout": maps.at_row(through, row),
        "attention × norm": maps.attention_times_norm(
            cross.weights, cross.values, output_weight(model, cross), row
        ),
        "attention × gradient": maps.attention_times_gradient([cross.weights], [seen.gradients[last]], row),
        "relevance": maps.partial_relevance([seen.relevances[last]], row),
        "transformer attribution": maps.at_row(maps.averaged(relevant, clamp), row),
        "generic attribution": maps.at_row(joined["text", "image"], row),
    }


def streams_of(found: Map) -> tuple[str, str]:
    """Which stream asks and which is asked, by the module's name.

    LXMERT's cross attention runs twice with the same parameters, first from the words to the regions.
    """
    if "visn_self_att" in found.name or ".r_layers." in found.name:
        return "image", "image"
    if "visual_attention" in found.name:
        return ("text", "image") if found.run == 0 else ("image", "text")
    return "text", "text"


def steps_of(kinds: list[tuple[str, str]], products: list[Tensor]) -> list[list[maps.Step]]:
    """Maps in their order, the two directions of a cross attention in one group."""
    groups: list[list[maps.Step]] = []
    for (query, key), product in zip(kinds, products, strict=True):
        step = maps.Step(query, key, product)
        if (query, key) == ("image", "text"):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups
