"""Summaries of single erasures over texts: the effect by difference of attention weight."""

import numpy as np
import pandas as pd

from attnlib.checks import first_row

# The last is closed.
DIFFERENCE_LABELS: tuple[str, ...] = ("[0, .1)", "[.1, .2)", "[.2, .3)", "[.3, .4)", "[.4, .5)")
DIFFERENCE_LABELS += ("[.5, .6)", "[.6, .7)", "[.7, .8)", "[.8, .9)", "[.9, 1]")
QUANTILES = {"p05": 0.05, "median": 0.5, "p95": 0.95}


def difference_bins(values: pd.Series | np.ndarray) -> np.ndarray:
    """The bin of each Δα on [0, 1], in tenths; 1 belongs to the last. ValueError outside [0, 1]."""
    values = np.asarray(values, dtype=float)
    if (row := first_row(~((values >= -1e-6) & (values <= 1 + 1e-6)))) is not None:
        outside = f"{values[row]:g} is outside [0, 1]"
        raise ValueError(f"delta_attention: {outside}; the top item is not by attention")
    n = len(DIFFERENCE_LABELS)
    return np.clip(np.floor(values * n), 0, n - 1).astype(int)


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
        name, effects = DIFFERENCE_LABELS[number], kept.loc[bins == number, "delta_js"].to_numpy(dtype=float)
        below = effects < 0
        found = {f"delta_js_{key}": float(np.quantile(effects, share)) for key, share in QUANTILES.items()}
        found |= {"negative": float(below.mean()), "negative_texts": float(below.sum())}
        rows += [(metric, "all", name, value, len(effects)) for metric, value in found.items()]
    return pd.DataFrame(rows, columns=["metric", "class", "bin", "value", "n"])
