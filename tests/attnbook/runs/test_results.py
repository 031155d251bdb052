"""Tables: intervals, the schema, whole files."""

import json
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from attnbook.runs import results
from attnlib import statistics
from attnlib.tables import summaries

RUN = dict(paper="p", experiment="e", dataset="d", encoder="bilstm", scorer="additive", seed=0)


def frame(n: int = 50) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame({"predicted": generator.choice(["no", "yes"], n), "jsd": generator.random(n)})


def test_bootstrap_interval_agrees_with_scipy():
    values = np.random.default_rng(1).exponential(size=300)
    expected = bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    assert statistics.bootstrap_mean(values) == pytest.approx(tuple(expected), abs=0.02)
    assert np.isnan(statistics.bootstrap_mean(np.ones(1))).all()


def test_summary_leaves_undefined_texts_out_and_counts_them():
    table = frame().assign(jsd=lambda f: f["jsd"].where(f.index > 4))
    summary = summaries.summarise(table, ["jsd"]).set_index("class")
    assert summary.loc["all", "n"] == 45
    assert summary.loc["all", "value"] == pytest.approx(table["jsd"].mean())
    assert summary.loc["no", "n"] + summary.loc["yes", "n"] == 45
    assert summary.loc["all", "low"] < summary.loc["all", "value"] < summary.loc["all", "high"]


def test_a_metric_without_any_value_is_nan_not_an_error():
    summary = summaries.summarise(frame().assign(jsd=np.nan), ["jsd"])
    assert summary["value"].isna().all()
    assert (summary["n"] == 0).all()


@pytest.mark.parametrize(
    ("values", "mean", "n"),
    [
        ([1.0, np.nan, 3.0], 2.0, 2),
        ([np.nan], None, 0),
        ([], None, 0),
        ([np.nan, 0.0], 0.0, 1),
        ([2], 2.0, 1),
    ],
)
def test_a_mean_is_of_what_there_is_and_says_of_how_many(values, mean, n):
    found = statistics.mean_with_interval(np.array(values, dtype=object))
    assert found[0] == pytest.approx(np.nan if mean is None else mean, nan_ok=True)
    assert found[3] == n


def test_what_is_not_defined_has_a_row_that_says_so():
    table = summaries.undefined(["f1", "jsd"], method="exact optimum")
    assert table["n"].tolist() == [0, 0]
    assert table[["value", "low", "high"]].isna().all(axis=None)
    whole = pd.concat([summaries.summarise(frame(), ["jsd"]), table], ignore_index=True)
    saved = results.without_repeats(results.validate(whole.assign(**RUN)))
    assert (
        saved.loc[saved["method"] == "exact optimum", ["class", "n"]].to_numpy().tolist() == [["all", 0]] * 2
    )


def test_the_schema_comes_first_and_gaps_are_refused():
    table = results.validate(summaries.summarise(frame(), ["jsd"]).assign(**RUN))
    assert tuple(table.columns[: len(results.COLUMNS)]) == results.COLUMNS
    with pytest.raises(ValueError, match="lacks the columns.*'scorer'"):
        results.validate(table.drop(columns="scorer"))
    with pytest.raises(ValueError, match="'dataset' is empty in row 1"):
        results.validate(table.assign(dataset=["d", None, "d"]))


@pytest.mark.parametrize(
    ("column", "value"), [("value", "many"), ("seed", 0.5), ("n", 2.5), ("low", "-"), ("epoch", "last")]
)
def test_a_cell_that_is_no_number_is_named(column, value):
    table = results.validate(summaries.summarise(frame(), ["jsd"]).assign(**RUN)).assign(epoch=1)
    table[column] = table[column].astype(object)
    table.loc[2, column] = value
    with pytest.raises(ValueError, match=f"'{column}' holds {value!r} in row 2"):
        results.validate(table)


def test_the_optional_columns_have_one_order():
    table = results.validate(summaries.summarise(frame(), ["jsd"]).assign(**RUN))
    mixed = table.assign(own=1, epoch=1, epsilon=0.1, method="m", bin="b", vectors="v", variant="r")
    assert tuple(results.validate(mixed).columns) == (*results.COLUMNS, *results.OPTIONAL, "own")


def test_deviations_are_of_the_population_and_leave_undefined_texts_out():
    table = pd.DataFrame({"predicted": list("aabb"), "tau": [0.0, 1.0, 0.5, np.nan], "gap": np.nan})
    found = summaries.deviations(table, ["tau", "gap"]).set_index(["metric", "class"])
    assert found.loc[("tau_deviation", "all"), "value"] == pytest.approx(np.sqrt(1 / 6))
    assert found.loc[("tau_deviation", "a"), "value"] == 0.5
    assert found.loc[("tau_deviation", "b"), ["value", "n"]].tolist() == [0, 1]
    assert np.isnan(found.loc[("gap_deviation", "all"), "value"])
    assert found[["low", "high"]].isna().all(axis=None)


def test_quartiles_by_the_largest_weight():
    weights = [0.0, 0.2499, 0.25, 0.5, 0.75, 1.0, 1.0 + 1e-8, 0.8]
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, np.nan]
    table = pd.DataFrame({"predicted": list("aabbbbbb"), "tvd": values, "max_attention": weights})
    found = summaries.quartiles_by_max_attention(table, "tvd")
    found = found.set_index(["metric", "class", "bin"]).sort_index()
    assert found.loc[("tvd_q50", "all"), "value"].to_dict() == {
        "[0, .25)": 1.5,
        "[.25, .5)": 3.0,
        "[.5, .75)": 4.0,
        "[.75, 1]": 6.0,
    }
    assert found.loc[("tvd_q25", "b", "[.75, 1]")].tolist() == [5.5, 3]
    assert found.loc[("tvd_q75", "b", "[.75, 1]"), "value"] == 6.5
    # Class a has texts in the first bin only.
    assert found.loc[("tvd_q50", "a")].index.tolist() == ["[0, .25)"]


@pytest.mark.parametrize("weight", [1.1, -0.1, np.nan])
def test_an_impossible_weight_has_no_bin(weight):
    with pytest.raises(ValueError, match="weight of row 1 is"):
        summaries.max_attention_bin([0.5, weight])


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_files_come_back_as_written(tmp_path, name):
    table = results.validate(summaries.summarise(frame(), ["jsd"]).assign(**RUN)).replace(
        {"class": {"no": "NA", "yes": "1"}}
    )
    pd.testing.assert_frame_equal(results.read(results.write(table, tmp_path / name)), table)


def test_another_ending_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.csv, \.csv\.gz or \.parquet"):
        results.write(frame(), tmp_path / "table.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_saved_with_where_it_came_from(tmp_path):
    table = results.validate(summaries.summarise(frame(), ["jsd"]).assign(**RUN))
    results.save_run(tmp_path / "run", frame(), table, results.provenance(parameters={"seed": 0}))
    origin = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert origin["parameters"] == {"seed": 0}
    assert datetime.fromisoformat(origin["date"]).utcoffset() == timedelta(0)
    assert {"commit", "versions", "device", "threads"} <= set(origin)
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "instances.parquet",
        "provenance.json",
        "summary.csv",
    ]


def summary(value: float = 0.5, methods: tuple[str, ...] = (), **run) -> pd.DataFrame:
    """One row per method, of a run that differs from RUN as told."""
    rows = pd.DataFrame({"metric": "jsd", "class": "all", "value": value, "method": methods or [None]})
    extras = {"variant": "released", "vectors": "random", "epsilon": run.pop("epsilon", 0.01)}
    return results.validate(rows.assign(**extras, **(RUN | run)))


def save(sweep, cell: str, table: pd.DataFrame):
    """Put a summary where a sweep would."""
    folder = sweep / table["paper"].iloc[0] / table["experiment"].iloc[0] / cell
    return results.write(table, folder / "summary.csv")


def keep(folder, *tables: pd.DataFrame) -> None:
    """Put summaries where recorded ones lie, each as a run of its own."""
    named = [table.assign(run=f"r{number}") for number, table in enumerate(tables)]
    results.write(pd.concat(named), folder / "p" / "e.csv")


def test_recorded_results_alone(tmp_path):
    keep(tmp_path / "kept", summary(), summary(seed=1))
    table = results.recorded("p", "e", fresh=tmp_path / "sweep", folder=tmp_path / "kept")
    assert table["origin"].tolist() == ["recorded", "recorded"]
    pd.testing.assert_frame_equal(results.recorded("p", "e", folder=tmp_path / "kept"), table)


def test_fresh_results_alone(tmp_path):
    save(tmp_path, "a", summary(seed=1))
    save(tmp_path, "b", summary())
    (tmp_path / "p" / "e" / "unfinished").mkdir()
    table = results.recorded("p", "e", fresh=tmp_path, folder=tmp_path / "kept")
    assert table["seed"].tolist() == [0, 1]
    assert table["origin"].unique().tolist() == ["fresh"]


def test_a_fresh_run_takes_the_place_of_all_its_recorded_rows_and_of_no_other(tmp_path):
    methods = ("exact optimum", "published search", "uniform attention")
    save(tmp_path / "first", "a", summary(0.1, methods))
    save(tmp_path / "first", "b", summary(0.2, ("exact optimum", "released search")))
    old = results.recorded("p", "e", fresh=tmp_path / "first", folder=tmp_path / "none")
    results.write(old.drop(columns="origin"), tmp_path / "kept" / "p" / "e.csv")
    # The search is the same, one method is new and one is gone.
    save(tmp_path / "second", "a", summary(0.3, ("exact optimum", "published search", "random attention")))
    table = results.recorded("p", "e", fresh=tmp_path / "second", folder=tmp_path / "kept")
    found = table.groupby(["origin", "value"])["method"].agg(list).to_dict()
    assert found == {
        ("fresh", 0.3): ["exact optimum", "published search", "random attention"],
        ("recorded", 0.2): ["exact optimum", "released search"],
    }
    assert table["run"].nunique() == 2


def test_neither_recorded_nor_fresh_names_both_places(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"kept/p/e\.csv nor a complete run in .*sweep/p/e"):
        results.recorded("p", "e", fresh=tmp_path / "sweep", folder=tmp_path / "kept")
    with pytest.raises(FileNotFoundError, match="none was given"):
        results.recorded("p", "e", folder=tmp_path / "kept")


def test_a_recorded_table_is_checked_as_it_is_read(tmp_path):
    keep(tmp_path, summary(), summary(seed=1))
    path = tmp_path / "p" / "e.csv"
    whole = path.read_text()
    for text, message in [
        (whole.replace(",0.5,", ",half,"), "'value' holds 'half' in row 0"),
        (whole.replace("metric", "metrik"), "lacks the columns"),
        (whole.replace(",run", ",walk"), "column 'run' is missing"),
        (whole.splitlines()[0], "no rows"),
        ("", "No columns"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=message) as error:
            results.recorded("p", "e", folder=tmp_path)
        assert str(path) in str(error.value)


def test_what_tells_runs_apart():
    run = results.identity(summary(methods=("uniform attention", "published search")))
    assert list(run) == list(results.RUN)
    assert (run["seed"], run["epsilon"], run["search"]) == ("0", "0.01", "published")
    bare = results.validate(summaries.summarise(frame(), ["jsd"]).assign(**RUN))
    assert (results.identity(bare)["variant"], results.identity(bare)["search"]) == ("", "")
    with pytest.raises(ValueError, match=r"several values of 'seed': \[.*0.*1"):
        results.identity(pd.concat([summary(), summary(seed=1)]))


def test_a_run_of_another_search_is_another_run(tmp_path):
    both = ("exact optimum", "published search"), ("exact optimum", "released search")
    save(tmp_path, "a", summary(0.1, both[0]))
    save(tmp_path, "b", summary(0.2, both[1]))
    save(tmp_path, "c", summary(0.3, both[1], epsilon=0.05))
    assert len({table["run"].iloc[0] for table in results.read_runs(tmp_path).values()}) == 3


def test_the_same_run_twice_is_refused(tmp_path):
    save(tmp_path, "limit=10", summary())
    save(tmp_path, "limit=20", summary(0.7))
    with pytest.raises(
        ValueError, match="limit=10 and .*limit=20 hold the same run .*dataset d.*epsilon 0.01"
    ):
        results.recorded("p", "e", fresh=tmp_path)


def test_a_summary_in_another_folder_or_with_a_repeated_row_is_refused(tmp_path):
    path = save(tmp_path, "a", pd.concat([summary(), summary(0.6)]))
    with pytest.raises(ValueError, match="a/summary.csv: row 1 repeats"):
        results.read_runs(tmp_path)
    results.write(summary(experiment="other"), path)
    with pytest.raises(ValueError, match="a/summary.csv: its rows are of p/other"):
        results.read_runs(tmp_path)


def test_the_origin_names_commits_and_days(tmp_path):
    own = pd.DataFrame({"run": ["1", "2", "3"], "origin": ["recorded", "recorded", "fresh"]})
    known = {
        "run": ["1", "2", "9"],
        "commit": ["b", "a", "z"],
        "date": ["2026-02-01T1", "2026-01-31T2", "2020"],
    }
    pd.DataFrame(known).to_csv(tmp_path / "runs.csv", index=False)
    assert results.origin(own, tmp_path / "runs.csv") == (
        "Runs of ours: 3, of which 1 are fresh or without a record of origin. "
        "Recorded from 2026-01-31 to 2026-02-01 at commit `a`, `b`."
    )
    assert results.origin(own[:0], tmp_path) == "No run is recorded yet."
