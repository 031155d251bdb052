"""Training of document models as Serrano & Smith released it: Adam, a plateau schedule, early stopping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from attnlib.models.document_batches import Documents, evaluation_batches, training_batches
from attnlib.models.documents import DocumentModel
from attnlib.training.fit import Recipe, Step, check_counts, fit
from attnlib.training.metrics import metrics


@dataclass(frozen=True)
class DocumentTraining:
    """How a document model is trained.

    limit: most documents × padded words in a batch (`training_batches`). patience: stop after so many epochs
    without a better dev accuracy; None trains all epochs. clip: largest norm of the gradient.
    """

    epochs: int = 15
    patience: int | None = 5
    learning_rate: float = 4e-4
    limit: int = 1000
    batch_size: int = 64
    clip: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_counts(self, "epochs", "limit", "batch_size", "patience")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give a number above 0")


@torch.no_grad()
def predict_documents(model: DocumentModel, documents: Documents, device: str = "cpu") -> np.ndarray:
    """Class probabilities [N, C], float64, in the order given."""
    model.eval()
    result = np.empty((len(documents), model.head.out_features))
    for rows, batch in evaluation_batches(documents, model.hierarchical):
        result[rows] = model(batch.to(device)).logits.double().softmax(dim=1).cpu().numpy()
    return result


def fit_documents(
    model: DocumentModel,
    train: Documents,
    dev: Documents,
    training: DocumentTraining,
    device: str = "cpu",
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train in place; the model ends with the parameters of its best epoch on dev. Returns one row an epoch.

    The learning rate is halved after every epoch whose dev accuracy is no better than the best so far;
    training ends at a perfect one. Rows and errors are those of `fit`.
    """
    # Fused: one pass over memory, which is most of the work for a large table of word vectors.
    optimizer = torch.optim.Adam(model.to(device).parameters(), training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=0)
    generator = np.random.default_rng(training.seed)

    def steps() -> Iterator[Step]:
        limits = (training.limit, training.batch_size)
        for batch in training_batches(train, model.hierarchical, *limits, generator):
            batch = batch.to(device)
            loss = nn.functional.cross_entropy(model(batch).logits, batch.labels)
            yield Step(loss, loss, len(batch.labels))

    recipe = Recipe(
        model,
        optimizer,
        training.seed,
        training.epochs,
        steps,
        n=len(train),
        measure=lambda: metrics(dev.labels, predict_documents(model, dev, device)),
        score=lambda row: row["accuracy"],
        best=1.0,
        patience=training.patience,
        clip=training.clip,
        after_epoch=lambda row: schedule.step(row["accuracy"]),
    )
    return fit(recipe, progress)
