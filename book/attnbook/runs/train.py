"""Train one model into the cache: `attnbook train prepare -p dataset sst -p seed 3`.

A sweep does this once per model, before the runs that share it start: they would otherwise wait for each
other's lock, each holding a core. `model_of` says which model a notebook's run asks for.
"""

import argparse
import ast
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from attnbook.runs.values import read_all, words_given
from attnlib.cache.sources import defaults, files_of

# What prepares a model, by the name that notebooks import: its module, and the functions whose parameters
# decide the model.
PREPARED_BY = {
    "prepare": ("attnlib.prepare.flat", ("prepare", "plan")),
    "prepare_documents": ("attnlib.prepare.documents", ("plan",)),
    "prepare_transformer": ("attnlib.prepare.transformers", ("plan",)),
}
# What they take that does not decide the model.
BESIDE = {"limit", "progress", "recorded", "model_settings"}


def model_of(notebook: str | Path, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The model that a run of a notebook asks for: what prepares it, and with which arguments.

    parameters: of the run; what it leaves out has the notebook's default, or else that of what prepares the
    model, so that notebooks with different parameters name one model alike. None for a notebook that trains
    no model, several, or none of a data set that it is given. Nothing is imported or run to find out.
    """
    nodes = ast.walk(ast.parse(Path(notebook).read_text(encoding="utf-8"), str(notebook)))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in imports for alias in node.names if "attnlib.prepare" in str(node.module)]
    used = [name for name in names if name in PREPARED_BY]
    given = defaults(notebook) | dict(parameters)
    several = any(isinstance(value, list) for value in given.values())
    if len(used) != 1 or several or given.get("readouts") == "only" or "dataset" not in given:
        return None
    settings = {name: usual for name, (_, usual) in signature(used[0]).items()}
    settings |= {name: given[name] for name in settings if given.get(name) is not None}
    return used[0], {name: value for name, value in settings.items() if value is not None}


@cache
def signature(prepared_by: str) -> dict[str, tuple[str, Any]]:
    """What a model that this prepares depends on, by name: annotation and default, None without one."""
    module, functions = PREPARED_BY[prepared_by]
    found: dict[str, tuple[str, Any]] = {}
    for node in ast.parse(files_of(module)[-1].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            without = [None] * (len(node.args.args) - len(node.args.defaults))
            usual = [*without, *node.args.defaults, *node.args.kw_defaults]
            for argument, value in zip([*node.args.args, *node.args.kwonlyargs], usual, strict=True):
                _, known = found.get(argument.arg, ("", None))
                default = ast.literal_eval(value) if value and known is None else known
                found[argument.arg] = ast.unparse(argument.annotation), default  # type: ignore[arg-type]
    return {name: value for name, value in found.items() if name not in BESIDE}


def train(prepared_by: str, settings: Mapping[str, Any]) -> None:
    """Train a model into the cache, unless it is there. Raises what the preparing function raises."""
    from attnlib.prepare.run import train_once

    usual = {name: value for name, (_, value) in signature(prepared_by).items() if value is not None}
    train_once(import_module(PREPARED_BY[prepared_by][0]).plan(**{**usual, **settings}))


def main(words: list[str] | None = None) -> None:
    """Entry point of `attnbook train`."""
    parser = argparse.ArgumentParser(prog="attnbook train", description=__doc__)
    parser.add_argument("prepared_by", choices=list(PREPARED_BY))
    options, given = words_given(parser, words)
    kinds = {name: kind for name, (kind, _) in signature(options.prepared_by).items()}
    train(options.prepared_by, read_all(kinds, options.prepared_by, {}, given))
