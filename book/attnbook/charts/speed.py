"""Run times: how they grow, and how they compare, on logarithmic axes."""

from typing import Any

import altair as alt
import pandas as pd

from attnbook.charts.frames import GREY, LEGEND, WIDTH, prepare


def growth(
    frame: pd.DataFrame,
    x: str,
    seconds: str,
    *,
    by: str,
    title: str,
    x_title: str,
    y_title: str,
    columns: int = 3,
    description: str | None = None,
) -> Any:
    """Draw `seconds` against `x`, one small chart per value of `by`, both axes logarithmic.

    A straight line is a power law; the rule for comparison is drawn by the caller's column
    ``expected`` (seconds), if the frame has one.
    """
    optional = ["expected"] if "expected" in frame else []
    frame, _, _ = prepare(frame, [x, seconds, by], None, None, {}, optional=optional)
    words = description or " ".join(
        f"{name}: from {part[seconds].iloc[0]:.3g} s at {part[x].iloc[0]} "
        f"to {part[seconds].iloc[-1]:.3g} s at {part[x].iloc[-1]}."
        for name, part in frame.sort_values(x).groupby(by, sort=False)
    )
    lines = frame.melt([x, by], [seconds, *optional], "line", "value")
    lines["line"] = lines["line"].map({seconds: "measured", "expected": "expected slope"})
    panel = (
        alt.Chart(lines)
        .mark_line(point=alt.OverlayMarkDef(size=24))
        .encode(
            x=alt.X(f"{x}:Q", title=x_title).scale(type="log"),
            y=alt.Y("value:Q", title=y_title).scale(type="log").axis(format="~e"),
            color=alt.Color("line:N", title=None, legend=LEGEND).scale(
                domain=["measured", "expected slope"], range=["#0072B2", GREY]
            ),
            # The same legend as the colour's: Vega-Lite makes one of the two.
            strokeDash=alt.StrokeDash("line:N", title=None, legend=LEGEND).scale(
                domain=["measured", "expected slope"], range=[[1, 0], [4, 3]]
            ),
            tooltip=[f"{x}:Q", alt.Tooltip("value:Q", format=".3~e", title=y_title), "line:N"],
        )
        .properties(width=WIDTH // columns - 20, height=130)
    )
    # Every panel has its own axes: the slope is the message, not the height.
    return (
        panel.facet(alt.Facet(f"{by}:N", title=None), columns=columns)
        .resolve_scale(x="independent", y="independent")
        .properties(title=title, description=words)
    )


def ratios(
    frame: pd.DataFrame,
    y: str,
    ratio: str,
    *,
    by: str,
    title: str,
    x_title: str,
    target: str | None = None,
    description: str | None = None,
) -> Any:
    """Draw one mark per row of `frame` on a logarithmic axis, coloured by `by`, the target as a tick."""
    optional = [target] if target else []
    frame, groups, _ = prepare(frame, [y, ratio], by, None, {}, optional=optional)
    words = description or " ".join(
        f"{row[y]}, {row['group']}: {row[ratio]:.3g} times." for _, row in frame.iterrows()
    )
    base = alt.Chart(frame).encode(
        y=alt.Y(f"{y}:N", title=None, sort=list(dict.fromkeys(frame[y]))).axis(labelLimit=260),
        yOffset=alt.YOffset("group:N", sort=groups),
        color=alt.Color("group:N", title=by, legend=LEGEND).scale(
            domain=groups, range=["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00"][: len(groups)]
        ),
    )

    def along(column: str) -> Any:
        return alt.X(f"{column}:Q", title=x_title).scale(type="log")

    tooltip = [f"{y}:N", "group:N", alt.Tooltip(f"{ratio}:Q", format=",.3r")]
    layers = [base.mark_point(filled=True, size=60).encode(x=along(ratio), tooltip=tooltip)]
    if target:
        wanted = base.transform_filter(f"isValid(datum.{target})")
        layers.append(wanted.mark_tick(thickness=2, size=14).encode(x=along(target)))
    # One row of marks per name, not one per name and group.
    return alt.layer(*layers, width=WIDTH, height=alt.Step(30, **{"for": "position"})).properties(
        title=title, description=words
    )
