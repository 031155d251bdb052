"""Draw formulas while the book is built: a page needs no script for them, and no file from elsewhere.

A formula is a drawing in the text's own size and colour. Beside it stands the same formula in MathML, which
is not seen: a screen reader reads it. Letters are outlined once per page.
"""

import functools
from xml.etree import ElementTree

import ziamath
from docutils import nodes
from sphinx.util.logging import getLogger
from sphinx.util.math import get_node_equation_number
from ziamath.tex import tex2mml

EM = 100  # units of a drawing per em of the text around it
MINUS, CARET = "−", "ˆ"
CLOSING = set(")]}|")
log = getLogger(__name__)


@functools.cache
def drawn(formula, inline):
    """Return a formula in LaTeX as MathML, as a drawing, and where the drawing stands below the line."""
    ziamath.config.svg2, ziamath.config.precision = True, 2
    # A caret is as wide as a letter, not as its place allows, and a minus after another sign is no operation.
    said = tex2mml(formula, inline).replace("<mo>&#x00302;", f"<mo>{CARET}")
    tree = ElementTree.fromstring(said.replace('xmlns="http://www.w3.org/1998/Math/MathML" ', ""))
    for parent in tree.iter():
        signed = True  # what comes next may be a sign
        for part in parent:
            if part.tag == "mo" and part.text == MINUS and signed:
                part.set("form", "prefix")
            signed = part.tag == "mo" and part.text not in CLOSING
    made = ziamath.Math(ElementTree.tostring(tree, encoding="unicode"), size=EM, margin=EM / 20)
    return said, made.svgxml(), made.getyofst()


def html(node, inline, outlined):
    """Return the HTML of a formula; `outlined` names the letters on the page so far, and gets its own."""
    said, drawing, below = drawn(node.astext(), inline)
    if "\\" in said:
        log.warning("a command of this formula is not understood: %s", node.astext(), location=node)
    _, _, width, height = map(float, drawing.get("viewBox").split())
    parts = []
    for part in drawing:
        if part.tag == "symbol":
            if part.get("id") in outlined:
                continue
            outlined.add(part.get("id"))
        part.attrib.pop("fill", None)  # the text's colour, by the style sheet
        parts.append(ElementTree.tostring(part, encoding="unicode"))
    style = f"width:{width / EM:.3f}em;height:{height / EM:.3f}em;vertical-align:{below / EM:.3f}em"
    box = f'<svg aria-hidden="true" viewBox="{drawing.get("viewBox")}" style="{style}">{"".join(parts)}</svg>'
    return f'{box}<span class="formula-read">{said}</span>'


def outlined_on(page):
    """Return the names of the letters that are outlined on a page so far."""
    if not hasattr(page, "outlined"):
        page.outlined = set()
    return page.outlined


def visit_inline(page, node):
    """Write a formula in a sentence."""
    page.body.append(f'<span class="math">{html(node, True, outlined_on(page))}</span>')
    raise nodes.SkipNode


def visit_display(page, node):
    """Write a formula in a line of its own, with its number at the right."""
    page.body.append(page.starttag(node, "div", CLASS="math"))
    if node["number"]:
        page.body.append(f'<span class="eqno">({get_node_equation_number(page, node)})')
        page.add_permalink_ref(node, "Link to this equation")
        page.body.append("</span>")
    page.body.append(f'<div class="formula">{html(node, False, outlined_on(page))}</div></div>\n')
    raise nodes.SkipNode


def setup(app):
    """Register the extension."""
    app.add_html_math_renderer("drawn", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
