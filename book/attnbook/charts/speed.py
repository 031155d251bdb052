"""Run times: how they grow, and how they compare, on logarithmic axes."""

from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts.frames import COLOURS, GREY, LEGEND, WIDTH, figure, prepare, valid

COLUMNS = 3


def growth(
    frame: pd.DataFrame, x: str, seconds: str, *, by: str, title: str, x_title: str, y_title: str
) -> Any:
    """Draw `seconds` against `x`, one small chart per value of `by`, both axes logarithmic.

    A straight line is a power law; the rule for comparison is drawn by the caller's column
    ``expected`` (seconds), if the frame has one.
    """
    optional = ["expected"] if "expected" in frame else []
    frame, _, _ = prepare(frame, [x, seconds, by], optional=optional)
    words = []
    for name, part in frame.sort_values(x).groupby(by, sort=False):
        first, last = (f"{part[seconds].iloc[i]:.3g} s at {part[x].iloc[i]}" for i in (0, -1))
        words.append(f"{name}: from {first} to {last}.")
    lines = frame.melt([x, by], [seconds, *optional], "line", "value")
    lines["line"] = lines["line"].map({seconds: "measured", "expected": "expected slope"})
    kinds = ["measured", "expected slope"]
    # One legend for both: Vega-Lite makes one of the two.
    colour = alt.Color("line:N", title=None, legend=LEGEND).scale(domain=kinds, range=[COLOURS[1], GREY])
    dash = alt.StrokeDash("line:N", title=None, legend=LEGEND).scale(domain=kinds, range=[[1, 0], [4, 3]])
    panel = alt.Chart(lines).mark_line(point=alt.OverlayMarkDef(size=24))
    panel = panel.encode(
        x=alt.X(f"{x}:Q", title=x_title).scale(type="log"),
        y=alt.Y("value:Q", title=y_title).scale(type="log").axis(format="~e"),
        color=colour,
        strokeDash=dash,
        tooltip=[f"{x}:Q", alt.Tooltip("value:Q", format=".3~e", title=y_title), "line:N"],
    ).properties(width=WIDTH // COLUMNS - 20, height=130)
    # Every panel has its own axes: the slope is the message, not the height.
    panels = panel.facet(alt.Facet(f"{by}:N", title=None), columns=COLUMNS)
    return figure(panels.resolve_scale(x="independent", y="independent"), title, words)


def ratios(
    frame: pd.DataFrame, y: str, ratio: str, *, by: str, title: str, x_title: str, target: str | None = None
) -> Any:
    """Draw one mark per row of `frame` on a logarithmic axis, coloured by `by`, the target as a tick."""
    frame, groups, _ = prepare(frame, [y, ratio], by, optional=[target] if target else [])
    words = [f"{row[y]}, {row['group']}: {row[ratio]:.3g} times." for _, row in frame.iterrows()]
    shades = alt.Color("group:N", title=by, legend=LEGEND)
    base = alt.Chart(frame).encode(
        y=alt.Y(f"{y}:N", title=None, sort=list(dict.fromkeys(frame[y]))).axis(labelLimit=260),
        yOffset=alt.YOffset("group:N", sort=groups),
        color=shades.scale(domain=groups, range=list(COLOURS[: len(groups)])),
    )

    def along(column: str) -> Any:
        return alt.X(f"{column}:Q", title=x_title).scale(type="log")

    tooltip = [f"{y}:N", "group:N", alt.Tooltip(f"{ratio}:Q", format=",.3r")]
    layers = [base.mark_point(filled=True, size=60).encode(x=along(ratio), tooltip=tooltip)]
    if target:
        wanted = base.transform_filter(valid(target))
        layers.append(wanted.mark_tick(thickness=2, size=14).encode(x=along(target)))
    # One row of marks per name, not one per name and group.
    chart = alt.layer(*layers, width=WIDTH, height=alt.Step(30, **{"for": "position"}))
    return figure(chart, title, words)
