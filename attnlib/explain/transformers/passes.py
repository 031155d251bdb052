"""A watched forward pass of a stock transformer: its attention maps, their gradients and their relevance.

Nothing is copied from the models: maps and relevance come from the functions they call (`interception`,
`relevance`). A model must be in eval mode and attend eagerly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from attnlib.checks import one_of
from attnlib.explain.targets import TARGETS, target_value
from attnlib.explain.transformers.interception import AttentionMaps, Map
from attnlib.explain.transformers.relevance import Relevance
from attnlib.models.kinds import Inputs, Kind


@dataclass(frozen=True)
class Pass:
    """A forward pass that was watched: the target's gradients and the relevances at every attention map.

    row: [N] the query that the head reads. queries: [N, Q] bool, which queries are present. by_features:
    [N, U] features × gradient, summed over their dimensions.
    """

    found: list[Map]
    gradients: list[Tensor]
    relevances: list[Tensor]
    logits: Tensor
    row: Tensor
    queries: Tensor
    by_features: Tensor


def chunks(inputs: Inputs, size: int) -> Iterator[dict[str, Tensor]]:
    """The inputs of `size` instances at a time, in their order."""
    n = len(inputs["attention_mask"])
    for start in range(0, n, size):
        yield {name: value[start : start + size] for name, value in inputs.items()}


@torch.no_grad()
def classes(
    model: nn.Module, kind: Kind, inputs: Inputs, chosen: Tensor | None = None, batch_size: int = 64
) -> Tensor:
    """The class to explain of each instance, [N]: the predicted one, or `chosen` if it can be.

    Raises ValueError for a class that the model does not have, and for another number of them.
    """
    logits = torch.cat([model(**part)[kind.logits] for part in chunks(inputs, batch_size)])
    if chosen is None:
        return logits.argmax(dim=1)
    n, n_classes = logits.shape
    if len(chosen) != n:
        raise ValueError(f"chosen: {len(chosen)} classes for {n} instances")
    outside = (chosen < 0) | (chosen >= n_classes)
    if outside.any():
        row = int(outside.long().argmax())
        raise ValueError(
            f"chosen: the class of row {row} is {int(chosen[row])}, the model has 0 to {n_classes - 1}"
        )
    return chosen.to(logits.device)


def watch(model: nn.Module, kind: Kind, inputs: Inputs, chosen: Tensor, target: str = "logit") -> Pass:
    """Run a model twice, once for gradients and once for relevance, and keep what was seen.

    inputs: the model's keyword arguments; those of `kind.features` must be among them, so for BERT the word
    embeddings and not the ids. chosen: [N] class to explain. target: what gradients are of; relevance starts
    from the class's logit.
    """
    one_of("target", target, TARGETS)
    features = inputs[kind.features].detach().requires_grad_()
    given = {**inputs, kind.features: features}
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad():
        with AttentionMaps(model) as watched:
            logits = model(**given)[kind.logits]
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
        kind.queries(inputs).bool(),
        by_features,
    )


def filled(found: Tensor | None, like: Tensor) -> Tensor:
    """A gradient, or zeros where the output does not depend on the tensor."""
    return torch.zeros_like(like) if found is None else found


def check(model: nn.Module, kind: Kind, inputs: Inputs) -> None:
    """ValueError by name for a missing input, another number of features than their mask, something present
    after a gap, a text longer than the model's positions, or a model in training.
    """
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
    for name in {kind.present, "attention_mask"}:
        there = inputs[name].bool()
        later = (there[:, 1:] & ~there[:, :-1]).any(dim=1)
        if later.any():
            raise ValueError(
                f"{name}: row {int(later.long().argmax())} has something after a gap; what is present must "
                "come first, so pad at the end"
            )
    longest = getattr(getattr(model, "config", None), "max_position_embeddings", None)
    length = inputs["attention_mask"].shape[1]
    if longest is not None and length > longest:
        raise ValueError(f"the text has {length} positions, the model {longest}: shorten it")
