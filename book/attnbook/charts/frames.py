"""What every figure does with its frame: check it, group it, colour it, put it into words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

# Ends of an axis or an interval.
Span = tuple[float, float]
# Okabe and Ito's palette, in an order whose first colours read on white and on black.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# A mid grey reads on white and on black too: reference lines, single groups.
GREY = "#7a7a7a"
WIDTH = 560
ALL = "all texts"
# What may stand beside a value: the published number and the ends of an interval.
BESIDE = ("published", "low", "high")
# Ends of an interval in a tooltip, under their own names.
ENDS = dict.fromkeys(("low", "high"), alt.Undefined)
# Above the plot, so that a chart is as wide as its axis.
LEGEND = alt.Legend(orient="top", titleOrient="left")
HEADER: dict[str, Any] = dict(labelOrient="top", labelAnchor="start", labelFontWeight="bold")
# Width of a letter in a legend, generously, and what a name needs beside its letters, in pixels.
LETTER, SYMBOL = 6.2, 30


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
    ``limits`` gives the range a column must keep to.
    """
    frame = frame.assign(**{name: np.nan for name in optional if name in BESIDE and name not in frame})
    wanted = [*columns, *optional, *(name for name in (by, facet) if name)]
    if absent := [name for name in wanted if name not in frame]:
        raise ValueError(f"the frame has no column {', '.join(absent)}; it has {', '.join(map(str, frame))}")
    kept = frame.dropna(subset=list(columns)).copy()
    if kept.empty:
        raise ValueError(f"nothing to draw: no row has a value in {', '.join(columns)}")
    for name, (low, high) in (limits or {}).items():
        slack = 1e-6 * (high - low)
        outside = kept[name].notna() & ~kept[name].between(low - slack, high + slack)
        if outside.any():
            values = f"{outside.sum()} values of {name} lie outside [{low}, {high}]"
            raise ValueError(f"{values}, such as {kept[name][outside].iloc[0]:.4g}: widen the domain")
        kept[name] = kept[name].clip(low, high)
    groups = categories(frame[by]) if by else [ALL]
    if len(groups) > len(COLOURS):
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


def palette(groups: list[str]) -> list[str]:
    """Return one colour per group; grey where there is a single one."""
    return [GREY] if groups == [ALL] else list(COLOURS[: len(groups)])


def colour(groups: list[str], title: str) -> Any:
    """Return the colour encoding of the groups, with a legend where there is more than one."""
    encoding = alt.Color("group:N", title=title).scale(domain=groups, range=palette(groups))
    return encoding.legend(LEGEND) if len(groups) > 1 else encoding.legend(None)


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
    name: str, title: str, domain: Span | None = None, logarithmic: bool = False, channel: type = alt.X
) -> Any:
    """Encoding of an axis, the horizontal one or another channel: a column of numbers."""
    encoding = channel(name, type="quantitative", title=title)
    options: dict[str, Any] = {"domain": domain, "nice": False} if domain else {}
    if logarithmic:
        options["type"] = "log"
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


def figure(chart: Any, title: str, words: str | Sequence[str], missing: int = 0) -> Any:
    """Name a chart and say in words or sentences what it shows, and how many rows had no value to draw."""
    words = words if isinstance(words, str) else " ".join(words)
    if missing:
        words += f" {missing} rows without a value are left out."
    return chart.properties(title=title, description=words)


def in_rows(chart: Any, frame: pd.DataFrame, facet: str | None) -> Any:
    """Split a chart into rows where a facet is asked for."""
    if not facet:
        return chart
    header = alt.Header(**HEADER)
    return chart.facet(row=alt.Row("facet:N", sort=in_order(frame[facet]), title=None, header=header))


def describe(start: str, frame: pd.DataFrame, x: str, further: Sequence[str] = ()) -> str:
    """Write out what a reader who cannot see the chart needs: counts, medians, quartiles per group.

    ``further``: columns of words to split by besides panel and group.
    """
    words = [f"{start}."]
    values: Any
    for values, part in frame.groupby(["facet", "group", *further], observed=True, sort=True):
        label = ", ".join(str(value) for value in values if value != ALL) or "All"
        q25, median, q75 = part[x].quantile([0.25, 0.5, 0.75])
        words.append(f"{label}: n = {len(part)}, median {median:.3g}, quartiles {q25:.3g} to {q75:.3g}.")
    return " ".join(words)
