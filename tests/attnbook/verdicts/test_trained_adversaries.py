"""Adversaries side by side: those of one run, and the furthest of a recorded base seed.

Over seeds and data sets they are tested on the page that shows them, `test_wiegreffe_pinter.py`.
"""

import numpy as np
import pandas as pd
import pytest

from attnbook.verdicts import trained_adversaries
from attnbook.verdicts.trained_adversaries import search_and_furthest
from tests.attnbook.made import MODEL
from tests.attnbook.verdicts.made import EMPTY, adversary


def test_a_run_has_a_row_per_kind_and_strength_in_their_order():
    rows = [
        ("jsd", "all", 0.5, 0.4, 0.6, "published search", None),
        ("tvd", "all", 0.01, 0.0, 0.02, "published search", None),
        ("jsd", "all", 0.3, 0.2, 0.4, "trained adversary", 0.1),
        ("tvd", "all", 0.2, 0.1, 0.3, "trained adversary", 0.1),
        ("jsd", "all", 0.1, 0.0, 0.2, "trained adversary", 0.0),
        ("jsd", "no", 0.9, 0.8, 1.0, "trained adversary", 0.0),
        ("f1", "all", 0.8, 0.7, 0.9, "trained adversary", 0.0),
        ("f1", "all", 0.9, 0.8, 1.0, "base", None),
    ]
    summary = pd.DataFrame(rows, columns=["metric", "class", "value", "low", "high", "method", "lambda"])
    table = trained_adversaries.of_run(summary)
    assert table["method"].tolist() == ["trained adversary", "trained adversary", "published search"]
    assert list(table["method"].cat.categories) == trained_adversaries.KINDS
    expected = {"lambda": [0.0, 0.1, np.nan], "jsd": [0.1, 0.3, 0.5], "jsd_low": [0.0, 0.2, 0.4]}
    expected |= {"tvd_high": [np.nan, 0.3, 0.02], "f1": [0.8, np.nan, np.nan], "epochs": [np.nan] * 3}
    for column, values in expected.items():
        np.testing.assert_array_equal(table[column].astype(float), values)
    twice = "several values for one number of the run .metric jsd, method published search"
    with pytest.raises(ValueError, match=twice):
        trained_adversaries.of_run(pd.concat([summary, summary]))


# λ = .01 is the furthest but changes the output by more than .05.
MODELS = {0.0: (0.01, 0.1), 0.001: (0.05, 0.3), 0.01: (0.06, 0.6), None: (0.005, 0.5)}


def test_the_furthest_is_within_the_budget():
    (row,) = search_and_furthest(adversary(MODELS), 0.05).to_dict("records")
    assert row == MODEL | {"seed": 0, "of_search": 0.5, "of_model": 0.3}
    assert search_and_furthest(adversary(MODELS), 0.06)["of_model"].tolist() == [0.6]


def test_where_no_adversary_is_within_the_budget_there_is_no_answer():
    # λ = 0 changes the output by .01: a smaller budget is met by none, and the base does not stand in.
    (row,) = search_and_furthest(adversary(MODELS), 0.001).to_dict("records")
    assert (row["of_search"], np.isnan(row["of_model"])) == (0.5, True)


@pytest.mark.parametrize(("by_itself", "chosen"), [(0.055, 0.001), (0.06, 0.01), (0.005, np.nan)])
def test_the_strongest_of_a_run_moves_its_outputs_no_further_than_another_seed(by_itself, chosen):
    rows = adversary(MODELS | {"other seed": (by_itself, 0.1)})
    table = trained_adversaries.of_run(rows.assign(low=np.nan, high=np.nan))
    np.testing.assert_equal(trained_adversaries.strongest(table), chosen)


def test_the_budget_may_be_what_another_seed_changes():
    models = {0.001: (0.07, 0.3), 0.01: (0.09, 0.6), 0.1: (0.1, 0.65), None: (0.005, 0.5)}
    one = adversary(models | {"other seed": (0.09, 0.1)})
    # Of another base the seeds are nearer to each other.
    two = adversary(models | {"other seed": (0.08, 0.1)}, dataset="imdb")
    found = search_and_furthest(pd.concat([one, two]), None).set_index("dataset")
    assert found["of_model"].to_dict() == {"sst": 0.6, "imdb": 0.3}
    assert found["of_search"].to_dict() == {"sst": 0.5, "imdb": 0.5}


def test_what_lacks_the_search_an_adversary_or_another_seed_has_no_row():
    without_search = adversary({0.001: (0.05, 0.3)})
    for table in (without_search, adversary({None: (0.005, 0.5)}), EMPTY["wiegreffe_pinter"]):
        assert search_and_furthest(table, 0.05).empty
        assert search_and_furthest(table, None).empty
    # Without another seed nothing is known of it, and a base that did not move is no answer.
    assert search_and_furthest(adversary(MODELS), None).empty
