"""The runs of a sweep: every combination of a configuration's lists, and what each is called on disk.

A configuration may name others in `grids`, whose runs are then its own.
"""

import hashlib
import itertools
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from attnbook.runs.values import dump, load_file, read_all
from attnlib.cache import replacing
from attnlib.cache.sources import declared

# Parameters of runs by notebook and name of the run.
Runs = dict[tuple[str, str], dict[str, Any]]
# Longest name of a run; file systems end at 255 bytes, and a name is made longer by ".ipynb" and the like.
LONGEST = 160


def combinations(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the lists in a block's `parameters`; a single value is a list of one."""
    given = block.get("parameters", {})
    lists = [value if isinstance(value, list) else [value] for value in given.values()]
    return [dict(zip(given, values, strict=True)) for values in itertools.product(*lists)]


def run_name(parameters: Mapping[str, Any]) -> str:
    """A run by its parameters, fit for a file; without commas, which Snakemake cannot hand to a cluster.

    What has other characters or is too long is cut, and told apart by a digest of all of it.
    """
    full = "+".join(f"{name}={value}" for name, value in parameters.items()) or "defaults"
    plain = re.sub(r"[^\w.+=-]", "_", full)
    if plain == full and len(plain) <= LONGEST:
        return plain
    return f"{plain[:140]}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def runs(config: Mapping[str, Any], folder: str | Path = ".", within: tuple[Path, ...] = ()) -> Runs:
    """The runs of a configuration's `sweep` and of the `grids` it names: (notebook, name) → parameters.

    In their order, the grids' first; a run of several is one run. folder: where the paths in `grids` begin.
    within: files that name this configuration. Raises FileNotFoundError; ValueError for a grid that is
    no grid, without runs, or within itself, and for a value that does not fit the notebook (`as_declared`).
    """
    found: Runs = {}
    grids = config.get("grids") or []
    if not isinstance(grids, list):
        raise ValueError(f"grids is {grids!r}: give a list of files, such as [config/violation.yaml]")
    for name in grids:
        found |= read(Path(folder, name), folder, within)
    place = f"{within[-1]}: " if within else ""
    for block in config.get("sweep") or []:
        for notebook in block["notebooks"]:
            for parameters in combinations(block):
                parameters = as_declared(notebook, parameters, folder, place)
                found[notebook, run_name(parameters)] = parameters
    return found


def as_declared(
    notebook: str, parameters: Mapping[str, Any], folder: str | Path = ".", place: str = ""
) -> dict[str, Any]:
    """Parameters read by the annotations of a notebook in folder/notebooks.

    What is not declared there stays as it is: the run says so. ValueError for a value that does not fit;
    place: begins its message.
    """
    source = Path(folder, "notebooks", f"{notebook}.py")
    known = declarations(source) if source.is_file() else {}
    return read_all({**dict.fromkeys(parameters), **known}, f"{place}{source}", parameters)


@cache
def declarations(source: Path) -> dict[str, str | None]:
    """What a py:percent notebook declares (`declared`); it does not change while a sweep is planned."""
    return declared(source.read_text(encoding="utf-8"), str(source))


def read(path: str | Path, folder: str | Path = ".", within: tuple[Path, ...] = ()) -> Runs:
    """The runs of a configuration file (`runs`)."""
    path = Path(path)
    if path.resolve() in within:
        raise ValueError(f"{path} names itself: {' → '.join(str(file) for file in (*within, path))}")
    if not path.is_file():
        asked = f", which {within[-1]} names," if within else ""
        raise FileNotFoundError(f"grid {path}{asked} does not exist")
    try:
        found = runs(load_file(path), folder, (*within, path.resolve()))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no grid of runs: {error!r}") from error
    if not found:
        raise ValueError(f"{path} is no grid of runs: it has neither `sweep` nor `grids`")
    return found


def write(path: str | Path, runs: Runs) -> None:
    """Write a configuration file with these runs, a block each, for `read` and `make sweep CONFIG=…`."""
    blocks = [
        # In a list of its own: a value may be a list.
        {"notebooks": [notebook], "parameters": {name: [value] for name, value in parameters.items()}}
        for (notebook, _), parameters in runs.items()
    ]
    with replacing(path) as temporary:
        temporary.write_text(dump({"sweep": blocks}, indent=1), encoding="utf-8")
