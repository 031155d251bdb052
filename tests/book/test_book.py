"""The build: every page is there, strict, and done once."""

import re
import shlex
import shutil
import subprocess
import time

import nbformat
import pytest
import yaml

from attnbook.charts import colours, vegalite
from tests import test_notebooks
from tests.attnbook.charts.drawn import colours_of
from tests.book.conftest import ROOT, snakemake
from tests.test_notebooks import charts_of, name_of

pytestmark = pytest.mark.slow

TOC = yaml.safe_load((ROOT / "book/_toc.yml").read_text())
CHAPTERS = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
SECTIONS = [section for chapter in CHAPTERS for section in chapter.get("sections", [])]
PAGES = [TOC["root"], *(page["file"] for page in (*CHAPTERS, *SECTIONS))]
EXPERIMENTS = {name_of(source) for source in test_notebooks.EXPERIMENTS}
RUNS = sorted(yaml.safe_load((ROOT / "config/default.yaml").read_text())["book"])


@pytest.mark.parametrize("page", PAGES)
def test_page_is_built_and_asks_no_other_host(site, page):
    source = (site / f"{page}.html").read_text()
    assert "<h1>" in source
    loaded = re.findall(r"""<(?:script|img|iframe|source)[^>]*\ssrc=["'](https?:)?//""", source)
    linked = re.findall(
        r"""<link[^>]*rel=["'](?:stylesheet|preload|icon)["'][^>]*href=["']https?://""", source
    )
    assert not loaded
    assert not linked


@pytest.mark.parametrize("run", RUNS)
def test_notebook_is_executed_without_error_and_says_where_its_numbers_come_from(site, run):
    notebook = nbformat.read(ROOT / f"build/runs/{run}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    # The landing page is the root of the book.
    page = (site / ("index.html" if run == "chapters/index" else f"experiments/{run}.html")).read_text()
    assert "Where these numbers come from" in page
    # Neither warnings nor the log of a training.
    assert "output stderr" not in page
    # A page of records may draw nothing where nothing is recorded yet.
    for chart in charts_of(ROOT / f"build/runs/{run}.ipynb"):
        assert "image/png" in chart
        line = chart[vegalite.MIME]["usermeta"]["source"]
        assert line.startswith(f"notebooks/{run}.py" + " dataset=" * (run in EXPERIMENTS))


def test_a_word_has_one_colour_in_the_whole_book(site):
    bundles = (bundle for run in RUNS for bundle in charts_of(ROOT / f"build/runs/{run}.ipynb"))
    found = colours_of(bundle[vegalite.MIME] for bundle in bundles)
    assert len(found) > 60
    assert {
        word: shades for word, shades in found.items() if word in colours.BY_WORD and len(shades) > 1
    } == {}


def test_the_speed_page_reads_the_record(site):
    page = ROOT / "build/runs/beyond/speed.ipynb"
    assert "GPU: " in page.read_text()
    assert charts_of(page)


def test_every_run_is_a_page():
    # The landing page is the root.
    runs = {f"experiments/{run}" for run in RUNS} - {"experiments/chapters/index"}
    assert runs == {page for page in PAGES if page.startswith("experiments/")}


def test_the_sidebar_has_two_dozen_entries_at_most_and_each_page_a_title_of_its_own(site):
    assert len(CHAPTERS) + 1 <= 24
    titles = [
        re.search("<title>(.*?)</title>", (site / f"{page}.html").read_text(), re.DOTALL)[1] for page in PAGES
    ]
    assert len(set(titles)) == len(titles)


def test_second_build_does_nothing(site):
    index = site / "index.html"
    before, start = index.stat().st_mtime_ns, time.monotonic()
    done = snakemake()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
    assert index.stat().st_mtime_ns == before
    assert time.monotonic() - start < 30


def test_make_book_builds_it():
    """`make book` is this Snakemake call and nothing else, so the other tests speak for it."""
    plan = subprocess.run(
        ["make", "--no-print-directory", "-n", "book"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    call = shlex.split(plan.stdout.strip().splitlines()[-1])
    assert call == [".venv/bin/snakemake", "--profile", "profiles/local"]


@pytest.fixture
def copy(site, tmp_path):
    """A copy of the built repository in which something may be broken."""
    for name in ("Snakefile", "_config.yml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    for name in ("config", "profiles", "book", "attnlib", "notebooks", "build/runs", "build/versions"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_broken_references_fail_the_build_and_are_named(copy):
    page = copy / "book/run.md"
    broken = """
[gone](no_such_page.md), {cite:t}`nobody2030nothing`,
{glue:text}`experiments/jain_wallace/adversary.ipynb::no_such_number:.2f`
"""
    page.write_text(page.read_text() + broken)
    done = snakemake("site", folder=copy)
    assert done.returncode != 0
    for name in ("no_such_page", "nobody2030nothing", "no_such_number"):
        assert name in done.stdout
    assert not (copy / "build/_build/html/index.html").exists()


def test_an_unknown_parameter_fails_and_leaves_nothing(copy):
    (copy / "config/default.yaml").write_text("book: {jain_wallace/adversary: {epsilom: 0.1}}\nthreads: 1\n")
    output = copy / "build/runs/jain_wallace/adversary.ipynb"
    done = snakemake("--force", str(output.relative_to(copy)), folder=copy)
    assert done.returncode != 0
    assert "epsilom" in done.stdout
    assert "epsilon" in done.stdout
    assert not output.exists()


def test_an_unknown_notebook_is_named(copy):
    (copy / "config/default.yaml").write_text("book: {jain_wallace/adversery: {}}\nthreads: 1\n")
    done = snakemake("-n", folder=copy)
    assert done.returncode != 0
    assert "no notebook 'jain_wallace/adversery'" in done.stdout


def test_the_papers_grid_can_be_planned():
    done = snakemake("-n", "--configfile", "config/jain_wallace.yaml", "--", "sweep")
    assert done.returncode == 0, done.stdout[-3000:]
