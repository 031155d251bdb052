"""Distributions: cumulative shares, and violins by the largest attention weight."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts import frames
from attnbook.charts.panels import points
from attnlib.tables.summaries import MAX_ATTENTION_LABELS, max_attention_bin

# Most rows of a chart, shared among its lines, and most steps of a line.
ROWS, STEPS = 4800, 200
PANEL_HEIGHT = {1: 260, 2: 170, 3: 120, 4: 100}


@frames.chart
def ecdf(
    frame: pd.DataFrame,
    x: str,
    *,
    title: str,
    x_title: str,
    domain: frames.Span,
    by: str | None = "predicted",
    facet: str | None = None,
    by_title: str = "predicted class",
    y_title: str = "texts at or below",
    share: str | None = None,
    marked: pd.DataFrame | None = None,
    columns: int = 1,
) -> Any:
    """Draw which share of each group's texts has a value of at most ``x`` (the cumulative distribution).

    Parameters
    ----------
    frame
        One row per text (and per value of ``facet``).
    domain
        Range of the axis; a value outside it is refused.
    by
        Column with the groups, one line each; None puts all texts in one group.
    facet, columns
        Column whose values become panels with the same axes, so many side by side.
    share
        Column of shares, where the frame has the steps of histograms in place of texts: ``x`` is where a step
        of equal bins starts, the share is that of the texts of each bin up to the next step.
    marked
        Numbers to mark at the foot of a panel: columns x and ``source``, and those of ``by`` and ``facet``.
    """
    needed = [x, *filter(None, [share])]
    frame, groups, missing = frames.prepare(frame, needed, by, facet, {x: domain})
    cells: list[Any] = list(frame.groupby(["facet", "group"], observed=True))
    edges = np.linspace(*domain, min(STEPS, ROWS // len(cells)) + 1)
    parts = []
    for (shown, group), part in cells:
        below = _below(part[x], part[share], domain, edges) if share else _at_most(part[x], edges)
        line = pd.DataFrame({"x": edges, "share": below}).round(4)
        parts.append(line.assign(facet=str(shown), group=str(group)))
    lines = pd.concat(parts, ignore_index=True).assign(source="")
    names = frames.in_order(frame[facet]) if facet else [frames.ALL]
    pick = alt.selection_point(name="pick", fields=["group"], bind="legend")
    told = frames.place(facet) | {"group:N": by_title, "x": x_title}
    base = alt.Chart().encode(x=frames.across("x", x_title, domain), color=frames.hues(groups, by_title))
    line = base.mark_line(strokeWidth=2.5, interpolate="step-after").add_params(pick)
    layers = [
        line.transform_filter("datum.source == ''").encode(
            y=alt.Y("share:Q", title=y_title).scale(domain=(0, 1)).axis(format="~%", tickCount=4),
            opacity=alt.when(pick).then(alt.value(1)).otherwise(alt.value(0.1)),
            tooltip=frames.tooltip(told, alt.Tooltip("share:Q", title=y_title, format=".1%")),
        )
    ]
    height = PANEL_HEIGHT[min(columns + (facet is not None and columns == 1), 4)]
    if marked is not None:
        feet = marked.dropna(subset="x").rename(columns={facet: "facet", by: "group"}).astype({"facet": str})
        feet = feet[feet["facet"].isin(names)][["facet", "group", "source", "x"]].astype({"group": str})
        foot = base.transform_filter("datum.source != ''").encode(
            y=alt.value(height), tooltip=frames.tooltip(told | {"source:N": "mean"})
        )
        if len(feet):
            layers.append(points(foot, feet["source"].unique(), size=40))
            lines = pd.concat([lines, feet.round(4)], ignore_index=True)
    chart = alt.layer(*layers, data=lines).properties(width=frames.panel_width(columns), height=height)
    return frames.figure(frames.facets(chart, names, columns) if facet else chart, title, missing)


def _at_most(values: pd.Series, edges: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(values), edges, side="right") / len(values)


def _below(starts: pd.Series, shares: pd.Series, domain: frames.Span, edges: np.ndarray) -> np.ndarray:
    """The mass of a histogram below each edge, spread evenly within a step of equal bins."""
    at = np.append(starts, domain[1])
    mass = np.append(0, np.cumsum(shares.to_numpy() * np.diff(at)))
    return np.interp(edges, at, mass / (mass[-1] or 1))


@frames.chart
def violins_by_max_attention(
    frame: pd.DataFrame, x: str, *, title: str, x_title: str, domain: frames.Span, facet: str | None = None
) -> Any:
    """Draw the distribution of ``x`` within four bins of the column ``max_attention``.

    Each violin is a Gaussian kernel density, cut at the domain and scaled to its own height, with a white
    line from the lower to the upper quartile, a white tick at the median and the number of texts. A bin
    with fewer than five texts of a class (or with one single value) shows the texts themselves.
    """
    limits = {x: domain, "max_attention": (0.0, 1.0)}
    frame, groups, missing = frames.prepare(frame, list(limits), "predicted", facet, limits)
    frame["bin"] = max_attention_bin(frame["max_attention"])

    cells: list[Any] = list(frame.groupby(["facet", "group", "bin"], observed=True))
    grid = max(16, min(64, 4000 // len(cells)))
    row = 0.9 / len(groups)
    parts = []
    for (shown, group, bin_), part in cells:
        centre = bin_ + row * (groups.index(group) - (len(groups) - 1) / 2)
        marks = _violin(part[x].to_numpy(float), centre, row * 0.46, domain, grid)
        parts.append(marks.assign(facet=shown, group=group, bin=MAX_ATTENTION_LABELS[bin_]))
    marks = pd.concat(parts, ignore_index=True)

    bins = len(MAX_ATTENTION_LABELS)
    labels = ", ".join(f"'{label}'" for label in MAX_ATTENTION_LABELS)
    told = frames.place(facet) | {"group:N": "predicted class", "bin:N": "max attention"}
    told |= {"n:Q": "texts", "summary:N": "median (quartiles)"}

    def only(kind: str) -> Any:
        return base.transform_filter(alt.datum.kind == kind)

    up = frames.across("low", "max attention", (-0.5, bins - 0.5), channel=alt.Y)
    up = up.axis(values=list(range(bins)), labelExpr=f"[{labels}][datum.value]", grid=False, ticks=False)
    along = frames.across("x", x_title, domain)
    base = alt.Chart(marks).encode(x=along, y=up, tooltip=frames.tooltip(told))
    hue = frames.hues(groups, "predicted class")
    step = (70 if len(groups) == 1 else 90) if facet is None else 50
    # Room for the counts beside the plot.
    width = frames.WIDTH - 50
    chart = alt.layer(
        only("density").mark_area(opacity=1).encode(y2="high:Q", detail="bin:N", color=hue),
        only("quartile")
        .mark_rule(strokeWidth=2, color="white")
        .encode(x=frames.across("q25", x_title, domain), x2="q75:Q"),
        only("quartile").mark_tick(orient="vertical", thickness=2, size=12, color="white"),
        only("point").mark_circle(size=34, opacity=1).encode(color=hue),
        only("count")
        .transform_calculate(label="'n = ' + datum.n")
        .mark_text(align="left", fontSize=11)
        .encode(x=alt.value(width + 6), text="label:N"),
    ).properties(width=width, height=bins * step)
    chart = frames.facets(chart, frames.in_order(frame[facet])) if facet else chart
    return frames.figure(chart, title, missing)


def _violin(values: np.ndarray, centre: float, half: float, domain: frames.Span, grid: int) -> pd.DataFrame:
    """Return the marks of one violin: rows of kind density, quartile, point and count."""
    from scipy.stats import gaussian_kde

    q25, median, q75 = np.quantile(values, [0.25, 0.5, 0.75])
    facts: dict[str, Any] = {"n": len(values), "summary": f"{median:.3f} ({q25:.3f} to {q75:.3f})"}
    count = {"kind": "count", "x": domain[1], "low": centre, **facts}
    if len(values) < 5 or np.ptp(values) < 1e-9:
        points = pd.DataFrame({"x": np.unique(values)}).assign(kind="point", low=centre, **facts)
        return pd.concat([points, pd.DataFrame([count])])
    density = gaussian_kde(values)
    reach = 3 * float(np.sqrt(density.covariance[0, 0]))
    line = np.linspace(max(domain[0], values.min() - reach), min(domain[1], values.max() + reach), grid)
    height = density(line)
    height *= half / height.max()
    body = pd.DataFrame({"x": line, "low": centre - height, "high": centre + height})
    quartiles = {"kind": "quartile", "x": median, "low": centre, "q25": q25, "q75": q75, **facts}
    return pd.concat([body.assign(kind="density", **facts), pd.DataFrame([quartiles, count])]).round(4)
