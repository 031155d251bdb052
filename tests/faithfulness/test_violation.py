"""The violation test: hand-made effects, any classifier, and the oracle that cannot fail."""

import numpy as np
import pandas as pd
import pytest
import torch

from attnlib.faithfulness import (
    Removal,
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
from attnlib.statistics import bootstrap_mean
from tests import toy

# The fall of the predicted class's probability without each token, several without several.
EFFECTS = [[0.1, -0.2, 0.05], [0.3], [-0.1, 0.0], [0.0, 0.1, -0.05, 0.02]]


def additive(effects=EFFECTS):
    """A removal with these effects; class 1 is predicted throughout."""
    lengths = np.array([len(row) for row in effects])

    def probabilities(fall):
        return np.stack([0.4 + fall, 0.6 - fall], axis=1)

    def evaluate(rows, removed):
        gone = [np.dot(effects[row], r[: lengths[row]]) for row, r in zip(rows, removed, strict=True)]
        return probabilities(np.array(gone))

    return Removal("additive", probabilities(np.zeros(len(effects))), lengths, evaluate)


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
    found = violations([[1.0, 0.0]], additive([[-1e-4, 0.2]]), tolerance=1e-3)
    assert (found.violated[0], found.tied[0]) == (True, True)
    assert not violations([[1.0, 0.0]], additive([[-1e-4, 0.2]]), tolerance=1e-5).tied[0]


def test_a_text_of_one_token_is_not_tested_and_does_not_count():
    scores = [[0.0, 1.0, 0.0], [-1.0], [1.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    found = violations(scores, additive())
    assert found.tested.tolist() == [True, False, True, True]
    assert found.violated.tolist() == [True, False, True, False]
    assert np.isnan(found.drop[1])
    assert not found.tied[1]
    assert found.ratio == pytest.approx(2 / 3)
    frame = found.frame()
    assert frame["tested"].tolist() == found.tested.tolist()
    assert frame["violated"].tolist() == found.violated.tolist()
    alone = violations([[1.0]], additive(EFFECTS[1:2]))
    assert np.isnan(alone.ratio)
    rates = violation_rates(alone).set_index("metric")
    assert rates["value"].drop(["untested", "zero_score"]).isna().all()
    assert rates["n"].tolist() == [0, 0, 0, 0, 1, 1]


def test_lower_ranks_test_the_next_tokens():
    scores = [[0.2, -0.9, 0.5], [1.0], [-0.3, 0.3], [0.1, 0.4, -0.4, 0.2]]
    tokens, drops = [], []
    for rank in range(4):
        found = violations(scores, additive(), rank)
        assert found.tested.tolist() == [rank < 3, False, rank < 2, True]
        tokens.append(found.token[found.tested].tolist())
        drops.append(found.drop[found.tested].tolist())
    assert tokens == [[1, 0, 1], [2, 1, 2], [0, 3], [0]]
    assert drops == [pytest.approx(d) for d in ([-0.2, -0.1, 0.1], [0.05, 0.0, -0.05], [0.1, 0.02], [0.0])]


def test_scores_may_be_lists_arrays_or_tensors_and_what_is_beyond_is_not_read():
    lists = [[0.2, -0.9, 0.5], [1.0], [-0.3, 0.3], [0.1, 0.4, -0.4, 0.2]]
    padded = np.full((4, 6), np.nan)
    for row, numbers in zip(padded, lists, strict=True):
        row[: len(numbers)] = numbers
    expected = violations(lists, additive()).frame()
    for scores in (padded, torch.from_numpy(padded), [np.array(row) for row in lists]):
        pd.testing.assert_frame_equal(violations(scores, additive()).frame(), expected)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[1, 2, 3], [1], [1, 2, 3], [1, 2, 3, 4]], "row 2 has 3 numbers for 2 tokens"),
        ([[1, 2, 3], [1], [1], [1, 2, 3, 4]], "row 2 has 1 numbers for 2 tokens"),
        ([[1, 2, 3], [1], [1, 2], [1, 2, np.nan, 4]], "token 2 of row 3 is nan"),
        ([[1, 2, 3], [np.inf], [1, 2], [1, 2, 3, 4]], "token 0 of row 1 is inf"),
        ([[1, 2, 3], [1], [1, 2]], "3 rows for 4 texts"),
        (np.ones((5, 4)), "5 rows for 4 texts"),
        (np.ones((4, 3)), "row 3 has 3 numbers for 4 tokens"),
        (np.ones((4, 4, 2)), "row 0 has 8 numbers for 3 tokens"),
    ],
)
def test_bad_scores_are_refused_with_row_and_token(scores, message):
    with pytest.raises(ValueError, match=f"scores: {message}"):
        violations(scores, additive())


SCORES = [np.ones(len(row)) for row in EFFECTS]
OPTIONS = {
    "shares": lambda value: comprehensiveness(SCORES, additive(), shares=(0.5, value)),
    "effect": lambda value: violation_rates(violations(SCORES, additive()), effect=value),
    "tolerance": lambda value: violation_by_rank(SCORES, additive(), tolerance=value),
    "rank": lambda value: violations(SCORES, additive(), rank=value),
    "n_ranks": lambda value: violation_by_rank(SCORES, additive(), n_ranks=value),
    "n_slots": lambda value: rank_correlation(SCORES, additive(), n_slots=value),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5, "0.1", None, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_shares_thresholds_and_counts_are_numbers_in_their_range(name, value):
    share = name in ("shares", "effect", "tolerance")
    needed = r"a number in \[0, 1\]" if share else f"a whole number ≥ {int(name != 'rank')}"
    with pytest.raises(ValueError, match=f"{name}: must be {needed}, got "):
        OPTIONS[name](value)


def test_a_rank_or_a_number_of_ranks_that_no_text_has():
    for name, value in (("rank", -1), ("n_ranks", 0), ("n_slots", 0)):
        with pytest.raises(ValueError, match=f"{name}: must be a whole number ≥ {value + 1}"):
            OPTIONS[name](value)
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
    assert found.tested.tolist() == [True, True, False]
    assert found.drop[:2] == pytest.approx([2 / 3 - 1 / 2, 2 / 3 - 1])
    replaced = violation_test(share_of_a, texts, scores, remove=replace_by("b"))
    assert replaced.drop[:2] == pytest.approx([1 / 3, -1 / 3])
    own = violation_test(share_of_a, texts, scores, remove=lambda tokens, gone: ["b"] * len(tokens))
    assert own.drop[:2] == pytest.approx([2 / 3, 2 / 3 - 1])
    with pytest.raises(ValueError, match="the probabilities of text 0 are"):
        violation_test(lambda texts: 7 * share_of_a(texts), texts, scores)


def test_the_coefficients_of_a_bag_of_words_never_violate_and_their_negatives_always():
    pytest.importorskip("sklearn")
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    lines = ["good film", "a great plot", "good great good", "the plot is great", "is good", "great film a"]
    lines += ["bad film", "a dull plot", "bad dull bad", "the plot is dull", "is bad", "dull film a"]
    texts = [line.split() for line in lines]
    labels = np.repeat([1, 0], 6)
    words, line = CountVectorizer(analyzer=lambda tokens: tokens), LogisticRegression(fit_intercept=False)
    pipeline = make_pipeline(words, line).fit(texts, labels)
    predicted = pipeline.predict(texts)
    weight = dict(zip(words.get_feature_names_out(), line.coef_[0], strict=True))
    sign = np.where(predicted == 1, 1, -1)
    scores = [[s * weight[word] for word in text] for s, text in zip(sign, texts, strict=True)]
    found = violation_test(pipeline.predict_proba, texts, scores)
    assert found.tested.all()
    assert not found.tied.any()
    assert found.ratio == 0
    assert violation_test(pipeline.predict_proba, texts, [[-s for s in row] for row in scores]).ratio == 1
    strange = violation_test(pipeline.predict_proba, [["good", "zebra"]], [[0.1, -5.0]])
    assert strange.tied.tolist() == [True]  # a word the pipeline does not know


@pytest.mark.parametrize("encoder", ["bigru", "convolution"])
def test_leave_one_out_never_violates_under_its_own_removal_and_its_negative_always(encoder):
    model, vocabulary = toy.model(encoder, n_classes=3)
    split = toy.split(15)
    for removal in removals(model, split, vocabulary, read(model, split, vocabulary)).values():
        oracle = np.nan_to_num(removal.drop_of_each())
        for rank in range(3):
            assert not violations(oracle, removal, rank).violated.any()
        against = violations(-oracle, removal)
        assert against.tested.sum() == (split.lengths > 1).sum() > 5
        np.testing.assert_array_equal(against.violated, against.tested & (against.drop != 0))


def drawn(n=300, seed=0):
    """Texts of one to six tokens whose effects are often tiny, none, or large; and scores."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 7, n)
    sizes = (0.0, 1e-8, 0.004, 0.1)
    effects = [(generator.choice(sizes, size) * generator.choice([-1, 1], size)).tolist() for size in lengths]
    scores = [generator.integers(-3, 4, size).astype(float).tolist() for size in lengths]
    return effects, scores


def test_rates_by_loops():
    effects, scores = drawn()
    found = violations(scores, additive(effects))
    metrics = ("violation", "tied", "violation_decided", "violation_effect", "untested", "zero_score")
    lists = {name: [] for name in metrics}
    for row, (effect, given) in enumerate(zip(effects, scores, strict=True)):
        lists["untested"].append(len(effect) == 1)
        lists["zero_score"].append(not any(given))
        if len(effect) == 1:
            continue
        top = max(range(len(given)), key=lambda t: (abs(given[t]), -t))
        drop = found.drop[row]  # that of the token, up to rounding of 1e-16
        assert drop == pytest.approx(effect[top], abs=1e-15)
        violated = given[top] * drop < 0
        tied = given[top] == 0 or abs(drop) <= 1e-6
        lists["violation"].append(violated)
        lists["tied"].append(tied)
        if not tied:
            lists["violation_decided"].append(violated)
        if abs(drop) > 0.01:
            lists["violation_effect"].append(violated)
    rates = violation_rates(found).set_index("metric")
    assert list(rates.index) == list(lists)
    for metric, values in lists.items():
        assert 0 < np.mean(values) < 1
        low, high = bootstrap_mean(np.array(values))
        assert rates.loc[metric].tolist() == pytest.approx([np.mean(values), low, high, len(values)])
    assert found.ratio == pytest.approx(np.mean(lists["violation"]))


@pytest.mark.parametrize("n_ranks", [3, 20])
def test_rates_by_rank_by_loops(n_ranks):
    effects, scores = drawn(seed=1)
    found = violation_by_rank(scores, additive(effects), n_ranks)
    assert found["rank"].tolist() == list(range(min(n_ranks, 6)))
    for rank in found["rank"]:
        decided, tied = [], []
        for effect, given in zip(effects, scores, strict=True):
            if len(given) <= max(rank, 1):
                continue
            token = sorted(range(len(given)), key=lambda t: (-abs(given[t]), t))[rank]
            tied.append(given[token] == 0 or abs(effect[token]) <= 1e-6)
            if not tied[-1]:
                decided.append(given[token] * effect[token] < 0)
        row = found.loc[rank]
        assert (row["value"], row["n"]) == (pytest.approx(np.mean(decided)), len(decided))
        assert row["tied"] == pytest.approx(np.mean(tied))
        assert (row["low"], row["high"]) == pytest.approx(bootstrap_mean(np.array(decided)))
