"""Words that come from data, made harmless for where they are put: a page shows them as they are.

HTML itself is escaped with `html.escape` where it is made.
"""

import json
import re
from typing import Any


def as_code(words: object) -> str:
    """Words as code in Markdown, in one line; backticks in them do not end it."""
    text = " ".join(str(words).split())
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    # A blank on either side keeps its backticks from the fence, and is not shown.
    blank = " " if "`" in (text[:1], text[-1:]) else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def in_script(value: Any) -> str:
    """A value as JSON in an HTML script element: no word of it can end the element or begin a comment."""
    text = json.dumps(value, separators=(",", ":"))
    # Beyond ASCII `json` escapes by itself.
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)
