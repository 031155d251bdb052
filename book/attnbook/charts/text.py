"""A text as a heat map: the same tokens once per row of weights."""

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts.colours import BY_WORD
from attnbook.charts.frames import figure, tooltip
from attnlib.checks import refuse_string

# Cells of a line.
LINE = 90
# Kinds of characters (unicodedata): those that take no cell of their own, two cells, and read from the right.
ON_OTHERS, WIDE, FROM_RIGHT = ("Mn", "Me", "Cf"), ("W", "F"), ("R", "AL")


def _shade(word: str, strength: int) -> str:
    """The colour of a word from transparent to full, the same over a light and a dark page."""
    red, green, blue = (int(BY_WORD[word][i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{strength})"


# Weights have attention's hue; signed scores those of support and opposition.
WEIGHT_RANGE = (_shade("attention", 0), _shade("attention", 1))
SIGNED_RANGE = (*(_shade("opposing", i) for i in (1, 0)), *(_shade("supporting", i) for i in (0, 1)))


def heatmap(
    tokens: Sequence[str], rows: Mapping[str, Any], *, title: str, signed: bool = False, name: str = "weight"
) -> Any:
    """Draw a text once per row of weights, each token's background as strong as its weight.

    ``rows`` maps a label (such as "original attention") to one weight per token. Lines wrap at
    LINE cells, of which a letter takes one and a wide one (Chinese, emoji) two; a text that begins from
    the right is laid out from there. All blocks share one colour scale, from zero to the largest
    weight. signed: weights may be negative: what supports and what opposes have a hue each. name: what
    a weight is called in the legend.
    """
    refuse_string(tokens, "tokens")
    if not tokens or not rows:
        raise ValueError("heatmap needs at least one token and one row of weights")
    weights = {label: np.asarray(values, dtype=float) for label, values in rows.items()}
    for label, values in weights.items():
        if values.shape != (len(tokens),):
            shape, n = values.shape, len(tokens)
            raise ValueError(f"row {label!r} has weights of shape {shape}, but there are {n} tokens")
        if not np.isfinite(values).all() or (not signed and (values < 0).any()):
            raise ValueError(f"row {label!r} has negative or non-finite weights")

    offsets, lines, widths = _wrap(tokens)
    pitch = lines[-1] + 2.6  # lines of one block, its label and a gap
    top = max(max(np.abs(values).max() for values in weights.values()), 1e-12)
    left, length = np.array(offsets), np.array(widths)
    where = {"position": range(len(tokens)), "left": left - 0.4, "right": left + length + 0.4}
    places = pd.DataFrame({"token": tokens, **where, "middle": left + length / 2, "line": lines})
    parts = []
    for block, (label, values) in enumerate(weights.items()):
        rounded = [round(float(value), 6) for value in values]
        part = places.assign(block=label, weight=rounded, strong=np.abs(values) > 0.62 * top)
        parts.append(part.assign(line=block * pitch + 1.1 + places["line"]))
    cells = pd.concat(parts, ignore_index=True)
    cells = cells.assign(line_end=cells["line"] + 0.86, line_middle=cells["line"] + 0.43)
    heights = [block * pitch + 0.55 for block in range(len(weights))]
    labels = pd.DataFrame({"block": list(weights), "left": -0.4, "line": heights})
    span = max(LINE, int(cells["right"].max()) + 1)
    x_scale = alt.Scale(domain=(-0.5, span + 0.5), nice=False)
    y_scale = alt.Scale(domain=(0, len(weights) * pitch - 0.5), nice=False, reverse=True)
    x = {field: alt.X(f"{field}:Q", scale=x_scale, axis=None) for field in ("left", "middle")}
    y = {field: alt.Y(f"{field}:Q", scale=y_scale, axis=None) for field in ("line", "line_middle")}
    shade = alt.Color("weight:Q", title=name).scale(
        domain=(-top, 0, 0, top) if signed else (0, top),
        range=list(SIGNED_RANGE if signed else WEIGHT_RANGE),
        interpolate="rgb",
    )
    shade = shade.legend(orient="bottom", direction="horizontal", gradientLength=180)
    strength = alt.Tooltip("weight:Q", title=name, format=".4f")
    # Black on a full hue in either theme; elsewhere the page's own text colour.
    ink = alt.when("datum.strong").then(alt.value("black"))
    lines_of = tooltip({"block:N": "row", "token:N": alt.Undefined, "position:Q": alt.Undefined}, strength)
    base, named = alt.Chart(cells).encode(tooltip=lines_of), alt.Chart(labels)
    boxes = base.mark_rect(cornerRadius=3)
    letters = base.mark_text(font="monospace", fontSize=12)
    heads = named.mark_text(align="left", fontSize=12, fontWeight="bold")
    chart = alt.layer(
        boxes.encode(x=x["left"], x2="right:Q", y=y["line"], y2="line_end:Q", color=shade),
        letters.encode(x=x["middle"], y=y["line_middle"], text="token:N", color=ink),
        heads.encode(x=x["left"], y=y["line"], text="block:N"),
        width=7.6 * span,
        height=23 * (len(weights) * pitch - 0.5),
    )
    return figure(chart, title)


def _wrap(tokens: Sequence[str]) -> tuple[list[int], list[int], list[int]]:
    """Return each token's first cell within its line, its line, and its width in cells."""
    widths, lines, at, line = [_width(token) for token in tokens], [], 0, 0
    for width in widths:
        if at and at + width > LINE:
            at, line = 0, line + 1
        lines.append(line)
        at += width + 1
    sides = [_side(token) for token in tokens]
    base = next((side for side in sides if side), 1)
    offsets, span = [0] * len(tokens), max(LINE, *widths)
    for _, group in groupby(range(len(tokens)), lines.__getitem__):
        order = _as_seen(list(group), sides, base)
        # Aligned at the side where the text begins.
        at = 0 if base > 0 else span + 1 - sum(widths[token] + 1 for token in order)
        for token in order:
            offsets[token] = at
            at += widths[token] + 1
    return offsets, lines, widths


def _width(token: str) -> int:
    """Cells of a token: none for a sign on another letter, two for a wide letter."""
    own = [letter for letter in token if unicodedata.category(letter) not in ON_OTHERS]
    return max(1, sum(2 if unicodedata.east_asian_width(letter) in WIDE else 1 for letter in own))


def _side(token: str) -> int:
    """Where a token reads from by its first letter: 1 from the left, −1 from the right, 0 without letters."""
    kinds = map(unicodedata.bidirectional, token)
    return next((-1 if kind in FROM_RIGHT else 1 for kind in kinds if kind in ("L", *FROM_RIGHT)), 0)


def _as_seen(line: list[int], sides: Sequence[int], base: int) -> list[int]:
    """The tokens of a line from left to right: those that read from the other side are turned as a group.

    A token without letters goes with its neighbours where these agree, else with the text (base).
    """
    found = [sides[token] for token in line]
    for i, side in enumerate(found):
        if not side:
            before, after = found[i - 1] if i else base, next(filter(None, found[i:]), base)
            found[i] = before if before == after else base
    turned = []
    for side, group in groupby(zip(found, line, strict=True), lambda pair: pair[0]):
        turned.append([token for _, token in group][::side])
    return [token for part in turned[::base] for token in part]
