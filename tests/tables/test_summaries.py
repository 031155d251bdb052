"""Summaries of texts: means and their intervals, deviations, and quartiles by the largest weight."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from attnlib import statistics
from attnlib.tables import summaries


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    return pd.DataFrame({"predicted": generator.choice(["no", "yes"], 50), "jsd": generator.random(50)})


def test_bootstrap_interval_agrees_with_scipy():
    values = np.random.default_rng(1).exponential(size=300)
    expected = bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    assert statistics.bootstrap_mean(values) == pytest.approx(tuple(expected), abs=0.02)
    assert np.isnan(statistics.bootstrap_mean(np.ones(1))).all()


def test_summary_leaves_undefined_texts_out_and_counts_them(frame):
    frame.loc[:4, "jsd"] = np.nan
    summary = summaries.summarise(frame, ["jsd"]).set_index("class")
    assert summary.loc["all", "n"] == summary.loc["no", "n"] + summary.loc["yes", "n"] == 45
    assert summary.loc["all", "value"] == pytest.approx(frame["jsd"].mean())
    assert summary.loc["all", "low"] < summary.loc["all", "value"] < summary.loc["all", "high"]


def test_what_has_no_value_has_rows_that_say_so(frame):
    none = summaries.summarise(frame.assign(jsd=np.nan), ["jsd"])
    undefined = summaries.undefined(["f1", "jsd"], method="exact optimum")
    for table in (none, undefined):
        assert table[["value", "low", "high"]].isna().all(axis=None)
        assert (table["n"] == 0).all()
    assert undefined[["metric", "class", "method"]].to_numpy().tolist() == [
        [name, "all", "exact optimum"] for name in ("f1", "jsd")
    ]


MEANS = [
    ([1.0, np.nan, 3.0], 2.0, 2),
    ([np.nan], np.nan, 0),
    ([], np.nan, 0),
    ([np.nan, 0.0], 0.0, 1),
    ([2], 2, 1),
]


@pytest.mark.parametrize(("values", "mean", "n"), MEANS)
def test_a_mean_is_of_what_there_is_and_says_of_how_many(values, mean, n):
    found = statistics.mean_with_interval(np.array(values, dtype=object))
    assert (found[0], found[3]) == (pytest.approx(mean, nan_ok=True), n)


def test_deviations_are_of_the_population_and_leave_undefined_texts_out():
    table = pd.DataFrame({"predicted": list("aabb"), "tau": [0.0, 1.0, 0.5, np.nan], "gap": np.nan})
    found = summaries.deviations(table, ["tau", "gap"]).set_index(["metric", "class"])
    assert found.loc[("tau_deviation", "all"), "value"] == pytest.approx(np.sqrt(1 / 6))
    assert found.loc[("tau_deviation", "a"), "value"] == 0.5
    assert found.loc[("tau_deviation", "b"), ["value", "n"]].tolist() == [0, 1]
    assert np.isnan(found.loc[("gap_deviation", "all"), "value"])
    assert found[["low", "high"]].isna().all(axis=None)


def test_quartiles_by_the_largest_weight():
    weights = [0.0, 0.2499, 0.25, 0.5, 0.75, 1.0, 1.0 + 1e-8, 0.8]
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, np.nan]
    table = pd.DataFrame({"predicted": list("aabbbbbb"), "tvd": values, "max_attention": weights})
    found = summaries.quartiles_by_max_attention(table, "tvd")
    found = found.set_index(["metric", "class", "bin"]).sort_index()
    medians = dict(zip(summaries.MAX_ATTENTION_LABELS, (1.5, 3.0, 4.0, 6.0), strict=True))
    assert found.loc[("tvd_q50", "all"), "value"].to_dict() == medians
    assert found.loc[("tvd_q25", "b", "[.75, 1]")].tolist() == [5.5, 3]
    assert found.loc[("tvd_q75", "b", "[.75, 1]"), "value"] == 6.5
    # Class a has texts in the first bin only.
    assert found.loc[("tvd_q50", "a")].index.tolist() == ["[0, .25)"]


@pytest.mark.parametrize("weight", [1.1, -0.1, np.nan])
def test_an_impossible_weight_has_no_bin(weight):
    with pytest.raises(ValueError, match="weight of row 1 is"):
        summaries.max_attention_bin([0.5, weight])
