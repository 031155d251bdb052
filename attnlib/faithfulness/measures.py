"""Measures of faithfulness beside the violation test, each a function of scores and a Removal.

All follow Liu et al.'s code (facts: their §2), text by text; means over texts, and over ways to remove, are
the caller's. A share ρ of a text of n tokens is ⌊ρ n⌋ of them, at least one. NaN for a text of one token
or none.

`released`: the number of texts in a batch of theirs (bAbI 1: 50) asks for the rule of their code instead. A
batch holds texts of like length; of each as many places go as the share of the shortest, and places are
tokens, start, end and padding, these with a score of 0. So long texts lose less than their share, and of the
lowest scores start, end and padding go first. NaN where no token would be left. Not followed: gradients have
scores on start and end, and these, deleted, change what the encoder reads. None: shares of each text.
"""

from collections.abc import Sequence

import numpy as np

from attnlib.checks import check_at_least, check_number, whole_labels
from attnlib.faithfulness.removal import Removal
from attnlib.faithfulness.scores import first_of, padded_scores, ranking
from attnlib.faithfulness.violation import Scores

TOP_SHARES = (0.05, 0.1, 0.2, 0.5)
BOTTOM_SHARES = (0.5, 0.8, 0.9, 0.95)
CURVE_SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
N_SLOTS = 20


def counts_of(shares: Sequence[float], lengths: np.ndarray) -> np.ndarray:
    """How many tokens a share of each text is, [N, K] int64; at least one."""
    for share in shares:
        check_number("shares", share, 0, 1)
    # A product such as .3 · 10 that rounds to just below a whole number means that number.
    return np.maximum(1, np.floor(np.outer(lengths, shares) + 1e-9).astype(int))


def top_shares(
    scores: np.ndarray, removal: Removal, shares: Sequence[float], released: int | None = None
) -> np.ndarray:
    """The tokens of the highest scores [N, T] that shares of each text are, as bool [N, K, T]."""
    lengths = removal.lengths
    if released is None:
        return first_of(ranking(scores, lengths), counts_of(shares, lengths)) & removal.mask[:, None]
    check_at_least("released", released, 1)
    order = lengths.argsort(kind="stable")[(lengths == 0).sum() :]
    found = np.zeros((len(lengths), len(shares), scores.shape[1]), dtype=bool)
    for rows in np.split(order, range(released, len(order), released)):
        widest, shortest = lengths[rows[-1]], lengths[rows[:1]] + 2
        first = first_of(ranked_places(scores[rows, :widest]), counts_of(shares, shortest))
        found[rows, :, :widest] = first[:, :, 1:-1]
    return found & removal.mask[:, None]


def ranked_places(scores: np.ndarray) -> np.ndarray:
    """The order of start, tokens and end by falling score, [N, T + 2]; scores are 0 beyond each text."""
    places = np.pad(scores, ((0, 0), (1, 1)))
    return ranking(places, np.full(len(places), places.shape[1]))


def comprehensiveness(
    scores: Scores, removal: Removal, shares: Sequence[float] = TOP_SHARES, released: int | None = None
) -> np.ndarray:
    """Fall of the predicted class's probability without the top-scored tokens, mean over shares, [N].

    High is good. The order is by signed score. (DeYoung et al. 2020.)
    """
    given = padded_scores(scores, removal.lengths)
    return removal.drop(top_shares(given, removal, shares, released)).mean(axis=1)


def sufficiency(
    scores: Scores, removal: Removal, shares: Sequence[float] = BOTTOM_SHARES, released: int | None = None
) -> np.ndarray:
    """Fall of the predicted class's probability without the bottom-scored tokens, mean over shares, [N].

    Low is good; negative where the top tokens alone make the model more certain. (DeYoung et al. 2020.)
    """
    given = padded_scores(scores, removal.lengths)
    return removal.drop(top_shares(-given, removal, shares, released)).mean(axis=1)


def threshold_curve(
    scores: Scores,
    removal: Removal,
    labels: np.ndarray,
    shares: Sequence[float] = CURVE_SHARES,
    released: int | None = None,
) -> np.ndarray:
    """Whether each text is classified right without its top-scored shares, [N, 1 + K]; the first is whole.

    labels: the right class of each text, a column of the removal's probabilities; ValueError for others.
    """
    labels = whole_labels(labels, n=len(removal.lengths), classes=removal.intact.shape[1])
    after = removal.without(top_shares(padded_scores(scores, removal.lengths), removal, shares, released))
    right = (after.argmax(axis=2) == labels[:, None]).astype(float)
    right[np.isnan(after).any(axis=2)] = np.nan
    return np.concatenate([(removal.predicted == labels)[:, None].astype(float), right], axis=1)


def area_under_threshold(
    scores: Scores,
    removal: Removal,
    labels: np.ndarray,
    shares: Sequence[float] = CURVE_SHARES,
    released: int | None = None,
) -> np.ndarray:
    """Area under accuracy against the share of top-scored tokens removed (AUCTP), per text, [N].

    Low is good. By trapezoids from 0 to the last share, not normalised: at most the last share. The area of
    a data set is the mean. (Atanasova et al. 2020.)
    """
    curve = threshold_curve(scores, removal, labels, shares, released)
    return np.trapezoid(curve, np.array([0.0, *shares]), axis=1)


def rank_correlation(
    scores: Scores, removal: Removal, n_slots: int = N_SLOTS, released: bool = False
) -> np.ndarray:
    """Spearman's correlation of |score| with impact over the head of the ranking, [N]; high is good.

    Tokens by falling |score| fill up to `n_slots` slots, each of 1 + ⌊n/20⌋ tokens in a text of more than 20;
    a slot's score is the sum, its impact the mean over classes of how far its removal moves their
    probability. Ties share their rank. NaN below two slots, and where all scores or all impacts are equal.

    released: as their code has it for slots of one place. Every text has as many slots as the shortest of all
    has places (tokens, start and end), at most `n_slots`, and in single precision the earlier of two ties has
    the lower rank: in an order by falling score, impacts that are all 0 give −1.
    """
    check_at_least("n_slots", n_slots, 2 if released else 1)
    given, lengths = np.abs(padded_scores(scores, removal.lengths)), removal.lengths
    if released:
        return _released_rank_correlation(given, removal, n_slots)
    order = ranking(given, lengths)
    place = order.argsort(axis=1, kind="stable")
    size = np.where(lengths > n_slots, 1 + lengths // n_slots, 1)
    used = np.minimum(n_slots, lengths // size)  # [N] slots
    slot = np.where(removal.mask, place // size[:, None], -1)  # [N, T]
    removed = slot[:, None, :] == np.arange(n_slots)[None, :, None]
    removed &= np.arange(n_slots)[None, :, None] < used[:, None, None]
    impact = np.abs(removal.without(removed) - removal.intact[:, None]).mean(axis=2)  # [N, slots]
    weight = np.stack([(removed[:, k] * given).sum(axis=1) for k in range(n_slots)], axis=1)
    result = np.full(len(lengths), np.nan)
    for n in np.unique(used):
        result[used == n] = spearman(weight[used == n, :n], impact[used == n, :n])
    return result


def _released_rank_correlation(given: np.ndarray, removal: Removal, n_slots: int) -> np.ndarray:
    shortest = min(removal.lengths[removal.lengths > 0], default=0)
    order = ranked_places(given)[:, : shortest + 2][:, :n_slots]
    one = order[:, :, None] - 1 == np.arange(given.shape[1])
    after = removal.without(one & removal.mask[:, None]).astype(np.float32)
    impact = np.abs(after - removal.intact.astype(np.float32)[:, None]).mean(axis=2)
    weight = np.take_along_axis(np.pad(given, ((0, 0), (1, 1))), order, axis=1).astype(np.float32)
    places = [each.argsort(axis=1, kind="stable").argsort(axis=1) for each in (weight, impact)]
    n = order.shape[1]
    found = 1 - 6 * ((places[0] - places[1]) ** 2).sum(axis=1) / (n * (n**2 - 1))
    found[np.isnan(impact).any(axis=1)] = np.nan
    return found


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of midranks, [N], of rows [N, K]; NaN below two numbers, for NaN and for a constant row."""
    from scipy.stats import rankdata  # a second to import, and few ask for ranks

    middle = (first.shape[1] + 1) / 2
    one, other = (rankdata(each, axis=1) - middle for each in (first, second))
    scale = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    scale[scale == 0] = np.nan
    return (one * other).sum(axis=1) / scale
