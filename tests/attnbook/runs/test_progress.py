"""Progress of a sweep, from what finished runs wrote."""

import json

import pandas as pd
import pytest

from attnbook.__main__ import main
from attnbook.runs import grid, progress, record, results

CONFIG = """
sweep:
  - notebooks: [paper/fast, paper/slow]
    parameters: {dataset: [small, large], seed: [0, 1]}
  - notebooks: [paper/new]
    parameters: {dataset: [small]}
"""


@pytest.fixture
def sweep(tmp_path):
    (tmp_path / "grid.yaml").write_text(CONFIG)

    def finish(notebook, name, seconds, provenance=True):
        place = tmp_path / "sweep" / notebook / name
        place.mkdir(parents=True)
        if provenance:
            (place / "provenance.json").write_text(json.dumps({"seconds": seconds}))
        (place / "summary.csv").write_text("metric\n")

    finish("paper/fast", "dataset=small+seed=0", 10.0)
    finish("paper/fast", "dataset=small+seed=1", 20.0)
    finish("paper/fast", "dataset=large+seed=0", 600.0)
    finish("paper/slow", "dataset=small+seed=0", 1200.0)
    # A run of another grid does not count, nor one without a summary.
    finish("paper/fast", "dataset=small+seed=7", 1.0)
    (tmp_path / "sweep" / "paper/slow" / "dataset=large+seed=1").mkdir(parents=True)
    return tmp_path


def test_runs_to_come_take_as_long_as_those_like_them(sweep):
    import yaml

    runs = grid.runs(yaml.safe_load(CONFIG))
    seconds = progress.finished(sweep / "sweep", runs)
    assert sorted(seconds.values()) == [10.0, 20.0, 600.0, 1200.0]
    counts = progress.table(runs, seconds).set_index(["notebook", "dataset"])
    assert counts.loc[("paper/fast", "small")].tolist() == [2, 2, 0]
    assert counts.loc[("paper/fast", "large")].tolist() == [2, 1, 600]
    assert counts.loc[("paper/slow", "small")].tolist() == [2, 1, 1200]
    # None done there: as the notebook takes elsewhere.
    assert counts.loc[("paper/slow", "large")].tolist() == [2, 0, 2400]
    assert counts["to_go"].isna().tolist() == [False, False, False, False, True]


def test_the_command_says_it(sweep, capsys):
    main(["progress", str(sweep / "grid.yaml"), "--sweep", str(sweep / "sweep"), "--cores", "2"])
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith("4 of 9 runs are done (44%); to go on 2 cores, training apart: 0 h 35 min")
    assert last.endswith("1 line of which no run is done yet")


def test_the_rest_is_a_grid_of_the_runs_still_to_go(sweep, capsys, monkeypatch):
    monkeypatch.chdir(sweep)
    runs = grid.read("grid.yaml")
    done = progress.finished("sweep", runs)
    main(["progress", "grid.yaml", "--sweep", "sweep", "--rest", "build/rest.yaml"])
    assert 0 < len(done) < len(runs)
    assert grid.read("build/rest.yaml") == {key: runs[key] for key in runs if key not in done}
    main(["progress", "build/rest.yaml", "--sweep", "sweep"])
    assert f"0 of {len(runs) - len(done)} runs are done" in capsys.readouterr().out
    for notebook, name in runs:
        (sweep / "sweep" / notebook / name).mkdir(parents=True, exist_ok=True)
        (sweep / "sweep" / notebook / name / "summary.csv").write_text("metric\n")
    with pytest.raises(SystemExit, match="no run is still to go"):
        main(["progress", "grid.yaml", "--sweep", "sweep", "--rest", "none.yaml"])
    assert not (sweep / "none.yaml").exists()


def test_values_that_are_lists_or_empty_stay_so(tmp_path):
    runs = {
        ("paper/fast", "x"): {"strengths": [0.0, 1.0e-3], "limit": None, "direction": "base || adversary"}
    }
    grid.write(tmp_path / "grid.yaml", runs)
    assert list(grid.read(tmp_path / "grid.yaml").values()) == list(runs.values())


def test_a_damaged_provenance_still_counts_as_done(sweep):
    place = sweep / "sweep/paper/fast/dataset=small+seed=0/provenance.json"
    place.write_text("{")
    runs = {("paper/fast", "dataset=small+seed=0"): {"dataset": "small"}}
    counts = progress.table(runs, progress.finished(sweep / "sweep", runs))
    assert counts[["runs", "done", "to_go"]].to_numpy().tolist() == [[1, 1, 0]]


def test_no_grid_is_refused_by_name(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    for name, message in (("list.yaml", "is no grid"), ("nowhere.yaml", "does not exist")):
        with pytest.raises(SystemExit, match=f"{name} {message}"):
            main(["progress", str(tmp_path / name)])


def test_grids_of_a_grid_count_together(sweep, capsys, monkeypatch):
    (sweep / "other.yaml").write_text(
        "sweep: [{notebooks: [paper/fast], parameters: {dataset: small, seed: 7}}]"
    )
    (sweep / "all.yaml").write_text("grids: [grid.yaml, other.yaml]")
    monkeypatch.chdir(sweep)
    main(["progress", "all.yaml", "--sweep", "sweep"])
    assert "5 of 10 runs are done (50%)" in capsys.readouterr().out
    (sweep / "all.yaml").write_text("grids: [nowhere.yaml]")
    with pytest.raises(SystemExit, match="grid nowhere.yaml, which .* names, does not exist"):
        main(["progress", "all.yaml"])


def test_recorded_runs_count_where_all_their_parameters_are_the_grids(tmp_path):
    import yaml

    def row(run, seed, parameters):
        known = {"run": run, "paper": "paper", "experiment": "fast", "dataset": "small", "seed": str(seed)}
        empty = dict.fromkeys(["run", *results.RUN, *record.PROVENANCE], "")
        given = parameters and json.dumps({"dataset": "small", "seed": seed, **parameters})
        facts = {"commit": "c", "date": "d", "seconds": "5", "parameters": given}
        return empty | known | facts

    rows = [row("a", 0, {"limit": None}), row("b", 1, {"dataset": "other"}), row("c", 2, "")]
    (tmp_path / "paper").mkdir()
    pd.DataFrame(rows).to_csv(tmp_path / "paper" / "runs.csv", index=False)
    runs = grid.runs(yaml.safe_load(CONFIG))
    assert progress.recorded(tmp_path, runs) == {("paper/fast", "dataset=small+seed=0"): 5.0}
    assert progress.recorded(tmp_path / "none", runs) == {}


@pytest.mark.slow
def test_recorded_runs_of_the_grid_are_found():
    runs = grid.read("config/paper.yaml")
    found = progress.recorded(results.RECORDED, runs)
    assert 0 < len(found) < len(runs)
    assert ("jain_wallace/base", "dataset=sst+encoder=bilstm+scorer=additive+vectors=imdb+seed=0") in found
