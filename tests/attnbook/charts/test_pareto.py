"""The Pareto front is what comparing all pairs gives."""

import numpy as np
import pytest

from attnbook.charts.pareto import pareto_front

# Few distinct values, so that ties are the rule; −0 equals 0.
VALUES = [-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, np.inf, np.nan]


def by_pairs(cost, gain):
    """The definition: every point against every other one; a comparison with NaN is false."""

    def beats(i, j):
        return cost[i] <= cost[j] and gain[i] >= gain[j] and (cost[i] < cost[j] or gain[i] > gain[j])

    known = ~(np.isnan(cost) | np.isnan(gain))
    return [bool(known[j]) and not any(beats(i, j) for i in range(len(cost))) for j in range(len(cost))]


def test_it_is_what_comparing_all_pairs_gives():
    rng = np.random.default_rng(0)
    for n in [*range(31)] * 5:
        drawn = rng.choice(VALUES, (2, n))
        cost, gain = np.where(rng.random((2, n)) < 0.7, drawn, rng.uniform(-2, 2, (2, n)))
        front = pareto_front(cost, gain)
        assert front.dtype == bool
        assert front.tolist() == by_pairs(cost, gain)


@pytest.mark.parametrize(
    ("cost", "gain", "front"),
    [
        ([1, 1, 1, 2], [5, 5, 4, 5], [True, True, False, False]),  # equal points are both kept
        ([np.nan, 1, 2, 0], [9, 1, 0, np.nan], [False, True, False, False]),  # NaN is on no front, beats none
        ([np.nan] * 2, [1, 1], [False, False]),
        ([3.0], [-np.inf], [True]),
        ([], [], []),
    ],
)
def test_ties_nan_one_point_and_none(cost, gain, front):
    assert pareto_front(np.array(cost), np.array(gain)).tolist() == front == by_pairs(cost, gain)


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 1), (2, 1)), ((), ())])
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="one value of each per point"):
        pareto_front(*(np.zeros(shape) for shape in shapes))
