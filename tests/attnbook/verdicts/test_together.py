"""What the papers say together: each claim on small tables with answers by hand; the page itself."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from attnbook.runs import results
from attnbook.verdicts import cells, claims, ledger, papers, together
from attnbook.verdicts.shared_questions import EPSILON
from attnlib.tables import summaries
from tests.attnbook.verdicts.four_papers import EMPTY, adversary, rows, tables, three_signs, violations

ROOT = Path(__file__).parents[3]


def finding(name, data):
    return together.finding(data, name)


class TestJainWallace:
    def test_a_correlation_is_of_both_measures(self):
        three = {"sst": [0.2, 0.4], "imdb": [0.3, 0.3], "ade": [0.1]}
        data = tables(
            "jain_wallace", rows("tau_gradient", three), rows("tau_leave_one_out", {"sst": [0.6, 0.4]})
        )
        found = finding("weak_correlation", data)
        # SST meets the bound in three of four numbers, the others in all: 11/12 in the mean.
        assert claims.shares(found.cells).to_dict() == {"ade": 1.0, "imdb": 1.0, "sst": 0.75}
        assert found.verdict == "holds"
        shown = together.row(found)
        assert shown["data sets"] == "ADE, IMDB, SST"
        assert shown["seeds"] == "1 to 2"
        # (.1 + .3 + .3) / 3; one data set, two seeds: mean .5, t(1) = 12.706 times .1 / sqrt(1) on each side.
        assert shown["ours"] == "gradient 0.23 (0.10 ADE to 0.30 SST); leave-one-out 0.50 (−0.77 to 1.77)"
        assert shown["does it hold?"] == "holds: on 2 of 3 data sets, in part on 1"

    def test_another_encoder_or_scorer_is_not_asked(self):
        average = rows("tau_gradient", {"sst": [0.9]}, encoder="average")
        dot = rows("tau_gradient", {"sst": [0.9]}, scorer="scaled_dot")
        assert finding("weak_correlation", tables("jain_wallace", average, dot)).verdict == "not run"

    def test_permutation_is_read_by_bins_of_enough_texts(self):
        low, middle, high, top = summaries.MAX_ATTENTION_LABELS
        parts = [
            rows("median_tvd_q50", {"sst": [0.05]}, bin=high, n=50),
            rows("median_tvd_q50", {"sst": [0.3]}, bin=top, n=9),
            rows("median_tvd_q50", {"sst": [0.4]}, bin=middle, n=99),
            rows("median_tvd_q25", {"sst": [0.1]}, bin=middle, n=99),
            rows("median_tvd_q25", {"sst": [0.2]}, bin=low, n=99),
        ]
        data = tables("jain_wallace", *parts)
        assert finding("permuted_half", data).cells["value"].tolist() == [0.05]
        assert finding("permuted_quarter", data).cells["value"].tolist() == [0.1]
        assert finding("permuted_quarter", data).cells["holds"].all()

    def test_the_search_is_the_released_one(self):
        values = {"sst": [0.5], "imdb": [0.6], "ade": [0.3]}
        parts = [
            rows("jsd_median", values, method="released search", epsilon=0.05),
            rows("jsd_median", {"sst": [0.1]}, method="published search", epsilon=0.01),
        ]
        found = finding("adversarial", tables("jain_wallace", *parts))
        # ADE is below ln 2 / 2 = .347: two of three.
        assert (found.verdict, found.cells["holds"].sum()) == ("undecided", 2)
        assert together.in_words(found) == "divergence 0.47 (0.30 ADE to 0.60 IMDB)"


class TestSerranoSmith:
    def test_the_top_item_is_against_the_average_of_others(self):
        more = dict(experiment="single", encoder="HANrnn", scorer="learned_query", low=0.08, high=0.12, n=500)
        data = tables(
            "serrano_smith",
            rows("flips_top", {"amazon_multidomain": [0.1]}, method="attention, average", **more),
            rows("flips_top", {"amazon_multidomain": [0.9]}, method="gradient, average", **more),
        )
        shown = together.row(finding("top_item", data))
        assert shown["ours"] == "texts that flip 0.10 (0.08 to 0.12)"
        assert shown["does it hold?"] == "undecided: on 1 of 1 data set"
        assert shown["clear of the bound"] == "1 of 1"

    def test_a_ranking_is_compared_within_a_model_and_seed(self):
        more = dict(experiment="sets", scorer="learned_query")
        attention = {"20news": [0.5], "imdb_ratings": [0.6], "amazon_multidomain": [0.4, 0.4]}
        parts = [
            rows("fraction_all", attention, method="attention", encoder="HANrnn", **more),
            rows(
                "fraction_all",
                {name: [0.3] for name in attention},
                method="gradient",
                encoder="HANrnn",
                **more,
            ),
            rows("fraction_all", {"20news": [0.7]}, method="product", encoder="HANrnn", **more),
            # Another architecture has no partner.
            rows("fraction_all", {"20news": [0.1]}, method="gradient", encoder="HANconv", **more),
        ]
        found = finding("ranking", tables("serrano_smith", *parts))
        values = found.cells.set_index(["label", "dataset"])["value"].to_dict()
        assert values == pytest.approx(
            {
                ("more than gradient", "20news"): 0.2,
                ("more than gradient", "imdb_ratings"): 0.3,
                ("more than gradient", "amazon_multidomain"): 0.1,
                ("more than product", "20news"): -0.2,
            }
        )
        # 20 Newsgroups one of two, the others whole: 5/6.
        assert found.verdict == "holds"
        # A difference of two rows has no interval over texts.
        assert together.row(found)["clear of the bound"] == ""

    @pytest.mark.slow
    def test_context_is_compared_with_the_same_model_without(self):
        more = dict(experiment="sets", scorer="learned_query", method="attention")
        parts = [
            rows("excess", {"20news": [5.0]}, encoder="HANrnn", **more),
            rows("excess", {"20news": [7.0]}, encoder="HANconv", **more),
            rows("excess", {"20news": [6.0]}, encoder="HANnoenc", **more),
            rows("excess", {"20news": [9.0]}, encoder="FLANrnn", **more),
        ]
        found = finding("contextualised", tables("serrano_smith", *parts))
        assert found.cells.set_index("model")["value"].to_dict() == {
            "HANrnn − HANnoenc": -1.0,
            "HANconv − HANnoenc": 1.0,
        }
        assert together.in_words(found) == "more times the minimum 0.00 (−1.00 to 1.00)"


class TestWiegreffePinter:
    def test_a_gain_below_the_margin_is_none(self):
        more = dict(experiment="uniform", method="difference", low=-0.01, high=0.02, n=100)
        values = {"sst": [0.01], "imdb": [0.02], "20news_sports": [0.05], "agnews_subset": [0.0]}
        found = finding("needed", tables("wiegreffe_pinter", rows("f1", values, **more)))
        assert (found.verdict, found.cells["holds"].sum()) == ("holds", 3)
        assert together.details(found)["clear"].tolist() == ["holds"] * 4
        assert together.in_words(found) == "gain 0.020 (0.000 AG News (part) to 0.050 20 Newsgroups)"

    def test_beyond_the_seeds_is_the_search_not_the_optimum(self):
        more = dict(experiment="seeds", low=0.4, high=0.8, n=100)
        parts = [
            rows("beyond_seeds", {"sst": [0.7]}, method="published search", **more),
            rows("beyond_seeds", {"sst": [0.1]}, method="exact optimum", **more),
        ]
        found = finding("beyond_seeds", tables("wiegreffe_pinter", *parts))
        assert found.cells["value"].tolist() == [0.7]
        assert together.details(found)["clear"].tolist() == ["across"]

    def test_a_guide_is_compared_with_uniform_weights(self):
        parts = [
            rows("f1", {"sst": [0.8, 0.7]}, experiment="diagnostic", method="base LSTM"),
            rows("f1", {"sst": [0.7, 0.75]}, experiment="diagnostic", method="uniform"),
        ]
        found = finding("guide", tables("wiegreffe_pinter", *parts))
        assert found.cells["value"].tolist() == pytest.approx([0.1, -0.05])
        assert found.cells["holds"].tolist() == [True, False]

    def test_guides_are_compared_with_attention_of_the_models_own_and_with_none(self):
        parts = [
            rows("f1", {"sst": [f1]}, experiment="diagnostic", method=method)
            for method, f1 in {"base LSTM": 0.8, "trained MLP": 0.85, "trained adversary": 0.6}.items()
        ]
        parts.append(rows("f1", {"sst": [0.75]}, experiment="diagnostic", method="uniform"))
        data = tables("wiegreffe_pinter", *parts)
        for claim, value, holds in (("best_guide", -0.05, False), ("adversarial_guide", -0.15, True)):
            found = finding(claim, data).cells
            assert found["value"].tolist() == pytest.approx([value])
            assert found["holds"].tolist() == [holds]

    def test_the_furthest_model_within_the_budget_counts(self):
        # λ = .01 is the furthest but changes the output by more than .05.
        one = adversary({0.0: (0.01, 0.1), 0.001: (0.05, 0.3), 0.01: (0.06, 0.6), None: (0.005, 0.5)})
        assert together.shortfall(one, EPSILON)["value"].tolist() == pytest.approx([0.2])
        # No model within the budget: the base itself, which has moved nowhere.
        none = adversary({0.01: (0.06, 0.6), None: (0.005, 0.5)}, dataset="imdb")
        data = tables("wiegreffe_pinter", one, none)
        found = finding("one_model", data)
        assert found.cells.set_index("dataset")["value"].to_dict() == pytest.approx({"imdb": 0.5, "sst": 0.2})
        # The claim says that SST is the exception, and here it is none.
        assert found.cells.set_index("dataset")["holds"].to_dict() == {"imdb": True, "sst": False}

    def test_with_the_budget_of_another_seed_the_exception_may_hold(self):
        models = {0.01: (0.06, 0.6), None: (0.005, 0.5), "other seed": (0.07, 0.1)}
        data = tables("wiegreffe_pinter", adversary(models))
        assert finding("one_model", data).cells["holds"].tolist() == [False]
        like = finding("one_model_like_a_seed", data)
        assert like.cells["value"].tolist() == pytest.approx([-0.1])
        assert like.cells["holds"].tolist() == [True]

    def test_without_a_search_or_an_adversary_there_is_no_number(self):
        alone = adversary({0.001: (0.05, 0.3)})
        assert together.shortfall(alone, EPSILON).empty
        assert together.shortfall(adversary({None: (0.005, 0.5)}), EPSILON).empty
        assert finding("one_model", tables("wiegreffe_pinter", alone)).verdict == "not run"


class TestViolation:
    def test_the_sign_is_compared_with_random_scores_of_the_same_model(self):
        data = three_signs()
        found = finding("sign", data)
        assert found.cells.set_index("dataset")["value"].to_dict() == pytest.approx(
            {"babi1": 0.49, "sst5": 0.05, "mrpc": 0.05}
        )
        assert (found.verdict, finding("polarity", data).verdict) == ("undecided", "undecided")
        assert finding("polarity", data).cells["holds"].sum() == 2

    def test_depth_is_the_deepest_minus_the_shallowest(self):
        parts = [
            violations("attention", {"sst5": [value]}, experiment="depth", layers=layers)
            for layers, value in ((8, 0.5), (1, 0.3), (4, 0.9))
        ]
        single = violations("attention", {"mrpc": [0.5]}, experiment="depth", layers=1)
        chance = violations("random", {"sst5": [0.5]}, experiment="depth", layers=8)
        data = tables("violation", *parts, single, chance)
        found = finding("depth", data)
        assert found.cells[["label", "dataset", "value"]].to_numpy().tolist() == [
            ["attention", "sst5", pytest.approx(0.2)]
        ]
        assert finding("transformer_depth", data).verdict == "not run"

    def test_layers_of_transformers_are_another_claim(self):
        parts = [
            violations("attention", {"sst": [a]}, experiment="transformer_depth", layers=n, encoder="bert")
            for n, a in ((1, 0.4), (2, 0.3))
        ]
        data = tables("violation", *parts)
        assert finding("depth", data).verdict == "not run"
        assert finding("transformer_depth", data).cells["holds"].tolist() == [False]


class TestTables:
    @pytest.mark.slow
    def test_without_results_every_claim_is_not_run(self):
        found = together.findings(EMPTY)
        shown = together.overview(found)
        assert set(shown["does it hold?"]) == {"not run"}
        assert set(shown["ours"]) == {"not run"}
        assert set(shown["data sets"]) == {"none"}
        assert together.every_number(found).empty
        assert together.by_verdict(found).startswith(f"- **not run** ({len(found)} of {len(found)})")

    @pytest.mark.slow
    def test_every_paper_has_claims_in_its_place(self):
        order = list(dict.fromkeys(one.paper for one in together.findings(EMPTY)))
        assert order == list(papers.PAPERS)

    def test_one_seed_has_an_interval_only_where_the_table_has_one(self):
        one = together.details(finding("guide", EMPTY))
        assert list(one.columns) == together.DETAILS
        values = rows("f1", {"sst": [0.01]}, experiment="uniform", method="difference", n=100)
        without = together.details(finding("needed", tables("wiegreffe_pinter", values)))
        assert without[["interval", "seeds", "texts", "clear"]].to_numpy().tolist() == [
            ["none", 1, 100.0, ""]
        ]

    def test_the_interval_over_seeds_is_of_their_mean(self):
        values = rows(
            "f1", {"sst": [0.01, 0.02, 0.03]}, experiment="uniform", method="difference", low=-1, high=1
        )
        own = together.details(finding("needed", tables("wiegreffe_pinter", values))).iloc[0]
        # t(2) = 4.30265 times .01 / sqrt(3).
        assert (own["value"], own["low"], own["high"]) == pytest.approx(
            (0.02, 0.02 - 0.024841, 0.044841), abs=1e-6
        )
        assert own["clear"] == "across"

    def test_an_undefined_number_is_none(self):
        values = rows("f1", {"sst": [np.nan]}, experiment="uniform", method="difference")
        assert finding("needed", tables("wiegreffe_pinter", values)).verdict == "not run"

    def test_a_number_that_stands_twice_is_refused(self):
        values = rows("f1", {"sst": [0.01]}, experiment="uniform", method="difference")
        with pytest.raises(ValueError, match="several values for one number"):
            finding("needed", tables("wiegreffe_pinter", values, values))


@pytest.fixture(scope="module")
def own():
    return papers.recorded()


@pytest.mark.slow  # reads the records of all papers
class TestRecorded:
    def test_verdicts_agree_with_the_page_of_claims(self, own):
        """The readings of Jain & Wallace's claims are those of their own page."""
        text = (ROOT / "notebooks/jain_wallace/claims.py").read_text()
        assert re.search(r"weak, barely, far, very_far = 0\.5, 0\.1, math\.log\(2\) / 2", text)
        of_claims = ("weak_correlation", "permuted_half", "permuted_quarter", "adversarial")
        bounds = [together.CLAIMS[name]["bound"] for name in of_claims]
        assert bounds == [0.5, 0.1, 0.1, np.log(2) / 2]
        bins = together.CLAIMS["permuted_quarter"]["where"]["bin"]
        assert bins == list(summaries.MAX_ATTENTION_LABELS[1:])
        assert together.CLAIMS["needed"]["bound"] == ledger.TOLERANCE

    def test_the_papers_own_numbers_are_read_by_the_same_rule(self):
        published = cells.read_published(ROOT / "book/reference/jain_wallace.csv")
        words = together.by_their_numbers(published)
        correlation, quarter, half, adversary = words.split("; ")
        # Their Table 2 for the BiLSTM with additive attention, both measures.
        rows = published[published["source"].str.startswith("repo")]
        rows = cells.overall(cells.select(rows, metric="tau_gradient", **papers.BILSTM))
        assert (rows["value"].dropna() < together.CLAIMS["weak_correlation"]["bound"]).mean() >= claims.HOLDS
        assert correlation.startswith("*Attention correlates weakly")
        assert "* holds (" in correlation
        assert ("* undecided (" in quarter, "* differs (" in half) == (True, True)
        assert adversary.endswith(".")
        nothing = together.by_their_numbers(published.head(0))
        assert nothing.count(" not run") == 4

    def test_every_claim_has_a_verdict_and_says_on_what(self, own):
        for one in together.findings(own):
            shown = together.row(one)
            assert one.verdict in ledger.VERDICTS
            assert (shown["does it hold?"] == "not run") == (shown["ours"] == "not run")


@pytest.mark.slow
def test_the_page_runs_with_the_results_of_one_paper_and_without_any(tmp_path):
    """The book runs it with the record of all papers."""
    from attnbook.runs import run
    from tests.attnbook.verdicts.test_wiegreffe_pinter_summary import write_recorded

    write_recorded(tmp_path / "kept")
    for folder in ("kept", "nowhere"):
        values = {"recorded": str(tmp_path / folder), "output": str(tmp_path / f"{folder} output")}
        run.run(ROOT / "notebooks/beyond/together.py", tmp_path / f"{folder}.ipynb", values)
        table = results.read(tmp_path / f"{folder} output/together.csv")
        assert set(table["paper"]) == ({"Wiegreffe & Pinter 2019"} if folder == "kept" else set())
        text = json.dumps(json.loads((tmp_path / f"{folder}.ipynb").read_text()), ensure_ascii=False)
        assert "Where these numbers come from" in text
        assert "not run" in text
        assert not re.search(r"\bnan\b", re.sub(r'"[^"]*vegalite[^"]*"', "", text))
