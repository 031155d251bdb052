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


def test_equal_points_are_both_kept():
    front = pareto_front(np.array([1, 1, 1, 2]), np.array([5, 5, 4, 5]))
    assert front.tolist() == [True, True, False, False]


def test_nan_is_never_on_the_front_and_beats_none():
    cost, gain = np.array([np.nan, 1, 2, 0]), np.array([9, 1, 0, np.nan])
    assert pareto_front(cost, gain).tolist() == [False, True, False, False]
    assert not pareto_front(np.full(3, np.nan), np.ones(3)).any()


def test_one_point_and_none():
    assert pareto_front(np.array([3.0]), np.array([-np.inf])).tolist() == [True]
    empty = pareto_front(np.array([]), np.array([]))
    assert (empty.shape, empty.dtype) == ((0,), bool)


def test_the_order_of_the_points_does_not_matter():
    rng = np.random.default_rng(0)
    cost, gain = rng.integers(0, 100, (2, 2000))
    front, shuffled = pareto_front(cost, gain), rng.permutation(2000)
    assert (pareto_front(cost[shuffled], gain[shuffled]) == front[shuffled]).all()
    best = np.flatnonzero(front)[np.argsort(cost[front], kind="stable")]
    assert (np.diff(gain[best]) >= 0).all()


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 1), (2, 1)), ((), ())])
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="one value of each per point"):
        pareto_front(*(np.zeros(shape) for shape in shapes))
