"""Explanations by the gradient at the word embeddings, summed over their dimensions.

Captum computes those of Liu et al., for which nothing is held constant: encoder and attention are both in the
graph. Jain & Wallace cut it after the softmax (`gradient_times_embedding`). A question is not attributed to.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from attnlib.checks import needed, one_of
from attnlib.data.corpus import Split, Vocabulary
from attnlib.explain.targets import TARGETS, target_value
from attnlib.models.batches import Batch, batches, joined
from attnlib.models.classifier import AttentionModel
from attnlib.readout import Readout


class Trained(NamedTuple):
    """What an explanation may look at: a model, the texts, and the model's Readout on them."""

    model: AttentionModel
    texts: Split
    vocabulary: Vocabulary
    readout: Readout
    device: str = "cpu"


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

    return over_batches(scores, model, batches(split, vocabulary, batch_size), device)


# Where the texts of each batch stand, and the batch
Batches = Iterable[tuple[np.ndarray, Batch]]
# The model as a function of embeddings [n, L, d]: the target's value [n]
Forward = Callable[[Tensor], Tensor]
# (forward, embeddings) → attributions [n, L, d]
Attribution = Callable[[Forward, Tensor], Tensor]


def input_times_gradient(forward: Forward, embedded: Tensor) -> Tensor:
    """e ⊙ ∂target/∂e (InputGrad)."""
    return captum().InputXGradient(forward).attribute(embedded)


def embedding_gradient(forward: Forward, embedded: Tensor) -> Tensor:
    """∂target/∂e; summed over dimensions it is what Liu et al.'s code calls GradCAM, which is in no table."""
    return captum().Saliency(forward).attribute(embedded, abs=False)


def integrated_gradients(n_steps: int = 20, released: bool = False) -> Attribution:
    """e ⊙ the mean gradient along the straight path from zero embeddings, in n_steps steps (IG).

    Start and end symbols move along the path too; the predicted class is that of the text itself. The sum
    over all positions is the difference between the target at both ends, up to the error of the steps.
    released: as Liu et al.'s code has it, step k of m weighted by k/m, which misses that sum.
    (Sundararajan et al. 2017.)
    """
    if n_steps < 1:
        raise ValueError(f"n_steps is {n_steps}: at least 1 is needed")

    def proper(forward: Forward, embedded: Tensor) -> Tensor:
        # All steps of a batch at once take twice as long as one step at a time: they leave the cache.
        steps = dict(n_steps=n_steps, method="riemann_right", internal_batch_size=len(embedded))
        return captum().IntegratedGradients(forward).attribute(embedded, **steps)

    def as_released(forward: Forward, embedded: Tensor) -> Tensor:
        total = torch.zeros_like(embedded)
        for k in range(1, n_steps + 1):
            point = (embedded * (k / n_steps)).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(forward(point).sum(), point)
            total += k / n_steps * gradient
        return (embedded * total).detach()

    return as_released if released else proper


def captum() -> Any:
    """Captum's attribution methods; ImportError says how to get them."""
    with warnings.catch_warnings():
        # Its progress bars complain where a notebook has no widgets.
        warnings.simplefilter("ignore")
        return needed("captum.attr", "gradients at the embeddings need", "explain")


def attributions(
    method: Attribution, to: Trained, target: str = "probability", batch_size: int = 32
) -> Tensor:
    """What a method gives each token, summed over embedding dimensions, [N, T] float64, 0 beyond the text.

    method: a function above; of the predicted class. A row does not depend on its batch.
    """
    one_of("target", target, TARGETS)
    model = to.model

    def scores(batch: Batch, embedded: Tensor) -> Tensor:
        with torch.no_grad():
            output = model(batch)

        predicted = output.logits.argmax(dim=1)

        def forward(embedded: Tensor) -> Tensor:
            logits = model(batch, embedded=embedded, query=output.query).logits
            return target_value(logits, predicted, target)

        return method(forward, embedded)

    return over_batches(scores, model, batches(to.texts, to.vocabulary, batch_size), to.device)


def over_batches(
    scores: Callable[[Batch, Tensor], Tensor], model: AttentionModel, given: Batches, device: str
) -> Tensor:
    """Scores of all texts, [N, T] float64, 0 beyond the text.

    scores: of a batch and its embeddings [n, L, d], which want a gradient; [n, L, d], summed here over d.
    """
    parts = []
    model.eval()
    for index, batch in given:
        batch = batch.to(device)
        embedded = model.embedding(batch.ids).detach().requires_grad_()
        # cuDNN's recurrent layers refuse gradients outside training.
        with torch.backends.cudnn.flags(enabled=False):
            found = scores(batch, embedded).detach().double().sum(dim=2)
        parts.append((index, {"scores": (found * batch.mask)[:, 1:-1]}))
    return joined(parts)["scores"]
