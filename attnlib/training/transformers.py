"""Training of small stock transformers: AdamW with a linear warm-up and decay, selection on dev accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.models.kinds import Kind
from attnlib.training.fit import Recipe, Step, check_counts, fit
from attnlib.training.metrics import metrics

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
        check_counts(self, "epochs", "batch_size")
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

    train, dev: inputs by rows, and labels. Rows and errors are those of `fit`.
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

    def steps() -> Iterator[Step]:
        order = generator.permutation(len(labels))
        for first in range(0, len(labels), training.batch_size):
            rows = order[first : first + training.batch_size]
            given = {name: value.to(device) for name, value in inputs(rows).items()}
            wanted = torch.from_numpy(labels[rows]).to(device)
            loss = nn.functional.cross_entropy(model(**given)[kind.logits], wanted)
            yield Step(loss, loss, len(rows))

    def measure() -> dict[str, float]:
        probabilities = predict_stock(model, kind, dev_inputs, len(dev_labels), device)
        return {"accuracy": metrics(dev_labels, probabilities)["accuracy"]}

    recipe = Recipe(
        model,
        optimizer,
        training.seed,
        training.epochs,
        steps,
        n=len(labels),
        measure=measure,
        score=lambda row: row["accuracy"],
        clip=1.0,
        after_step=schedule.step,
    )
    return fit(recipe, progress)
