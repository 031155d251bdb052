"""What must be true of every recorded run of the violation test, whatever the model."""

import numpy as np
import pytest

from attnbook.verdicts import cells


@pytest.fixture(scope="module")
def rates():
    table = cells.recorded("violation", ["methods"])
    assert len(table)
    return table.set_index(["run", "operator", "method", "metric"])[["value", "n"]].sort_index()


def of(rates, method, metric):
    return rates.xs((method, metric), level=("method", "metric"))


def test_leave_one_out_is_never_violated_by_its_own_removal(rates):
    found = of(rates, "leave-one-out", "violation").drop("mean", level="operator", errors="ignore")
    assert len(found)
    assert (found["value"] == 0).all()


def test_signed_random_scores_are_violated_as_often_as_chance_has_it(rates):
    # The published ratio is strict: an effect of 1e-9, a tie here, still has a sign. So ties are left out,
    # and half of the rest is violated: (1 − ties)/2 of all.
    decided = of(rates, "signed random", "violation_decided").drop("mean", level="operator")
    distance = (decided["value"] - 0.5) / (0.5 / np.sqrt(decided["n"]))
    # In standard errors; the ways to remove share their scores, so there are as many comparisons as runs, and
    # none is likely to be beyond 4.
    assert len(decided)
    assert (distance.abs() < 4).all(), distance[distance.abs() >= 4]
