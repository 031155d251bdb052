"""Claims: verdicts on fabricated tables in which a claim holds, differs or was not run; the page itself."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attnbook.runs import results
from attnbook.verdicts import cells, claims
from attnbook.verdicts.claims import Reading
from attnlib.tables import summaries

ROOT = Path(__file__).parents[3]
WEAK = Reading("τ below .5", ("tau",), "<", 0.5)


def rows(values: dict[str, list[float]], **columns: object) -> pd.DataFrame:
    """One row per data set and seed of the metric "tau", for all texts, unless `columns` say otherwise."""
    found = [
        {"dataset": name, "seed": seed, "metric": "tau", "class": "all", "value": value}
        for name, seeds in values.items()
        for seed, value in enumerate(seeds)
    ]
    return pd.DataFrame(found, columns=["dataset", "seed", "metric", "class", "value"]).assign(**columns)


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
    table = pd.DataFrame(
        [("five", 0, metric, name, value) for name, value in values.items()],
        columns=["dataset", "seed", "metric", "class", "value"],
    )
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
        ],
    )
    def test_it_follows_from_the_share_of_data_sets(self, values, word):
        assert claims.verdict(rows(values), WEAK) == word

    def test_a_data_set_with_more_seeds_counts_no_more(self):
        # 10 of 12 models, but two of four data sets.
        table = rows({"a": [0.1] * 5, "b": [0.2] * 5, "c": [0.8], "d": [0.9]})
        assert claims.shares(claims.cells(table, WEAK)).mean() == 0.5
        assert claims.verdict(table, WEAK) == "undecided"

    def test_a_seed_in_which_it_fails_counts_in_part(self):
        found = claims.cells(rows({"a": [0.1, 0.2, 0.9], "b": [0.1], "c": [0.9]}), WEAK)
        assert claims.shares(found).tolist() == pytest.approx([2 / 3, 1, 0])
        assert claims.count(found) == "on 1 of 3 data sets, in part on 1"

    def test_a_share_of_exactly_the_threshold_reaches_it(self):
        # A mean of 9 × 1/12 is .75 up to rounding.
        table = rows({name: [0.1] * 3 + [0.9] for name in "abcdefghi"})
        assert claims.verdict(table, WEAK) == "holds"

    @pytest.mark.parametrize(("relation", "holds"), [("<", False), ("≤", True), (">", False), ("≥", True)])
    def test_a_bound_belongs_to_where_its_relation_puts_it(self, relation, holds):
        reading = dataclasses.replace(WEAK, relation=relation)
        assert claims.cells(rows({"a": [0.5]}), reading)["holds"].tolist() == [holds]

    def test_an_unknown_relation_is_named(self):
        with pytest.raises(ValueError, match="relation '=' of 'τ below .5' is none of"):
            dataclasses.replace(WEAK, relation="=")

    def test_several_together(self):
        assert claims.together(["holds", "holds"]) == "holds"
        assert claims.together(["holds", "differs"]) == "undecided"
        assert claims.together(["differs", "not run"]) == "not run"
        assert claims.together([]) == "not run"
        with pytest.raises(ValueError, match="maybe"):
            claims.together(["maybe"])


class TestCells:
    def test_conditions_select_and_a_missing_column_is_no_result(self):
        table = pd.concat(
            [rows({"a": [0.1]}, encoder="bilstm"), rows({"a": [0.9]}, encoder="average")], ignore_index=True
        )
        reading = dataclasses.replace(WEAK, where={"encoder": "bilstm"})
        assert claims.cells(table, reading)["value"].tolist() == [0.1]
        either = dataclasses.replace(WEAK, where={"encoder": ("bilstm", "average")})
        with pytest.raises(ValueError, match=r"several values for one number of 'τ below .5' \(dataset a, "):
            claims.cells(table, either)
        assert claims.verdict(table, dataclasses.replace(WEAK, where={"method": "x"})) == "not run"

    def test_an_undefined_value_is_no_cell(self):
        assert claims.cells(rows({"a": [np.nan, 0.2]}), WEAK)["value"].tolist() == [0.2]

    def test_classes_count_where_all_texts_have_no_number(self):
        split = [rows({"b": [value]}, **{"class": name}) for name, value in {"no": 0.1, "yes": 0.9}.items()]
        part = rows({"a": [0.9]}, **{"class": "yes"})
        table = pd.concat([rows({"a": [0.1]}), part, *split], ignore_index=True)
        found = claims.cells(table, WEAK)
        assert found[["dataset", "value"]].to_numpy().tolist() == [["a", 0.1], ["b", 0.1], ["b", 0.9]]
        assert claims.spread(table, "tau")["value"].tolist() == [0.1, 0.5]

    def test_a_difference_is_of_the_same_data_set_and_seed(self):
        table = pd.concat(
            [
                rows({"a": [0.7, 0.1], "b": [0.9]}, encoder="average"),
                rows({"a": [0.3, 0.4], "c": [0.1]}, encoder="bilstm"),
            ],
            ignore_index=True,
        )
        reading = Reading("higher", ("tau",), ">", 0, {"encoder": "average"}, {"encoder": "bilstm"})
        found = claims.cells(table, reading)
        assert found["value"].tolist() == pytest.approx([0.4, -0.3])
        assert found["holds"].tolist() == [True, False]
        alone = table[table["encoder"] == "average"]
        assert claims.verdict(alone, reading) == "not run"
        # Both encoders ran, but on no data set both.
        assert claims.verdict(table[table["dataset"] != "a"], reading) == "not run"

    def test_few_texts_are_no_cell_and_no_text_is_undecided(self):
        reading = dataclasses.replace(WEAK, where={"bin": ("high",)}, fewest=10)
        table = rows({"a": [0.1, 0.2], "b": [0.9], "c": [0.8]}, bin="high", n=[10, 9, 30, 9])
        assert claims.cells(table, reading)["value"].tolist() == [0.1, 0.9]
        unknown = table.drop(columns="n")
        assert len(claims.cells(unknown, reading)) == 4
        other = table.assign(bin="low")
        assert claims.verdict(other, reading) == "undecided"
        report = claims.report([reading], {"ours": other}, rows({}))
        assert report == "- *τ below .5:* **undecided**, as no number meets its conditions."


class TestBounds:
    TABLE = rows({"a": [0.1], "b": [0.2], "c": [0.3], "d": [0.4]})

    def test_the_verdict_is_the_same_exactly_between_them(self):
        # Three of four hold from .3 on.
        low, high = claims.same_verdict(self.TABLE, WEAK)
        assert (low, high) == (0.3, np.inf)
        for bound, word in {0.31: "holds", 9: "holds", 0.29: "undecided"}.items():
            assert claims.verdict(self.TABLE, dataclasses.replace(WEAK, bound=bound)) == word

    def test_on_both_sides(self):
        reading = dataclasses.replace(WEAK, bound=0.25)
        low, high = claims.same_verdict(self.TABLE, reading)
        assert (low, high) == (0.2, 0.3)
        for bound in (0.21, 0.29):
            assert claims.verdict(self.TABLE, dataclasses.replace(WEAK, bound=bound)) == "undecided"
        assert claims.verdict(self.TABLE, dataclasses.replace(WEAK, bound=0.2)) == "differs"

    def test_the_nearest_change_counts(self):
        # Above .5 hold one, then none: differs in both; from below .2 on two.
        reading = Reading("over", ("tau",), ">", 0.35)
        assert claims.same_verdict(self.TABLE, reading) == (0.3, np.inf)
        assert claims.verdict(self.TABLE, reading) == "differs"

    @pytest.mark.parametrize(
        ("low", "high", "words"),
        [
            (0.2, 0.3, "0.20 to 0.30"),
            (-np.inf, 0.3, "up to 0.30"),
            (0.2, np.inf, "from 0.20"),
            (-np.inf, np.inf, "any"),
            (np.nan, np.nan, ""),
        ],
    )
    def test_in_words(self, low, high, words):
        assert claims.between(low, high) == words

    def test_without_cells(self):
        assert np.isnan(claims.same_verdict(rows({}), WEAK)).all()


def test_the_overview_counts_what_the_verdict_counts():
    readings = {"1": [WEAK], "2": [dataclasses.replace(WEAK, words="none", metrics=("other",))]}
    ours = {"ours": rows({"a": [0.1, 0.9], "b": [0.2], "c": [0.3]}), "other": rows({"a": [0.9]})}
    theirs = rows({"a": [0.9], "b": [0.9], "c": [0.9]})
    first, second = claims.overview(readings, ours, theirs).to_dict("records")
    assert (first["claim"], first["data sets"], first["models"]) == ("1", 3, 4)
    assert first["share"] == pytest.approx(2.5 / 3)
    assert (first["verdict"], first["other"], first["by their numbers"]) == ("holds", "undecided", "differs")
    assert (second["data sets"], second["verdict"], second["by their numbers"]) == (0, "not run", "not run")


def test_the_report_says_what_the_verdict_rests_on():
    ours = {"ours": rows({"a": [0.1], "b": [0.2], "c": [0.3]}), "other": rows({})}
    report = claims.report([WEAK, dataclasses.replace(WEAK, metrics=("x",))], ours, rows({"a": [0.9]}))
    assert report.splitlines() == [
        "- *τ below .5:* **holds**, on 3 of 3 data sets; other: not run. "
        "By the published numbers: undecided, on none of 1 data set.",
        "- *τ below .5:* **not run**; other: not run.",
    ]


class TestWords:
    def test_a_spread_is_over_seeds(self):
        table = pd.concat(
            [rows({"a": [0.1, 0.3], "b": [0.5]}, bin=name, class_="all") for name in "xy"], ignore_index=True
        )
        found = claims.spread(table, "tau")
        spread = found.loc["a", ["value", "low", "high", "n_seeds"]]
        assert spread.tolist() == pytest.approx([0.2, 0.1, 0.3, 2])
        assert claims.in_words(found).to_dict() == {"a": "0.20 (0.10 to 0.30)", "b": "0.50"}

    def test_columns_side_by_side_have_a_row_for_every_data_set_of_ours(self):
        ours = pd.concat(
            [rows({"a": [0.1]}, encoder="x"), rows({"b": [0.2, 0.4]}, encoder="y")], ignore_index=True
        )
        theirs = rows({"b": [0.7], "c": [0.8]}, encoder="y")
        columns = {name: {"metric": "tau", "encoder": name} for name in "xy"}
        table = claims.beside(ours, theirs, columns)
        assert list(table) == ["data set", "seeds", "x", "y", "y, theirs"]
        assert table.to_numpy().tolist() == [
            ["a", 1, "0.10", "", ""],
            ["b", 2, "", "0.30 (0.20 to 0.40)", "0.70"],
        ]
        drawn = claims.compared(ours, theirs, columns)
        assert drawn["dataset"].tolist() == ["a", "b"]
        assert drawn["published"].fillna(-1).tolist() == [-1, 0.7]

    def test_nothing_is_an_empty_table_and_says_so(self):
        columns = {"x": {"metric": "tau"}}
        assert claims.beside(rows({}), rows({"c": [0.8]}), columns).empty
        assert claims.compared(rows({}), rows({"c": [0.8]}), columns).empty
        assert claims.ends(pd.Series(dtype=float)) == claims.number(float("nan")) == "(no result yet)"

    def test_ends(self):
        assert claims.ends(pd.Series({"a": 0.5, "b": 0.1, "c": np.nan})) == "between 0.10 (b) and 0.50 (a)"
        assert claims.ends(pd.Series({"a": 0.5})) == "0.50 (a)"
        assert claims.ends(pd.Series({"a": -0.5, "b": -0.001})) == "between −0.50 (a) and 0.00 (b)"

    @pytest.mark.parametrize(
        ("value", "text"),
        [(0.126, "0.13"), (-0.126, "−0.13"), (-0.001, "0.00"), (float("nan"), "(no result yet)")],
    )
    def test_numbers_in_words(self, value, text):
        assert claims.number(value) == text

    @pytest.mark.parametrize(("counts", "text"), [([], ""), ([2, 2], "2"), ([3, 1, 2], "1 to 3")])
    def test_counts_in_words(self, counts, text):
        assert claims.least_to_most(pd.Series(counts, dtype=int)) == text


def test_the_selected_epoch_is_the_one_of_its_run():
    table = pd.DataFrame(
        {
            "run": ["1", "1", "1", "1", "2", "2"],
            "epoch": [1, 1, 2, 2, 1, 1],
            "metric": ["selected", "tau", "selected", "tau", "selected", "tau"],
            "value": [0.0, 0.1, 1.0, 0.2, 1.0, 0.3],
        }
    )
    kept = claims.at_selected(table)
    assert kept.loc[kept["metric"] == "tau", "value"].tolist() == [0.2, 0.3]


def fabricate(sweep: Path, dataset: str, seed: int, encoder: str, tau: float) -> None:
    """Complete runs of one model in a sweep's folder, in which every τ is `tau`."""
    run = {
        "paper": "jain_wallace",
        "dataset": dataset,
        "encoder": encoder,
        "scorer": "additive",
        "seed": seed,
    }
    extras = {"class": "all", "variant": "released", "vectors": "imdb", "n": 50}
    taus = ("tau_gradient", "tau_leave_one_out", "tau_random")
    tables = {
        "correlation": dict.fromkeys(taus, tau)
        | {"gap_gradient": 0.5 - tau, "gap_leave_one_out": 0.4 - tau}
        | {"significant_gradient": tau, "significant_leave_one_out": tau, "significant_random": 0.05},
        "permutation": {"median_tvd": 0.1, "can_flip": 0.6, "uniform_tvd": 0.2, "random_tvd": 0.2},
        "base": {"accuracy": 0.8, "accuracy_uniform": 0.7, "mean_length": 19 + len(dataset)},
    }
    tables = {name: pd.DataFrame({"metric": t.keys(), "value": t.values()}) for name, t in tables.items()}
    quartiles = [("median_tvd_q25", 0.05), ("median_tvd_q50", 0.2)]
    bins = [(*row, label) for row in quartiles for label in summaries.MAX_ATTENTION_LABELS]
    tables["permutation"] = pd.concat(
        [tables["permutation"], pd.DataFrame(bins, columns=["metric", "value", "bin"])], ignore_index=True
    )
    found = {"released search": 0.5, "exact optimum": 0.6, "uniform attention": 0.3, "random attention": 0.3}
    tables["adversary"] = pd.DataFrame(
        [
            {"metric": metric, "value": value, "method": method, "epsilon": 0.05}
            for method, jsd in found.items()
            for metric, value in {"jsd_median": jsd, "at_least_0_595": jsd - 0.2, "feasible": 0.1}.items()
        ]
    )
    epochs = [tables["correlation"].assign(epoch=epoch, value=tau + epoch / 100) for epoch in (1, 2, 3)]
    chosen = [{"metric": "selected", "value": float(epoch == 2), "epoch": epoch} for epoch in (1, 2, 3)]
    tables["initialisation"] = pd.concat([*epochs, pd.DataFrame(chosen)], ignore_index=True)
    for experiment, table in tables.items():
        folder = sweep / "jain_wallace" / experiment / f"{dataset},{encoder},{seed}"
        summary = results.validate(table.assign(**extras, experiment=experiment, **run))
        results.save_run(folder, pd.DataFrame({"text": ["0"]}), summary, {"parameters": {}})


def sweep(folder: Path, tau: float, *datasets: str) -> Path:
    """A sweep in which BiLSTMs have `tau` and average encoders .7."""
    for dataset in datasets:
        for seed in (0, 1):
            fabricate(folder, dataset, seed, "bilstm", tau + seed / 50)
            fabricate(folder, dataset, seed, "average", 0.7)
    return folder


def keep(runs: Path, folder: Path) -> Path:
    """Recorded tables of a sweep."""
    for experiment in ("base", "correlation", "permutation", "adversary", "initialisation"):
        parts = results.read_runs(runs, "jain_wallace", experiment).values()
        results.write(pd.concat(parts, ignore_index=True), folder / f"jain_wallace/{experiment}.csv")
    return folder


def outputs(path: Path) -> str:
    """Everything that the cells of an executed notebook show as text."""
    cells = json.loads(path.read_text())["cells"]
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return "\n".join("".join(data.get("text/markdown", [])) for data in shown)


@pytest.mark.slow
def test_the_page_follows_the_results(tmp_path):
    from attnbook.runs import run

    source = ROOT / "notebooks/jain_wallace/claims.py"
    recorded = keep(sweep(tmp_path / "old", 0.2, "sst", "imdb", "20news_sports"), tmp_path / "recorded")
    # The same models made again, and more alike than weak.
    fresh = sweep(tmp_path / "new", 0.6, "sst", "imdb", "20news_sports")
    cases = {
        "none": {"recorded": str(tmp_path / "nowhere")},
        "recorded": {"recorded": str(recorded)},
        "fresh": {"recorded": str(recorded), "fresh": str(fresh)},
    }
    found = {}
    for name, values in cases.items():
        run.run(source, tmp_path / f"{name}.ipynb", values | {"output": str(tmp_path / name)})
        found[name] = results.read(tmp_path / name / "claims.csv")["verdict"].tolist()
    assert set(found["none"]) == {"not run"}
    # Claims 1 (three readings), 1b, 1c, 2 (two) and 3 (two).
    last = ["holds", "differs", "holds", "differs"]
    assert found["recorded"] == ["holds", "holds", "holds", "holds", "holds", *last]
    assert found["fresh"] == ["differs", "holds", "holds", "differs", "holds", *last]
    pages = {name: outputs(tmp_path / f"{name}.ipynb") for name in cases}
    assert "**not run**" in pages["none"]
    assert "**holds**, on 3 of 3 data sets" in pages["recorded"]
    assert "**differs**, on none of 3 data sets" in pages["fresh"]
    assert "The premises together: undecided" in pages["fresh"]
    # The second epoch, in which τ is by .02 higher than in the main grid: the mean of .22 and .24.
    kept = "the BiLSTM's mean τ of attention and gradient is between 0.23 (20 Newsgroups, imdb)"
    assert kept in pages["recorded"]
    # A number glued as numpy's cannot be formatted on the page.
    assert "np.float64" not in (tmp_path / "recorded.ipynb").read_text()
    assert not any(re.search(r"\bnan\b", page) for page in pages.values())
