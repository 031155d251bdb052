"""Distributions: cumulative shares, and violins by the largest attention weight."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts import frames
from attnlib.tables.summaries import MAX_ATTENTION_LABELS, max_attention_bin

# Most rows of a chart, shared among its lines, and most steps of a line.
ROWS, STEPS = 4800, 200


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
    facet
        Column whose values become panels with the same axes, one below the other.
    """
    frame, groups, missing = frames.prepare(frame, [x], by, facet, {x: domain})
    cells: list[Any] = list(frame.groupby(["facet", "group"], observed=True))
    edges = np.linspace(*domain, min(STEPS, ROWS // len(cells)) + 1)
    parts = []
    for (shown, group), part in cells:
        below = np.searchsorted(np.sort(part[x]), edges, side="right") / len(part)
        line = pd.DataFrame({"x": edges, "share": below}).round(4)
        parts.append(line.assign(facet=str(shown), group=str(group)))
    pick = alt.selection_point(name="pick", fields=["group"], bind="legend")
    told = frames.place(facet) | {"group:N": by_title, "x": x_title}
    line = alt.Chart(pd.concat(parts, ignore_index=True)).mark_line(strokeWidth=2.5, interpolate="step-after")
    chart = line.encode(
        x=frames.across("x", x_title, domain),
        y=alt.Y("share:Q", title=y_title).scale(domain=(0, 1)).axis(format="~%", tickCount=4),
        color=frames.hues(groups, by_title),
        opacity=alt.when(pick).then(alt.value(1)).otherwise(alt.value(0.1)),
        tooltip=frames.tooltip(told, alt.Tooltip("share:Q", title=y_title, format=".1%")),
    )
    chart = chart.add_params(pick).properties(width=frames.panel_width(), height=170 if facet else 260)
    chart = frames.facets(chart, frames.in_order(frame[facet])) if facet else chart
    return frames.figure(chart, title, missing)


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
