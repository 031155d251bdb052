"""Claims: verdicts on fabricated tables in which a claim holds, differs or was not run; the page itself."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from attnbook.runs import record, results
from attnbook.verdicts import cells, claims
from attnbook.verdicts.claims import Reading
from tests.attnbook.verdicts import made
from tests.attnbook.verdicts.pages import execute, jain_wallace

WEAK = Reading("τ below .5", ("tau",), "<", 0.5)


def rows(values, **columns):
    return made.rows("tau", values, **columns)


def verdict(values, reading=WEAK):
    return claims.verdict(rows(values), reading)


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


class TestVerdict:
    @pytest.mark.parametrize(
        ("values", "word"),
        [
            ({"a": [0.1], "b": [0.2], "c": [0.3]}, "holds"),
            ({"a": [0.6], "b": [0.7], "c": [0.8]}, "differs"),
            ({"a": [0.1], "b": [0.2], "c": [0.8]}, "undecided"),
            ({"a": [0.1], "b": [0.2], "c": [0.3], "d": [0.8]}, "holds"),
            ({"a": [0.1], "b": [0.6], "c": [0.7], "d": [0.8]}, "differs"),
            ({"a": [0.1], "b": [0.2]}, "undecided"),
            ({}, "not run"),
            # 10 of 12 models, but two of four data sets.
            ({"a": [0.1] * 5, "b": [0.2] * 5, "c": [0.8], "d": [0.9]}, "undecided"),
            # A mean of 9 × 1/12 is .75 up to rounding: it reaches the threshold.
            ({name: [0.1] * 3 + [0.9] for name in "abcdefghi"}, "holds"),
        ],
    )
    def test_it_follows_from_the_share_of_data_sets(self, values, word):
        assert verdict(values) == word

    def test_a_seed_in_which_it_fails_counts_in_part(self):
        found = claims.cells(rows({"a": [0.1, 0.2, 0.9], "b": [0.1], "c": [0.9]}), WEAK)
        assert claims.shares(found).tolist() == pytest.approx([2 / 3, 1, 0])
        assert claims.count(found) == "on 1 of 3 data sets, in part on 1"

    @pytest.mark.parametrize(("relation", "holds"), [("<", False), ("≤", True), (">", False), ("≥", True)])
    def test_a_bound_belongs_to_where_its_relation_puts_it(self, relation, holds):
        found = claims.cells(rows({"a": [0.5]}), replace(WEAK, relation=relation))
        assert found["holds"].tolist() == [holds]

    def test_an_unknown_relation_or_verdict_is_named(self):
        with pytest.raises(ValueError, match="relation '=' of 'τ below .5' is none of"):
            replace(WEAK, relation="=")
        with pytest.raises(ValueError, match="maybe"):
            claims.together(["maybe"])

    def test_several_together(self):
        for words, word in (("holds holds", "holds"), ("holds differs", "undecided"), ("", "not run")):
            assert claims.together(words.split()) == word
        assert claims.together(["differs", "not run"]) == "not run"


class TestCells:
    def test_conditions_select_and_a_missing_column_is_no_result(self):
        table = pd.concat([rows({"a": [0.1]}, encoder="bilstm"), rows({"a": [0.9]}, encoder="average")])
        found = claims.cells(table, replace(WEAK, where={"encoder": "bilstm"}))
        assert found["value"].tolist() == [0.1]
        with pytest.raises(ValueError, match=r"several values for one number of 'τ below .5' \(dataset a, "):
            claims.cells(table, replace(WEAK, where={"encoder": ("bilstm", "average")}))
        assert claims.verdict(table, replace(WEAK, where={"method": "x"})) == "not run"

    def test_classes_count_where_all_texts_have_no_number_and_an_undefined_one_is_no_cell(self):
        split = [rows({"b": [value]}, **{"class": name}) for name, value in {"no": 0.1, "yes": 0.9}.items()]
        part = rows({"a": [0.9]}, **{"class": "yes"})
        table = pd.concat([rows({"a": [0.1, np.nan]}), part, *split], ignore_index=True)
        found = claims.cells(table, WEAK)[["dataset", "value"]].to_numpy().tolist()
        assert found == [["a", 0.1], ["b", 0.1], ["b", 0.9]]
        assert claims.spread(table, "tau")["value"].tolist() == [0.1, 0.5]

    def test_a_difference_is_of_the_same_data_set_and_seed(self):
        average = rows({"a": [0.7, 0.1], "b": [0.9]}, encoder="average")
        table = pd.concat([average, rows({"a": [0.3, 0.4], "c": [0.1]}, encoder="bilstm")], ignore_index=True)
        reading = Reading("higher", ("tau",), ">", 0, {"encoder": "average"}, {"encoder": "bilstm"})
        found = claims.cells(table, reading)
        assert found["value"].tolist() == pytest.approx([0.4, -0.3])
        assert found["holds"].tolist() == [True, False]
        # One encoder alone, or both but on no data set.
        for part in (average, table[table["dataset"] != "a"]):
            assert claims.verdict(part, reading) == "not run"

    def test_few_texts_are_no_cell_and_no_text_is_undecided(self):
        reading = replace(WEAK, where={"bin": ("high",)}, fewest=10)
        table = rows({"a": [0.1, 0.2], "b": [0.9], "c": [0.8]}, bin="high", n=[10, 9, 30, 9])
        assert claims.cells(table, reading)["value"].tolist() == [0.1, 0.9]
        assert len(claims.cells(table.drop(columns="n"), reading)) == 4
        other = table.assign(bin="low")
        assert claims.verdict(other, reading) == "undecided"
        report = claims.report([reading], {"ours": other}, rows({}))
        assert report == "- *τ below .5:* **undecided**, as no number meets its conditions."


FOUR = {"a": [0.1], "b": [0.2], "c": [0.3], "d": [0.4]}


class TestBounds:
    @pytest.mark.parametrize(
        ("relation", "bound", "limits", "words"),
        [
            # Three of four hold from .3 on.
            ("<", 0.5, (0.3, np.inf), {0.31: "holds", 9: "holds", 0.29: "undecided"}),
            ("<", 0.25, (0.2, 0.3), {0.21: "undecided", 0.29: "undecided", 0.2: "differs"}),
            # Above .35 holds one, then none: differs in both; from below .3 on two.
            (">", 0.35, (0.3, np.inf), {0.35: "differs"}),
        ],
    )
    def test_the_verdict_is_the_same_exactly_between_them(self, relation, bound, limits, words):
        reading = replace(WEAK, relation=relation, bound=bound)
        assert claims.same_verdict(rows(FOUR), reading) == limits
        for other, word in words.items():
            assert verdict(FOUR, replace(reading, bound=other)) == word

    def test_in_words(self):
        ends = [(0.2, 0.3), (-np.inf, 0.3), (0.2, np.inf), (-np.inf, np.inf), (np.nan, np.nan)]
        words = ["0.20 to 0.30", "up to 0.30", "from 0.20", "any", ""]
        assert [claims.between(low, high) for low, high in ends] == words
        assert np.isnan(claims.same_verdict(rows({}), WEAK)).all()


def test_the_overview_counts_what_the_verdict_counts():
    readings = {"1": [WEAK], "2": [replace(WEAK, words="none", metrics=("other",))]}
    ours = {"ours": rows({"a": [0.1, 0.9], "b": [0.2], "c": [0.3]}), "other": rows({"a": [0.9]})}
    theirs = rows({"a": [0.9], "b": [0.9], "c": [0.9]})
    first, second = claims.overview(readings, ours, theirs).to_dict("records")
    assert (first["claim"], first["data sets"], first["models"]) == ("1", 3, 4)
    assert first["share"] == pytest.approx(2.5 / 3)
    assert (first["verdict"], first["other"], first["by their numbers"]) == ("holds", "undecided", "differs")
    assert (second["data sets"], second["verdict"], second["by their numbers"]) == (0, "not run", "not run")


def test_the_report_says_what_the_verdict_rests_on():
    ours = {"ours": rows({"a": [0.1], "b": [0.2], "c": [0.3]}), "other": rows({})}
    report = claims.report([WEAK, replace(WEAK, metrics=("x",))], ours, rows({"a": [0.9]}))
    assert report.splitlines() == [
        "- *τ below .5:* **holds**, on 3 of 3 data sets; other: not run. "
        "By the published numbers: undecided, on none of 1 data set.",
        "- *τ below .5:* **not run**; other: not run.",
    ]


class TestWords:
    def test_a_spread_is_over_seeds(self):
        table = pd.concat([rows({"a": [0.1, 0.3], "b": [0.5]}, bin=name) for name in "xy"])
        found = claims.spread(table, "tau")
        spread = found.loc["a", ["value", "low", "high", "n_seeds"]]
        assert spread.tolist() == pytest.approx([0.2, 0.1, 0.3, 2])
        assert claims.in_words(found).to_dict() == {"a": "0.20 (0.10 to 0.30)", "b": "0.50"}

    def test_columns_side_by_side_have_a_row_for_every_data_set_of_ours(self):
        ours = pd.concat([rows({"a": [0.1]}, encoder="x"), rows({"b": [0.2, 0.4]}, encoder="y")])
        theirs = rows({"b": [0.7], "c": [0.8]}, encoder="y")
        columns = {name: {"metric": "tau", "encoder": name} for name in "xy"}
        table = claims.beside(ours, theirs, columns)
        assert list(table) == ["data set", "seeds", "x", "y", "y, theirs"]
        first, second = table.to_numpy().tolist()
        assert (first, second) == (["a", 1, "0.10", "", ""], ["b", 2, "", "0.30 (0.20 to 0.40)", "0.70"])
        drawn = claims.compared(ours, theirs, columns)
        assert drawn["dataset"].tolist() == ["a", "b"]
        assert drawn["published"].fillna(-1).tolist() == [-1, 0.7]
        for side_by_side in (claims.beside, claims.compared):
            assert side_by_side(rows({}), theirs, columns).empty

    def test_ends_numbers_and_counts(self):
        assert claims.ends(pd.Series({"a": 0.5, "b": 0.1, "c": np.nan})) == "between 0.10 (b) and 0.50 (a)"
        assert claims.ends(pd.Series({"a": 0.5})) == "0.50 (a)"
        assert claims.ends(pd.Series({"a": -0.5, "b": -0.001})) == "between −0.50 (a) and 0.00 (b)"
        for value, text in ((0.126, "0.13"), (-0.126, "−0.13"), (-0.001, "0.00")):
            assert claims.number(value) == text
        assert claims.ends(pd.Series(dtype=float)) == claims.number(float("nan")) == "(no result yet)"
        for counts, text in (([], ""), ([2, 2], "2"), ([3, 1, 2], "1 to 3")):
            assert claims.least_to_most(pd.Series(counts, dtype=int)) == text


def test_the_selected_epoch_is_the_one_of_its_run():
    table = pd.DataFrame({"run": [*"111122"], "epoch": [1, 1, 2, 2, 1, 1], "metric": ["selected", "tau"] * 3})
    kept = claims.at_selected(table.assign(value=[0.0, 0.1, 1.0, 0.2, 1.0, 0.3]))
    assert kept.loc[kept["metric"] == "tau", "value"].tolist() == [0.2, 0.3]


def sweep(folder, tau):
    """A sweep in which BiLSTMs have `tau` and average encoders .7."""
    for dataset in ("sst", "imdb", "20news_sports"):
        for seed in (0, 1):
            jain_wallace(folder, tau + seed / 50, dataset=dataset, seed=seed)
            jain_wallace(folder, 0.7, dataset=dataset, seed=seed, encoder="average")


@pytest.mark.slow
def test_the_page_follows_the_results(tmp_path):
    sweep(tmp_path / "old", 0.2)
    record.record(tmp_path / "old", tmp_path / "recorded")
    # The same models made again, and more alike than weak.
    sweep(tmp_path / "new", 0.6)
    recorded = {"recorded": str(tmp_path / "recorded")}
    cases = {"none": {"recorded": str(tmp_path / "nowhere")}, "recorded": recorded}
    cases["fresh"] = recorded | {"fresh": str(tmp_path / "new")}
    pages = {name: execute("jain_wallace/claims", tmp_path / name, **case) for name, case in cases.items()}
    found = {name: results.read(tmp_path / name / "claims.csv")["verdict"].tolist() for name in cases}
    assert set(found["none"]) == {"not run"}
    # Claims 1 (three readings), 1b, 1c, 2 (two) and 3 (two).
    last = ["holds", "differs", "holds", "differs"]
    assert found["recorded"] == ["holds", "holds", "holds", "holds", "holds", *last]
    assert found["fresh"] == ["differs", "holds", "holds", "differs", "holds", *last]
    assert "**not run**" in pages["none"].words
    assert "**holds**, on 3 of 3 data sets" in pages["recorded"].words
    assert "**differs**, on none of 3 data sets" in pages["fresh"].words
    assert "The premises together: undecided" in pages["fresh"].words
    # The second epoch, in which τ is by .02 higher than in the main grid: the mean of .22 and .24.
    kept = "the BiLSTM's mean τ of attention and gradient is between 0.23 (20 Newsgroups, corpus)"
    assert kept in pages["recorded"].words
    # A number glued as numpy's cannot be formatted on the page.
    assert "np.float64" not in pages["recorded"].whole
    assert not any(re.search(r"\bnan\b", page.words) for page in pages.values())
