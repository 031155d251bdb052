"""Training of small stock transformers: AdamW with a linear warm-up and decay, selection on dev accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR

from attnlib.models.kinds import Kind
from attnlib.training.fit import Recipe, Settings, Step, class_probabilities
from attnlib.training.metrics import metrics

# The model's inputs for some rows of a split
Inputs = Callable[[np.ndarray], dict[str, Tensor]]


@dataclass(frozen=True)
class StockTraining(Settings):
    """How a stock model is trained. warmup: share of the steps in which the learning rate rises."""

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    warmup: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup is {self.warmup}: give a share from 0 to below 1")


def logits_of(model: nn.Module, kind: Kind, inputs: dict[str, Tensor], device: str) -> Tensor:
    """Logits [N, C]."""
    return model(**{name: value.to(device) for name, value in inputs.items()})[kind.logits]


def predict_stock(
    model: nn.Module, kind: Kind, inputs: Inputs, n: int, device: str = "cpu", batch_size: int = 256
) -> np.ndarray:
    """Class probabilities [n, C], float64."""
    parts = np.split(np.arange(n), range(batch_size, n, batch_size))
    found = ((rows, inputs(rows)) for rows in parts)
    return class_probabilities(model, found, lambda given: logits_of(model, kind, given, device))


def recipe(
    model: nn.Module,
    kind: Kind,
    train: tuple[Inputs, np.ndarray],
    dev: tuple[Inputs, np.ndarray],
    training: StockTraining,
    device: str = "cpu",
) -> Recipe:
    """The recipe of a stock model for `fit`; train, dev: inputs by rows, and labels."""
    (inputs, labels), (dev_inputs, dev_labels) = train, dev
    size, weight_decay = training.batch_size, training.weight_decay
    optimizer = torch.optim.AdamW(
        model.to(device).parameters(), training.learning_rate, weight_decay=weight_decay
    )
    n_steps = training.epochs * -(-len(labels) // size)
    rising = max(1, round(training.warmup * n_steps))

    def scale(step: int) -> float:
        return min((step + 1) / rising, (n_steps - step) / max(1, n_steps - rising))

    generator = np.random.default_rng(training.seed)

    def steps() -> Iterator[Step]:
        order = generator.permutation(len(labels))
        for rows in np.split(order, range(size, len(order), size)):
            wanted = torch.from_numpy(labels[rows]).to(device)
            loss = cross_entropy(logits_of(model, kind, inputs(rows), device), wanted)
            yield Step(loss, loss, len(rows))

    def measure() -> dict[str, float]:
        probabilities = predict_stock(model, kind, dev_inputs, len(dev_labels), device)
        return {"accuracy": metrics(dev_labels, probabilities)["accuracy"]}

    schedule = LambdaLR(optimizer, scale)
    return Recipe(model, optimizer, training, len(labels), steps, measure, clip=1.0, after_step=schedule.step)
