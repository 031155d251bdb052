"""The ledgers of all papers: one function per paper compares its numbers with ours, for every page alike.

`everything` puts them into one table of common columns, with the notebook and the parameters that make ours
again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from attnbook import BOOK, NOTEBOOKS
from attnbook.runs import record, results
from attnbook.verdicts import claims, ledger, patterns, summary
from attnlib.cache.sources import defaults

REFERENCE = BOOK / "reference"

# Where a published number stands, by its source; nothing that is known from memory alone counts as read.
UNVERIFIED = "recalled, unverified"
SOURCES = {
    "repo*svg*|figure*": "figure",
    "nb_*|file*notebooks": "notebook",
    "repo*|paper_table*|file*": "table",
    "code*": "code",
    "recomputed*": "data",
    "recalled*|derived from recalled*": UNVERIFIED,
    "paper*": "print",
}
# Wiegreffe & Pinter's numbers are of their released code: models chosen as there, adversaries of its loss.
RELEASED = (results.MAIN_VARIANT, "released loss")
# Data sets of which a part is at hand.
PARTS = {"agnews": "agnews_subset", "agnews4": "agnews4_subset", "snli": "snli_subset"}
PATTERN = "pattern "
REFERENCE_METHOD = "random scores are what the pattern is measured against"
MASKED = "deleting a region is masking it: see attention mask"
OTHER_MODEL = "a small model on generated scenes: the model, the data or the size may be why"
NO_PATTERN = "another model on other data: no number of ours stands beside it"

COMMON = (
    "part",
    "paper",
    "experiment",
    "dataset",
    "ours_dataset",
    "encoder",
    "scorer",
    "metric",
    "method",
    "condition",
    "value",
    "source",
    "known",
    "note",
    "ours",
    "low",
    "high",
    "n_seeds",
    "verdict",
    "reason",
    "notebook",
    "parameters",
    "runs",
)
# Parameters that are named even where they are the notebook's own.
ALWAYS = ("dataset", "seed")
# Columns of the page of all papers; see `ledger.SHOWN`.
SHOWN = {
    "paper": ("paper", "few"),
    "metric": ("metric", "few"),
    "ours_dataset": ("data set", "few"),
    "encoder": ("encoder", "few"),
    "scorer": ("scorer", "few"),
    "method": ("method", "few"),
    "condition": ("of", "text"),
    "value": ("published", "number"),
    "ours": ("ours", "number"),
    "interval": ("one more run, 95 %", "text"),
    "n_seeds": ("seeds", "number"),
    "verdict": ("verdict", "few"),
    "reason": ("reason", "text"),
    "known": ("from", "few"),
    "notebook": ("notebook", "few"),
    "parameters": ("parameters", "text"),
}


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


def _published(paper: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A paper's numbers, and the reasons why ours may differ or be missing."""
    reasons = ledger.read_reasons(REFERENCE / f"reasons_{paper}.csv")
    return ledger.read_published(REFERENCE / f"{paper}.csv"), reasons


def jain_wallace(fresh: str | Path | None = None, folder: str | Path | None = None) -> Compared:
    """Jain & Wallace's numbers beside the main grid; folder and fresh as in `results.recorded`."""
    published, reasons = _published("jain_wallace")
    experiments = list(published["experiment"].unique())
    found = ledger.recorded("jain_wallace", experiments, fresh=fresh, folder=folder)
    ours = summary.main_grid(found)
    return Compared("jain_wallace", found, ours, published, ledger.compare(ours, published, reasons, PARTS))


def serrano_smith(fresh: str | Path | None = None, folder: str | Path | None = None) -> Compared:
    """Serrano & Smith's numbers beside models as released; folder and fresh as in `results.recorded`."""
    published, reasons = _published("serrano_smith")
    experiments = ["base", "single", "sets"]
    found = claims.complete(ledger.recorded("serrano_smith", experiments, fresh=fresh, folder=folder))
    ours = found[found["variant"].eq(results.MAIN_VARIANT)]
    return Compared("serrano_smith", found, ours, published, ledger.compare(ours, published, reasons))


def wiegreffe_pinter(fresh: str | Path | None = None, folder: str | Path | None = None) -> Compared:
    """Wiegreffe & Pinter's numbers beside models and loss as released; fresh, folder: see `results.recorded`.

    found: all variants, with a column lambda, the strength of a trained adversary.
    """
    published, reasons = _published("wiegreffe_pinter")
    experiments = ["uniform", "seeds", "diagnostic", "adversary"]
    found = ledger.recorded("wiegreffe_pinter", experiments, fresh=fresh, folder=folder)
    found = claims.complete(found, ["lambda"])
    ours = summary.main_grid(found, RELEASED)
    return Compared(
        "wiegreffe_pinter", found, ours, published, ledger.compare(ours, published, reasons, PARTS)
    )


def violation(fresh: str | Path | None = None, folder: str | Path | None = None) -> Compared:
    """Liu et al.'s numbers of text models beside ours; folder and fresh as in `results.recorded`."""
    published, reasons = _published("violation")
    published = published[published["experiment"] != "transformers"]
    experiments = ["methods", "gradient", "depth", "evidence"]
    found = ledger.recorded("violation", experiments, fresh=fresh, folder=folder)
    found = claims.complete(found, ["operator", "target", "layers"])
    ours = found[found["variant"].eq(results.MAIN_VARIANT)]
    return Compared("violation", found, ours, published, ledger.compare(ours, published, reasons, PARTS))


def transformers(fresh: str | Path | None = None, folder: str | Path | None = None) -> Compared:
    """Liu et al.'s numbers of transformers, and whether the pattern holds on scenes (`patterns`).

    ours: rows of whole models, gradients of the logit. The table has further columns, `standing` and
    `our standing`; sizes cannot be compared, so there is no interval.
    """
    published, reasons = _published("violation")
    published = published[published["experiment"] == "transformers"].reset_index(drop=True)
    experiments = ["transformers", "regions", "transformer_depth"]
    found = ledger.recorded("violation", experiments, fresh=fresh, folder=folder)
    found = claims.complete(found, ["operator", "target", "layers", "layer", "head"])
    ours = found[(found["experiment"] == "transformers") & found["target"].eq("logit")]
    # A run also knows single layers, and methods with and without clamp.
    measured = ours["metric"].ne("sign_agreement") & ~ours["method"].str.endswith(", clamped", na=False)
    ours = ours[ours["layer"].isna() & ours["method"].notna() & measured]
    ours = ours.drop_duplicates(["run", "metric", "method", "operator"])
    return Compared("violation", found, ours, published, _patterns(ours, published, reasons))


def _patterns(ours: pd.DataFrame, published: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    keys = ["encoder", "operator"]
    cell = [*keys, "metric", "method"]
    scenes = ours[(ours["dataset"] == "scenes") & ours["metric"].isin(patterns.GOOD)]
    cells = scenes.dropna(subset=["value"]).groupby(cell, sort=False)
    mean = cells.agg(value=("value", "mean"), n_seeds=("seed", "nunique"), runs=("run", ledger.run_names))
    known = published[published["metric"].isin(patterns.GOOD)]
    parts = [
        patterns.compare_patterns(mean[["value"]].reset_index(), part.reset_index(drop=True), keys)
        for _, part in known.groupby("source", sort=False)
    ]
    added = [*cell, "source", "standing", "ours", "our standing", "verdict"]
    table = published.merge(pd.concat(parts)[added], on=[*cell, "source"], how="left", validate="1:1")
    # Random scores have no standing of their own, and other metrics have no pattern.
    beside = table[cell].merge(mean.reset_index(), on=cell, how="left")
    table["ours"] = table["ours"].fillna(beside["value"])
    table["n_seeds"] = beside["n_seeds"].fillna(0).astype(int)
    table["runs"] = beside["runs"].fillna("")
    table["ours_dataset"] = "scenes"
    run = beside["value"].notna()
    table["verdict"] = table["verdict"].mask(table["verdict"].isna() & run, "undecided").fillna("not run")
    table["reason"] = table["verdict"].map({f"{PATTERN}differs": OTHER_MODEL}).fillna("")
    table.loc[table["verdict"].eq("undecided"), "reason"] = REFERENCE_METHOD
    missing = table["verdict"] == "not run"
    table.loc[missing & table["operator"].eq("deletion"), "reason"] = MASKED
    table.loc[missing & ~table["metric"].isin(patterns.GOOD), "reason"] = NO_PATTERN
    unexplained = missing & table["reason"].eq("")
    table.loc[unexplained, "reason"] = ledger.explain(table[unexplained], reasons)
    return table.assign(low=float("nan"), high=float("nan"))


# What the page calls each part, in its order.
PAPERS: dict[str, Callable[..., Compared]] = {
    "Jain & Wallace 2019": jain_wallace,
    "Serrano & Smith 2019": serrano_smith,
    "Wiegreffe & Pinter 2019": wiegreffe_pinter,
    "Liu et al. 2022, text": violation,
    "Liu et al. 2022, transformers (patterns)": transformers,
}


def condition(table: pd.DataFrame) -> pd.Series:
    """What else each number is of, in words: class, bin, ε, way to remove, target, layers."""
    named = [name for name in table if name not in (*COMMON, *ledger.ABOUT, *_ADDED)]
    words = []
    for row in table[named].to_dict("records"):
        parts = {str(name): value for name, value in row.items() if pd.notna(value) and value != "all"}
        words.append(", ".join(f"{name} {_plain(value)}" for name, value in parts.items()))
    return pd.Series(words, table.index, dtype=object)


# Columns of a compared table that are no conditions.
_ADDED = ("deviation", "standing", "our standing")


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def parameters(
    paper: str, fresh: str | Path | None = None, folder: str | Path | None = None
) -> dict[str, dict[str, Any]]:
    """Parameters of a paper's runs, by run, fresh ones first; a run of which they are unknown is left out."""
    rows = record.read_run_rows(Path(folder or results.RECORDED) / paper / "runs.csv")
    texts = {} if rows is None else dict(zip(rows["run"], rows["parameters"], strict=True))
    found = {}
    for run, text in texts.items():
        try:
            found[run] = dict(json.loads(text))
        except ValueError:
            continue
    for place, table in (results.read_runs(fresh, paper) if fresh is not None else {}).items():
        run = str(table["run"].iloc[0])
        found.pop(run, None)
        try:
            found[run] = dict(json.loads((place / "provenance.json").read_text())["parameters"])
        except (OSError, ValueError, KeyError):
            continue
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
    words = []
    for name, several in values.items():
        if name in usual and several == [usual[name]] and name not in ALWAYS:
            continue
        texts = [value if isinstance(value, str) else json.dumps(value) for value in several]
        words.append(f"{name}={'|'.join(sorted(texts, key=lambda text: (len(text), text)))}")
    return " ".join(words)


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
    read = ledger.label(table["source"], SOURCES)
    return table.assign(
        part=part,
        paper=compared.paper,
        condition=condition(table),
        known=read.mask(table["note"].eq("unverified"), UNVERIFIED),
        notebook=notebook,
        parameters=[words[key] for key in zip(notebook, table["runs"], strict=True)],
    ).reindex(columns=list(COMMON))


def everything(
    fresh: str | Path | None = None,
    folder: str | Path | None = None,
    papers: Mapping[str, Callable[..., Compared]] = PAPERS,
) -> tuple[pd.DataFrame, dict[str, Compared]]:
    """All ledgers in one table of the columns COMMON, and each by its name in `papers`.

    folder and fresh: as in `results.recorded`.
    """
    each = {part: compare(fresh=fresh, folder=folder) for part, compare in papers.items()}
    known = {
        paper: parameters(paper, fresh, folder) for paper in {compared.paper for compared in each.values()}
    }
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
    place = {name: i for i, name in enumerate(table[by].unique())}
    order = counts.assign(place=counts[by].map(place)).sort_values(
        ["place", "verdict", "cells"], ascending=[True, False, False], kind="stable"
    )
    return order.drop(columns="place").reset_index(drop=True)
