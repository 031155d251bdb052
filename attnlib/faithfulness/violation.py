"""The faithfulness violation test: does the most important token act as the sign of its score says?

Liu et al. 2022: remove the token with the largest |score|; the explanation is violated if the score and the
fall of the predicted class's probability have opposite signs. Published, ties pass; here they are counted.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from attnlib.checks import check_at_least, check_number
from attnlib.faithfulness.predict import Predict
from attnlib.faithfulness.removal import Removal, Remove, delete, removal_of_texts
from attnlib.faithfulness.scores import padded_scores, ranking
from attnlib.statistics import mean_with_interval, means

Scores = Sequence[Sequence[float]] | np.ndarray | torch.Tensor

TOLERANCE = 1e-6
EFFECT = 0.01


class Violation(NamedTuple):
    """The test on N texts, at one rank of the scores.

    - `token`: [N] int64, position of the token that is removed.
    - `score`: [N] float64, its score; NaN where the text has too few for the rank.
    - `drop`: [N] float64, fall of the predicted class's probability. NaN where no token would be left, or the
      text has too few for the rank.
    - `violated`: [N] bool, whether score and drop have strictly opposite signs. False where drop is NaN, so
      that its mean mixes those texts in; `ratio` leaves them out.
    - `tied`: [N] bool, whether |drop| ≤ tolerance, or the score is 0. False where drop is NaN.
    """

    token: np.ndarray
    score: np.ndarray
    drop: np.ndarray
    violated: np.ndarray
    tied: np.ndarray

    @property
    def tested(self) -> np.ndarray:
        """Where a token could be removed, [N] bool: not in texts of one token or none."""
        return ~np.isnan(self.drop)

    @property
    def ratio(self) -> float:
        """The published violation ratio: violated texts over tested ones; ties pass."""
        return float(self.violated[self.tested].mean()) if self.tested.any() else float("nan")

    def frame(self) -> pd.DataFrame:
        """One row per text, a column per field and `tested`."""
        return pd.DataFrame(self._asdict()).assign(tested=self.tested)


def violation_test(
    predict: Predict,
    texts: Sequence[Sequence[str]],
    scores: Scores,
    remove: Remove = delete,
    tolerance: float = TOLERANCE,
    progress: bool = False,
) -> Violation:
    """The test for any classifier and any scores of its input tokens; nothing of attnlib is needed.

    predict: list of token lists → class probabilities [n, C]. texts: N token lists. scores: one number per
    token, positive where it is said to support the predicted class. remove: `delete` (the default),
    `replace_by(symbol)`, or a function (tokens, which go) → tokens. progress: say how much will be asked. To
    test several explanations of one model make the Removal once, and call `violations`.

    Raises ValueError, naming the row, for scores of the wrong length or not finite, and for probabilities
    that do not sum to 1. (Liu et al. 2022, §3.)

    >>> def predict(texts):
    ...     return [[0.1, 0.9] if "good" in text else [0.6, 0.4] for text in texts]
    >>> texts, scores = [["a", "good", "film"], ["good", "film"]], [[0, 2, 0], [-1, 0]]
    >>> result = violation_test(predict, texts, scores)
    >>> result.token.tolist(), result.violated.tolist()
    ([1, 0], [False, True])
    """
    removal = removal_of_texts(predict, texts, remove, progress=progress)
    return violations(scores, removal, tolerance=tolerance)


def violations(scores: Scores, removal: Removal, rank: int = 0, tolerance: float = TOLERANCE) -> Violation:
    """The test on the token of the given rank by |score|, 0 the largest; the earlier token on ties.

    A text with too few tokens for the rank is not tested.
    """
    check_at_least("rank", rank, 0)
    tolerance = check_number("tolerance", tolerance, 0, 1)
    given = padded_scores(scores, removal.lengths)
    if rank >= given.shape[1]:
        raise ValueError(f"rank {rank}: no text has more than {given.shape[1]} tokens")
    order = ranking(np.abs(given), removal.lengths)
    token = order[:, rank]
    there = rank < removal.lengths
    removed = np.zeros((len(given), 1, given.shape[1]), dtype=bool)
    removed[np.arange(len(given)), 0, token] = there
    drop = np.where(there, removal.drop(removed)[:, 0], np.nan)
    score = np.where(there, given[np.arange(len(given)), token], np.nan)
    # NaN compares as False: a text that is not tested is neither violated nor tied.
    with np.errstate(invalid="ignore"):
        violated = np.sign(score) * np.sign(drop) < 0
        tied = (np.abs(drop) <= tolerance) | ((score == 0) & ~np.isnan(drop))
    return Violation(token, score, drop, violated, tied)


def by_text(found: Violation, effect: float = EFFECT) -> dict[str, np.ndarray]:
    """What the rates are means of, [N] float64 each, by name; NaN where a text does not count for a rate."""
    violated = np.where(found.tested, found.violated, np.nan)
    return {
        "violation": violated,
        "tied": np.where(found.tested, found.tied, np.nan),
        "violation_decided": np.where(found.tied, np.nan, violated),
        "violation_effect": np.where(np.abs(found.drop) > effect, violated, np.nan),
        "untested": (~found.tested).astype(float),
        "zero_score": np.where(np.isnan(found.score), np.nan, found.score == 0),
    }


def violation_by_rank(
    scores: Scores, removal: Removal, n_ranks: int = 20, tolerance: float = TOLERANCE
) -> pd.DataFrame:
    """Violation ratio among decided texts at each rank by |score|: columns rank, value, low, high, n, tied.

    The published test looks at rank 0 only. n: texts that have the rank and no tie there; tied: the share of
    ties. Stops at the longest text.
    """
    check_at_least("n_ranks", n_ranks, 1)
    rows = []
    for rank in range(min(n_ranks, int(removal.lengths.max()))):
        found = violations(scores, removal, rank, tolerance)
        decided = found.tested & ~found.tied
        tied = float(found.tied[found.tested].mean()) if found.tested.any() else float("nan")
        rows.append((rank, *mean_with_interval(found.violated[decided]), tied))
    return pd.DataFrame(rows, columns=["rank", "value", "low", "high", "n", "tied"])


def violation_rates(found: Violation, effect: float = EFFECT) -> pd.DataFrame:
    """The rates of a test: columns metric, value, low, high (95 % bootstrap over texts), n.

    violation: as published, ties pass. tied: share of ties. violation_decided: among texts without tie.
    violation_effect: among texts whose |drop| exceeds `effect`. These are of the tested texts. untested:
    share of texts where nothing would be left. zero_score: share of texts whose token has score 0; at the
    first rank, all of whose scores are 0.
    """
    return means(by_text(found, check_number("effect", effect, 0, 1)).items(), "metric")
