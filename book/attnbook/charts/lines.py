"""Lines: values by training epoch, and recorded results against a number, in panels."""

from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts import frames
from attnbook.charts.panels import OVER_SEEDS, THEIRS


@frames.chart
def by_epoch(
    frame: pd.DataFrame,
    y: str,
    *,
    title: str,
    y_title: str,
    by: str | None = None,
    by_title: str = "",
    selected: int | None = None,
) -> Any:
    """Draw `y` against the column `epoch`, one line per value of `by`.

    The columns `low` and `high`, if there, are intervals and may be NaN; `selected` marks the epoch that is
    kept. Two rows for one epoch of a line are refused.
    """
    frame, groups, missing = frames.prepare(frame, ["epoch", y], by, None, {}, ["low", "high"])
    repeated = frame.duplicated(["epoch", "group"])
    if repeated.any():
        row = frame[repeated].iloc[0]
        remedy = "average them, or split by another column"
        raise ValueError(f"epoch {row['epoch']} of {row['group']} has several rows: {remedy}")
    points = frame[["epoch", "group", "low", "high"]].assign(value=frame[y])
    first, last = int(points["epoch"].min()), int(points["epoch"].max())
    ticks = list(range(first, last + 1, 1 + (last - first) // 20))

    up = {end: alt.Y(f"{end}:Q", title=y_title).scale(zero=False) for end in ("value", "low")}
    along = alt.X("epoch:Q", title="training epoch").axis(values=ticks, format="d")
    along = along.scale(domain=(first - 0.5, last + 0.5), nice=False)
    told = frames.tooltip({"group:N": by_title or "line", "epoch:Q": "epoch", "value": y_title} | frames.ENDS)
    base = alt.Chart(points).encode(x=along, color=frames.hues(groups, by_title), tooltip=told)
    layers = [base.mark_line(point=alt.OverlayMarkDef(size=40)).encode(y=up["value"])]
    # A layer without a value has no extent, and Vega warns of that in the reader's console.
    if points[["low", "high"]].notna().all(axis=1).any():
        intervals = base.transform_filter(frames.valid("low", "high"))
        layers.insert(0, intervals.mark_rule(strokeWidth=2).encode(y=up["low"], y2="high:Q"))
    if selected is not None:
        mark = alt.Chart(pd.DataFrame({"epoch": [selected], "label": ["selected"]})).encode(x="epoch:Q")
        label = mark.mark_text(align="left", baseline="bottom", dx=4, color=frames.GREY, fontSize=12)
        layers.append(mark.mark_rule(strokeDash=[5, 4], color=frames.GREY))
        layers.append(label.encode(y=alt.value(0), text="label:N"))
    chart = alt.layer(*layers).properties(width=frames.WIDTH, height=240)
    return frames.figure(chart, title, missing)


@frames.chart
def line_panels(
    frame: pd.DataFrame,
    x: str,
    *,
    by: str,
    row: str | None = None,
    column: str | None = None,
    title: str,
    x_title: str,
    y_title: str,
    by_title: str,
) -> Any:
    """Draw a line with the range over seeds per group against `x`, a panel per value of `row` and `column`.

    Without either there is one panel. `published`, one value for all `x` of a panel, is a level named on the
    chart. All panels have one scale.
    """
    bounds = ["value", "low", "high", "published"]
    split = {place: name for place, name in {"row": row, "column": column}.items() if name}
    frame, _, missing = frames.prepare(frame, [x, "value", by, *split.values()], by, optional=bounds)
    groups = frames.present(frame["group"])
    rows, columns = (frames.present(frame[name]) if name else [""] for name in (row, column))
    frame = frame.assign(**{place: frame[name].astype(str) for place, name in split.items()})
    frame = frame.assign(**{place: "" for place in ("row", "column") if place not in split})
    size = frames.panel_width(len(columns)) - 30
    along = alt.X(f"{x}:O", title=x_title).axis(labelAngle=0, labelOverlap=True, labelSeparation=4)
    low, high = float(frame[bounds].min().min()), float(frame[bounds].max().max())
    margin = 0.1 * (high - low) or 0.05
    scale = alt.Scale(domain=(round(low - margin, 4), round(high + margin, 4)), nice=False)
    up = {end: alt.Y(f"{end}:Q", title=y_title, scale=scale) for end in ("low", "value")}
    told = {f"{place}:N": name for place, name in split.items()} | {"group:N": by_title, f"{x}:O": x_title}
    told |= {"value": "mean over seeds"} | OVER_SEEDS
    panels = []
    for name in rows:
        for other in columns:
            cell = frame[(frame["row"] == name) & (frame["column"] == other)]
            base = alt.Chart(cell[["row", "column", x, "group", "value", "low", "high"]].round(4))
            hue = frames.hues(groups, by_title)
            base = base.encode(x=along, color=hue, tooltip=frames.tooltip(told))
            layers = [
                base.mark_area(opacity=0.15).encode(y=up["low"], y2="high:Q"),
                base.mark_line(point=alt.OverlayMarkDef(size=24)).encode(y=up["value"]),
                *_level(cell["published"].dropna(), up["value"], size),
            ]
            head = alt.TitleParams(", ".join(part for part in (name, other) if part), fontSize=12)
            panels.append(alt.layer(*layers).properties(width=size, height=150, title=head))
    chart = alt.concat(*panels, columns=len(columns), spacing=frames.GAP)
    return frames.figure(chart, title, missing)


def _level(values: pd.Series, up: Any, size: int) -> list[Any]:
    """A dashed line with its name for the published number of one panel, if it has one."""
    if values.empty:
        return []
    level = pd.DataFrame({"name": [THEIRS], "value": values.iloc[:1].round(4)})
    base = alt.Chart(level).encode(y=up)
    text = base.mark_text(color=frames.GREY, align="right", baseline="bottom", dy=-2, fontSize=11)
    rule = base.mark_rule(color=frames.GREY, strokeWidth=1.5, strokeDash=[5, 3])
    return [rule, text.encode(x=alt.value(size), text="name:N")]
