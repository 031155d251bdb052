"""Train one model into the cache: `attnbook train prepare -p dataset sst -p seed 3`.

A sweep does this once per model, before the runs that share it start: they would otherwise wait for each
other's lock, each holding a core. `model_of` says which model a notebook's run asks for.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from attnbook.runs.values import read_all, words_given
from attnlib import command
from attnlib.cache.sources import defaults, files_of

# What prepares a model, by the name that notebooks import: its module, and the functions whose parameters
# decide the model.
PREPARED_BY = {
    "prepare": ("attnlib.prepare.flat", ("prepare", "plan")),
    "prepare_documents": ("attnlib.prepare.documents", ("plan",)),
    "prepare_transformer": ("attnlib.prepare.transformers", ("plan",)),
}
# What they take that does not decide the model.
BESIDE = {"limit", "progress", "model_settings"}


def model_of(notebook: str | Path, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The model that a run of a notebook asks for: what prepares it, and with which arguments.

    parameters: of the run; what it leaves out has the notebook's default, or else that of what prepares the
    model, so that notebooks with different parameters name one model alike. None for a notebook that trains
    no model, or several. Nothing is imported or run to find out.
    """
    used = [
        alias.name
        for node in ast.walk(ast.parse(Path(notebook).read_text(), str(notebook)))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attnlib.prepare")
        for alias in node.names
        if alias.name in PREPARED_BY
    ]
    given = defaults(notebook) | dict(parameters)
    several = any(isinstance(value, list) for value in given.values())
    if len(used) != 1 or several:
        return None
    module, functions = PREPARED_BY[used[0]]
    settings = {name: usual for name, usual in arguments(module, functions).items() if usual is not None}
    settings |= {name: given[name] for name in arguments(module, functions) if given.get(name) is not None}
    return used[0], settings


def arguments(module: str, functions: tuple[str, ...]) -> dict[str, Any]:
    """What some functions of a module take and a model depends on, by name: its default, None without one."""
    return {name: usual for name, (_, usual) in signature(module, functions).items()}


@cache
def signature(module: str, functions: tuple[str, ...]) -> dict[str, tuple[str | None, Any]]:
    """As `arguments`, each with its annotation before the default."""
    tree = ast.parse(files_of(module)[-1].read_text())
    found: dict[str, tuple[str | None, Any]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            missing = len(node.args.posonlyargs) + len(node.args.args) - len(node.args.defaults)
            usual = [*[None] * missing, *node.args.defaults, *node.args.kw_defaults]
            for argument, value in zip(given, usual, strict=True):
                kind = ast.unparse(argument.annotation) if argument.annotation else None
                _, known = found.get(argument.arg, (None, None))
                found[argument.arg] = kind, ast.literal_eval(value) if value and known is None else known
    return {name: value for name, value in found.items() if name not in BESIDE}


def train(prepared_by: str, settings: Mapping[str, Any]) -> None:
    """Train a model into the cache, unless it is there. Raises what the preparing function raises."""
    from attnlib.prepare.run import train_once

    module, functions = PREPARED_BY[prepared_by]
    usual = {name: value for name, value in arguments(module, functions).items() if value is not None}
    train_once(import_module(module).plan(**{**usual, **settings}))


def main(words: list[str] | None = None) -> None:
    """Entry point of `attnbook train`."""
    parser = argparse.ArgumentParser(prog="attnbook train", description=__doc__)
    parser.add_argument("prepared_by", choices=list(PREPARED_BY))
    options, given = words_given(parser, words)
    kinds = {name: kind for name, (kind, _) in signature(*PREPARED_BY[options.prepared_by]).items()}
    try:
        train(options.prepared_by, read_all(kinds, options.prepared_by, {}, given))
    except (ValueError, OSError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None


if __name__ == "__main__":
    command.run(main)
