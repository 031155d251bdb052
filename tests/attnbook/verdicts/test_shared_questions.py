"""Questions that the papers share: frames and sentences on small tables, with answers by hand."""

import numpy as np
import pytest

from attnbook.verdicts import shared_questions, together
from tests.attnbook.verdicts.four_papers import EMPTY, adversary, rows, tables, three_signs, violations


class TestQuestions:
    def test_reach_is_shown_where_it_is_known(self):
        more = dict(experiment="permutation")
        parts = [
            rows("largest_tvd", {"sst": [0.2, 0.4], "imdb": [0.9]}, **more),
            rows("median_tvd", {"sst": [0.1, 0.1], "imdb": [0.3], "babi1": [0.8]}, **more),
            rows("can_flip", {"sst": [0.3, 0.4]}, **more),
        ]
        data = tables("jain_wallace", *parts)
        shown = shared_questions.reached(data, {"largest_tvd": "largest", "median_tvd": "permuted"})
        sst = shown[(shown["dataset"] == "SST") & (shown["metric"] == "largest")].iloc[0]
        assert (sst["value"], sst["low"], sst["high"], sst["encoder"]) == pytest.approx(
            (0.3, 0.2, 0.4, "BiLSTM")
        )
        # bAbI's head is not linear.
        assert set(shown["dataset"]) == {"SST", "IMDB"}
        column = next(iter(shared_questions.divergences(data).values()))
        assert column.loc["SST", ["value", "low", "high", "n_seeds"]].tolist() == pytest.approx(
            [0.65, 0.6, 0.7, 2]
        )
        # Two models are too few to rank.
        assert shared_questions.rank_agreement(data, "largest_tvd", "median_tvd")[1] == 2
        assert np.isnan(shared_questions.rank_agreement(data, "largest_tvd", "median_tvd")[0])

    def test_reach_and_permutation_are_ranked_over_models(self):
        reach, moved = {"a": [0.1], "b": [0.2], "c": [0.3]}, {"a": [0.1], "b": [0.3], "c": [0.2]}
        parts = [rows(name, of, experiment="permutation") for name, of in (("x", reach), ("y", moved))]
        # Two of three pairs agree: (2 − 1) / 3.
        tau, models = shared_questions.rank_agreement(tables("jain_wallace", *parts), "x", "y")
        assert (tau, models) == (pytest.approx(1 / 3), 3)

    def test_a_data_set_counts_once_in_the_means_of_rankings(self):
        more = dict(experiment="sets", scorer="learned_query", method="attention")
        parts = [
            rows("excess", {"20news": [2.0], "imdb_ratings": [5.0]}, encoder="HANrnn", **more),
            rows("excess", {"20news": [4.0]}, encoder="HANconv", **more),
        ]
        shown = shared_questions.rankings(tables("serrano_smith", *parts), ["attention"], {"excess": "times"})
        # ((2 + 4) / 2 + 5) / 2.
        assert shared_questions.ranking_means(shown)["times"].tolist() == [4.0]

    def test_contrasts_are_of_the_same_models_and_seeds(self):
        parts = [
            violations("attention", {"babi1": [0.2, 0.4], "sst5": [0.9]}),
            violations("attention × gradient", {"babi1": [0.1]}),
        ]
        table = shared_questions.contrasts(tables("violation", *parts))
        last = table.iloc[-1]
        assert (last["mean"], last["its mean"], last["data sets"]) == ("0.20", "0.10", "bAbI 1")

    @pytest.mark.slow
    def test_a_search_stands_beside_the_furthest_model_within_the_budget(self):
        one = adversary({0.0: (0.01, 0.1), 0.001: (0.05, 0.3), 0.01: (0.06, 0.6), None: (0.005, 0.5)})
        none = adversary({0.01: (0.06, 0.6), None: (0.005, 0.5)}, dataset="imdb")
        data = tables("wiegreffe_pinter", one, none)
        far, like = shared_questions.contrasts(data).iloc[:2].to_dict("records")
        # (0 + .3) / 2 and (.5 + .5) / 2.
        assert (far["mean"], far["its mean"]) == ("0.50", "0.15")
        assert like["its mean"] == "not run"
        other = adversary({"other seed": (0.06, 0.1)}, dataset="imdb")
        like = shared_questions.contrasts(tables("wiegreffe_pinter", one, none, other)).iloc[1]
        assert (like["mean"], like["its mean"], like["data sets"]) == ("0.50", "0.60", "IMDB")

    def test_signs_are_counted_over_models(self):
        methods = ["random", "attention", "attention × gradient"]
        signs = shared_questions.polarities(three_signs(), methods, {"violation": "V"})
        assert shared_questions.signs(signs) == {"models": 3, "alike": 2, "better": 2}

    def test_the_order_of_methods_and_metrics_is_kept(self):
        parts = [violations(method, {"sst5": [0.4]}) for method in ("attention", "random")]
        methods, metrics = ["random", "none", "attention"], {"violation": "V", "rank_correlation": "ρ"}
        shown = shared_questions.polarities(tables("violation", *parts), methods, metrics)
        assert list(shown["method"].cat.categories) == methods
        assert list(shown["metric"].cat.categories) == ["V", "ρ"]

    def test_without_results_nothing_is_run(self):
        assert set(shared_questions.contrasts(EMPTY)["mean"]) == {"not run"}
        assert shared_questions.rankings(EMPTY, ["attention"], {"excess": "e"}).empty
        signs = shared_questions.polarities(EMPTY, ["random"], {"violation": "V"})
        assert shared_questions.signs(signs)["models"] == 0
        assert all(column.empty for column in shared_questions.divergences(EMPTY).values())

    def test_their_bounds_are_those_of_the_claims(self):
        assert together.CLAIMS["sign"]["bound"] == shared_questions.LIKE_CHANCE
        assert together.CLAIMS["adversarial"]["where"]["epsilon"] == shared_questions.EPSILON
        budgets = [given.get("budget") for given in shared_questions.CONTRASTS[:2]]
        assert budgets == [together.CLAIMS["one_model"]["given"], None] == [shared_questions.EPSILON, None]
