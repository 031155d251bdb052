"""Small multiples of recorded results: ours over seeds beside the published numbers, in panels.

Frames are made by `verdicts.summary`: columns value, low and high (mean and range over seeds) and published.
Ours are filled circles, published numbers hollow diamonds; categories of the columns give the order, and rows
whose category is empty are left out.
"""

import json
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts import frames
from attnlib.tables.summaries import MAX_ATTENTION_LABELS

OURS, SEED, THEIRS = "ours", "one seed", "theirs"
# Shape of a point by where it is from; what is none of these is a baseline, a thin upright tick. The
# diamond is two outlines, wound in opposite directions: a legend has one filling for all its symbols.
DIAMOND = "M0,-1.35L1.35,0L0,1.35L-1.35,0Z M0,-0.85L-0.85,0L0,0.85L0.85,0Z"
SHAPES = {OURS: "circle", SEED: "circle", THEIRS: DIAMOND}
BASELINE = "M-0.16,-1H0.16V1H-0.16Z"
OVER_SEEDS = {"low": "least over seeds", "high": "greatest over seeds"}
# Room for half a label on either side.
GAP = 34
# Width for the names of rows that every chart has.
ROOM = 200
HISTOGRAM_HEIGHT = 70


def dot_panels(
    frame: pd.DataFrame,
    y: str,
    *,
    by: str,
    panel: str,
    title: str,
    x_title: str,
    by_title: str,
    domain: frames.Span | None = None,
    logarithmic: bool = False,
    baseline: tuple[str, str] | None = None,
    columns: int = 2,
) -> Any:
    """Draw a circle with its range per row `y` and group `by`, and a diamond for the published number.

    `baseline`: a further column of values, drawn as ticks, and what it is called. A logarithmic axis is for
    positive values.
    """
    sources = {"value": OURS, "published": THEIRS} | dict([baseline] if baseline else [])
    frame, _, missing = frames.prepare(frame, [y, by, panel], by, panel, {}, [*sources, "low", "high"])
    groups = frames.present(frame["group"])
    names = frames.present(frame[y])
    marks = frame.melt([y, "facet", "group", "low", "high"], list(sources), "source", "x").dropna(subset="x")
    marks["source"] = marks["source"].map(sources)
    marks.loc[marks["source"] != OURS, ["low", "high"]] = float("nan")
    told = {f"{y}:N": alt.Undefined, "group:N": by_title, "source:N": "number", "x": x_title} | OVER_SEEDS
    base = alt.Chart().encode(
        color=hues(groups, by_title),
        y=alt.Y(f"{y}:N", sort=names, title=None).axis(labelLimit=room(names), grid=True),
        yOffset=alt.YOffset("group:N").scale(domain=groups),
        tooltip=frames.tooltip(told),
    )
    ranges = base.transform_filter(frames.valid("low")).mark_rule(strokeWidth=2)
    kinds = [name for name in sources.values() if name in set(marks["source"])]
    chart = alt.layer(
        ranges.encode(x=frames.across("low", x_title, domain, logarithmic), x2="high:Q"),
        points(base, kinds, size=42).encode(x=frames.across("x", x_title, domain, logarithmic)),
        data=marks.astype({y: str}).round(4),
        # Room for the names of the rows, also where each has one circle.
    ).properties(width=width(columns, names), height=alt.Step(9 if len(groups) > 1 else 15))
    words = [f"Dots of {x_title}."]
    words += [f"{name}, {group}: {means(part)}." for (name, group), part in cells(frame)]
    return frames.figure(facets(chart, frames.present(frame[panel]), columns), title, words, missing)


def bar_panels(
    frame: pd.DataFrame,
    y: str,
    *,
    panel: str,
    title: str,
    x_title: str,
    baseline: tuple[str, str] | None = None,
    columns: int = 2,
) -> Any:
    """Draw a bar per row `y` with a dot per seed (column `each`), and a diamond for the published number.

    Dashed rules mark the means of the bars and of the diamonds of a panel. `baseline`: a further column of
    values, drawn as ticks, and what it is called.
    """
    sources = {"value": OURS, "each": SEED, "published": THEIRS} | dict([baseline] if baseline else [])
    frame, _, missing = frames.prepare(frame, [y, panel], None, panel, {}, optional=list(sources))
    seeds = frame.explode("each").astype({"each": float})
    parts = []
    for name, source in sources.items():
        part = (seeds if name == "each" else frame)[[y, "facet", name]]
        parts.append(part.rename(columns={name: "x"}).assign(source=source))
    marks = pd.concat(parts, ignore_index=True).dropna(subset="x").astype({y: str})
    names = frames.present(frame[y])
    kinds = [kind for kind in sources.values() if kind in set(marks["source"])]
    shades = {OURS: frames.COLOURS[1], SEED: frames.COLOURS[1], THEIRS: frames.COLOURS[0]}
    # The legend of the colours is the one of the points: Vega-Lite makes one of the two.
    colour = alt.Color("source:N", title="number", legend=frames.LEGEND)
    colour = colour.scale(domain=kinds, range=[shades.get(kind, frames.GREY) for kind in kinds])
    base = alt.Chart().encode(x=frames.across("x", x_title), color=colour)
    rows = base.encode(
        y=alt.Y(f"{y}:N", sort=names, title=None).axis(labelLimit=room(names)),
        tooltip=frames.tooltip({f"{y}:N": alt.Undefined, "source:N": "number", "x": x_title}),
    )
    bars = rows.transform_filter(alt.datum.source == OURS).mark_bar(opacity=0.4, height=14)
    rules = base.transform_filter(alt.FieldOneOfPredicate("source", [OURS, THEIRS]))
    shown = rows.transform_filter(alt.datum.source != OURS)
    chart = alt.layer(
        bars,
        points(shown, kinds, size=40, bars=True),
        rules.mark_rule(strokeWidth=1.5, strokeDash=[5, 3]).encode(x=frames.across("mean(x)", x_title)),
        data=marks.round(4),
    ).properties(width=width(columns, names), height=alt.Step(20))
    words = [f"Bars of {x_title}."]
    for place, part in frame.groupby("facet", sort=False):
        words.append(f"{place}: {means(part)}; ours, in brackets theirs: {pairs(part, y)}.")
    return frames.figure(facets(chart, frames.present(frame[panel]), columns), title, words, missing)


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
    columns: int = 3,
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
    of_point = {"bin:N": "max attention", "group:N": by_title, "source:N": "number"}
    of_point |= {"q50": "median (below the bins: mean)", "q25": "lower quartile", "q75": "upper quartile"}
    base = alt.Chart().encode(
        color=hues(groups, by_title),
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
    ).properties(width=width(columns), height=26 * len(levels))
    told = [f"Quartiles of {x_title} by largest attention weight."]
    for (name, group), part in cells(marks[marks["bin"].isin(MAX_ATTENTION_LABELS)]):
        told.append(f"{name}, {group}: medians of ours {span(part, OURS)}, of theirs {span(part, THEIRS)}.")
    return frames.figure(facets(chart, frames.present(frame[panel]), columns), title, told)


def histogram_panels(
    frame: pd.DataFrame,
    marked: pd.DataFrame,
    *,
    by: str,
    panel: str,
    title: str,
    x_title: str,
    by_title: str,
    domain: frames.Span,
    top: float | None = None,
    columns: int = 3,
) -> Any:
    """Draw histograms over texts as steps.

    frame: columns `start` of a step and the `share` of texts from there on (`summary.histogram_lines`).
    marked: columns x and `source`, and those of panel and group: numbers to mark at the foot of a panel.
    top: share at which the panels end; what is higher is cut off there.
    """
    frame, _, _ = frames.prepare(frame, ["start", "share", by, panel], by, panel, {"start": domain})
    groups = frames.present(frame["group"])
    steps = frame[["facet", "group", "start", "share"]].assign(source="")
    feet = marked.dropna(subset="x")
    feet = feet.assign(facet=feet[panel].astype(str), group=feet[by].astype(str))
    feet = feet[feet["facet"].isin(steps["facet"])][["facet", "group", "source", "x"]]
    base = alt.Chart().encode(color=hues(groups, by_title))
    share = alt.Y("share:Q", title="texts", stack=None).axis(format="~%", tickCount=3)
    share = share.scale(domain=(0, top), nice=False) if top else share
    outline = {"strokeWidth": 1.2, "clip": True}
    area = base.transform_filter(alt.datum.source == "")
    area = area.mark_area(interpolate="step-after", line=outline, fillOpacity=0.3, clip=True)
    foot = base.transform_filter(alt.datum.source != "").encode(
        y=alt.value(HISTOGRAM_HEIGHT + 1),
        tooltip=frames.tooltip({"group:N": by_title, "source:N": "mean", "x": x_title}),
    )
    layers = [area.encode(x=frames.across("start", x_title, domain), y=share)]
    if len(feet):
        shown = points(foot, feet["source"].unique(), size=40, title="mean")
        layers.append(shown.encode(x=frames.across("x", x_title, domain)))
    data = pd.concat([steps, feet], ignore_index=True).round(4)
    chart = alt.layer(*layers, data=data).properties(width=width(columns), height=HISTOGRAM_HEIGHT)
    words = [f"Histograms of {x_title}."]
    for (name, group), part in cells(steps):
        most = part["start"].iloc[part["share"].to_numpy().argmax()]
        words.append(f"{name}, {group}: most texts from {most:.2f} on.")
    return frames.figure(facets(chart, frames.present(frame[panel]), columns), title, words)


def room(names: Sequence[str]) -> int:
    """Width for the names of rows, so that none is cut."""
    return max(ROOM, ceil(frames.LETTER * max(map(len, names), default=0)))


def width(columns: int, names: Sequence[str] = ()) -> int:
    """Width of a panel, so that `columns` of them are as wide as any other chart, names of rows included."""
    return max(100, (frames.WIDTH - (room(names) - ROOM) - GAP * (columns - 1)) // columns)


def hues(groups: Sequence[str], title: str) -> Any:
    """Colour encoding of the groups; all texts together are grey."""
    pairs = zip(groups, frames.COLOURS, strict=False)
    shades = [frames.GREY if name == frames.ALL else shade for name, shade in pairs]
    above = frames.legend(groups, frames.WIDTH - frames.LETTER * len(title))
    return alt.Color("group:N", title=title, legend=above).scale(domain=list(groups), range=shades)


def points(chart: Any, sources: Iterable[str], size: float, title: str = "number", bars: bool = False) -> Any:
    """Points whose shape says where a number is from (column `source`); of ours none where they are bars."""
    kinds = list(sources)
    known = SHAPES | ({OURS: "square"} if bars else {})
    shape = alt.Shape("source:N", title=title, legend=frames.LEGEND)
    shape = shape.scale(domain=kinds, range=[known.get(kind, BASELINE) for kind in kinds])
    return chart.mark_point(filled=True, size=size, opacity=1).encode(shape=shape)


def offsets(marks: pd.DataFrame, groups: Sequence[str]) -> pd.Series:
    """Where in its row each mark stands, from -.4 to .4: by group, ours above theirs, as a panel needs."""
    place = marks["group"].astype(str).map(list(groups).index) * 2 + (marks["source"] == THEIRS)
    first = place.groupby(marks["facet"]).transform("min")
    count = place.groupby(marks["facet"]).transform("max") - first + 1
    return 0.8 * ((place - first + 0.5) / count - 0.5)


def facets(chart: Any, names: Sequence[str], columns: int) -> Any:
    """A panel per value of the column `facet`, in the order of `names`."""
    header = alt.Header(**frames.HEADER, labelFontSize=11, title=None)
    split = alt.Facet("facet:N", sort=list(names), header=header)
    return chart.facet(split, columns=columns, spacing=GAP)


def cells(frame: pd.DataFrame) -> Any:
    """The rows of each panel and group, as they come."""
    return frame.groupby(["facet", "group"], observed=True, sort=False)


def means(part: pd.DataFrame) -> str:
    """Means of ours and of the published numbers over the rows of a panel, in words."""
    ours, theirs = part["value"].dropna(), part["published"].dropna()
    words = f"mean of ours {ours.mean():.2f} over {len(ours)} rows" if len(ours) else "ours not run"
    return words + (f", of theirs {theirs.mean():.2f} over {len(theirs)}" if len(theirs) else "")


def pairs(part: pd.DataFrame, y: str) -> str:
    """The numbers of each row in words, the published one in brackets."""
    sides = [part[side].map("{:.2f}".format).mask(part[side].isna(), "–") for side in ("value", "published")]
    return ", ".join(f"{row} {ours} ({theirs})" for row, ours, theirs in zip(part[y], *sides, strict=True))


def span(part: pd.DataFrame, source: str) -> str:
    """Range of the medians of one side, in words."""
    medians = part.loc[part["source"] == source, "q50"]
    return f"{medians.min():.2f} to {medians.max():.2f}" if len(medians) else "none"
