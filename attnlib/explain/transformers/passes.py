"""A watched forward pass of a stock transformer: its attention maps, their gradients and their relevance.

Nothing is copied from the models: maps and relevance come from the functions they call (`interception`,
`relevance`). A model must be in eval mode and attend eagerly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import one_of
from attnlib.explain.targets import TARGETS, target_value
from attnlib.explain.transformers.asking import answers, logits_of, plain
from attnlib.explain.transformers.interception import AttentionMaps, Map, attention_modules, check_maps
from attnlib.explain.transformers.relevance import Relevance
from attnlib.models.kinds import Inputs, Kind

# One class for each instance, or one for all
Chosen = Tensor | np.ndarray | Sequence[int] | int


@dataclass(frozen=True)
class Pass:
    """A forward pass that was watched: the target's gradients and the relevances at every attention map.

    row: [N] the query that the head reads. queries: [N, Q] bool, which queries are present. by_features:
    [N, U] features × gradient, summed over their dimensions. What was not asked for is an empty list.
    """

    found: list[Map]
    gradients: list[Tensor]
    relevances: list[Tensor]
    logits: Tensor
    row: Tensor
    queries: Tensor
    by_features: Tensor


def classes(
    model: nn.Module, kind: Kind, inputs: Inputs, chosen: Chosen | None = None, batch_size: int = 64
) -> Tensor:
    """The class to explain of each instance, [N]: the predicted one, or `chosen` if it can be.

    chosen: one for each instance, or one for all. Raises ValueError for a class that the model does not have,
    and for another number of them.
    """
    logits = answers(model, kind, inputs, batch_size)
    if chosen is None:
        return logits.argmax(dim=1)
    n, n_classes = logits.shape
    try:
        given = chosen if isinstance(chosen, Tensor) else torch.as_tensor(np.asarray(chosen))
    except (TypeError, ValueError) as error:
        raise ValueError(f"chosen: {error}; give the numbers of classes, from 0") from None
    if given.dtype == torch.bool or given.is_floating_point() or given.is_complex():
        raise ValueError(f"chosen: expected the numbers of classes, from 0, got {given.dtype}")
    given = given.long().expand(n) if given.dim() == 0 else given.long()
    if given.shape != (n,):
        what = f"{len(given)} classes" if given.dim() == 1 else f"shape {list(given.shape)}"
        raise ValueError(f"chosen: {what} for {n} instances")
    outside = (given < 0) | (given >= n_classes)
    if outside.any():
        row = int(outside.long().argmax())
        raise ValueError(
            f"chosen: the class of row {row} is {int(given[row])}, the model has 0 to {n_classes - 1}"
        )
    return given.to(logits.device)


def watch(
    model: nn.Module,
    kind: Kind,
    inputs: Inputs,
    chosen: Tensor,
    target: str = "logit",
    maps: bool = True,
    relevance: bool = True,
) -> Pass:
    """Run a model twice, once for gradients and once for relevance, and keep what was seen.

    inputs: the model's keyword arguments; those of `kind.features` must be among them, so for BERT the word
    embeddings and not the ids. chosen: [N] class to explain. target: what gradients are of; relevance starts
    from the class's logit. maps, relevance: False leaves them out, for models that have none. ValueError says
    which attention maps are not found (`interception.check_maps`).
    """
    one_of("target", target, TARGETS)
    own = plain(model)
    padded = any(not inputs[name].all() for name in ("attention_mask", kind.present))
    if maps and own is not model and padded and attention_modules(own):
        raise ValueError(
            f"padding changes what {type(own).__name__} answers, so its attention maps can only be read of "
            "texts of one length, without padding: call this for each length"
        )
    features = inputs[kind.features].detach().requires_grad_()
    given = {**inputs, kind.features: features}
    found: list[Map] = []
    relevances: Sequence[Tensor | None] = ()
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad(), all_in_graph(own):
        with AttentionMaps(own) if maps else nullcontext() as watched:
            logits = logits_of(model, kind, given)
        if watched:
            found = watched.found
            check_maps(own, found, kind.queries(inputs).shape[1] if kind.streams == 1 else None)
        value = target_value(logits, chosen, target).sum()
        weights = [m.weights for m in found]
        gradients = torch.autograd.grad(value, [*weights, features], allow_unused=True)
        if maps and relevance:
            # The later mode sees the earlier one's tensors: the maps are those that carry relevance.
            with Relevance(), AttentionMaps(own) as carried:
                relevant = logits_of(model, kind, given)
            start = torch.zeros_like(relevant).scatter(1, chosen.unsqueeze(1), 1.0)
            relevances = torch.autograd.grad(
                relevant, [m.weights for m in carried.found], start, allow_unused=True
            )
    detached = [replace(m, weights=m.weights.detach(), values=m.values.detach()) for m in found]
    by_features = (features.detach() * filled(gradients[-1], features)).sum(dim=2)
    return Pass(
        detached,
        [filled(g, w) for g, w in zip(gradients, weights, strict=False)],
        [filled(r, w) for r, w in zip(relevances, weights, strict=bool(relevances))],
        logits.detach(),
        kind.row(inputs).to(logits.device),
        kind.queries(inputs).bool(),
        by_features,
    )


@contextmanager
def all_in_graph(model: nn.Module) -> Iterator[None]:
    """Frozen parameters, as under adapters, take part: sums share relevance with what is in the graph."""
    frozen = [p for p in model.parameters() if p.is_floating_point() and not p.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_()
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


def filled(found: Tensor | None, like: Tensor) -> Tensor:
    """A gradient, or zeros where the output does not depend on the tensor."""
    return torch.zeros_like(like) if found is None else found
