"""Adversaries side by side: a row per data set, loss and strength (Wiegreffe & Pinter 2019, §4)."""

import pandas as pd

from attnbook.verdicts import cells

TRAINED, SEARCH, OTHER = "trained adversary", "published search", "other seed"
# What Figure 5 draws; the first three are models, the others choose weights text by text.
KINDS = [TRAINED, OTHER, "uniform model", SEARCH, "exact optimum"]
MEASURES = ("tvd", "jsd", "accuracy", "f1", "roc_auc", "kl", "same_class", "epochs")
MODEL = ["dataset", "variant", "method", "lambda"]


def models(found: pd.DataFrame) -> pd.DataFrame:
    """A row per data set, loss (`variant`), kind (`method`) and λ: means of MEASURES over base seeds.

    found: rows of our schema with a column lambda, all from word vectors of one kind. Added: <measure>_low
    and <measure>_high, the least and the greatest seed, NaN where there is one; seeds, how many there are.
    What has no λ (another seed, the search) has NaN there. ValueError names a number of which a seed has
    several values.
    """
    rows = found[(found["experiment"] == "adversary") & (found["class"] == "all")]
    over = cells.range_over_seeds(rows[rows["metric"].isin(MEASURES)], [*MODEL, "metric"])
    seeds = over.groupby(MODEL, dropna=False, observed=True)["n_seeds"].max().rename("seeds")
    return _side_by_side(over, MODEL).merge(seeds.reset_index(), on=MODEL)


def of_run(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per kind (`method`) and λ of one run, in the order of KINDS: MEASURES and their intervals.

    rows: a run's summary with columns method and lambda. Columns as those of `models`, with the interval over
    texts in place of the range over seeds; what is no kind, the base model, is left out. ValueError names a
    number that stands twice.
    """
    rows = rows[rows["class"].eq("all") & rows["metric"].isin(MEASURES)]
    keys = ["method", "lambda"]
    repeated = rows.loc[rows.duplicated([*keys, "metric"]), ["metric", *keys]]
    if len(repeated):
        raise cells.several("values for one number of the run", repeated.iloc[0], "drop all but one")
    table = _side_by_side(rows, keys)
    return cells.select(table, method=KINDS).sort_values(keys, ignore_index=True)


def strongest(table: pd.DataFrame) -> float:
    """The largest λ of a run whose outputs are in the mean no further from the base's than another seed's.

    table: of `of_run`. NaN where every λ moves the outputs further: no adversary says the same, and λ = 0,
    which is not asked to attend elsewhere, does not stand in.
    """
    by_itself = table.loc[table["method"] == OTHER, "tvd"].max()
    near = table[(table["method"] == TRAINED) & (table["tvd"] <= by_itself)]
    return float(near["lambda"].max())


def _side_by_side(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A row per key, the last of which is λ: value, low and high of each metric of MEASURES as columns."""
    # No λ is a key like any other.
    rows = rows.assign(**{"lambda": rows["lambda"].astype(float).fillna(-1.0)})
    table = rows[keys].drop_duplicates().set_index(keys)
    for measure in MEASURES:
        own = rows[rows["metric"] == measure].set_index(keys)
        for end, column in (("", "value"), ("_low", "low"), ("_high", "high")):
            table[measure + end] = own[column]
    table = table.reset_index()
    return table.assign(**{"lambda": table["lambda"].where(table["lambda"] >= 0)})


def search_and_furthest(table: pd.DataFrame, budget: float | None) -> pd.DataFrame:
    """Mean JSD of the search and of the furthest trained adversary, by data set, model and base seed.

    of_search: the search's; of_model: the largest of the trained adversaries whose mean change of output
    (TVD) is at most `budget`, or at most that of another seed of the base (None). It is NaN where none is so
    near: even the adversary that is not asked to attend elsewhere (λ = 0) is a model trained anew, and the
    least that training anew changes may be more than the budget. Then the question has no answer; the base
    itself, 0 nats away, would be none. A seed without search, adversary or budget has no row.
    """
    keys = [*cells.MODEL, "seed"]
    rows = cells.select(table, experiment="adversary", **{"class": "all"})
    search = cells.select(rows, method=SEARCH, metric="jsd").rename(columns={"value": "of_search"})
    trained = cells.select(rows, method=TRAINED, metric=("jsd", "tvd"))
    wide = trained.pivot_table("value", [*keys, "lambda"], "metric").reindex(columns=["jsd", "tvd"])
    wide = wide.reset_index("lambda", drop=True).assign(budget=budget)
    if budget is None:
        other = cells.select(rows, method=OTHER, metric="tvd").set_index(keys)["value"]
        wide = wide.assign(budget=other.reindex(wide.index).astype(float)).dropna(subset="budget")
    near = wide["jsd"].where(wide["tvd"] <= wide["budget"])
    furthest = near.groupby(keys).max().rename("of_model")
    return search[[*keys, "of_search"]].merge(furthest.reset_index(), on=keys)
