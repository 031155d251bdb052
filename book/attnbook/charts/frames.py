"""What every figure does with its frame: check it, group it, colour it, name it."""

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from math import ceil
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts.colours import GREY, palette  # noqa: F401

# Ends of an axis or an interval.
Span = tuple[float, float]
# Width of a plot that has numbers on both axes, and of one with the names of its rows, these included.
ROUND = (0, 0.2, 0.5, 1, 2, 5)
WIDTH, COLUMN = 660, 715
# More groups than this are drawn as one; of the longest text in words.
MOST, LONGEST = 14, 160
ALL = "all texts"
# What may stand beside a value: the published number and the ends of an interval.
BESIDE = ("published", "low", "high")
# Ends of an interval in a tooltip, under their own names.
ENDS = dict.fromkeys(("low", "high"), alt.Undefined)
# Width of a letter in a legend, generously, and what a name needs beside its letters, in pixels.
LETTER, SYMBOL = 6.2, 30
# Between panels, and what their labels stand out at the sides.
GAP, LABELS = 34, 24


class NothingToDrawError(Exception):
    """A chart's frame has no row with a value in all that the chart needs."""


NOTHING = {"nothing": True}  # what marks the chart of no rows


def chart(draw: Callable[..., Any]) -> Callable[..., Any]:
    """A function that draws, with a parameter `title`: without a row to draw an empty panel says so.

    A weak model or a few texts may leave nothing to show, which is a result and no reason to lose a run.
    """

    @wraps(draw)
    def drawn(*given: Any, title: str, **how: Any) -> Any:
        try:
            return draw(*given, title=title, **how)
        except NothingToDrawError as reason:
            words = alt.Chart(pd.DataFrame({"words": [f"Nothing to draw: {reason}"]})).mark_text(fontSize=13)
            words = words.encode(text=alt.Text("words:N", title="why"))
            return figure(words.properties(width=WIDTH, height=60, usermeta=NOTHING), title)

    return drawn


def prepare(
    frame: pd.DataFrame,
    columns: Sequence[str],
    by: str | None = None,
    facet: str | None = None,
    limits: Mapping[str, Span] | None = None,
    optional: Sequence[str] = (),
) -> tuple[pd.DataFrame, list[str], int]:
    """Check a frame and name its groups.

    Returns a copy of the rows that have a value in every one of ``columns``, with the columns
    ``group`` and ``facet`` added; the groups in order; and the number of rows left out. The columns
    in ``optional`` must be there but may be empty, those of BESIDE among them need not be there;
    ``limits`` gives the range a column must keep to. NothingToDrawError where no row is left (`chart`).
    """
    frame = frame.assign(**{name: np.nan for name in optional if name in BESIDE and name not in frame})
    wanted = [*columns, *optional, *(name for name in (by, facet) if name)]
    if frame.empty:
        raise NothingToDrawError("the table has no row")
    if absent := [name for name in wanted if name not in frame]:
        raise ValueError(f"the frame has no column {', '.join(absent)}; it has {', '.join(map(str, frame))}")
    kept = frame.dropna(subset=list(columns)).copy()
    if kept.empty:
        raise NothingToDrawError(f"no row has a value in {', '.join(columns)}")
    for name, (low, high) in (limits or {}).items():
        slack = 1e-6 * (high - low)
        outside = kept[name].notna() & ~kept[name].between(low - slack, high + slack)
        if outside.any():
            values = f"{outside.sum()} values of {name} lie outside [{low}, {high}]"
            raise ValueError(f"{values}, such as {kept[name][outside].iloc[0]:.4g}: widen the domain")
        kept[name] = kept[name].clip(low, high)
    groups = categories(frame[by]) if by else [ALL]
    if len(groups) > MOST:
        groups = [ALL]
    names = kept[by].astype(str) if by and groups != [ALL] else ALL
    kept["group"] = pd.Categorical(pd.Series(names, index=kept.index), categories=groups)
    kept["facet"] = kept[facet].astype(str) if facet else ALL
    return kept, groups, len(frame) - len(kept)


def categories(column: pd.Series) -> list[str]:
    """Return the values of a column in their order: of the categories, or sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(value) for value in column.cat.categories]
    return [str(value) for value in sorted(column.dropna().unique())]


def present(column: pd.Series) -> list[str]:
    """The values that a column has, in the order of its categories, or sorted."""
    found = set(column.astype(str))
    return [name for name in categories(column) if name in found]


def in_order(column: pd.Series) -> list[str]:
    """The values that a column has, in the order of its categories, or as they come."""
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    return present(column) if categorical else list(dict.fromkeys(column.astype(str)))


def hues(
    groups: Sequence[str], title: str | None, drawn: Sequence[str] | None = None, room: float = WIDTH
) -> Any:
    """The colour encoding of the groups, with a legend of those that are drawn where there are several.

    room: for the legend, which stands above the plot and not above the names of its rows.
    """
    drawn = groups if drawn is None else drawn
    above = legend(drawn, room - LETTER * len(title or ""), values=list(drawn)) if len(drawn) > 1 else None
    encoding = alt.Color("group:N", title=title, legend=above)
    return encoding.scale(domain=list(groups), range=palette(groups))


def legend(names: Sequence[str], room: float = WIDTH, **options: Any) -> alt.Legend:
    """Return a legend above the chart, as many names in a row as fit into `room` pixels, none cut short."""
    columns = len(names)
    while columns > 1:
        # Filled row by row: a column is as wide as its longest name.
        widest = [max(map(len, names[column::columns])) for column in range(columns)]
        if LETTER * sum(widest) + SYMBOL * columns <= room:
            break
        columns -= 1
    return alt.Legend(orient="top", titleOrient="left", labelLimit=WIDTH, columns=columns, **options)


def field(name: str) -> str:
    """Escape what Vega-Lite would read as a path or a type in a column's name."""
    return re.sub(r"([\\.\[\]:])", r"\\\1", name)


def across(
    name: str,
    title: str,
    domain: Span | None = None,
    logarithmic: bool = False,
    channel: type = alt.X,
    to_scale: float | None = None,
) -> Any:
    """Encoding of an axis, the horizontal one or another channel: a column of numbers.

    to_scale: numbers of either sign up to about this size are drawn to scale, larger ones on a logarithm.
    """
    encoding = channel(name, type="quantitative", title=title)
    options: dict[str, Any] = {"domain": domain, "nice": False} if domain else {}
    if logarithmic:
        options["type"] = "log"
    if to_scale:
        options |= {"type": "symlog", "constant": to_scale}
        encoding = encoding.axis(values=[sign * size for sign in (-1, 1) for size in ROUND], format="+")
    return encoding.scale(**options) if options else encoding


def tooltip(titles: Mapping[str, Any], *further: Any) -> list[Any]:
    """Lines of a tooltip: titles by column; a column without a type is a number, to three decimals.

    further: lines of another form.
    """
    lines = []
    for name, title in titles.items():
        how: dict[str, Any] = {} if ":" in name else {"type": "quantitative", "format": ".3f"}
        lines.append(alt.Tooltip(name, title=title, **how))
    return [*lines, *further]


def valid(*columns: str) -> str:
    """A filter of Vega-Lite: rows that have a value in each of these columns."""
    return " && ".join(f"isValid(datum.{column})" for column in columns)


def span(values: pd.DataFrame) -> Span:
    """Domain of an axis that holds all these values, with a little room."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


def heat(x: pd.Series, y: pd.Series, bins: int, axes: Sequence[Any], colour: Any) -> Any:
    """Draw how many rows lie in each of bins × bins cells; an empty cell has no mark.

    axes: encodings of the columns x and y (`across`) with a domain; colour: of the column count.
    """
    spans = [axis["scale"]["domain"] for axis in axes]
    count, x_edges, y_edges = np.histogram2d(x, y, bins=bins, range=spans)
    i, j = np.nonzero(count)
    cells = pd.DataFrame({"x": x_edges[i], "x_end": x_edges[i + 1], "y": y_edges[j], "y_end": y_edges[j + 1]})
    lines = {name: f"{axis['title']}, from" for name, axis in zip("xy", axes, strict=True)}
    told = tooltip(lines | {"count:Q": "texts"})
    marks = alt.Chart(cells.assign(count=count[i, j].astype(int))).mark_rect()
    return marks.encode(x=axes[0], x2="x_end:Q", y=axes[1], y2="y_end:Q", color=colour, tooltip=told)


def figure(chart: Any, title: str, missing: int = 0) -> Any:
    """Name a chart: its title, and as its text in words the same and how many rows had no value to draw."""
    tail = f"; {missing} rows without a value left out" if missing else ""
    words = textwrap.shorten(title, LONGEST - len(tail), placeholder=" …") + tail
    return chart.properties(title=title, description=words)


def place(facet: str | None) -> dict[str, Any]:
    """The line of a tooltip that says in which panel a mark is, if there are panels."""
    return {"facet:N": facet} if facet else {}


def room(names: Iterable[Any]) -> int:
    """Width for the names of rows, in pixels, so that none is cut."""
    return max(60, ceil(LETTER * max((len(str(name)) for name in names), default=0)) + 18)


def panel_width(columns: int = 1, names: Iterable[Any] | None = None) -> int:
    """Width of a plot, so that `columns` of them fill the page's column, the names of rows included."""
    whole = WIDTH if names is None else COLUMN - room(names)
    return max(100, (whole - (GAP + LABELS) * (columns - 1)) // columns)


def rows(column: str, names: Sequence[Any], title: str | None = None, **axis: Any) -> Any:
    """Encoding of the vertical axis: a row per name, in this order, none of them cut."""
    return alt.Y(f"{column}:N", sort=list(names), title=title or None).axis(labelLimit=room(names), **axis)


def facets(chart: Any, names: Sequence[str], columns: int = 1) -> Any:
    """A panel per value of the column `facet`, in the order of `names`, each with its own ticks below it."""
    header = alt.Header(labelOrient="top", labelAnchor="start", labelFontWeight="bold", title=None)
    split = alt.Facet("facet:N", sort=list(names), header=header)
    return chart.facet(split, columns=columns, spacing=GAP).resolve_axis(x="independent")
