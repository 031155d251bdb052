"""Verifying a record: which runs are chosen, what is compared and what refused; a real run of a notebook."""

import json
import os
import shutil

import pandas as pd
import papermill
import pytest

from attnbook import NOTEBOOKS
from attnbook.runs import compare, record, results, run, verify
from tests.attnbook.made import ours, save
from tests.test_notebooks import cells_in_a_fork

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


def executed_here(staged, output, values, **how):
    """As `papermill.execute_notebook`, in a fork of this process: no kernel has to start."""
    cells_in_a_fork(staged, values)
    shutil.copy(staged, output)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A notebook, and two seeds of it in a record."""
    place = tmp_path_factory.mktemp("made")
    notebook = place / "notebooks/p/e.py"
    notebook.parent.mkdir(parents=True)
    notebook.write_text(SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(papermill, "execute_notebook", executed_here)
        patch.setenv("OMP_NUM_THREADS", "1")
        for seed in (0, 1):
            folder = place / f"sweep/p/e/seed={seed}"
            run.run(notebook, place / "out.ipynb", {"seed": seed, "output": str(folder)})
    record.record(place / "sweep", place / "kept")
    return place


@pytest.fixture
def kept(made, tmp_path):
    """The record, to be changed."""
    return shutil.copytree(made / "kept", tmp_path / "kept")


@pytest.fixture
def check(kept, made, capsys, monkeypatch):
    """Runs the command on the record, which returns a status and says some words; returns what it prints."""
    monkeypatch.setattr(papermill, "execute_notebook", executed_here)

    def verified(arguments, status, *words):
        places = ["--results", str(kept), "--notebooks", str(made / "notebooks")]
        assert verify.main([*arguments.split(), *places]) == status
        said = capsys.readouterr()
        for word in words:
            assert word in "".join(said)
        return said.out

    return verified


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def origins(kept, **columns):
    """Change columns of where the runs came from; None drops one."""
    rows = pd.read_csv(kept / "p/runs.csv", dtype=str, keep_default_na=False).assign(**columns)
    dropped = [key for key, value in columns.items() if value is None]
    rows.drop(columns=dropped).to_csv(kept / "p/runs.csv", index=False)


@pytest.mark.slow
class TestCommand:
    def test_equal_numbers_agree_and_a_changed_one_is_found(self, check, kept, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        check("seed=0", 0, "6 of 6 numbers agree, to the last recorded digit")
        assert os.environ["OMP_NUM_THREADS"] == "2"
        change(kept / "p/e.csv", "0.123457", "0.123458")
        check("seed=1", 1, "5 of 6 numbers agree", "jsd", "0.123458", "0.123457", "1e-06")
        # Of another metric nothing is said.
        check("seed=1 metric=n_test", 0, "1 of 1 numbers agree")
        check("seed=1 --tolerant", 0)

    def test_numbers_that_the_record_does_not_have_are_listed_and_not_compared(self, check, kept):
        unknown = "not compared, 1 numbers that the record does not have: n_test"
        change(kept / "p/e.csv", "e,planted,x,y,0,n_test", "e,planted,x,y,0,n_train")
        check("seed=0", 1, "5 of 6 numbers agree", unknown, "no row now")
        rows = results.read_recorded(kept / "p/e.csv")
        results.write(record.whole(rows[rows["metric"] != "n_train"]), kept / "p/e.csv", record.FLOAT_FORMAT)
        check("seed=0", 0, "5 of 5 numbers agree", unknown)

    def test_numbers_of_other_draws_are_said_to_be(self, check, kept, monkeypatch):
        monkeypatch.setattr(compare, "DRAWN", ({"paper": "p", "metric": "jsd"},))
        change(kept / "p/e.csv", "0.123457,all,0.1,0.2", "0.19,all,0.12,0.25")
        assert "random draws" not in check("seed=0", 1)
        origins(kept, draws=None)
        draws = "2 of them rest on random draws, which were others when this was recorded"
        may = "their intervals must overlap (1 have none)"
        check("seed=0", 0, "6 of 6 numbers agree, to the last recorded digit", draws, may)

    def test_several_are_listed_and_verified_only_on_demand(self, check, kept):
        said = check("dataset=planted encoder=x", 2, "2 runs fit: narrow them down, or give --all\n")
        assert (said.count(" e planted "), said.count("runs fit")) == (2, 0)
        change(kept / "p/e.csv", ",1,jsd,0.5,", ",1,jsd,0.6,")
        assert check("--all", 1).endswith("1 of 2 runs agree\n")

    def test_on_another_machine_there_is_a_tolerance(self, check, kept):
        origins(kept, torch="1.0")
        change(kept / "p/e.csv", ",jsd,0.5,", ",jsd,0.515,")
        check("seed=0", 0, "torch: recorded with 1.0, here", "within tolerances")
        check("seed=0 --tolerance jsd=0.01", 1)

    def test_a_run_that_fails_is_named_and_the_next_one_verified(self, check, kept):
        change(kept / "p/runs.csv", '""seed"":0', '""sead"":0')
        said = check("--all", 1, "seed 0) failed: ", "unknown parameter 'sead'")
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
    def test_what_cannot_be_run_again_is_refused_by_name(self, check, kept, old, new, message):
        name = pd.read_csv(kept / "p/runs.csv", dtype=str)["run"][0]
        change(kept / "p/runs.csv", old, new)
        assert check(f"run={name}", 1, message).startswith(f"refused: run {name} (p/e, ")

    def test_other_data_are_refused(self, check, kept):
        origins(kept, data="5c0d")
        check("seed=0", 1, "the data here are others (sha256 ")


@pytest.mark.slow
def test_a_real_notebook_is_verified(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    values = {"dataset": "planted", "encoder": "average", "epochs": 2, "limit": 25, "seed": 3}
    values["output"] = str(tmp_path / "sweep/jain_wallace/permutation/a")
    run.run(NOTEBOOKS / "jain_wallace/permutation.py", tmp_path / "out.ipynb", values)
    record.record(tmp_path / "sweep", tmp_path / "kept")
    arguments = ["paper=jain_wallace", "dataset=planted", "--results", str(tmp_path / "kept")]
    assert verify.main([*arguments, "--retrain"]) == 0
    assert "numbers agree, to the last recorded digit" in capsys.readouterr().out


@pytest.fixture
def alone(tmp_path):
    """A record of two runs, without the notebook."""
    rows = ours(0.5, 0.25, metric=["a", "b"], bin=["[0, .25)", None])
    for seed in (0, 1):
        save(tmp_path / "sweep", rows.assign(seed=seed), rows[["value"]], parameters={"seed": seed})
    record.record(tmp_path / "sweep", tmp_path / "kept")
    return tmp_path / "kept"


def test_wrong_filters_are_refused_with_what_there_is(alone, capsys):
    for argument, message in [
        ("sead=0", "no column 'sead': there are"),
        ("dataset=imdb", "no recorded run fits dataset=imdb"),
        ("metric=nonesuch", "no recorded run fits metric=nonesuch"),
    ]:
        assert verify.main([argument, "--results", str(alone)]) == 2
        assert message in capsys.readouterr().err
    assert verify.main(["--results", str(alone / "nowhere")]) == 2
    with pytest.raises(SystemExit, match="2"):
        verify.main(["seed"])
    assert "'seed': give name=value" in capsys.readouterr().err


@pytest.mark.slow
def test_filters_are_globs_and_go_to_runs_and_rows(alone):
    for filters, seeds in [
        ({}, [0, 1]),
        ({"seed": "0|1"}, [0, 1]),
        ({"seed": "1"}, [1]),
        ({"dataset": "s*", "metric": "a"}, [0, 1]),
        ({"bin": "[0, .25)", "seed": "0"}, [0]),
    ]:
        runs, of_rows = verify.choose(filters, alone)
        assert runs["seed"].tolist() == seeds
        assert set(of_rows) == set(filters) & {"metric", "bin"}
    assert set(record.PROVENANCE) <= set(verify.recorded_runs(alone))


def test_a_missing_notebook_is_refused(alone):
    row = verify.recorded_runs(alone).iloc[0].to_dict()
    missing = r"run \w+ \(p/e, sst, bilstm, additive, seed 0\): there is no notebook"
    with pytest.raises(verify.Refused, match=missing):
        verify.repeatable(row, alone)


def test_the_processor_decides_only_where_it_is_recorded():
    origin = results.provenance()
    row = {**dict.fromkeys(record.MACHINE, ""), **origin["versions"], "threads": origin["threads"]}
    assert verify.differs_here(row, origin) == {}
    assert set(verify.differs_here(row | {"processor": "Z80"}, origin)) == {"processor"}
    assert json.dumps(verify.differs_here(row | {"torch": "1"}, origin)).startswith('{"torch"')


class TestProvenance:
    def test_a_run_is_recorded_with_all_of_it_and_one_from_before_more_was_kept_is_read(self, alone):
        rows = record.read_run_rows(alone / "p/runs.csv")
        assert list(rows) == ["run", *results.RUN, *record.PROVENANCE]
        assert (rows.drop(columns=[*results.RUN[6:]]) != "").all(axis=None)
        assert rows["processor"].tolist() == [results.processor()] * 2
        assert verify.recorded_runs(alone)["draws"].tolist() == ["2", "2"]
        origins(alone, **dict.fromkeys(record.LATER))
        old = record.read_run_rows(alone / "p/runs.csv")
        assert old["seed"].tolist() == [0, 1]
        assert (old[list(record.LATER)] == "").all(axis=None)
        assert verify.recorded_runs(alone)["draws"].tolist() == ["", ""]

    @pytest.mark.parametrize(
        ("column", "values", "message"),
        [
            ("commit", ["c", ""], "row 1 has no commit"),
            ("seconds", ["1", "long"], "row 1: seconds are 'long'"),
            ("device", None, r"the columns \['device'\] are missing"),
            ("run", "same", "the run same is named twice"),
        ],
    )
    def test_a_malformed_one_is_refused(self, alone, column, values, message):
        origins(alone, **{column: values})
        with pytest.raises(ValueError, match=f"runs.csv is malformed: {message}"):
            record.read_run_rows(alone / "p/runs.csv")
