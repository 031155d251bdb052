"""The one loop that trains every model: seeded, epoch by epoch, keeping the parameters of the best epoch."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

Row = dict[str, float]


class Step(NamedTuple):
    """One batch: what is minimised, and what it adds to the epoch's loss, `reported` times `weight`."""

    minimised: Tensor
    reported: Tensor
    weight: int = 1


@dataclass(frozen=True)
class Recipe:
    """How a family of models is trained.

    model: on its device. optimizer: of its parameters. seed: of dropout; the global random state is left as
    it was. steps: goes once through the training split, a fresh order each time. n: texts in it. measure:
    what is known after an epoch, by name. score: of a row of the history, high is good; the earliest of
    equal ones is kept. first: the first epoch that may be kept. best: a score that no later epoch can beat,
    so that training ends. patience: it also ends after so many epochs without a better score; None: never.
    clip: largest norm of the gradient. after_step, after_epoch: schedules. shown: what the line about an
    epoch tells, by name. cure: of a loss that is not finite.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    seed: int
    epochs: int
    steps: Callable[[], Iterable[Step]]
    n: int
    measure: Callable[[], Row]
    score: Callable[[Row], float]
    first: int = 1
    best: float = np.inf
    patience: int | None = None
    clip: float | None = None
    after_step: Callable[[], Any] = lambda: None
    after_epoch: Callable[[Row], Any] = lambda row: None
    shown: dict[str, str] = field(default_factory=lambda: {"dev accuracy": "accuracy"})
    cure: str = "lower the learning rate"


def check_counts(settings: object, *names: str) -> None:
    """ValueError for a setting that is not at least 1; None passes where it is `patience`."""
    for name in names:
        value = getattr(settings, name)
        if not (value is None and name == "patience") and value < 1:
            raise ValueError(f"{name} is {value}: at least 1 is needed" + ", or None" * (name == "patience"))


def epochs(recipe: Recipe, progress: bool = True) -> Iterator[Row]:
    """Train in place, epoch by epoch; after each, one row is given while the model is as the epoch left it.

    Each row: epoch, loss (mean per text), learning_rate at its begin, seconds, and what the recipe measures.
    FloatingPointError for a loss that is not finite.
    """
    for epoch in range(1, recipe.epochs + 1):
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
        row = {"epoch": epoch, "loss": loss, "learning_rate": rate, **recipe.measure()}
        recipe.after_epoch(row)
        row["seconds"] = time.perf_counter() - start
        if progress:
            told = ", ".join(f"{name} {row[key]:.3f}" for name, key in recipe.shown.items() if key in row)
            line = f"epoch {epoch}/{recipe.epochs}: loss {loss:.3f}, {told}, {row['seconds']:.1f} s"
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
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(recipe.seed)
        for row in epochs(recipe, progress):
            history.append(row)
            epoch, score = len(history), recipe.score(row)
            if epoch >= recipe.first and (score > best or not kept):
                best, at, kept = score, epoch, copy.deepcopy(recipe.model.state_dict())
            waited = recipe.patience is not None and epoch - at >= recipe.patience
            if kept and (best >= recipe.best or waited):
                break
    recipe.model.load_state_dict(kept)
    recipe.model.eval()
    for row in history:
        row["selected"] = float(row["epoch"] == at)
    return history
