"""Gradient × embedding, with the attention weights held constant."""

from __future__ import annotations

import torch
from torch import Tensor

from attnlib.data.corpus import Split, Vocabulary
from attnlib.models.batches import batches
from attnlib.models.classifier import AttentionModel
from attnlib.models.reading import token_columns


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
    width = max(len(text) for text in split.texts)
    result = torch.zeros(len(split), width, dtype=torch.float64, device=device)
    model.eval()
    for index, batch in batches(split, vocabulary, batch_size):
        batch = batch.to(device)
        embedded = model.embedding(batch.ids).detach().requires_grad_()
        # cuDNN's recurrent layers refuse gradients outside training.
        with torch.backends.cudnn.flags(enabled=False):
            logits = model(batch, embedded=embedded, detach_attention=detach_attention).logits
        probabilities = logits.softmax(dim=1)
        chosen = probabilities.gather(1, logits.argmax(dim=1, keepdim=True)).sum()
        (gradient,) = torch.autograd.grad(chosen, embedded)
        product = (gradient.double() * embedded.detach().double()).sum(dim=2)
        result[torch.from_numpy(index).to(device)] = token_columns(product * batch.mask, width)
    return result
