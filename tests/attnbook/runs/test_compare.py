"""Recorded numbers against those of another run: what has to be the same, and what may differ."""

import numpy as np
import pandas as pd
import pytest

from attnbook.runs import compare, results


def table(**columns):
    rows = {"metric": ["jsd", "n_test", "tau"], "class": "all", "value": [0.5, 40, 0.1], "n": 40}
    rows |= {"low": [0.4, np.nan, np.nan], "high": [0.55, np.nan, np.nan]}
    return pd.DataFrame(rows | columns)


class TestCompare:
    def test_the_interval_goes_before_the_fallback_and_a_named_tolerance_before_both(self):
        for value, agrees in [
            ([0.549, 40, 0.119], [True, True, True]),
            ([0.551, 40, 0.121], [False, True, False]),
            ([0.5, 41, 0.1], [True, False, True]),
        ]:
            found = compare.compare(table(), table(value=value), exact=False)
            assert found["agrees"].tolist() == agrees
        assert found["allowed"].tolist() == ["interval", 0.0, compare.FALLBACK]
        found = compare.compare(table(), table(value=[0.52, 40, 0.15]), False, {"tau*": 0.05, "jsd": 0.01})
        assert found["agrees"].tolist() == [False, True, True]

    def test_exactly_equal_means_interval_and_count_too(self):
        assert compare.compare(table(), table(), exact=True)["agrees"].all()
        for changed in ({"n": 39}, {"low": [0.41, np.nan, np.nan]}, {"value": [0.500001, 40, 0.1]}):
            assert not compare.compare(table(), table(**changed), exact=True)["agrees"].all()
        found = compare.compare(table(), table(n=39), exact=True)
        assert set(found["note"]) == {"interval or n"}

    @pytest.mark.slow
    def test_missing_rows_and_undefined_numbers_do_not_agree(self):
        gone = compare.compare(table(), table().iloc[1:], exact=False)
        assert gone["side"].tolist() == ["no row now", "", ""]
        assert gone["agrees"].tolist() == [False, True, True]
        for exact in (True, False):
            new = compare.compare(table().iloc[1:], table(), exact)
            assert sorted(new["side"]) == ["", "", "no row recorded"]
            assert new["agrees"].all()  # the record is older than the number
        for one, other in [([np.nan, 40, 0.1], [0.5, 40, 0.1]), ([0.5, 40, 0.1], [np.nan, 40, 0.1])]:
            for exact in (True, False):
                found = compare.compare(table(value=one), table(value=other), exact)
                assert found["agrees"].tolist() == [False, True, True]
        both = table(value=[np.nan, 40, 0.1])
        assert compare.compare(both, both, exact=False)["agrees"].all()

    def test_time_is_not_compared(self):
        one = table(metric=["training_seconds", "a", "b"])
        other = table(metric=["training_seconds", "a", "b"], value=[99.0, 40, 0.1])
        assert compare.compare(one, other, exact=True)["agrees"].all()

    def test_rows_are_matched_whatever_their_order_and_type(self):
        one = table(layers=[1.0, 2.0, np.nan], against=np.nan)
        other = table(layers=pd.array([1, 2, None], "Int64")).iloc[::-1]
        assert compare.compare(one, other, exact=True)["agrees"].tolist() == [True] * 3


def drawn(**columns):
    """Rows of attention and of random scores, in the order of a merge; columns replace theirs."""
    rows = {"method": ["attention", "attention", "random", "random"], "operator": ["a", "b"] * 2}
    rows |= {"paper": "violation", "experiment": "evidence", "metric": "violation", "class": "all"}
    rows |= {"value": 0.5, "low": 0.45, "high": 0.55, "n": 400}
    return pd.DataFrame(rows | columns)


class TestOtherDraws:
    @pytest.mark.slow
    @pytest.mark.parametrize("exact", [True, False])
    def test_an_estimate_of_the_same_agrees_and_another_does_not(self, exact):
        for value, agrees in [(0.54, True), (0.59, True), (0.61, False), (0.39, False), (np.nan, False)]:
            now = drawn(
                value=[0.5, 0.5, value, 0.5],
                low=[0.45, 0.45, value - 0.05, 0.45],
                high=[0.55, 0.55, value + 0.05, 0.55],
            )
            found = compare.compare(drawn(), now, exact, other_draws=True)
            assert found["agrees"].tolist() == [True, True, agrees, True]
            assert found["allowed"].tolist()[2:] == ["overlap"] * 2
            assert found["note"].tolist() == [""] * 2 + ["other draws"] * 2
        # Of the present draws the number is what it is.
        found = compare.compare(drawn(), drawn(value=[0.5, 0.5, 0.54, 0.5]), True)
        assert found["agrees"].tolist() == [True, True, False, True]

    def test_other_methods_are_compared_as_ever(self):
        now = drawn(value=[0.500001, 0.5, 0.5, 0.5])
        found = compare.compare(drawn(), now, True, other_draws=True)
        assert found["agrees"].tolist() == [False, True, True, True]

    def test_without_an_interval_nothing_is_asked_but_that_the_row_is_there(self):
        old = drawn(low=np.nan, high=np.nan)
        found = compare.compare(
            old, drawn(value=[0.5, 0.5, 0.9, 0.1], low=np.nan, high=np.nan), True, other_draws=True
        )
        assert found["agrees"].all()
        assert found["allowed"].tolist() == [0.0, 0.0, "any", "any"]
        found = compare.compare(old, old.iloc[:3], True, other_draws=True)
        assert found["agrees"].tolist() == [True, True, True, False]
        assert found["side"].tolist() == ["", "", "", "no row now"]

    def test_a_bin_of_draws_may_be_empty(self):
        how = {"paper": "serrano_smith", "experiment": "single", "metric": "negative"}
        bins = {"method": "attention, " + pd.Series(["drawn", "drawn", "average", "average"])}
        bins |= {"bin": ["[0, .1)", "[.1, .2)"] * 2, "low": np.nan, "high": np.nan}
        found = compare.compare(
            drawn(**how, **bins), drawn(**how, **bins).iloc[[0, 2]], True, other_draws=True
        )
        assert sorted(found["agrees"]) == [False, True, True, True]
        lost = found[~found["agrees"]].iloc[0]
        assert (lost["method"], lost["bin"]) == ("attention, average", "[.1, .2)")

    @pytest.mark.parametrize(
        ("columns", "rests"),
        [
            ({"experiment": "methods", "method": "signed random"}, True),
            ({"experiment": "depth", "method": "random", "layers": 3}, True),
            ({"experiment": "transformers", "method": "random"}, False),  # of the row's number, as before
            ({"experiment": "gradient", "method": "attention"}, False),
            (
                {"paper": "serrano_smith", "experiment": "sets", "method": "random", "metric": "excess_p95"},
                True,
            ),
            ({"paper": "serrano_smith", "experiment": "sets", "method": "greedy", "against": "random"}, True),
            (
                {
                    "paper": "serrano_smith",
                    "experiment": "sets",
                    "method": "greedy",
                    "metric": "mass_common_p05",
                },
                True,
            ),
            (
                {"paper": "serrano_smith", "experiment": "sets", "method": "greedy", "metric": "mass_own"},
                False,
            ),
            (
                {
                    "paper": "serrano_smith",
                    "experiment": "single",
                    "method": "product, released",
                    "metric": "flip_both",
                },
                True,
            ),
            (
                {
                    "paper": "serrano_smith",
                    "experiment": "single",
                    "method": "product, drawn",
                    "metric": "flips_top",
                },
                False,
            ),
            (
                {
                    "paper": "serrano_smith",
                    "experiment": "single",
                    "method": "product, average",
                    "metric": "delta_js",
                },
                False,
            ),
            (
                {"paper": "jain_wallace", "experiment": "permutation", "metric": "random_tvd"},
                False,
            ),  # of lengths
        ],
    )
    def test_what_rests_on_draws(self, columns, rests):
        assert compare.of_draws(drawn(**columns)[:1]).tolist() == [rests]

    @pytest.mark.slow
    def test_every_line_of_the_table_is_about_recorded_numbers(self):
        for globs in compare.DRAWN:
            for experiment in globs["experiment"].split("|"):
                table = results.read_recorded(
                    results.recorded_table(results.RECORDED, globs["paper"], experiment)
                )
                found = compare.of_draws(table)
                assert len(compare.matching(table, globs | {"experiment": experiment}))
                assert 0 < found.mean() < 0.7
