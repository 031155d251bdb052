"""Relations: one value against another, and estimates with their intervals."""

import textwrap
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts import frames

MAX_POINTS = 2000
CELLS = 48
THEIRS = "published"


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
        hue = frames.colour(groups, "predicted class")
        faded = alt.when(pick).then(alt.value(0.55)).otherwise(alt.value(0.04))
        marks = marks.encode(x=axes[0], y=axes[1], color=hue, opacity=faded, tooltip=lines)
    words = frames.describe(f"Scatter plot of {y_title} against {x_title}", frame, y)
    constant = min(np.ptp(frame[x]), np.ptp(frame[y])) == 0
    correlation = "undefined" if constant else f"{np.corrcoef(frame[x], frame[y])[0, 1]:.2f}"
    words += f" Pearson correlation {correlation}."
    return frames.figure(alt.layer(marks, width=420, height=420), title, words, missing)


def dot_intervals(
    frame: pd.DataFrame,
    y: str,
    *,
    title: str,
    x_title: str,
    y_title: str = "",
    domain: frames.Span | None = None,
    by: str | None = None,
    ours: str = "this run",
) -> Any:
    """Draw a dot at the column value with an interval from low to high per row, and the published number.

    Rows keep the order of the frame. The columns low, high and published may be empty or absent. ``by``
    splits each row by colour; ``ours`` is what the legend calls the dots.
    """
    optional = ["low", "high", "published"]
    frame, groups, missing = frames.prepare(frame, [y, "value"], by, None, {}, optional)
    frame["row"] = frame[y].astype(str)
    marks = frame[["row", "value", "low", "high", "group"]].assign(source=ours)
    theirs = frame[["row", "published", "group"]].dropna(subset="published")
    sources = [ours, THEIRS] if len(theirs) else [ours]
    if len(theirs):
        theirs = theirs.rename(columns={"published": "value"}).assign(source=THEIRS)
        marks = pd.concat([marks, theirs], ignore_index=True)
    limits = domain or frames.span(marks[["value", "low", "high"]])

    told = {"row:N": y_title or y, "source:N": "number from", "value": x_title} | frames.ENDS
    base = alt.Chart(marks.reset_index(drop=True)).encode(
        x=frames.across("value", x_title, limits),
        y=alt.Y("row:N", sort=list(dict.fromkeys(frame["row"])), title=y_title or None).axis(labelLimit=260),
        color=frames.colour(groups, by or ""),
        tooltip=frames.tooltip(told),
    )
    if len(groups) > 1:
        base = base.encode(yOffset=alt.YOffset("group:N", sort=groups))
    shape = alt.Shape("source:N", title="number from", legend=frames.LEGEND if len(sources) > 1 else None)
    shape = shape.scale(domain=sources, range=["circle", "diamond"][: len(sources)])
    mine, other = (base.transform_filter(alt.datum.source == source) for source in (ours, THEIRS))
    whole = mine.transform_filter(frames.valid("low", "high"))
    layers = [
        whole.mark_rule(strokeWidth=2).encode(x=frames.across("low", x_title, limits), x2="high:Q"),
        mine.mark_point(size=90, filled=True, opacity=1).encode(shape=shape),
    ]
    if len(sources) > 1:
        layers.append(other.mark_point(size=110, strokeWidth=2, opacity=1).encode(shape=shape))
    chart = alt.layer(*layers).properties(width=frames.WIDTH, height=alt.Step(34 if len(groups) == 1 else 16))
    words = [f"Dots with intervals of {x_title}."]
    row: Any
    for row in frame.to_dict("records"):
        label = row["row"] if row["group"] == frames.ALL else f"{row['row']}, {row['group']}"
        ends = "" if pd.isna(row["low"]) else f" ({row['low']:.3g} to {row['high']:.3g})"
        tail = "" if pd.isna(row["published"]) else f"; {THEIRS}: {row['published']:.3g}"
        words.append(f"{label}: {row['value']:.3g}{ends}{tail}.")
    return frames.figure(chart, title, words, missing)
