"""The violation test: hand-made effects, any classifier, and the oracle that cannot fail."""

import numpy as np
import pandas as pd
import pytest
import torch

from attnlib.faithfulness import (
    comprehensiveness,
    rank_correlation,
    removals,
    replace_by,
    violation_by_rank,
    violation_rates,
    violation_test,
    violations,
)
from attnlib.models.reading import read
from attnlib.statistics import mean_with_interval
from tests import toy
from tests.faithfulness.cases import additive, by_size

EFFECTS = [[0.1, -0.2, 0.05], [0.3], [-0.1, 0.0], [0.0, 0.1, -0.05, 0.02]]


@pytest.mark.parametrize(
    ("scores", "token", "violated", "tied"),
    [
        ([0.9, 0.1, 0.1], 0, False, False),  # says for, was for
        ([-0.9, 0.1, 0.1], 0, True, False),  # says against, was for
        ([0.3, 0.9, 0.1], 1, True, False),  # says for, was against
        ([0.3, -0.9, 0.1], 1, False, False),  # says against, was against
        ([0.2, 0.2, -0.2], 0, False, False),  # the earlier of equal sizes
        ([0.1, -0.2, 0.2], 1, False, False),
        ([0.0, 0.0, 0.0], 0, False, True),  # says nothing
        ([0.1, 0.9], 1, False, True),  # had no effect
        ([0.1, -0.9], 1, False, True),
    ],
)
def test_signs_are_compared_at_the_largest_score(scores, token, violated, tied):
    effects = EFFECTS[0] if len(scores) == 3 else EFFECTS[2]
    found = violations([scores], additive([effects]))
    assert (found.token[0], found.violated[0], found.tied[0]) == (token, violated, tied)
    assert found.score[0] == scores[token]
    assert found.drop[0] == pytest.approx(effects[token])
    assert found.ratio == violated


def test_the_tolerance_makes_ties_but_no_passes():
    for tolerance, tied in ((1e-3, True), (1e-5, False)):
        found = violations([[1.0, 0.0]], additive([[-1e-4, 0.2]]), tolerance=tolerance)
        assert (found.violated[0], found.tied[0]) == (True, tied)


def test_a_text_of_one_token_is_not_tested_and_does_not_count():
    scores = [[0.0, 1.0, 0.0], [-1.0], [1.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    found = violations(scores, additive(EFFECTS))
    assert found.frame()["tested"].tolist() == found.tested.tolist() == [True, False, True, True]
    assert found.frame()["violated"].tolist() == [True, False, True, False]
    assert np.isnan(found.drop[1])
    assert not found.tied[1]
    assert found.ratio == pytest.approx(2 / 3)
    alone = violations([[1.0]], additive(EFFECTS[1:2]))
    rates = violation_rates(alone).set_index("metric")
    assert np.isnan([alone.ratio, *rates["value"].drop(["untested", "zero_score"])]).all()
    assert rates["n"].tolist() == [0, 0, 0, 0, 1, 1]


def test_scores_may_be_lists_arrays_or_tensors_and_what_is_beyond_is_not_read():
    lists = [[0.2, -0.9, 0.5], [1.0], [-0.3, 0.3], [0.1, 0.4, -0.4, 0.2]]
    padded = np.full((4, 6), np.nan)
    for row, numbers in zip(padded, lists, strict=True):
        row[: len(numbers)] = numbers
    expected = violations(lists, additive(EFFECTS)).frame()
    for scores in (padded, torch.from_numpy(padded), [np.array(row) for row in lists]):
        pd.testing.assert_frame_equal(violations(scores, additive(EFFECTS)).frame(), expected)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[1, 2, 3], [1], [1, 2, 3], [1, 2, 3, 4]], "row 2 has 3 numbers for 2 tokens"),
        ([[1, 2, 3], [1], [1], [1, 2, 3, 4]], "row 2 has 1 numbers for 2 tokens"),
        ([[1, 2, 3], [1], [1, 2]], "3 rows for 4 texts"),
        ([[1, 2, 3], [1], [1, 2], [1, 2, np.nan, 4]], "token 2 of row 3 is nan"),
        ([[1, 2, 3], [np.inf], [1, 2], [1, 2, 3, 4]], "token 0 of row 1 is inf"),
        (np.ones((5, 4)), "5 rows for 4 texts"),
        (np.ones((4, 3)), "row 3 has 3 numbers for 4 tokens"),
        (np.ones((4, 4, 2)), "row 0 has 8 numbers for 3 tokens"),
    ],
)
def test_bad_scores_are_refused_with_row_and_token(scores, message):
    with pytest.raises(ValueError, match=f"scores: {message}"):
        violations(scores, additive(EFFECTS))


GIVEN = ([np.ones(len(row)) for row in EFFECTS], additive(EFFECTS))
OPTIONS = {
    "shares": lambda value: comprehensiveness(*GIVEN, shares=(0.5, value)),
    "effect": lambda value: violation_rates(violations(*GIVEN), effect=value),
    "tolerance": lambda value: violation_by_rank(*GIVEN, tolerance=value),
    "rank": lambda value: violations(*GIVEN, rank=value),
    "n_ranks": lambda value: violation_by_rank(*GIVEN, n_ranks=value),
    "n_slots": lambda value: rank_correlation(*GIVEN, n_slots=value),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 1.5, "0.1", None, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_shares_thresholds_and_counts_are_numbers_in_their_range(name, value):
    share = name in ("shares", "effect", "tolerance")
    needed = r"a number in \[0, 1\]" if share else f"a whole number ≥ {int(name != 'rank')}"
    with pytest.raises(ValueError, match=f"{name}: must be {needed}, got "):
        OPTIONS[name](value)
    if not share and name != "rank":
        with pytest.raises(ValueError, match=f"{name}: must be a whole number ≥ 1"):
            OPTIONS[name](0)
    with pytest.raises(ValueError, match="rank 4: no text has more than 4 tokens"):
        OPTIONS["rank"](4)


def test_any_function_of_token_lists_can_be_tested():
    def share_of_a(texts):
        share = np.array([text.count("a") / max(len(text), 1) for text in texts])
        return np.stack([1 - share, share], axis=1)

    texts = [list(text) for text in ("aab", "abb", "b")]  # predicted: 1, 0, 0
    scores = [[1, 0, 0], [1, 0, 0], [1]]
    found = violation_test(share_of_a, texts, scores)
    assert found.violated.tolist() == [False, True, False]
    assert found.drop[:2] == pytest.approx([2 / 3 - 1 / 2, 2 / 3 - 1])
    replaced = violation_test(share_of_a, texts, scores, remove=replace_by("b"))
    assert replaced.drop[:2] == pytest.approx([1 / 3, -1 / 3])
    own = violation_test(share_of_a, texts, scores, remove=lambda tokens, gone: ["b"] * len(tokens))
    assert own.drop[:2] == pytest.approx([2 / 3, 2 / 3 - 1])


def test_the_coefficients_of_a_bag_of_words_never_violate_and_their_negatives_always():
    pytest.importorskip("sklearn")
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    lines = ["good film", "a great plot", "good great good", "the plot is great", "is good", "great film a"]
    lines += ["bad film", "a dull plot", "bad dull bad", "the plot is dull", "is bad", "dull film a"]
    texts = [line.split() for line in lines]
    words, line = CountVectorizer(analyzer=lambda tokens: tokens), LogisticRegression(fit_intercept=False)
    pipeline = make_pipeline(words, line).fit(texts, np.repeat([1, 0], 6))
    weight = dict(zip(words.get_feature_names_out(), line.coef_[0], strict=True))
    sign = np.where(pipeline.predict(texts) == 1, 1, -1)
    scores = [s * np.array([weight[word] for word in text]) for s, text in zip(sign, texts, strict=True)]
    found = violation_test(pipeline.predict_proba, texts, scores)
    assert found.tested.all()
    assert not found.tied.any()
    assert found.ratio == 0
    assert violation_test(pipeline.predict_proba, texts, [-row for row in scores]).ratio == 1
    strange = violation_test(pipeline.predict_proba, [["good", "zebra"]], [[0.1, -5.0]])
    assert strange.tied.tolist() == [True]  # a word the pipeline does not know


@pytest.mark.parametrize("encoder", ["bigru", "convolution"])
def test_leave_one_out_never_violates_under_its_own_removal_and_its_negative_always(encoder):
    model, vocabulary = toy.model(encoder, n_classes=3)
    split = toy.split(15)
    for removal in removals(model, split, vocabulary, read(model, split, vocabulary)).values():
        oracle = np.nan_to_num(removal.drop_of_each())
        assert not any(violations(oracle, removal, rank).violated.any() for rank in range(3))
        against = violations(-oracle, removal)
        assert against.tested.sum() == (split.lengths > 1).sum() > 5
        np.testing.assert_array_equal(against.violated, against.tested & (against.drop != 0))


def test_rates_by_loops_at_each_rank():
    """Texts of one to six tokens whose effects are often tiny, none, or large."""
    generator = np.random.default_rng(0)
    lengths, sizes = generator.integers(1, 7, 300), (0.0, 1e-8, 0.004, 0.1)
    effects = [generator.choice(sizes, n) * generator.choice([-1, 1], n) for n in lengths]
    scores = [generator.integers(-3, 4, n).astype(float).tolist() for n in lengths]
    removal = additive(effects)
    ranks = violation_by_rank(scores, removal)
    assert ranks["rank"].tolist() == list(range(6))
    assert violation_by_rank(scores, removal, 3).equals(ranks[:3])
    for rank in range(6):
        found, rows = violations(scores, removal, rank), []
        for effect, given, drop in zip(effects, scores, found.drop, strict=True):
            tested = len(effect) > max(rank, 1)
            zero = float(given[by_size(given, rank)] == 0) if len(effect) > rank else np.nan
            if not tested:
                assert np.isnan(drop)
                rows.append([np.nan] * 4 + [1.0, zero])
                continue
            top = by_size(given, rank)
            assert drop == pytest.approx(effect[top], abs=1e-15)  # up to rounding
            violated, tied = float(given[top] * drop < 0), float(given[top] == 0 or abs(drop) <= 1e-6)
            large = violated if abs(drop) > 0.01 else np.nan
            rows.append([violated, tied, np.nan if tied else violated, large, 0.0, zero])
        columns = dict(zip(violation_rates(found)["metric"], np.array(rows).T, strict=True))
        rates = violation_rates(found).set_index("metric")
        for metric, values in columns.items():
            if metric != "zero_score" or rank == 0:
                assert rates.loc[metric].tolist() == pytest.approx(list(mean_with_interval(values)))
                assert 0 < rates.loc[metric, "value"] < 1
        of_rank = [*mean_with_interval(columns["violation_decided"]), rates.loc["tied", "value"]]
        assert ranks.loc[rank].tolist()[1:] == pytest.approx(of_rank)
        assert found.ratio == pytest.approx(np.nanmean(columns["violation"]))
