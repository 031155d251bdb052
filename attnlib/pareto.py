"""Which of several models no other one beats at two things at once."""

import numpy as np


def pareto_front(cost: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Whether no other point beats a point: has at most its cost and at least its gain, one of them strictly.

    cost and gain [N], read as float64; the result is bool [N]. Equal points do not beat each other, and a
    point with a NaN is not on the front and beats none. O(N log N). ValueError when the shapes do not fit.
    """
    cost, gain = np.asarray(cost, dtype=np.float64), np.asarray(gain, dtype=np.float64)
    if cost.ndim != 1 or cost.shape != gain.shape:
        raise ValueError(
            f"cost and gain: expected one value of each per point, got shapes {list(cost.shape)} and "
            f"{list(gain.shape)}"
        )
    front = np.zeros(len(cost), dtype=bool)
    known = np.flatnonzero(~(np.isnan(cost) | np.isnan(gain)))
    if not len(known):
        return front
    order = known[np.lexsort((-gain[known], cost[known]))]  # by cost; of equal cost, the greatest gain first
    costs, gains = cost[order], gain[order]
    starts = np.append(True, costs[1:] != costs[:-1])
    first = np.maximum.accumulate(
        np.where(starts, np.arange(len(order)), 0)
    )  # start of the run of equal cost
    cheaper = np.maximum.accumulate(gains)[
        first - 1
    ]  # greatest gain at a lower cost; of the first run unused
    front[order] = (gains == gains[first]) & ((first == 0) | (gains > cheaper))
    return front
