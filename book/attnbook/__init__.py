"""The workshop of the book: runs of notebooks, records, verdicts and charts.

It imports attnlib, never the other way, and works in a clone of the project, whose folders it reads.
"""

from pathlib import Path

BOOK = Path(__file__).parents[1]
PROJECT = BOOK.parent
NOTEBOOKS = PROJECT / "notebooks"
