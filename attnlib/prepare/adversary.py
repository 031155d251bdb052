"""Trained adversaries of a trained model, each trained once and cached (Wiegreffe & Pinter 2019, §4)."""

import time
from dataclasses import asdict, replace

from attnlib.cache.sources import function_digest
from attnlib.prepare.flat import plan
from attnlib.prepare.recorded import like
from attnlib.prepare.run import Prepared, analysed
from attnlib.training.adversary import DIRECTIONS, AdversaryTraining, recipe


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
    starts where the base started, and the next one for the published variant. Of a recorded run the adversary
    is recorded too, or NotRecorded is raised.

    >>> from attnlib.prepare import prepare
    >>> run = prepare("planted", encoder="average", epochs=2, limit=10, progress=False)
    >>> adversary = prepare_adversary(run, strength=0.1, epochs=1, progress=False)
    >>> adversary.readout.alpha.shape == run.readout.alpha.shape
    True
    """
    began, base_seed = time.perf_counter(), base.name["seed"]
    if seed is None:
        seed = base_seed if variant == "released" else base_seed + 1
    asked = dict(variant=variant, direction=direction, epochs=epochs, patience=patience, seed=seed)
    asked = {"strength": float(strength), "adversary": asked}
    if base.recorded is not None:
        return like(base, asked)
    start = plan(**{**base.request, "seed": seed})
    size = start.settings["training"]["batch_size"]
    how = AdversaryTraining(strength, variant, direction, epochs, patience, size, seed)
    adversary = {"adversary": asdict(how), "adversary_code": function_digest(recipe)}
    planned = replace(
        start,
        settings={**start.settings, "base": base.settings, **adversary},
        recipe=lambda: recipe(start.model, base.corpus, base.readouts, how, start.device),
        request={**base.request, **asked},
    )
    return analysed(planned, base.texts, began, progress)
