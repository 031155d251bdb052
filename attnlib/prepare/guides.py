"""Attention weights that guide another model: where they come from, by split and text id.

Wiegreffe & Pinter (2019, §3.4) impose a model's attention on one that sees each word alone. These are the
weights they impose, and more: the most distant ones that leave the model's output where it was, what leaving
out each token does to it, and two controls, chance and nothing but the class that the model predicts.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from attnlib.data.corpus import Corpus, Split
from attnlib.data.imposed import Weights, by_text
from attnlib.explain.leave_one_out import leave_one_out
from attnlib.kernels import exact_adversary
from attnlib.prepare.run import Prepared
from attnlib.readout import Readout

Guide = Mapping[str, Weights]


def attention(model: Prepared) -> Guide:
    """The attention weights of a trained model."""
    return _per_split(model, lambda readout, split: readout.alpha)


def exact_adversarial(model: Prepared, epsilon: float) -> Guide:
    """Per text the most distant weights that leave the model's output within epsilon (two classes)."""
    return _per_split(model, lambda readout, split: exact_adversary(readout, epsilon).weights)


def leave_one_out_weights(model: Prepared) -> Guide:
    """The change of the output when a token is left out (`leave_one_out`), over the sum of all changes."""

    def weights(readout: Readout, split: Split) -> Tensor:
        changes = leave_one_out(model.model, split, model.corpus.vocabulary, model.device)
        return normalised(changes, readout)

    return _per_split(model, weights)


def chance(corpus: Corpus, seed: int = 0) -> Guide:
    """Weights drawn at random, any weighting of a text as likely as any other, whatever its words say."""
    draw = np.random.default_rng(seed)

    def weights(split: Split) -> dict[str, np.ndarray]:
        rows = zip(split.ids, split.lengths, strict=True)
        return {text: _shares(draw.exponential(size=length)) for text, length in rows}

    return {name: weights(split) for name, split in corpus.splits.items()}


def class_alone(model: Prepared, seed: int = 0) -> Guide:
    """Weights that depend on the model by its predicted class alone: the label in disguise.

    For each class every word of the vocabulary is given a random number once; a text's weights are those of
    its words for the predicted class, over their sum. What the model attends to does not enter.
    """
    words = model.corpus.vocabulary
    drawn = np.random.default_rng(seed).exponential(size=(len(model.corpus.class_names), len(words)))

    def weights(name: str, split: Split) -> dict[str, np.ndarray]:
        predicted = model.readouts[name].predictions().tolist()
        rows = zip(split.ids, split.texts, predicted, strict=True)
        return {text: _shares(drawn[label, words.encode(tokens)[1:-1]]) for text, tokens, label in rows}

    return {name: weights(name, split) for name, split in model.corpus.splits.items()}


def _shares(numbers: np.ndarray) -> np.ndarray:
    return (numbers / numbers.sum()).astype(np.float32)


def normalised(changes: Tensor, readout: Readout) -> Tensor:
    """Changes ≥ 0 [N, T], NaN for none, over their sum; uniform in a row whose changes are all 0."""
    known = torch.where(readout.mask, changes.to(readout.device).nan_to_num(), 0)
    total = known.sum(dim=1, keepdim=True)
    same = readout.mask / readout.lengths.unsqueeze(1)
    return torch.where(total > 0, known / total, same)


def _per_split(model: Prepared, weights: Callable[[Readout, Split], Tensor]) -> Guide:
    splits = model.corpus.splits.items()
    return {name: by_text(split, weights(model.readouts[name], split)) for name, split in splits}
