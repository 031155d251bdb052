"""A sweep that dies goes on: finished runs stay, no lock is left, and its tables are those of a quiet one."""

import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from attnbook.runs import grid
from attnbook.runs.train import model_of
from benchmarks import sweep as bench
from tests.book.conftest import ROOT, SNAKEMAKE
from tests.test_notebooks import cells_in_a_fork

pytestmark = pytest.mark.slow

CONFIG = """
sweep:
  - notebooks: [jain_wallace/permutation, violation/evidence]
    parameters:
      dataset: [planted]
      encoder: [average]
      epochs: [1]
      seed: [0, 1]
      limit: [20]
"""
INSTANCES = ("summary.csv", "instances.parquet")
# A run that raises stands beside them.
WRONG = "  - notebooks: [jain_wallace/permutation]\n    parameters: {dataset: [planted], encoder: [averag]}\n"


def copy_of_the_project(folder):
    """What a sweep needs, without what was built here."""
    for name in ("attnlib", "notebooks", "book", "profiles"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config").mkdir()
    for name in ("Snakefile", "config/default.yaml"):
        (folder / name).write_text((ROOT / name).read_text())
    (folder / "config/trial.yaml").write_text(CONFIG)
    return folder


def sweep(folder, *words, target="sweep"):
    return subprocess.Popen(
        [*SNAKEMAKE, *words, "--configfile", "config/trial.yaml", "--", target],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(folder):
    """Complete runs, by path, with the time of their tables."""
    tables = Path(folder, "build/sweep").glob("*/*/*/summary.csv")
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in tables}


def seen_to_finish(output):
    """Read on until Snakemake says that a run is done; everything read."""
    lines = []
    for line in output:
        lines.append(line)
        if line.startswith("Finished jobid") and "(Rule: cell)" in line:
            return lines
    raise AssertionError("".join(lines))


def test_a_killed_sweep_goes_on_and_gives_the_tables_of_a_quiet_one(tmp_path):
    # Whatever is made lies in a folder that a shell would take apart.
    killed = tmp_path / "it's killed (2)"
    killed.mkdir()
    copy_of_the_project(killed)
    process = sweep(killed, "--cores", "1")
    lines = seen_to_finish(process.stdout)
    # Another one at the same time is refused.
    second = sweep(killed)
    text, _ = second.communicate(timeout=120)
    assert second.returncode != 0
    assert "another Snakemake is at work in this folder" in text
    # Snakemake alone, so that its run goes on without it; it starts again at once, and all is killed.
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process = sweep(killed, "--cores", "1")
    lines += seen_to_finish(process.stdout)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = finished(killed)
    assert 1 <= len(before) < 4, "".join(lines)
    done = sweep(killed)
    text, _ = done.communicate(timeout=900)
    assert done.returncode == 0, text
    after = finished(killed)
    assert len(after) == 4
    # The last of the runs may have ended unseen; those before it are as they were.
    again = [name for name, written in before.items() if after[name] != written]
    assert len(again) <= len(before) - 1, again

    started = time.perf_counter()
    nothing = sweep(killed)
    text, _ = nothing.communicate(timeout=120)
    assert "Nothing to be done" in text
    assert finished(killed) == after
    assert time.perf_counter() - started < 60

    # A run whose table was cut since is made again, and it alone.
    cut = killed / min(after)
    cut.write_bytes(cut.read_bytes()[:-30])
    mended = sweep(killed)
    text, _ = mended.communicate(timeout=900)
    assert mended.returncode == 0, text
    assert f"{cut.relative_to(killed)} is missing, cut or changed" in text
    assert [name for name, written in finished(killed).items() if written != after[name]] == [min(after)]

    # The same runs here, without Snakemake.
    tables = []
    for (notebook, name), parameters in grid.runs(yaml.safe_load(CONFIG)).items():
        quiet, swept = tmp_path / "quiet" / notebook / name, killed / "build/sweep" / notebook / name
        cells_in_a_fork(ROOT / f"notebooks/{notebook}.py", parameters | {"output": str(quiet)})
        for table in INSTANCES:
            assert (quiet / table).read_bytes() == (swept / table).read_bytes(), quiet / table
        tables.append(pd.read_csv(quiet / "summary.csv"))
    together = pd.concat(tables, ignore_index=True).to_csv(index=False)
    assert (killed / "build/sweep/summary.csv").read_text() == together
    # Four runs of two models, each read once.
    for kind in ("models", "readouts"):
        assert len(list((killed / "build/cache" / kind).glob("*.safetensors"))) == 2


def test_the_shell_takes_no_path_apart():
    named = re.findall(r"\{(?:BIN|input|output|log)\b.*?\}", (ROOT / "Snakefile").read_text())
    assert named
    assert [path for path in named if not path.endswith(":q}")] == []


def test_a_run_that_raises_is_named_and_does_not_stop_the_others(tmp_path):
    folder = copy_of_the_project(tmp_path)
    small = CONFIG.replace("[0, 1]", "[0]").replace(", violation/evidence", "")
    (folder / "config/trial.yaml").write_text(small + WRONG)
    done = sweep(folder)
    text, _ = done.communicate(timeout=900)
    assert done.returncode != 0
    assert "unknown encoder 'averag'" in text
    assert len(finished(folder)) == 1
    assert not (folder / "build/sweep/summary.csv").exists()


def test_a_changed_module_asks_for_those_runs_that_import_it(tmp_path):
    folder = copy_of_the_project(tmp_path)
    (folder / "attnlib").unlink()
    shutil.copytree(ROOT / "attnlib", folder / "attnlib")
    notebooks = ("jain_wallace/permutation", "serrano_smith/single")
    (folder / "config/trial.yaml").write_text(CONFIG.replace("violation/evidence", notebooks[1]))

    def versions():
        planned = sweep(folder, "-n")
        text, _ = planned.communicate(timeout=120)
        assert planned.returncode == 0, text
        return {name: (folder / f"build/versions/notebooks/{name}.txt").read_text() for name in notebooks}

    first = versions()
    assert versions() == first
    module = folder / "attnlib/training/documents.py"
    module.write_text(module.read_text() + "# changed\n")
    second = versions()
    assert second[notebooks[0]] == first[notebooks[0]]
    assert second[notebooks[1]] != first[notebooks[1]]


def test_a_complete_sweep_of_200_runs_is_seen_to_be_complete_in_seconds(tmp_path):
    folder = copy_of_the_project(tmp_path)
    config = yaml.safe_load(CONFIG)
    config["sweep"][0]["parameters"] |= {"seed": list(range(100))}
    (folder / "config/trial.yaml").write_text(yaml.safe_dump(config))
    runs = grid.runs(config)
    assert len(runs) == 200
    for (notebook, name), parameters in runs.items():
        tables = folder / "build/sweep" / notebook / name
        tables.mkdir(parents=True)
        (tables / "summary.csv").write_text("metric,value\n")
        tables.with_name(f"{name}.ipynb").write_text("{}")
        prepared_by, settings = model_of(ROOT / f"notebooks/{notebook}.py", parameters)
        mark = folder / "build/models" / prepared_by / grid.run_name(settings)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    (folder / "build/sweep/summary.csv").write_text("metric,value\n")
    touched = sweep(folder, "--touch")
    assert touched.communicate(timeout=600)[0]
    assert touched.returncode == 0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    again = sweep(folder)
    assert "Nothing to be done" in again.communicate(timeout=600)[0]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time: under 5 s on a machine at rest, and a neighbour slows each core down.
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    assert spent < 10


def test_a_grid_of_grids_is_swept_and_recorded_as_one(tmp_path):
    folder = copy_of_the_project(tmp_path)
    (folder / "config/first.yaml").write_text(CONFIG)
    (folder / "config/second.yaml").write_text(CONFIG.replace("[0, 1]", "[1, 2]"))
    (folder / "config/trial.yaml").write_text("grids: [config/first.yaml, config/second.yaml]\n")
    for target in ("sweep", "record"):
        planned = sweep(folder, "-n", target=target)
        text, _ = planned.communicate(timeout=120)
        assert planned.returncode == 0, text
        # Seeds 0, 1 and 2 of two notebooks on one model each.
        counts = dict(re.findall(r"^(cell|model|record) +(\d+)$", text, re.MULTILINE))
        assert counts == {"cell": "6", "model": "3"} | ({"record": "1"} if target == "record" else {})
    (folder / "config/trial.yaml").write_text("grids: [config/nowhere.yaml]\n")
    planned = sweep(folder, "-n")
    assert "grid config/nowhere.yaml does not exist" in planned.communicate(timeout=120)[0]
    assert planned.returncode != 0


def test_between_two_runs_a_sweep_loses_little(tmp_path):
    """The bound of `python -m benchmarks.sweep`, which does 200, on a twentieth of it."""
    # By the least of three start-ups: one alone may take four seconds instead of one, and ten are subtracted.
    found = bench.measure(10, tmp_path)
    assert found["jobs"] == 11
    # Whatever else the machine does: a neighbour slows the runs down, and what is between them.
    assert found["between_share"] < 0.15, found
    assert found["own_cpu_share"] < 0.15, found
    # None for every job that has ended (`onstart` in the Snakefile).
    assert found["threads"] < 12, found


def test_a_sweep_is_planned_by_the_rules_of_all_parameters(tmp_path):
    folder = copy_of_the_project(tmp_path)
    one = "sweep: [{{notebooks: [jain_wallace/adversary], parameters: {{epsilon: [{}], dataset: ['no']}}}}]\n"
    (folder / "config/trial.yaml").write_text(one.format("1e-2, .5, '5E-3', 1"))
    planned = sweep(folder, "-n")
    text, _ = planned.communicate(timeout=120)
    assert planned.returncode == 0, text
    for cell in ("0.01", "0.5", "0.005", "1"):
        assert f"running notebooks/jain_wallace/adversary.py with epsilon={cell}+dataset=no\n" in text
    for written, message in (
        ("010", "trial.yaml: line 1: readers of YAML differ about 010"),
        ("!!binary aGk=", "trial.yaml: line 1: binary is no plain value"),
        ("'010'", "parameter epsilon is '010': it must be float, such as 10"),
    ):
        (folder / "config/trial.yaml").write_text(one.format(written))
        planned = sweep(folder, "-n")
        text, _ = planned.communicate(timeout=120)
        assert planned.returncode != 0
        assert message in text
