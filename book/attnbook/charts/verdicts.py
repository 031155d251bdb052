"""How many published numbers hold: one bar per data set, divided by verdict."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts.frames import COLOURS, GREY, LEGEND, WIDTH, figure, prepare

# Good to bad to unknown; from the palette whose colours read on white and on black.
SHADES = (COLOURS[2], COLOURS[0], COLOURS[4], GREY)


def verdicts(counts: pd.DataFrame, y: str, kinds: Sequence[str], *, title: str, x_title: str) -> Any:
    """Draw one bar per row of `counts`, in its order, divided by the columns `kinds` (at most four).

    Colours follow the order of `kinds`: what agrees first, what is not known last.
    """
    if len(kinds) > len(SHADES):
        raise ValueError(f"at most {len(SHADES)} kinds have a colour, there are {len(kinds)}: {list(kinds)}")
    counts, _, _ = prepare(counts, [y, *kinds])
    rows = counts.to_dict("records")
    words = [f"{row[y]}: {', '.join(f'{row[kind]:g} {kind}' for kind in kinds)}." for row in rows]
    parts = counts.melt([y], list(kinds), "verdict", "cells")
    parts["rank"] = parts["verdict"].map({kind: i for i, kind in enumerate(kinds)})
    shades = alt.Color("verdict:N", title="verdict", legend=LEGEND)
    chart = alt.Chart(parts).mark_bar()
    chart = chart.encode(
        x=alt.X("cells:Q", title=x_title, stack="zero"),
        y=alt.Y(f"{y}:N", title=None, sort=list(dict.fromkeys(counts[y]))).axis(labelLimit=260),
        color=shades.scale(domain=list(kinds), range=list(SHADES[: len(kinds)])),
        order="rank:O",
        tooltip=[f"{y}:N", "verdict:N", alt.Tooltip("cells:Q", title=x_title)],
    )
    return figure(chart.properties(width=WIDTH, height=alt.Step(22)), title, words)
