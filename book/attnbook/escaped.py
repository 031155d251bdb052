"""Words that come from data, made harmless for where they are put: a page shows them as they are.

HTML itself is escaped with `html.escape` where it is made.
"""

import json
import re
from typing import Any

import pandas as pd

# What spreadsheets take for a formula; a number is none.
FORMULA = re.compile(r"(?![+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$)[=+@\t\r-]", re.IGNORECASE)


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


def for_spreadsheet(table: pd.DataFrame) -> pd.DataFrame:
    """A table for people: an apostrophe stands before words that a spreadsheet would take for a formula.

    >>> for_spreadsheet(pd.DataFrame({"token": ["=1+1", "good", "-1"]}))["token"].tolist()
    ["'=1+1", 'good', '-1']
    """

    def plain(cell: Any) -> Any:
        return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell

    def words(column: pd.Series) -> pd.Series:
        return column if pd.api.types.is_numeric_dtype(column) else column.map(plain)

    return table.apply(words).rename(columns=plain)
