"""Distributions: histograms, and violins by the largest attention weight."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts.frames import WIDTH, Span, across, colour, describe, figure, in_rows, prepare, tooltip
from attnlib.tables.summaries import MAX_ATTENTION_LABELS, max_attention_bin


def histogram(
    frame: pd.DataFrame,
    x: str,
    *,
    title: str,
    x_title: str,
    domain: Span,
    bins: int = 30,
    by: str | None = "predicted",
    facet: str | None = None,
    by_title: str = "predicted class",
    y_title: str = "fraction of the class",
) -> Any:
    """Draw the share of each class's texts per bin of ``x``, classes overlaid.

    Parameters
    ----------
    frame
        One row per text (and per value of ``facet``).
    x
        Column to bin.
    domain, bins
        Range of the axis and number of equal bins in it.
    by
        Column with the classes; None, or more than six classes, puts all texts in one group.
    facet
        Column whose values become rows with the same axes.
    """
    frame, groups, missing = prepare(frame, [x], by, facet, {x: domain})
    edges = np.linspace(*domain, bins + 1)
    parts = []
    for (shown, group), part in frame.groupby(["facet", "group"], observed=True):
        count, _ = np.histogram(part[x], edges)
        binned = pd.DataFrame({"start": edges[:-1], "end": edges[1:], "count": count})
        parts.append(binned.assign(share=count / len(part), facet=str(shown), group=str(group)))
    binned = pd.concat(parts, ignore_index=True)
    pick = alt.selection_point(name="pick", fields=["group"], bind="legend")
    share = alt.Tooltip("share:Q", title=y_title, format=".1%")
    texts = alt.Tooltip("count:Q", title="texts")
    chart = alt.Chart(binned[binned["count"] > 0]).mark_bar(binSpacing=0)
    chart = chart.encode(
        x=alt.X("start:Q", bin="binned", title=x_title).scale(domain=domain, nice=False),
        x2="end:Q",
        y=alt.Y("share:Q", title=y_title, stack=None).axis(format="~%"),
        color=colour(groups, by_title),
        opacity=alt.when(pick).then(alt.value(0.6)).otherwise(alt.value(0.08)),
        tooltip=tooltip({"group:N": by_title, "start": "from", "end": "to"}, share, texts),
    )
    chart = chart.properties(width=WIDTH, height=260 if facet is None else 170).add_params(pick)
    words = describe(f"Histogram of {x_title}", frame, x)
    return figure(in_rows(chart, frame, facet), title, words, missing)


def violins_by_max_attention(
    frame: pd.DataFrame, x: str, *, title: str, x_title: str, domain: Span, facet: str | None = None
) -> Any:
    """Draw the distribution of ``x`` within four bins of the column ``max_attention``.

    Each violin is a Gaussian kernel density, cut at the domain and scaled to its own height, with a
    line from the lower to the upper quartile, a tick at the median and the number of texts. A bin
    with fewer than five texts of a class (or with one single value) shows the texts themselves.
    """
    limits = {x: domain, "max_attention": (0.0, 1.0)}
    frame, groups, missing = prepare(frame, list(limits), "predicted", facet, limits)
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

    of_violin = {"group:N": "predicted class", "bin:N": "max attention"}
    of_violin |= {"n:Q": "texts", "summary:N": "median (quartiles)"}

    def only(kind: str) -> Any:
        return base.transform_filter(alt.datum.kind == kind)

    up = across("low", "max attention", (-0.5, bins - 0.5), channel=alt.Y)
    up = up.axis(values=list(range(bins)), labelExpr=f"[{labels}][datum.value]", grid=False, ticks=False)
    base = alt.Chart(marks).encode(x=across("x", x_title, domain), y=up, tooltip=tooltip(of_violin))
    hue = colour(groups, "predicted class")
    quartiles = only("quartile").encode(color=hue)
    step = (70 if len(groups) == 1 else 90) if facet is None else 50
    chart = alt.layer(
        only("density").mark_area(opacity=0.45).encode(y2="high:Q", detail="bin:N", color=hue),
        quartiles.mark_rule(strokeWidth=3).encode(x=across("q25", x_title, domain), x2="q75:Q"),
        quartiles.mark_tick(orient="vertical", thickness=3, size=14),
        only("point").mark_circle(size=34, opacity=0.8).encode(color=hue),
        only("count")
        .transform_calculate(label="'n = ' + datum.n")
        .mark_text(align="left", fontSize=11)
        .encode(x=alt.value(WIDTH + 6), text="label:N"),
    ).properties(width=WIDTH, height=bins * step)
    named = {i: f"max attention in {label}" for i, label in enumerate(MAX_ATTENTION_LABELS)}
    frame["range"] = pd.Categorical(frame["bin"].map(named), list(named.values()))
    start = f"Violins of {x_title} in four bins of the largest attention weight"
    words = describe(start, frame, x, ["range"])
    return figure(in_rows(chart, frame, facet), title, words, missing)


def _violin(values: np.ndarray, centre: float, half: float, domain: Span, grid: int) -> pd.DataFrame:
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
