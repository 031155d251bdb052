"""The recorded results of each paper, and what the pages call papers, data sets and models.

The names and the experiments of each paper are in book/reference/papers.toml.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from attnbook.runs import results
from attnbook.verdicts import cells

# A table of recorded results by paper.
Tables = cells.Tables
_KNOWN = cells.reference("papers")
PAPERS: dict[str, str] = _KNOWN["papers"]
EXPERIMENTS: dict[str, list[str]] = _KNOWN["experiments"]
NAMES: dict[str, str] = _KNOWN["names"]
MODELS: dict[str, str] = _KNOWN["models"]
# Where the papers mean different things by one word.
CONTRASTS: list[dict[str, Any]] = cells.reference("claims")["contrasts"]
# One of a kind wherever it stands, so a model's name needs none of them.
ONLY_SCORERS = ("learned_query", "self_attention", "cross_attention")
BILSTM = {"encoder": "bilstm", "scorer": "additive"}
# Wiegreffe & Pinter's numbers are of their released code: models chosen as there, adversaries of its loss.
RELEASED = (results.MAIN_VARIANT, "released loss")
# Data sets of which a part is at hand.
PARTS = {"agnews": "agnews_subset", "agnews4": "agnews4_subset", "snli": "snli_subset"}


def read(part: str, fresh: results.Folder = None, folder: results.Folder = None) -> pd.DataFrame:
    """The recorded results of a part (a key of EXPERIMENTS); folder and fresh as in `results.recorded`."""
    paper = part if part in PAPERS else "violation"
    return cells.recorded(paper, EXPERIMENTS[part], fresh, folder)


def recorded(fresh: results.Folder = None, folder: results.Folder = None) -> dict[str, pd.DataFrame]:
    """The results behind the page of all papers (keys of PAPERS), main grid only; one without has no row.

    folder and fresh: as in `results.recorded`.
    """
    found = {}
    for paper, experiments in _KNOWN["together"].items():
        table = cells.recorded(paper, experiments, fresh, folder)
        found[paper] = together_grid(paper, table)
    return found


def together_grid(paper: str, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a paper that its claims are judged by.

    Planted corpora are left out: they are generated to test the methods and say nothing about language.
    """
    table = table[~table["dataset"].astype(str).str.startswith("planted")]
    if paper == "jain_wallace":
        return cells.main_grid(table)
    if paper == "wiegreffe_pinter":
        return cells.select(cells.main_grid(table, RELEASED), **BILSTM)
    released = table["variant"].eq(results.MAIN_VARIANT)
    if paper == "serrano_smith":
        return table[released]
    # Text models as released; transformers by their logit, whole models, each number of a run once.
    stock = table["experiment"].isin(["transformers", "transformer_depth"])
    whole = table["layer"].isna() & table["target"].fillna("logit").eq("logit")
    kept = table[(stock & whole) | (~stock & released)]
    return kept.drop_duplicates(["run", "metric", "class", "method", "operator", "layers"])


def model_name(encoder: object, scorer: object) -> str:
    """Encoder and scorer as the page calls them."""
    parts = [encoder] if scorer in ONLY_SCORERS else [encoder, scorer]
    return ", ".join(MODELS.get(str(part), str(part)) for part in parts)


def dataset_name(name: object) -> str:
    """A data set as the page calls it; a name that is not known stays."""
    return NAMES.get(str(name), str(name))


def named(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with data sets as the pages call them (column dataset)."""
    return table.assign(dataset=table["dataset"].map(dataset_name))


def labels(datasets: Iterable[str] | Mapping[str, str], ours: pd.DataFrame) -> dict[str, str]:
    """What a page calls each data set, in their order: {identifier: label}.

    datasets: identifiers, or labels of the page's own by them. Where we have only our part of a data set
    (PARTS), both go by the same label, which then says so; where it is not needed, it has none.
    """
    have = set(ours["dataset"])
    names = datasets if isinstance(datasets, Mapping) else {name: NAMES[name] for name in datasets}
    found = {}
    for name, label in names.items():
        part = PARTS.get(name)
        if part in have and name not in have:
            found[name] = found[str(part)] = f"{label} (part)"
        else:
            found[name] = label
    return found


def published(paper: str, ours: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """The authors' numbers as rows of one seed, data sets `named`: "theirs" of `claims.compared`.

    ours: `named` results; where they are of a part of a data set, the numbers of the whole go by its name.
    where: conditions as `cells.select` takes them.
    """
    table = cells.once(cells.read_published(cells.REFERENCE / f"{paper}.csv"))
    have = set(ours["dataset"])
    parts = {dataset_name(whole): dataset_name(part) for whole, part in PARTS.items()}
    parts = {whole: part for whole, part in parts.items() if part in have and whole not in have}
    table = named(cells.complete(table.assign(seed=0)))
    return cells.select(table.assign(dataset=table["dataset"].replace(parts)), **where)
