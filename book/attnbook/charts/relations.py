"""Relations: one value against another, and estimates with their intervals."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts.frames import (
    ALL,
    GREY,
    LEGEND,
    WIDTH,
    colour,
    counts,
    describe,
    field,
    omitted,
    prepare,
)

MAX_POINTS = 2000


def scatter(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    title: str,
    x_title: str,
    y_title: str,
    x_domain: tuple[float, float] | None = None,
    y_domain: tuple[float, float] | None = None,
    by: str | None = "predicted",
    tooltip: Sequence[str] = ("text",),
    diagonal: bool = False,
    bins: int = 48,
    by_title: str = "predicted class",
    description: str | None = None,
) -> Any:
    """Draw ``y`` against ``x``: a point per text, or counts in cells above 2000 texts.

    ``tooltip`` names further columns to show for a point (those that the frame has); ``diagonal``
    adds the line y = x.
    """
    limits = {name: span for name, span in ((x, x_domain), (y, y_domain)) if span}
    frame, groups, missing = prepare(frame, [x, y], by, None, limits)
    spans = [limits.get(name) or _span(frame[[name]]) for name in (x, y)]

    def along(channel: type, column: str, words: str, span: tuple[float, float]) -> Any:
        return channel(column, type="quantitative", title=words).scale(domain=span, nice=False)

    if len(frame) <= MAX_POINTS:
        extra = [name for name in tooltip if name in frame]
        points = frame[list(dict.fromkeys([x, y, "group", *extra]))].copy()
        for name in extra:
            if not pd.api.types.is_numeric_dtype(points[name]):
                points[name] = [textwrap.shorten(str(value), 80, placeholder=" …") for value in points[name]]
        pick = alt.selection_point(name="pick", fields=["group"], bind="legend")
        marks = (
            alt.Chart(points)
            .mark_circle(size=36, clip=True)
            .encode(
                x=along(alt.X, field(x), x_title, spans[0]),
                y=along(alt.Y, field(y), y_title, spans[1]),
                color=colour(groups, by_title),
                opacity=alt.when(pick).then(alt.value(0.55)).otherwise(alt.value(0.04)),
                tooltip=[
                    alt.Tooltip("group:N", title=by_title),
                    alt.Tooltip(field(x), type="quantitative", title=x_title, format=".3f"),
                    alt.Tooltip(field(y), type="quantitative", title=y_title, format=".3f"),
                    *(alt.Tooltip(field(name), title=name) for name in extra),
                ],
            )
            .add_params(pick)
        )
    else:
        cells = counts(frame[x], frame[y], bins, spans)
        marks = (
            alt.Chart(cells)
            .mark_rect()
            .encode(
                x=along(alt.X, "x", x_title, spans[0]),
                x2="x_end:Q",
                y=along(alt.Y, "y", y_title, spans[1]),
                y2="y_end:Q",
                color=alt.Color("count:Q", title="texts").scale(scheme="viridis", type="sqrt"),
                tooltip=[
                    alt.Tooltip("x:Q", title=f"{x_title}, from", format=".3f"),
                    alt.Tooltip("y:Q", title=f"{y_title}, from", format=".3f"),
                    alt.Tooltip("count:Q", title="texts"),
                ],
            )
        )
    layers = [marks]
    if diagonal:
        ends = [max(low for low, _ in spans), min(high for _, high in spans)]
        line = alt.Chart(pd.DataFrame({"x": ends, "y": ends})).mark_line(color=GREY, strokeDash=[5, 4])
        layers.append(line.encode(x="x:Q", y="y:Q"))
    words = description or describe(f"Scatter plot of {y_title} against {x_title}", frame, y, missing)
    if not description:
        words += f" Pearson correlation {_correlation(frame[x], frame[y])}."
        if diagonal:
            words += f" {(frame[y] > frame[x]).mean():.1%} of the texts lie above the diagonal."
    chart = alt.layer(*layers, width=420, height=420)
    return chart.properties(title=title, description=words)


def dot_intervals(
    frame: pd.DataFrame,
    y: str,
    x: str,
    low: str,
    high: str,
    *,
    title: str,
    x_title: str,
    y_title: str = "",
    domain: tuple[float, float] | None = None,
    by: str | None = None,
    paper: str = "paper",
    ours_label: str = "this run",
    paper_label: str = "paper",
    description: str | None = None,
) -> Any:
    """Draw one dot with an interval per row of ``frame``, the paper's number beside it.

    Rows keep the order of the frame. ``low`` and ``high`` may be NaN (a dot without an interval), as
    may the column named by ``paper``, which may also be absent. ``by`` splits each row by colour.
    """
    frame, groups, missing = prepare(frame, [y, x], by, None, {}, optional=[low, high])
    frame[y] = frame[y].astype(str)
    rows = list(dict.fromkeys(frame[y]))
    columns = {y: "row", x: "value", low: "low", high: "high"}
    ours = frame[[*columns, "group"]].rename(columns=columns).assign(source=ours_label)
    sources = [ours_label]
    marks = ours
    if paper in frame and frame[paper].notna().any():
        published = frame[[y, paper, "group"]].rename(columns={y: "row", paper: "value"})
        marks = pd.concat([ours, published.dropna(subset=["value"]).assign(source=paper_label)])
        sources.append(paper_label)

    limits = domain or _span(marks[["value", "low", "high"]])

    def across(column: str) -> Any:
        return alt.X(f"{column}:Q", title=x_title).scale(domain=limits, nice=False)

    def only(source: str) -> Any:
        return base.transform_filter(alt.datum.source == source)

    base = alt.Chart(marks.reset_index(drop=True)).encode(
        x=across("value"),
        y=alt.Y("row:N", sort=rows, title=y_title or None).axis(labelLimit=260),
        color=colour(groups, by or ""),
        tooltip=[
            alt.Tooltip("row:N", title=y_title or y),
            alt.Tooltip("source:N", title="number from"),
            alt.Tooltip("value:Q", title=x_title, format=".3f"),
            alt.Tooltip("low:Q", format=".3f"),
            alt.Tooltip("high:Q", format=".3f"),
        ],
    )
    if len(groups) > 1:
        base = base.encode(yOffset=alt.YOffset("group:N", sort=groups))
    shape = alt.Shape("source:N", title="number from").scale(
        domain=sources, range=["circle", "diamond"][: len(sources)]
    )
    shape = shape.legend(LEGEND) if len(sources) > 1 else shape.legend(None)
    layers = [
        only(ours_label)
        .transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(strokeWidth=2)
        .encode(x=across("low"), x2="high:Q"),
        only(ours_label).mark_point(size=90, filled=True, opacity=1).encode(shape=shape),
    ]
    if len(sources) > 1:
        layers.append(only(paper_label).mark_point(size=110, strokeWidth=2, opacity=1).encode(shape=shape))
    chart = alt.layer(*layers).properties(width=WIDTH, height=alt.Step(34 if len(groups) == 1 else 16))
    if description is None:
        sentences = []
        row: Any
        for row in frame.to_dict("records"):
            label = row[y] if row["group"] == ALL else f"{row[y]}, {row['group']}"
            number = row.get(paper)
            tail = "" if number is None or pd.isna(number) else f"; {paper_label}: {number:.3g}"
            sentences.append(f"{label}: {_interval(row, x, low, high)}{tail}.")
        description = f"Dots with intervals of {x_title}. {' '.join(sentences)}{omitted(missing)}"
    return chart.properties(title=title, description=description)


def _span(values: pd.DataFrame) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


def _correlation(x: pd.Series, y: pd.Series) -> str:
    return f"{np.corrcoef(x, y)[0, 1]:.2f}" if min(np.ptp(x), np.ptp(y)) > 0 else "undefined"


def _interval(row: Mapping[str, Any], x: str, low: str, high: str) -> str:
    words = f"{row[x]:.3g}"
    return words if pd.isna(row[low]) else words + f" ({row[low]:.3g} to {row[high]:.3g})"
