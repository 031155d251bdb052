"""What the four papers' questions share, from all recorded results: frames and numbers of one page.

Whether attention could change the output at all, whether it orders tokens by what matters, whether its sign
means anything, and where the papers mean different things by one word.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from attnbook.verdicts import claims, papers, trained_adversaries
from attnbook.verdicts.cells import MODEL, Names, Tables, all_texts, range_over_seeds, select, tuples
from attnbook.verdicts.papers import CONTRASTS, dataset_name

# The released search of Jain & Wallace lets an output move by so much; a trained adversary may as well.
EPSILON = 0.05


def means(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """`range_over_seeds` of the rows of all texts, per key and metric."""
    return range_over_seeds(all_texts(rows), [*keys, "metric"])


def reached(tables: Tables, metrics: Names) -> pd.DataFrame:
    """What attention could do and what permuting does, per data set and encoder (Jain & Wallace's models).

    metrics: recorded name and the page's, in their order. Additive attention; models with a linear head
    only, of which reach is known.
    """
    rows = select(tables["jain_wallace"], experiment="permutation", scorer="additive")
    over = means(select(rows, metric=tuple(metrics)), ["dataset", "encoder"])
    known = over[over["metric"].eq("largest_tvd")][["dataset", "encoder"]]
    over = over.merge(known, on=["dataset", "encoder"])
    over = over.assign(encoder=over["encoder"].map(lambda name: papers.MODELS.get(name, name)))
    return select(papers.named(over), metric=metrics)


def rankings(tables: Tables, methods: Sequence[str], metrics: Names) -> pd.DataFrame:
    """Rankings of Serrano & Smith: a row per method, data set and encoder, and a metric's page name each.

    Means over seeds; the order of `methods` and of the metrics is kept.
    """
    rows = select(tables["serrano_smith"], experiment="sets", method=tuple(methods), metric=tuple(metrics))
    over = papers.named(means(rows, ["dataset", "encoder", "method"]))
    return select(over, method=list(methods), metric=metrics)


def average(rows: pd.DataFrame, **where: Any) -> tuple[float, int]:
    """Mean over data sets of the rows that meet the conditions, and how many sets; NaN without any.

    A data set counts once whatever its models, and a model whatever its seeds.
    """
    kept = select(rows, **where).dropna(subset=["value"])
    models = kept.groupby(list(MODEL), observed=True)["value"].mean()
    own = models.groupby("dataset", observed=True).mean()
    return float(own.mean()), len(own)


def furthest(table: pd.DataFrame, budget: float | None) -> pd.DataFrame:
    """`trained_adversaries.search_and_furthest` with a row per method, "published search" and "one model"."""
    found = trained_adversaries.search_and_furthest(table, budget).dropna()
    named = found.rename(columns={"of_search": "published search", "of_model": "one model"})
    return named.melt([*MODEL, "seed"], var_name="method")


def contrast(tables: Tables, given: Mapping[str, Any]) -> dict[str, Any]:
    """Two numbers of the same models and seeds, about which two papers speak by the same word.

    given: an entry of CONTRASTS. "not run" without a model that has both.
    """
    if given.get("furthest"):
        rows = furthest(tables["wiegreffe_pinter"], given.get("budget"))
    else:
        rows = select(tables[given["paper"]], **tuples(given["where"])).dropna(subset=["value"])
    keys = [*MODEL, "seed"]
    one, other = (select(rows, **given[side])[keys].drop_duplicates() for side in ("of_one", "of_other"))
    shared = rows.merge(one.merge(other, on=keys), on=keys)
    first, count = average(shared, **given["of_one"])
    second, _ = average(shared, **given["of_other"])
    return {
        "question": given["question"],
        "one side": given["one"],
        "mean": claims.number(first) if count else "not run",
        "other side": given["other"],
        "its mean": claims.number(second) if count else "not run",
        "data sets": ", ".join(sorted({dataset_name(name) for name in shared["dataset"]})),
    }


def contrasts(tables: Tables) -> pd.DataFrame:
    """Where the papers mean different things by one word: two numbers of the same models side by side."""
    return pd.DataFrame([contrast(tables, given) for given in CONTRASTS])
