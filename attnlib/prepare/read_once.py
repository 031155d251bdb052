"""Readouts in the cache: each is read from its model once, whoever asks first."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from attnlib.cache import READ_ONLY, cache_folder, digest, locked
from attnlib.cache.sources import function_digest
from attnlib.cache.tensors import checksum, load_tensors, save_tensors
from attnlib.data.corpus import Split
from attnlib.readout import Head, Readout

log = logging.getLogger(__name__)

# Columns that are 0 off the mask, and kept on it alone.
PACKED = ("alpha", "scores")


def read_once(
    name: str,
    settings: Mapping[str, Any],
    model: nn.Module,
    texts: Split,
    read: Callable[[], Readout],
    measure: Callable[[], dict[str, float]] | None = None,
    head: Head | None = None,
    device: str = "cpu",
) -> tuple[Readout, dict[str, float]]:
    """A Readout and what `measure` finds, if given: from the cache, or by these and put there.

    name: of the data set, for people. What names the file: settings (everything that decided the model), the
    model's parameters (training again need not give the same bits), what the texts say, whether something is
    measured, and the code of `read`, a function or partial of one. measure: gives numbers by name that depend
    on nothing else. head: that of such a Readout; a function cannot be stored, so it comes from the model.
    What is read from the cache has the same bits. What is damaged there is read from the model again, and so
    is what a read-only cache lacks.
    """
    known = {
        "settings": settings,
        "parameters": checksum({name: x.detach().cpu() for name, x in model.state_dict().items()}, {}),
        "texts": texts_digest(texts),
        # A Readout that was asked for alone has no numbers beside it.
        "measured": measure is not None,
        "code": function_digest(read),
    }
    path = cache_folder() / "readouts" / f"{name}-{digest(known)}.safetensors"

    def fresh() -> tuple[Readout, dict[str, float]]:
        return read(), measure() if measure else {}

    found: tuple[Readout, dict[str, float]] | None = None
    try:
        with locked(path):
            if path.exists():
                try:
                    return load(path, head, device)
                except ValueError as error:
                    log.warning("%s: it is read from its model again", error)
            found = fresh()
            if (found[0].head is None) != (head is None):
                raise ValueError("head: give the one that the Readout has, and None where it has none")
            save(path, *found)
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
    return found or fresh()


def save(path: Path, readout: Readout, facts: Mapping[str, float]) -> None:
    """Write a Readout without its head, and facts."""
    columns = {name: getattr(readout, name) for name in ("bias", "mask", "offset", "allowed")}
    columns |= {name: getattr(readout, name)[readout.mask] for name in PACKED}
    tensors = {name: column for name, column in columns.items() if column is not None}
    # Not the format of Readout.save: this one asks for the head that belongs to it.
    save_tensors(path, tensors, {"format": "attnlib.prepare.read_once", "facts": json.dumps(dict(facts))})


def load(path: Path, head: Head | None, device: str) -> tuple[Readout, dict[str, float]]:
    """What `save` wrote, bit for bit. ValueError when the file is something else, or damaged."""
    tensors, metadata = load_tensors(path)

    def spread(values: Tensor) -> Tensor:
        mask = tensors["mask"]
        whole = values.new_zeros((*mask.shape, *values.shape[1:]))
        whole[mask] = values
        return whole

    try:
        # Copies: what comes from a file is a view of it.
        columns = {name: column.clone() for name, column in tensors.items() if name not in PACKED}
        columns |= {name: spread(tensors[name]) for name in PACKED}
        readout = Readout(**{name: column.to(device) for name, column in columns.items()}, head=head)
        return readout, json.loads(metadata["facts"])
    except (ValueError, KeyError, TypeError, RuntimeError, IndexError) as error:
        raise ValueError(f"{path} is no Readout of the cache: {error!r}") from error


def texts_digest(texts: Split) -> str:
    """A digest of what a model reads of some texts."""
    columns = (texts.texts, texts.questions, texts.candidates, texts.sentences, texts.attention)
    return digest(
        [
            column and [row.tolist() if isinstance(row, np.ndarray) else row for row in column]
            for column in columns
        ]
    )
