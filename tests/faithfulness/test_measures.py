"""The measures beside the violation test, against explicit loops over texts."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import spearmanr

from attnlib.faithfulness import (
    area_under_threshold,
    comprehensiveness,
    rank_correlation,
    removal_of_texts,
    sufficiency,
    threshold_curve,
)
from attnlib.faithfulness.measures import BOTTOM_SHARES, CURVE_SHARES, TOP_SHARES, counts_of

WEIGHTS = dict(zip("abcdefgh", np.linspace(-1.5, 1.2, 8), strict=True))


def classify(text):
    """Three classes; words lose weight with their place, so that order matters."""
    total = sum(WEIGHTS[word] / (1 + 0.1 * place) for place, word in enumerate(text))
    odds = np.exp([total, 0.3, -total])
    return odds / odds.sum()


def predict(texts):
    return np.array([classify(text) for text in texts])


def drawn(n, longest, seed=0):
    """Texts of 1 to `longest` words, and signed scores with ties."""
    generator = np.random.default_rng(seed)
    lengths = [longest, 1, 2, *generator.integers(1, longest + 1, n - 3)]
    texts = [generator.choice(list(WEIGHTS), length).tolist() for length in lengths]
    return texts, [generator.normal(size=length).round(1).tolist() for length in lengths]


def removed(text, scores, count, sign):
    """The text without the `count` words of the highest score, of the lowest where sign is −1."""
    order = sorted(range(len(text)), key=lambda t: (-sign * scores[t], t))
    return [word for t, word in enumerate(text) if t not in order[:count]]


def count(share, length):
    return max(1, math.floor(Fraction(str(share)) * length))


def test_counts_are_whole_shares_and_at_least_one():
    assert counts_of((0.3, 0.05, 0.9), np.array([10, 1])).tolist() == [[3, 1, 9], [1, 1, 1]]
    lengths, shares = np.arange(1, 120), (*TOP_SHARES, *BOTTOM_SHARES, *CURVE_SHARES)
    expected = [[count(share, int(length)) for share in shares] for length in lengths]
    assert counts_of(shares, lengths).tolist() == expected


@pytest.mark.parametrize(
    ("measure", "shares", "sign"), [(comprehensiveness, TOP_SHARES, 1), (sufficiency, BOTTOM_SHARES, -1)]
)
def test_comprehensiveness_and_sufficiency_by_loops(measure, shares, sign):
    texts, scores = drawn(25, 30)
    found = measure(scores, removal_of_texts(predict, texts))
    for i, (text, given) in enumerate(zip(texts, scores, strict=True)):
        if len(text) == 1:
            assert np.isnan(found[i])
            continue
        before = classify(text)
        chosen = before.argmax()
        drops = [
            before[chosen] - classify(removed(text, given, count(s, len(text)), sign))[chosen] for s in shares
        ]
        assert found[i] == pytest.approx(np.mean(drops), abs=1e-12)


def test_the_threshold_curve_and_its_area_by_loops():
    texts, scores = drawn(25, 30, seed=1)
    labels = np.random.default_rng(2).integers(0, 3, 25)
    removal = removal_of_texts(predict, texts)
    curve, area = threshold_curve(scores, removal, labels), area_under_threshold(scores, removal, labels)
    assert curve.shape == (25, 11)
    assert 0 < np.nanmean(curve) < 1
    for i, (text, given, label) in enumerate(zip(texts, scores, labels, strict=True)):
        assert curve[i, 0] == (classify(text).argmax() == label)
        if len(text) == 1:
            assert np.isnan(curve[i, 1:]).all()
            assert np.isnan(area[i])
            continue
        left = [removed(text, given, count(share, len(text)), 1) for share in CURVE_SHARES]
        assert curve[i, 1:].tolist() == [classify(rest).argmax() == label for rest in left]
        ends = (0.0, *CURVE_SHARES)
        trapezoids = [(ends[k + 1] - ends[k]) * (curve[i, k] + curve[i, k + 1]) / 2 for k in range(10)]
        assert area[i] == pytest.approx(sum(trapezoids))


def slots_of(text, scores, n_slots):
    """The places of the words in each slot: by falling |score|, the earlier on ties."""
    size = 1 + len(text) // n_slots if len(text) > n_slots else 1
    order = sorted(range(len(text)), key=lambda t: (-abs(scores[t]), t))
    slots = [order[start : start + size] for start in range(0, len(text), size)]
    return [slot for slot in slots if len(slot) == size][:n_slots]


@pytest.mark.parametrize(("n_slots", "longest"), [(20, 60), (20, 21), (20, 20), (4, 13)])
def test_rank_correlation_by_loops(n_slots, longest):
    texts, scores = drawn(20, longest, seed=3)
    found = rank_correlation(scores, removal_of_texts(predict, texts), n_slots)
    defined = 0
    for i, (text, given) in enumerate(zip(texts, scores, strict=True)):
        slots = slots_of(text, given, n_slots)
        weight = [sum(abs(given[t]) for t in slot) for slot in slots]
        rest = [[word for t, word in enumerate(text) if t not in slot] for slot in slots]
        if len(slots) < 2 or len(set(weight)) == 1:
            assert np.isnan(found[i])
            continue
        impact = [np.abs(classify(r) - classify(text)).mean() for r in rest]
        defined += 1
        assert found[i] == pytest.approx(spearmanr(weight, impact).statistic, abs=1e-9)
    assert defined > 10


def test_rank_correlation_needs_two_slots_and_differences():
    texts = [list(text) for text in ("a", "abc", "abc", "aab")]
    scores = [[1.0], [0.5, -0.5, 0.5], [0.3, 0.2, 0.1], [0.1, 0.2, 0.3]]

    def lengths_alone(texts):
        return np.array([[0.5 + 0.01 * len(text), 0.5 - 0.01 * len(text)] for text in texts])

    assert np.isnan(rank_correlation(scores, removal_of_texts(lengths_alone, texts))).all()
    found = rank_correlation(scores, removal_of_texts(predict, texts))
    assert np.isnan(found).tolist() == [True, True, False, False]


def test_the_right_order_has_correlation_one_and_the_reverse_minus_one():
    removal = removal_of_texts(predict, [list("abch"), list("gfaab")])
    each = np.eye(5, dtype=bool)[None] & removal.mask[:, None]
    impact = np.abs(removal.without(each) - removal.intact[:, None]).mean(axis=2)
    assert rank_correlation(impact, removal).tolist() == pytest.approx([1, 1])
    assert rank_correlation(1 / (impact + 1), removal).tolist() == pytest.approx([-1, -1])


@pytest.mark.parametrize("measure", [comprehensiveness, sufficiency, rank_correlation])
def test_bad_scores_are_refused(measure):
    with pytest.raises(ValueError, match="scores: token 1 of row 0 is nan"):
        measure([[1.0, np.nan], [1.0]], removal_of_texts(predict, [["a", "b"], ["c"]]))
