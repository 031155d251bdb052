"""Trained models in the cache: each is trained once, whoever asks first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from torch import nn

from attnlib.cache import cache_folder, digest, locked
from attnlib.training.fit import load_checkpoint, save_checkpoint

log = logging.getLogger(__name__)


def trained_once(
    name: str, settings: dict[str, Any], model: nn.Module, train: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Fill the model from the cache, or by `train`, whose result is kept beside it. Returns that result.

    name: of the data set, for people; settings: everything that decides the model, which names it in the
    cache. train: trains the model in place; its result must be something that JSON can hold. What is damaged
    in the cache is trained again. Two processes that ask for the same model train it once.
    """
    path = cache_folder() / "models" / f"{name}-{digest(settings)}.safetensors"
    with locked(path):
        if path.exists():
            try:
                return load_checkpoint(model, path)
            except ValueError as error:
                log.warning("%s", error)
        facts = train()
        save_checkpoint(model, path, {**facts, "settings": settings})
    return facts
