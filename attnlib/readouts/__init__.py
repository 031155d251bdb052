"""Readouts of trained attention models, as files that hold numbers and no word of a text.

>>> from attnlib import readouts
>>> readouts.index()[["dataset", "encoder", "scorer", "seed", "accuracy"]]  # doctest: +SKIP
>>> recorded = readouts.load("sst", encoder="bilstm", seed=0)  # doctest: +SKIP
>>> recorded.readout, recorded.labels, recorded.scores["gradient"]  # doctest: +SKIP

A folder of them has one file a model and `index.csv`, a line a file. It is the argument `folder`, or
`$ATTNLIB_READOUTS`; the project's own is `book/readouts` of its repository.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from attnlib.cache import expanded, written
from attnlib.cache.tensors import load_tensors, save_tensors
from attnlib.checks import one_of
from attnlib.kernels import uniform_weights
from attnlib.readout import Readout

FORMAT, VERSION = "attnlib.readouts", 1
FOLDER = "ATTNLIB_READOUTS"
SCORES = "scores/"
EXTRA, HEAD = ("offset", "allowed"), [nn.Tanh, nn.Linear]
INDEX = "index.csv"
# What names a model; strength: of a trained adversary.
NAMES = ("dataset", "encoder", "scorer", "seed", "variant", "vectors", "strength")


class NotRecorded(FileNotFoundError, ValueError):
    """There is no such Readout; not raised for a file that is there and wrong."""


@dataclass(frozen=True, repr=False)
class Recorded:
    """A Readout, and what else is known of its N texts and its model.

    ids: their names, such as ``sst/test/17``. labels: int64 [N]. scores: of their tokens by method, [N, T],
    those that need the encoder. facts: what JSON can hold: the model's name (NAMES), class_names, settings,
    data (the corpus' checksum), test_metrics, commit, versions. words: tokens, of our own sentences only.
    """

    readout: Readout
    ids: tuple[str, ...]
    labels: np.ndarray
    scores: Mapping[str, Tensor] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[tuple[str, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Recorded({self.readout}; scores: {', '.join(self.scores) or 'none'})"

    def select(self, rows: Any) -> "Recorded":
        """The same of some texts, by their rows."""
        rows = np.asarray(rows)
        return Recorded(
            self.readout.select(torch.as_tensor(rows)),
            tuple(self.ids[row] for row in rows),
            self.labels[rows],
            {name: scores[torch.as_tensor(rows)] for name, scores in self.scores.items()},
            self.facts,
            self.words and tuple(self.words[row] for row in rows),
        )


def write(
    path: str | os.PathLike[str],
    recorded: Recorded,
    dtype: torch.dtype = torch.float32,
    scores_dtype: torch.dtype = torch.float32,
) -> None:
    """Write a recorded Readout as one file: weights and votes in `dtype`, scores in `scores_dtype`.

    A first class whose votes are all 0, as that of two classes with one output, is not kept. The head of a
    question, W tanh(u) + b as `torch.nn.Sequential(Tanh, Linear)`, goes with it. ValueError for another head,
    for a mask with holes, and for ids that are not one name and numbers.
    """
    readout, mask = recorded.readout, recorded.readout.mask.cpu()
    if not torch.equal(mask, torch.arange(mask.shape[1]) < mask.sum(1, keepdim=True)):
        raise ValueError("mask: has holes; a file keeps the length of each text, whose tokens come first")
    prefixes, numbers = zip(*(each.rpartition("/")[::2] for each in recorded.ids), strict=True)
    if len(set(prefixes)) != 1 or not all(number.isdigit() for number in numbers):
        raise ValueError(f"ids: expected one name and numbers, such as sst/test/17, got {recorded.ids[0]!r}")
    votes = readout.scores.cpu()[mask]
    tensors = {
        "votes": (votes if votes[:, 0].any() else votes[:, 1:]).to(dtype),
        "bias": readout.bias.float(),
        "lengths": small(mask.sum(1)),
        "labels": small(torch.as_tensor(recorded.labels)),
        "numbers": small(torch.tensor(list(map(int, numbers)))),
    }
    if not torch.allclose(readout.alpha, uniform_weights(readout), rtol=0, atol=1e-7):
        tensors["weights"] = readout.alpha.cpu()[mask].to(dtype)
    tensors |= {
        SCORES + name: scores.cpu()[mask].to(scores_dtype) for name, scores in recorded.scores.items()
    }
    tensors |= {name: x for name in EXTRA if (x := getattr(readout, name)) is not None}
    if readout.head is not None:
        if not isinstance(readout.head, nn.Sequential) or [type(x) for x in readout.head] != HEAD:
            raise ValueError("head: cannot be written; a file keeps that of a question, W tanh(u) + b")
        tensors |= {f"head.{name}": x for name, x in readout.head[1].state_dict().items()}
    facts = {**recorded.facts, "prefix": prefixes[0], "words": recorded.words}
    save_tensors(path, tensors, {"format": FORMAT, "version": str(VERSION), "facts": written(facts)})


def small(numbers: Tensor) -> Tensor:
    """Whole numbers ≥ 0 as the smallest type that holds them."""
    kinds = (torch.uint8, torch.int16, torch.int32, torch.int64)
    return numbers.to(next(kind for kind in kinds if numbers.amax() <= torch.iinfo(kind).max))


def laid_out(values: Tensor, mask: Tensor) -> Tensor:
    """Values of the tokens of all texts, one after the other [M, ...], as [N, T, ...], 0 off the mask."""
    padded = values.new_zeros((*mask.shape, *values.shape[1:]))
    padded[mask] = values
    return padded


def read(path: str | os.PathLike[str], device: str = "cpu") -> Recorded:
    """Read what `write` wrote.

    Raises FileNotFoundError; ValueError for a file that is damaged, is something else, or was written by a
    newer attnlib.
    """
    tensors, metadata = load_tensors(path)
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} holds no recorded Readout: its format is {metadata.get('format')!r}")
    if int(metadata["version"]) > VERSION:
        raise ValueError(
            f"{path} was written by a newer attnlib (version {metadata['version']} of the format, this one "
            f"reads {VERSION}): pip install --upgrade attnlib"
        )
    facts = json.loads(metadata["facts"])
    lengths = tensors["lengths"].long()
    mask = torch.arange(int(lengths.max())) < lengths[:, None]

    def on_mask(values: Tensor) -> Tensor:
        padded = laid_out(values, mask)
        return (padded if values.dtype is torch.float32 else padded.double()).to(device)

    # Uniform weights are not kept.
    weights = on_mask(tensors["weights"]).double() if "weights" in tensors else mask.double().to(device)
    # Sums of weights in half precision are off by more than a Readout takes for rounding.
    weights = weights / weights.sum(dim=1, keepdim=True)
    votes, bias = tensors["votes"], tensors["bias"]
    votes = torch.cat([votes.new_zeros(len(votes), len(bias) - votes.shape[1]), votes], dim=1)

    head = None
    if "head.weight" in tensors:
        answer = nn.Linear(tensors["head.weight"].shape[1], tensors["head.weight"].shape[0])
        answer.load_state_dict({name: tensors[f"head.{name}"] for name in ("weight", "bias")})
        head = nn.Sequential(nn.Tanh(), answer).requires_grad_(False).to(device)
    extra = {name: tensors[name].to(device) for name in EXTRA if name in tensors}
    readout = Readout(weights, on_mask(votes), bias.to(device), mask.to(device), head, **extra)
    prefix, words = facts.pop("prefix"), facts.pop("words")
    ids = tuple(f"{prefix}/{number}" for number in tensors["numbers"].tolist())
    labels = tensors["labels"].long().numpy()
    kept = {name.removeprefix(SCORES): x for name, x in tensors.items() if name.startswith(SCORES)}
    scores = {name: on_mask(values) for name, values in kept.items()}
    return Recorded(readout, ids, labels, scores, facts, words and tuple(map(tuple, words)))


def index(folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """The Readouts of a folder, a row each: `file`, NAMES, texts, accuracy, scores, size in bytes."""
    path = Path(folder_of(folder), INDEX)
    if not path.is_file():
        raise NotRecorded(f"no {INDEX} in {path.parent}: it is no folder of recorded Readouts")
    return pd.read_csv(path, keep_default_na=False)


def load(
    dataset: str, folder: str | os.PathLike[str] | None = None, device: str = "cpu", **model: Any
) -> Recorded:
    """The recorded Readout of a model: of a data set, and by whatever of NAMES it takes to tell it.

    Of several that fit, the first of the index. NotRecorded names the nearest where none fits.
    """
    table, wanted = index(folder), {"dataset": dataset, **model}
    for name in wanted:
        one_of("name", name, NAMES)
    fits = pd.DataFrame({name: table[name].astype(str) == str(value) for name, value in wanted.items()})
    if not fits.all(axis=1).any():
        # The nearest: those that differ in the fewest names, the data set last.
        distance = (~fits).sum(axis=1) + ~fits["dataset"] * len(NAMES)
        near = table.loc[distance == distance.min(), list(NAMES)].head(5).to_dict("records")
        asked, *told = (
            " ".join(f"{key}={value}" for key, value in row.items() if value != "") for row in (wanted, *near)
        )
        raise NotRecorded(f"no recorded Readout of {asked}. The nearest: {'; '.join(told)}")
    return read(Path(folder_of(folder), table[fits.all(axis=1)]["file"].iloc[0]), device)


def named(request: Mapping[str, Any]) -> dict[str, Any]:
    """The NAMES that a model has, by the arguments of the plan that made it, of any family."""
    # A document model's architecture is its encoder; it has one scorer. Only adversaries have a strength.
    asked = {"encoder": request.get("architecture"), "scorer": "", "strength": "", **request}
    return {name: asked[name] for name in NAMES if name in asked}


def folder_of(folder: str | os.PathLike[str] | None) -> Path:
    """The folder itself, or $ATTNLIB_READOUTS; NotRecorded where neither is given."""
    if folder is None and not (folder := os.environ.get(FOLDER)):
        raise NotRecorded(f"where are the recorded Readouts? Give a folder, or set ${FOLDER}")
    return expanded(folder, FOLDER)
