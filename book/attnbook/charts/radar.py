"""Radar plots: several measures of one thing as a polygon. They hide more than they show; see the bars."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts.frames import COLOURS, GREY, WIDTH, categories, figure, prepare, present

# Panels in a row.
COLUMNS = 4
_RINGS = (0.25, 0.5, 0.75, 1.0)


def radar(
    frame: pd.DataFrame, axis: str, value: str, *, panel: str, title: str, reference: str | None = None
) -> Any:
    """Draw a polygon per panel: column `axis` names the spokes, `value` in [0, 1] is outward.

    `reference`: the panel that is drawn in grey behind every other one. Spokes and panels keep the order of
    their categories.
    """
    frame, _, missing = prepare(frame, [axis, value, panel], None, panel, {value: (0, 1)})
    spokes = categories(frame[axis])
    closed = [*spokes, spokes[0]]
    angle = {name: 2 * np.pi * i / len(spokes) for i, name in enumerate(spokes)}
    size = (WIDTH - 20 * (COLUMNS - 1)) // COLUMNS
    at = alt.Scale(domain=(-1.35, 1.35), nice=False)
    place = {"x": alt.X("x:Q", scale=at, axis=None), "y": alt.Y("y:Q", scale=at, axis=None)}
    tooltip = [alt.Tooltip("axis:N"), alt.Tooltip("value:Q", format=".2f")]

    def points(labels: Sequence[str], radius: np.ndarray) -> pd.DataFrame:
        turned = np.array([angle[label] for label in labels])
        found = {"x": radius * np.sin(turned), "y": radius * np.cos(turned), "axis": labels, "value": radius}
        return pd.DataFrame(found).round(4).assign(order=range(len(labels)))

    def line(radius: np.ndarray, **marks: Any) -> Any:
        drawn = alt.Chart(points(closed, radius)).mark_line(**marks)
        return drawn.encode(**place, order="order:O", tooltip=tooltip)

    def polygon(name: str, **marks: Any) -> Any:
        part = frame[frame["facet"] == name]
        return line(part.set_index(part[axis].astype(str))[value].reindex(closed).to_numpy(float), **marks)

    web = [line(np.full(len(closed), ring), color=GREY, strokeWidth=0.4) for ring in _RINGS]
    labels = alt.Chart(points(spokes, np.full(len(spokes), 1.18))).mark_text(fontSize=10)
    web.append(labels.encode(**place, text="axis:N"))
    panels, words = [], ["Radar plots, outward is better."]
    names = present(frame[panel])
    for name in names:
        layers = list(web)
        if reference in names and name != reference:
            layers.append(polygon(str(reference), color=GREY, strokeWidth=1.5, strokeDash=[4, 3]))
        shade = GREY if name == reference else COLOURS[1]
        layers.append(polygon(name, color=shade, strokeWidth=2.5, point=True))
        head = alt.TitleParams(name, fontSize=12)
        panels.append(alt.layer(*layers).properties(width=size, height=size, title=head))
        rows = frame[frame["facet"] == name].to_dict("records")
        words.append(f"{name}: {', '.join(f'{row[axis]} {row[value]:.2f}' for row in rows)}.")
    return figure(alt.concat(*panels, columns=COLUMNS, spacing=20), title, words, missing)
