"""Recorded numbers against those of another run: what has to be the same, and what may differ."""

import numpy as np
import pandas as pd
import pytest

from attnbook.runs import compare, results

NAN = np.nan


def table(**columns):
    rows = {"metric": ["jsd", "n_test", "tau"], "class": "all", "value": [0.5, 40, 0.1], "n": 40}
    return pd.DataFrame(rows | {"low": [0.4, NAN, NAN], "high": [0.55, NAN, NAN]} | columns)


def agree(one, other, exact=True, **options):
    return compare.compare(one, other, exact, **options)["agrees"].tolist()


class TestCompare:
    @pytest.mark.parametrize(
        ("value", "agrees"),
        [
            ([0.549, 40, 0.119], [True, True, True]),
            ([0.551, 40, 0.121], [False, True, False]),
            ([0.5, 41, 0.1], [True, False, True]),
        ],
    )
    def test_the_interval_goes_before_the_fallback(self, value, agrees):
        found = compare.compare(table(), table(value=value), exact=False)
        assert found["agrees"].tolist() == agrees
        assert found["allowed"].tolist() == ["interval", 0.0, compare.FALLBACK]

    def test_a_named_tolerance_goes_before_both(self):
        found = compare.compare(table(), table(value=[0.52, 40, 0.15]), False, {"tau*": 0.05, "jsd": 0.01})
        assert found["agrees"].tolist() == [False, True, True]

    def test_exactly_equal_means_interval_and_count_too_but_not_time_order_or_type(self):
        for changed in ({"n": 39}, {"low": [0.41, NAN, NAN]}, {"value": [0.500001, 40, 0.1]}):
            assert not all(agree(table(), table(**changed)))
        assert set(compare.compare(table(), table(n=39), exact=True)["note"]) == {"interval or n"}
        timed = table(metric=["training_seconds", "a", "b"])
        typed = (
            table(layers=[1.0, 2.0, NAN], against=NAN),
            table(layers=pd.array([1, 2, None], "Int64"))[::-1],
        )
        for one, other in ((table(), table()), (timed, timed.assign(value=[9, 40, 0.1])), typed):
            assert agree(one, other) == [True] * 3

    @pytest.mark.slow
    @pytest.mark.parametrize("exact", [True, False])
    def test_missing_rows_and_undefined_numbers_do_not_agree(self, exact):
        gone = compare.compare(table(), table().iloc[1:], exact)
        assert gone["side"].tolist() == ["no row now", "", ""]
        assert gone["agrees"].tolist() == [False, True, True]
        new = compare.compare(table().iloc[1:], table(), exact)
        assert sorted(new["side"]) == ["", "", "no row recorded"]
        assert new["agrees"].all()  # the record is older than the number
        undefined = table(value=[NAN, 40, 0.1])
        for one, other in ((undefined, table()), (table(), undefined)):
            assert agree(one, other, exact) == [False, True, True]
        assert all(agree(undefined, undefined, exact))


def drawn(**columns):
    """Rows of attention and of random scores, in the order of a merge; columns replace theirs."""
    rows = {"method": ["attention", "attention", "random", "random"], "operator": ["a", "b"] * 2}
    rows |= {"paper": "violation", "experiment": "evidence", "metric": "violation", "class": "all"}
    return pd.DataFrame(rows | {"value": 0.5, "low": 0.45, "high": 0.55, "n": 400} | columns)


class TestOtherDraws:
    @pytest.mark.slow
    @pytest.mark.parametrize("exact", [True, False])
    def test_an_estimate_of_the_same_agrees_and_another_does_not(self, exact):
        for value, agrees in [(0.54, True), (0.59, True), (0.61, False), (0.39, False), (NAN, False)]:
            ends = {"low": [0.45] * 2 + [value - 0.05, 0.45], "high": [0.55] * 2 + [value + 0.05, 0.55]}
            now = drawn(value=[0.5, 0.5, value, 0.5], **ends)
            found = compare.compare(drawn(), now, exact, other_draws=True)
            assert found["agrees"].tolist() == [True, True, agrees, True]
            assert found["allowed"].tolist()[2:] == ["overlap"] * 2
            assert found["note"].tolist() == [""] * 2 + ["other draws"] * 2

    def test_of_the_present_draws_and_of_other_methods_a_number_is_what_it_is(self):
        assert agree(drawn(), drawn(value=[0.5, 0.5, 0.54, 0.5])) == [True, True, False, True]
        changed = drawn(value=[0.500001, 0.5, 0.5, 0.5])
        assert agree(drawn(), changed, other_draws=True) == [False, True, True, True]

    def test_without_an_interval_nothing_is_asked_but_that_the_row_is_there(self):
        old = drawn(low=NAN, high=NAN)
        found = compare.compare(old, old.assign(value=[0.5, 0.5, 0.9, 0.1]), True, other_draws=True)
        assert found["agrees"].all()
        assert found["allowed"].tolist() == [0.0, 0.0, "any", "any"]
        found = compare.compare(old, old.iloc[:3], True, other_draws=True)
        assert found["agrees"].tolist() == [True, True, True, False]
        assert found["side"].tolist() == ["", "", "", "no row now"]

    def test_a_bin_of_draws_may_be_empty(self):
        bins = {"method": "attention, " + pd.Series(["drawn", "drawn", "average", "average"])}
        bins |= {"bin": ["[0, .1)", "[.1, .2)"] * 2, "low": NAN, "high": NAN}
        old = drawn(paper="serrano_smith", experiment="single", metric="negative", **bins)
        found = compare.compare(old, old.iloc[[0, 2]], True, other_draws=True)
        (lost,) = found[~found["agrees"]][["method", "bin"]].to_numpy().tolist()
        assert lost == ["attention, average", "[.1, .2)"]

    @pytest.mark.parametrize(
        ("paper", "experiment", "rests", "columns"),
        [
            ("violation", "methods", True, {"method": "signed random"}),
            ("violation", "depth", True, {"method": "random", "layers": 3}),
            ("violation", "transformers", False, {"method": "random"}),  # of the row's number, as before
            ("violation", "gradient", False, {"method": "attention"}),
            ("serrano_smith", "sets", True, {"method": "random", "metric": "excess_p95"}),
            ("serrano_smith", "sets", True, {"method": "greedy", "against": "random"}),
            ("serrano_smith", "sets", True, {"method": "greedy", "metric": "mass_common_p05"}),
            ("serrano_smith", "sets", False, {"method": "greedy", "metric": "mass_own"}),
            ("serrano_smith", "single", True, {"method": "product, released", "metric": "flip_both"}),
            ("serrano_smith", "single", False, {"method": "product, drawn", "metric": "flips_top"}),
            ("serrano_smith", "single", False, {"method": "product, average", "metric": "delta_js"}),
            ("jain_wallace", "permutation", False, {"metric": "random_tvd"}),  # of lengths
        ],
    )
    def test_what_rests_on_draws(self, paper, experiment, rests, columns):
        row = drawn(paper=paper, experiment=experiment, **columns)[:1]
        assert compare.of_draws(row).tolist() == [rests]

    @pytest.mark.slow
    def test_every_line_of_the_table_is_about_recorded_numbers(self):
        for globs in compare.DRAWN:
            for experiment in globs["experiment"].split("|"):
                path = results.recorded_table(results.RECORDED, globs["paper"], experiment)
                table = results.read_recorded(path)
                assert len(compare.matching(table, globs | {"experiment": experiment}))
                assert 0 < compare.of_draws(table).mean() < 0.7
