"""Seeded training with selection on the dev split, and checkpoints that are whole or absent."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from attnlib.checks import whole_labels
from attnlib.data.corpus import Split, Vocabulary
from attnlib.models.batches import Batch, batches
from attnlib.models.build import VARIANTS, one_of
from attnlib.models.classifier import AttentionModel
from attnlib.tensor_files import load_tensors, save_tensors

SELECTIONS = ("dev", "test")
# (positions in the split, batch) → what a step minimises, and the losses per text [n] that are reported.
Objective = Callable[[np.ndarray, Batch], tuple[Tensor, Tensor]]


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
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: at least 1 is needed")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience is {self.patience}: give at least 1, or None")


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve for labels in {0, 1} [N] and scores [N]; NaN with one class only."""
    positive = whole_labels(labels, n=len(scores), classes=2) == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Accuracy; for two classes F1 of class 1 and ROC-AUC too. labels [N], probabilities [N, C].

    F1 is NaN where no text is of class 1 or given it, ROC-AUC where all texts are of one class.
    ValueError, naming the row, for a label that is no column of the probabilities.
    """
    labels = whole_labels(labels, n=len(probabilities), classes=probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    result = {"accuracy": float((predicted == labels).mean())}
    if probabilities.shape[1] == 2:
        hits = int(((predicted == 1) & (labels == 1)).sum())
        marked = int((predicted == 1).sum() + (labels == 1).sum())
        result["f1"] = 2 * hits / marked if marked else float("nan")
        result["roc_auc"] = roc_auc(labels, probabilities[:, 1])
    return result


@torch.no_grad()
def predict(
    model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str = "cpu", batch_size: int = 128
) -> np.ndarray:
    """Class probabilities [N, C], float64, in the order of the split."""
    rows: list[np.ndarray] = []
    order: list[np.ndarray] = []
    model.eval()
    for index, batch in batches(split, vocabulary, batch_size):
        logits = model(batch.to(device)).logits
        rows.append(logits.double().softmax(dim=1).cpu().numpy())
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


def train_epochs(
    model: AttentionModel,
    train: Split,
    dev: Split,
    vocabulary: Vocabulary,
    n_classes: int,
    training: Training,
    device: str = "cpu",
    progress: bool = True,
) -> Iterator[dict[str, float]]:
    """Train in place, epoch by epoch; after each, one row is given while the model is as the epoch left it.

    Each row: epoch, loss (mean per text), seconds, dev metrics. FloatingPointError for a loss not finite.
    """
    pair = model.question_encoder is not None
    weights = class_weights(train.labels, n_classes, pair).to(device)
    loss_function = nn.CrossEntropyLoss(weights, reduction="none")
    # A question's mean loss and classification's summed one are what the authors' two scripts use.
    reduce = torch.sum if training.variant == "released" and not pair else torch.mean
    optimizer = optimizer_for(model.to(device), training)
    generator = np.random.default_rng(training.seed)

    def objective(index: np.ndarray, batch: Batch) -> tuple[Tensor, Tensor]:
        losses = loss_function(model(batch).logits, batch.labels)
        return reduce(losses), losses

    for epoch in range(1, training.epochs + 1):
        start = time.perf_counter()
        visited = batches(train, vocabulary, training.batch_size, generator)
        loss = one_epoch(model, visited, objective, optimizer, device) / len(train)
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} in epoch {epoch}: lower the learning rate")
        scores = metrics(dev.labels, predict(model, dev, vocabulary, device))
        row = {"epoch": epoch, "loss": loss, "seconds": time.perf_counter() - start, **scores}
        if progress:
            tell(row, training.epochs, {f"dev {name}": value for name, value in scores.items()})
        yield row


def one_epoch(
    model: AttentionModel,
    visited: Iterable[tuple[np.ndarray, Batch]],
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    device: str,
) -> float:
    """Train on every batch once; the sum over texts of the losses that the objective reports."""
    total = 0.0
    model.train()
    for index, batch in visited:
        minimised, losses = objective(index, batch.to(device))
        optimizer.zero_grad(set_to_none=True)
        minimised.backward()
        optimizer.step()
        total += float(losses.detach().sum())
    return total


def tell(row: Mapping[str, float], epochs: int, shown: Mapping[str, float]) -> None:
    """One line about an epoch on standard error: its loss, what else is shown, and its seconds."""
    words = ", ".join(f"{name} {value:.3f}" for name, value in shown.items())
    line = f"epoch {row['epoch']}/{epochs}: loss {row['loss']:.3f}, {words}, {row['seconds']:.1f} s"
    print(line, file=sys.stderr, flush=True)


def fit(
    model: AttentionModel,
    train: Split,
    dev: Split,
    vocabulary: Vocabulary,
    n_classes: int,
    training: Training,
    device: str = "cpu",
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train in place; the model ends with the parameters of its best epoch on dev. Returns one row an epoch.

    The score is dev ROC-AUC for two classes and dev accuracy otherwise; on equal scores the earlier epoch, so
    that training ends at a perfect score.
    Each row is `train_epochs`'s, and selected: 1.0 for the epoch kept.
    """
    first_eligible = 2 if training.variant == "released" and training.epochs > 1 else 1
    history: list[dict[str, float]] = []
    best: tuple[float, float] = (-np.inf, 0)
    kept: dict[str, Tensor] = {}
    for row in train_epochs(model, train, dev, vocabulary, n_classes, training, device, progress):
        history.append(row)
        score = row.get("roc_auc", row["accuracy"])
        if row["epoch"] >= first_eligible and (score > best[0] or not kept):
            best, kept = (score, row["epoch"]), copy.deepcopy(model.state_dict())
        waited = row["epoch"] - best[1]
        # After a perfect score no later epoch can be selected.
        if kept and (best[0] == 1 or (training.patience is not None and waited >= training.patience)):
            break
    model.load_state_dict(kept)
    model.eval()
    for row in history:
        row["selected"] = float(row["epoch"] == best[1])
    return history


def save_checkpoint(model: nn.Module, path: str | Path, metadata: dict[str, object]) -> None:
    """Parameters and metadata as one safetensors file; it appears under its name only when complete."""
    save_tensors(path, model.state_dict(), {name: json.dumps(value) for name, value in metadata.items()})


def load_checkpoint(model: nn.Module, path: str | Path) -> dict[str, object]:
    """Load parameters into `model`, and return the metadata.

    Raises FileNotFoundError; ValueError when the file is no checkpoint of this model: say, truncated, with a
    byte that changed, or of another architecture.
    """
    try:
        tensors, metadata = load_tensors(path)
        model.load_state_dict(tensors)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} is no checkpoint of this model: {error}. Delete it to train again."
        ) from error
    return {name: json.loads(value) for name, value in metadata.items()}
