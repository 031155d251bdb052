"""Removals with written-down effects, and a classifier of words, that the tests of faithfulness share."""

import numpy as np

from attnlib.faithfulness import Removal

WEIGHTS = dict(zip("abcdefgh", np.linspace(-1.5, 1.2, 8), strict=True)) | {"_": 0.1}


def additive(effects, name="additive"):
    """The fall of the probability of class 1, predicted throughout, without each token; several add up."""
    lengths = np.array([len(row) for row in effects])

    def probabilities(fall):
        return np.stack([0.4 + fall, 0.6 - fall], axis=1)

    def evaluate(rows, removed):
        gone = [np.dot(effects[row], r[: lengths[row]]) for row, r in zip(rows, removed, strict=True)]
        return probabilities(np.array(gone))

    return Removal(name, probabilities(np.zeros(len(effects))), lengths, evaluate)


def classify(text):
    """Three classes; words lose weight with their place, so that order and length matter; of no text too."""
    total = sum(WEIGHTS[word] / (1 + 0.1 * place) for place, word in enumerate(text))
    odds = np.exp([total, 0.3, -total])
    return odds / odds.sum()


def predict(texts):
    """The same of several texts, [n, 3]."""
    return np.array([classify(text) for text in texts])


def by_size(scores, rank=0):
    """The token of a rank by |score|, the earlier on ties."""
    return sorted(range(len(scores)), key=lambda t: (-abs(scores[t]), t))[rank]
