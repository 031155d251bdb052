"""A csv of one's own goes by its path through every notebook and command that its task fits."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from attnbook import notebook
from attnbook.runs import record, run, train, verify
from attnbook.runs.readouts import models
from attnlib import data
from attnlib.prepare import prepare, prepare_transformer
from tests.book.test_sweep import copy_of_the_project, finished, sweep
from tests.test_notebooks import CHAPTERS, EXPERIMENTS, ROOT, cells_in_a_fork, name_of, small

PAGE = (ROOT / "book/own.md").read_text()
REVIEWS = ROOT / "book/_assets/reviews.csv"
# A page about regions of scenes reads no texts.
FITTING = [source for source in (*EXPERIMENTS, *CHAPTERS) if name_of(source) != "violation/regions"]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder whose name has all that a shell trips over, with the reviews in it; the current folder."""
    folder = tmp_path / "it's mine (2)"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "my data.csv").write_bytes(REVIEWS.read_bytes())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("source", FITTING, ids=name_of)
def test_the_csv_goes_through_every_notebook_that_reads_texts(source, mine):
    values = small(source) | {"dataset": "my data.csv", "epochs": 4, "output": "tables"}
    if "kind" in values:
        values["kind"] = "bert"
    for name, flat in (("architecture", "FLANnoenc"), ("architectures", ["FLANnoenc", "FLANconv"])):
        values |= {name: flat} if name in values else {}
    values = {name: value for name, value in values.items() if f"\n{name}: " in source.read_text()}
    cells_in_a_fork(source, values)
    if (mine / "tables/summary.csv").exists():
        assert set(pd.read_csv(mine / "tables/summary.csv")["dataset"]) == {"my data"}


@pytest.mark.slow
def test_it_is_trained_run_recorded_and_verified_and_its_change_is_noticed(mine, monkeypatch, capsys):
    monkeypatch.setenv("ATTNLIB_CACHE", str(mine / "cache"))
    settings = {"dataset": "my data.csv", "encoder": "average", "epochs": 2, "limit": 20}
    train.main(["prepare", "-p", "dataset", "my data.csv", "-p", "encoder", "average", "-p", "epochs", "2"])
    (trained,) = (mine / "cache/models").glob("my_data-*.safetensors")
    before = trained.stat().st_mtime_ns
    page = mine / "page.ipynb"
    values = settings | {"output": "sweep/jain_wallace/permutation/one"}
    run.run(ROOT / "notebooks/jain_wallace/permutation.py", page, values)
    assert trained.stat().st_mtime_ns == before
    # No page tells where its reader keeps files.
    shown = [output for cell in json.loads(page.read_text())["cells"] for output in cell.get("outputs", [])]
    assert "my data.csv" in json.dumps(shown)
    assert str(mine) not in json.dumps(shown)
    with pytest.raises(ValueError, match=r"1 runs are of data of your own \(my data\), .*: name a folder"):
        record.record("sweep")
    record.record("sweep", "records")
    assert verify.main(["--results", "records"]) == 0
    (mine / "my data.csv").write_bytes(REVIEWS.read_bytes().replace(b"soup", b"stew"))
    verify.checksum.cache_clear()
    assert verify.main(["--results", "records"]) == 1
    assert "the data here are others" in capsys.readouterr().out


@pytest.mark.slow
def test_the_pages_sweep_runs_again_when_the_file_has_changed(tmp_path):
    folder = copy_of_the_project(tmp_path)
    (folder / "it's mine (2)").mkdir()
    path = folder / "it's mine (2)/my data.csv"
    path.write_bytes(REVIEWS.read_bytes())
    # Geometry of own data is run above.
    given = PAGE.split("```yaml\n")[1].split("```")[0].replace(", beyond/geometry]", "]")
    given = given.replace("book/_assets/reviews.csv", '"it\'s mine (2)/my data.csv"')
    (folder / "config/trial.yaml").write_text(given.replace("epochs: [4]", "epochs: [1], limit: [20]"))
    text, _ = sweep(folder).communicate(timeout=1800)
    summary = pd.read_csv(folder / "build/sweep/summary.csv")
    assert len(finished(folder)) == 2, text
    assert set(summary["dataset"]) == {"my data"}
    # Not into the repository's own tables.
    text, _ = sweep(folder, target="record").communicate(timeout=600)
    assert "2 runs are of data of your own (my data)" in text
    assert "Nothing to be done" in sweep(folder, "-n").communicate(timeout=600)[0]
    path.write_bytes(REVIEWS.read_bytes().replace(b"soup", b"stew"))
    text, _ = sweep(folder, "-n").communicate(timeout=600)
    assert re.search(r"^cell +2$", text, re.MULTILINE), text


@pytest.mark.slow
def test_the_pages_commands_lead_from_file_to_figure(tmp_path, shared_cache):
    for name in ("notebooks", "book"):
        (tmp_path / name).symlink_to(ROOT / name)
    lines = PAGE.split("```bash\n")[1].split("```")[0].splitlines()
    assert len(lines) == 5
    around = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for line in lines:
        done = subprocess.run(line, shell=True, cwd=tmp_path, env=around, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert "data:image/png" in (tmp_path / "build/reviews.html").read_text()
    assert "agree, to the last recorded digit" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("block", PAGE.split("```python\n")[1:], ids=("frame", "loader", "encoder"))
def test_the_pages_code_runs(block, monkeypatch):
    monkeypatch.chdir(ROOT)
    namespace = {"__name__": "page"}
    exec(block.split("```")[0], namespace)
    made = {"load": lambda load: load().test.ids[0] == "mine/test/0", "run": lambda run: len(run.texts) > 50}
    made["scores"] = lambda scores: all(table.isfinite().all() for table in scores.values())
    name = next(name for name in ("scores", "run", "load") if name in namespace)
    assert made[name](namespace[name])


@pytest.mark.slow
def test_a_corpus_is_a_data_set_too():
    corpus = data.load(str(REVIEWS))
    runs = [prepare(given, "average", epochs=1, limit=5, progress=False) for given in (corpus, str(REVIEWS))]
    assert runs[0].settings == runs[1].settings
    assert runs[0].name["dataset"] == "reviews"
    assert runs[0].texts.evidence[0].sum() > 0


def test_a_page_says_what_it_cannot_read(tmp_path):
    def begin(dataset, reads, **needs):
        notebook.parameters({"__annotations__": {"dataset": "str"}, "dataset": str(dataset)}, reads, **needs)

    begin(REVIEWS, notebook.SINGLE_TEXTS, classes=2, evidence=True)
    with pytest.raises(
        ValueError, match=r"reviews\.csv': single texts of 2 classes with known evidence\. This"
    ):
        begin(REVIEWS, notebook.PAIRS)
    with pytest.raises(ValueError, match=r"no\.csv: there is no such file"):
        begin(tmp_path / "no.csv", notebook.TEXTS)
    with pytest.raises(ValueError, match=r"unknown, and no file of your own \(\.csv, "):
        begin("mine", notebook.TEXTS)
    with pytest.raises(ValueError, match="is of texts, lxmert reads"):
        prepare_transformer(str(REVIEWS), "lxmert")


def test_readouts_of_ones_own_data_are_not_published(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"readouts: [{{model: {{dataset: {json.dumps(str(REVIEWS))}}}}}]")
    with pytest.raises(ValueError, match=r"may not be published"):
        list(models(config))
