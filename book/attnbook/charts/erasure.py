"""Charts of Serrano & Smith 2019: one value against another with the true density, and boxes by ranking."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts import frames

# The authors' figure: in each bin of the horizontal axis all points, or so many drawn with replacement.
POINT_BINS, POINTS_PER_BIN = 200, 10
CELLS = 40
QUANTILES = ("p05", "p25", "median", "p75", "p95")


def thin(x: pd.Series, bins: int = POINT_BINS, most: int = POINTS_PER_BIN, seed: int = 0) -> np.ndarray:
    """Rows that the authors' scatter plots show: per bin of x on [0, 1) all, or `most` with repetition.

    Positions in `x`. Values of exactly 1 fall out, as in the released code (Serrano & Smith 2019, figure 3).
    """
    generator = np.random.default_rng(seed)
    bin_of = np.floor(x.to_numpy() * bins).astype(int)
    chosen = []
    for number in range(bins):
        rows = np.flatnonzero(bin_of == number)
        chosen.append(rows if len(rows) < most else generator.choice(rows, most))
    return np.concatenate(chosen)


@frames.chart
def counts_beside_points(
    frame: pd.DataFrame, x: str, y: str, *, title: str, x_title: str, y_title: str
) -> Any:
    """Draw all rows as counts in cells, and beside them the points that the authors' figure would show.

    `x` is in [0, 1]. The points are thinned out (`thin`), so that their density is not the data's; the cells
    say how many there are.
    """
    frame, _, missing = frames.prepare(frame, [x, y], limits={x: (0, 1)})
    low, high = float(frame[y].min()), float(frame[y].max())
    margin = 0.03 * (high - low) or 0.05
    up = frames.across("y", y_title, (low - margin, high + margin), channel=alt.Y)
    axes = [frames.across("x", x_title, (0, 1)), up]
    size = {"width": frames.panel_width(2) - 55, "height": 260}
    zero = alt.Chart(pd.DataFrame({"y": [0.0]})).mark_rule(color=frames.GREY, strokeDash=[4, 4])
    shade = alt.Color("count:Q", title="texts").scale(scheme="viridis", type="log", domainMin=1)
    shade = shade.legend(orient="top", titleOrient="left", tickCount=4)
    counted = frames.heat(frame[x], frame[y], CELLS, axes, shade)
    drawn = frame[[x, y]].iloc[thin(frame[x])].set_axis(["x", "y"], axis=1)
    points = alt.Chart(drawn.round(5)).mark_point(size=20, strokeWidth=1, opacity=1, color=frames.GREY)
    points = points.encode(x=axes[0], y=axes[1], tooltip=frames.tooltip({"x": x_title, "y": y_title}))
    panels = alt.hconcat(
        alt.layer(counted, zero.encode(y="y:Q")).properties(title="every text, counted", **size),
        alt.layer(points, zero.encode(y="y:Q")).properties(title="thinned, as in the paper", **size),
    ).resolve_scale(color="independent")
    return frames.figure(panels, title, missing)


@frames.chart
def boxes(
    frame: pd.DataFrame,
    y: str,
    *,
    by: str,
    title: str,
    x_title: str,
    by_title: str,
    facet: str | None = None,
    domain: frames.Span = (0, 1),
    reference: float | None = None,
) -> Any:
    """Draw a box per row `y` and group `by`: columns p05, p25, median, p75, p95; mean, if there, is a dot.

    Whiskers go from the 5th to the 95th percentile, which unlike the paper's 1.5 interquartile ranges do not
    depend on outliers. `reference`: a dashed line at this value.
    """
    optional = ["mean"] if "mean" in frame else []
    limits = dict.fromkeys(QUANTILES, domain)
    frame, groups, missing = frames.prepare(frame, [y, by, *QUANTILES], by, facet, limits, optional)
    marks = frame[[*QUANTILES, *optional, "group", "facet"]].assign(row=frame[y].astype(str))
    at = {name: frames.across(name, x_title, domain) for name in (*QUANTILES, *optional)}
    names = frames.in_order(frame[y])
    told = frames.place(facet) | {"row:N": y, "group:N": by_title}
    base = alt.Chart().encode(
        y=frames.rows("row", names),
        yOffset=alt.YOffset("group:N", sort=groups).scale(domain=groups),
        color=frames.hues(groups, by_title),
        tooltip=frames.tooltip(told | dict.fromkeys(at, alt.Undefined)),
    )
    layers = [
        base.mark_rule(strokeWidth=1.5).encode(x=at["p05"], x2="p95:Q"),
        base.mark_bar(height=9).encode(x=at["p25"], x2="p75:Q"),
        base.mark_tick(size=9, thickness=2).encode(x=at["median"], color=alt.value("white")),
    ]
    if optional:
        mean = base.mark_circle(size=24, opacity=1, stroke=frames.GREY, strokeWidth=1)
        layers.append(mean.encode(x=at["mean"], color=alt.value("white")))
    if reference is not None:
        line = alt.Chart().mark_rule(color=frames.GREY, strokeDash=[4, 4])
        layers.append(line.encode(x=alt.datum(reference)))
    chart = alt.layer(*layers, data=marks).properties(width=frames.panel_width(1, names), height=alt.Step(15))
    chart = frames.facets(chart, frames.in_order(frame[facet])) if facet else chart
    return frames.figure(chart, title, missing)
