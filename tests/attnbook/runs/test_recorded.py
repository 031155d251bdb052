"""What must be true of every recorded run: its notebook takes its parameters, its rates obey the theory."""

from functools import cache

import numpy as np
import pytest

from attnbook import NOTEBOOKS
from attnbook.runs import results, verify
from attnbook.verdicts import cells
from attnlib.cache.sources import defaults

declared = cache(defaults)


def test_the_notebook_of_every_recorded_run_takes_its_parameters():
    for row in verify.recorded_runs(results.RECORDED).to_dict("records"):
        source, parameters = verify.as_today(row)
        of = (row["paper"], row["experiment"])
        assert source == NOTEBOOKS / f"{'/'.join(of)}.py" or of in verify.RENAMED
        assert set(parameters) <= set(declared(source)), f"run {row['run']}"


def test_a_renamed_notebook_and_parameter_are_found_by_the_table(monkeypatch):
    monkeypatch.setitem(verify.RENAMED, ("p", "old"), ("p/new", {"eps": "epsilon"}))
    row = {"paper": "p", "experiment": "old", "parameters": '{"eps": 0.1, "seed": 2}', "run": "x"}
    assert verify.as_today(row) == (NOTEBOOKS / "p/new.py", {"epsilon": 0.1, "seed": 2})


@pytest.fixture(scope="module")
def rates():
    """Rates of removals of the violation test, by method and metric."""
    table = cells.recorded("violation", ["methods"])
    return table[table["operator"] != "mean"].set_index(["method", "metric"])


def test_leave_one_out_is_never_violated_by_its_own_removal(rates):
    found = rates.loc[("leave-one-out", "violation"), "value"]
    assert len(found)
    assert (found == 0).all()


def test_signed_random_scores_are_violated_as_often_as_chance_has_it(rates):
    # The published ratio is strict: an effect of 1e-9, a tie here, still has a sign. So ties are left out,
    # and half of the rest is violated: (1 − ties)/2 of all.
    decided = rates.loc[("signed random", "violation_decided")]
    distance = (decided["value"] - 0.5) / (0.5 / np.sqrt(decided["n"]))
    # In standard errors; the ways to remove share their scores, so there are as many comparisons as runs, and
    # none is likely to be beyond 4.
    assert len(decided)
    assert (distance.abs() < 4).all(), distance[distance.abs() >= 4]
