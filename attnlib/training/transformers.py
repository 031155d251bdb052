"""Training of small stock transformers: AdamW with a linear warm-up and decay, selection on dev accuracy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR

from attnlib.data.corpus import Split, Vocabulary
from attnlib.models.batches import groups_of
from attnlib.models.transformers import KINDS, AnyCorpus, AnySplit, inputs_of
from attnlib.training.fit import Recipe, Row, Settings, Step, class_probabilities
from attnlib.training.metrics import metrics


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


def logits_of(model: nn.Module, kind: str, inputs: dict[str, Tensor], device: str) -> Tensor:
    """Logits [N, C]."""
    return model(**{name: value.to(device) for name, value in inputs.items()})[KINDS[kind].logits]


def predict_stock(
    model: nn.Module, kind: str, split: AnySplit, words: Any, device: str = "cpu", size: int = 256
) -> np.ndarray:
    """Class probabilities [N, C], float64, in the order of the split; size: of a batch.

    words: as `inputs_of` takes them.
    """
    found = ((some, inputs_of(kind, split, words, some)) for some in rows_of(split, words, size))
    return class_probabilities(model, found, lambda given: logits_of(model, kind, given, device))


def rows_of(
    split: AnySplit, words: Any, size: int, generator: np.random.Generator | None = None
) -> list[np.ndarray]:
    """The rows of each batch, in an order drawn by the generator, if there is one.

    Of a pretrained model, whose words are a tokenizer, those of like length, and in predicting 64 at most:
    padding would cost half of the time, and maps of long texts gigabytes.
    """
    if isinstance(split, Split) and not isinstance(words, Vocabulary):
        return groups_of(split.lengths, min(size, 64) if generator is None else size, generator)
    order = np.arange(len(split)) if generator is None else generator.permutation(len(split))
    return np.split(order, range(size, len(order), size))


def recipe(
    model: nn.Module,
    kind: str,
    corpus: AnyCorpus,
    training: StockTraining,
    device: str = "cpu",
    tokenizer: Any = None,
) -> Recipe:
    """The recipe of a stock model of a corpus for `fit`; kind: one of `KINDS`.

    tokenizer: of a pretrained model; None: the corpus' vocabulary.
    """
    train, dev, size = corpus.train, corpus.dev, training.batch_size
    words = corpus.vocabulary if tokenizer is None else tokenizer
    parameters, decay = model.to(device).parameters(), training.weight_decay
    optimizer = torch.optim.AdamW(parameters, training.learning_rate, weight_decay=decay)
    n_steps = training.epochs * -(-len(train) // size)
    rising = max(1, round(training.warmup * n_steps))
    generator = np.random.default_rng(training.seed)

    def scale(step: int) -> float:
        return min((step + 1) / rising, (n_steps - step) / max(1, n_steps - rising))

    def steps() -> Iterator[Step]:
        for rows in rows_of(train, words, size, generator):
            given = inputs_of(kind, train, words, rows)
            wanted = torch.from_numpy(train.labels[rows]).to(device)
            loss = cross_entropy(logits_of(model, kind, given, device), wanted)
            yield Step(loss, loss, len(rows))

    def measure() -> Row:
        found = metrics(dev.labels, predict_stock(model, kind, dev, words, device))
        return {"accuracy": found["accuracy"]}

    schedule = LambdaLR(optimizer, scale)
    return Recipe(model, optimizer, training, len(train), steps, measure, clip=1.0, after_step=schedule.step)
