"""How thick the house is: `python -m benchmarks.lines [--files]`.

Code lines are those that are neither docstring, comment nor blank; a wrapped call counts every line.
"""

from __future__ import annotations

import argparse
import ast
import io
import statistics
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
SILENT = {getattr(tokenize, name) for name in ("COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER")}
LIBRARY, WORKSHOP = "attnlib", "book/attnbook"
CORE = ("readout.py", "cache", "kernels", "models", "training", "prepare")


def code_lines(source: str) -> int:
    """How many lines of a Python source hold code.

    >>> code_lines("x = 1  # one\\n\\n# none\\n")
    1
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def counts(*places: str) -> dict[Path, int]:
    """Code lines of every Python file below some places."""
    files = [
        file
        for place in places
        for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    return {file.relative_to(ROOT): code_lines(file.read_text()) for file in sorted(files)}


def main() -> None:
    """Print the sizes of the house's rooms, and of each file on request."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lines", description=__doc__.splitlines()[0])
    parser.add_argument("--files", action="store_true", help="every file too")
    options = parser.parse_args()
    rooms = sorted(
        path.name for path in (ROOT / LIBRARY).iterdir() if path.is_dir() and any(path.rglob("*.py"))
    )
    for room in rooms:
        print(f"{sum(counts(f'{LIBRARY}/{room}').values()):6}  {LIBRARY}/{room}")
    for name, places in {
        "attnlib": [LIBRARY],
        "of it " + ", ".join(CORE): [f"{LIBRARY}/{place}" for place in CORE],
        "attnbook": [WORKSHOP],
        "notebooks, code": ["notebooks"],
        "tests": ["tests"],
    }.items():
        print(f"{sum(counts(*places).values()):6}  {name}")
    whole = {path: len((ROOT / path).read_text().splitlines()) for path in counts(LIBRARY, WORKSHOP)}
    print(f"{max(whole.values()):6}  lines of the longest file, {max(whole, key=whole.__getitem__)}")
    print(f"{statistics.median(whole.values()):6}  lines of the median file")
    if options.files:
        for path, n in counts(LIBRARY, WORKSHOP).items():
            print(f"{n:6}  {path}")


if __name__ == "__main__":
    main()
