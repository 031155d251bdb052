"""Summaries of single erasures over texts: the effect by difference of attention weight."""

from __future__ import annotations

import numpy as np
import pandas as pd

from attnlib.checks import first_row

BINS = 10
QUANTILES = {"p05": 0.05, "median": 0.5, "p95": 0.95}


def difference_bins(values: pd.Series | np.ndarray) -> np.ndarray:
    """The bin of each Δα on [0, 1], in tenths; 1 belongs to the last. ValueError outside [0, 1]."""
    values = np.asarray(values, dtype=float)
    if (row := first_row(~((values >= -1e-6) & (values <= 1 + 1e-6)))) is not None:
        outside = f"{values[row]:g} is outside [0, 1]"
        raise ValueError(f"delta_attention: {outside}; the top item is not by attention")
    return np.clip(np.floor(values * BINS), 0, BINS - 1).astype(int)


def difference_label(number: int) -> str:
    """How a bin of Δα is called, such as "[.1, .2)"; the last is closed."""
    low, high = (f"{edge / BINS:g}".lstrip("0") or "0" for edge in (number, number + 1))
    return f"[{low}, {high}{']' if number == BINS - 1 else ')'}"


def difference_labels() -> list[str]:
    """What all bins of Δα are called, in their order."""
    return [difference_label(number) for number in range(BINS)]


def by_difference(frame: pd.DataFrame) -> pd.DataFrame:
    """What Figures 3 and 4 of Serrano & Smith 2019 show, per bin of Δα: columns metric, class, bin, value, n.

    frame: columns delta_attention (of the top item by attention, so at least 0) and delta_js, one row per
    text; rows without values (texts of one item) are left out. Metrics delta_js_p05, _median, _p95, negative
    (share of the texts with ΔJS < 0) and negative_texts (their number). An empty bin has no row.
    """
    kept = frame.dropna(subset=["delta_attention", "delta_js"])
    bins = difference_bins(kept["delta_attention"])
    rows = []
    for number in np.unique(bins).tolist():
        name, effects = difference_label(number), kept.loc[bins == number, "delta_js"].to_numpy(dtype=float)
        below = effects < 0
        found = {f"delta_js_{key}": float(np.quantile(effects, share)) for key, share in QUANTILES.items()}
        found |= {"negative": float(below.mean()), "negative_texts": float(below.sum())}
        rows += [(metric, "all", name, value, len(effects)) for metric, value in found.items()]
    return pd.DataFrame(rows, columns=["metric", "class", "bin", "value", "n"])
