"""The ledgers of all papers: one function compares a paper's numbers with ours, for every page alike.

`everything` puts them into one table of common columns, with the notebook and the parameters that make ours
again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from attnbook import NOTEBOOKS
from attnbook.runs import record, results
from attnbook.verdicts import cells, ledger, papers, patterns
from attnlib.cache.sources import defaults

# What the page of all papers calls each part (a key of `papers.EXPERIMENTS`), in its order.
PARTS = papers.PAPERS | {"violation": "Liu et al. 2022, text"}
PARTS["transformers"] = "Liu et al. 2022, transformers (patterns)"
# Where a published number stands, by its source; nothing that is known from memory alone counts as read.
SOURCES: dict[str, str] = ledger.KNOWN["sources"]
UNVERIFIED = SOURCES["recalled*|derived from recalled*"]
# Columns of the table of all papers, and those of its page (see `ledger.SHOWN`).
COMMON: list[str] = ledger.KNOWN["columns"]
SHOWN: dict[str, tuple[str, str]] = ledger.KNOWN["shown"]
# Columns of a compared table that are no conditions.
ADDED = ("deviation", "standing", "our standing")
# Parameters that are named even where they are the notebook's own.
ALWAYS = ("dataset", "seed")
PATTERN = "pattern "
REFERENCE_METHOD = "random scores are what the pattern is measured against"
MASKED = "deleting a region is masking it: see attention mask"
OTHER_MODEL = "a small model on generated scenes: the model, the data or the size may be why"
NO_PATTERN = "another model on other data: no number of ours stands beside it"


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


def compare(part: str, fresh: results.Folder = None, folder: results.Folder = None) -> Compared:
    """The ledger of a part, a key of PARTS; folder and fresh as in `results.recorded`.

    Of the transformers, whose sizes cannot be compared, it says whether the pattern holds on scenes
    (`patterns`): further columns `standing` and `our standing`, and no interval.
    """
    paper = part if part in papers.PAPERS else "violation"
    published = cells.read_published(cells.REFERENCE / f"{paper}.csv")
    reasons = ledger.read_reasons(cells.REFERENCE / f"reasons_{paper}.csv")
    if paper == "violation":
        kept = (published["experiment"] == "transformers") == (part == "transformers")
        published = published[kept].reset_index(drop=True)
    found = papers.read(part, fresh, folder)
    ours = _ours(part, found)
    if part == "transformers":
        return Compared(paper, found, ours, published, _patterns(ours, published, reasons))
    table = ledger.compare(ours, published, reasons, papers.PARTS)
    return Compared(paper, found, ours, published, table)


def _ours(part: str, found: pd.DataFrame) -> pd.DataFrame:
    """The results that stand beside published numbers: the main grid, models as released."""
    if part == "jain_wallace":
        return cells.main_grid(found[found["experiment"] != "initialisation"])
    if part == "wiegreffe_pinter":
        return cells.main_grid(found, papers.RELEASED)
    if part != "transformers":
        return found[found["variant"].eq(results.MAIN_VARIANT)]
    # Whole models, gradients of the logit: a run also knows single layers, and methods with or without clamp.
    ours = found[(found["experiment"] == "transformers") & found["target"].eq("logit")]
    measured = ours["metric"].ne("sign_agreement") & ~ours["method"].str.endswith(", clamped", na=False)
    ours = ours[ours["layer"].isna() & ours["method"].notna() & measured]
    return ours.drop_duplicates(["run", "metric", "method", "operator"])


def _patterns(ours: pd.DataFrame, published: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    keys = ["encoder", "operator"]
    cell = [*keys, "metric", "method"]
    scenes = ours[(ours["dataset"] == "scenes") & ours["metric"].isin(patterns.GOOD)]
    groups = scenes.dropna(subset=["value"]).groupby(cell, sort=False)
    mean = groups.agg(value=("value", "mean"), n_seeds=("seed", "nunique"), runs=("run", cells.run_names))
    known = published[published["metric"].isin(patterns.GOOD)]
    parts = [
        patterns.compare_patterns(mean[["value"]].reset_index(), part.reset_index(drop=True), keys)
        for _, part in known.groupby("source", sort=False)
    ]
    added = [*cell, "source", "standing", "ours", "our standing", "verdict"]
    table = published.merge(pd.concat(parts)[added], on=[*cell, "source"], how="left", validate="1:1")
    # Random scores have no standing of their own, and other metrics have no pattern.
    beside = table[cell].merge(mean.reset_index(), on=cell, how="left")
    run, verdict = beside["value"].notna(), table["verdict"]
    table = table.assign(
        ours=table["ours"].fillna(beside["value"]),
        n_seeds=beside["n_seeds"].fillna(0).astype(int),
        runs=beside["runs"].fillna(""),
        ours_dataset="scenes",
        verdict=verdict.mask(verdict.isna() & run, "undecided").fillna("not run"),
    )
    why = {f"{PATTERN}differs": OTHER_MODEL, "undecided": REFERENCE_METHOD}
    table["reason"] = table["verdict"].map(why).fillna("")
    missing = table["verdict"] == "not run"
    table.loc[missing & table["operator"].eq("deletion"), "reason"] = MASKED
    table.loc[missing & ~table["metric"].isin(patterns.GOOD), "reason"] = NO_PATTERN
    unexplained = missing & table["reason"].eq("")
    table.loc[unexplained, "reason"] = ledger.explain(table[unexplained], reasons)
    return table.assign(low=float("nan"), high=float("nan"))


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
    rows = record.read_run_rows(results.recorded_table(folder or results.RECORDED, paper, "runs"))
    texts = {} if rows is None else dict(zip(rows["run"], rows["parameters"], strict=True))
    found = {run: json.loads(text) for run, text in texts.items() if text}
    for place, table in (results.read_runs(fresh, paper) if fresh is not None else {}).items():
        origin = json.loads((place / "provenance.json").read_text())
        found[str(table["run"].iloc[0])] = origin.get("parameters", {})
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
    read = results.label(table["source"], SOURCES)
    return table.assign(
        part=part,
        paper=compared.paper,
        condition=condition(table),
        known=read.mask(table["note"].eq("unverified"), UNVERIFIED),
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


def totals(table: pd.DataFrame, by: str = "part") -> pd.DataFrame:
    """`ledger.totals`, patterns that hold among what holds, and `unverified`: numbers known from memory."""
    plain = table.assign(verdict=table["verdict"].str.removeprefix(PATTERN))
    counts = ledger.totals(plain, by)
    recalled = table[by][table["known"] == UNVERIFIED].value_counts()
    counts["unverified"] = counts[by].map(recalled).fillna(0).astype(int)
    counts.loc[counts[by] == "all", "unverified"] = int(recalled.sum())
    return counts


def reason_counts(table: pd.DataFrame, verdicts: Sequence[str], by: str = "part") -> pd.DataFrame:
    """How many cells of these verdicts have which reason: columns `by`, verdict, reason, cells."""
    plain = table.assign(verdict=table["verdict"].str.removeprefix(PATTERN))
    rows = plain[plain["verdict"].isin(verdicts)]
    counts = rows.groupby([by, "verdict", "reason"], sort=False).size().rename("cells").reset_index()
    counts["place"] = counts[by].map(list(table[by].unique()).index)
    down = {"place": True, "verdict": False, "cells": False}
    order = counts.sort_values(list(down), ascending=list(down.values()), kind="stable", ignore_index=True)
    return order.drop(columns="place")
