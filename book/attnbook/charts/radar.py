"""Radar plots: several measures of one thing as a polygon. They hide more than they show; see the bars."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from attnbook.charts.frames import COLOURS, GREY, WIDTH, categories, prepare

_RINGS = (0.25, 0.5, 0.75, 1.0)


def radar(
    frame: pd.DataFrame,
    axis: str,
    value: str,
    *,
    panel: str,
    title: str,
    reference: str | None = None,
    columns: int = 3,
    description: str | None = None,
) -> Any:
    """Draw a polygon per panel: column `axis` names the spokes, `value` in [0, 1] is outward.

    `reference`: the panel that is drawn in grey behind every other one. Spokes and panels keep the order of
    their categories.
    """
    frame, _, missing = prepare(frame, [axis, value, panel], None, panel, {value: (0, 1)})
    spokes, names = categories(frame[axis]), [n for n in categories(frame[panel]) if n in set(frame["facet"])]
    angle = {name: 2 * np.pi * i / len(spokes) for i, name in enumerate(spokes)}
    size = (WIDTH - 20 * (columns - 1)) // columns
    at = alt.Scale(domain=(-1.35, 1.35), nice=False)

    def polygon(part: pd.DataFrame) -> pd.DataFrame:
        radius = part.set_index(part[axis].astype(str))[value].reindex([*spokes, spokes[0]])
        return points([*spokes, spokes[0]], radius.to_numpy(float))

    def points(labels: Sequence[str], radius: np.ndarray) -> pd.DataFrame:
        turned = np.array([angle[label] for label in labels])
        found = {"x": radius * np.sin(turned), "y": radius * np.cos(turned), "axis": labels, "value": radius}
        return pd.DataFrame(found).round(4).assign(order=range(len(labels)))

    def line(data: pd.DataFrame, **marks: Any) -> Any:
        return (
            alt.Chart(data)
            .mark_line(**marks)
            .encode(
                x=alt.X("x:Q", scale=at, axis=None),
                y=alt.Y("y:Q", scale=at, axis=None),
                order="order:O",
                tooltip=[alt.Tooltip("axis:N"), alt.Tooltip("value:Q", format=".2f")],
            )
        )

    web = [
        line(points([*spokes, spokes[0]], np.full(len(spokes) + 1, ring)), color=GREY, strokeWidth=0.4)
        for ring in _RINGS
    ]
    label = points(spokes, np.full(len(spokes), 1.18))
    text = (
        alt.Chart(label)
        .mark_text(fontSize=10)
        .encode(x=alt.X("x:Q", scale=at, axis=None), y=alt.Y("y:Q", scale=at, axis=None), text="axis:N")
    )
    behind = frame[frame["facet"] == reference]
    panels = []
    for name in names:
        layers = [*web, text]
        if len(behind) and name != reference:
            layers.append(line(polygon(behind), color=GREY, strokeWidth=1.5, strokeDash=[4, 3]))
        shade = GREY if name == reference else COLOURS[1]
        layers.append(line(polygon(frame[frame["facet"] == name]), color=shade, strokeWidth=2.5, point=True))
        head = alt.TitleParams(name, fontSize=12)
        panels.append(alt.layer(*layers).properties(width=size, height=size, title=head))
    words = description or "Radar plots, outward is better. " + " ".join(
        f"{name}: "
        + ", ".join(
            f"{row[axis]} {row[value]:.2f}" for row in frame[frame["facet"] == name].to_dict("records")
        )
        + "."
        for name in names
    )
    if missing:
        words += f" {missing} rows without a value are left out."
    return alt.concat(*panels, columns=columns, spacing=20).properties(title=title, description=words)
