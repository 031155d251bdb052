"""Small multiples of recorded results: ours over seeds beside the published numbers, in panels.

Frames are made by `verdicts.summary`: columns value, low and high (mean and range over seeds) and published.
Ours are filled circles, published numbers hollow diamonds; categories of the columns give the order, and rows
whose category is empty are left out.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts import frames
from attnlib.tables.summaries import MAX_ATTENTION_LABELS

OURS, THEIRS = "ours", "theirs"
# Shape of a point by where it is from. The diamond is two outlines, wound in opposite directions, since a
# legend has one filling for all its symbols.
DIAMOND = "M0,-1.35L1.35,0L0,1.35L-1.35,0Z M0,-0.85L-0.85,0L0,0.85L0.85,0Z"
SHAPES = {OURS: "circle", THEIRS: DIAMOND}
OVER_SEEDS = {"low": "least over seeds", "high": "greatest over seeds"}


@frames.chart
def dot_panels(
    frame: pd.DataFrame,
    y: str,
    *,
    panel: str | None = None,
    title: str,
    x_title: str,
    by: str | None = None,
    by_title: str = "",
    domain: frames.Span | None = None,
    logarithmic: bool = False,
    columns: int = 2,
) -> Any:
    """Draw a circle with its range per row `y` and group `by`, and a diamond for the published number.

    Without `panel` all is one panel. A logarithmic axis is for positive values.
    """
    sources = {"value": OURS, "published": THEIRS}
    needed = [y, *(name for name in (panel, by) if name)]
    columns = columns if panel else 1
    frame, _, missing = frames.prepare(frame, needed, by, panel, {}, [*sources, "low", "high"])
    groups = frames.present(frame["group"])
    names = frames.present(frame[y])
    marks = frame.melt([y, "facet", "group", "low", "high"], list(sources), "source", "x").dropna(subset="x")
    marks["source"] = marks["source"].map(sources)
    marks.loc[marks["source"] != OURS, ["low", "high"]] = float("nan")
    told = frames.place(panel) | {f"{y}:N": alt.Undefined, "group:N": by_title or "texts", "source:N": "from"}
    told |= {"x": x_title} | OVER_SEEDS
    base = alt.Chart().encode(
        color=frames.hues(groups, by_title),
        y=frames.rows(y, names, grid=True),
        yOffset=alt.YOffset("group:N").scale(domain=groups),
        tooltip=frames.tooltip(told),
    )
    ranges = base.transform_filter(frames.valid("low")).mark_rule(strokeWidth=2)
    kinds = [name for name in sources.values() if name in set(marks["source"])]
    layers = [points(base, kinds, size=42).encode(x=frames.across("x", x_title, domain, logarithmic))]
    if marks["low"].notna().any():  # of nothing, Vega would look for the ends
        layers.insert(0, ranges.encode(x=frames.across("low", x_title, domain, logarithmic), x2="high:Q"))
    chart = alt.layer(
        *layers,
        data=marks.astype({y: str}).round(4),
        # Room for the names of the rows, also where each has one circle.
    ).properties(width=frames.panel_width(columns, names), height=alt.Step(9 if len(groups) > 1 else 15))
    chart = frames.facets(chart, frames.present(frame[panel]), columns) if panel else chart
    return frames.figure(chart, title, missing)


@frames.chart
def quartile_panels(
    frame: pd.DataFrame,
    baselines: pd.DataFrame,
    *,
    by: str,
    panel: str,
    title: str,
    x_title: str,
    by_title: str,
    domain: frames.Span,
) -> Any:
    """Draw median and quartiles per bin of the largest attention weight, ours above theirs.

    frame: columns q25, q50, q75, the same after "published_", `bin` and n (`summary.quartiles`). baselines:
    columns value and `name`; means that do not depend on the bin have a row per name, below the bins.
    """
    quartiles = ["q25", "q50", "q75"]
    same = [panel, by, "bin"]
    ours = frame[[*same, *quartiles, "n"]].assign(source=OURS)
    theirs = frame[[*same, *(f"published_{name}" for name in quartiles)]].assign(source=THEIRS)
    theirs.columns = theirs.columns.str.removeprefix("published_")
    below = baselines[[panel, by, "name", "value"]].assign(source=OURS)
    below = below.rename(columns={"name": "bin", "value": "q50"})
    marks = pd.concat([ours, theirs, below], ignore_index=True)
    marks = marks.astype({panel: frame[panel].dtype, by: frame[by].dtype})
    limits = dict.fromkeys(quartiles, domain)
    filled = marks.dropna(subset="q50").fillna({"q25": domain[0], "q75": domain[0]})
    whole, _, _ = frames.prepare(filled, quartiles, by, panel, limits, ["bin", "source", "n"])
    marks = whole.assign(**{name: marks[name] for name in ("q25", "q75")})
    groups = frames.present(marks["group"])
    # The paper's axis points up; what is no bin stands below it.
    levels = [*reversed(MAX_ATTENTION_LABELS), *dict.fromkeys(below["bin"])]
    marks["y"] = marks["bin"].astype(str).map(levels.index) + offsets(marks, groups)
    words = json.dumps(levels)
    of_point = {"facet:N": panel, "bin:N": "max attention", "group:N": by_title, "source:N": "from"}
    of_point |= {"q50": "median (below the bins: mean)", "q25": "lower quartile", "q75": "upper quartile"}
    base = alt.Chart().encode(
        color=frames.hues(groups, by_title),
        y=alt.Y("y:Q", title=None)
        .scale(domain=(-0.5, len(levels) - 0.5), nice=False, reverse=True)
        .axis(values=list(range(len(levels))), labelExpr=f"{words}[datum.value]", grid=False, ticks=False),
        tooltip=frames.tooltip(of_point, alt.Tooltip("n:Q", title="texts of ours", format=".0f")),
    )
    middle = points(base, frames.present(marks["source"]), size=26)
    between = base.encode(x=frames.across("q25", x_title, domain), x2="q75:Q")
    chart = alt.layer(
        between.transform_filter(alt.datum.source == OURS).mark_rule(strokeWidth=2.5),
        between.transform_filter(alt.datum.source == THEIRS).mark_rule(strokeWidth=1),
        middle.encode(x=frames.across("q50", x_title, domain)),
        data=marks[["facet", "group", "bin", "source", "y", *quartiles, "n"]].round(4),
    ).properties(width=frames.panel_width(3, levels), height=26 * len(levels))
    return frames.figure(frames.facets(chart, frames.present(frame[panel]), 3), title)


def points(chart: Any, sources: Iterable[str], size: float) -> Any:
    """Points whose shape says where a number is from (column `source`); one source needs no legend."""
    kinds = list(sources)
    shape = alt.Shape("source:N", title=None, legend=frames.legend(kinds) if len(kinds) > 1 else None)
    shape = shape.scale(domain=kinds, range=[SHAPES[kind] for kind in kinds])
    return chart.mark_point(filled=True, size=size, opacity=1).encode(shape=shape)


def offsets(marks: pd.DataFrame, groups: Sequence[str]) -> pd.Series:
    """Where in its row each mark stands, from -.4 to .4: by group, ours above theirs, as a panel needs."""
    place = marks["group"].astype(str).map(list(groups).index) * 2 + (marks["source"] == THEIRS)
    first = place.groupby(marks["facet"]).transform("min")
    count = place.groupby(marks["facet"]).transform("max") - first + 1
    return 0.8 * ((place - first + 0.5) / count - 0.5)
