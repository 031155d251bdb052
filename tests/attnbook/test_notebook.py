"""Parameters of notebooks: a misspelt one must never pass in silence; and what a page shows and keeps."""

import math
import re
from types import SimpleNamespace
from typing import Any, Literal, Optional

import numpy as np
import pandas as pd
import pytest
import torch

from attnbook import BOOK, notebook
from attnbook.runs import results
from attnlib import data
from tests import toy

DECLARED = {"seed": int, "epsilon": float, "dataset": str, "limit": Optional[int]}  # noqa: UP045
DECLARED |= {"names": "list | None"}
VALUES = {"seed": 0, "epsilon": 0.01, "dataset": "planted", "limit": None, "names": ["a"]}


def namespace(**changes):
    return {"__annotations__": DECLARED, "_private": 1, "In": [], "module": pytest, **VALUES, **changes}


def test_parameters_come_back_by_name():
    assert notebook.parameters(namespace()) == VALUES
    assert notebook.parameters(namespace(limit=5, epsilon=1))["limit"] == 5
    with pytest.raises(ValueError, match="unknown parameter 'epsilom': known are seed.*'epsilon'"):
        notebook.parameters(namespace(epsilom=0.1))


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", "one"), ("epsilon", "1e-3"), ("limit", 2.5), ("dataset", None), ("seed", True), ("names", "a")],
)
def test_a_value_of_another_type_is_refused(name, value):
    with pytest.raises(ValueError, match=f"parameter {name} is {value!r}"):
        notebook.parameters(namespace(**{name: value}))


def test_the_source_line_names_the_notebook_what_is_set_and_the_commit(monkeypatch):
    named = []
    monkeypatch.setattr("attnbook.runs.results.commit", lambda: "0123456789ab+")
    monkeypatch.setattr("attnbook.charts.vegalite.enable", named.append)
    line = "notebooks/p/e.py seed=0 epsilon=0.01 dataset=planted names=['a'] · commit 0123456789ab+"
    assert notebook.source("p/e", VALUES | {"output": "build/run"}) == line
    assert notebook.source("p/e", {"record": None}) == "notebooks/p/e.py · commit 0123456789ab+"
    # The first call of a page has it drawn under its charts.
    found = notebook.begin(namespace(), "p/e", notebook.SINGLE_TEXTS)
    assert (found.name, found.parameters, named) == ("p/e", VALUES, [line])


@pytest.mark.parametrize(
    ("name", "reads", "needs", "what", "wanted"),
    [
        ("sst5", "SINGLE_TEXTS", {"classes": 2}, "single texts of 5 classes", "single texts of 2 classes"),
        ("agnews4", "SINGLE_TEXTS", {"sentences": True}, "single texts of 4", "texts with known sentences"),
        ("mrpc", "SINGLE_TEXTS", {}, "pairs of texts of 2 classes", "reads single texts: "),
        ("cnn", "PAIRS", {"classes": 3}, "texts with questions of many classes", "pairs of texts of 3"),
        ("yahoo", "SCENES", {}, "single texts of 10 classes with known sentences", "scenes with questions: "),
        ("scenes", "TEXTS", {}, "scenes with", "single texts or texts with questions or pairs of texts: "),
        ("own", "SINGLE_TEXTS", {"classes": 2}, "texts with questions of 2 classes", "of 2 classes: "),
        ("nothing", "TEXTS", {}, "unknown", "single texts or"),
        ("Planted", "SINGLE_TEXTS", {}, r"unknown \(did you mean 'planted'\?\)", "single texts: "),
    ],
)
def test_a_data_set_that_does_not_fit_is_refused_by_name(name, reads, needs, what, wanted, monkeypatch):
    monkeypatch.setitem(data.LOADERS, "own", lambda: toy.corpus(pair=True))
    refused = rf"^parameter dataset is '{name}': {what}.*\. This notebook (?=reads ).*{wanted}"
    with pytest.raises(ValueError, match=refused) as refusal:
        notebook.parameters(namespace(dataset=name), getattr(notebook, reads), **needs)
    fitting = str(refusal.value).rpartition(": ")[2].split(", ")
    assert fitting
    for other in fitting:
        assert notebook.parameters(namespace(dataset=other), getattr(notebook, reads), **needs)


def test_a_data_set_that_fits_is_not_read_unless_nothing_is_known_of_it(monkeypatch):
    read = []
    for name in ("planted", "own"):
        monkeypatch.setitem(data.LOADERS, name, lambda name=name: read.append(name) or toy.corpus())
        assert notebook.parameters(namespace(dataset=name), notebook.SINGLE_TEXTS, classes=2)
    assert read == ["own"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 2.0, 1234.5], ["0.500", "2.000", "1,234"]),
        ([6281.0, 12.0, math.nan], ["6,281", "12", ""]),
        ([0.0, 1.0], ["0.000", "1.000"]),
        ([0, 1, 1725], ["0", "1", "1,725"]),
        (["dev", 0.25, True, None], ["dev", "0.250", "True", ""]),
        ([math.nan], [""]),
    ],
)
def test_numbers_of_a_table_have_the_decimals_they_need(values, expected):
    frame = pd.DataFrame({"column": values, "other": 1})
    html = notebook.table(frame, ["column"]).to_html()
    assert re.findall(r"<td[^>]*>(.*?)</td>", html) == expected
    assert notebook.table(frame, ["column"]).to_html() == html
    html = notebook.table(frame, ["other", "column"]).to_html()
    assert re.findall(r"<th[^>]*>(.*?)</th>", html) == ["other", "column"]


def test_only_columns_of_sentences_are_marked_as_such():
    frame = pd.DataFrame({"a": ["b" * 60, None], "reason": ["", "words " * 11], "value": [1.5, 2.5]}, [3, 3])
    html = notebook.table(frame).to_html()
    marked = re.findall(r'<td[^>]*class="[^"]*sentence[^"]*"[^>]*>(.*?)</td>', html)
    assert marked == ["", "words " * 11]
    assert "sentence" not in notebook.table(frame.iloc[:0]).to_html()


def test_what_stands_for_a_missing_result_links_to_a_page_of_the_book():
    (target,) = re.findall(r'href="\.\./\.\./(.*?)\.html"', notebook.nothing().data)
    assert (BOOK / f"{target}.md").exists()


def test_literal_and_any_are_simple_annotations_too():
    letters, numbers = Literal["a", "b"], Literal[1, 2]
    for value, kind in (("a", letters), (1, numbers), ([1], Any), (None, Any)):
        assert notebook.is_instance(value, kind)
    for value, kind in (("c", letters), (True, numbers)):
        assert not notebook.is_instance(value, kind)


def test_a_folder_for_tables_that_cannot_be_is_refused_before_the_run(tmp_path):
    kinds = {"__annotations__": {"output": Optional[str]}}  # noqa: UP045
    (tmp_path / "tables").touch()
    for output in (None, "", str(tmp_path), str(tmp_path / "new")):
        assert notebook.parameters(kinds | {"output": output}) == {"output": output}
    for output, message in (
        (tmp_path / "tables", r"parameter output .*tables is a file: name a folder"),
        ("/proc/none", "parameter output /proc/none: nothing can be written in /proc"),
    ):
        with pytest.raises(ValueError, match=message):
            notebook.parameters(kinds | {"output": str(output)})


@pytest.fixture
def known(monkeypatch):
    """What pages make known to their prose."""
    glued = {}
    monkeypatch.setattr("myst_nb.glue", lambda name, value, display: glued.update({name: value}))
    return glued


def test_numbers_of_the_prose_are_pythons(known):
    page = notebook.Page("p/e", {})
    page.glue({"a, b": np.float64(0.5), "c": torch.tensor(2)}, d="word", e=True)
    page.glue(pd.Series({"f": 1.5}))
    assert repr(known) == "{'a, b': 0.5, 'c': 2, 'd': 'word', 'e': True, 'f': 1.5}"


def test_a_run_is_kept_in_the_folder_for_its_tables_and_nowhere_without_one(known, tmp_path):
    page = notebook.Page("p/e", {"output": str(tmp_path / "run")})
    name = dict(dataset="d", encoder="e", scorer="s", seed=0, variant="v", vectors="random")
    run = SimpleNamespace(name=name, settings={"data": "5c0d"}, began=0.0, history=[{"seconds": 1.0}])
    rows = pd.DataFrame({"metric": ["a", "b"], "value": [0.5, 1.0]})
    summary = page.summary(run, rows)
    of_run = summary[["paper", "experiment", "class"]].drop_duplicates()
    assert of_run.to_numpy().tolist() == [["p", "e", "all"]]
    several = page.summary(run, [rows.assign(**{"class": "x"}), rows])
    assert several["class"].fillna("none").tolist() == ["x", "x", "none", "none"]
    for output in ("", None):
        notebook.Page("p/e", {"output": output}).finish(run, rows, summary, a=1)
        notebook.Page("p/e", {"output": output}).write(rows, "table.csv")
    assert known == {"a": 1}
    assert not (tmp_path / "run").exists()
    page.finish(run, rows, summary, {"b": 2})
    page.write(rows, "table.csv")
    names = ["instances.parquet", "provenance.json", "summary.csv", "table.csv"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names
    assert known["b"] == 2


def test_the_last_line_of_a_page_of_records_names_each_paper(tmp_path):
    page = notebook.Page("p/e", {"recorded": str(tmp_path)})
    (tmp_path / "p").mkdir()
    pd.DataFrame({"run": ["1"], "commit": ["abc"], "date": ["2026-02-01T1"]}).to_csv(tmp_path / "p/runs.csv")
    ours = pd.DataFrame({"run": ["1"], "origin": ["recorded"]})
    line = "Runs of ours: 1, of which 0 are fresh or without a record of origin. Recorded from 2026-02-01"
    assert page.recorded(ours).data.startswith(f"**Where these numbers come from.** {line}")
    several = page.recorded({("A & B", "p"): ours, ("C", "q"): ours[:0]}).data
    assert f"*A &amp; B*: {line}" in several
    assert several.endswith(" *C*: No run is recorded yet.")


def test_a_page_of_generated_data_says_so_and_shows_what_is_recorded(tmp_path, monkeypatch):
    assert notebook.Page("p/e", {"dataset": "sst"}).generated(["dataset"], ["f1"]) is None
    said = notebook.Page("p/e", {"dataset": "planted"}).generated(link="other").data
    assert "<code>planted</code>" in said
    assert 'href="other.html"' in said
    assert "<table" not in said
    rows = {"dataset": ["a", "a", "b", "b"], "seed": [0, 1, 0, 0], "value": [0.25, 0.75, 0.125, 9.0]}
    rows |= {"metric": ["f1", "f1", "f1", "tvd"], "lambda": 0.0005, "method": "m", "class": "all"}
    frame = pd.DataFrame(rows).assign(paper="p", experiment="e", encoder="x", scorer="y", run="r")
    monkeypatch.setattr(results, "RECORDED", tmp_path)
    results.write(results.validate(frame), tmp_path / "p/e.csv")
    page = notebook.Page("p/e", {"dataset": "planted"})
    assert "<table" not in notebook.Page("p/none", {"dataset": "planted"}).generated(["dataset"], ["f1"]).data
    shown = page.generated(["dataset", "lambda"], ["f1"], method="m").data
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", shown)
    assert cells == ["a", "0.0005", "0.500", "b", "0.0005", "0.125"]


def test_the_origin_names_commits_and_days(tmp_path):
    own = pd.DataFrame({"run": ["1", "2", "3"], "origin": ["recorded", "recorded", "fresh"]})
    known = {"run": ["1", "2", "9"], "commit": ["b", "a", "z"]}
    known |= {"date": ["2026-02-01T1", "2026-01-31T2", "2020"]}
    pd.DataFrame(known).to_csv(tmp_path / "runs.csv", index=False)
    assert notebook.runs_in_words(own, tmp_path / "runs.csv") == (
        "Runs of ours: 3, of which 1 are fresh or without a record of origin. "
        "Recorded from 2026-01-31 to 2026-02-01 at commit `a`, `b`."
    )
    assert notebook.runs_in_words(own[:0], tmp_path) == "No run is recorded yet."
