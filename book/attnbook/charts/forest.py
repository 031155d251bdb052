"""A forest plot: how far each estimate lies on the right side of its bound, with its interval."""

from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts import frames

# Differences up to about this are drawn to scale, larger ones on a logarithm.
TO_SCALE = 0.2
TICKS = [-5, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 5]
# Room for the names of the rows and for the axis, in pixels.
NAMES, WIDTH = 370, 330


def forest(
    frame: pd.DataFrame, points: pd.DataFrame, y: str, by: str, *, panel: str, title: str, x_title: str
) -> Any:
    """Draw a dot with its interval per row `y`, in the frame's order, and its single results as small rings.

    frame: columns value, low and high (which may be empty), `by`, whose order is that of the legend, and
    `panel`, one panel below the other. points: columns `y`, dataset and value, a ring each.
    """
    frame, groups, missing = frames.prepare(frame, [y, "value"], by, panel, {}, ["low", "high"])
    limits = frames.span(pd.concat([frame[["value", "low", "high"]], points[["value"]]]))
    shades = alt.Color("group:N", title=by, legend=frames.legend(groups))
    shades = shades.scale(domain=groups, range=frames.palette(groups))

    def across(column: str, words: str | None) -> Any:
        scale = alt.Scale(type="symlog", constant=TO_SCALE, domain=list(limits), nice=False)
        return alt.X(f"{column}:Q", title=words, scale=scale).axis(values=TICKS, format="+")

    panels = []
    for name in frames.in_order(frame["facet"]):
        rows = frame[frame["facet"] == name][[y, "group", "value", "low", "high"]].astype({"group": str})
        single = points[points[y].isin(rows[y])][[y, "dataset", "value"]]
        words = x_title if name == frame["facet"].iloc[-1] else None
        names = alt.Y(f"{y}:N", sort=list(rows[y]), title=None).axis(labelLimit=NAMES, minExtent=NAMES)
        told = {f"{y}:N": "claim", "group:N": by, "value": x_title} | frames.ENDS
        mine = alt.Chart(rows).encode(y=names, color=shades, tooltip=frames.tooltip(told))
        rings = alt.Chart(single).mark_point(size=16, color=frames.GREY, opacity=1, strokeWidth=1)
        told = {f"{y}:N": "claim", "dataset:N": "data set", "value": x_title}
        layers = [
            alt.Chart(rows).mark_rule(color=frames.GREY, strokeDash=[3, 3]).encode(x=alt.datum(0)),
            rings.encode(x=across("value", words), y=names, tooltip=frames.tooltip(told)),
            mine.transform_filter(frames.valid("low", "high"))
            .mark_rule(strokeWidth=2)
            .encode(x=across("low", words), x2="high:Q"),
            mine.mark_point(size=70, filled=True, opacity=1).encode(x=across("value", words)),
        ]
        chart = alt.layer(*layers).properties(
            title=name, width=frames.WIDTH - NAMES + 120, height=alt.Step(18)
        )
        panels.append(chart)
    return frames.figure(alt.vconcat(*panels, spacing=8), title, title, missing)
