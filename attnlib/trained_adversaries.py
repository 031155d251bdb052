"""Recorded adversaries side by side: a row per data set, loss and strength (Wiegreffe & Pinter 2019, §4)."""

from __future__ import annotations

import pandas as pd

from attnlib import summary

TRAINED = "trained adversary"
MEASURES = ("tvd", "jsd", "accuracy", "f1", "roc_auc", "kl", "same_class", "epochs")
MODEL = ["dataset", "variant", "method", "lambda"]
# Their Table 4 gives the best adversaries whose attention is further from the base's than this, in nats.
FAR = 0.4


def models(found: pd.DataFrame) -> pd.DataFrame:
    """A row per data set, loss (`variant`), kind (`method`) and λ: means of MEASURES over base seeds.

    found: rows of our schema with a column lambda, all from word vectors of one kind. Added: <measure>_low
    and <measure>_high, the least and the greatest seed, NaN where there is one; seeds, how many there are.
    What has no λ (another seed, the search) has NaN there. ValueError names a number of which a seed has
    several values.
    """
    rows = found[(found["experiment"] == "adversary") & (found["class"] == "all")]
    rows = rows[rows["metric"].isin(MEASURES)]
    # No λ is a key like any other.
    rows = rows.assign(**{"lambda": rows["lambda"].astype(float).fillna(-1.0)})
    over = summary.over_seeds(rows, [*MODEL, "metric"])
    several = over["n_seeds"] > 1
    over = over.assign(low=over["low"].where(several), high=over["high"].where(several))
    groups = over.groupby(MODEL, observed=True, sort=False)
    table = groups["n_seeds"].max().rename("seeds").to_frame()
    for measure in MEASURES:
        own = over[over["metric"] == measure].set_index(MODEL)
        for end, column in (("", "value"), ("_low", "low"), ("_high", "high")):
            table[measure + end] = own[column]
    table = table.reset_index()
    return table.assign(**{"lambda": table["lambda"].where(table["lambda"] >= 0)})


def best(table: pd.DataFrame, far: float = FAR) -> pd.DataFrame:
    """Of each data set and loss the trained adversary of least mean TVD among those of mean JSD above `far`.

    table: of `models`. A loss that reaches `far` with no λ has no row; of equal ones the smaller λ stays.
    """
    reached = table[(table["method"] == TRAINED) & (table["jsd"] > far)].sort_values(["tvd", "lambda"])
    kept = reached.drop_duplicates(["dataset", "variant"]).sort_index()
    return kept.reset_index(drop=True)


def published_best(published: pd.DataFrame) -> pd.DataFrame:
    """The paper's own best adversaries: columns dataset, lambda, f1, tvd, jsd.

    published: the paper's numbers as `ledger.read_published` has them; lambda is theirs, not the nearest of
    ours.
    """
    rows = published[published["experiment"] == "adversary"]
    own = rows["original"].astype("string").str.extract(r"λ = ([\d.e-]+)", expand=False)
    rows = rows.assign(**{"lambda": own.astype(float)})
    wide = rows.pivot_table("value", ["dataset", "lambda"], "metric", observed=True)
    return wide.reindex(columns=["f1", "tvd", "jsd"]).rename_axis(columns=None).reset_index()
