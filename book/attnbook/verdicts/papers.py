"""The recorded results of all four papers, and what a page of them all calls data sets and models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from attnbook.runs import results
from attnbook.verdicts import claims, ledger, ledgers, summary

# A table of recorded results by paper.
Tables = Mapping[str, pd.DataFrame]

PAPERS = {
    "jain_wallace": "Jain & Wallace 2019",
    "serrano_smith": "Serrano & Smith 2019",
    "wiegreffe_pinter": "Wiegreffe & Pinter 2019",
    "violation": "Liu et al. 2022",
}
EXPERIMENTS = {
    "jain_wallace": ["correlation", "permutation", "adversary"],
    "serrano_smith": ["base", "single", "sets"],
    "wiegreffe_pinter": ["uniform", "seeds", "diagnostic", "adversary"],
    "violation": ["methods", "depth", "transformers", "transformer_depth"],
}
# Conditions that not every paper's tables have.
FURTHER = ("against", "lambda", "operator", "target", "layers", "layer")
NAMES = {
    "20news": "20 Newsgroups, topics",
    "20news20": "20 Newsgroups, all",
    "20news_sports": "20 Newsgroups",
    "ade": "ADE",
    "adr": "ADR tweets",
    "agnews": "AG News",
    "agnews4": "AG News, four classes",
    "agnews4_subset": "AG News (part), four classes",
    "agnews_subset": "AG News (part)",
    "amazon_full": "Amazon, full",
    "amazon_multidomain": "Amazon",
    "anemia": "Anemia",
    "babi1": "bAbI 1",
    "babi2": "bAbI 2",
    "babi3": "bAbI 3",
    "cnn": "CNN",
    "diabetes": "Diabetes",
    "imdb": "IMDB",
    "imdb10": "IMDB, Diao",
    "imdb_ratings": "IMDB, ratings",
    "mrpc": "MRPC",
    "scenes": "scenes (generated)",
    "snli": "SNLI",
    "snli_subset": "SNLI (part)",
    "sst": "SST",
    "sst5": "SST, five classes",
    "yahoo": "Yahoo Answers",
    "yelp_full": "Yelp, full",
}
MODELS = {
    "bilstm": "BiLSTM",
    "average": "average",
    "bert": "BERT",
    "visual_bert": "VisualBERT",
    "lxmert": "LXMERT",
    "scaled_dot": "dot product",
}
# One of a kind wherever it stands, so a model's name needs none of them.
ONLY_SCORERS = ("learned_query", "self_attention", "cross_attention")
BILSTM = {"encoder": "bilstm", "scorer": "additive"}


def recorded(fresh: str | Path | None = None, folder: str | Path | None = None) -> dict[str, pd.DataFrame]:
    """The recorded results of each paper (keys of PAPERS), main grid only; one without any has no row.

    folder and fresh: as in `results.recorded`. Planted corpora are left out: they are generated to test the
    methods and say nothing about language.
    """
    found = {}
    for paper, experiments in EXPERIMENTS.items():
        table = claims.complete(ledger.recorded(paper, experiments, fresh=fresh, folder=folder), FURTHER)
        table = table[~table["dataset"].astype(str).str.startswith("planted")]
        found[paper] = _GRIDS[paper](table)
    return found


def _released(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["variant"].eq(results.MAIN_VARIANT)]


def _wiegreffe_pinter_grid(table: pd.DataFrame) -> pd.DataFrame:
    return claims.select(summary.main_grid(table, ledgers.RELEASED), **BILSTM)


def _violation_grid(table: pd.DataFrame) -> pd.DataFrame:
    """Text models as released; transformers by their logit, whole models, each number of a run once."""
    stock = table["experiment"].isin(["transformers", "transformer_depth"])
    whole = table["layer"].isna() & table["target"].fillna("logit").eq("logit")
    kept = table[(stock & whole) | (~stock & table["variant"].eq(results.MAIN_VARIANT))]
    return kept.drop_duplicates(["run", "metric", "class", "method", "operator", "layers"])


_GRIDS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "jain_wallace": summary.main_grid,
    "serrano_smith": _released,
    "wiegreffe_pinter": _wiegreffe_pinter_grid,
    "violation": _violation_grid,
}


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
