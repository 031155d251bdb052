"""Per-text results as rows of a summary: means, deviations, medians and quartiles, by class."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from attnlib.checks import first_row
from attnlib.statistics import means

# Bins of the largest attention weight (Jain & Wallace 2019, Figures 6 and 8).
MAX_ATTENTION_BINS = (0.0, 0.25, 0.5, 0.75, 1.0)
MAX_ATTENTION_LABELS = ("[0, .25)", "[.25, .5)", "[.5, .75)", "[.75, 1]")

# Of one class. Their mean over classes is another measure, and none of this project's.
OF_ONE_CLASS = ("precision", "recall", "f1")
# With more classes than these (words of an answer, say) there is one group, all texts.
MOST_CLASSES = 6


def groups(frame: pd.DataFrame, by: str = "predicted") -> list[tuple[str, pd.DataFrame]]:
    """All texts as "all", and those of each value of `by`, sorted, where there are at most MOST_CLASSES."""
    found = [("all", frame)]
    if frame[by].nunique() <= MOST_CLASSES:
        found += [(str(name), group) for name, group in frame.groupby(by, sort=True, observed=True)]
    return found


def summarise(frame: pd.DataFrame, metrics: Sequence[str], by: str = "predicted") -> pd.DataFrame:
    """Mean, its bootstrap interval and n of each metric, overall and per value of `by` (see `groups`).

    NaN values (a rank correlation of a constant row, say) are left out, and `n` counts what is left, so that
    one undefined text never voids a mean. Returns columns metric, class, value, low, high, n.
    """
    rows = ((metric, name, group[metric]) for name, group in groups(frame, by) for metric in metrics)
    return means(rows, "metric", "class")


def undefined(metrics: Sequence[str], **columns: Any) -> pd.DataFrame:
    """Rows as those of `summarise` for what this data or model does not define: NaN, of no texts (n is 0).

    They say so where a missing row could mean that nobody measured, and keep rows of single classes from
    standing in for all texts. columns: further ones, such as method.
    """
    rows = pd.DataFrame({"metric": list(metrics), "class": "all", "n": 0})
    return rows.assign(value=np.nan, low=np.nan, high=np.nan, **columns)


def deviations(frame: pd.DataFrame, metrics: Sequence[str], by: str = "predicted") -> pd.DataFrame:
    """Population standard deviation over texts of each metric, overall and per value of `by`.

    Rows as those of `summarise`, the metric named "<metric>_deviation"; NaN values are left out and `n`
    counts what is left. There is no interval: low and high are NaN.
    """
    return _without_interval(frame, metrics, by, "deviation", np.std)


def medians(frame: pd.DataFrame, metrics: Sequence[str], by: str = "predicted") -> pd.DataFrame:
    """Median over texts of each metric, named "<metric>_median"; rows as those of `deviations`."""
    return _without_interval(frame, metrics, by, "median", np.median)


def _without_interval(
    frame: pd.DataFrame, metrics: Sequence[str], by: str, name: str, statistic: Callable[[np.ndarray], Any]
) -> pd.DataFrame:
    rows = []
    for group, texts in groups(frame, by):
        for metric in metrics:
            values = texts[metric].dropna().to_numpy(dtype=float)
            value = float(statistic(values)) if len(values) else float("nan")
            rows.append((f"{metric}_{name}", group, value, float("nan"), float("nan"), len(values)))
    return pd.DataFrame(rows, columns=["metric", "class", "value", "low", "high", "n"])


def max_attention_bin(max_attention: Sequence[float] | np.ndarray | pd.Series) -> np.ndarray:
    """Index into MAX_ATTENTION_LABELS of each largest weight [N]. ValueError for one outside [0, 1]."""
    weights = np.asarray(max_attention, dtype=float)
    # The sum of the weights is 1 up to rounding, and so may one of them be.
    if (row := first_row(~((weights >= 0) & (weights <= 1 + 1e-6)))) is not None:
        raise ValueError(f"the largest attention weight of row {row} is {weights[row]}: it must be in [0, 1]")
    found = np.searchsorted(MAX_ATTENTION_BINS, weights, side="right") - 1
    return np.minimum(found, len(MAX_ATTENTION_LABELS) - 1)


def quartiles_by_max_attention(frame: pd.DataFrame, metric: str, by: str = "predicted") -> pd.DataFrame:
    """Quartiles of a metric over the texts in each bin of the largest attention weight.

    What a violin of Jain & Wallace's Figures 6 and 8 shows as lines. `frame` has the column max_attention;
    returns columns metric ("<metric>_q25", "_q50", "_q75"), class ("all" and every value of `by`), bin, value
    and n, the texts in the bin. NaN values are left out; an empty bin has no row.
    """
    kept = frame[frame[metric].notna()]
    kept = kept.assign(bin=max_attention_bin(kept["max_attention"]))
    rows = []
    for name, group in groups(kept, by):
        for index, texts in group.groupby("bin", sort=True):
            values = texts[metric].to_numpy(dtype=float)
            for percent, value in zip((25, 50, 75), np.quantile(values, [0.25, 0.5, 0.75]), strict=True):
                label = MAX_ATTENTION_LABELS[int(index)]  # type: ignore[arg-type]
                rows.append((f"{metric}_q{percent}", name, label, float(value), len(values)))
    return pd.DataFrame(rows, columns=["metric", "class", "bin", "value", "n"])
