"""The ledgers of all papers: one function compares a paper's numbers with ours, for every page alike.

`everything` puts them into one table of common columns, with the notebook and the parameters that make ours
again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from attnbook import NOTEBOOKS
from attnbook.runs import record, results
from attnbook.verdicts import cells, ledger, papers
from attnlib.cache.sources import defaults

# What the page of all papers calls each, in its order; of Liu et al. text models only (see `patterns`).
PARTS = papers.PAPERS | {"violation": "Liu et al. 2022, text"}
# Columns of the table of all papers, and those of its page (see `ledger.SHOWN`).
COMMON: list[str] = ledger.KNOWN["columns"]
SHOWN: dict[str, tuple[str, ...]] = ledger.KNOWN["shown"]
# Columns of a compared table that are no conditions.
ADDED = ("deviation", "closed_by")
# Parameters that are named even where they are the notebook's own.
ALWAYS = ("dataset", "seed")


@dataclass(frozen=True)
class Compared:
    """A paper's ledger.

    found: all results of ours; ours: those that were compared; published: the numbers; table: `published` in
    its order, with the columns that `ledger.compare` adds.
    """

    paper: str
    found: pd.DataFrame
    ours: pd.DataFrame
    published: pd.DataFrame
    table: pd.DataFrame


def compare(paper: str, fresh: results.Folder = None, folder: results.Folder = None) -> Compared:
    """The ledger of a paper, a key of PARTS; folder and fresh as in `results.recorded`."""
    published = cells.read_published(cells.REFERENCE / f"{paper}.csv")
    published = published[published["experiment"] != "transformers"].reset_index(drop=True)
    reasons = ledger.read_reasons(cells.REFERENCE / f"reasons_{paper}.csv")
    found = papers.read(paper, fresh, folder)
    ours, others = _settings(paper, found)
    table = ledger.compare(ours, published, reasons, papers.PARTS, others)
    return Compared(paper, found, ours, published, table)


def _settings(paper: str, found: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The results that stand beside published numbers, the main grid, models as released; and others.

    others: every seed of these alone ("seed 0"), the same models from each kind of vectors, by its name, and
    what is as released but for one thing, by the name of the variant.
    """
    found = found[found["experiment"] != "initialisation"]
    if paper in ("jain_wallace", "wiegreffe_pinter"):
        variants = papers.RELEASED if paper == "wiegreffe_pinter" else (results.MAIN_VARIANT,)
        ours = cells.main_grid(found, variants)
    else:
        ours = found[found["variant"].eq(results.MAIN_VARIANT)]
    others = {f"seed {seed}": rows for seed, rows in ours.groupby("seed")}
    variant = found["variant"].astype(str)
    released = found[variant == results.MAIN_VARIANT].groupby("vectors")
    changed = found[variant.str.startswith(f"{results.MAIN_VARIANT}, ")].groupby("variant")
    return ours, others | {str(name): rows for groups in (released, changed) for name, rows in groups}


def condition(table: pd.DataFrame) -> pd.Series:
    """What else each number is of, in words: class, bin, ε, way to remove, target, layers."""
    named = [name for name in table if name not in (*COMMON, *cells.ABOUT, *ADDED)]
    words = []
    for row in table[named].to_dict("records"):
        of = {name: value for name, value in row.items() if pd.notna(value) and value != "all"}
        told = [f"{key} {of[key]:g}" if isinstance(of[key], float) else f"{key} {of[key]}" for key in of]
        words.append(", ".join(told))
    return pd.Series(words, table.index, dtype=object)


def parameters(
    paper: str, fresh: results.Folder = None, folder: results.Folder = None
) -> dict[str, dict[str, Any]]:
    """Parameters of a paper's runs, by run, fresh ones first; a run of which they are unknown is left out."""
    rows = record.read_run_rows(Path(folder or results.RECORDED) / paper / "runs.csv")
    texts = {} if rows is None else dict(zip(rows["run"], rows["parameters"], strict=True))
    found = {run: json.loads(text) for run, text in texts.items() if text}
    for place, table in (results.read_runs(fresh, paper) if fresh is not None else {}).items():
        found[str(table["run"].iloc[0])] = results.read_origin(place).get("parameters", {})
    return found


def in_words(given: Iterable[Mapping[str, Any]], usual: Mapping[str, Any]) -> str:
    """Parameters of several runs as `name=value`, without those that the notebook has anyway (but ALWAYS).

    Several values are divided by |, as in a filter of `attnbook verify`.
    """
    values: dict[str, list[Any]] = {}
    for parameters in given:
        for name, value in parameters.items():
            if name != "output" and value not in (known := values.setdefault(name, [])):
                known.append(value)
    shown = {
        name: [value if isinstance(value, str) else json.dumps(value) for value in several]
        for name, several in values.items()
        if name in ALWAYS or name not in usual or several != [usual[name]]
    }
    by_length = {name: sorted(sorted(texts), key=len) for name, texts in shown.items()}
    return " ".join(f"{name}={'|'.join(texts)}" for name, texts in by_length.items())


def common(part: str, compared: Compared, known: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A paper's ledger in the columns COMMON.

    known: `parameters` by run. A number without ours has no parameters.
    """
    table = compared.table
    notebook = compared.paper + "/" + table["experiment"]
    usual = {name: defaults(NOTEBOOKS / f"{name}.py") for name in notebook.unique()}
    words = {
        (name, runs): in_words([known[run] for run in runs.split() if run in known], usual[name])
        for name, runs in dict.fromkeys(zip(notebook, table["runs"], strict=True))
    }
    return table.assign(
        part=part,
        paper=compared.paper,
        condition=condition(table),
        notebook=notebook,
        parameters=[words[key] for key in zip(notebook, table["runs"], strict=True)],
    ).reindex(columns=COMMON)


def everything(
    fresh: results.Folder = None, folder: results.Folder = None
) -> tuple[pd.DataFrame, dict[str, Compared]]:
    """All ledgers in one table of the columns COMMON, and each by its name on the page.

    folder and fresh: as in `results.recorded`.
    """
    each = {words: compare(part, fresh, folder) for part, words in PARTS.items()}
    known = {paper: parameters(paper, fresh, folder) for paper in papers.PAPERS}
    tables = [common(part, compared, known[compared.paper]) for part, compared in each.items()]
    return pd.concat(tables, ignore_index=True), each


def reason_counts(table: pd.DataFrame, verdicts: Sequence[str], by: str = "part") -> pd.DataFrame:
    """How many cells of these verdicts have which reason: columns `by`, verdict, kind, reason, cells."""
    rows = table[table["verdict"].isin(verdicts)]
    counts = rows.groupby([by, "verdict", "kind", "reason"], sort=False).size().rename("cells").reset_index()
    counts["place"] = counts[by].map(list(table[by].unique()).index)
    down = {"place": True, "verdict": True, "cells": False}
    order = counts.sort_values(list(down), ascending=list(down.values()), kind="stable", ignore_index=True)
    return order.drop(columns="place")
