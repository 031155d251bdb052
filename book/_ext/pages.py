"""What every page gets beyond the theme: a description, only the scripts it needs, no fault of access."""

import html
import re
from pathlib import Path

import vl_convert
from docutils import nodes

# Scripts and styles that only some pages need, by what their body then holds.
NEEDED_BY = {
    "charts_layout.js": 'class="chart"',
    "charts_table.js": 'class="chart"',
    "charts.js": 'class="chart"',
    "ledger.js": 'class="ledger"',
    "playground.js": 'class="playground"',
    "playground.css": 'class="playground"',
    "design-tabs.js": "sd-tab",
    "tex-svg.js": 'class="math ',
}
# Faults of the theme and of docutils that axe-core finds, and what is written instead.
MENDED = [
    # A toggle is called by its own words, "Show code cell source".
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # A head of a table without words is no head.
    (r'<th(?: class="[^"]*")?\s*>(?:<p></p>|&nbsp;|\s)*</th>', "<td></td>"),
    # A list of links, but no list of list items; and a role that is no longer one.
    (r' role="list"', ""),
    (r' role="doc-biblioentry"', ""),
]
LONGEST = 200  # letters of a description


def first_sentence(doctree):
    """The first sentence of a page's first paragraph, in plain words."""
    paragraphs = [one for one in doctree.findall(nodes.paragraph) if isinstance(one.parent, nodes.section)]
    for paragraph in paragraphs:
        copy = paragraph.deepcopy()
        for formula in list(copy.findall(nodes.math)):
            formula.parent.remove(formula)
        text = " ".join(copy.astext().split())
        if len(text) > 20:
            sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z(])", text)
            # "The claim." is a heading within a paragraph.
            sentence = sentences[1 if len(sentences[0]) < 20 and len(sentences) > 1 else 0]
            return sentence if len(sentence) <= LONGEST else sentence[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""


def describe(app, pagename, context, doctree):
    """Metadata by which a link to this page is shown elsewhere."""
    own = app.env.metadata.get(pagename, {}).get("description", "")
    words = {
        "og:type": "article",
        "og:site_name": app.config.html_title or app.config.project,
        "og:title": re.sub("<[^>]*>", "", context.get("title") or ""),
        "og:description": own or (first_sentence(doctree) if doctree is not None else ""),
        "og:image": (app.config.html_baseurl or context["content_root"]) + "_static/mark.png",
    }
    tags = [
        f'<meta property="{name}" content="{html.escape(html.unescape(text))}"/>'
        for name, text in words.items()
        if text
    ]
    if words["og:description"]:
        tags.append(f'<meta name="description" content="{html.escape(words["og:description"])}"/>')
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)


def mend(app, pagename, templatename, context, doctree):
    """Rewrite one page before it is written."""
    body = context.get("body")
    describe(app, pagename, context, doctree)
    if not isinstance(body, str):
        return
    for fault, remedy in MENDED:
        body = re.sub(fault, remedy, body)
    context["body"] = body

    def needed(file):
        words = NEEDED_BY.get(Path(str(getattr(file, "filename", file))).name)
        return words is None or words in body

    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if needed(file)]


def prepare(app, config):
    """Make the theme's templates give way to ours, and the mark a picture that other sites can show."""
    config.templates_path.append(str(Path(__file__).with_name("templates")))


def write_mark(app):
    """Write the mark as a PNG among the static files."""
    folder = Path(app.outdir).parent / "offline_scripts"
    folder.mkdir(parents=True, exist_ok=True)
    svg = (
        Path(app.srcdir, "_assets", "mark.svg")
        .read_bytes()
        .decode()
        .replace("<svg ", '<svg width="64" height="64" ', 1)
    )
    (folder / "mark.png").write_bytes(vl_convert.svg_to_png(svg, scale=10))


def setup(app):
    """Register the extension."""
    app.connect("config-inited", prepare)
    app.connect("builder-inited", write_mark)
    # After the extensions that add scripts of their own.
    app.connect("html-page-context", mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
