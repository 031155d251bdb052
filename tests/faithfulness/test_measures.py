"""The measures beside the violation test, against explicit loops over texts."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from attnlib.faithfulness import (
    area_under_threshold,
    comprehensiveness,
    measure_texts,
    rank_correlation,
    removal_of_texts,
    sufficiency,
    threshold_curve,
)
from attnlib.faithfulness.measures import BOTTOM_SHARES, CURVE_SHARES, TOP_SHARES, counts_of, top_shares
from attnlib.faithfulness.scores import padded_scores
from attnlib.faithfulness.tables import MEASURES
from tests.faithfulness.cases import additive, classify, predict


def drawn(n, longest, seed=0):
    """Texts of 1 to `longest` words, and signed scores with ties."""
    generator = np.random.default_rng(seed)
    lengths = [longest, 1, 2, *generator.integers(1, longest + 1, n - 3)]
    texts = [generator.choice(list("abcdefgh"), length).tolist() for length in lengths]
    return texts, [generator.normal(size=length).round(1).tolist() for length in lengths]


def removed(text, scores, share, sign=1):
    """The text without a share of its words, those of the highest score; of the lowest where sign is −1."""
    order = sorted(range(len(text)), key=lambda t: (-sign * scores[t], t))
    return [word for t, word in enumerate(text) if t not in order[: count(share, len(text))]]


def count(share, length):
    return max(1, math.floor(Fraction(str(share)) * length))


def test_counts_are_whole_shares_and_at_least_one():
    assert counts_of((0.3, 0.05, 0.9), np.array([10, 1])).tolist() == [[3, 1, 9], [1, 1, 1]]
    lengths, shares = np.arange(1, 120), (*TOP_SHARES, *BOTTOM_SHARES, *CURVE_SHARES)
    expected = [[count(share, int(length)) for share in shares] for length in lengths]
    assert counts_of(shares, lengths).tolist() == expected


def test_the_measures_by_loops():
    texts, scores = drawn(25, 30)
    labels = np.random.default_rng(2).integers(0, 3, 25)
    removal = removal_of_texts(predict, texts)
    found = {1: comprehensiveness(scores, removal), -1: sufficiency(scores, removal)}
    curve, area = threshold_curve(scores, removal, labels), area_under_threshold(scores, removal, labels)
    assert curve.shape == (25, 11)
    assert 0 < np.nanmean(curve) < 1
    for i, (text, given, label) in enumerate(zip(texts, scores, labels, strict=True)):
        before = classify(text)
        assert curve[i, 0] == (before.argmax() == label)
        if len(text) == 1:
            assert np.isnan([found[1][i], found[-1][i], area[i], *curve[i, 1:]]).all()
            continue
        for sign, shares in ((1, TOP_SHARES), (-1, BOTTOM_SHARES)):
            rest = predict([removed(text, given, share, sign) for share in shares])
            drops = before.max() - rest[:, before.argmax()]
            assert found[sign][i] == pytest.approx(drops.mean(), abs=1e-12)
        left = [removed(text, given, share) for share in CURVE_SHARES]
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
    assert np.isfinite(found).sum() > 10
    for i, (text, given) in enumerate(zip(texts, scores, strict=True)):
        slots = slots_of(text, given, n_slots)
        weight = [sum(abs(given[t]) for t in slot) for slot in slots]
        rest = [[word for t, word in enumerate(text) if t not in slot] for slot in slots]
        if len(slots) < 2 or len(set(weight)) == 1:
            assert np.isnan(found[i])
            continue
        impact = [np.abs(classify(r) - classify(text)).mean() for r in rest]
        assert found[i] == pytest.approx(spearmanr(weight, impact).statistic, abs=1e-9)


class TestReleased:
    """The rule of the authors' code, in batches of texts of like length."""

    # Lengths 2, 4 and 8: in batches of two the first two, and the last alone.
    TEXTS = ("ab", "abcd", "abcdefgh")
    SCORES = ([0.5, 0.1], [0.1, 0.4, -0.3, 0.2], [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])

    def gone(self, share, batch, sign=1):
        """The words that go from each text."""
        removal = removal_of_texts(predict, [list(text) for text in self.TEXTS])
        scores = sign * padded_scores(self.SCORES, removal.lengths)
        sets = top_shares(scores, removal, [share], batch)[:, 0]
        return [
            "".join(np.array(list(text))[row[: len(text)]])
            for text, row in zip(self.TEXTS, sets, strict=True)
        ]

    @pytest.mark.parametrize(
        ("share", "batch", "sign", "words"),
        [
            # Places of the shortest: 2 words, start and end. Half of 4 is 2, from the text of 4 as well; of
            # the last text, alone, half of 10 is 5.
            (0.5, 2, 1, ["ab", "bd", "abcde"]),
            # All three in one batch: 2 from each.
            (0.5, 3, 1, ["ab", "bd", "ab"]),
            # Of the lowest scores the negative one goes first, then start, end and padding with their 0, then
            # the other words: none of the first text, and 5 − 2 of the last.
            (0.5, 2, -1, ["", "c", "fgh"]),
            # .8 of 4 is 3. The first text has four places of 0: two of them are padding.
            (0.8, 2, -1, ["", "c", "cdefgh"]),
            # Alone it has none, and its lower word goes too; of the second .8 of 6 is 4.
            (0.8, 1, -1, ["b", "ac", "cdefgh"]),
        ],
    )
    def test_worked_by_hand(self, share, batch, sign, words):
        assert [set(found) for found in self.gone(share, batch, sign)] == [set(word) for word in words]

    def test_rank_correlation_worked_by_hand(self):
        # Three places of two words: "a" of score .5, "b" of .1, start of 0, in this order; weights have the
        # ranks 2, 1, 0. Without "a" both probabilities move by .2, without "b" by .3, start moves none: the
        # ranks are 1, 2, 0. Σd² = 2, and 1 − 6 · 2 / (3 · 8) = .5.
        def by_word(texts):
            first = [{"ab": 0.9, "b": 0.7, "a": 0.6}["".join(text)] for text in texts]
            return np.column_stack([first, 1 - np.array(first)])

        removal = removal_of_texts(by_word, [["a", "b"]])
        assert rank_correlation([[0.5, 0.1]], removal, 3, released=True).tolist() == [0.5]
        # Four places end with "end", which moves nothing either: ranks 3, 2, 0, 1 and 2, 3, 0, 1.
        assert rank_correlation([[0.5, 0.1]], removal, released=True) == pytest.approx([0.8])

    def test_where_nothing_moves_falling_scores_give_minus_one(self):
        removal = removal_of_texts(
            lambda texts: np.full((len(texts), 2), 0.5), [list("abcd"), list("abcdef")]
        )
        scores = [[0.4, 0.3, 0.2, 0.1], [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]]
        assert np.isnan(rank_correlation(scores, removal)).all()
        assert rank_correlation(scores, removal, 4, released=True).tolist() == [-1, -1]

    def test_a_text_of_one_word_has_no_number(self):
        removal = removal_of_texts(predict, [["a"], ["a", "b"]])
        found = rank_correlation([[0.5], [0.2, 0.1]], removal, released=True)
        assert np.isnan(found).tolist() == [True, False]

    def test_the_table_of_all_measures_follows_it_and_the_test_does_not(self):
        texts, scores = drawn(25, 30)
        labels, ways = np.zeros(25, dtype=int), {"deletion": removal_of_texts(predict, texts)}
        own, theirs = (measure_texts({"m": scores}, ways, labels, released=batch) for batch in (None, 5))
        assert own["violation"].equals(theirs["violation"])
        for name in ("comprehensiveness", "sufficiency", "area_under_threshold", "rank_correlation"):
            assert not own[name].equals(theirs[name])


def test_rank_correlation_needs_differences_of_the_impact_too():
    def by_length(texts):
        return np.array([[0.5 + 0.01 * len(text), 0.5 - 0.01 * len(text)] for text in texts])

    removal = removal_of_texts(by_length, [list("abc"), list("aab")])
    assert np.isnan(rank_correlation([[0.3, 0.2, 0.1], [0.1, 0.2, 0.3]], removal)).all()


@pytest.mark.parametrize("measure", [comprehensiveness, sufficiency, rank_correlation])
def test_bad_scores_are_refused(measure):
    with pytest.raises(ValueError, match="scores: token 1 of row 0 is nan"):
        measure([[1.0, np.nan], [1.0]], removal_of_texts(predict, [["a", "b"], ["c"]]))


@pytest.mark.parametrize("released", [None, 3])
def test_a_text_without_tokens_has_no_value_and_changes_no_others(released):
    generator = np.random.default_rng(0)
    effects = [generator.normal(0, 0.02, length) for length in (6, 0, 9, 30)]
    some, whole = [effects[row] for row in (0, 2, 3)], effects
    scores = [[np.round(row, 2) for row in part] for part in (some, whole)]
    few, found = (
        measure_texts({"m": given}, {"o": additive(part)}, np.ones(len(part), int), released=released)
        for given, part in zip(scores, (some, whole), strict=True)
    )
    assert found.loc[1, ["drop", *MEASURES]].isna().drop("tied").all()
    pd.testing.assert_frame_equal(
        found.drop(index=1).reset_index(drop=True).drop(columns="row"), few.drop(columns="row")
    )
