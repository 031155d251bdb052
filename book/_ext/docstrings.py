"""Let docstrings be plain text: |x| and p* mean themselves, only `code` and *word* are markup."""

import re

MARKUP = re.compile(r"(`+[^`]+`+|(?<![\w*])\*\w+\*(?![\w*]))")


def escape(line):
    """Return a line in which nothing but code and emphasis is markup; bullets stay."""
    indent, bullet, text = re.fullmatch(r"(\s*)([-*] )?(.*)", line).groups()
    parts = MARKUP.split(text)
    parts[::2] = [re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return indent + (bullet or "") + "".join(parts)


def process(app, what, name, obj, options, lines):
    """Rewrite one docstring in place."""
    lines[:] = [escape(line) for line in lines]


def setup(app):
    """Register the extension."""
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
