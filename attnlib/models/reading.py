"""From a trained model to the Readout that the kernels work on."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from attnlib.data.corpus import Split, Vocabulary
from attnlib.models.batches import batches
from attnlib.models.classifier import AttentionModel, DeepHead, LinearHead, PairHead
from attnlib.readout import Head, Readout


def token_columns(values: Tensor, width: int) -> Tensor:
    """[N, L, ...] over positions → [N, width, ...] over tokens: the start symbol goes, zeros fill up."""
    values = values[:, 1 : 1 + width]
    missing = width - values.shape[1]
    if missing == 0:
        return values
    return torch.cat([values, values.new_zeros(values.shape[0], missing, *values.shape[2:])], dim=1)


@torch.no_grad()
def read(
    model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str = "cpu", batch_size: int = 128
) -> Readout:
    """Attention weights and per-token scores of every text, in the order of the split.

    A linear head gives scores z_t = V h_t; a question-answering head gives z_t = W_p h_t, the offset
    b_p + W_q q + b_q per text, and the head u → W₃ tanh(u), which the linear kernels refuse; a deep head
    gives z_t = W_p h_t and the layers that follow. Where texts have candidates, the other classes are not
    allowed.
    """
    width = max(len(text) for text in split.texts)
    head = model.head
    parts: list[dict[str, Tensor]] = []
    order: list[Tensor] = []
    model.eval()
    for index, batch in batches(split, vocabulary, batch_size):
        batch = batch.to(device)
        output = model(batch)
        scores = output.states @ head.projection.weight.T
        columns = {"alpha": output.attention, "scores": scores, "mask": batch.mask}
        columns = {name: token_columns(values, width) for name, values in columns.items()}
        if isinstance(head, PairHead):
            columns["offset"] = head.projection.bias + head.query(output.query)
        allowed = batch.allowed(output.logits.shape[1])
        if allowed is not None:
            columns["allowed"] = allowed
        parts.append(columns)
        order.append(torch.from_numpy(index))
    back = torch.argsort(torch.cat(order)).to(device)
    whole = {name: torch.cat([part[name] for part in parts])[back] for name in parts[0]}
    alpha, scores, mask, allowed = whole["alpha"], whole["scores"], whole["mask"], whole.get("allowed")
    # A copy: what was read stays as it is when training goes on.
    bias = head.projection.bias.clone()
    if isinstance(head, LinearHead):
        return Readout(alpha, head.finish(scores), head.finish(bias), mask, allowed=allowed)
    offset = whole.get("offset")
    # In a pair model the bias is part of it.
    bias = bias if offset is None else torch.zeros_like(bias)
    return Readout(alpha, scores, bias, mask, head=head_of(model), offset=offset, allowed=allowed)


def head_of(model: AttentionModel) -> Head | None:
    """The head that Readouts of a model have, from a copy without gradients; None for a linear one."""
    if isinstance(model.head, LinearHead):
        return None
    head = copy.deepcopy(model.head).requires_grad_(False)
    if isinstance(head, DeepHead):
        return head.finish
    return lambda pooled: head.answer(torch.tanh(pooled))
