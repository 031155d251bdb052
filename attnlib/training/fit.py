"""The one loop that trains every model: seeded, epoch by epoch, keeping the parameters of the best epoch."""

import copy
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import check_at_least
from attnlib.models.batches import joined

Row = dict[str, float]
# Settings that are whole numbers of at least so many, and those that are above 0.
LEAST = {"epochs": 1, "batch_size": 1, "limit": 1, "patience": 1, "seed": 0}
RATES = ("learning_rate", "clip")


class Settings:
    """What the settings of all families have; each is a dataclass of its own with more beside.

    patience: training ends after so many epochs without a better score; None: never. ValueError for a count
    that is too small and for a rate that is not above 0.
    """

    epochs: int
    seed: int
    patience: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name in LEAST and not (name == "patience" and value is None):
                check_at_least(name, value, LEAST[name])
            if name in RATES and not value > 0:
                raise ValueError(f"{name} is {value}: give a number above 0")


class Step(NamedTuple):
    """One batch: what is minimised, and what it adds to the epoch's loss, `reported` times `weight`."""

    minimised: Tensor
    reported: Tensor
    weight: int = 1


@dataclass(frozen=True)
class Recipe:
    """How a family of models is trained.

    model: on its device. optimizer: of its parameters. how: epochs, patience, and the seed of dropout; the
    global random state is left as it was. n: texts in the training split. steps: goes once through it, a
    fresh order each time. measure: what is known after an epoch, by name. score: of a row of the history,
    high is good; the earliest of equal ones is kept. first: the first epoch that may be kept. best: a score
    that no later epoch can beat, so that training ends. clip: largest norm of the gradient. after_step,
    after_epoch: schedules. around: what holds while training lasts. cure: of a loss that is not finite.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    how: Settings
    n: int
    steps: Callable[[], Iterable[Step]]
    measure: Callable[[], Row]
    score: Callable[[Row], float] = lambda row: row["accuracy"]
    first: int = 1
    best: float = np.inf
    clip: float | None = None
    after_step: Callable[[], Any] = lambda: None
    after_epoch: Callable[[Row], Any] = lambda row: None
    around: Callable[[], AbstractContextManager] = nullcontext
    cure: str = "lower the learning rate"


def epochs(recipe: Recipe, progress: bool = True) -> Iterator[Row]:
    """Train in place, epoch by epoch; after each, one row is given while the model is as the epoch left it.

    Each row: epoch, loss (mean per text), learning_rate at its begin, seconds, and what the recipe measures.
    FloatingPointError for a loss that is not finite.
    """
    for epoch in range(1, recipe.how.epochs + 1):
        start, total = time.perf_counter(), 0.0
        rate = recipe.optimizer.param_groups[0]["lr"]
        recipe.model.train()
        for minimised, reported, weight in recipe.steps():
            recipe.optimizer.zero_grad(set_to_none=True)
            minimised.backward()
            if recipe.clip is not None:
                nn.utils.clip_grad_norm_(recipe.model.parameters(), recipe.clip)
            recipe.optimizer.step()
            recipe.after_step()
            total += float(reported.detach()) * weight
        loss = total / recipe.n
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} in epoch {epoch}: {recipe.cure}")
        measured = recipe.measure()
        row = {"epoch": epoch, "loss": loss, "learning_rate": rate, **measured}
        recipe.after_epoch(row)
        row["seconds"] = time.perf_counter() - start
        if progress:
            told = ", ".join(
                f"dev {name.removeprefix('dev_')} {value:.3f}" for name, value in measured.items()
            )
            line = f"epoch {epoch}/{recipe.how.epochs}: loss {loss:.3f}, {told}, {row['seconds']:.1f} s"
            print(line, file=sys.stderr, flush=True)
        yield row


def fit(recipe: Recipe, progress: bool = True) -> list[Row]:
    """Train in place; the model ends with the parameters of its best epoch. Returns one row an epoch.

    Each row is that of `epochs`, and selected: 1.0 for the epoch kept.
    """
    history: list[Row] = []
    best, at = -np.inf, 0
    kept: dict[str, Tensor] = {}
    device = next(recipe.model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), recipe.around():
        torch.manual_seed(recipe.how.seed)
        for row in epochs(recipe, progress):
            history.append(row)
            epoch, score = len(history), recipe.score(row)
            if epoch >= recipe.first and (score > best or not kept):
                best, at, kept = score, epoch, copy.deepcopy(recipe.model.state_dict())
            waited = recipe.how.patience is not None and epoch - at >= recipe.how.patience
            if kept and (best >= recipe.best or waited):
                break
    recipe.model.load_state_dict(kept)
    recipe.model.eval()
    for row in history:
        row["selected"] = float(row["epoch"] == at)
    return history


@torch.no_grad()
def class_probabilities(
    model: nn.Module, batches: Iterable[tuple[np.ndarray, Any]], logits: Callable[[Any], Tensor]
) -> np.ndarray:
    """Class probabilities [N, C], float64, in the order of the rows that each batch holds."""
    model.eval()
    parts = [(rows, {"found": logits(batch).double().softmax(dim=1).cpu()}) for rows, batch in batches]
    return joined(parts)["found"].numpy()
