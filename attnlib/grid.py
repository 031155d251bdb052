"""The runs of a sweep: every combination of a configuration's lists, and what each is called on disk."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from typing import Any

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


def runs(config: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The runs of a configuration's `sweep`: (notebook, name) → parameters, in its order."""
    return {
        (notebook, run_name(parameters)): parameters
        for block in config.get("sweep", [])
        for notebook in block["notebooks"]
        for parameters in combinations(block)
    }
