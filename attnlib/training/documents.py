"""Training of document models as Serrano & Smith released it: Adam, a plateau schedule, early stopping."""

from __future__ import annotations

import copy
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.models.documents import DocumentModel
from attnlib.models.documents_batches import Documents, evaluation_batches, training_batches
from attnlib.training.fit import metrics


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
        for name in ("epochs", "limit", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: at least 1 is needed")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give a number above 0")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience is {self.patience}: give at least 1, or None")


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

    The learning rate is halved after every epoch whose dev accuracy is no better than the best so far; on
    equal accuracies the earlier epoch is kept, so that training ends at a perfect one. Each row: epoch, loss
    (mean per document), learning_rate, seconds, dev metrics, and selected: 1.0 for the epoch kept. The global
    random state is left as it was. FloatingPointError for a loss that is not finite.
    """
    model.to(device)
    # Fused: one pass over memory, which is most of the work for a large table of word vectors.
    optimizer = torch.optim.Adam(model.parameters(), training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=0)
    generator = np.random.default_rng(training.seed)
    history: list[dict[str, float]] = []
    best: tuple[float, int] = (-np.inf, 0)
    kept: dict[str, Tensor] = {}
    gpus = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(training.seed)
        for epoch in range(1, training.epochs + 1):
            start, rate = time.perf_counter(), optimizer.param_groups[0]["lr"]
            loss = train_epoch(model, train, training, optimizer, generator, device)
            if not np.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} in epoch {epoch}: lower the learning rate")
            scores = metrics(dev.labels, predict_documents(model, dev, device))
            accuracy = scores["accuracy"]
            schedule.step(accuracy)
            seconds = time.perf_counter() - start
            history.append(
                {"epoch": epoch, "loss": loss, "learning_rate": rate, "seconds": seconds, **scores}
            )
            if progress:
                print(
                    f"epoch {epoch}/{training.epochs}: loss {loss:.3f}, dev accuracy {accuracy:.3f}, "
                    f"{seconds:.1f} s",
                    file=sys.stderr,
                    flush=True,
                )
            if accuracy > best[0]:
                best, kept = (accuracy, epoch), copy.deepcopy(model.state_dict())
            waited = epoch - best[1]
            if best[0] == 1 or (training.patience is not None and waited >= training.patience):
                break
    model.load_state_dict(kept)
    model.eval()
    for row in history:
        row["selected"] = float(row["epoch"] == best[1])
    return history


def train_epoch(
    model: DocumentModel,
    train: Documents,
    training: DocumentTraining,
    optimizer: torch.optim.Adam,
    generator: np.random.Generator,
    device: str,
) -> float:
    """One pass over the training documents; the mean loss per document."""
    model.train()
    total = 0.0
    for batch in training_batches(train, model.hierarchical, training.limit, training.batch_size, generator):
        batch = batch.to(device)
        loss = nn.functional.cross_entropy(model(batch).logits, batch.labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), training.clip)
        optimizer.step()
        total += float(loss.detach()) * len(batch.labels)
    return total / len(train)
