"""What any classifier's `predict` answers, as probabilities with a column per class."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from attnlib.checks import plain

Predict = Callable[[list[list[str]]], Any]

FEW = 16  # texts that are asked twice
TOLERANCE = 1e-3  # of probabilities, between two answers and of their sum


def asked_twice(predict: Predict, texts: list[list[str]]) -> Any:
    """The answers by `columns`; ValueError where the first texts, asked again, get others."""
    found, again = columns(predict(texts)), columns(predict(texts[:FEW]))
    if _numbers(found) and _numbers(again) and found[:FEW].shape == again.shape:
        with np.errstate(invalid="ignore"):  # what is not finite is refused by name later
            apart = np.abs(found[:FEW] - again).max(initial=0)
        if apart > TOLERANCE:
            raise ValueError(
                f"`predict` answers the same texts differently, by up to {apart:.2g}: what a removal does "
                "would be chance. Call model.eval(), fix the seed, or give the mean of many answers"
            )
    return found


def columns(given: Any) -> Any:
    """Answers as an array [n, C]: of dicts by class, in the order of their names; of logarithms.

    Dicts are {class: probability}, or lists of {"label", "score"} as pipelines of transformers give with
    top_k=None. ValueError where classes are missing. What is no such answer stays as it is, to be refused
    by name where probabilities are checked.
    """
    if isinstance(given, Sequence) and len(given) and all(isinstance(row, list | Mapping) for row in given):
        rows = [_by_class(row) for row in given]
        if all(rows) and len(set().union(*rows)) > 1:
            names = sorted(rows[0], key=_natural)
            for number, row in enumerate(rows):
                if row.keys() != rows[0].keys():
                    raise ValueError(
                        f"`predict`: answer {number} has the classes {sorted(map(str, row))}, the first "
                        f"{list(map(str, names))}: give all, in a pipeline of transformers by top_k=None"
                    )
            return np.array([[float(row[name]) for name in names] for row in rows])
    try:
        found = plain(given)
    except (TypeError, ValueError):
        return given
    if _numbers(found) and found.size and (found <= 0).all():
        shares = np.exp(found.astype(np.float64))
        if (np.abs(shares.sum(axis=1) - 1) <= TOLERANCE).all():
            return shares
    return found


def _numbers(given: Any) -> bool:
    """Whether an answer is a table of real numbers."""
    return isinstance(given, np.ndarray) and given.ndim == 2 and given.dtype.kind == "f"


def _by_class(row: Any) -> dict[Any, Any]:
    """One answer by class; empty if it is none by name."""
    pairs = row if isinstance(row, list) else [row]
    if all(isinstance(pair, Mapping) and {"label", "score"} <= pair.keys() for pair in pairs):
        return {pair["label"]: pair["score"] for pair in pairs}
    return dict(row) if isinstance(row, Mapping) else {}


def _natural(name: Any) -> list[Any]:
    """LABEL_2 before LABEL_10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(name))]
