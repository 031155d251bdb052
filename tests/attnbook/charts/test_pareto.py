"""The Pareto front is what comparing all pairs gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnbook.charts.pareto import pareto_front

# Few distinct values, so that ties are the rule; −0 equals 0.
VALUES = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, np.inf, np.nan]) | st.floats(-2, 2)


def by_pairs(cost, gain):
    """The definition: every point against every other one; a comparison with NaN is false."""

    def beats(i, j):
        return cost[i] <= cost[j] and gain[i] >= gain[j] and (cost[i] < cost[j] or gain[i] > gain[j])

    known = ~(np.isnan(cost) | np.isnan(gain))
    return [bool(known[j]) and not any(beats(i, j) for i in range(len(cost))) for j in range(len(cost))]


@pytest.mark.slow
@given(st.lists(st.tuples(VALUES, VALUES), max_size=30))
def test_it_is_what_comparing_all_pairs_gives(points):
    cost, gain = np.array(points, dtype=float).reshape(-1, 2).T
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


def test_of_many_points_with_ties_the_order_does_not_matter():
    rng = np.random.default_rng(0)
    cost, gain = rng.integers(0, 30, (2, 300))
    front, shuffled = pareto_front(cost, gain), rng.permutation(300)
    assert front.tolist() == by_pairs(cost, gain)
    assert (pareto_front(cost[shuffled], gain[shuffled]) == front[shuffled]).all()
    assert pareto_front(cost[:0], gain[:0]).dtype == bool


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 1), (2, 1)), ((), ())])
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="one value of each per point"):
        pareto_front(*(np.zeros(shape) for shape in shapes))
