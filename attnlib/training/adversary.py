"""Training an adversary: a model with a trained model's outputs and an attention as far from its as can be.

Wiegreffe & Pinter (2019, §4) answer the search for adversarial attention, one weight vector per text, with
one model for all texts, trained from the start. Per text its loss is

    TVD(ŷ_a, ŷ_b) − λ KL(α_a ‖ α_b)

with a the adversary and b the base; gold labels are no target.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attnlib.checks import one_of
from attnlib.data.corpus import Corpus
from attnlib.models.batches import Batch, batches
from attnlib.models.classifier import VARIANTS, AttentionModel, Output
from attnlib.readout import Readout
from attnlib.training.fit import Recipe, Settings, Step
from attnlib.training.flat import Training, class_weights, optimizer_for

DIRECTIONS = ("adversary || base", "base || adversary")
# The least weight whose logarithm is taken: a softmax in float32 can underflow to 0 on a real token.
LEAST = float(torch.finfo(torch.float32).tiny)


@dataclass(frozen=True)
class AdversaryTraining(Settings):
    """How an adversary is trained.

    strength: λ, ≥ 0. variant: "published", the loss as the paper prints it, summed over a batch, the epoch
    chosen by the loss on dev; or "released", the authors' code: half of the two-class TVD, each batch weighed
    by the sum of its texts' class weights, the epoch chosen by the training loss (two classes only). A λ of
    the code is 2 λ of the paper. direction: of the Kullback–Leibler divergence; the second is an ablation.
    patience: stop after so many epochs without a lower loss. seed: of the order of batches.
    """

    strength: float
    variant: str = "published"
    direction: str = DIRECTIONS[0]
    epochs: int = 80
    patience: int = 10
    batch_size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("variant", self.variant, VARIANTS)
        one_of("direction", self.direction, DIRECTIONS)
        if not 0 <= self.strength < float("inf"):
            raise ValueError(f"strength is {self.strength}: give a number of at least 0")


@dataclass(frozen=True)
class Target:
    """What the base model does on a split, row by row: probabilities [N, C] and attention [N, T], float32."""

    probabilities: Tensor
    attention: Tensor

    @classmethod
    def of(cls, readout: Readout) -> "Target":
        """Of a Readout of the whole split, in its order."""
        return cls(readout.probabilities().float(), readout.alpha.float())

    def at(self, index: np.ndarray, width: int) -> "Target":
        """The rows at some positions, the attention cut to `width` tokens."""
        rows = torch.from_numpy(index).to(self.attention.device)
        return Target(self.probabilities[rows], self.attention[rows, :width])


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p ‖ q) [n] of weights [n, T] that may hold zeros; its gradient is finite."""
    return (p * (p.clamp_min(LEAST).log() - q.clamp_min(LEAST).log())).sum(dim=1)


def adversary_losses(output: Output, target: Target, training: AdversaryTraining) -> tuple[Tensor, Tensor]:
    """TVD to the base's output and divergence of the attentions, per text [n] each; not yet weighed by λ.

    target: of the batch's texts. The released variant halves the TVD.
    """
    probabilities = output.logits.softmax(dim=1)
    distance = (probabilities - target.probabilities).abs().sum(dim=1) / 2
    if training.variant == "released":
        distance = distance / 2
    # Positions of start and end have no weight.
    attention = output.attention[:, 1:-1]
    pair = (attention, target.attention)
    return distance, divergence(*(pair if training.direction == DIRECTIONS[0] else pair[::-1]))


@contextmanager
def denormals_are_zero() -> Iterator[None]:
    """Numbers below 1e-38 count as 0 meanwhile, in this thread.

    Where an attention saturates, the optimizer's means of its gradients decay into that range, where a
    processor is slow: on SST with λ = 1 an epoch took 9 seconds at first and 65 after thirty of them.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def recipe(
    model: AttentionModel,
    corpus: Corpus,
    base: Mapping[str, Readout],
    training: AdversaryTraining,
    device: str = "cpu",
) -> Recipe:
    """The recipe of an adversary for `fit`; the epoch of lowest loss is kept.

    base: the base model's Readouts of the corpus' splits "train" and "dev". Each row: that of `fit`, its loss
    weighed as the variant does, with dev_loss, dev_tvd and dev_divergence (means over dev). ValueError for
    the released variant with more than two classes.
    """
    train, vocabulary = corpus.train, corpus.vocabulary
    of_train, of_dev = (Target.of(base[name]) for name in ("train", "dev"))
    n_classes = of_train.probabilities.shape[1]
    released = training.variant == "released"
    if released and n_classes != 2:
        raise ValueError(f"the released loss is one of two classes, here are {n_classes}: take 'published'")
    weights = class_weights(train.labels, n_classes, pair=False).to(device) if released else None
    generator = np.random.default_rng(training.seed)

    def parts(index: np.ndarray, batch: Batch, target: Target) -> tuple[Tensor, Tensor]:
        of_batch = target.at(index, batch.ids.shape[1] - 2)
        return adversary_losses(model(batch.to(device)), of_batch, training)

    def steps() -> Iterator[Step]:
        for index, batch in batches(train, vocabulary, training.batch_size, generator):
            distance, far = parts(index, batch, of_train)
            losses = distance - training.strength * far
            # The authors' code multiplies the sum over the batch by each text's class weight, and sums again.
            weight = 1 if weights is None else weights[batch.labels.to(device)].sum()
            yield Step(losses.sum() * weight, (losses * weight).detach().sum())

    @torch.no_grad()
    def measure() -> dict[str, float]:
        model.eval()
        sums = np.zeros(2)
        for index, batch in batches(corpus.dev, vocabulary, 128):
            sums += [float(part.double().sum()) for part in parts(index, batch, of_dev)]
        distance, far = map(float, sums / len(corpus.dev))
        return {"dev_loss": distance - training.strength * far, "dev_tvd": distance, "dev_divergence": far}

    return Recipe(
        model,
        optimizer_for(model.to(device), Training(seed=training.seed)),
        training,
        len(train),
        steps,
        measure,
        score=lambda row: -row["loss" if released else "dev_loss"],
        around=denormals_are_zero,
        cure="lower the strength",
    )
