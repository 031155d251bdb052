"""Progress of a sweep, from what finished runs wrote."""

import json

import pandas as pd
import pytest
import yaml

from attnbook.__main__ import main
from attnbook.runs import grid, progress, record, results

CONFIG = """
sweep:
  - notebooks: [paper/fast, paper/slow]
    parameters: {dataset: [small, large], seed: [0, 1]}
  - notebooks: [paper/new]
    parameters: {dataset: [small]}
"""


def finish(sweep, run, seconds=None):
    """What a finished run leaves; without seconds its provenance is damaged."""
    (sweep / run).mkdir(parents=True, exist_ok=True)
    (sweep / run / "summary.csv").write_text("metric\n")
    text = "{" if seconds is None else json.dumps({"seconds": seconds})
    (sweep / run / "provenance.json").write_text(text)


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "grid.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    done = {"fast/dataset=small+seed=0": 10.0, "fast/dataset=small+seed=1": 20.0}
    done |= {"fast/dataset=large+seed=0": 600.0, "slow/dataset=small+seed=0": 1200.0}
    # A run of another grid does not count, nor one without a summary.
    for name, seconds in (done | {"fast/dataset=small+seed=7": 1.0}).items():
        finish(tmp_path / "sweep/paper", name, seconds)
    (tmp_path / "sweep/paper/slow/dataset=large+seed=1").mkdir(parents=True)
    return tmp_path


def test_runs_to_come_take_as_long_as_those_like_them(place, capsys):
    runs = grid.runs(yaml.safe_load(CONFIG))
    seconds = progress.finished(place / "sweep", runs)
    assert sorted(seconds.values()) == [10.0, 20.0, 600.0, 1200.0]
    assert progress.table(runs, seconds).fillna({"to_go": -1}).to_numpy().tolist() == [
        ["paper/fast", "small", 2, 2, 0],
        ["paper/fast", "large", 2, 1, 600],
        ["paper/slow", "small", 2, 1, 1200],
        ["paper/slow", "large", 2, 0, 2400],  # none done there: as the notebook takes elsewhere
        ["paper/new", "small", 1, 0, -1],
    ]
    main(["progress", "grid.yaml", "--sweep", "sweep", "--cores", "2"])
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith("4 of 9 runs are done (44%); to go on 2 cores, training apart: 0 h 35 min")
    assert last.endswith("1 line of which no run is done yet")


def test_the_rest_is_a_grid_of_the_runs_still_to_go(place, capsys):
    runs = grid.read("grid.yaml")
    done = progress.finished("sweep", runs)
    main(["progress", "grid.yaml", "--sweep", "sweep", "--rest", "build/rest.yaml"])
    assert 0 < len(done) < len(runs)
    assert grid.read("build/rest.yaml") == {key: runs[key] for key in runs if key not in done}
    main(["progress", "build/rest.yaml", "--sweep", "sweep"])
    assert f"0 of {len(runs) - len(done)} runs are done" in capsys.readouterr().out
    # A damaged provenance still counts as done.
    for notebook, name in runs:
        finish(place / "sweep", f"{notebook}/{name}")
    with pytest.raises(SystemExit, match="no run is still to go"):
        main(["progress", "grid.yaml", "--sweep", "sweep", "--rest", "none.yaml"])
    assert not (place / "none.yaml").exists()


def test_values_that_are_lists_or_empty_stay_so(tmp_path):
    values = {"strengths": [0.0, 1.0e-3], "limit": None, "direction": "base || adversary"}
    grid.write(tmp_path / "grid.yaml", {("paper/fast", "x"): values})
    assert list(grid.read(tmp_path / "grid.yaml").values()) == [values]


def test_grids_of_a_grid_count_together_and_what_is_none_is_named(place, capsys):
    other = "sweep: [{notebooks: [paper/fast], parameters: {dataset: small, seed: 7}}]"
    texts = {"other": other, "all": "grids: [grid.yaml, other.yaml]", "lost": "grids: [none.yaml]"}
    for name, text in (texts | {"list": "- 1\n"}).items():
        (place / f"{name}.yaml").write_text(text)
    main(["progress", "all.yaml", "--sweep", "sweep"])
    assert "5 of 10 runs are done (50%)" in capsys.readouterr().out
    for name, message in (
        ("list", "list.yaml is no grid"),
        ("nowhere", "nowhere.yaml does not exist"),
        ("lost", "grid none.yaml, which .* names, does not exist"),
    ):
        with pytest.raises(SystemExit, match=message):
            main(["progress", f"{name}.yaml"])


def test_recorded_runs_count_where_all_their_parameters_are_the_grids(tmp_path):
    def row(run, seed, parameters):
        known = {"run": run, "paper": "paper", "experiment": "fast", "dataset": "small", "seed": str(seed)}
        given = parameters and json.dumps({"dataset": "small", "seed": seed, **parameters})
        facts = {"commit": "c", "date": "d", "seconds": "5", "parameters": given}
        return dict.fromkeys(["run", *results.RUN, *record.PROVENANCE], "") | known | facts

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
