"""Every notebook runs with parameters of the reader's choice, twice the same, and survives JupyterLab."""

import ast
import difflib
import json
import multiprocessing
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from attnbook.charts import vegalite
from attnbook.runs import run
from attnlib import data, statistics
from attnlib.data.generated import planted, planted_documents, scenes
from attnlib.tables import performance

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.py"))
# The others read what was recorded: the book runs them as they are (`tests/book/test_book.py`).
WITH_DATA = [path for path in NOTEBOOKS if "\ndataset: " in path.read_text()]
# A chapter is about recorded data, and runs on others without its sentences.
CHAPTERS = [path for path in WITH_DATA if path.parent.name == "chapters"]
EXPERIMENTS = [path for path in WITH_DATA if path not in CHAPTERS]
RECORDS = [path for path in NOTEBOOKS if "\nrecorded: " in path.read_text()]
NAMES = [str(path.relative_to(ROOT / "notebooks")) for path in NOTEBOOKS]
# Tags of cells whose code is folded away or left out, and how many letters of a line of the others are seen.
HIDDEN, WIDEST = {"hide-input", "hide-cell", "remove-input", "remove-cell"}, 84
# Small enough for a test; the planted texts need no file.
SMALL = {"dataset": "planted", "encoder": "average", "epochs": 2, "limit": 25}
SCENES = {"dataset": "scenes", "kind": "visual_bert", "layers": 1, "epochs": 1, "limit": 25}
DOCUMENTS = {"dataset": "planted_documents", "epochs": 2, "limit": 25}


def small(source):
    """Parameters that make a short run of a notebook."""
    text = source.read_text()
    if "\narchitectures: " in text:
        chosen = DOCUMENTS | {"architectures": ["FLANnoenc", "HANnoenc"]}
    elif "\narchitecture: " in text:
        chosen = DOCUMENTS | {"architecture": "FLANnoenc"}
    else:
        chosen = (SCENES if "\nkind: " in text else SMALL) | {"depths": [1, 2], "vectors": "random"}
        chosen |= {"strengths": [0.0, 0.1], "adversary_epochs": 1, "n_seeds": 2, "n_steps": 50}
        chosen |= {"ratios": [0.0, 0.5, 1.0]}
    chosen |= {"readouts": "never"}
    return {name: value for name, value in chosen.items() if f"\n{name}: " in text}


def name_of(source):
    """A notebook's name as config/*.yaml has it, such as beyond/speed."""
    return source.relative_to(ROOT / "notebooks").with_suffix("").as_posix()


def charts_of(executed):
    """Media bundles of the charts of an executed notebook."""
    cells = json.loads(executed.read_text())["cells"]
    bundles = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [bundle for bundle in bundles if vegalite.MIME in bundle]


def cells_in_a_fork(source, values):
    """Run a notebook's code in a copy of this process: no kernel, and nothing left behind but its imports."""
    import jupytext

    cells = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    for cell in cells:
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(ast.unparse(node), {})

    def execute():
        namespace = {"__name__": "__main__"}
        for cell in cells:
            exec(compile(cell.source, str(source), "exec"), namespace)
            if "parameters" in cell.metadata.get("tags", []):
                namespace.update(values)

        if "page" in namespace:
            assert not values or not namespace["page"].as_written()

    child = multiprocessing.get_context("fork").Process(target=execute)
    child.start()
    child.join()
    assert child.exitcode == 0


@pytest.fixture
def few(monkeypatch):
    """Generated corpora of few texts, and few resamples of them, for runs in this process."""
    sizes = {"n_train": 200, "n_dev": 50, "n_test": 50}
    monkeypatch.setitem(data.LOADERS, "planted", partial(planted.load, **sizes))
    monkeypatch.setitem(data.LOADERS, "planted_documents", partial(planted_documents.load, **sizes))
    monkeypatch.setitem(data.SCENES, "scenes", partial(scenes.load, **sizes))
    monkeypatch.setattr(statistics, "bootstrap_mean", partial(statistics.bootstrap_mean, n_resamples=20))
    monkeypatch.setattr(performance, "difference", partial(performance.difference, n_resamples=20))


@pytest.mark.slow
@pytest.mark.parametrize("source", EXPERIMENTS, ids=name_of)
def test_it_runs_and_repeats_bit_for_bit(source, few, tmp_path):
    values = small(source) | {"seed": 3}
    for name in ("first", "second"):
        cells_in_a_fork(source, values | {"output": str(tmp_path / name)})
    tables = {path.name for path in (tmp_path / "first").iterdir()} - {"provenance.json"}
    # A run of one model can be recorded; the page that compares six, and the one of a model that is not ours,
    # give one table.
    assert tables in ({"summary.csv", "instances.parquet"}, {"contextualisation.csv"}, {"rates.csv"})
    for table in tables:
        assert (tmp_path / "first" / table).read_bytes() == (tmp_path / "second" / table).read_bytes()
    if "summary.csv" in tables:
        origin = json.loads((tmp_path / "first" / "provenance.json").read_text())
        assert origin["parameters"]["limit"] == 25


@pytest.mark.slow
@pytest.mark.parametrize("source", CHAPTERS, ids=name_of)
def test_a_chapter_runs_on_other_data_and_then_says_nothing_of_its_own(source, few, tmp_path):
    """What a person wrote for the recorded run is shown for that alone: `Page.as_written`."""
    cells_in_a_fork(source, small(source) | {"output": str(tmp_path)})


@pytest.mark.slow
# Two more are compared in tests/book/test_sweep.py.
@pytest.mark.parametrize("name", ["serrano_smith/single", "wiegreffe_pinter/uniform"])
def test_a_run_of_papermill_gives_the_same_and_signs_its_charts(name, tmp_path):
    source = ROOT / f"notebooks/{name}.py"
    values = small(source) | {"seed": 3}
    run.run(source, tmp_path / "page.ipynb", values | {"output": str(tmp_path / "page")})
    cells_in_a_fork(source, values | {"output": str(tmp_path / "here")})
    for table in ("summary.csv", "instances.parquet"):
        assert (tmp_path / "page" / table).read_bytes() == (tmp_path / "here" / table).read_bytes()
    charts = charts_of(tmp_path / "page.ipynb")
    assert charts
    for chart in charts:
        assert "image/png" in chart
        line = chart[vegalite.MIME]["usermeta"]["source"]
        assert line.startswith(f"notebooks/{name}.py dataset={values['dataset']} ")
        assert "limit=25" in line


@pytest.mark.parametrize("source", RECORDS, ids=name_of)
def test_a_page_of_records_is_a_page_where_nothing_is_recorded(source, tmp_path):
    cells_in_a_fork(source, {"recorded": str(tmp_path / "nowhere")})


@pytest.mark.slow
def test_with_a_question_the_performance_without_its_text_is_measured(tmp_path):
    values = SMALL | {"dataset": "babi1_generated", "epochs": 1, "limit": 20, "output": str(tmp_path / "run")}
    run.run(ROOT / "notebooks/jain_wallace/base.py", tmp_path / "page.ipynb", values)
    table = pd.read_csv(tmp_path / "run/summary.csv").set_index("metric")
    assert table.loc["accuracy_exchanged", "n"] == 20
    assert 0 <= table.loc["accuracy_exchanged", "value"] <= 1
    page = (tmp_path / "page.ipynb").read_text()
    assert f"accuracy is {table.loc['accuracy_exchanged', 'value']:.3f}: so much comes from" in page


@pytest.mark.slow
def test_the_readmes_papermill_lines(tmp_path):
    folder, scripts = tmp_path / "it's mine (2)", Path(sys.executable).parent
    folder.mkdir()
    (folder / "Makefile").write_text((ROOT / "Makefile").read_text())
    (folder / "notebooks").symlink_to(ROOT / "notebooks")
    (folder / "given.yaml").write_text("encoder: average\nepochs: 2\nlimit: 25\n")

    def call(*words):
        return subprocess.run(list(map(str, words)), cwd=folder, capture_output=True, text=True)

    made = call("make", "notebooks", f"BIN={scripts}")
    assert made.returncode == 0, made.stderr
    assert (ROOT / "notebooks/jain_wallace/permutation.py").is_file()
    source = "build/notebooks/jain_wallace/permutation.ipynb"
    assert "encoder: str" in call(scripts / "papermill", "--help-notebook", source).stdout
    line = (
        scripts / "papermill",
        "--no-progress-bar",
        source,
        "out.ipynb",
        "-f",
        "given.yaml",
        "-p",
        "seed",
        "3",
    )
    done = call(*line)
    assert done.returncode == 0, done.stderr
    refused = call(*line, "-p", "encodr", "average")
    assert refused.returncode != 0
    assert "unknown parameter 'encodr'" in refused.stderr
    assert "Did you mean 'encoder'" in refused.stderr


@pytest.mark.parametrize("source", NOTEBOOKS, ids=NAMES)
def test_what_every_source_has(source):
    """Its name under its charts, what it reads, roles in the text alone, parameters a person can read."""
    import jupytext

    # An experiment says which data sets it takes, and where its data are generated.
    reads = r", (notebook\.|reads\()" if source in EXPERIMENTS else "[,)]"
    begin = rf'^page = notebook\.begin\(\s*globals\(\), "{name_of(source)}"{reads}'
    assert re.search(begin, source.read_text(), re.MULTILINE)
    assert source not in EXPERIMENTS or "page.generated(" in source.read_text()
    cells = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    # In what a cell displays, or in code, a reader would see {doc}`page` as it is written.
    assert not re.findall(r"\{[a-z:]+\}`[^`]*`", "\n".join(cell.source for cell in cells))
    (own,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    head, blank, *lines = own.splitlines()
    # papermill reads annotations by pattern, and none with |.
    assert [head, blank] == ["from typing import Optional", ""]
    for line in lines:
        name, annotated, rest = line.partition(": ")
        assert name.isidentifier()
        assert annotated
        assert " = " in rest
        assert "  # " in rest


@pytest.mark.parametrize("source", NOTEBOOKS, ids=NAMES)
def test_the_code_that_a_page_shows_fits_its_column(source):
    import jupytext

    code = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    shown = [cell.source for cell in code if not HIDDEN & set(cell.metadata.get("tags", []))]
    assert not [line for text in shown for line in text.splitlines() if len(line) > WIDEST]


@pytest.mark.parametrize("source", NOTEBOOKS, ids=NAMES)
def test_jupyterlab_saves_only_the_edit(source, tmp_path):
    from jupyter_server.services.contents.filemanager import FileContentsManager
    from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

    shutil.copy(ROOT / "jupytext.toml", tmp_path)
    copy = shutil.copy(source, tmp_path)
    manager = build_sync_jupytext_contents_manager_class(FileContentsManager)(root_dir=str(tmp_path))
    model = manager.get(source.name, type="notebook", content=True)
    content = model["content"]
    # What a run in the lab leaves in the notebook, and one edit by hand.
    content.metadata["language_info"] = {"name": "python", "version": "3.12.1", "pygments_lexer": "ipython3"}
    for number, cell in enumerate(content.cells):
        if cell.cell_type == "code":
            cell.execution_count = number
            cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
            cell.source = cell.source.replace("seed: int = 0", "seed: int = 7")
    manager.save({"type": "notebook", "format": "json", "content": content}, source.name)
    before, after = source.read_text().splitlines(), Path(copy).read_text().splitlines()
    changed = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    edited = any(line.startswith("seed: int = 0") for line in before)  # the speed page has no seed
    assert [line[:15] for line in changed] == (["- seed: int = 0", "+ seed: int = 7"] if edited else [])
