"""Explanations of stock transformers: which keys a model reads, by every method, from one call.

A `Kind` (`attnlib.models.kinds`) says what is scored: the words of a text, or the regions of an image
given a question. Methods that look at attention read it as an `Aggregation` says.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import one_of, some_of, whole_labels
from attnlib.explain.inputs import Attribution, integrated_gradients
from attnlib.explain.targets import TARGETS, target_value
from attnlib.explain.transformers import maps
from attnlib.explain.transformers.asking import Asked, answers, plain, without_padding
from attnlib.explain.transformers.checks import check, check_watchable
from attnlib.explain.transformers.passes import VALUES, Map, Pass, watch
from attnlib.models.kinds import Inputs, Kind

# One class for each instance, or one for all
Chosen = Tensor | np.ndarray | Sequence[int] | int
Key = TypeVar("Key", bound=Hashable)

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
ATTRIBUTIONS = ("transformer attribution", "generic attribution")
SIGNED = ", signed"  # what these two are called where nothing is clamped
OF_ALL_LAYERS = ("rollout", *ATTRIBUTIONS, *(name + SIGNED for name in ATTRIBUTIONS))
OF_RELEVANCE = ("relevance", ATTRIBUTIONS[0], ATTRIBUTIONS[0] + SIGNED)
# What a method reads of the map of one layer.
OF_A_MAP: dict[str, Callable[[Map], Tensor]] = {
    "attention": lambda m: m.weights,
    "attention × gradient": lambda m: m.weights * m.gradient,
    "relevance": lambda m: m.relevance,
    "generic attribution": lambda m: m.weights * m.gradient,
    "transformer attribution": lambda m: m.gradient * m.relevance,
}
N_STEPS = 10  # of integrated gradients, as in Liu et al.'s code for transformers
BY_INPUTS: dict[str, Attribution] = {
    "integrated gradients": integrated_gradients(N_STEPS),
    "integrated gradients, released": integrated_gradients(N_STEPS, released=True),
}
ROWS = ("head", "mean")
JOINING = ("dense", "out_lin", "o_proj", "out_proj", "o")  # what the layer that joins heads is called


@dataclass(frozen=True)
class Aggregation:
    """How the maps of all heads and layers become one score per key; the defaults are the published ones.

    row: "head", the query that the classification head reads, or "mean" over all that are present. heads:
    "mean", "max" or the number of one. layers: "last", "mean" or the number of one, for the methods of single
    layers (OF_LAYERS). clamp: negative values to zero before heads are joined; None: only for the two
    attributions, as published, unless they are called signed.
    """

    row: str = "head"
    heads: str | int = "mean"
    layers: str | int = "last"
    clamp: bool | None = None

    def __post_init__(self) -> None:
        one_of("row", self.row, ROWS)
        object.__setattr__(self, "heads", maps.which("heads", self.heads, maps.HEADS))
        object.__setattr__(self, "layers", maps.which("layers", self.layers, maps.LAYERS))
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

    Raises ValueError by name for what does not fit (`checks.check`, `classes`), for an unknown method,
    target, head or layer, for attention maps that are not found, and for a model whose answer depends on the
    batch. Each method needs only what it reads: without a rule of relevance, the others still work.
    """
    wanted = some_of("method", methods, METHODS)
    watched = [name for name in wanted if name not in (*RANDOM, *BY_INPUTS)]
    asked = prepared(Asked(model, kind, inputs, target), chosen, batch_size)

    def scores(part: Asked) -> dict[str, Tensor]:
        # First what may be refused.
        found = of_pass(watched, watch_for(watched, part), aggregation) if watched else {}
        return found | {name: by_inputs(method, part) for name, method in BY_INPUTS.items() if name in wanted}

    found = over_parts(scores, asked, batch_size)
    found |= {name: random_rows(asked.present, seed, name != "random") for name in RANDOM if name in wanted}
    return {name: found[name] for name in wanted}


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
    wanted = some_of("method", methods, OF_LAYERS)
    asked = prepared(Asked(model, kind, inputs, target), chosen, batch_size)

    def scores(part: Asked) -> dict[tuple[tuple[int, int | None], str], Tensor]:
        seen, found = watch_for(wanted, part), {}
        row, keys = row_of(seen), scored(part, kind.offset(part.inputs))
        for layer, own in enumerate(single_maps(seen)):
            for head in (None, *range(own.weights.shape[1])):
                how = Aggregation(heads="mean" if head is None else head)
                for name in wanted:
                    found[(layer, head), name] = of_layers(name, asked.model, [own], row, how)[:, keys]
        return found

    return by_place(over_parts(scores, asked, batch_size))


def by_place(found: Mapping[tuple[Any, str], Any]) -> dict[Any, dict[str, Any]]:
    """Scores by layer and head and by method: a dictionary by method for each layer and head."""
    result: dict[Any, dict[str, Any]] = {}
    for (place, name), scores in found.items():
        result.setdefault(place, {})[name] = scores
    return result


def prepared(asked: Asked, chosen: Chosen | None, batch_size: int) -> Asked:
    """The model as it is to be asked, with the class to explain of each instance; or what is refused."""
    one_of("target", asked.target, TARGETS)
    check_watchable(asked)
    check(asked)
    asked = without_padding(asked)
    return replace(asked, chosen=classes(answers(asked, batch_size), chosen))


def classes(logits: Tensor, chosen: Chosen | None) -> Tensor:
    """The class to explain of each instance, [N]: the predicted one, or `chosen` if it can be.

    chosen: one for each instance, or one for all. Raises ValueError for a class that the model does not have,
    and for another number of them.
    """
    if chosen is None:
        return logits.argmax(dim=1)
    n, n_classes = logits.shape
    each = chosen if isinstance(chosen, list | tuple) or np.ndim(chosen) else [chosen] * n
    return torch.from_numpy(whole_labels(each, "instance", n, n_classes, "chosen")).to(logits.device)


def watch_for(methods: Sequence[str], asked: Asked) -> Pass:
    """A pass with what the methods need and no more: another model may not have it."""
    maps_needed = any(name in (*OF_LAYERS, *OF_ALL_LAYERS) for name in methods)
    return watch(asked, maps_needed, any(name in OF_RELEVANCE for name in methods))


def over_parts(
    scores: Callable[[Asked], Mapping[Key, Tensor]], asked: Asked, batch_size: int
) -> dict[Key, Tensor]:
    """Scores of all rows, part by part, 0 where nothing is present, in a number format that NumPy has."""
    whole: dict[Key, Tensor] = {}
    for rows, part in asked.parts(batch_size):
        for key, found in scores(part).items():
            dtype = torch.promote_types(found.dtype, torch.float32)
            empty = found.new_zeros(asked.present.shape, dtype=dtype)
            whole.setdefault(key, empty)[rows, : found.shape[1]] = found.to(dtype)
    return {key: found.masked_fill(~asked.present, 0.0) for key, found in whole.items()}


def scored(asked: Asked, begin: int) -> slice:
    """Where the scored positions are among those that begin so far before them."""
    return slice(begin, begin + asked.present.shape[1])


def random_rows(present: Tensor, seed: int, signed: bool) -> Tensor:
    """Uniform draws [N, U], from [0, 1) or [-1, 1), of a row's number and the seed; 0 if not present."""
    n, width = present.shape
    drawn = np.stack([np.random.default_rng((seed, row)).random(width) for row in range(n)])
    scores = torch.from_numpy(2 * drawn - 1 if signed else drawn)
    return scores.to(present.device).masked_fill(~present, 0.0)


def by_inputs(method: Attribution, asked: Asked) -> Tensor:
    """What a method gives each scored row, summed over its features, [N, U]."""
    kind = asked.kind

    def forward(features: Tensor) -> Tensor:
        return target_value(asked.logits(**{kind.features: features}), asked.chosen, asked.target)

    features = asked.features.detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad():
        found = method(forward, features)
    return found.detach().sum(dim=2)[:, scored(asked, kind.ends)]


def of_pass(methods: Iterable[str], seen: Pass, how: Aggregation) -> dict[str, Tensor]:
    """Scores [N, U] of the methods that read a watched pass, which stands for one batch."""
    asked, kind = seen.asked, seen.asked.kind
    row, keys = row_of(seen, how), scored(asked, kind.offset(asked.inputs))
    through_all = one_stream if kind.streams == 1 else two_streams
    scores = {}
    for name in methods:
        if name == "input × gradient":
            scores[name] = seen.by_features[:, scored(asked, kind.ends)]
        elif name in OF_LAYERS:
            scores[name] = of_layers(name, asked.model, single_maps(seen), row, how)[:, keys]
        else:
            clamp = not name.endswith(SIGNED) if how.clamp is None else bool(how.clamp)
            scores[name] = through_all(name.removesuffix(SIGNED), seen.maps, row, how, clamp)[:, keys]
    return scores


def row_of(seen: Pass, how: Aggregation = PUBLISHED_AGGREGATION) -> Tensor:
    """Which query is read: its number [N], or even weights [N, Q] of all that are present.

    Of a kind that does not say, even weights of those that have gradients at the end.
    ValueError where the head reads other queries than the kind says: those have gradients at the end.
    """
    kind, inputs = seen.asked.kind, seen.asked.inputs
    read = queries = kind.queries(inputs).bool()
    if how.row != "mean" and kind.streams == 1 and seen.maps:
        of_queries = seen.maps[-1].gradient.abs().sum(dim=(1, 3))
        read = of_queries > 1e-6 * of_queries.sum(dim=1, keepdim=True)
    if how.row == "mean" or kind.row is None:
        # A target that is constant depends on none.
        read = torch.where(read.any(dim=1, keepdim=True), read, queries)
        return read / read.sum(dim=1, keepdim=True)
    row = kind.row(inputs).to(seen.by_features.device)
    if read is not queries:
        for instance, query in read.scatter(1, row.unsqueeze(1), False).nonzero()[:1].tolist():
            raise ValueError(
                f"the model's head reads position {query} of an instance, where {kind.name} says "
                f"{int(row[instance])}: give a Kind with the `row` that it reads, or "
                "Aggregation(row='mean') if it reads the mean"
            )
    return row


def single_maps(seen: Pass) -> list[Map]:
    """Of a pass the maps of single layers: all of one stream, of two those from words to regions."""
    return [m for m in seen.maps if seen.asked.kind.streams == 1 or streams_of(m) == ("text", "image")]


def of_layers(name: str, model: nn.Module, single: list[Map], row: Tensor, how: Aggregation) -> Tensor:
    """Scores [N, keys] of a method of single layers."""
    if name == "attention × norm":
        of, joint = maps.attention_times_norm, how.heads == "mean"
        layers = [of(m.weights, m.values, output_weight(model, m), joint) for m in single]
    else:
        layers = [OF_A_MAP[name](m) for m in single]
    return maps.single_layer(layers, row, how.heads, how.layers, bool(how.clamp))


def output_weight(model: nn.Module, found: Map) -> Tensor:
    """The weight of the layer that joins an attention module's heads, [d, heads · size].

    It is `output.dense` beside the module, or one of JOINING in it. Of one that is wrapped, as by an adapter,
    the weight is what the whole of it does to unit vectors. ValueError if that is not linear.
    """
    beside = found.name.rpartition(".")[0]
    modules = dict(plain(model).named_modules())
    names = (f"{beside}.output.dense", *(f"{found.name}.{part}" for part in JOINING))
    dense = next((modules[name] for name in names if name in modules), None)
    width = found.values.shape[-1] if found.values.dim() == 3 else 0
    if dense is None or not width or getattr(dense, "in_features", width) != width:
        raise ValueError(
            f"attention × norm needs the values of {found.name}, by a layer called {', '.join(VALUES)}, and "
            f"the layer that joins its heads, output.dense beside it or {', '.join(JOINING)} in it; the "
            "other methods do without"
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


def one_stream(method: str, found: list[Map], row: Tensor, how: Aggregation, clamp: bool) -> Tensor:
    """Scores [N, keys] of a method that goes through all layers of one stream, over all its keys."""
    if method == "rollout":
        return maps.rollout([m.weights for m in found], row, how.heads)
    return maps.at_row(maps.attribution([OF_A_MAP[method](m) for m in found], clamp, how.heads), row)


def two_streams(method: str, found: list[Map], row: Tensor, how: Aggregation, clamp: bool) -> Tensor:
    """Scores [N, regions] of LXMERT, by its last attention from words to regions.

    Transformer attribution is that of this one layer, and rollout is of both streams before it, as in Liu et
    al.'s code; generic attribution goes through all layers.
    """
    streams = [streams_of(m) for m in found]
    last = max(i for i, stream in enumerate(streams) if stream == ("text", "image"))
    cross = found[last]
    if method == "transformer attribution":
        return maps.single_layer([OF_A_MAP[method](cross)], row, how.heads, clamp=clamp)
    sizes = dict(zip(("text", "image"), cross.weights.shape[2:], strict=True))
    if method == "generic attribution":
        steps = steps_of(streams, [OF_A_MAP[method](m) for m in found])
        return maps.at_row(maps.two_stream_attribution(steps, sizes, clamp, how.heads)["text", "image"], row)
    rolled = {}
    for stream, size in sizes.items():
        own = [m.weights for m, both in zip(found[:last], streams, strict=False) if both == (stream,) * 2]
        rolled[stream] = maps.rolled_out(own, cross.weights, size, how.heads)
    return maps.at_row(rolled["text"].mT @ maps.over_heads(cross.weights, how.heads) @ rolled["image"], row)


def streams_of(found: Map) -> tuple[str, str]:
    """Which stream asks and which is asked, by the module's name.

    LXMERT's cross attention runs twice with the same parameters, first from the words to the regions.
    """
    if "visn_self_att" in found.name or ".r_layers." in found.name:
        return "image", "image"
    if "visual_attention" in found.name:
        return ("text", "image") if found.run == 0 else ("image", "text")
    return "text", "text"


def steps_of(streams: list[tuple[str, str]], layers: list[Tensor]) -> list[maps.Step]:
    """Maps in their order, the two directions of a cross attention at one time."""
    steps: list[maps.Step] = []
    for both, product in zip(streams, layers, strict=True):
        if both != ("image", "text"):
            steps.append({})
        steps[-1][both] = product
    return steps
