"""Adversaries side by side: those of one run, and the furthest of a recorded base seed.

Over seeds and data sets they are tested on the page that shows them, `test_wiegreffe_pinter_summary.py`.
"""

import numpy as np
import pandas as pd
import pytest

from attnbook.verdicts import trained_adversaries
from tests.attnbook.verdicts.four_papers import EMPTY, adversary


class TestOneRun:
    @pytest.fixture
    def summary(self):
        """Two adversaries, the search and the base model, the search first."""
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
        return pd.DataFrame(rows, columns=["metric", "class", "value", "low", "high", "method", "lambda"])

    def test_a_row_per_kind_and_strength_in_their_order(self, summary):
        table = trained_adversaries.of_run(summary)
        assert table["method"].tolist() == ["trained adversary", "trained adversary", "published search"]
        assert list(table["method"].cat.categories) == trained_adversaries.KINDS
        np.testing.assert_array_equal(table["lambda"], [0.0, 0.1, np.nan])
        np.testing.assert_array_equal(table["jsd"], [0.1, 0.3, 0.5])
        np.testing.assert_array_equal(table["jsd_low"], [0.0, 0.2, 0.4])
        np.testing.assert_array_equal(table["tvd_high"], [np.nan, 0.3, 0.02])
        np.testing.assert_array_equal(table["f1"], [0.8, np.nan, np.nan])
        assert table["epochs"].isna().all()

    def test_a_number_that_stands_twice_is_refused_by_name(self, summary):
        with pytest.raises(
            ValueError, match="several values for one number of the run .metric jsd, method published search"
        ):
            trained_adversaries.of_run(pd.concat([summary, summary]))


class TestFurthest:
    def test_it_is_the_furthest_within_the_budget(self):
        # λ = .01 is the furthest but changes the output by more than .05.
        one = adversary({0.0: (0.01, 0.1), 0.001: (0.05, 0.3), 0.01: (0.06, 0.6), None: (0.005, 0.5)})
        found = trained_adversaries.search_and_furthest(one, 0.05)
        assert found.to_dict("records") == [
            {"dataset": "sst", "encoder": "bilstm", "scorer": "additive", "seed": 0}
            | {"of_search": 0.5, "of_model": 0.3}
        ]
        assert trained_adversaries.search_and_furthest(one, 0.06)["of_model"].tolist() == [0.6]
        # The base itself, which has moved nowhere.
        assert trained_adversaries.search_and_furthest(one, 0.001)["of_model"].tolist() == [0.0]

    def test_the_budget_may_be_what_another_seed_changes(self):
        models = {0.001: (0.07, 0.3), 0.01: (0.09, 0.6), 0.1: (0.1, 0.65), None: (0.005, 0.5)}
        one = adversary(models | {"other seed": (0.09, 0.1)})
        # Of another base the seeds are nearer to each other.
        two = adversary(models | {"other seed": (0.08, 0.1)}, dataset="imdb")
        found = trained_adversaries.search_and_furthest(pd.concat([one, two]), None).set_index("dataset")
        assert found["of_model"].to_dict() == {"sst": 0.6, "imdb": 0.3}
        assert found["of_search"].to_dict() == {"sst": 0.5, "imdb": 0.5}
        # Without another seed nothing is known of it, and a base that did not move is no answer.
        assert trained_adversaries.search_and_furthest(adversary(models), None).empty
        assert trained_adversaries.search_and_furthest(EMPTY["wiegreffe_pinter"], None).empty

    def test_both_are_needed(self):
        assert trained_adversaries.search_and_furthest(adversary({0.001: (0.05, 0.3)}), 0.05).empty
        assert trained_adversaries.search_and_furthest(adversary({None: (0.005, 0.5)}), 0.05).empty
        assert trained_adversaries.search_and_furthest(EMPTY["wiegreffe_pinter"], 0.05).empty
