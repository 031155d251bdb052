"""Training of small stock transformers: AdamW with a linear warm-up and decay, selection on dev accuracy."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.models.kinds import Kind
from attnlib.training.fit import metrics

# The model's inputs for some rows of a split
Inputs = Callable[[np.ndarray], dict[str, Tensor]]


@dataclass(frozen=True)
class StockTraining:
    """How a stock model is trained. warmup: share of the steps in which the learning rate rises."""

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    warmup: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: at least 1 is needed")
        if not self.learning_rate > 0 or not 0 <= self.warmup < 1:
            raise ValueError(
                f"learning_rate is {self.learning_rate}, warmup {self.warmup}: give above 0, and 0 to below 1"
            )


@torch.no_grad()
def predict_stock(
    model: nn.Module, kind: Kind, inputs: Inputs, n: int, device: str = "cpu", batch_size: int = 256
) -> np.ndarray:
    """Class probabilities [n, C], float64."""
    model.eval()
    found = []
    for start in range(0, n, batch_size):
        given = inputs(np.arange(start, min(start + batch_size, n)))
        logits = model(**{name: value.to(device) for name, value in given.items()})[kind.logits]
        found.append(logits.double().softmax(dim=1).cpu().numpy())
    return np.concatenate(found)


def fit_stock(
    model: nn.Module,
    kind: Kind,
    train: tuple[Inputs, np.ndarray],
    dev: tuple[Inputs, np.ndarray],
    training: StockTraining,
    device: str = "cpu",
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train in place; the model ends with the parameters of its best epoch on dev. Returns one row an epoch.

    train, dev: inputs by rows, and labels. Each row: epoch, loss, seconds, dev accuracy, selected. The same
    seed gives the same model, and the global random state stays. FloatingPointError for a loss not finite.
    """
    (inputs, labels), (dev_inputs, dev_labels) = train, dev
    optimizer = torch.optim.AdamW(
        model.to(device).parameters(), training.learning_rate, weight_decay=training.weight_decay
    )
    n_steps = training.epochs * -(-len(labels) // training.batch_size)
    rising = max(1, round(training.warmup * n_steps))

    def scale(step: int) -> float:
        return min((step + 1) / rising, (n_steps - step) / max(1, n_steps - rising))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, scale)
    generator = np.random.default_rng(training.seed)
    history: list[dict[str, float]] = []
    best, kept = -1.0, copy.deepcopy(model.state_dict())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)  # dropout
        for epoch in range(1, training.epochs + 1):
            start, total = time.perf_counter(), 0.0
            model.train()
            order = generator.permutation(len(labels))
            for first in range(0, len(labels), training.batch_size):
                rows = order[first : first + training.batch_size]
                given = {name: value.to(device) for name, value in inputs(rows).items()}
                wanted = torch.from_numpy(labels[rows]).to(device)
                loss = nn.functional.cross_entropy(model(**given)[kind.logits], wanted)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                total += float(loss.detach()) * len(rows)
            if not np.isfinite(total):
                raise FloatingPointError(f"the loss is {total} in epoch {epoch}: lower the learning rate")
            scores = metrics(dev_labels, predict_stock(model, kind, dev_inputs, len(dev_labels), device))
            row = {"epoch": epoch, "loss": total / len(labels), "seconds": time.perf_counter() - start}
            history.append({**row, "accuracy": scores["accuracy"]})
            if progress:
                print(
                    f"epoch {epoch}/{training.epochs}: loss {row['loss']:.3f}, "
                    f"dev accuracy {scores['accuracy']:.3f}, {row['seconds']:.1f} s",
                    file=sys.stderr,
                    flush=True,
                )
            if scores["accuracy"] > best:
                best, kept = scores["accuracy"], copy.deepcopy(model.state_dict())
                selected = epoch
    model.load_state_dict(kept)
    model.eval()
    for row in history:
        row["selected"] = float(row["epoch"] == selected)
    return history
