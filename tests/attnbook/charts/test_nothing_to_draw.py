"""Without a row to draw every chart is an empty panel that says so: the run goes on."""

import numpy as np
import pandas as pd
import pytest

from attnbook import charts
from tests.attnbook.charts.drawn import marks, renders

NAMES = ["x", "by", "y", "p05", "p25", "median", "p75", "p95", "mean", "published", "low", "high", "order"]
NAMES += ["tau", "predicted", "max_attention", "epoch", "value", "panel", "kind", "name", "n", "bin", "q25"]
NAMES += ["q50", "q75", *(f"published_q{share}" for share in (25, 50, 75)), "jsd", "jsd_low", "jsd_high"]
NAMES += [f"{name}_{end}" for name in "xy" for end in ("low", "high")]
LABELS = dict(title="t", x_title="x")
BOTH = LABELS | dict(y_title="y")
DRAW = {
    "ecdf": lambda frame: charts.ecdf(frame, "tau", domain=(-1, 1), **LABELS),
    "violins": lambda frame: charts.violins_by_max_attention(frame, "tau", domain=(-1, 1), **LABELS),
    "by_epoch": lambda frame: charts.by_epoch(frame, "y", title="t", y_title="y"),
    "line_panels": lambda frame: charts.line_panels(
        frame, "x", by="by", row="kind", column="panel", by_title="by", **BOTH
    ),
    "dot_panels": lambda frame: charts.dot_panels(frame, "y", by="by", panel="panel", **LABELS),
    "quartile_panels": lambda frame: charts.quartile_panels(
        frame, frame[:0], by="by", panel="panel", by_title="by", domain=(-1, 1), **LABELS
    ),
    "scatter": lambda frame: charts.scatter(frame, "x", "y", **BOTH),
    "intervals": lambda frame: charts.intervals(frame, "by", **LABELS),
    "trade_off": lambda frame: charts.trade_off(
        frame, "x", "y", by="kind", curve="a", order="order", front=[], **BOTH
    ),
    "counts_beside_points": lambda frame: charts.counts_beside_points(frame, "x", "y", **BOTH),
    "boxes": lambda frame: charts.boxes(frame, "y", by="by", by_title="by", **LABELS),
    "growth": lambda frame: charts.growth(frame, "x", "value", by="by", **BOTH),
    "ratios": lambda frame: charts.ratios(frame, "y", "value", by="by", **LABELS),
    "verdicts": lambda frame: charts.verdicts(frame, "y", ["n"], **LABELS),
}


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("name", DRAW)
def test_an_empty_panel_says_why(name, rows):
    chart = DRAW[name](pd.DataFrame(np.nan, range(rows), NAMES))
    assert chart.title == "t"
    (words,) = marks(chart)["words"]
    assert words.startswith("Nothing to draw: ")
    if name == "boxes":
        renders(chart)
