"""What the papers say together: each claim on small tables with answers by hand; the page itself."""

import re
import shutil

import numpy as np
import pytest

from attnbook.runs import results
from attnbook.verdicts import cells, inference, papers, together
from attnbook.verdicts.claims import CLAIMS
from attnbook.verdicts.shared_questions import EPSILON
from attnlib.tables import summaries
from tests.attnbook.verdicts.made import EMPTY, adversary, rows, tables, three_signs, violations
from tests.attnbook.verdicts.pages import execute


def finding(name, *parts):
    """A claim on a table of its paper that holds these rows alone."""
    return together.finding(tables(CLAIMS[name].paper, *parts), CLAIMS[name])


def verdict(name, *parts):
    return finding(name, *parts).judged.verdict


def values(found, *keys):
    numbers = found.cells.dropna(subset="value")
    return numbers.set_index([*keys, "dataset"] if keys else "dataset")["value"].to_dict()


class TestJainWallace:
    def test_a_correlation_is_weak_both_ways(self):
        weak = rows("tau_gradient", {"sst": [0.2, 0.4], "imdb": [0.3, 0.3], "ade": [0.1]})
        strong = rows("tau_gradient", {"sst": [0.7, 0.8], "imdb": [0.7, 0.75], "ade": [0.8]})
        other = rows("tau_leave_one_out", {"sst": [0.9]})
        assert verdict("weak_gradient", weak, other) == "holds"
        assert verdict("weak_gradient", strong) == "differs"
        assert verdict("weak_leave_one_out", weak) == "not run"

    def test_another_encoder_or_scorer_is_not_asked(self):
        average = rows("tau_gradient", {"sst": [0.9]}, encoder="average")
        dot = rows("tau_gradient", {"sst": [0.9]}, scorer="scaled_dot")
        assert verdict("weak_gradient", average, dot) == "not run"
        assert values(finding("strong_gradient", average, dot)) == {"sst": 0.9}

    def test_encoders_are_compared_within_a_data_set_and_seed(self):
        own = rows("tau_gradient", {"sst": [0.2, 0.3], "imdb": [0.4]})
        average = rows("tau_gradient", {"sst": [0.6, 0.6]}, encoder="average")
        found = finding("higher_gradient", own, average).cells["value"]
        assert found.tolist() == pytest.approx([0.4, 0.3])

    def test_permutation_is_read_by_bins_of_enough_texts(self):
        low, middle, high, top = summaries.MAX_ATTENTION_LABELS
        quartiles = [("q50", 0.05, high, 50), ("q50", 0.3, top, 9), ("q50", 0.4, middle, 99)]
        quartiles += [("q25", 0.1, middle, 99), ("q25", 0.2, low, 99)]
        parts = [rows(f"median_tvd_{q}", {"sst": [tvd]}, bin=label, n=n) for q, tvd, label, n in quartiles]
        for claim, value in (("permuted_half", 0.05), ("permuted_quarter", 0.1)):
            assert values(finding(claim, *parts)) == {"sst": value}

    def test_the_search_is_the_released_one(self):
        far = {"sst": [0.5], "imdb": [0.6], "ade": [0.55]}
        released = rows("jsd_median", far, method="released search", epsilon=0.05)
        published = rows("jsd_median", {"sst": [0.1]}, method="published search", epsilon=0.01)
        assert verdict("adversarial", released, published) == "holds"
        assert verdict("adversarial", released.assign(value=[0.1, 0.15, 0.12])) == "differs"

    def test_bins_and_bounds_are_those_of_the_papers_figures(self):
        assert CLAIMS["permuted_quarter"].where["bin"] == tuple(summaries.MAX_ATTENTION_LABELS[1:])
        assert CLAIMS["permuted_half"].where["bin"] == tuple(summaries.MAX_ATTENTION_LABELS[2:])
        assert CLAIMS["adversarial"].bound == np.log(2) / 2
        assert CLAIMS["adversarial"].range == (0, np.log(2))


def sets(metric, by_model, method="attention"):
    """Rows of Serrano & Smith's sets, for several models."""
    more = dict(experiment="sets", scorer="learned_query", method=method)
    return [rows(metric, found, encoder=model, **more) for model, found in by_model.items()]


THREE = ("20news", "imdb_ratings", "amazon_multidomain")


def over_three(*of):
    """A value per data set of Serrano & Smith's."""
    return {name: [value] for name, value in zip(THREE, of, strict=True)}


class TestSerranoSmith:
    def test_the_top_item_is_against_the_average_of_others(self):
        more = dict(experiment="single", encoder="HANrnn", scorer="learned_query", n=500)
        flips = {"attention, average": 0.1, "gradient, average": 0.9}
        own = [rows("flips_top", over_three(v, v, v + 0.02), method=m, **more) for m, v in flips.items()]
        assert values(finding("top_item", *own)) == pytest.approx(
            dict(zip(THREE, (0.1, 0.1, 0.12), strict=True))
        )
        assert verdict("top_item", *own) == "holds"

    @pytest.mark.parametrize(("share", "word"), [(0.01, "holds"), (0.2, "differs")])
    def test_the_top_item_nearly_always_matters_more(self, share, word):
        more = dict(
            experiment="single", encoder="HANrnn", scorer="learned_query", method="attention, average"
        )
        whole = rows("negative", over_three(share, share * 1.1, share * 1.05), **more)
        # Shares by difference of weight are of other documents each.
        bins = rows("negative", over_three(0.5, 0.5, 0.5), bin="[0, .1)", **more)
        assert verdict("top_item_matters", whole, bins) == word

    @pytest.mark.parametrize(("chance", "word"), [(0.8, "holds"), (0.4, "differs")])
    def test_attention_is_far_better_than_chance(self, chance, word):
        attention = sets("fraction_all", {"HANrnn": over_three(0.35, 0.36, 0.34)})
        random = sets("fraction_all", {"HANrnn": over_three(chance, chance, chance)}, "random")
        assert verdict("better_than_random", *attention, *random) == word

    @pytest.mark.slow
    def test_a_ranking_is_compared_within_a_model_and_seed(self):
        attention = {"20news": [0.5], "imdb_ratings": [0.6], "amazon_multidomain": [0.4, 0.4]}
        # Another architecture has no partner.
        gradient = {"HANrnn": {name: [0.3] for name in attention}, "HANconv": {"20news": [0.1]}}
        parts = sets("fraction_all", {"HANrnn": attention}) + sets("fraction_all", gradient, "gradient")
        found = finding("ranking_gradient", *parts)
        assert values(found) == pytest.approx(dict(zip(THREE, (0.2, 0.3, 0.1), strict=True)))
        product = sets("fraction_all", {"HANrnn": {"20news": [0.7]}}, "product")
        assert values(finding("ranking_product", *parts, *product)) == pytest.approx({"20news": -0.2})

    def test_context_is_compared_with_the_same_model_without(self):
        excess = {"HANrnn": 5.0, "HANconv": 7.0, "HANnoenc": 6.0, "FLANrnn": 9.0}
        parts = sets("excess", {model: {"20news": [value]} for model, value in excess.items()})
        found = finding("contextualised_excess", *parts)
        assert values(found, "encoder") == {("HANrnn", "20news"): -1.0, ("HANconv", "20news"): 1.0}

    @pytest.mark.parametrize(("product", "word"), [(0.3, "holds"), (0.6, "open"), (0.9, "differs")])
    def test_what_context_does_to_every_ranking_is_not_held_against_attention(self, product, word):
        # Without an encoder attention takes .3 and the product .2; with one attention takes .7.
        own = {"HANnoenc": over_three(0.3, 0.3, 0.3), "HANrnn": over_three(0.7, 0.71, 0.69)}
        other = {"HANnoenc": over_three(0.2, 0.2, 0.2), "HANrnn": over_three(product, product, product)}
        parts = sets("fraction_all", own) + sets("fraction_all", other, "product")
        # A ranking against another has a row of its own and is no number here.
        parts += [row.assign(against="greedy", value=0.9) for row in parts]
        found = finding("contextualised", *parts)
        assert values(found)["20news"] == pytest.approx(0.4 - (product - 0.2))
        assert found.judged.verdict == word


def gains(found, **more):
    """Rows of what learned attention gains over uniform attention."""
    return rows("f1", found, experiment="uniform", method="difference", **more)


def guided(f1):
    """Rows of F1 by guide."""
    return [rows("f1", of, experiment="diagnostic", method=name) for name, of in f1.items()]


def far(found, **more):
    """Adversaries by data set: those of `adversary`."""
    return [adversary(models, dataset=name, **more) for name, models in found.items()]


class TestWiegreffePinter:
    def test_a_gain_below_the_margin_is_none(self):
        f1 = {"sst": [0.01], "imdb": [0.02], "20news_sports": [0.0], "agnews_subset": [0.0]}
        assert verdict("needed", gains(f1)) == "holds"
        assert verdict("needed", gains({name: [value + 0.2] for name, (value,) in f1.items()})) == "differs"

    def test_beyond_the_seeds_is_the_search_not_the_optimum(self):
        parts = [
            rows("beyond_seeds", {"sst": [value]}, method=name, experiment="seeds")
            for name, value in {"published search": 0.7, "exact optimum": 0.1}.items()
        ]
        assert values(finding("beyond_seeds", *parts)) == {"sst": 0.7}

    @pytest.mark.parametrize(
        ("claim", "differences"),
        [("guide", [0.1, -0.05]), ("best_guide", [-0.05, -0.1]), ("adversarial_guide", [-0.25, 0.1])],
    )
    def test_guides_are_compared_with_attention_of_the_models_own_and_with_none(self, claim, differences):
        f1 = {"base LSTM": [0.8, 0.7], "uniform": [0.7, 0.75], "trained MLP": [0.85, 0.8]}
        f1["trained adversary"] = [0.55, 0.8]
        found = finding(claim, *guided({name: {"sst": of} for name, of in f1.items()}))
        assert found.cells["value"].tolist() == pytest.approx(differences)

    @pytest.mark.parametrize(("adversary_s", "word"), [(0.7, "holds"), (0.9, "differs")])
    def test_the_adversarys_attention_is_held_against_the_bases(self, adversary_s, word):
        # Better than uniform weights in both cases.
        f1 = {"base LSTM": [0.8, 0.81, 0.8], "uniform": [0.5, 0.5, 0.5]}
        f1["trained adversary"] = [adversary_s, adversary_s, adversary_s + 0.02]
        named = ("sst", "imdb", "20news_sports")
        by = {name: {n: [v] for n, v in zip(named, of, strict=True)} for name, of in f1.items()}
        assert verdict("adversarial_guide", *guided(by)) == word

    def test_the_furthest_model_within_the_budget_counts_and_without_one_there_is_no_number(self):
        # λ = .01 is the furthest but changes the output by more than .05.
        one = adversary({0.0: (0.01, 0.1), 0.001: (0.05, 0.3), 0.01: (0.06, 0.6), None: (0.005, 0.5)})
        assert together.shortfall(one, EPSILON)["value"].tolist() == pytest.approx([0.2])
        # Even λ = 0 changes the output by more: nothing is known, and the search itself is no shortfall.
        none = adversary({0.0: (0.06, 0.1), 0.01: (0.07, 0.6), None: (0.005, 0.5)})
        found = finding("one_model_on_sst", none)
        assert (values(found), found.judged.verdict, found.judged.units) == ({}, "open", 0)
        assert verdict("one_model_on_sst", adversary({0.001: (0.05, 0.3)})) == "not run"

    @pytest.mark.parametrize(("jsd", "word"), [(0.2, "holds"), (0.9, "differs")])
    def test_an_output_like_another_seeds_is_the_budget_that_can_be_kept(self, jsd, word):
        models = {0.0: (0.06, 0.1), None: (0.005, 0.5), "other seed": (0.07, 0.1)}
        others = ("imdb", "20news_sports", "agnews_subset")
        parts = far({name: models | {0.01: (0.065, jsd + i / 100)} for i, name in enumerate(others)})
        assert verdict("one_model_like_a_seed", *parts) == word
        assert verdict("one_model", *parts) == "open"
        # SST is another claim, the exception that the paper makes.
        assert verdict("one_model_like_a_seed_on_sst", *parts) == "not run"

    def test_the_exception_is_judged_over_five_seeds(self):
        models = [
            adversary({0.01: (0.06, 0.6 + i / 100), None: (0.005, 0.5), "other seed": (0.07, 0.1)}, seed=i)
            for i in range(5)
        ]
        assert verdict("one_model_like_a_seed_on_sst", *models) == "holds"
        assert verdict("one_model_like_a_seed_on_sst", *models[:4]) == "open"
        # The search reaches .5 everywhere, and the models less.
        short = [part.assign(value=part["value"].where(part["value"] < 0.55, 0.2)) for part in models]
        short[0]["value"] = short[0]["value"].replace(0.2, 0.21)
        assert verdict("one_model_like_a_seed_on_sst", *short) == "differs"


class TestViolation:
    def test_the_sign_is_compared_with_random_scores_of_the_same_model(self):
        found, polarity = (together.finding(three_signs(), CLAIMS[name]) for name in ("sign", "polarity"))
        assert values(found) == pytest.approx({"babi1": 0.49, "sst5": 0.05, "mrpc": 0.05})
        assert values(polarity) == pytest.approx({"babi1": 0.01, "sst5": -0.3, "mrpc": -0.3})
        assert (found.judged.verdict, polarity.judged.verdict) == ("open", "points that way")

    def test_depth_is_the_deepest_minus_the_shallowest(self):
        ratios = [("attention", "sst5", 0.5, 8), ("attention", "sst5", 0.3, 1), ("attention", "sst5", 0.9, 4)]
        # One depth is no rise, and random scores have none that means anything.
        ratios += [("attention", "mrpc", 0.5, 1), ("random", "sst5", 0.5, 8), ("random", "sst5", 0.1, 1)]
        parts = [violations(m, {name: [v]}, experiment="depth", layers=n) for m, name, v, n in ratios]
        assert values(finding("depth", *parts), "metric") == {("attention", "sst5"): pytest.approx(0.2)}
        assert verdict("transformer_depth", *parts) == "not run"

    def test_layers_of_transformers_are_another_claim(self):
        more = dict(experiment="transformer_depth", encoder="bert")
        parts = [violations("attention", {"sst": [a]}, layers=n, **more) for n, a in ((1, 0.4), (2, 0.3))]
        assert verdict("depth", *parts) == "not run"
        assert values(finding("transformer_depth", *parts)) == {"sst": pytest.approx(-0.1)}


class TestTables:
    def test_without_results_every_claim_is_not_run(self):
        found = together.findings(EMPTY)
        shown = together.overview(found)
        for column, words in (("verdict", "not run"), ("mean", ""), ("95 % interval", "")):
            assert set(shown[column]) == {words}
        assert together.every_number(found).empty
        assert list(dict.fromkeys(one.claim.paper for one in found)) == list(papers.PAPERS)

    def test_a_row_has_the_claim_its_verdict_and_when_it_was_written(self):
        found = [finding("needed", gains({"sst": [0.01, 0.02], "imdb": [0.0], "agnews": [0.01]}))]
        (shown,) = together.overview(found).to_dict("records")
        assert (shown["paper"], shown["written"]) == (
            "Wiegreffe & Pinter 2019, §3.2",
            "partly after (2b39cfb)",
        )
        assert "below 0.03" in shown["what we measure"]
        assert (shown["data sets"], shown["seeds"], shown["verdict"]) == ("3", "1 to 2", "holds")
        numbers = together.every_number(found).set_index("dataset")
        assert numbers.loc["SST", ["value", "low", "high", "seeds"]].tolist() == [0.015, 0.01, 0.02, 2]
        assert numbers["model"].unique().tolist() == ["BiLSTM, additive"]

    def test_an_undefined_number_is_none_and_one_that_stands_twice_is_refused(self):
        assert verdict("needed", gains({"sst": [np.nan]})) == "open"
        with pytest.raises(ValueError, match="several values for one number"):
            finding("needed", gains({"sst": [0.01]}), gains({"sst": [0.01]}))


@pytest.mark.slow  # reads the records of all papers
def test_every_claim_has_a_verdict_and_the_papers_own_numbers_are_read_by_the_same_rule():
    found = together.findings(papers.recorded())
    assert {one.judged.verdict for one in found} <= set(inference.VERDICTS)
    assert all(one.judged.enough for one in found if one.judged.verdict not in ("open", "not run"))
    published = cells.read_published(cells.REFERENCE / "jain_wallace.csv")
    files = published[published["source"].str.startswith("repo")]
    theirs = together.findings({"jain_wallace": cells.complete(files.assign(seed=0))})
    words = {one.claim.claim: one.judged.verdict for one in theirs}
    assert words[CLAIMS["weak_gradient"].claim] == "holds"
    assert words[CLAIMS["permuted_half"].claim] == "differs"


@pytest.mark.slow
def test_the_page_runs_with_the_results_of_one_paper_and_without_any(tmp_path):
    """The book runs it with the record of all papers."""
    shutil.copytree(results.RECORDED / "jain_wallace", tmp_path / "kept/jain_wallace")
    for folder, shown in (("kept", {"Jain & Wallace 2019"}), ("nowhere", set())):
        page = execute("chapters/verdicts", tmp_path / f"page {folder}", recorded=str(tmp_path / folder))
        table = results.read(tmp_path / f"page {folder}/verdicts.csv")
        assert set(table["paper"]) == shown
        for words in ("Where these numbers come from", "not run"):
            assert words in page.words
        assert not re.search(r"\bnan\b", page.whole)
        assert "Of 34 claims" not in page.words  # written for the book's own record


def test_margins_are_positive_on_the_side_of_the_claim():
    weak = rows("tau_gradient", {"sst": [0.2, 0.4], "imdb": [0.3, 0.3], "ade": [0.1]})
    judged, single = together.margins([finding("weak_gradient", weak), finding("strong_gradient", weak)])
    assert judged["claim"].tolist() == [CLAIMS["weak_gradient"].claim]  # the other has no numbers
    assert judged["verdict"].tolist() == ["holds"]
    assert judged.loc[0, "low"] < judged.loc[0, "value"] < judged.loc[0, "high"]
    assert single["value"].tolist() == pytest.approx([0.4, 0.2, 0.2])
    assert single["dataset"].tolist() == ["ADE", "IMDB", "SST"]
