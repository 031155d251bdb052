"""A watched forward pass of a stock transformer: its attention maps, their gradients and their relevance.

Nothing is copied from the models: maps and relevance come from the functions they call (`interception`,
`relevance`). A model must be in eval mode and attend eagerly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import whole_labels
from attnlib.explain.targets import target_value
from attnlib.explain.transformers.asking import answers, logits_of, plain
from attnlib.explain.transformers.interception import (
    NOT_ASKED,
    AttentionMaps,
    Map,
    attention_modules,
    check_maps,
)
from attnlib.explain.transformers.relevance import Relevance
from attnlib.models.kinds import Inputs, Kind

# One class for each instance, or one for all
Chosen = Tensor | np.ndarray | Sequence[int] | int


class Pass(NamedTuple):
    """A forward pass that was watched.

    maps: the attention maps, out of the graph, with the gradient and the relevance of each; none if they were
    not asked for. by_features: [N, U] features × gradient, summed over their dimensions.
    """

    maps: list[Map]
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
    each = chosen if isinstance(chosen, list | tuple) or np.ndim(chosen) else [chosen] * n
    labels = whole_labels(each, "instance", n, n_classes, name="chosen")
    return torch.from_numpy(labels).to(logits.device)


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
    with torch.backends.cudnn.flags(enabled=False), torch.enable_grad(), all_in_graph(own):
        with AttentionMaps(own) if maps else nullcontext() as watched:
            logits = logits_of(model, kind, given)
        if watched:
            found = watched.found
            check_maps(own, found, kind.queries(inputs).shape[1] if kind.streams == 1 else None)
        value = target_value(logits, chosen, target).sum()
        leaves = [*(m.weights for m in found), features]
        *gradients, slope = torch.autograd.grad(value, leaves, materialize_grads=True)
        relevances: Sequence[Tensor] = [NOT_ASKED] * len(found)
        if maps and relevance:
            # The later mode sees the earlier one's tensors: the maps are those that carry relevance.
            with Relevance(), AttentionMaps(own) as carried:
                logits = logits_of(model, kind, given)
            value, leaves = logits.gather(1, chosen.unsqueeze(1)).sum(), [m.weights for m in carried.found]
            relevances = torch.autograd.grad(value, leaves, materialize_grads=True)
    watched_maps = [
        Map(m.name, m.weights.detach(), m.values.detach(), m.run, gradient, relevant)
        for m, gradient, relevant in zip(found, gradients, relevances, strict=True)
    ]
    return Pass(watched_maps, (features.detach() * slope).sum(dim=2))


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
