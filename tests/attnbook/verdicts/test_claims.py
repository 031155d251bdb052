"""Claims: the numbers that they are about, on fabricated tables, how a page shows them; the page itself."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from attnbook.verdicts import cells, claims
from attnbook.verdicts.claims import CLAIMS, Claim
from tests.attnbook.verdicts import made

WEAK = Claim("τ below .5", ("tau",), "<", 0.5)


def rows(values, **columns):
    return made.rows("tau", values, **columns)


def verdict(table, claim=WEAK):
    return claims.judge(claims.cells(table, claim), claim).verdict


@pytest.mark.parametrize(
    ("metric", "values", "kept"),
    [
        # A mean over texts: classes stand in where only they are printed.
        ("tau", {"all": 0.5, "a": 0.4, "b": 0.6}, ["all"]),
        ("tau", {"a": 0.4, "b": 0.6}, ["a", "b"]),
        # Of one class: a mean over classes is another measure, be there a row that says so or not.
        ("f1", {"all": np.nan, "a": 0.4, "b": 0.6, "c": 0.5}, ["all"]),
        ("f1", {"a": 0.4, "b": 0.6, "c": 0.5}, []),
        ("precision", {"a": 0.4, "b": 0.6}, []),
        ("recall", {"a": 0.4, "b": 0.6, "c": 0.5}, []),
        # Asked for by its name, a class is no mean.
        ("recall", {"b": 0.6}, ["b"]),
        ("f1", {"all": 0.7, "b": 0.6}, ["all"]),
    ],
)
def test_a_mean_over_classes_is_no_number_where_the_measure_has_none(metric, values, kept):
    table = pd.DataFrame({"class": values.keys(), "value": values.values()})
    table = table.assign(dataset="five", seed=0, metric=metric)
    assert cells.overall(table)["class"].tolist() == kept
    defined = [values[name] for name in kept if not np.isnan(values[name])]
    assert claims.spread(table, metric)["value"].tolist() == ([np.mean(defined)] if defined else [])


class TestClaim:
    def test_what_is_no_relation_or_time_is_named(self):
        with pytest.raises(ValueError, match="relation '=' of 'τ below .5' is none of"):
            replace(WEAK, relation="=")
        with pytest.raises(ValueError, match="written 'later' of 'τ below .5' is none of"):
            replace(WEAK, written="later")

    def test_claims_that_were_written_after_their_data_are_marked(self):
        after = {name: claim.commit for name, claim in CLAIMS.items() if claim.written == "after"}
        assert after.pop("best_guide") == "33decfe"
        assert after.pop("one_model_like_a_seed") == after.pop("one_model_like_a_seed_on_sst") == "0f6be2f"
        assert set(after) == {
            "top_item_matters",
            "better_than_random",
            "contextualised",
            "adversarial_guide",
            "transformer_depth",
        }
        first = [claim for claim in CLAIMS.values() if claim.paper == "jain_wallace"]
        assert {(claim.written, claim.commit) for claim in first} == {("before", "5ea393a")}
        assert all(claim.commit and claim.section and claim.measure for claim in CLAIMS.values())


class TestCells:
    def test_conditions_select_and_a_missing_column_is_no_result(self):
        table = pd.concat([rows({"a": [0.1]}, encoder="bilstm"), rows({"a": [0.9]}, encoder="average")])
        found = claims.cells(table, replace(WEAK, where={"encoder": "bilstm"}))
        assert found["value"].tolist() == [0.1]
        # Two encoders are two models, two methods are not.
        assert len(claims.cells(table, WEAK)) == 2
        with pytest.raises(ValueError, match=r"several values for one number of 'τ below .5' \(dataset a, "):
            claims.cells(table.assign(encoder="bilstm"), WEAK)
        assert verdict(table, replace(WEAK, where={"method": "x"})) == "not run"

    def test_classes_count_where_all_texts_have_no_number_and_an_undefined_one_is_none(self):
        split = [rows({"b": [value]}, **{"class": name}) for name, value in {"no": 0.1, "yes": 0.9}.items()]
        part = rows({"a": [0.9]}, **{"class": "yes"})
        table = pd.concat([rows({"a": [0.1, np.nan]}), part, *split], ignore_index=True)
        found = claims.cells(table, WEAK).dropna(subset="value")[["dataset", "value"]].to_numpy().tolist()
        assert found == [["a", 0.1], ["b", 0.1], ["b", 0.9]]
        assert claims.spread(table, "tau")["value"].tolist() == [0.1, 0.5]

    def test_a_difference_is_of_the_same_data_set_and_seed(self):
        average = rows({"a": [0.7, 0.1], "b": [0.9]}, encoder="average")
        table = pd.concat([average, rows({"a": [0.3, 0.4], "c": [0.1]}, encoder="bilstm")], ignore_index=True)
        higher = Claim("higher", ("tau",), ">", 0, {"encoder": "average"}, {"encoder": "bilstm"})
        found = claims.cells(table, higher)
        assert found["value"].tolist() == pytest.approx([0.4, -0.3])
        # One encoder alone, or both but on no data set.
        for part in (average, table[table["dataset"] != "a"]):
            assert verdict(part, higher) == "not run"

    def test_few_texts_are_no_number_and_without_one_a_claim_is_open(self):
        large = replace(WEAK, where={"bin": ("high",)}, fewest=10)
        table = rows({"a": [0.1, 0.2], "b": [0.9], "c": [0.8]}, bin="high", n=[10, 9, 30, 9])
        assert claims.cells(table, large)["value"].dropna().tolist() == [0.1, 0.9]
        assert claims.cells(table.drop(columns="n"), large)["value"].notna().all()
        assert verdict(table.assign(n=9), large) == "open"


class TestRow:
    def test_it_says_what_the_verdict_rests_on(self):
        shown = claims.row(claims.cells(rows({"a": [0.1, 0.14], "b": [0.2], "c": [0.26, 0.3]}), WEAK), WEAK)
        assert (shown["data sets"], shown["seeds"], shown["mean"]) == ("3", "1 to 2", "0.20")
        assert re.fullmatch(r"−0\.\d\d to 0\.\d\d|0\.\d\d to 0\.\d\d", shown["95 % interval"])
        assert (shown["bound"], shown["verdict"]) == ("< 0.5", "holds")

    def test_two_data_sets_have_a_mean_and_no_interval_and_none_has_neither(self):
        shown = claims.row(claims.cells(rows({"a": [0.1], "b": [0.3]}), WEAK), WEAK)
        assert (shown["mean"], shown["95 % interval"], shown["verdict"]) == ("0.20", "", "open")
        shown = claims.row(claims.cells(rows({}), WEAK), WEAK)
        assert (shown["data sets"], shown["mean"], shown["verdict"]) == ("0", "", "not run")

    def test_a_claim_about_one_data_set_says_so(self):
        alone = replace(WEAK, where={"dataset": "sst"})
        shown = claims.row(claims.cells(rows({"sst": [0.1, 0.2, 0.1, 0.15, 0.12]}), alone), alone)
        assert (shown["data sets"], shown["seeds"], shown["verdict"]) == ("SST alone", "5", "holds")


class TestWords:
    def test_a_spread_is_over_seeds(self):
        table = pd.concat([rows({"a": [0.1, 0.3], "b": [0.5]}, bin=name) for name in "xy"])
        found = claims.spread(table, "tau")
        spread = found.loc["a", ["value", "low", "high", "n_seeds"]]
        assert spread.tolist() == pytest.approx([0.2, 0.1, 0.3, 2])

    def test_theirs_stand_beside_every_data_set_of_ours(self):
        ours = pd.concat([rows({"a": [0.1]}, encoder="x"), rows({"b": [0.2, 0.4]}, encoder="y")])
        theirs = rows({"b": [0.7], "c": [0.8]}, encoder="y")
        columns = {name: {"metric": "tau", "encoder": name} for name in "xy"}
        drawn = claims.compared(ours, theirs, columns)
        assert drawn["dataset"].tolist() == ["a", "b"]
        assert drawn["published"].fillna(-1).tolist() == [-1, 0.7]
        assert claims.compared(rows({}), theirs, columns).empty

    def test_numbers_and_counts(self):
        for value, text in ((0.126, "0.13"), (-0.126, "−0.13"), (-0.001, "0.00")):
            assert claims.number(value) == text
        assert claims.number(float("nan")) == "(no result yet)"
        for counts, text in (([], ""), ([2, 2], "2"), ([3, 1, 2], "1 to 3")):
            assert claims.least_to_most(pd.Series(counts, dtype=int)) == text
