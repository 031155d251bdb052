"""Means over texts and their intervals."""

from collections.abc import Iterable

import numpy as np
import pandas as pd


def bootstrap_mean(
    values: np.ndarray, n_resamples: int = 2000, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over texts; (NaN, NaN) below two values.

    It covers the choice of test texts, not the training seed: for that, run several seeds.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    means = np.empty(n_resamples)
    for start in range(0, n_resamples, 100):
        index = generator.integers(len(values), size=(min(100, n_resamples - start), len(values)))
        means[start : start + len(index)] = values[index].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def mean_with_interval(values: np.ndarray) -> tuple[float, float, float, int]:
    """Mean over texts, its bootstrap interval and the number of values; NaN where there are none.

    NaN values, of texts for which there is no such number, are left out and not counted.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    low, high = bootstrap_mean(values)
    return float(values.mean()) if len(values) else float("nan"), low, high, len(values)


def means(rows: Iterable[tuple], *keys: str) -> pd.DataFrame:
    """A table of means over texts: the columns `keys`, value, low and high (95 % bootstrap), and n.

    rows: of each the keys and, at its end, the values of the texts.

    >>> means([("f1", np.array([0.5, 0.5, np.nan]))], "metric")
      metric  value  low  high  n
    0     f1    0.5  0.5   0.5  2
    """
    found = [(*key, *mean_with_interval(values)) for *key, values in rows]
    return pd.DataFrame(found, columns=[*keys, "value", "low", "high", "n"])
