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
import textwrap
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attnbook.escaped import in_script

MIME = "application/vnd.vegalite.v6+json"
"""Media type of the specification; with the ``+json`` that notebooks require and Altair 6 omits."""

LAB_MIME = "application/vnd.vegalite.v5+json"
"""The newest media type that JupyterLab 4 draws."""

VEGALITE_VERSION = "6.4"
"""The Vega-Lite that draws the static images, and the browser bundle of the book."""

LONGEST_ALT = 160
"""Letters of a chart's alternative text: one sentence, since the numbers are in the table below it."""


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
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_bytes().decode())
    found["config"]["view"]["stroke"] = None  # TOML has no null
    return found


def render(spec: dict[str, Any], source: str = "", **_options: Any) -> dict[str, Any]:
    """Turn a Vega-Lite specification into the media bundle of a notebook output.

    ``source`` goes with the specification in its ``usermeta``, where a chart may have ``caption`` and
    ``alt``, the words under which a page shows it (see `figure_html`).

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
        spec = spec | {"usermeta": spec.get("usermeta", {}) | {"source": source}}
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
        environment = getattr(renderer.renderer, "sphinx_env", None)
        page = environment.docname if environment is not None else ""
        return [nodes.raw("", figure_html(spec, notebook_of(page)), format="html")]


def notebook_of(page: str) -> str:
    """The address of a page's executed notebook, which Sphinx copies to _sources, as seen from that page."""
    return f"{'../' * page.count('/')}_sources/{page}.ipynb" if page else ""


def title_of(spec: dict[str, Any]) -> str:
    """A chart's title and subtitle in one line."""
    title = spec.get("title") or ""
    lines = [title.get("text"), title.get("subtitle")] if isinstance(title, dict) else [title]
    parts = [part for line in lines for part in (line if isinstance(line, list) else [line]) if part]
    return " ".join(str(part) for part in parts)


def words_of(spec: dict[str, Any]) -> tuple[str, str]:
    """A chart's caption and its alternative text: those of ``usermeta``, else its title."""
    own = spec.get("usermeta", {})
    caption = str(own.get("caption") or title_of(spec) or "Chart")
    alt = " ".join(str(own.get("alt") or title_of(spec) or caption).split())
    return caption, textwrap.shorten(alt, LONGEST_ALT, placeholder=" …")


def as_shown(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification as a page draws it: no words that the page itself says.

    Those are the description, and a title that serves as the caption. Marks have no labels of their own:
    a screen reader has the alternative text and the table of the numbers.
    """
    config = spec.get("config", {}) | {"aria": False}
    shown = {key: value for key, value in spec.items() if key != "description"} | {"config": config}
    if not spec.get("usermeta", {}).get("caption"):
        shown.pop("title", None)
    return shown


def figure_html(spec: dict[str, Any], notebook: str = "") -> str:
    """Return the HTML of one chart: caption, static image, specification, and the line below it.

    notebook: address of the executed notebook. The numbers as csv and as a table are made by the page's
    script from the specification.
    """
    import vl_convert

    caption, alt = words_of(spec)
    shown = as_shown(spec)
    # Not as base64, which would be a quarter longer.
    image = quote(vl_convert.vegalite_to_svg(shown, vl_version=VEGALITE_VERSION), safe=" /:;=,()!*@$+?-._~")
    origin = str(spec.get("usermeta", {}).get("source", ""))
    link = f'<a href="{html.escape(notebook)}" download>source</a>' if notebook else ""
    made = f'<p class="chart-origin">{html.escape(origin)}</p>' if origin else ""
    return (
        f'<figure class="chart"><figcaption>{html.escape(caption)}</figcaption>'
        f'<div class="chart-box" role="img" aria-label="{html.escape(alt)}">'
        f'<img class="chart-static" src="data:image/svg+xml,{image}" alt=""></div>'
        f'<div class="chart-line">{link}<details><summary>Table of the numbers</summary>{made}</details>'
        f'</div><script type="application/json">{in_script(shown)}</script></figure>\n'
    )
