"""How a chart travels: from a notebook cell into the executed notebook, and from there onto a page.

In the notebook, :func:`enable` registers a renderer that stores three forms of every chart: the
Vega-Lite specification (drawn by the browser), a PNG (for viewers that know no Vega-Lite, and for
LaTeX) and the description in words (for readers who see neither). In the book, MyST-NB finds
:class:`VegaLiteMime` through the package's entry point and writes a static SVG with the
specification beside it; a small script draws the interactive chart over it, without any other host.
"""

import base64
import html
import json
import os
import tomllib
from pathlib import Path
from typing import Any

from attnbook.escaped import in_script

MIME = "application/vnd.vegalite.v6+json"
"""Media type of the specification; with the ``+json`` that notebooks require and Altair 6 omits."""

LAB_MIME = "application/vnd.vegalite.v5+json"
"""The newest media type that JupyterLab 4 draws."""

VEGALITE_VERSION = "6.4"
"""The Vega-Lite that draws the static images, and the browser bundle of the book."""


def enable(source: str = "") -> None:
    """Make Altair show charts through :func:`render`, in the theme of this project.

    source: a line that says which notebook, parameters and commit drew them (``notebook.source``);
    it stands under every chart.
    """
    import altair as alt

    alt.renderers.register("attnlib", render)
    alt.renderers.enable("attnlib", source=source)
    alt.theme.register("attnlib", enable=True)(theme)


def theme() -> Any:
    """Return the Altair theme: sizes and shapes only.

    Colours of text, axes and background are left to whoever draws the chart, so that one
    specification serves a light page, a dark page and a printed one.
    """
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    found["config"]["view"]["stroke"] = None  # TOML has no null
    return found


def render(spec: dict[str, Any], source: str = "", **_options: Any) -> dict[str, Any]:
    """Turn a Vega-Lite specification into the media bundle of a notebook output.

    ``source`` goes with the specification, as its ``usermeta``.

    Raises
    ------
    ValueError
        If the chart has no title or no description: every figure of the book must say what it
        shows, in words too.
    """
    import vl_convert

    for field in ("title", "description"):
        if not spec.get(field):
            remedy = f"give it one with chart.properties({field}=...)"
            raise ValueError(f"this chart has no {field}; {remedy}: no figure says nothing in words")
    if source:
        spec = spec | {"usermeta": {"source": source}}
    png = vl_convert.vegalite_to_png(spec, vl_version=VEGALITE_VERSION, scale=1.5)
    bundle = {
        MIME: spec,
        "image/png": base64.b64encode(png).decode(),
        "text/plain": "\n".join(filter(None, [spec["description"], source])),
    }
    if "JPY_SESSION_NAME" in os.environ:
        # An open JupyterLab session, which draws Vega-Lite 5 itself; these charts mean the same in both.
        bundle[LAB_MIME] = spec | {"$schema": "https://vega.github.io/schema/vega-lite/v5.json"}
    return bundle


class VegaLiteMime:
    """MyST-NB plug-in: a Vega-Lite output becomes a static image that a script brings to life."""

    mime_priority_overrides = (("html", MIME, 5), ("dirhtml", MIME, 5), ("singlehtml", MIME, 5))

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[Any] | None:
        """Return the nodes for one output, or None where it is not ours."""
        if inline or data.mime_type != MIME:
            return None
        from docutils import nodes

        content = data.content
        spec = json.loads(content) if isinstance(content, str) else dict(content)
        return [nodes.raw("", figure_html(spec), format="html")]


def figure_html(spec: dict[str, Any]) -> str:
    """Return the HTML of one chart: the static image and, beside it, the specification."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(spec, vl_version=VEGALITE_VERSION)
    image = base64.b64encode(svg.encode()).decode()
    words = html.escape(str(spec.get("description") or "chart"), quote=True)
    origin = html.escape(str(spec.get("usermeta", {}).get("source", "")))
    line = f'<p class="chart-source">{origin}</p>' if origin else ""
    return (
        f'<div class="chart" role="group" aria-label="{words}">'
        f'<img class="chart-static" src="data:image/svg+xml;base64,{image}" alt="{words}">'
        f'<script type="application/json">{in_script(spec)}</script></div>{line}\n'
    )
