"""How the models of texts and pairs are trained: Adam with Jain & Wallace's settings, selection on dev."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import one_of
from attnlib.data.corpus import Split, Vocabulary
from attnlib.models.batches import batches
from attnlib.models.build import VARIANTS
from attnlib.models.classifier import AttentionModel
from attnlib.training.fit import Recipe, Step, check_counts
from attnlib.training.metrics import metrics

SELECTIONS = ("dev", "test")


@dataclass(frozen=True)
class Training:
    """How a model is trained; the defaults are Jain & Wallace's for classification.

    variant: "released" (amsgrad, no weight decay on the scorer, loss summed over the batch, the first epoch
    never selected) or "published" (plain Adam, weight decay on everything, mean loss). patience: stop after
    so many epochs without a better dev score; None trains all epochs. selection: the split whose score
    chooses the epoch, "dev"; or "test", as the authors of the first papers did, to see what it changes.
    """

    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    variant: str = "released"
    patience: int | None = None
    seed: int = 0
    selection: str = "dev"

    def __post_init__(self) -> None:
        one_of("variant", self.variant, VARIANTS)
        one_of("selection", self.selection, SELECTIONS)
        check_counts(self, "epochs", "batch_size", "patience")


@torch.no_grad()
def predict(
    model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str = "cpu", batch_size: int = 128
) -> np.ndarray:
    """Class probabilities [N, C], float64, in the order of the split."""
    rows: list[np.ndarray] = []
    order: list[np.ndarray] = []
    model.eval()
    for index, batch in batches(split, vocabulary, batch_size):
        rows.append(model(batch.to(device)).logits.double().softmax(dim=1).cpu().numpy())
        order.append(index)
    result = np.empty((len(split), rows[0].shape[1]))
    result[np.concatenate(order)] = np.concatenate(rows)
    return result


def class_weights(labels: np.ndarray, n_classes: int, pair: bool) -> Tensor:
    """Weights of the loss [C]: two classes give the positive one n_negative / n_positive, else all are 1."""
    weights = torch.ones(n_classes)
    if n_classes == 2 and not pair:
        counts = np.bincount(labels, minlength=2)
        if counts.min() == 0:
            raise ValueError("the training split holds one class only: there is nothing to learn")
        weights[1] = counts[0] / counts[1]
    return weights


def optimizer_for(model: AttentionModel, training: Training) -> torch.optim.Adam:
    """Adam, with the variant's weight decay and amsgrad."""
    released = training.variant == "released"
    scorer = list(model.scorer.parameters())
    in_scorer = {id(parameter) for parameter in scorer}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in in_scorer]
    # The released question-answering script decays the scorer as well.
    spare = released and model.question_encoder is None
    groups = [
        {"params": rest, "weight_decay": training.weight_decay},
        {"params": scorer, "weight_decay": 0.0 if spare else training.weight_decay},
    ]
    # Fused: one pass over memory. On a CPU the default takes ten, and a word-vector table is mostly memory.
    return torch.optim.Adam(
        [group for group in groups if group["params"]], training.learning_rate, amsgrad=released, fused=True
    )


def recipe(
    model: AttentionModel,
    train: Split,
    dev: Split,
    vocabulary: Vocabulary,
    n_classes: int,
    training: Training,
    device: str = "cpu",
) -> Recipe:
    """The recipe of a model for `fit` and `epochs`.

    The score is dev ROC-AUC for two classes and dev accuracy otherwise, so that training ends at a perfect
    one.
    """
    pair = model.question_encoder is not None
    weights = class_weights(train.labels, n_classes, pair).to(device)
    loss_function = nn.CrossEntropyLoss(weights, reduction="none")
    # A question's mean loss and classification's summed one are what the authors' two scripts use.
    reduce = torch.sum if training.variant == "released" and not pair else torch.mean
    generator = np.random.default_rng(training.seed)

    def steps() -> Iterator[Step]:
        for _, batch in batches(train, vocabulary, training.batch_size, generator):
            batch = batch.to(device)
            losses = loss_function(model(batch).logits, batch.labels)
            yield Step(reduce(losses), losses.detach().sum())

    return Recipe(
        model,
        optimizer_for(model.to(device), training),
        training.seed,
        training.epochs,
        steps,
        n=len(train),
        measure=lambda: metrics(dev.labels, predict(model, dev, vocabulary, device)),
        score=lambda row: row.get("roc_auc", row["accuracy"]),
        first=2 if training.variant == "released" and training.epochs > 1 else 1,
        best=1.0,
        patience=training.patience,
        shown={"dev accuracy": "accuracy", "dev F1": "f1", "dev ROC-AUC": "roc_auc"},
    )
