"""Which of several models no other one beats at two things at once."""

import numpy as np


def pareto_front(cost: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Whether no other point beats a point: has at most its cost and at least its gain, one of them strictly.

    cost and gain [N], read as float64; the result is bool [N]. Equal points do not beat each other, and a
    point with a NaN is not on the front and beats none. ValueError when the shapes do not fit.
    """
    cost, gain = np.asarray(cost, dtype=np.float64), np.asarray(gain, dtype=np.float64)
    if cost.ndim != 1 or cost.shape != gain.shape:
        shapes = f"{list(cost.shape)} and {list(gain.shape)}"
        raise ValueError(f"cost and gain: expected one value of each per point, got shapes {shapes}")
    unknown = np.isnan(cost) | np.isnan(gain)
    cost, gain = cost[:, None], gain[:, None]
    better = (cost < cost.T) | (gain > gain.T)
    beaten = ((cost <= cost.T) & (gain >= gain.T) & better).any(axis=0)
    return ~(beaten | unknown)
