"""The recorded Readouts of this repository say what book/results says, and hold no text of a data set."""

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from attnbook.runs import grid, results
from attnbook.runs.readouts import models
from attnbook.runs.values import load_file
from attnlib import data, readouts
from attnlib.data.sets.sst import tokenize
from tests.test_notebooks import cells_in_a_fork

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "book/readouts"
INDEX = readouts.index(FOLDER)
# Their runs are those that were recorded (config/readouts.yaml).
PAGES = grid.runs(load_file(ROOT / "config/readouts.yaml"), ROOT)
BYTES = 5 * 2**20
# What is checked out. The history (18 MB) grows by every table recorded again, and its size depends on
# how git packs it: its bound is wide.
TREE = 8.6e6
HISTORY = 18.9e6


def committed():
    """The files of this repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0")[:-1]]


def test_the_index_is_that_of_the_files_and_of_the_grid():
    files = {path.name: path.stat().st_size for path in FOLDER.glob("*.safetensors")}
    assert dict(zip(INDEX["file"], INDEX["bytes"], strict=True)) == files
    assert sum(files.values()) <= BYTES
    usual = {"encoder": "bilstm", "scorer": "additive", "seed": 0, "variant": "released"}
    for model, kept in models(ROOT / "config/readouts.yaml"):
        flat = {} if "architecture" in model else usual
        found = readouts.load(**readouts.named(flat | model), folder=FOLDER)
        assert list(found.scores) == kept.get("scores", [])


@pytest.mark.parametrize("row", INDEX.to_dict("records"), ids=INDEX["file"])
def test_each_file_is_whole(row):
    found = readouts.read(FOLDER / row["file"])
    assert len(found) == row["texts"]
    assert found.facts["test_metrics"]["accuracy"] == pytest.approx(row["accuracy"], abs=1e-6)
    assert not found.facts["made"]["commit"].endswith("+")
    if found.words is None:
        right = found.readout.predictions().numpy() == found.labels
        assert right.mean() == pytest.approx(row["accuracy"], abs=2e-3)  # of half precision
    else:
        text = {
            f"sentences/{row['id']}": row["text"]
            for _, row in pd.read_csv(FOLDER / "sentences.csv").iterrows()
        }
        assert [tokenize(text[name]) for name in found.ids] == list(found.words)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "name"), PAGES)
def test_pages_of_recorded_readouts_say_what_is_recorded(page, name, tmp_path, monkeypatch):
    monkeypatch.setenv(readouts.FOLDER, str(FOLDER))
    monkeypatch.delenv("ATTNLIB_DATA", raising=False)
    cells_in_a_fork(ROOT / f"notebooks/{page}.py", PAGES[page, name] | {"output": str(tmp_path)})
    ours = pd.read_csv(tmp_path / "summary.csv", dtype={"class": str})
    paper, experiment = page.split("/")
    recorded = results.recorded(paper, experiment)
    keys = [name for name in ours if name in recorded and name not in ("value", "low", "high", "n", "run")]
    both = ours.merge(recorded, on=keys, suffixes=("", "_recorded"))
    means = both[both["bin"].isna()] if "bin" in both else both
    assert len(means) >= 10
    gap = (means["value"] - means["value_recorded"]).abs()
    # Another processor: of shares a text more or less, and a search ends in another corner on a few texts.
    bound = means["metric"].str.contains("jsd|tau|tvd|gap|max_attention").map({True: 1e-4, False: 2e-3})
    if "epsilon" in means:
        bound = bound.mask(means["epsilon"].notna() & (bound == 1e-4), 5e-4)
    shown = [*keys, "value", "value_recorded"]
    assert (gap <= bound).all(), means.assign(gap=gap)[gap > bound].nlargest(5, "gap")[shown]


@pytest.mark.data("sst", "imdb", "ag_news")
@pytest.mark.slow
def test_no_committed_file_holds_a_text_of_a_data_set():
    held = " ".join(
        " ".join(re.findall(r"\w+", path.read_text(encoding="utf-8", errors="ignore").lower()))
        for path in committed()
        if path.suffix in (".csv", ".json", ".md", ".py", ".toml", ".yaml", ".safetensors", ".svg", ".txt")
    )
    for name in ("sst", "imdb", "agnews_subset"):
        texts = (" ".join(re.findall(r"\w+", " ".join(text).lower())) for text in data.load(name).test.texts)
        found = [text[:60] for text in texts if len(text.split()) >= 8 and text in held]
        assert not found, (name, found[:3])


def test_the_repository_stays_small():
    tree = sum(path.stat().st_size for path in committed() if path.is_file())
    # As a clone gets it, however the objects lie here.
    ask = ["git", "pack-objects", "--revs", "--stdout", "--quiet"]
    pack = len(subprocess.run(ask, cwd=ROOT, input=b"HEAD\n", capture_output=True, check=True).stdout)
    assert 1e6 < tree <= TREE, f"{tree / 1e6:.2f} MB of files"
    assert 1e6 < pack <= HISTORY, f"{pack / 1e6:.2f} MB of history"
