"""Small tables of results: cells of one model beside published ones, and tables of the four papers."""

import numpy as np
import pandas as pd

from attnbook.verdicts import cells, ledger, papers
from tests.attnbook.made import MODEL, ours

NAMES = {"sst": "SST", "agnews": "AG News", "snli": "SNLI"}
EMPTY = papers.recorded(folder="/nowhere/at/all")


def theirs(*values, **columns):
    """One published number per value."""
    cell = {"experiment": "e", "metric": "m", "class": "all", "note": None, "source": "s", "original": "o"}
    return pd.DataFrame({"value": values} | MODEL | cell | {"checked_in": "files"} | columns)


def beside(own, published):
    return cells.beside(own, published, NAMES)


def rows(metric, values, **more):
    """A row per data set and seed: values by data set, a list over seeds."""
    found = [(name, seed, value) for name, seeds in values.items() for seed, value in enumerate(seeds)]
    frame = pd.DataFrame(found, columns=["dataset", "seed", "value"])
    frame["run"] = frame["dataset"] + frame["seed"].astype(str)
    fixed = {"metric": metric, "class": "all", "encoder": "bilstm", "scorer": "additive"}
    return frame.assign(**fixed | {"variant": "released"} | more)


def tables(paper, *parts):
    """Tables of all papers, empty but for one."""
    table = cells.complete(pd.concat(parts, ignore_index=True))
    columns = dict.fromkeys([*table.columns, *EMPTY[paper].columns])
    return EMPTY | {paper: table.reindex(columns=list(columns))}


def adversary(seed_values, **more):
    """Rows of adversaries: by λ, (TVD, JSD); λ None is the search, "other seed" a method."""
    parts = []
    for strength, (change, far) in seed_values.items():
        named = {"method": "trained adversary" if strength is not None else "published search"}
        if isinstance(strength, str):
            named, strength = {"method": strength}, None
        for metric, value in {"tvd": change, "jsd": far}.items():
            own = rows(metric, {"sst": [value]}, experiment="adversary", variant="released loss")
            parts.append(own.assign(**{"lambda": strength}, **named).assign(**more))
    return pd.concat(parts, ignore_index=True)


def violations(method, values, **more):
    """Rows of violation ratios of a method."""
    return rows("violation", values, method=method, **({"experiment": "methods", "operator": "mean"} | more))


def three_signs():
    """Tables with violation ratios of random scores, attention and its product with the gradient."""
    parts = [
        violations("random", {"babi1": [0.5], "sst5": [0.4], "mrpc": [0.45]}),
        violations("attention", {"babi1": [0.01], "sst5": [0.35], "mrpc": [0.4]}),
        violations("attention × gradient", {"babi1": [0.02], "sst5": [0.05], "mrpc": [0.1]}),
        # Another way to remove is not the mean.
        violations("attention", {"babi1": [0.9]}, operator="deletion"),
    ]
    return tables("violation", *parts)


NO_REASONS = pd.DataFrame(columns=[*ledger.REASON_KEYS, "kind", "reason"], dtype=str)


def small_ledger():
    """A ledger of 420 rows: 300 of data set a (100 of them blank there), 120 of b."""
    names = {"dataset": ["a"] * 300 + ["b"] * 120, "encoder": ["x", "y", "<z>"] * 140}
    published = theirs(*[np.nan] * 100, *np.linspace(0, 1, 420)[100:], **names, note="blank there")
    own = ours(0.5, 0.5, dataset="b", encoder="<z>")
    return ledger.to_html(ledger.compare(own, published, NO_REASONS), {"e": "e.html"}, "all & more")
