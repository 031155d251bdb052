"""What the source of a notebook says: its parameters, and which of this package's files it depends on.

Those are the files it imports, and what these import in turn. Nothing is imported or run to find out, so a
sweep knows in a moment what a changed module touches.
"""

import ast
import inspect
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from attnlib.cache import digest, file_checksum

# Only these are followed; the second is the book's workshop, which imports the first.
PACKAGES = ("attnlib", "attnbook")

# Python 3.11 loses count where two threads parse at once and the collector runs between them.
PARSING = threading.Lock()


@cache
def folder_of(package: str) -> Path:
    """Where a package lies; nothing of it is run to find out."""
    return Path(cast(Any, find_spec(package)).origin).parent


def defaults(notebook: str | Path) -> dict[str, Any]:
    """The parameters of a notebook with the values written in it; those that are no literals are left out."""
    found = {}
    for node in ast.parse(Path(notebook).read_text(encoding="utf-8"), str(notebook)).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            with suppress(ValueError):
                found[node.target.id] = ast.literal_eval(node.value)
    return found


def declared(percent: str, name: str) -> dict[str, str | None]:
    """The parameters of a notebook in the py:percent format: annotations by name, None without one.

    They are assigned in the cell with the tag "parameters". ValueError for one that is no Python.
    """
    head = re.compile(r'.*"parameters"')
    cell = next(filter(head.match, re.split(r"^# %%", percent, flags=re.MULTILINE)[1:]), "\n")
    try:
        lines = ast.parse(cell.partition("\n")[2]).body
    except SyntaxError as error:
        raise ValueError(f"the parameters of {name} are no Python: {error.msg}") from None
    found: dict[str, str | None] = {}
    for node in lines:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        annotation = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else None
        found |= {target.id: annotation for target in targets if isinstance(target, ast.Name)}
    return found


def sources_of(script: str | Path, packages: bool = True) -> list[Path]:
    """The files of this package that a script or py:percent notebook depends on, sorted.

    A page of data that lies beside a module under its name counts with it. Imports inside functions count,
    names imported by string do not. packages: whether the `__init__.py` of packages on the way count, and
    with them all that these gather; without them it is what the script works with, not what Python reads.
    SyntaxError for a file that is no Python.
    """
    found: set[Path] = set()
    waiting = list(imported(Path(script).read_text(encoding="utf-8"), str(script)))
    while waiting:
        path = waiting.pop()
        if path not in found and (packages or path.name != "__init__.py"):
            found.add(path)
            waiting += imports_of(path)
    return sorted(with_data(found))


def function_digest(*functions: Callable[..., Any]) -> str:
    """A digest of the modules of functions, partial or decorated, and of the files that they work with."""
    files: dict[Path, None] = {}
    for function in functions:
        while isinstance(function, partial):
            function = function.func
        module = Path(inspect.getfile(inspect.unwrap(function)))
        files |= dict.fromkeys([*sorted(with_data([module])), *sources_of(module, packages=False)])
    return digest([file_checksum(file) for file in files])


def with_data(modules: Iterable[Path]) -> set[Path]:
    """Modules and the pages of data that they read: ``catalogue.toml`` beside ``catalogue.py``."""
    pages = {module.with_suffix(".toml") for module in modules}
    return {*modules, *filter(Path.is_file, pages)}


@cache
def imports_of(path: Path) -> tuple[Path, ...]:
    """The files of this package that one of its modules imports; cached, sources do not change meanwhile."""
    return tuple(imported(path.read_text(encoding="utf-8"), str(path)))


def imported(source: str, name: str) -> Iterator[Path]:
    """The files of this package that a source imports, each package on the way to a module too."""
    with PARSING:
        tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names: Iterable[str] = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # What is imported from a package may be a module of it.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for dotted in names:
            yield from files_of(dotted)


def files_of(dotted: str) -> list[Path]:
    """The files that importing a dotted name of `PACKAGES` reads; none for others."""
    first, *parts = dotted.split(".")
    if first not in PACKAGES:
        return []
    # The package itself, and of every further name the package or the module.
    named = [folder_of(first).joinpath(*parts[:n]) for n in range(len(parts) + 1)]
    files = [file for path in named for file in (path / "__init__.py", path.with_suffix(".py"))]
    return list(filter(Path.is_file, files))
