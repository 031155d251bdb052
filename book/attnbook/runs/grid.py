"""The runs of a sweep: every combination of a configuration's lists, and what each is called on disk.

A configuration may name others in `grids`, whose runs are then its own.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attnlib.cache import replacing

# Longest name of a run; file systems end at 255 bytes, and a name is made longer by ".ipynb" and the like.
LONGEST = 160


def combinations(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the lists in a block's `parameters`; a single value is a list of one."""
    values = {
        name: value if isinstance(value, list) else [value]
        for name, value in block.get("parameters", {}).items()
    }
    return [
        dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())
    ]


def run_name(parameters: Mapping[str, Any]) -> str:
    """A run by its parameters, fit for a file; without commas, which Snakemake cannot hand to a cluster.

    What has other characters or is too long is cut, and told apart by a digest of all of it.
    """
    full = "+".join(f"{name}={value}" for name, value in parameters.items()) or "defaults"
    plain = re.sub(r"[^\w.+=-]", "_", full)
    if plain == full and len(plain) <= LONGEST:
        return plain
    return f"{plain[:140]}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def runs(
    config: Mapping[str, Any], folder: str | Path = ".", within: tuple[Path, ...] = ()
) -> dict[tuple[str, str], dict[str, Any]]:
    """The runs of a configuration's `sweep` and of the `grids` it names: (notebook, name) → parameters.

    In their order, the grids' first; a run of several is one run. folder: where the paths in `grids` begin.
    within: files that name this configuration. Raises FileNotFoundError; ValueError for a grid that is
    no grid, without runs, or within itself.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    grids = config.get("grids") or []
    if not isinstance(grids, list):
        raise ValueError(f"grids is {grids!r}: give a list of files, such as [config/violation.yaml]")
    for name in grids:
        found |= read(Path(folder, name), folder, within)
    return found | {
        (notebook, run_name(parameters)): parameters
        for block in config.get("sweep") or []
        for notebook in block["notebooks"]
        for parameters in combinations(block)
    }


def read(
    path: str | Path, folder: str | Path = ".", within: tuple[Path, ...] = ()
) -> dict[tuple[str, str], dict[str, Any]]:
    """The runs of a configuration file (`runs`)."""
    import yaml  # comes with the book's tools

    path = Path(path)
    if path.resolve() in within:
        raise ValueError(f"{path} names itself: {' → '.join(str(file) for file in (*within, path))}")
    if not path.is_file():
        asked = f", which {within[-1]} names," if within else ""
        raise FileNotFoundError(f"grid {path}{asked} does not exist")
    try:
        config = yaml.safe_load(path.read_text())
        found = runs(config, folder, (*within, path.resolve()))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no grid of runs: {error!r}") from error
    if not found:
        raise ValueError(f"{path} is no grid of runs: it has neither `sweep` nor `grids`")
    return found


def write(path: str | Path, runs: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """Write a configuration file with these runs, a block each, for `read` and `make sweep CONFIG=…`."""
    import yaml

    blocks = [
        # In a list of its own: a value may be a list.
        {"notebooks": [notebook], "parameters": {name: [value] for name, value in parameters.items()}}
        for (notebook, _), parameters in runs.items()
    ]
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump({"sweep": blocks}, sort_keys=False, default_flow_style=None))
