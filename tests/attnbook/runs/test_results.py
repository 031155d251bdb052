"""Tables of results: the schema, whole files, runs and records of them."""

import json
import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from attnbook.runs import results
from tests.attnbook.made import MODEL, ours
from tests.attnbook.made import save as save_run

TABLE = results.validate(ours(0.1, 0.2, 0.3, **{"class": ["all", "NA", "1"]}))


def test_the_schema_comes_first_and_gaps_are_refused():
    assert tuple(TABLE.columns[: len(results.COLUMNS)]) == results.COLUMNS
    mixed = TABLE.assign(own=1, epoch=1, epsilon=0.1, method="m", bin="b", vectors="v", variant="r")
    order = (*results.COLUMNS, *results.OPTIONAL, "own")
    assert tuple(results.validate(mixed.assign(low=0.1, high=0.2)).columns) == order
    with pytest.raises(ValueError, match="lacks the columns.*'scorer'"):
        results.validate(TABLE.drop(columns="scorer"))
    with pytest.raises(ValueError, match="'dataset' is empty in row 1"):
        results.validate(TABLE.assign(dataset=["d", None, "d"]))


@pytest.mark.parametrize(
    ("column", "value"), [("value", "many"), ("seed", 0.5), ("n", 2.5), ("low", "-"), ("epoch", "last")]
)
def test_a_cell_that_is_no_number_is_named(column, value):
    table = TABLE.assign(epoch=1, low=0.1).astype({column: object})
    table.loc[2, column] = value
    with pytest.raises(ValueError, match=f"'{column}' holds {value!r} in row 2"):
        results.validate(table)


def test_files_come_back_as_written_and_another_ending_leaves_nothing(tmp_path):
    for name in ("t.csv", "t.parquet"):
        pd.testing.assert_frame_equal(results.read(results.write(TABLE, tmp_path / "new" / name)), TABLE)
    with pytest.raises(ValueError, match=r"must end in \.csv, \.csv\.gz or \.parquet"):
        results.write(TABLE, tmp_path / "table.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_run_is_saved_with_where_it_came_from(tmp_path):
    results.save_run(tmp_path / "run", TABLE, TABLE, results.provenance(parameters={"seed": 0}))
    origin = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert origin["parameters"] == {"seed": 0}
    assert datetime.fromisoformat(origin["date"]).utcoffset() == timedelta(0)
    assert {"commit", "versions", "device", "threads"} <= set(origin)
    names = ["instances.parquet", "provenance.json", "summary.csv"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names


@pytest.mark.parametrize("written", range(4))
def test_a_folder_never_holds_tables_of_two_runs(written, tmp_path, monkeypatch):
    """Whatever file is the last before the process is killed; what was there may be a run of its own."""
    replace, said = os.replace, []

    def killed(source, target):
        if not Path(target).name.startswith("."):
            if len(said) == written:
                raise KeyboardInterrupt
            said.append(Path(target).name)
        replace(source, target)

    results.save_run(tmp_path / "run", TABLE, TABLE, {"n": 1})
    monkeypatch.setattr(os, "replace", killed)
    with suppress(KeyboardInterrupt):
        results.save_run(tmp_path / "run", TABLE[:2], TABLE[:2], {"n": 2})
    complete = (tmp_path / "run/summary.csv").exists()
    assert complete == (written == 3)
    if complete:
        assert said == ["instances.parquet", "provenance.json", "summary.csv"]
        tables = json.loads((tmp_path / "run/provenance.json").read_text())["tables"]
        assert {name: table["rows"] for name, table in tables.items()} == dict.fromkeys(tables, 2)


def test_a_run_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    results.save_run(tmp_path / "run", TABLE, TABLE, {"n": 1})
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    def full(*words, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OSError, match="No space left"):
        results.save_run(tmp_path / "run", TABLE[:2], TABLE[:2], {"n": 2})
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_run_on_the_processor_is_not_the_gpus(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "a GPU")
    for device, on_gpu in (("cuda", True), ("cpu", False)):
        assert (results.provenance(settings={"device": device})["device"] == "a GPU") == on_gpu


def summary(value=0.5, methods=(None,), **run):
    """One row per method, of one run."""
    run = {"seed": 0, "variant": "released", "vectors": "random", "epsilon": 0.01} | run
    return results.validate(ours(*[value] * len(methods), method=methods, **run))


def save(sweep, cell, table):
    return save_run(sweep, table, cell=cell) / "summary.csv"


def keep(folder, *tables):
    """Put summaries where recorded ones lie, each as a run of its own."""
    named = [table.assign(run=f"r{number}") for number, table in enumerate(tables)]
    return results.write(pd.concat(named), folder / "p" / "e.csv")


EXACT, PUBLISHED, RELEASED = "exact optimum", "published search", "released search"


def test_recorded_results_alone_and_fresh_ones_alone(tmp_path):
    keep(tmp_path / "kept", summary(), summary(seed=1))
    table = results.recorded("p", "e", fresh=tmp_path / "sweep", folder=tmp_path / "kept")
    assert table["origin"].tolist() == ["recorded", "recorded"]
    pd.testing.assert_frame_equal(results.recorded("p", "e", folder=tmp_path / "kept"), table)
    save(tmp_path, "a", summary(seed=1))
    save(tmp_path, "b", summary())
    (tmp_path / "p" / "e" / "unfinished").mkdir()
    table = results.recorded("p", "e", fresh=tmp_path, folder=tmp_path / "none")
    assert table[["seed", "origin"]].to_numpy().tolist() == [[0, "fresh"], [1, "fresh"]]


def test_a_fresh_run_takes_the_place_of_all_its_recorded_rows_and_of_no_other(tmp_path):
    save(tmp_path / "first", "a", summary(0.1, (EXACT, PUBLISHED, "uniform attention")))
    save(tmp_path / "first", "b", summary(0.2, (EXACT, RELEASED)))
    old = results.recorded("p", "e", fresh=tmp_path / "first", folder=tmp_path / "none")
    results.write(old.drop(columns="origin"), tmp_path / "kept" / "p" / "e.csv")
    # The search is the same, one method is new and one is gone.
    methods = [EXACT, PUBLISHED, "random attention"]
    save(tmp_path / "second", "a", summary(0.3, methods))
    table = results.recorded("p", "e", fresh=tmp_path / "second", folder=tmp_path / "kept")
    found = table.groupby(["origin", "value"])["method"].agg(list).to_dict()
    assert found == {("fresh", 0.3): methods, ("recorded", 0.2): [EXACT, RELEASED]}
    assert table["run"].nunique() == 2


def test_neither_recorded_nor_fresh_names_both_places(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"kept/p/e\.csv nor a complete run in .*sweep/p/e"):
        results.recorded("p", "e", fresh=tmp_path / "sweep", folder=tmp_path / "kept")
    with pytest.raises(FileNotFoundError, match="none was given"):
        results.recorded("p", "e", folder=tmp_path / "kept")


def test_a_recorded_table_is_checked_as_it_is_read(tmp_path):
    path = keep(tmp_path, summary(), summary(seed=1))
    whole = path.read_text()
    for text, message in [
        (whole.replace(",0.5,", ",half,"), "'value' holds 'half' in row 0"),
        (whole.replace("metric", "metrik"), "lacks the columns"),
        (whole.replace(",run", ",walk"), "column 'run' is missing"),
        (whole + whole.splitlines()[1], r"row 2 repeats an earlier one \('m'\)"),
        (whole.splitlines()[0], "no rows"),
        ("", "No columns"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=message) as error:
            results.recorded("p", "e", folder=tmp_path)
        assert str(path) in str(error.value)


def test_what_tells_runs_apart(tmp_path):
    run = results.identity(summary(methods=("uniform attention", PUBLISHED)))
    assert list(run) == list(results.RUN)
    assert (run["seed"], run["epsilon"], run["search"]) == ("0", "0.01", "published")
    bare = results.identity(ours(0.5))
    assert (bare["variant"], bare["search"]) == ("", "")
    with pytest.raises(ValueError, match=r"several values of 'seed': \[.*0.*1"):
        results.identity(pd.concat([summary(), summary(seed=1)]))
    save(tmp_path, "a", summary(0.1, (EXACT, PUBLISHED)))
    save(tmp_path, "b", summary(0.2, (EXACT, RELEASED)))
    save(tmp_path, "c", summary(0.3, (EXACT, RELEASED), epsilon=0.05))
    assert len({table["run"].iloc[0] for table in results.read_runs(tmp_path).values()}) == 3


def test_the_same_run_twice_is_refused(tmp_path):
    save(tmp_path, "limit=10", summary())
    save(tmp_path, "limit=20", summary(0.7))
    same = f"limit=10 and .*limit=20 hold the same run .*dataset {MODEL['dataset']}.*epsilon 0.01"
    with pytest.raises(ValueError, match=same):
        results.recorded("p", "e", fresh=tmp_path)


def test_a_summary_in_another_folder_or_with_a_repeated_row_is_refused(tmp_path):
    twice = pd.concat([summary(), summary(0.6)])
    with pytest.raises(ValueError, match="row 1 repeats an earlier one"):
        save(tmp_path, "a", twice)
    assert not (tmp_path / "p").exists()
    path = results.write(twice, tmp_path / "p/e/a/summary.csv")
    with pytest.raises(ValueError, match="a/summary.csv: row 1 repeats"):
        results.read_runs(tmp_path)
    results.write(summary(experiment="other"), path)
    with pytest.raises(ValueError, match="a/summary.csv: its rows are of p/other"):
        results.read_runs(tmp_path)
