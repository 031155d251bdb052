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
from attnlib.explain.transformers.asking import chunks, logits_of, plain, without_padding
from attnlib.explain.transformers.checks import check, check_watchable
from attnlib.explain.transformers.interception import Map
from attnlib.explain.transformers.passes import Chosen, Pass, classes, watch
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
OF_RELEVANCE = ("relevance", "transformer attribution", "transformer attribution, signed")
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
        object.__setattr__(self, "heads", maps.which("heads", self.heads, maps.HEADS))
        object.__setattr__(self, "layers", maps.which("layers", self.layers, maps.LAYERS))
        object.__setattr__(self, "first", maps.which("first", self.first))
        if not (self.clamp is None or isinstance(self.clamp, (bool, np.bool_))):
            raise ValueError(f"unknown clamp {self.clamp!r}: give True, False or None")


PUBLISHED_AGGREGATION = Aggregation()


def explain(
    model: nn.Module,
    kind: Kind,
    inputs: Inputs,
    methods: Iterable[str] = METHODS,
    target: str = "logit",
    aggregation: Aggregation = PUBLISHED_AGGREGATION,
    chosen: Chosen | None = None,
    seed: int = 0,
    batch_size: int = 64,
) -> dict[str, Tensor]:
    """Scores [N, U] of each method by name, as `kind.mask` has it; 0 where nothing is present.

    inputs: the model's keyword arguments; those of `kind.features` must be among them, so for BERT the word
    embeddings and not the ids. Beside them "scored" can say which words are scored (`Kind.mask`). methods: of
    METHODS, or one. target: what gradients are of; relevance starts from the class's logit. A model of one
    output has its "logit" only. chosen: class to explain, for each or for all; None the predicted one, which
    is what the violation test holds scores against. seed: of the random scores.

    Raises ValueError by name for what does not fit (`checks.check`, `passes.classes`), for an unknown method,
    target, head or layer, for attention maps that are not found, and for a model whose answer depends on the
    batch. Each method needs only what it reads: without a rule of relevance, the others still work.
    """
    wanted = named(methods, METHODS)
    one_of("target", target, TARGETS)
    check_watchable(model, inputs)
    check(model, kind, inputs)
    model = without_padding(model, kind, inputs)
    labels = classes(model, kind, inputs, chosen, batch_size)
    present = kind.mask(inputs)
    watched = [name for name in wanted if name not in (*RANDOM, *BY_INPUTS)]
    parts: dict[str, list[Tensor]] = {name: [] for name in wanted}
    for part, explained in zip(chunks(inputs, batch_size), labels.split(batch_size), strict=True):
        if watched:
            seen = watch_for(watched, model, kind, part, explained, target)
            found = of_pass(model, kind, part, seen, aggregation, watched)
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
    return {name: finished(found, present) for name, found in scores.items()}


def each_layer_and_head(
    model: nn.Module,
    kind: Kind,
    inputs: Inputs,
    methods: Iterable[str] = ("attention", "attention × gradient"),
    target: str = "logit",
    chosen: Chosen | None = None,
    batch_size: int = 64,
) -> dict[tuple[int, int | None], dict[str, Tensor]]:
    """Scores by method for each layer and head, of the methods of single layers; head None: the mean.

    Layers are those of the model, or of LXMERT's attention from words to regions. Arguments and errors as in
    `explain`.
    """
    wanted = named(methods, OF_LAYERS)
    one_of("target", target, TARGETS)
    check_watchable(model, inputs)
    check(model, kind, inputs)
    model = without_padding(model, kind, inputs)
    labels = classes(model, kind, inputs, chosen, batch_size)
    present = kind.mask(inputs)
    parts: dict[tuple[int, int | None], dict[str, list[Tensor]]] = {}
    for part, explained in zip(chunks(inputs, batch_size), labels.split(batch_size), strict=True):
        seen = watch_for(wanted, model, kind, part, explained, target)
        layers = single_maps(kind, seen).found
        for layer, found in enumerate(layers):
            for head in (None, *range(found.weights.shape[1])):
                one = Aggregation(heads="mean" if head is None else head, layers=layer)
                scores = of_pass(model, kind, part, seen, one, wanted)
                kept = parts.setdefault((layer, head), {name: [] for name in wanted})
                for name in wanted:
                    kept[name].append(scores[name])
    return {
        place: {name: finished(torch.cat(found), present) for name, found in by_method.items()}
        for place, by_method in parts.items()
    }


def named(methods: Iterable[str], known: Iterable[str]) -> list[str]:
    """The methods asked for, each once; ValueError for an unknown one."""
    wanted = list(dict.fromkeys([methods] if isinstance(methods, str) else methods))
    for name in wanted:
        one_of("method", name, known)
    return wanted


def watch_for(
    methods: Sequence[str], model: nn.Module, kind: Kind, inputs: Inputs, chosen: Tensor, target: str
) -> Pass:
    """A pass with what the methods need and no more: another model may not have it."""
    maps_needed = any(name in (*OF_LAYERS, *OF_ALL_LAYERS) for name in methods)
    relevance = any(name in OF_RELEVANCE for name in methods)
    return watch(model, kind, inputs, chosen, target, maps_needed, relevance)


def finished(scores: Tensor, present: Tensor) -> Tensor:
    """Scores with 0 where nothing is present, in a number format that NumPy has."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32)).masked_fill(~present, 0.0)


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
        return target_value(logits_of(model, kind, given), explained, target)

    features = inputs[kind.features].detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad():
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
    elif kind.streams == 1 and seen.found:
        check_row(kind, seen)
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


def check_row(kind: Kind, seen: Pass) -> None:
    """ValueError where the head reads other queries than the kind says: those have gradients at the end."""
    of_queries = seen.gradients[-1].abs().sum(dim=(1, 3))
    others = of_queries.scatter(1, seen.row.unsqueeze(1), 0.0)
    read = others > 1e-6 * of_queries.sum(dim=1, keepdim=True)
    if read.any():
        row, query = read.nonzero()[0].tolist()
        raise ValueError(
            f"the model's head reads position {query} of an instance, where {kind.name} says "
            f"{int(seen.row[row])}: give a Kind with the `row` that it reads, or Aggregation(row='mean') if "
            "it reads the mean"
        )


def single_maps(kind: Kind, seen: Pass) -> Pass:
    """Of a pass the maps of single layers: all of one stream, of two those from words to regions."""
    if kind.streams == 1:
        return seen
    kept = [i for i, found in enumerate(seen.found) if streams_of(found) == ("text", "image")]
    return replace(
        seen,
        found=[seen.found[i] for i in kept],
        gradients=[seen.gradients[i] for i in kept],
        relevances=[seen.relevances[i] for i in kept] if seen.relevances else [],
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
    """The weight of the layer that joins an attention module's heads, [d, heads · size].

    It is `output.dense` beside the module, or `dense` in it as in ALBERT. Of one that is wrapped, as by an
    adapter, the weight is what the whole of it does to unit vectors. ValueError if that is not linear.
    """
    beside = found.name.rpartition(".")[0]
    modules = dict(plain(model).named_modules())
    dense = modules.get(f"{beside}.output.dense", modules.get(f"{found.name}.dense"))
    if dense is None:
        raise ValueError(
            f"attention × norm needs the layer that joins the heads of {found.name}, and there is no "
            "output.dense beside it and no dense in it; the other methods do without"
        )
    if type(dense) is nn.Linear:
        return dense.weight.detach()
    units = torch.eye(found.values.shape[2], dtype=found.values.dtype, device=found.values.device)
    with torch.no_grad():
        none, all_at_once = dense(torch.stack([0 * units[0], units.sum(dim=0)]))
        columns = dense(units) - none
    if not torch.allclose(columns.sum(dim=0), all_at_once - none, rtol=1e-3, atol=1e-4):
        raise ValueError(f"attention × norm needs a linear layer, and that after {found.name} is none")
    return columns.mT


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
