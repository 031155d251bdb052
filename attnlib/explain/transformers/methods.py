"""Explanations of stock transformers: which keys a model reads, by every method, from one call.

A `Kind` (`attnlib.models.kinds`) says what is scored: the words of a text, or the regions of an image
given a question. Methods that look at attention read it as an `Aggregation` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import one_of
from attnlib.explain.inputs import Attribution, integrated_gradients
from attnlib.explain.targets import TARGETS, target_value
from attnlib.explain.transformers import maps
from attnlib.explain.transformers.interception import Map
from attnlib.explain.transformers.passes import Pass, check, chunks, classes, watch
from attnlib.models.kinds import Inputs, Kind

# By method: its name in Liu et al. 2022, empty if they do not have it.
PUBLISHED = {
    "random": "Random",
    "signed random": "",
    "attention": "RawAtt",
    "attention × norm": "AttIN",
    "attention × gradient": "AttGrad",
    "rollout": "Rollout",
    "relevance": "PLRP",
    "transformer attribution": "TransAtt",
    "generic attribution": "GenAtt",
    "transformer attribution, signed": "",
    "generic attribution, signed": "",
    "input × gradient": "InputGrad",
    "integrated gradients": "",
    "integrated gradients, released": "IG",
}
METHODS = tuple(PUBLISHED)
RANDOM = ("random", "signed random")
# Of one layer at a time, so of any head too.
OF_LAYERS = ("attention", "attention × norm", "attention × gradient", "relevance")
OF_ALL_LAYERS = (
    "rollout",
    "transformer attribution",
    "generic attribution",
    "transformer attribution, signed",
    "generic attribution, signed",
)
SIGNED = ", signed"  # what the two attributions are called where nothing is clamped
N_STEPS = 10  # of integrated gradients, as in Liu et al.'s code for transformers
BY_INPUTS: dict[str, Attribution] = {
    "integrated gradients": integrated_gradients(N_STEPS),
    "integrated gradients, released": integrated_gradients(N_STEPS, released=True),
}
ROWS = ("head", "mean")


@dataclass(frozen=True)
class Aggregation:
    """How the maps of all heads and layers become one score per key; the defaults are the published ones.

    row: "head", the query that the classification head reads, or "mean" over all that are present. heads:
    "mean", "max" or the number of one. layers: "last", "mean" or the number of one, for the methods of single
    layers (OF_LAYERS). first: where those that go through all layers begin. clamp: negative values to zero
    before heads are joined; None: only for the two attributions, as published, unless they are called signed.
    """

    row: str = "head"
    heads: str | int = "mean"
    layers: str | int = "last"
    first: int = 0
    clamp: bool | None = None

    def __post_init__(self) -> None:
        one_of("row", self.row, ROWS)
        if not isinstance(self.heads, int):
            one_of("heads", self.heads, ("mean", "max"))
        if not isinstance(self.layers, int):
            one_of("layers", self.layers, ("last", "mean"))


PUBLISHED_AGGREGATION = Aggregation()


def explain(
    model: nn.Module,
    kind: Kind,
    inputs: Inputs,
    methods: Iterable[str] = METHODS,
    target: str = "logit",
    aggregation: Aggregation = PUBLISHED_AGGREGATION,
    chosen: Tensor | None = None,
    seed: int = 0,
    batch_size: int = 64,
) -> dict[str, Tensor]:
    """Scores [N, U] of each method by name, as `kind.mask` has it; 0 where nothing is present.

    inputs: the model's keyword arguments; those of `kind.features` must be among them, so for BERT the word
    embeddings and not the ids. target: what gradients are of; relevance starts from the class's logit.
    chosen: [N] class to explain; None the predicted one, which is what the violation test holds scores
    against. seed: of the random scores. Raises ValueError by
    name for what does not fit (`passes.check`, `passes.classes`) and an unknown method, target, head, layer.
    """
    wanted = list(methods)
    for name in wanted:
        one_of("method", name, METHODS)
    one_of("target", target, TARGETS)
    check(model, kind, inputs)
    labels = classes(model, kind, inputs, chosen, batch_size)
    present = kind.mask(inputs)
    parts: dict[str, list[Tensor]] = {name: [] for name in wanted}
    for part, explained in zip(chunks(inputs, batch_size), labels.split(batch_size), strict=True):
        if set(wanted) - {*RANDOM, *BY_INPUTS}:
            seen = watch(model, kind, part, explained, target)
            found = of_pass(model, kind, part, seen, aggregation)
        for name in wanted:
            if name in BY_INPUTS:
                parts[name].append(by_inputs(BY_INPUTS[name], model, kind, part, explained, target))
            elif name not in RANDOM:
                parts[name].append(found[name])
    scores = {
        name: random_rows(present, seed, signed=name != "random")
        if name in RANDOM
        else torch.cat(parts[name])
        for name in wanted
    }
    return {name: found.masked_fill(~present, 0.0) for name, found in scores.items()}


def each_layer_and_head(
    model: nn.Module,
    kind: Kind,
    inputs: Inputs,
    methods: Sequence[str] = ("attention", "attention × gradient"),
    target: str = "logit",
    chosen: Tensor | None = None,
    batch_size: int = 64,
) -> dict[tuple[int, int | None], dict[str, Tensor]]:
    """Scores by method for each layer and head, of the methods of single layers; head None: the mean.

    Layers are those of the model, or of LXMERT's attention from words to regions. Arguments and errors as in
    `explain`.
    """
    for name in methods:
        one_of("method", name, OF_LAYERS)
    check(model, kind, inputs)
    labels = classes(model, kind, inputs, chosen, batch_size)
    present = kind.mask(inputs)
    parts: dict[tuple[int, int | None], dict[str, list[Tensor]]] = {}
    for part, explained in zip(chunks(inputs, batch_size), labels.split(batch_size), strict=True):
        seen = watch(model, kind, part, explained, target)
        layers = single_maps(kind, seen).found
        for layer, found in enumerate(layers):
            for head in (None, *range(found.weights.shape[1])):
                one = Aggregation(heads="mean" if head is None else head, layers=layer)
                scores = of_pass(model, kind, part, seen, one, methods)
                kept = parts.setdefault((layer, head), {name: [] for name in methods})
                for name in methods:
                    kept[name].append(scores[name])
    return {
        place: {name: torch.cat(found).masked_fill(~present, 0.0) for name, found in by_method.items()}
        for place, by_method in parts.items()
    }


def random_rows(present: Tensor, seed: int, signed: bool) -> Tensor:
    """Uniform draws [N, U], from [0, 1) or [-1, 1): of a row's number and the seed alone."""
    n, width = present.shape
    drawn = np.stack([np.random.default_rng((seed, row)).random(width) for row in range(n)])
    return torch.from_numpy(2 * drawn - 1 if signed else drawn).to(present.device)


def by_inputs(
    method: Attribution, model: nn.Module, kind: Kind, inputs: Inputs, chosen: Tensor, target: str
) -> Tensor:
    """What a method gives each scored row, summed over its features, [N, U]."""
    others = [name for name in inputs if name != kind.features]

    def forward(features: Tensor, explained: Tensor, *rest: Tensor) -> Tensor:
        given = {kind.features: features, **dict(zip(others, rest, strict=True))}
        return target_value(model(**given)[kind.logits], explained, target)

    features = inputs[kind.features].detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=False):
        found = method(forward, features, (chosen, *(inputs[name] for name in others))).detach().sum(dim=2)
    return found[:, kind.ends : kind.ends + kind.mask(inputs).shape[1]]


def of_pass(
    model: nn.Module,
    kind: Kind,
    inputs: Inputs,
    seen: Pass,
    how: Aggregation,
    methods: Iterable[str] = (*OF_LAYERS, *OF_ALL_LAYERS, "input × gradient"),
) -> dict[str, Tensor]:
    """Scores [N, U] of the methods that read a watched pass, which stands for one batch."""
    row = seen.row
    if how.row == "mean":
        row = seen.queries / seen.queries.sum(dim=1, keepdim=True)
    start = kind.offset(inputs)
    scored = slice(start, start + kind.mask(inputs).shape[1])
    every = one_stream if kind.streams == 1 else two_streams
    scores = {}
    for name in methods:
        if name == "input × gradient":
            scores[name] = seen.by_features[:, kind.ends : kind.ends + scored.stop - scored.start]
        elif name in OF_LAYERS:
            scores[name] = of_layers(name, model, single_maps(kind, seen), row, how)[:, scored]
        else:
            clamp = not name.endswith(SIGNED) if how.clamp is None else how.clamp
            method = name.removesuffix(SIGNED)
            scores[name] = every(method, seen, row, replace(how, clamp=clamp))[:, scored]
    return scores


def single_maps(kind: Kind, seen: Pass) -> Pass:
    """Of a pass the maps of single layers: all of one stream, of two those from words to regions."""
    if kind.streams == 1:
        return seen
    kept = [i for i, found in enumerate(seen.found) if streams_of(found) == ("text", "image")]
    return replace(
        seen,
        found=[seen.found[i] for i in kept],
        gradients=[seen.gradients[i] for i in kept],
        relevances=[seen.relevances[i] for i in kept],
    )


def of_layers(name: str, model: nn.Module, single: Pass, row: Tensor, how: Aggregation) -> Tensor:
    """Scores [N, keys] of a method of single layers."""
    weights = [found.weights for found in single.found]
    heads, clamp = how.heads, bool(how.clamp)
    if name == "attention × norm":
        joint = heads == "mean"
        layers = [
            maps.attention_times_norm(found.weights, found.values, output_weight(model, found), joint)
            for found in single.found
        ]
    elif name == "attention × gradient":
        layers = maps.products(weights, single.gradients)
    else:
        layers = weights if name == "attention" else single.relevances
    return maps.single_layer(layers, row, heads, how.layers, clamp)


def output_weight(model: nn.Module, found: Map) -> Tensor:
    """The weight of the layer that joins an attention module's heads: `output.dense` beside the module."""
    parent = found.name.rpartition(".")[0]
    dense = model.get_submodule(f"{parent}.output.dense")
    assert isinstance(dense, nn.Linear)
    return dense.weight.detach()


def one_stream(name: str, seen: Pass, row: Tensor, how: Aggregation) -> Tensor:
    """Scores [N, keys] of a method that goes through all layers of one stream, over all its keys."""
    clamp, begin = bool(how.clamp), how.first
    if begin not in range(len(seen.found)):
        raise ValueError(f"first is {begin}: there are {len(seen.found)} layers, from 0")
    weights = [found.weights for found in seen.found[begin:]]
    gradients = seen.gradients[begin:]
    if name == "rollout":
        return maps.rollout(weights, row, heads=how.heads)
    if name == "generic attribution":
        return maps.generic_attribution(weights, gradients, row, clamp, how.heads)
    return maps.transformer_attribution(gradients, seen.relevances[begin:], row, clamp, how.heads)


def two_streams(name: str, seen: Pass, row: Tensor, how: Aggregation) -> Tensor:
    """Scores [N, regions] of LXMERT, by its last attention from words to regions.

    Transformer attribution is that of this one layer, and rollout is of both streams before it, as in Liu et
    al.'s code; generic attribution goes through all layers.
    """
    if how.first:
        raise ValueError(f"first is {how.first}: of two streams methods begin at the first layer, 0")
    clamp, heads = bool(how.clamp), how.heads
    kinds = [streams_of(found) for found in seen.found]
    last = max(i for i, kind in enumerate(kinds) if kind == ("text", "image"))
    cross = seen.found[last]
    sizes = {"text": cross.weights.shape[2], "image": cross.weights.shape[3]}
    if name == "transformer attribution":
        product = seen.gradients[last] * seen.relevances[last]
        return maps.at_row(maps.over_heads(product, heads, clamp), row)
    if name == "generic attribution":
        product_of_all = maps.products([found.weights for found in seen.found], seen.gradients)
        joined = maps.two_stream_attribution(steps_of(kinds, product_of_all), sizes, clamp, heads)
        return maps.at_row(joined["text", "image"], row)
    rolled = {}
    for stream, size in sizes.items():
        own = [m.weights for m, k in zip(seen.found[:last], kinds, strict=False) if k == (stream,) * 2]
        rolled[stream] = maps.rolled_out(own, cross.weights, size, heads=heads)
    through = rolled["text"].mT @ maps.over_heads(cross.weights, heads) @ rolled["image"]
    return maps.at_row(through, row)


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
