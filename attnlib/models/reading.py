"""From a trained model to the Readout that the kernels work on."""

import copy

import torch
from torch import Tensor, nn

from attnlib.data.corpus import Split, Vocabulary
from attnlib.kernels import conicity
from attnlib.models.batches import batches, joined
from attnlib.models.classifier import AttentionModel, LinearHead, PairHead
from attnlib.readout import Head, Readout


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
    head = model.head
    parts = []
    model.eval()
    for rows, batch in batches(split, vocabulary, batch_size):
        batch = batch.to(device)
        output = model(batch)
        scores = output.states @ head.projection.weight.T
        whole = {"alpha": output.attention, "scores": scores, "mask": batch.mask}
        columns = {name: values[:, 1:-1] for name, values in whole.items()}  # without start and end
        if isinstance(head, PairHead):
            columns["offset"] = head.projection.bias + head.query(output.query)
        if (allowed := batch.allowed(output.logits.shape[1])) is not None:
            columns["allowed"] = allowed
        parts.append((rows, columns))
    found = joined(parts)
    # In a pair model the bias is part of the offset.
    bias = torch.zeros_like(head.projection.bias) if "offset" in found else head.projection.bias
    if isinstance(head, LinearHead):
        found["scores"], bias = head.finish(found["scores"]), head.finish(bias)
    return Readout(bias=bias, head=head_of(model), **found)


@torch.no_grad()
def conicity_of(model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str = "cpu") -> Tensor:
    """The `kernels.conicity` of the encoder's states, [N], in the order of the split."""
    model.eval()
    found = torch.empty(len(split), dtype=torch.float64, device=device)
    for rows, batch in batches(split, vocabulary, 128):
        batch = batch.to(device)
        found[torch.from_numpy(rows)] = conicity(model(batch).states.double(), batch.mask)
    return found


def head_of(model: AttentionModel) -> Head | None:
    """The head that Readouts of a model have, from a copy without gradients; None for a linear one."""
    if isinstance(model.head, LinearHead):
        return None
    head = copy.deepcopy(model.head).requires_grad_(False)
    if isinstance(head, PairHead):
        return nn.Sequential(nn.Tanh(), head.answer)
    return head.finish
