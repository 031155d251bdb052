"""Relations: one value against another, and estimates with their intervals."""

import textwrap
from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts import frames
from attnbook.charts.panels import DIAMOND

MAX_POINTS = 2000
CELLS = 48
BOUND, ONE_SET, THEIRS = "bound", "one data set", "published"
SHAPES = {THEIRS: DIAMOND, BOUND: "M-0.16,-1H0.16V1H-0.16Z"}


@frames.chart
def scatter(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    title: str,
    x_title: str,
    y_title: str,
    x_domain: frames.Span | None = None,
    y_domain: frames.Span | None = None,
) -> Any:
    """Draw ``y`` against ``x``: a point per text, or counts in cells above 2000 texts.

    Points have the colour of the column ``predicted``, and show the column ``text`` where there is one.
    """
    limits = {name: ends for name, ends in ((x, x_domain), (y, y_domain)) if ends}
    frame, groups, missing = frames.prepare(frame, [x, y], "predicted", None, limits)
    spans = [limits.get(name) or frames.span(frame[[name]]) for name in (x, y)]
    counted = len(frame) > MAX_POINTS
    columns = ("x", "y") if counted else (frames.field(x), frames.field(y))
    up = frames.across(columns[1], y_title, spans[1], channel=alt.Y)
    axes = [frames.across(columns[0], x_title, spans[0]), up]
    if counted:
        shade = alt.Color("count:Q", title="texts").scale(scheme="viridis", type="sqrt")
        marks = frames.heat(frame[x], frame[y], CELLS, axes, shade)
    else:
        points = frame[[x, y, "group"]].copy()
        if "text" in frame:
            points["text"] = [textwrap.shorten(str(text), 80, placeholder=" …") for text in frame["text"]]
        pick = alt.selection_point(name="pick", fields=["group"], bind="legend")
        lines = [alt.Tooltip("group:N", title="predicted class")]
        for column, words in zip(columns, (x_title, y_title), strict=True):
            lines.append(alt.Tooltip(column, type="quantitative", title=words, format=".3f"))
        lines += [alt.Tooltip("text", title="text")] if "text" in frame else []
        marks = alt.Chart(points).mark_circle(size=36, clip=True).add_params(pick)
        hue = frames.hues(groups, "predicted class")
        faded = alt.when(pick).then(alt.value(1)).otherwise(alt.value(0.04))
        marks = marks.encode(x=axes[0], y=axes[1], color=hue, opacity=faded, tooltip=lines)
    return frames.figure(alt.layer(marks, width=420, height=420), title, missing)


@frames.chart
def intervals(
    frame: pd.DataFrame,
    by: str,
    *,
    title: str,
    x_title: str,
    value: str = "value",
    bound: str | None = None,
    group: str | None = None,
    points: pd.DataFrame | None = None,
    y_title: str = "",
    domain: frames.Span | None = None,
    ours: str = "ours",
    to_scale: float | None = None,
) -> Any:
    """Draw a row per name in the column ``by``: a dot at the value, its interval, and the published number.

    Rows keep the order of the frame. The columns ``low``, ``high`` and ``published`` may be empty or absent.
    ``bound`` is a column with a number per row, drawn as an upright rule; ``group`` splits each row by
    colour. ``points``: a frame with the columns ``by`` and ``value`` (and ``group``), such as a row per data
    set, drawn as small rings; ``ours`` is what the legend calls the dots; ``to_scale`` as in `frames.across`.
    """
    names = {"value": value} | ({BOUND: bound} if bound else {})
    frame = frame.assign(**{name: frame[column] for name, column in names.items() if column in frame})
    frame, groups, missing = frames.prepare(frame, [by, "value"], group, None, {}, list(frames.BESIDE))
    parts = [frame.assign(source=ours)]
    if points is not None:
        points = points.assign(value=points[value])
        if group and group not in points:
            points = points.assign(**{group: points[by].map(frame.set_index(by)[group])})
        rings, _, _ = frames.prepare(points, [by, "value"], group)
        parts.append(rings.assign(source=ONE_SET))
    for column in ("published", BOUND):
        if column in frame:
            known = frame.dropna(subset=column)[[by, "group", column]]
            parts.append(known.rename(columns={column: "value"}).assign(source=column))
    columns = ["row", "group", "source", "value", "low", "high"]
    marks = pd.concat([part.assign(row=part[by].astype(str)) for part in parts], ignore_index=True)
    marks = marks.reindex(columns=columns).astype({"group": str})
    rows = list(dict.fromkeys(frame[by].astype(str)))
    limits = domain or frames.span(marks[["value", "low", "high"]])
    kinds = [kind for kind in (ours, ONE_SET, THEIRS, BOUND) if kind in set(marks["source"])]
    width = frames.panel_width(1, rows)
    above = frames.legend(kinds, width) if len(kinds) > 1 else None
    shape = alt.Shape("source:N", title=None, legend=above)
    shape = shape.scale(domain=kinds, range=[SHAPES.get(kind, "circle") for kind in kinds])
    told = {"row:N": y_title or by, "group:N": group or "texts", "source:N": "from", "value": x_title}
    base = alt.Chart().encode(
        x=frames.across("value", x_title, limits, to_scale=to_scale),
        y=frames.rows("row", rows, y_title, grid=bound is not None),
        color=frames.hues(groups, group or "", room=width),
        tooltip=frames.tooltip(told | frames.ENDS),
    )
    split = frame.duplicated(by).any()
    if split:
        base = base.encode(yOffset=alt.YOffset("group:N", sort=groups))
    mine = base.transform_filter(alt.datum.source == ours)
    whole = mine.transform_filter(frames.valid("low", "high")).mark_rule(strokeWidth=2)
    layers = [whole.encode(x=frames.across("low", x_title, limits, to_scale=to_scale), x2="high:Q")]
    sizes = {BOUND: 260, ONE_SET: 22, THEIRS: 80, ours: 100}
    for kind in (kind for kind in sizes if kind in kinds):
        dots = base.transform_filter(alt.datum.source == kind)
        layers.append(
            dots.mark_point(size=sizes[kind], filled=kind != ONE_SET, opacity=1).encode(shape=shape)
        )
    height = alt.Step(16 if split else 24)
    chart = alt.layer(*layers, data=marks.round(5))
    chart = chart.properties(width=width, height=height)
    return frames.figure(chart, title, missing)
