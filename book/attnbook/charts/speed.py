"""Run times: how they grow, and how they compare, on logarithmic axes."""

from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts import frames

COLUMNS = 3


@frames.chart
def growth(
    frame: pd.DataFrame, x: str, seconds: str, *, by: str, title: str, x_title: str, y_title: str
) -> Any:
    """Draw `seconds` against `x`, one small chart per value of `by`, both axes logarithmic.

    A straight line is a power law; the rule for comparison is drawn by the caller's column
    ``expected`` (seconds), if the frame has one.
    """
    optional = ["expected"] if "expected" in frame else []
    frame, _, _ = frames.prepare(frame, [x, seconds, by], optional=optional)
    lines = frame.melt([x, by], [seconds, *optional], "line", "value")
    lines["line"] = lines["line"].map({seconds: "measured", "expected": "expected slope"})
    kinds = ["measured", "expected slope"]
    # One legend for both: Vega-Lite makes one of the two.
    above = frames.legend(kinds)
    colour = alt.Color("line:N", title=None, legend=above).scale(domain=kinds, range=frames.palette(kinds))
    dash = alt.StrokeDash("line:N", title=None, legend=above).scale(domain=kinds, range=[[1, 0], [4, 3]])
    seconds_of = alt.Tooltip("value:Q", format=".3~e", title=y_title)
    panel = alt.Chart(lines).mark_line(point=alt.OverlayMarkDef(size=24))
    panel = panel.encode(
        x=alt.X(f"{x}:Q", title=x_title).scale(type="log"),
        y=alt.Y("value:Q", title=y_title).scale(type="log").axis(format="~e"),
        color=colour,
        strokeDash=dash,
        tooltip=[f"{by}:N", alt.Tooltip(f"{x}:Q", title=x_title), seconds_of, "line:N"],
    ).properties(width=frames.panel_width(COLUMNS) - 20, height=130)
    # Every panel has its own axes: the slope is the message, not the height.
    panels = panel.facet(alt.Facet(f"{by}:N", title=None), columns=COLUMNS)
    return frames.figure(panels.resolve_scale(x="independent", y="independent"), title)


@frames.chart
def ratios(
    frame: pd.DataFrame, y: str, ratio: str, *, by: str, title: str, x_title: str, target: str | None = None
) -> Any:
    """Draw one mark per row of `frame` on a logarithmic axis, coloured by `by`, the target as a tick."""
    frame, groups, _ = frames.prepare(frame, [y, ratio], by, optional=[target] if target else [])
    names = list(dict.fromkeys(frame[y]))
    base = alt.Chart(frame).encode(
        y=frames.rows(y, names), yOffset=alt.YOffset("group:N", sort=groups), color=frames.hues(groups, by)
    )

    def along(column: str) -> Any:
        return alt.X(f"{column}:Q", title=x_title).scale(type="log")

    tooltip = [f"{y}:N", alt.Tooltip("group:N", title=by), alt.Tooltip(f"{ratio}:Q", format=",.3r")]
    layers = [base.mark_point(filled=True, size=60, opacity=1).encode(x=along(ratio), tooltip=tooltip)]
    if target:
        wanted = base.transform_filter(frames.valid(target))
        layers.append(wanted.mark_tick(thickness=2, size=14, opacity=1).encode(x=along(target)))
    # One row of marks per name, not one per name and group.
    chart = alt.layer(*layers, width=frames.panel_width(1, names), height=alt.Step(30, **{"for": "position"}))
    return frames.figure(chart, title)
