"""Trained adversaries of a trained model, each trained once and cached (Wiegreffe & Pinter 2019, §4)."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from attnlib.cache.sources import function_digest
from attnlib.prepare.model_cache import trained_once
from attnlib.prepare.pooled import Prepared, analyse, check_seed, plan
from attnlib.training.adversary import DIRECTIONS, AdversaryTraining, fit_adversary


def prepare_adversary(
    base: Prepared,
    strength: float,
    *,
    variant: str = "published",
    direction: str = DIRECTIONS[0],
    epochs: int = 80,
    patience: int = 10,
    seed: int | None = None,
    progress: bool = True,
) -> Prepared:
    """Train an adversary of a model, or take it from the cache, and read it on the model's texts.

    strength, variant, direction, epochs and patience: as in `AdversaryTraining`. seed: decides where the
    adversary starts and the order of its batches; None is the base's own for the released variant, so that it
    starts where the base started, and the next one for the published variant.
    """
    base_seed = base.request["seed"]
    if seed is None:
        seed = base_seed if variant == "released" else base_seed + 1
    check_seed(seed)
    start = plan(**{**base.request, "seed": seed})
    how = AdversaryTraining(strength, variant, direction, epochs, patience, start.training.batch_size, seed)
    settings: dict[str, Any] = {
        **start.settings,
        "base": base.settings,
        "adversary": asdict(how),
        "adversary_code": function_digest(fit_adversary),
    }

    def train() -> dict[str, Any]:
        corpus = base.corpus
        history = fit_adversary(
            start.model, corpus.splits, base.readouts, corpus.vocabulary, how, start.device, progress
        )
        return {"history": history}

    history = trained_once(base.corpus.name, settings, start.model, train)["history"]
    return analyse(replace(start, settings=settings), history, base.texts)
