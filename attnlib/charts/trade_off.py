"""Models between two aims: what a model costs against what it gains, and which ones no other beats."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnlib.charts.frames import ALL, COLOURS, GREY, WIDTH, categories, omitted, palette, prepare
from attnlib.charts.panels import facets, present, width
from attnlib.pareto import pareto_front

# One for each colour of the palette: a kind is told by either.
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
FRONT, NONE = "Pareto front", "–"
# Of a label, in pixels: size and mean width of its letters; REACH is half a mark with a gap.
FONT_SIZE, LETTER, REACH = 11, 6.2, 8
# So much of a line may lie behind a label, in steps of two pixels: one that crosses it, none that runs along.
MOST_HIDDEN = 8
# Where a label may stand by its mark, the best first: align, and the shift to either side in units of REACH.
PLACES = (
    ("left", 1, 0),
    ("right", -1, 0),
    ("center", 0, -1.6),
    ("center", 0, 1.6),
    ("left", 0.7, -1.3),
    ("left", 0.7, 1.3),
    ("right", -0.7, -1.3),
    ("right", -0.7, 1.3),
)


def trade_off(
    points: pd.DataFrame,
    x: str,
    y: str,
    *,
    by: str,
    curve: str | None = None,
    order: str | None = None,
    title: str,
    x_title: str,
    y_title: str,
    x_domain: tuple[float, float] | None = None,
    y_domain: tuple[float, float] | None = None,
    facet: str | None = None,
    front: bool | Sequence[str] = True,
    labels: str | None = None,
    description: str | None = None,
) -> Any:
    """Draw models as points between a cost `x` and a gain `y`, each kind `by` in its colour and shape.

    points: a row per model; `x` and `y` in the units that their titles name, on axes from 0 unless a value is
    negative or a domain is given. The columns <x>_low, <x>_high, <y>_low and <y>_high, if there, are the ends
    of intervals and may be NaN. A line joins the points of kind `curve` in the order of the column `order`,
    which the tooltips show; a point without a value there stays off the line. `front` draws the points of a
    panel that no other one beats (`attnlib.pareto.pareto_front`) as steps: the greatest `y` at a cost of at
    most `x`; among all kinds, or those that it names. `facet`: a panel per value, all with the same axes.
    `labels`: a column of words to write beside the points, empty for none; where there is no room for them,
    they are in the tooltip only.

    ValueError for a missing column, values outside a domain, nothing to draw, more than six kinds, a curve
    without an order, and two points of a curve at one place of it. (Wiegreffe & Pinter 2019, figure 5: mean
    total variation distance of the outputs, mean Jensen–Shannon divergence of the attention in nats.)
    """
    if curve is not None and order is None:
        raise ValueError(f"the line of {curve} needs an order: name the column by which to join its points")
    ends = {
        name: [f"{name}_low", f"{name}_high"]
        for name in (x, y)
        if f"{name}_low" in points or f"{name}_high" in points
    }
    limits = {name: span for name, span in ((x, x_domain), (y, y_domain)) if span}
    needed = [x, y, by, *([facet] if facet else [])]
    optional = [*chain(*ends.values()), *(name for name in (order, labels) if name)]
    frame, groups, missing = prepare(points, needed, by, facet, limits, optional)
    if (kinds := len(categories(points[by]))) > len(COLOURS):
        raise ValueError(f"{kinds} kinds in {by}: draw at most {len(COLOURS)} of them")
    frame = frame.reset_index(drop=True)

    marks = frame[["facet", "group"]].astype(str).assign(x=frame[x].astype(float), y=frame[y].astype(float))
    for short, name in (("x", x), ("y", y)):
        for column in ends.get(name, []):
            given = frame[[column]].dropna()
            if len(given) and name in limits:
                given, *_ = prepare(given, [column], None, None, {column: limits[name]})
            marks[short + column.removeprefix(name)] = given[column].astype(float)
        marks[f"{short}_interval"] = _intervals(marks, short)
    marks["label"] = _words(frame[labels]) if labels else NONE
    marks["order"] = _words(frame[order]) if order else NONE
    marks["rank"] = _ranks(frame, order, curve) if order and curve is not None else np.nan
    marks["front"] = False
    competing = marks if isinstance(front, bool) else marks[marks["group"].isin(front)]
    for _, part in competing.groupby("facet"):
        marks.loc[part.index, "front"] = pareto_front(part["x"].to_numpy(), part["y"].to_numpy())

    panels = present(frame[facet]) if facet else [ALL]
    columns = min(len(panels), 2)
    size = (width(columns), 380 if columns == 1 else 240)
    spans = (x_domain or _span(marks, "x"), y_domain or _span(marks, "y"))
    front = bool(front) and bool(marks["front"].any())
    steps = _steps(marks, spans[0][1]) if front else marks[:0]
    data = pd.concat(
        [marks.assign(part="point"), steps.assign(part=FRONT), _placed(marks, steps, spans, size)],
        ignore_index=True,
    ).infer_objects()
    # A page holds no NaN in place of a word.
    words_only = data.select_dtypes(exclude="number").columns
    data[words_only] = data[words_only].astype(object).where(data[words_only].notna(), None)
    tooltip = [
        alt.Tooltip("group:N", title=by),
        *([alt.Tooltip("label:N", title=labels)] if labels else []),
        *([alt.Tooltip("order:N", title=order)] if order else []),
        alt.Tooltip("x:Q", title=x_title, format=".3g"),
        *([alt.Tooltip("x_interval:N", title=f"{x_title}, range")] if x in ends else []),
        alt.Tooltip("y:Q", title=y_title, format=".3g"),
        *([alt.Tooltip("y_interval:N", title=f"{y_title}, range")] if y in ends else []),
    ]
    ticks = (8 if columns == 1 else 5, 8)
    axes: dict[str, dict[str, Any]] = {
        name: {"title": words, "scale": alt.Scale(domain=span, nice=False), "axis": alt.Axis(tickCount=count)}
        for name, words, span, count in zip("xy", (x_title, y_title), spans, ticks, strict=True)
    }
    layers = _layers(marks, front, groups, curve, axes, tooltip)
    chart = alt.layer(*layers, data=data).encode(x=alt.X("x:Q", **axes["x"]), y=alt.Y("y:Q", **axes["y"]))
    chart = chart.properties(width=size[0], height=size[1])
    words = description or (
        f"Scatter plot of {y_title} against {x_title}. {_told(marks, groups, panels, curve, order, front)}"
        f"{omitted(missing)}"
    )
    if facet:
        chart = facets(chart, panels, columns, title, words)
        # Else the axis of a column that ends above the others hangs in the air.
        return chart.resolve_axis(x="independent") if len(panels) % columns else chart
    return chart.properties(title=title, description=words)


def _layers(
    marks: pd.DataFrame,
    front: bool,
    groups: list[str],
    curve: str | None,
    axes: Mapping[str, Mapping[str, Any]],
    tooltip: list[alt.Tooltip],
) -> list[Any]:
    """What is drawn, from back to front; a layer without a row is left out."""
    shades = dict(zip(groups, palette(groups), strict=True))
    drawn = [name for name in groups if name in set(marks["group"])]
    # As many kinds in a line as fit beside the name of the front.
    across_top = max(1, int((WIDTH - 130) / (LETTER * max(map(len, drawn)) + 30)))
    legend = alt.Legend(orient="top", values=drawn, columns=min(across_top, len(drawn)))
    hue = alt.Color("group:N", title=None, legend=legend).scale(domain=groups, range=list(shades.values()))
    shape = alt.Shape("group:N", title=None, legend=legend).scale(
        domain=groups, range=list(SHAPES[: len(groups)])
    )
    point = alt.Chart().transform_filter(alt.datum.part == "point")
    layers = []
    if front:
        dash = alt.StrokeDash("part:N", title=None).scale(domain=[FRONT], range=[[4, 3]])
        steps = alt.Chart().transform_filter(alt.datum.part == FRONT)
        layers.append(
            steps.mark_line(color=GREY, strokeWidth=1.5, interpolate="step-after").encode(
                strokeDash=dash.legend(orient="top", symbolStrokeColor=GREY, symbolSize=200)
            )
        )
    for short, channel in (("x", alt.X), ("y", alt.Y)):
        if (marks[f"{short}_interval"] != NONE).any():
            rules = point.transform_filter(f"isValid(datum.{short}_low) && isValid(datum.{short}_high)")
            ends = {short: channel(f"{short}_low:Q", **axes[short]), f"{short}2": f"{short}_high:Q"}
            layers.append(
                rules.mark_rule(strokeWidth=1.2, opacity=0.7).encode(**ends, color=hue, tooltip=tooltip)
            )
    if marks["rank"].notna().any():
        line = point.transform_filter("isValid(datum.rank)").mark_line(
            color=shades[str(curve)], strokeWidth=1.5
        )
        layers.append(line.encode(order="rank:Q"))
    layers.append(
        point.mark_point(filled=True, size=80, opacity=1).encode(color=hue, shape=shape, tooltip=tooltip)
    )
    if (marks["label"] != NONE).any():
        text = alt.Chart().transform_filter(alt.datum.part == "label")
        words = text.mark_text(align=alt.ExprRef("datum.align"), baseline="middle", fontSize=FONT_SIZE)
        layers.append(words.encode(text="label:N"))
    return layers


def _words(column: pd.Series) -> list[str]:
    """Values as a tooltip shows them, a dash for none."""
    numbers = pd.api.types.is_numeric_dtype(column)
    return [
        NONE if pd.isna(value) or value == "" else f"{value:.6g}" if numbers else str(value)
        for value in column
    ]


def _intervals(marks: pd.DataFrame, short: str) -> list[str]:
    """The interval of each point as a tooltip shows it, a dash for none."""
    ends = [marks.get(f"{short}{end}", pd.Series(np.nan, marks.index)) for end in ("_low", "_high")]
    return [
        NONE if np.isnan(low) or np.isnan(high) else f"{low:.3g} to {high:.3g}"
        for low, high in zip(*ends, strict=True)
    ]


def _ranks(frame: pd.DataFrame, order: str, curve: str) -> pd.Series:
    """Place of each point in the curve of its panel, from 1; NaN for what is not on it."""
    joined = frame[(frame["group"].astype(str) == str(curve)) & frame[order].notna()]
    repeated = joined.duplicated(["facet", order])
    if repeated.any():
        row = joined[repeated].iloc[0]
        place = "" if row["facet"] == ALL else f" in {row['facet']}"
        raise ValueError(
            f"{order} {row[order]} of {curve}{place} has several rows: average them, or make them kinds"
        )
    return joined.groupby("facet")[order].rank().reindex(frame.index)


def _span(marks: pd.DataFrame, short: str) -> tuple[float, float]:
    """Domain of an axis: from 0 where no value is negative, with room for the marks."""
    values = marks[[name for name in (short, f"{short}_low", f"{short}_high") if name in marks]]
    least, high = float(np.nanmin(values)), float(np.nanmax(values))
    low = 0.0 if least >= 0 else least
    margin = 0.05 * (high - low) or 0.5
    return (low if least >= 0 else low - margin), high + margin


def _steps(marks: pd.DataFrame, right: float) -> pd.DataFrame:
    """Corners of the front of each panel, from its cheapest point to the right end of the axis."""
    corners = []
    for name, part in marks[marks["front"]].groupby("facet"):
        best = part[["x", "y"]].drop_duplicates().sort_values("x")
        last = pd.DataFrame({"x": [right], "y": [best["y"].iloc[-1]]})
        corners.append(pd.concat([best, last]).assign(facet=name))
    return pd.concat(corners, ignore_index=True)


def _placed(
    marks: pd.DataFrame,
    steps: pd.DataFrame,
    spans: Sequence[tuple[float, float]],
    size: tuple[int, int],
) -> pd.DataFrame:
    """A row for each label that fits: `x`, `y` and `align`, clear of the marks and of the other labels.

    Of the places left, the first of those where the least of a line is behind it.
    """
    low, high = np.array(spans).T
    scale = np.array(size) / (high - low)
    found = []
    for name, part in marks[marks["label"] != NONE].groupby("facet"):
        panel = marks[marks["facet"] == name]
        behind = np.concatenate([_along((line - low) * scale) for line in _lines(panel, steps)])
        centres = (panel[["x", "y"]].to_numpy() - low) * scale
        taken = np.hstack([centres - REACH / 2, centres + REACH / 2])
        for label, centre in zip(part["label"], (part[["x", "y"]].to_numpy() - low) * scale, strict=True):
            best = MOST_HIDDEN + 1
            for align, right, up in PLACES:
                anchor = centre + np.array([right, up]) * REACH
                long = LETTER * len(label)
                left = anchor[0] - {"left": 0, "center": long / 2, "right": long}[align]
                box = np.array([left, anchor[1] - FONT_SIZE / 2, left + long, anchor[1] + FONT_SIZE / 2])
                hidden = ((behind > box[:2]) & (behind < box[2:])).all(axis=1).sum()
                inside = (box[:2] >= 0).all() and (box[2:] <= size).all()
                clear = ~((taken[:, :2] < box[2:]) & (taken[:, 2:] > box[:2])).all(axis=1).any()
                if inside and clear and hidden < best:
                    best, chosen, stands = hidden, (align, *(low + anchor / scale)), box
            if best <= MOST_HIDDEN:
                found.append((name, label, *chosen))
                taken = np.vstack([taken, stands])
    return pd.DataFrame(found, columns=["facet", "label", "align", "x", "y"]).assign(part="label")


def _lines(panel: pd.DataFrame, steps: pd.DataFrame) -> Iterator[np.ndarray]:
    """The lines of a panel as corners [K, 2]: the curve, the front and the intervals."""
    yield panel.dropna(subset="rank").sort_values("rank")[["x", "y"]].to_numpy()
    corners = steps.loc[steps["facet"] == panel["facet"].iloc[0], ["x", "y"]].to_numpy(dtype=float)
    stairs = corners.repeat(2, axis=0)[:-1]
    stairs[1::2, 0] = corners[1:, 0]
    yield stairs
    for ends in ([["x_low", "y"], ["x_high", "y"]], [["x", "y_low"], ["x", "y_high"]]):
        if {*ends[0], *ends[1]} <= set(panel):
            yield from np.stack([panel[end].to_numpy() for end in ends], axis=1)


def _along(corners: np.ndarray) -> np.ndarray:
    """Points along a line about two pixels apart; of a line without a length, its corner."""
    parts = [corners[:1]]
    for start, stop in pairwise(corners):
        length = np.hypot(*(stop - start))
        if np.isfinite(length):
            parts.append(np.linspace(start, stop, 2 + int(length / 2)))
    return np.concatenate(parts)


def _told(
    marks: pd.DataFrame,
    groups: list[str],
    panels: list[str],
    curve: str | None,
    order: str | None,
    front: bool,
) -> str:
    """Each kind of each panel in words: how many, where, and how many of them are on the front."""
    sentences = []
    for name in panels:
        panel = marks[marks["facet"] == name]
        place = "" if name == ALL else f"{name}, "
        for group in groups:
            part = panel[panel["group"] == group]
            if part.empty:
                continue
            words = f"{place}{group}: {len(part)} {'point' if len(part) == 1 else 'points'}"
            words += f" at {_range(part['x'])} across and {_range(part['y'])} up"
            joined = part.dropna(subset="rank").sort_values("rank")["order"]
            if len(joined) > 1:
                words += f", joined in the order of {order} from {joined.iloc[0]} to {joined.iloc[-1]}"
            if front:
                few = {0: "not ", 1: ""} if len(part) == 1 else {0: "none ", len(part): "all "}
                count = int(part["front"].sum())
                words += f", {few.get(count, f'{count} ')}on the front"
            sentences.append(f"{words}.")
    if front:
        sentences.append("On the front is what no other point of the panel beats: less across, more up.")
    found = set(marks["group"])
    if absent := [name for name in dict.fromkeys([*groups, curve]) if name is not None and name not in found]:
        sentences.append(f"No point: {', '.join(absent)}.")
    return " ".join(sentences)


def _range(values: pd.Series) -> str:
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return low if low == high else f"{low} to {high}"
