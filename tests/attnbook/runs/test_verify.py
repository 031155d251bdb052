"""Verifying a record: which runs are chosen, what is compared and what refused; a real run of a notebook."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from attnbook.runs import compare, record, results, run, verify

ROOT = Path(__file__).parents[3]
# A notebook that writes a run's tables without a model: `shift` stands for whatever changes a number.
SOURCE = """
# %% tags=["parameters"]
from typing import Optional
dataset: str = "planted"
seed: int = 0
shift: float = 0.0
output: Optional[str] = None

# %%
import os
import pandas as pd
from attnbook.runs import results
from attnlib import data
rows = pd.DataFrame({
    "metric": ["jsd", "jsd", "undefined", "n_test", "training_seconds", "threads"],
    "class": ["all", "yes", "all", "all", "all", "all"],
    "value": [0.123456789, 0.5 + shift, float("nan"), 40, 1, int(os.environ["OMP_NUM_THREADS"])],
    "low": [0.1, None, None, None, None, None], "high": [0.2, None, None, None, None, None], "n": 40,
})
of_run = dict(paper="p", experiment="e", dataset=dataset, encoder="x", scorer="y", seed=seed)
summary = results.validate(rows.assign(**of_run))
parameters = dict(dataset=dataset, seed=seed, shift=shift, output=output)
origin = results.provenance(
    parameters=parameters, settings={"data": data.load("planted").checksum}, seconds=0.5
)
results.save_run(output, rows, summary, origin)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A notebook, and two seeds of it in a record."""
    place = tmp_path_factory.mktemp("made")
    notebook = place / "notebooks/p/e.py"
    notebook.parent.mkdir(parents=True)
    notebook.write_text(SOURCE)
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    for seed in (0, 1):
        folder = place / f"sweep/p/e/seed={seed}"
        run.run(notebook, place / "out.ipynb", {"seed": seed, "output": str(folder)})
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before
    record.record(place / "sweep", place / "kept")
    return place


@pytest.fixture
def kept(made, tmp_path):
    """The record, to be changed; and the arguments that name it and the notebooks."""
    for path in (made / "kept/p").iterdir():
        (tmp_path / "kept/p").mkdir(parents=True, exist_ok=True)
        (tmp_path / "kept/p" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "kept"


def call(kept: Path, made: Path, *arguments: str) -> int:
    return verify.main([*arguments, "--results", str(kept), "--notebooks", str(made / "notebooks")])


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.slow
class TestCommand:
    def test_equal_numbers_agree_to_the_last_recorded_digit(self, kept, made, capsys):
        assert call(kept, made, "seed=0") == 0
        assert "6 of 6 numbers agree, to the last recorded digit" in capsys.readouterr().out

    def test_a_changed_number_is_found(self, kept, made, capsys):
        change(kept / "p/e.csv", "0.123457", "0.123458")
        assert call(kept, made, "seed=1") == 1
        said = capsys.readouterr().out
        assert "5 of 6 numbers agree" in said
        assert all(word in said for word in ("jsd", "0.123458", "0.123457", "1e-06"))
        # Of another metric nothing is said.
        assert call(kept, made, "seed=1", "metric=n_test") == 0
        assert "1 of 1 numbers agree" in capsys.readouterr().out
        assert call(kept, made, "seed=1", "--tolerant") == 0

    def test_numbers_that_the_record_does_not_have_are_listed_and_not_compared(self, kept, made, capsys):
        change(kept / "p/e.csv", "e,planted,x,y,0,n_test", "e,planted,x,y,0,n_train")
        assert call(kept, made, "seed=0") == 1
        said = capsys.readouterr().out
        assert "5 of 6 numbers agree" in said
        assert "not compared, 1 numbers that the record does not have: n_test" in said
        assert "no row now" in said
        rows = results.read_recorded(kept / "p/e.csv")
        results.write(record.whole(rows[rows["metric"] != "n_train"]), kept / "p/e.csv", record.FLOAT_FORMAT)
        assert call(kept, made, "seed=0") == 0
        said = capsys.readouterr().out
        assert "5 of 5 numbers agree" in said
        assert "not compared, 1 numbers that the record does not have: n_test" in said

    def test_numbers_of_other_draws_are_said_to_be(self, kept, made, capsys, monkeypatch):
        monkeypatch.setattr(compare, "DRAWN", ({"paper": "p", "metric": "jsd"},))
        change(kept / "p/e.csv", "0.123457,all,0.1,0.2", "0.19,all,0.12,0.25")
        assert call(kept, made, "seed=0") == 1
        assert "random draws" not in capsys.readouterr().out
        origin = pd.read_csv(kept / "p/runs.csv", dtype=str)
        origin.drop(columns="draws").to_csv(kept / "p/runs.csv", index=False)
        assert call(kept, made, "seed=0") == 0
        said = capsys.readouterr().out
        assert "6 of 6 numbers agree, to the last recorded digit" in said
        assert "2 of them rest on random draws, which were others when this was recorded" in said
        assert "their intervals must overlap (1 have none)" in said

    def test_several_are_listed_and_verified_only_on_demand(self, kept, made, capsys):
        assert call(kept, made, "dataset=planted", "encoder=x") == 2
        said = capsys.readouterr()
        assert said.err == "2 runs fit: narrow them down, or give --all\n"
        assert said.out.count(" e planted ") == 2
        change(kept / "p/e.csv", ",1,jsd,0.5,", ",1,jsd,0.6,")
        assert call(kept, made, "--all") == 1
        assert capsys.readouterr().out.endswith("1 of 2 runs agree\n")

    def test_on_another_machine_there_is_a_tolerance(self, kept, made, capsys):
        origin = pd.read_csv(kept / "p/runs.csv", dtype=str)
        origin.assign(torch="1.0").to_csv(kept / "p/runs.csv", index=False)
        change(kept / "p/e.csv", ",jsd,0.5,", ",jsd,0.515,")
        assert call(kept, made, "seed=0") == 0
        said = capsys.readouterr().out
        assert "torch: recorded with 1.0, here" in said
        assert "within tolerances" in said
        assert call(kept, made, "seed=0", "--tolerance", "jsd=0.01") == 1

    def test_the_recorded_threads_are_those_of_the_run(self, kept, made, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        assert call(kept, made, "seed=0") == 0
        assert os.environ["OMP_NUM_THREADS"] == "2"

    def test_a_run_that_fails_is_named_and_the_next_one_verified(self, kept, made, capsys):
        change(kept / "p/runs.csv", '""seed"":0', '""sead"":0')
        assert call(kept, made, "--all") == 1
        said = capsys.readouterr().out
        assert "seed 0) failed: " in said
        assert "unknown parameter 'sead'" in said
        assert said.endswith("1 of 2 runs agree\n")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('"{""dataset"":""planted"",""seed"":0,""shift"":0.0}"', "", "its parameters are not known ('')"),
            (",p,e,planted,x,y,0,", ",p,e,cnn,x,y,0,", "cnn"),
            (",p,e,planted,x,y,0,", ",p,e,nonesuch,x,y,0,", "unknown data set 'nonesuch'"),
            ('""seed"":0', '""seed"":0,""vectors"":""glove.txt""', "vectors 'glove.txt' lay"),
        ],
    )
    def test_what_cannot_be_run_again_is_refused_by_name(self, kept, made, capsys, old, new, message):
        name = pd.read_csv(kept / "p/runs.csv", dtype=str)["run"][0]
        change(kept / "p/runs.csv", old, new)
        assert call(kept, made, f"run={name}") == 1
        said = capsys.readouterr().out
        assert said.startswith(f"refused: run {name} (p/e, ")
        assert message in said

    def test_other_data_are_refused(self, kept, made, capsys):
        rows = pd.read_csv(kept / "p/runs.csv", dtype=str)
        rows.assign(data="5c0d").to_csv(kept / "p/runs.csv", index=False)
        assert call(kept, made, "seed=0") == 1
        assert "the data here are others (sha256 " in capsys.readouterr().out


@pytest.mark.slow
def test_a_real_notebook_is_verified_and_a_change_of_its_record_is_found(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    values = {"dataset": "planted", "encoder": "average", "epochs": 2, "limit": 25, "seed": 3}
    folder = tmp_path / "sweep/jain_wallace/permutation/a"
    source = ROOT / "notebooks/jain_wallace/permutation.py"
    run.run(source, tmp_path / "out.ipynb", values | {"output": str(folder)})
    record.record(tmp_path / "sweep", tmp_path / "kept")
    arguments = ["paper=jain_wallace", "dataset=planted", "--results", str(tmp_path / "kept")]
    assert verify.main([*arguments, "--retrain"]) == 0
    assert "numbers agree, to the last recorded digit" in capsys.readouterr().out
    path = tmp_path / "kept/jain_wallace/permutation.csv"
    table = results.read_recorded(path)
    table.loc[table["metric"].eq("median_tvd") & table["class"].eq("all"), "value"] += 1e-5
    results.write(record.whole(table), path, record.FLOAT_FORMAT)
    assert verify.main(arguments) == 1
    said = capsys.readouterr().out
    assert f"{len(table) - 1} of {len(table)} numbers agree" in said
    assert "median_tvd" in said


def test_wrong_filters_are_refused_with_what_there_is(kept_only, capsys):
    for arguments, message in [
        (["sead=0"], "no column 'sead': there are"),
        (["dataset=imdb"], "no recorded run fits dataset=imdb"),
        (["metric=nonesuch"], "no recorded run fits metric=nonesuch"),
    ]:
        assert verify.main([*arguments, "--results", str(kept_only)]) == 2
        assert message in capsys.readouterr().err
    assert verify.main(["--results", str(kept_only / "nowhere")]) == 2
    with pytest.raises(SystemExit, match="2"):
        verify.main(["seed"])
    assert "'seed': give name=value" in capsys.readouterr().err


@pytest.fixture
def kept_only(tmp_path):
    """A record of two runs, without the notebook."""
    rows = {"metric": ["a", "b"], "class": "all", "value": [0.5, 0.25], "bin": ["[0, .25)", None]}
    for seed in (0, 1):
        own = dict(paper="p", experiment="e", dataset="d", encoder="x", scorer="y", seed=seed)
        summary = results.validate(pd.DataFrame(rows).assign(**own))
        origin = results.provenance(parameters={"seed": seed}, settings={"data": "5c0d"}, seconds=1.0)
        results.save_run(tmp_path / f"sweep/p/e/{seed}", summary.drop(columns="bin"), summary, origin)
    record.record(tmp_path / "sweep", tmp_path / "kept")
    return tmp_path / "kept"


@pytest.mark.slow
def test_filters_are_globs_and_go_to_runs_and_rows(kept_only):
    for filters, seeds in [
        ({}, [0, 1]),
        ({"seed": "0|1"}, [0, 1]),
        ({"seed": "1"}, [1]),
        ({"dataset": "d*", "metric": "a"}, [0, 1]),
        ({"bin": "[0, .25)", "seed": "0"}, [0]),
    ]:
        runs, of_rows = verify.choose(filters, kept_only)
        assert runs["seed"].tolist() == seeds
        assert set(of_rows) == set(filters) & {"metric", "bin"}
    assert set(record.PROVENANCE) <= set(verify.recorded_runs(kept_only))


def test_a_missing_notebook_is_refused(kept_only):
    row = verify.recorded_runs(kept_only).iloc[0].to_dict()
    with pytest.raises(verify.Refused, match=r"run \w+ \(p/e, d, x, y, seed 0\): there is no notebook"):
        verify.repeatable(row, kept_only)


def test_records_without_a_number_are_of_the_first_draws(kept_only):
    rows = pd.read_csv(kept_only / "p/runs.csv", dtype=str)
    assert rows["draws"].tolist() == ["2", "2"]
    rows.drop(columns="draws").to_csv(kept_only / "p/runs.csv", index=False)
    assert verify.recorded_runs(kept_only)["draws"].tolist() == ["", ""]


def test_the_processor_decides_only_where_it_is_recorded():
    origin = results.provenance()
    row = {**dict.fromkeys(record.MACHINE, ""), **origin["versions"], "threads": origin["threads"]}
    assert verify.differs_here(row, origin) == {}
    assert set(verify.differs_here(row | {"processor": "Z80"}, origin)) == {"processor"}
    assert json.dumps(verify.differs_here(row | {"torch": "1"}, origin)).startswith('{"torch"')


class TestProvenance:
    def test_a_run_is_recorded_with_all_of_it(self, kept_only):
        rows = record.read_run_rows(kept_only / "p/runs.csv")
        assert list(rows) == ["run", *results.RUN, *record.PROVENANCE]
        kept = rows.drop(columns=[*results.RUN[6:]])
        assert (kept != "").all(axis=None)
        assert rows["processor"].tolist() == [results.processor()] * 2

    def test_a_record_from_before_more_was_kept_is_read(self, kept_only):
        path = kept_only / "p/runs.csv"
        rows = pd.read_csv(path, dtype=str)
        rows.drop(columns=list(record.LATER)).to_csv(path, index=False)
        found = record.read_run_rows(path)
        assert found["seed"].tolist() == [0, 1]
        assert (found[list(record.LATER)] == "").all(axis=None)

    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("commit", "", "row 1 has no commit"),
            ("seconds", "long", "row 1: seconds are 'long'"),
            ("device", None, r"the columns \['device'\] are missing"),
            ("run", "same", "the run same is named twice"),
        ],
    )
    def test_a_malformed_one_is_refused(self, kept_only, column, value, message):
        path = kept_only / "p/runs.csv"
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        if value is None:
            rows = rows.drop(columns=column)
        else:
            rows.loc[1 if column != "run" else slice(None), column] = value
        rows.to_csv(path, index=False)
        with pytest.raises(ValueError, match=f"runs.csv is malformed: {message}"):
            record.read_run_rows(path)

    def test_a_repeated_row_is_refused_on_write_and_on_read(self, kept_only, tmp_path):
        path = kept_only / "p/e.csv"
        table = results.read_recorded(path)
        twice = pd.concat([table, table.iloc[:1].assign(value=0.9)], ignore_index=True)
        with pytest.raises(ValueError, match="row 4 repeats an earlier one"):
            results.save_run(tmp_path / "run", table, twice, {})
        assert not (tmp_path / "run").exists()
        results.write(twice, path)
        with pytest.raises(ValueError, match=r"p/e\.csv: row 4 repeats an earlier one \('a'\)"):
            results.read_recorded(path)

    def test_a_run_on_the_processor_is_not_the_gpus(self, monkeypatch):
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.get_device_name", lambda: "a GPU")
        assert results.provenance(settings={"device": "cuda"})["device"] == "a GPU"
        assert results.provenance(settings={"device": "cpu"})["device"] != "a GPU"
