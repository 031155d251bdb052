"""What the search finds: the words of the pages, without code, formulas and the ledger's rows."""

from pathlib import Path

from docutils import nodes

# A cell's code, and what it prints.
CODE = ("cell_input",)
LARGE = 100_000  # letters of HTML: a ledger, a text with all its data


def is_noise(node):
    """Whether the search leaves out a part of a page."""
    if isinstance(node, nodes.math | nodes.math_block | nodes.comment):
        return True
    if isinstance(node, nodes.raw):
        return (
            'class="chart"' in node.rawsource or len(node.astext()) > LARGE or "<figure" in node.astext()[:40]
        )
    return isinstance(node, nodes.container) and any(name in CODE for name in node.get("classes", ()))


def without_noise(doctree):
    """A copy of a page's tree with its prose and tables alone."""
    copy = doctree.deepcopy()
    for node in list(copy.findall(is_noise)):
        if node.parent is not None:
            node.parent.remove(node)
    return copy


def prepare(app):
    """Index every page without its noise."""
    index_page = getattr(app.builder, "index_page", None)
    if index_page is not None:
        app.builder.index_page = lambda name, tree, title: index_page(name, without_noise(tree), title)


def choose_order(app, config):
    """Name the script that says which results come first."""
    config.html_search_scorer = str(Path(app.srcdir, "_assets", "search.js"))


def setup(app):
    """Register the extension."""
    app.connect("config-inited", choose_order)
    app.connect("builder-inited", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
