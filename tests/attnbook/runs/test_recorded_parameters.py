"""Every recorded run can be asked for again: its notebook exists and takes its parameters."""

import json
from functools import cache

import pytest

from attnbook import NOTEBOOKS
from attnbook.runs import results, verify
from attnlib.cache.sources import defaults

declared = cache(defaults)
RUNS = verify.recorded_runs(results.RECORDED)


@pytest.mark.parametrize(
    ("paper", "experiment"), sorted(set(zip(RUNS["paper"], RUNS["experiment"], strict=True)))
)
def test_the_notebook_of_every_recorded_run_takes_its_parameters(paper, experiment):
    mine = RUNS[(RUNS["paper"] == paper) & (RUNS["experiment"] == experiment)]
    for row in mine.to_dict("records"):
        source, parameters = verify.as_today(row)
        assert source == NOTEBOOKS / paper / f"{experiment}.py" or (paper, experiment) in verify.RENAMED
        assert source.is_file()
        unknown = set(parameters) - set(declared(source))
        assert not unknown, f"run {row['run']}: {unknown}"


def test_a_renamed_notebook_and_parameter_are_found_by_the_table(monkeypatch):
    monkeypatch.setitem(verify.RENAMED, ("p", "old"), ("p/new", {"eps": "epsilon"}))
    row = {"paper": "p", "experiment": "old", "parameters": json.dumps({"eps": 0.1, "seed": 2}), "run": "x"}
    source, parameters = verify.as_today(row)
    assert source == NOTEBOOKS / "p/new.py"
    assert parameters == {"epsilon": 0.1, "seed": 2}
