"""Small result tables of the four papers, for the claims and the questions of the page of them all."""

import pandas as pd

from attnbook.verdicts import cells, papers

EMPTY = papers.recorded(folder="/nowhere/at/all")


def rows(metric, values, **more):
    """A row per data set and seed: values by data set, a list over seeds."""
    found = [
        {
            "dataset": name,
            "seed": seed,
            "metric": metric,
            "class": "all",
            "value": value,
            "run": f"{name}{seed}",
        }
        for name, seeds in values.items()
        for seed, value in enumerate(seeds)
    ]
    frame = pd.DataFrame(found).assign(encoder="bilstm", scorer="additive", variant="released")
    return frame.assign(**more)


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
