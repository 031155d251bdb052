"""Gradient × embedding, with the attention weights held constant."""

from __future__ import annotations

import torch
from torch import Tensor

from attnlib.data.corpus import Split, Vocabulary
from attnlib.explain.inputs import over_batches
from attnlib.models.batches import Batch
from attnlib.models.classifier import AttentionModel


def gradient_times_embedding(
    model: AttentionModel,
    split: Split,
    vocabulary: Vocabulary,
    device: str = "cpu",
    batch_size: int = 128,
    detach_attention: bool = True,
) -> Tensor:
    """∂p_c/∂x_t · x_t per token, [N, T] float64, zero beyond the text; c is the predicted class.

    Equal to the derivative by the one-hot input at the observed word. With `detach_attention` the graph is
    cut after the softmax, as in Jain & Wallace 2019, Algorithm 1 and Appendix B; the encoder stays in it. For
    two classes ∂p_1 = −∂p_0, so the absolute value, which τ_g ranks, is the same for either class.
    """

    def scores(batch: Batch, embedded: Tensor) -> Tensor:
        logits = model(batch, embedded=embedded, detach_attention=detach_attention).logits
        chosen = logits.softmax(dim=1).gather(1, logits.argmax(dim=1, keepdim=True)).sum()
        (gradient,) = torch.autograd.grad(chosen, embedded)
        return gradient.double() * embedded.detach().double()

    return over_batches(scores, model, split, vocabulary, device, batch_size)
