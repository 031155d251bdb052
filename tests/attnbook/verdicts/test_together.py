"""What the papers say together: each claim on small tables with answers by hand; the page itself."""

import re

import numpy as np
import pytest

from attnbook import NOTEBOOKS
from attnbook.runs import record, results
from attnbook.verdicts import cells, claims, ledger, papers, together
from attnbook.verdicts.shared_questions import EPSILON
from attnlib.tables import summaries
from tests.attnbook.verdicts.made import EMPTY, adversary, rows, tables, three_signs, violations
from tests.attnbook.verdicts.pages import execute, jain_wallace


def finding(name, *parts):
    """A claim on a table of its paper that holds these rows alone."""
    return together.finding(tables(together.CLAIMS[name]["paper"], *parts), name)


def values(found, *keys):
    return found.cells.set_index([*keys, "dataset"] if keys else "dataset")["value"].to_dict()


class TestJainWallace:
    def test_a_correlation_is_of_both_measures(self):
        gradient = rows("tau_gradient", {"sst": [0.2, 0.4], "imdb": [0.3, 0.3], "ade": [0.1]})
        found = finding("weak_correlation", gradient, rows("tau_leave_one_out", {"sst": [0.6, 0.4]}))
        # SST meets the bound in three of four numbers, the others in all: 11/12 in the mean.
        assert claims.shares(found.cells).to_dict() == {"ade": 1.0, "imdb": 1.0, "sst": 0.75}
        assert found.verdict == "holds"
        shown = together.row(found)
        assert (shown["data sets"], shown["seeds"]) == ("ADE, IMDB, SST", "1 to 2")
        # (.1 + .3 + .3) / 3; one data set, two seeds: mean .5, t(1) = 12.706 times .1 / sqrt(1) on each side.
        assert shown["ours"] == "gradient 0.23 (0.10 ADE to 0.30 SST); leave-one-out 0.50 (−0.77 to 1.77)"
        assert shown["does it hold?"] == "holds: on 2 of 3 data sets, in part on 1"

    def test_another_encoder_or_scorer_is_not_asked(self):
        average = rows("tau_gradient", {"sst": [0.9]}, encoder="average")
        dot = rows("tau_gradient", {"sst": [0.9]}, scorer="scaled_dot")
        assert finding("weak_correlation", average, dot).verdict == "not run"

    def test_permutation_is_read_by_bins_of_enough_texts(self):
        low, middle, high, top = summaries.MAX_ATTENTION_LABELS
        quartiles = [("q50", 0.05, high, 50), ("q50", 0.3, top, 9), ("q50", 0.4, middle, 99)]
        quartiles += [("q25", 0.1, middle, 99), ("q25", 0.2, low, 99)]
        parts = [rows(f"median_tvd_{q}", {"sst": [tvd]}, bin=label, n=n) for q, tvd, label, n in quartiles]
        for claim, value in (("permuted_half", 0.05), ("permuted_quarter", 0.1)):
            found = finding(claim, *parts).cells
            assert found[["value", "holds"]].to_numpy().tolist() == [[value, True]]

    def test_the_search_is_the_released_one(self):
        far = {"sst": [0.5], "imdb": [0.6], "ade": [0.3]}
        released = rows("jsd_median", far, method="released search", epsilon=0.05)
        published = rows("jsd_median", {"sst": [0.1]}, method="published search", epsilon=0.01)
        found = finding("adversarial", released, published)
        # ADE is below ln 2 / 2 = .347: two of three.
        assert (found.verdict, found.cells["holds"].sum()) == ("undecided", 2)
        assert together.in_words(found) == "divergence 0.47 (0.30 ADE to 0.60 IMDB)"


def sets(metric, by_model, method="attention"):
    """Rows of Serrano & Smith's sets, for several models."""
    more = dict(experiment="sets", scorer="learned_query", method=method)
    return [rows(metric, found, encoder=model, **more) for model, found in by_model.items()]


class TestSerranoSmith:
    def test_the_top_item_is_against_the_average_of_others(self):
        more = dict(experiment="single", encoder="HANrnn", scorer="learned_query", low=0.08, high=0.12, n=500)
        flips = {"attention, average": 0.1, "gradient, average": 0.9}
        own = [rows("flips_top", {"amazon_multidomain": [v]}, method=m, **more) for m, v in flips.items()]
        shown = together.row(finding("top_item", *own))
        assert shown["ours"] == "texts that flip 0.10 (0.08 to 0.12)"
        assert shown["does it hold?"] == "undecided: on 1 of 1 data set"
        assert shown["clear of the bound"] == "1 of 1"

    def test_a_ranking_is_compared_within_a_model_and_seed(self):
        attention = {"20news": [0.5], "imdb_ratings": [0.6], "amazon_multidomain": [0.4, 0.4]}
        # Another architecture has no partner.
        gradient = {"HANrnn": {name: [0.3] for name in attention}, "HANconv": {"20news": [0.1]}}
        parts = sets("fraction_all", {"HANrnn": attention}) + sets("fraction_all", gradient, "gradient")
        found = finding("ranking", *parts, *sets("fraction_all", {"HANrnn": {"20news": [0.7]}}, "product"))
        expected = {("more than gradient", "20news"): 0.2, ("more than gradient", "imdb_ratings"): 0.3}
        expected |= {("more than gradient", "amazon_multidomain"): 0.1, ("more than product", "20news"): -0.2}
        assert values(found, "label") == pytest.approx(expected)
        # 20 Newsgroups one of two, the others whole: 5/6.
        assert found.verdict == "holds"
        # A difference of two rows has no interval over texts.
        assert together.row(found)["clear of the bound"] == ""

    @pytest.mark.slow
    def test_context_is_compared_with_the_same_model_without(self):
        excess = {"HANrnn": 5.0, "HANconv": 7.0, "HANnoenc": 6.0, "FLANrnn": 9.0}
        found = finding("contextualised", *sets("excess", {m: {"20news": [v]} for m, v in excess.items()}))
        differences = found.cells.set_index("model")["value"].to_dict()
        assert differences == {"HANrnn − HANnoenc": -1.0, "HANconv − HANnoenc": 1.0}
        assert together.in_words(found) == "more times the minimum 0.00 (−1.00 to 1.00)"


def gains(found, **more):
    """Rows of what learned attention gains over uniform attention."""
    return rows("f1", found, experiment="uniform", method="difference", **more)


class TestWiegreffePinter:
    def test_a_gain_below_the_margin_is_none(self):
        f1 = {"sst": [0.01], "imdb": [0.02], "20news_sports": [0.05], "agnews_subset": [0.0]}
        found = finding("needed", gains(f1, low=-0.01, high=0.02, n=100))
        assert (found.verdict, found.cells["holds"].sum()) == ("holds", 3)
        assert together.details(found)["clear"].tolist() == ["holds"] * 4
        assert together.in_words(found) == "gain 0.020 (0.000 AG News (part) to 0.050 20 Newsgroups)"

    def test_beyond_the_seeds_is_the_search_not_the_optimum(self):
        more = dict(experiment="seeds", low=0.4, high=0.8, n=100)
        far = {"published search": 0.7, "exact optimum": 0.1}
        parts = [rows("beyond_seeds", {"sst": [value]}, method=name, **more) for name, value in far.items()]
        found = finding("beyond_seeds", *parts)
        assert found.cells["value"].tolist() == [0.7]
        assert together.details(found)["clear"].tolist() == ["across"]

    @pytest.mark.parametrize(
        ("claim", "differences"),
        [("guide", [0.1, -0.05]), ("best_guide", [-0.05, -0.1]), ("adversarial_guide", [-0.15, 0.05])],
    )
    def test_guides_are_compared_with_attention_of_the_models_own_and_with_none(self, claim, differences):
        f1 = {"base LSTM": [0.8, 0.7], "uniform": [0.7, 0.75], "trained MLP": [0.85, 0.8]}
        f1["trained adversary"] = [0.55, 0.8]
        parts = [rows("f1", {"sst": of}, experiment="diagnostic", method=name) for name, of in f1.items()]
        found = finding(claim, *parts).cells
        assert found["value"].tolist() == pytest.approx(differences)
        assert found["holds"].tolist() == [(d > 0) != (claim == "adversarial_guide") for d in differences]

    def test_the_furthest_model_within_the_budget_counts(self):
        # λ = .01 is the furthest but changes the output by more than .05.
        one = adversary({0.0: (0.01, 0.1), 0.001: (0.05, 0.3), 0.01: (0.06, 0.6), None: (0.005, 0.5)})
        assert together.shortfall(one, EPSILON)["value"].tolist() == pytest.approx([0.2])
        # No model within the budget: the base itself, which has moved nowhere.
        none = adversary({0.01: (0.06, 0.6), None: (0.005, 0.5)}, dataset="imdb")
        found = finding("one_model", one, none)
        assert values(found) == pytest.approx({"imdb": 0.5, "sst": 0.2})
        # The claim says that SST is the exception, and here it is none.
        assert found.cells.set_index("dataset")["holds"].to_dict() == {"imdb": True, "sst": False}
        assert finding("one_model", adversary({0.001: (0.05, 0.3)})).verdict == "not run"

    def test_with_the_budget_of_another_seed_the_exception_may_hold(self):
        models = adversary({0.01: (0.06, 0.6), None: (0.005, 0.5), "other seed": (0.07, 0.1)})
        assert finding("one_model", models).cells["holds"].tolist() == [False]
        like = finding("one_model_like_a_seed", models).cells
        assert like[["value", "holds"]].to_numpy().tolist() == [[pytest.approx(-0.1), True]]


class TestViolation:
    def test_the_sign_is_compared_with_random_scores_of_the_same_model(self):
        found, polarity = (together.finding(three_signs(), name) for name in ("sign", "polarity"))
        assert values(found) == pytest.approx({"babi1": 0.49, "sst5": 0.05, "mrpc": 0.05})
        assert (found.verdict, polarity.verdict) == ("undecided", "undecided")
        assert polarity.cells["holds"].sum() == 2

    def test_depth_is_the_deepest_minus_the_shallowest(self):
        ratios = [("attention", "sst5", 0.5, 8), ("attention", "sst5", 0.3, 1), ("attention", "sst5", 0.9, 4)]
        # One depth is no rise, and random scores have none that means anything.
        ratios += [("attention", "mrpc", 0.5, 1), ("random", "sst5", 0.5, 8)]
        parts = [violations(m, {name: [v]}, experiment="depth", layers=n) for m, name, v, n in ratios]
        assert values(finding("depth", *parts), "label") == {("attention", "sst5"): pytest.approx(0.2)}
        assert finding("transformer_depth", *parts).verdict == "not run"

    def test_layers_of_transformers_are_another_claim(self):
        more = dict(experiment="transformer_depth", encoder="bert")
        parts = [violations("attention", {"sst": [a]}, layers=n, **more) for n, a in ((1, 0.4), (2, 0.3))]
        assert finding("depth", *parts).verdict == "not run"
        assert finding("transformer_depth", *parts).cells["holds"].tolist() == [False]


class TestTables:
    @pytest.mark.slow
    def test_without_results_every_claim_is_not_run(self):
        found = together.findings(EMPTY)
        shown = together.overview(found)
        for column, words in (("does it hold?", "not run"), ("ours", "not run"), ("data sets", "none")):
            assert set(shown[column]) == {words}
        assert together.every_number(found).empty
        assert together.by_verdict(found).startswith(f"- **not run** ({len(found)} of {len(found)})")
        assert list(dict.fromkeys(one.paper for one in found)) == list(papers.PAPERS)

    def test_one_seed_has_an_interval_only_where_the_table_has_one(self):
        assert list(together.details(together.finding(EMPTY, "guide")).columns) == together.DETAILS
        without = together.details(finding("needed", gains({"sst": [0.01]}, n=100)))
        expected = [["none", 1, 100.0, ""]]
        assert without[["interval", "seeds", "texts", "clear"]].to_numpy().tolist() == expected

    def test_the_interval_over_seeds_is_of_their_mean(self):
        found = finding("needed", gains({"sst": [0.01, 0.02, 0.03]}, low=-1, high=1))
        own = together.details(found).iloc[0]
        # t(2) = 4.30265 times .01 / sqrt(3).
        ends = own[["value", "low", "high"]].tolist()
        assert ends == pytest.approx([0.02, 0.02 - 0.024841, 0.044841], abs=1e-6)
        assert own["clear"] == "across"

    def test_an_undefined_number_is_none_and_one_that_stands_twice_is_refused(self):
        assert finding("needed", gains({"sst": [np.nan]})).verdict == "not run"
        with pytest.raises(ValueError, match="several values for one number"):
            finding("needed", gains({"sst": [0.01]}), gains({"sst": [0.01]}))


@pytest.mark.slow  # reads the records of all papers
class TestRecorded:
    def test_verdicts_agree_with_the_page_of_claims(self):
        """The readings of Jain & Wallace's claims are those of their own page."""
        text = (NOTEBOOKS / "jain_wallace/claims.py").read_text()
        assert re.search(r"weak, barely, far, very_far = 0\.5, 0\.1, math\.log\(2\) / 2", text)
        of_claims = ("weak_correlation", "permuted_half", "permuted_quarter", "adversarial")
        bounds = [together.CLAIMS[name]["bound"] for name in of_claims]
        assert bounds == [0.5, 0.1, 0.1, np.log(2) / 2]
        bins = together.CLAIMS["permuted_quarter"]["where"]["bin"]
        assert bins == list(summaries.MAX_ATTENTION_LABELS[1:])
        assert together.CLAIMS["needed"]["bound"] == ledger.BOUNDS["*"]["most"]

    def test_the_papers_own_numbers_are_read_by_the_same_rule(self):
        published = cells.read_published(cells.REFERENCE / "jain_wallace.csv")
        correlation, quarter, half, adversary = together.by_their_numbers(published).split("; ")
        # Their Table 2 for the BiLSTM with additive attention, both measures.
        own = published[published["source"].str.startswith("repo")]
        own = cells.overall(cells.select(own, metric="tau_gradient", **papers.BILSTM))
        assert (own["value"].dropna() < together.CLAIMS["weak_correlation"]["bound"]).mean() >= claims.HOLDS
        assert correlation.startswith("*Attention correlates weakly")
        assert "* holds (" in correlation
        assert ("* undecided (" in quarter, "* differs (" in half) == (True, True)
        assert adversary.endswith(".")
        assert together.by_their_numbers(published.head(0)).count(" not run") == 4

    def test_every_claim_has_a_verdict_and_says_on_what(self):
        for one in together.findings(papers.recorded()):
            shown = together.row(one)
            assert one.verdict in claims.VERDICTS
            assert (shown["does it hold?"] == "not run") == (shown["ours"] == "not run")


@pytest.mark.slow
def test_the_page_runs_with_the_results_of_one_paper_and_without_any(tmp_path):
    """The book runs it with the record of all papers."""
    jain_wallace(tmp_path / "sweep", 0.2)
    record.record(tmp_path / "sweep", tmp_path / "kept")
    for folder, shown in (("kept", {"Jain & Wallace 2019"}), ("nowhere", set())):
        page = execute("beyond/together", tmp_path / f"page {folder}", recorded=str(tmp_path / folder))
        table = results.read(tmp_path / f"page {folder}/together.csv")
        assert set(table["paper"]) == shown
        for words in ("Where these numbers come from", "not run"):
            assert words in page.words
        assert not re.search(r"\bnan\b", page.whole)
