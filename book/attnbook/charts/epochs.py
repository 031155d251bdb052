"""What training changes: values by epoch."""

from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts.frames import ALL, GREY, WIDTH, colour, omitted, prepare


def by_epoch(
    frame: pd.DataFrame,
    y: str,
    *,
    title: str,
    y_title: str,
    by: str | None = None,
    by_title: str = "",
    low: str | None = None,
    high: str | None = None,
    selected: int | None = None,
    description: str | None = None,
) -> Any:
    """Draw `y` against the column `epoch`, one line per value of `by`, with intervals if there are any.

    `low` and `high` may be NaN (a point without an interval); `selected` marks the epoch that is kept. At
    most six lines; two rows for one epoch of a line are refused.
    """
    ends = [name for name in (low, high) if name]
    frame, groups, missing = prepare(frame, ["epoch", y], by, None, {}, optional=ends)
    repeated = frame.duplicated(["epoch", "group"])
    if repeated.any():
        row = frame[repeated].iloc[0]
        raise ValueError(
            f"epoch {row['epoch']} of {row['group']} has several rows: average them, or split by a column "
            "of at most six values"
        )
    points = frame[["epoch", "group"]].assign(value=frame[y], low=None, high=None)
    if low and high:
        points["low"], points["high"] = frame[low], frame[high]

    first, last = int(points["epoch"].min()), int(points["epoch"].max())
    ticks = list(range(first, last + 1, 1 + (last - first) // 20))

    def up(column: str) -> Any:
        return alt.Y(f"{column}:Q", title=y_title).scale(zero=False)

    base = alt.Chart(points).encode(
        x=alt.X("epoch:Q", title="training epoch")
        .axis(values=ticks, format="d")
        .scale(domain=(first - 0.5, last + 0.5), nice=False),
        color=colour(groups, by_title),
        tooltip=[
            alt.Tooltip("group:N", title=by_title or "line"),
            alt.Tooltip("epoch:Q", title="epoch"),
            alt.Tooltip("value:Q", title=y_title, format=".3f"),
            alt.Tooltip("low:Q", format=".3f"),
            alt.Tooltip("high:Q", format=".3f"),
        ],
    )
    layers = [base.mark_line(point=alt.OverlayMarkDef(size=40)).encode(y=up("value"))]
    # A layer without a value has no extent, and Vega warns of that in the reader's console.
    if points[["low", "high"]].notna().all(axis=1).any():
        intervals = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        layers.insert(0, intervals.mark_rule(strokeWidth=2, opacity=0.6).encode(y=up("low"), y2="high:Q"))
    if selected is not None:
        mark = alt.Chart(pd.DataFrame({"epoch": [selected], "label": ["selected"]})).encode(x="epoch:Q")
        layers.append(mark.mark_rule(strokeDash=[5, 4], color=GREY))
        layers.append(
            mark.mark_text(align="left", baseline="bottom", dx=4, color=GREY, fontSize=12).encode(
                y=alt.value(0), text="label:N"
            )
        )
    chart = alt.layer(*layers).properties(width=WIDTH, height=240)
    words = description or f"{y_title} by training epoch. {_words(points, selected)}{omitted(missing)}"
    return chart.properties(title=title, description=words)


def _words(points: pd.DataFrame, selected: int | None) -> str:
    """Each line at its first and last epoch, and at the selected one."""
    sentences = []
    for group, part in points.groupby("group", observed=True):
        values = {int(row["epoch"]): row["value"] for _, row in part.sort_values("epoch").iterrows()}
        told = dict.fromkeys([min(values), *([selected] if selected in values else []), max(values)])
        words = ", ".join(
            f"{values[epoch]:.3g} after epoch {epoch}{' (selected)' if epoch == selected else ''}"
            for epoch in told
        )
        sentences.append(f"{'All' if group == ALL else str(group)}: {words}.")
    return " ".join(sentences)
