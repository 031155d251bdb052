"""The recorded Readouts of this repository say what book/results says, and hold no text of a data set."""

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from attnbook.runs.readouts import models
from attnlib import data, readouts
from attnlib.data.sets.sst import tokenize
from tests.test_notebooks import cells_in_a_fork

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "book/readouts"
INDEX = readouts.index(FOLDER)
# By experiment: parameters, and how far its means may be from the recorded ones. Half precision is coarser.
PAGES = {
    "jain_wallace/permutation": ({}, 1e-4),
    "jain_wallace/adversary": ({}, 1e-4),
    "jain_wallace/correlation": ({}, 1e-4),
    "wiegreffe_pinter/uniform": ({}, 1e-3),
    "wiegreffe_pinter/seeds": ({"n_seeds": 8}, 1e-3),
}
BYTES = 5 * 2**20
REPOSITORY = 25e6


def committed():
    """The files of this repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0")[:-1]]


def test_the_index_is_that_of_the_files_and_of_the_grid():
    files = {path.name: path.stat().st_size for path in FOLDER.glob("*.safetensors")}
    assert dict(zip(INDEX["file"], INDEX["bytes"], strict=True)) == files
    assert sum(files.values()) <= BYTES
    wanted = {
        tuple(
            str(model.get(name, usual))
            for name, usual in (("encoder", "bilstm"), ("scorer", "additive"), ("seed", 0))
        )
        for model, _ in models(ROOT / "config/readouts.yaml")
    }
    assert {tuple(map(str, row)) for row in INDEX[["encoder", "scorer", "seed"]].to_numpy()} == wanted


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
@pytest.mark.parametrize("page", PAGES)
def test_pages_of_recorded_readouts_say_what_is_recorded(page, tmp_path, monkeypatch):
    monkeypatch.setenv(readouts.FOLDER, str(FOLDER))
    monkeypatch.delenv("ATTNLIB_DATA", raising=False)
    given, tolerance = PAGES[page]
    parameters = {"dataset": "sst", "vectors": "imdb", "readouts": "only", "output": str(tmp_path)} | given
    cells_in_a_fork(ROOT / f"notebooks/{page}.py", parameters)
    ours = pd.read_csv(tmp_path / "summary.csv", dtype={"class": str})
    paper, experiment = page.split("/")
    table = next((ROOT / "book/results" / paper).glob(f"{experiment}.csv*"))
    recorded = pd.read_csv(table, dtype={"class": str})
    keys = [name for name in ours if name in recorded and name not in ("value", "low", "high", "n", "run")]
    both = ours.merge(recorded, on=keys, suffixes=("", "_recorded"))
    means = both[both["bin"].isna()] if "bin" in both else both
    assert len(means) >= 10
    gap = (means["value"] - means["value_recorded"]).abs()
    assert gap.max() <= tolerance, means.assign(gap=gap).nlargest(5, "gap")[
        [*keys, "value", "value_recorded"]
    ]


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
    assert 1e6 < tree + pack <= REPOSITORY, f"{tree / 1e6:.1f} MB of files and {pack / 1e6:.1f} MB of history"
