"""What all families of models share: a plan, the trained model in the cache, and what was read from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from attnlib.cache import cache_folder, digest, remember
from attnlib.cache.sources import function_digest
from attnlib.cache.tensors import checksum, load_model, load_tensors, save_model, save_tensors
from attnlib.data.corpus import Split
from attnlib.readout import Head, Readout

# Columns of a Readout that are 0 off the mask, and kept on it alone.
PACKED = ("alpha", "scores")


@dataclass(frozen=True)
class Plan:
    """A model that is about to be trained.

    settings: everything that decides it; they name it in the cache. name: what tables call it: dataset,
    encoder, scorer, seed, variant, vectors. fit: trains the model in place, given whether to tell its
    progress, and gives the history. measure: its test metrics. reading: of some texts, what reads their
    Readout, a partial of the function that does. request: the arguments that made the plan.
    """

    corpus: Any  # Corpus, or SceneCorpus
    model: Any  # of the family's own class
    settings: dict[str, Any]
    name: dict[str, Any]
    device: str
    fit: Callable[[bool], list[dict[str, float]]]
    measure: Callable[[], dict[str, float]]
    reading: Callable[[Split], Callable[[], Readout]] | None = None
    head: Callable[[Any], Head | None] = lambda model: None
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A trained model and the test texts under analysis.

    test_metrics: on the whole test split. history: one row per training epoch. plan: what decided the model.
    began: when the analysis did, in seconds of `time.perf_counter`.
    """

    plan: Plan
    texts: Any
    test_metrics: dict[str, float]
    history: list[dict[str, float]]
    began: float = field(default_factory=time.perf_counter, repr=False, kw_only=True)

    @property
    def corpus(self) -> Any:
        """The data set."""
        return self.plan.corpus

    @property
    def model(self) -> Any:
        """The trained model, on `device`."""
        return self.plan.model

    @property
    def device(self) -> str:
        """Where the model is: "cpu" or "cuda"."""
        return self.plan.device

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that decided the model."""
        return self.plan.settings

    @property
    def name(self) -> dict[str, Any]:
        """What tables call the model: dataset, encoder, scorer, seed, variant, vectors."""
        return self.plan.name

    def __repr__(self) -> str:
        told = ", ".join(f"{key}={value!r}" for key, value in self.name.items())
        return f"{type(self).__name__}({told}; {len(self.texts)} texts)"


@dataclass(frozen=True, repr=False)
class Prepared(Trained):
    """What an experiment on attention works on: the Readout of `texts`, in their order."""

    readout: Readout
    kept: bool = field(default=True, kw_only=True)

    @cached_property
    def readouts(self) -> dict[str, Readout]:
        """The Readouts of the whole splits train, dev and test, by name; read when first asked for."""
        return {name: read(self.plan, split, self.kept) for name, split in self.corpus.splits.items()}

    def frame(self, **columns: Any) -> pd.DataFrame:
        """One row per text: text (its id), predicted, label, length, max_attention, and the given columns.

        Columns are sequences or tensors [N].
        """
        names = np.array(self.corpus.class_names, dtype=object)
        own = {
            "text": list(self.texts.ids),
            "predicted": names[self.readout.predictions().cpu().numpy()],
            "label": names[self.texts.labels],
            "length": self.readout.mask.sum(dim=1),
            "max_attention": self.readout.alpha.amax(dim=1),
        }
        return pd.DataFrame(
            {
                name: column.detach().cpu().numpy() if isinstance(column, Tensor) else column
                for name, column in (own | columns).items()
            }
        )


def resolve_device(device: str) -> str:
    """ "auto" is CUDA where there is one, else the CPU. ValueError for a device that is not there."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(f"unknown device {device!r}: give 'cpu', 'cuda' or 'auto' ({error})") from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but PyTorch sees no GPU here: give 'cpu' or 'auto'")
    return device


def check_seed(seed: int) -> None:
    """ValueError for a seed that is no whole number from 0."""
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed is {seed!r}: give a whole number, 0 or more")


def chosen(**settings: Any) -> dict[str, Any]:
    """The settings that were given: those that are not None."""
    return {name: value for name, value in settings.items() if value is not None}


def train_once(plan: Plan, progress: bool = True) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Fill the plan's model from the cache, or train it and put it there; its history and test metrics.

    What is damaged in the cache is trained again. Two processes that ask for one model train it once.
    """
    path = cache_folder() / "models" / f"{plan.corpus.name}-{digest(plan.settings)}.safetensors"

    def make() -> dict[str, Any]:
        history = plan.fit(progress)
        return {"history": history, "test_metrics": plan.measure(), "settings": plan.settings}

    known = remember(
        path,
        make,
        lambda path, facts: save_model(plan.model, path, facts),
        lambda path: load_model(plan.model, path),
    )
    plan.model.to(plan.device).eval()
    return known["history"], known["test_metrics"]


def read(plan: Plan, texts: Split, kept: bool = True) -> Readout:
    """The Readout of some texts: from the cache, or read from the trained model and put there.

    What names the file: the settings, the model's parameters (training again need not give the same bits),
    what the texts say, and the code that reads. From the cache it has the same bits. In a read-only cache
    it is read and not kept. kept: False reads it now and keeps nothing.
    """
    assert plan.reading is not None
    reading, head = plan.reading(texts), plan.head(plan.model)
    if not kept:
        return reading()
    known = {
        "settings": plan.settings,
        "parameters": checksum({name: x.detach().cpu() for name, x in plan.model.state_dict().items()}, {}),
        "texts": texts_digest(texts),
        "code": function_digest(reading),
    }
    path = cache_folder() / "readouts" / f"{plan.corpus.name}-{digest(known)}.safetensors"
    return remember(path, reading, save, partial(load, head=head, device=plan.device), optional=True)


def save(path: Any, readout: Readout) -> None:
    """Write a Readout without its head, which belongs to the model: a function cannot be stored."""
    columns = {name: getattr(readout, name) for name in ("bias", "mask", "offset", "allowed")}
    columns |= {name: getattr(readout, name)[readout.mask] for name in PACKED}
    tensors = {name: column for name, column in columns.items() if column is not None}
    save_tensors(path, tensors, {"format": "attnlib.prepare"})


def load(path: Any, head: Head | None, device: str) -> Readout:
    """What `save` wrote, bit for bit. ValueError when the file is something else, or damaged."""
    tensors, _ = load_tensors(path)

    def spread(values: Tensor) -> Tensor:
        mask = tensors["mask"]
        whole = values.new_zeros((*mask.shape, *values.shape[1:]))
        whole[mask] = values
        return whole

    try:
        # Copies: what comes from a file is a view of it.
        columns = {name: column.clone() for name, column in tensors.items() if name not in PACKED}
        columns |= {name: spread(tensors[name]) for name in PACKED}
        return Readout(**{name: column.to(device) for name, column in columns.items()}, head=head)
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


def analyse(
    plan: Plan,
    known: tuple[list[dict[str, float]], Mapping[str, float]],
    texts: Split,
    began: float,
    kept: bool = True,
) -> Prepared:
    """What an experiment works on: a trained model's history and metrics, the texts under analysis."""
    history, metrics = known
    return Prepared(plan, texts, dict(metrics), history, read(plan, texts, kept), began=began, kept=kept)
