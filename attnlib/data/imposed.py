"""Attention weights imposed on the texts of a corpus from outside; they travel by text id, not by order.

Wiegreffe & Pinter (2019, §3.4) train a model without context under another model's attention weights and ask
what those weights are worth to it.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from torch import Tensor

from attnlib.data.corpus import Corpus, Split

# Weights by text id.
Weights = Mapping[str, np.ndarray]


def by_text(split: Split, weights: Tensor) -> dict[str, np.ndarray]:
    """Weights [N, T], rows in the order of the split, as one vector per text id, as long as the text.

    ValueError for another number of rows, or texts longer than T.
    """
    if weights.dim() != 2 or len(weights) != len(split) or weights.shape[1] < split.lengths.max():
        needed = f"[{len(split)}, {split.lengths.max()}] or wider, a row per text"
        raise ValueError(f"weights: expected {needed}, got {list(weights.shape)}")
    rows = zip(split.ids, weights.detach().cpu().numpy(), split.lengths, strict=True)
    return {name: row[:length].copy() for name, row, length in rows}


def impose(split: Split, weights: Weights) -> Split:
    """The split with the weights of each text on it; weights of other texts are not looked at.

    ValueError names a text without weights, or whose weights are of another length, negative, not finite or
    do not sum to 1 within 1e-4.
    """
    if missing := [name for name in split.ids if name not in weights]:
        several = f"({len(missing)} of {len(split)} texts have none)"
        raise ValueError(f"no imposed weights for text {missing[0]!r} {several}")
    return replace(split, attention=tuple(weights[name] for name in split.ids))


def impose_on(corpus: Corpus, weights: Mapping[str, Weights]) -> Corpus:
    """The corpus with weights imposed on every split; `weights` by name of the split.

    ValueError names a split that is missing, or a text as `impose` does.
    """
    if missing := [name for name in corpus.splits if name not in weights]:
        raise ValueError(f"no imposed weights for split {missing[0]!r}: give train, dev and test")
    train, dev, test = (impose(split, weights[name]) for name, split in corpus.splits.items())
    return replace(corpus, train=train, dev=dev, test=test)
