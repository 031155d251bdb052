"""Tables of the measures on four texts whose effects are written down."""

import numpy as np
import pandas as pd
import pytest

from attnlib.faithfulness import (
    area_under_threshold,
    comprehensiveness,
    level_boxes,
    levels,
    measure_texts,
    rank_correlation,
    sign_agreement,
    sufficiency,
    summarise_measures,
)
from attnlib.faithfulness.tables import BESIDE, MEASURES
from attnlib.statistics import mean_with_interval
from tests.faithfulness.cases import additive

# The fall of the probability of class 1, predicted throughout, without each token, by way to remove.
EFFECTS = {
    "deletion": [[0.2, -0.1], [0.3], [-0.1, 0.05, 0.0], [0.004, 0.1]],
    "zeroing": [[0.1, 0.2], [0.2], [-0.1, 0.1, 0.2], [0.0, 0.1]],
    "attention mask": [[-0.1, 0.2], [0.1], [-0.2, 0.1, 0.1], [-0.1, 0.1]],
}
LABELS = np.array([1, 1, 0, 1])
SCORES = {
    "first": [[1.0, 0.1], [1.0], [1.0, 0.2, 0.1], [1.0, 0.2]],
    "none": [[0.0, 0.0], [0.0], [0.0, 0.0, 0.0], [0.0, 0.0]],
}
NAN = float("nan")


REMOVALS = {name: additive(effects, name) for name, effects in EFFECTS.items()}


@pytest.fixture(scope="module")
def frame():
    return measure_texts(SCORES, REMOVALS, LABELS)


def column(frame, method, operator, name):
    rows = frame[(frame["method"] == method) & (frame["operator"] == operator)]
    assert rows["row"].tolist() == [0, 1, 2, 3]
    return rows[name].to_numpy()


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        # violation, tied, violation_decided and violation_effect of the four texts
        ("deletion", ([0, NAN, 1, 0], [0, NAN, 0, 0], [0, NAN, 1, 0], [0, NAN, 1, NAN])),
        ("zeroing", ([0, NAN, 1, 0], [0, NAN, 0, 1], [0, NAN, 1, NAN], [0, NAN, 1, NAN])),
        ("attention mask", ([1, NAN, 1, 1], [0, NAN, 0, 0], [1, NAN, 1, 1], [1, NAN, 1, 1])),
    ],
)
def test_violations_by_hand(frame, operator, expected):
    names = ("violation", "tied", "violation_decided", "violation_effect")
    for name, values in zip(names, expected, strict=True):
        np.testing.assert_array_equal(column(frame, "first", operator, name), values, err_msg=name)
    firsts = [row[0] if len(row) > 1 else NAN for row in EFFECTS[operator]]
    np.testing.assert_allclose(column(frame, "first", operator, "drop"), firsts, atol=1e-15)
    # Scores of 0 say nothing: all are ties, and none violates.
    np.testing.assert_array_equal(column(frame, "none", operator, "violation"), [0, NAN, 0, 0])
    np.testing.assert_array_equal(column(frame, "none", operator, "tied"), [1, NAN, 1, 1])
    assert np.isnan(column(frame, "none", operator, "violation_decided")).all()
    assert (column(frame, "none", operator, "zero_score") == 1).all()
    assert (column(frame, "first", operator, "zero_score") == 0).all()


def test_the_measures_are_those_of_their_functions_one_row_per_method_operator_and_text(frame):
    assert list(frame) == ["method", "operator", "row", "drop", *MEASURES]
    assert len(frame) == 2 * 3 * 4
    for operator, removal in REMOVALS.items():
        for method, scores in SCORES.items():
            expected = {
                "comprehensiveness": comprehensiveness(scores, removal),
                "sufficiency": sufficiency(scores, removal),
                "area_under_threshold": area_under_threshold(scores, removal, LABELS),
                "rank_correlation": rank_correlation(scores, removal),
            }
            for name, values in expected.items():
                np.testing.assert_array_equal(column(frame, method, operator, name), values)
    alone = measure_texts(SCORES, REMOVALS, LABELS, only_violation=True)
    pd.testing.assert_frame_equal(alone, frame.drop(columns=list(BESIDE)))


def test_tolerance_and_effect_are_the_caller_s():
    found = measure_texts(SCORES, REMOVALS, LABELS, tolerance=0.01, effect=0.15, only_violation=True)
    np.testing.assert_array_equal(column(found, "first", "deletion", "tied"), [0, NAN, 0, 1])
    np.testing.assert_array_equal(column(found, "first", "deletion", "violation_effect"), [0, NAN, NAN, NAN])


def test_the_summary_by_loops(frame):
    other = frame.assign(target="margin", violation=0.0)  # further columns keep explanations apart
    found = summarise_measures(pd.concat([frame.assign(target="logit"), other]), by=["target"])
    pd.testing.assert_frame_equal(
        summarise_measures(frame),
        found[found["target"] == "logit"].drop(columns="target").reset_index(drop=True),
    )
    assert list(found) == ["metric", "method", "target", "operator", "value", "low", "high", "n"]
    assert len(found) == len(MEASURES) * 2 * 4 * 2
    by_name = found.set_index(["target", "metric", "method", "operator"])
    for metric in MEASURES:
        for method in SCORES:
            each = np.stack([column(frame, method, operator, metric) for operator in EFFECTS])
            over = [np.mean(text[~np.isnan(text)]) if np.isfinite(text).any() else NAN for text in each.T]
            for operator, values in zip((*EFFECTS, "mean"), (*each, np.array(over)), strict=True):
                row = by_name.loc[("logit", metric, method, operator)]
                assert row.tolist() == pytest.approx(list(mean_with_interval(values)), nan_ok=True)
    # Per text first. Violated under 1, 3 and 1 of the three; the text of one token is not tested.
    means = by_name["value"].xs(("first", "mean"), level=("method", "operator"))
    assert means["logit", "violation"] == pytest.approx(5 / 9)
    assert means["margin", "violation"] == 0
    # The last text counts fully under the one operator where its effect is large.
    assert means["logit", "violation_effect"] == pytest.approx((1 / 3 + 1 + 1) / 3)


def test_levels_are_shares_of_the_operators(frame):
    found = levels(frame)
    first = found[found["method"] == "first"]
    assert dict(zip(first["row"], first["level"], strict=True)) == {0: "1/3", 2: "1", 3: "1/3"}
    assert set(found[found["method"] == "none"]["level"]) == {"0"}
    expected = np.mean([comprehensiveness(SCORES["first"], removal)[2] for removal in REMOVALS.values()])
    assert first.set_index("row").loc[2, "comprehensiveness"] == pytest.approx(expected)
    # The methods take turns: 1, 1, 0 and 0, 0, 1.
    two = levels(frame[frame["row"] == 0].assign(violation=[1, 0, 1, 0, 0, 1]))
    assert dict(zip(two["method"], two["level"], strict=True)) == {"first": "2/3", "none": "1/3"}


def test_boxes_are_percentiles_of_the_texts_at_a_level():
    rows = [("a", i, "0", float(i), NAN) for i in range(21)]
    rows += [("a", 30, "1", 2.0, 1.0), ("b", 0, "0", 5.0, 1.0)]
    found = pd.DataFrame(rows, columns=["method", "row", "level", "sufficiency", "rank_correlation"])
    boxes = level_boxes(found, ["a"]).set_index(["measure", "level"])
    box = boxes.loc[("sufficiency", "0")]
    assert box[["p05", "p25", "median", "p75", "p95", "mean"]].tolist() == [1, 5, 10, 15, 19, 10]
    assert set(boxes.index) == {("sufficiency", "0"), ("sufficiency", "1"), ("rank_correlation", "1")}
    assert set(boxes["method"]) == {"a"}


def test_sign_agreement_counts_tokens_whose_effect_is_large():
    found = sign_agreement(SCORES, REMOVALS, effect=0.01).set_index(["method", "operator"])
    # Positive scores are right where the effect is: 1 of 2, 1 of 2 (the third has none), 1 of 1.
    assert found.loc[("first", "deletion"), "value"] == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert found.loc[("first", "attention mask"), "value"] == pytest.approx((1 / 2 + 2 / 3 + 1 / 2) / 3)
    assert (found.loc["none", "value"] == 0).all()
    assert (found["n"] == 3).all()  # a text of one token has no effect to agree with
