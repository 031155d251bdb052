"""Questions that the papers share: frames and sentences on small tables, with answers by hand."""

import pytest

from attnbook.verdicts import shared_questions as questions
from attnbook.verdicts.claims import CLAIMS
from tests.attnbook.verdicts.made import EMPTY, adversary, rows, tables, violations


def test_reach_is_shown_where_it_is_known():
    parts = [
        rows("largest_tvd", {"sst": [0.2, 0.4], "imdb": [0.9]}, experiment="permutation"),
        rows("median_tvd", {"sst": [0.1, 0.1], "imdb": [0.3], "babi1": [0.8]}, experiment="permutation"),
        rows("can_flip", {"sst": [0.3, 0.4]}, experiment="permutation"),
    ]
    data = tables("jain_wallace", *parts)
    shown = questions.reached(data, {"largest_tvd": "largest", "median_tvd": "permuted"})
    sst = shown[(shown["dataset"] == "SST") & (shown["metric"] == "largest")].iloc[0]
    assert sst[["value", "low", "high"]].tolist() == pytest.approx([0.3, 0.2, 0.4])
    assert sst["encoder"] == "BiLSTM"
    # bAbI's head is not linear.
    assert set(shown["dataset"]) == {"SST", "IMDB"}


def test_rankings_are_of_every_model():
    more = dict(experiment="sets", scorer="learned_query", method="attention")
    parts = [
        rows("excess", {"20news": [2.0], "imdb_ratings": [5.0]}, encoder="HANrnn", **more),
        rows("excess", {"20news": [4.0]}, encoder="HANconv", **more),
    ]
    shown = questions.rankings(tables("serrano_smith", *parts), ["attention"], {"excess": "times"})
    found = shown.set_index(["dataset", "encoder"])["value"].to_dict()
    topics, ratings = "20 Newsgroups, topics", "IMDB, ratings"
    assert found == {(topics, "HANconv"): 4.0, (topics, "HANrnn"): 2.0, (ratings, "HANrnn"): 5.0}
    assert shown["metric"].unique().tolist() == ["times"]


@pytest.mark.slow
def test_contrasts_are_of_the_same_models_and_seeds():
    parts = [
        violations("attention", {"babi1": [0.2, 0.4], "sst5": [0.9]}),
        violations("attention × gradient", {"babi1": [0.1]}),
    ]
    last = questions.contrasts(tables("violation", *parts)).iloc[-1]
    assert (last["mean"], last["its mean"], last["data sets"]) == ("0.20", "0.10", "bAbI 1")
    one = adversary({0.0: (0.01, 0.1), 0.001: (0.05, 0.3), 0.01: (0.06, 0.6), None: (0.005, 0.5)})
    none = adversary({0.01: (0.06, 0.6), None: (0.005, 0.5)}, dataset="imdb")
    data = tables("wiegreffe_pinter", one, none)
    far, like = questions.contrasts(data).iloc[:2].to_dict("records")
    # No model of IMDB is within the budget.
    assert (far["mean"], far["its mean"], far["data sets"]) == ("0.50", "0.30", "SST")
    assert like["its mean"] == "not run"
    other = adversary({"other seed": (0.06, 0.1)}, dataset="imdb")
    like = questions.contrasts(tables("wiegreffe_pinter", one, none, other)).iloc[1]
    assert (like["mean"], like["its mean"], like["data sets"]) == ("0.50", "0.60", "IMDB")


def test_without_results_nothing_is_run():
    assert set(questions.contrasts(EMPTY)["mean"]) == {"not run"}
    assert questions.rankings(EMPTY, ["attention"], {"excess": "e"}).empty


def test_their_bounds_are_those_of_the_claims():
    assert CLAIMS["adversarial"].where["epsilon"] == questions.EPSILON
    budgets = [given.get("budget") for given in questions.CONTRASTS[:2]]
    assert budgets == [CLAIMS["one_model"].given, None] == [questions.EPSILON, None]
