"""Training of document models as Serrano & Smith released it: Adam, a plateau schedule, early stopping."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import ReduceLROnPlateau

from attnlib.models.document_batches import Documents, evaluation_batches, training_batches
from attnlib.models.documents import DocumentModel
from attnlib.training.fit import Recipe, Settings, Step, class_probabilities
from attnlib.training.metrics import metrics


@dataclass(frozen=True)
class DocumentTraining(Settings):
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


def predict_documents(model: DocumentModel, documents: Documents) -> np.ndarray:
    """Class probabilities [N, C], float64, in the order given."""
    found = evaluation_batches(documents, model.hierarchical)
    return class_probabilities(model, found, lambda batch: model(batch).logits)


def recipe(
    model: DocumentModel, train: Documents, dev: Documents, training: DocumentTraining, device: str = "cpu"
) -> Recipe:
    """The recipe of a document model for `fit`.

    The learning rate is halved after every epoch whose dev accuracy is no better than the best so far;
    training ends at a perfect one.
    """
    # Fused: one pass over memory, which is most of the work for a large table of word vectors.
    optimizer = torch.optim.Adam(model.to(device).parameters(), training.learning_rate, fused=True)
    schedule = ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=0)
    generator = np.random.default_rng(training.seed)
    order = (train, model.hierarchical, training.limit, training.batch_size, generator)

    def steps() -> Iterator[Step]:
        for batch in training_batches(*order):
            loss = cross_entropy(model(batch).logits, batch.labels.to(device))
            yield Step(loss, loss, len(batch.labels))

    return Recipe(
        model,
        optimizer,
        training,
        len(train),
        steps,
        measure=lambda: metrics(dev.labels, predict_documents(model, dev)),
        best=1.0,
        clip=training.clip,
        after_epoch=lambda row: schedule.step(row["accuracy"]),
    )
