"""Scores of tokens: one number each, checked against the texts they belong to, and rankings made of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from attnlib.checks import numbers, plain, refuse_string


def padded_scores(scores: Sequence[Any] | np.ndarray | torch.Tensor, lengths: np.ndarray) -> np.ndarray:
    """Scores as float64 [N, T], 0 beyond each text; what stands there is not read.

    scores: one sequence per text, as long as the text, or an array or tensor [N, T] padded at the end. Raises
    ValueError, naming row and token, for a wrong number of texts or scores, for what is no number, and for
    NaN or infinite scores.
    """
    width = int(lengths.max())
    result = np.zeros((len(lengths), width))
    refuse_string(scores, "scores", "sequence of numbers for each text", "give one number per token")
    if isinstance(scores, torch.Tensor):
        scores = plain(scores)
    if len(scores) != len(lengths):
        raise ValueError(f"scores: {len(scores)} rows for {len(lengths)} texts")
    padded = isinstance(scores, np.ndarray) and scores.ndim == 2
    for row, (found, length) in enumerate(zip(scores, lengths, strict=True)):
        given = numbers(found, f"scores: row {row} is")
        if given.ndim != 1 or (len(given) < length if padded else len(given) != length):
            raise ValueError(f"scores: row {row} has {given.size} numbers for {length} tokens")
        result[row, :length] = given[:length]
    for row, token in np.argwhere(~np.isfinite(result))[:1]:
        raise ValueError(f"scores: token {token} of row {row} is {result[row, token]}")
    return result


def ranking(scores: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Tokens by falling score, [N, T] int64; the earlier on ties, positions beyond the text last."""
    beyond = np.arange(scores.shape[1]) >= lengths[:, None]
    return np.where(beyond, np.inf, -scores).argsort(axis=1, kind="stable")


def first_of(order: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sets made of the first `counts` [N, K] tokens of an order [N, T], as bool [N, K, T]."""
    place = order.argsort(axis=1, kind="stable")  # of each token in the order
    return place[:, None, :] < counts[:, :, None]


def share_right(right: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Of each text that has counted tokens the share of these that are right; both bool [N, T]."""
    texts = counted.any(axis=1)
    return (right & counted)[texts].sum(axis=1) / counted[texts].sum(axis=1)
