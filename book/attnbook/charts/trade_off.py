"""Models between two aims: what a model costs against what it gains, and which ones no other beats."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts import frames
from attnbook.charts.pareto import pareto_front

# A kind is told by its colour and by its shape.
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
FRONT, NONE = "Pareto front", "–"


@frames.chart
def trade_off(
    points: pd.DataFrame,
    x: str,
    y: str,
    *,
    by: str,
    curve: str,
    order: str,
    front: Sequence[str],
    title: str,
    x_title: str,
    y_title: str,
    facet: str | None = None,
) -> Any:
    """Draw models as points between a cost `x` and a gain `y`, each kind `by` in its colour and shape.

    points: a row per model; `x` and `y` in the units that their titles name, on axes from 0 unless a value is
    negative. The columns <x>_low, <x>_high, <y>_low and <y>_high are the ends of intervals and may be NaN. A
    line joins the points of kind `curve` in the order of the column `order`, which the tooltips show, with
    its ends named; a point without a value there stays off the line. `front` names kinds: the points of a
    panel that no other of these beats (`pareto_front`) are drawn as steps, the greatest `y` at a cost of at
    most `x`. `facet`: a panel per value, all with the same axes.

    ValueError for a missing column, more than six kinds, and two points of a curve at one
    place of it. (Wiegreffe & Pinter 2019, figure 5: mean total variation distance of the outputs, mean
    Jensen–Shannon divergence of the attention in nats.)
    """
    ends = ("", "_low", "_high")
    names = {short + end: name + end for short, name in (("x", x), ("y", y)) for end in ends}
    needed = [x, y, by, *([facet] if facet else [])]
    optional = [name for name in (*names.values(), order) if name not in needed]
    frame, _, missing = frames.prepare(points, needed, by, facet, optional=optional)
    if (kinds := len(frames.categories(points[by]))) > len(SHAPES):
        raise ValueError(f"{kinds} kinds in {by}: draw at most {len(SHAPES)} of them")
    frame = frame.reset_index(drop=True)
    panels = frames.present(frame[facet]) if facet else [frames.ALL]
    marks = frame[["facet", "group"]].astype({"facet": pd.CategoricalDtype(panels)})
    marks[list(names)] = frame[list(names.values())].astype(float)
    marks["x_interval"], marks["y_interval"] = _intervals(marks, "x"), _intervals(marks, "y")
    numbers = pd.api.types.is_numeric_dtype(frame[order])
    marks["order"] = [NONE if pd.isna(v) else f"{v:.6g}" if numbers else str(v) for v in frame[order]]
    marks["rank"] = _ranks(frame, order, curve)
    marks["first"], marks["last"] = _curve_ends(marks, order)
    marks["front"] = _on_front(marks, front)

    columns = min(len(panels), 2)
    spans = [_span(marks, short) for short in "xy"]
    parts = [marks.assign(part="point")]
    if marks["front"].any():
        parts.append(_steps(marks, spans[0][1]))
    tooltip = frames.tooltip(frames.place(facet) | {"group:N": by, "order:N": order})
    for short, words in (("x", x_title), ("y", y_title)):
        tooltip.append(alt.Tooltip(f"{short}:Q", title=words, format=".3g"))
        tooltip.append(alt.Tooltip(f"{short}_interval:N", title=f"{words}, range"))
    along = _axis(x_title, spans[0], 8 if columns == 1 else 5)
    axes = {"x": along, "y": _axis(y_title, spans[1], 8)}
    layers = _layers(marks, axes, tooltip)
    chart = alt.layer(*layers, data=pd.concat(parts, ignore_index=True))
    chart = chart.encode(x=alt.X("x:Q", **axes["x"]), y=alt.Y("y:Q", **axes["y"]))
    chart = chart.properties(width=frames.panel_width(columns), height=380 if columns == 1 else 240)
    chart = frames.facets(chart, panels, columns) if facet else chart
    return frames.figure(chart, title, missing)


def _axis(title: str, span: frames.Span, ticks: int) -> dict[str, Any]:
    return {"title": title, "scale": alt.Scale(domain=span, nice=False), "axis": alt.Axis(tickCount=ticks)}


def _layers(marks: pd.DataFrame, axes: dict[str, Any], tooltip: list[Any]) -> list[Any]:
    """What is drawn, from back to front; a layer without a row is left out."""
    groups, drawn = frames.categories(marks["group"]), frames.present(marks["group"])
    hue = frames.hues(groups, None, drawn)
    # The same legend as that of the colours: Vega-Lite makes one of the two.
    shape = alt.Shape("group:N", title=None, legend=hue["legend"])
    shape = shape.scale(domain=groups, range=list(SHAPES[: len(groups)]))
    point = alt.Chart().transform_filter(alt.datum.part == "point")
    layers = []
    if marks["front"].any():
        dash = alt.StrokeDash("part:N", title=None).scale(domain=[FRONT], range=[[4, 3]])
        dash = dash.legend(orient="top", symbolStrokeColor=frames.GREY, symbolSize=200)
        steps = alt.Chart().transform_filter(alt.datum.part == FRONT)
        steps = steps.mark_line(color=frames.GREY, strokeWidth=1.5, interpolate="step-after")
        layers.append(steps.encode(strokeDash=dash))
    for short, channel in (("x", alt.X), ("y", alt.Y)):
        if (marks[f"{short}_interval"] != NONE).any():
            rules = point.transform_filter(frames.valid(f"{short}_low", f"{short}_high"))
            ends = {short: channel(f"{short}_low:Q", **axes[short]), f"{short}2": f"{short}_high:Q"}
            rules = rules.mark_rule(strokeWidth=1.2)
            layers.append(rules.encode(**ends, color=hue, tooltip=tooltip))
    if marks["rank"].notna().any():
        line = point.transform_filter(frames.valid("rank"))
        layers.append(line.mark_line(strokeWidth=1.5).encode(order="rank:Q", color=hue))
        # The last above its point: the front goes on to the right of it.
        for end, place in (("first", {"align": "right", "dx": -9}), ("last", {"dy": -12})):
            named = point.transform_filter(f"datum.{end} != ''")
            layers.append(named.mark_text(fontSize=11, color=frames.GREY, **place).encode(text=f"{end}:N"))
    dots = point.mark_point(filled=True, size=80, opacity=1)
    layers.append(dots.encode(color=hue, shape=shape, tooltip=tooltip))
    return layers


def _on_front(marks: pd.DataFrame, kinds: Sequence[str]) -> pd.Series:
    """Whether a point is of these kinds and no other of them beats it in its panel."""
    found = pd.Series(False, marks.index)
    for _, part in marks[marks["group"].isin(kinds)].groupby("facet", observed=True):
        found[part.index] = pareto_front(part["x"].to_numpy(), part["y"].to_numpy())
    return found


def _intervals(marks: pd.DataFrame, short: str) -> list[str]:
    """The interval of each point as a tooltip shows it, a dash for none."""
    ends = marks[[f"{short}_low", f"{short}_high"]].to_numpy()
    return [NONE if np.isnan(low + high) else f"{low:.3g} to {high:.3g}" for low, high in ends]


def _ranks(frame: pd.DataFrame, order: str, curve: str) -> pd.Series:
    """Place of each point in the curve of its panel, from 1; NaN for what is not on it."""
    joined = frame[(frame["group"].astype(str) == curve) & frame[order].notna()]
    repeated = joined.duplicated(["facet", order])
    if repeated.any():
        row = joined[repeated].iloc[0]
        place = "" if row["facet"] == frames.ALL else f" in {row['facet']}"
        remedy = "average them, or make them kinds"
        raise ValueError(f"{order} {row[order]} of {curve}{place} has several rows: {remedy}")
    return joined.groupby("facet")[order].rank().reindex(frame.index)


def _curve_ends(marks: pd.DataFrame, order: str) -> list[pd.Series]:
    """Words beside the first and the last point of the curve of each panel, empty beside all others."""
    rank = marks["rank"].groupby(marks["facet"], observed=True)
    ends = [(marks["rank"] == 1) & (rank.transform("max") > 1)]
    ends.append((marks["rank"] == rank.transform("max")) & (marks["rank"] > 1))
    return [(f"{order} = " + marks["order"]).where(end, "") for end in ends]


def _span(marks: pd.DataFrame, short: str) -> frames.Span:
    """Domain of an axis: from 0 where no value is negative, with room for the marks."""
    values = marks[[short, f"{short}_low", f"{short}_high"]]
    low, high = min(0.0, float(np.nanmin(values))), float(np.nanmax(values))
    margin = 0.05 * (high - low) or 0.5
    return low - margin if low < 0 else low, high + margin


def _steps(marks: pd.DataFrame, right: float) -> pd.DataFrame:
    """Corners of the front of each panel, from its cheapest point to the right end of the axis."""
    corners = []
    for name, part in marks[marks["front"]].groupby("facet", observed=True):
        best = part[["x", "y"]].drop_duplicates().sort_values("x")
        last = pd.DataFrame({"x": [right], "y": [best["y"].iloc[-1]]})
        corners.append(pd.concat([best, last]).assign(facet=name))
    # A page holds no NaN in place of a word.
    words = dict.fromkeys(["group", "order", "x_interval", "y_interval"], NONE) | {"first": "", "last": ""}
    return pd.concat(corners).assign(part=FRONT, front=True, **words)
