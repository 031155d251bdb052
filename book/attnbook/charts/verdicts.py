"""How many published numbers hold: one bar per data set, divided by verdict."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts import frames


@frames.chart
def verdicts(counts: pd.DataFrame, y: str, kinds: Sequence[str], *, title: str, x_title: str) -> Any:
    """Draw one bar per row of `counts`, in its order, divided by the columns `kinds`, in theirs."""
    counts, _, _ = frames.prepare(counts, [y, *kinds])
    parts = counts.melt([y], list(kinds), "group", "cells")
    parts["rank"] = parts["group"].map({kind: i for i, kind in enumerate(kinds)})
    names = list(dict.fromkeys(counts[y]))
    chart = (
        alt.Chart(parts)
        .mark_bar()
        .encode(
            x=alt.X("cells:Q", title=x_title, stack="zero"),
            y=frames.rows(y, names),
            color=frames.hues(kinds, "verdict"),
            order="rank:O",
            tooltip=[
                f"{y}:N",
                alt.Tooltip("group:N", title="verdict"),
                alt.Tooltip("cells:Q", title=x_title),
            ],
        )
    )
    chart = chart.properties(width=frames.panel_width(1, names), height=alt.Step(22))
    return frames.figure(chart, title)
