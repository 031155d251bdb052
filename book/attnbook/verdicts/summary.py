"""A paper's results on one page: cells in the shapes that figures and tables take.

Nothing here knows any paper: its notebook says which data sets there are, in which order and by what name.
"""

from collections.abc import Sequence

import pandas as pd

from attnbook.verdicts.cells import CELL, MODEL

# With more classes than these a figure shows all texts together, as Jain and Wallace's do.
MOST_CLASSES = 3
PLACES = ("first class", "second class", "third class")
ALL = "all texts"


def last_class(published: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of a metric of each data set's last class, as rows of "all": F1 "of class 1", say."""
    rows = published[(published["metric"] == metric) & (published["class"] != "all")]
    keys = [key for key in CELL if key in rows and key != "class"]
    return rows.drop_duplicates(keys, keep="last").assign(**{"class": "all"})


def classes(*tables: pd.DataFrame) -> list[str]:
    """Names of the classes of data sets with at most MOST_CLASSES of them, in the order of the tables.

    All results of a data set decide whether it has so few: one model may predict fewer than there are.
    """
    found: dict[str, dict[str, None]] = {}
    for table in tables:
        named = table.loc[table["class"] != "all", ["dataset", "class"]].dropna().drop_duplicates()
        for dataset, name in named.to_numpy():
            found.setdefault(dataset, {})[str(name)] = None
    return list(dict.fromkeys(n for names in found.values() if len(names) <= MOST_CLASSES for n in names))


def residuals(table: pd.DataFrame, difference: str, first: str, second: str) -> pd.Series:
    """|difference − (first − second)| of three metrics over all texts, per model that has them all."""
    overall = table[table["class"] == "all"]
    wide = overall.pivot_table(index=list(MODEL), columns="metric", values="value")
    wide = wide.reindex(columns=[difference, first, second]).dropna()
    return (wide[difference] - (wide[first] - wide[second])).abs()


def headline(cells: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Of each data set the rows of the first measure that either side has, over all texts."""
    rows = cells[cells["metric"].isin(measures) & (cells["class"] == "all")]
    rank = rows["metric"].map({measure: i for i, measure in enumerate(measures)})
    return rows[rank == rank.groupby(rows["dataset"], observed=True).transform("min")]


def by_class(rows: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Rows of each class, or of "all" where a data set has no classes, too many, or one that `order` lacks.

    order: of the names of classes (`classes`), which become categories. Adds `place`, one of PLACES or ALL:
    names differ between data sets.
    """
    single = rows["class"] != "all"
    found = rows[single].groupby("dataset", observed=True)["class"].unique()
    names = {dataset: [name for name in order if name in set(part)] for dataset, part in found.items()}
    few = [dataset for dataset, part in found.items() if len(names[dataset]) == len(part) <= MOST_CLASSES]
    kept = rows[single == rows["dataset"].isin(few)]
    known = {(of, name): place for of in names for name, place in zip(names[of], PLACES, strict=False)}
    place = [known.get(pair, ALL) for pair in zip(kept["dataset"], kept["class"], strict=True)]
    shown = pd.Categorical(kept["class"].replace("all", ALL), [*order, ALL], True)
    return kept.assign(place=pd.Categorical(place, [*PLACES, ALL], True), **{"class": shown})


def quartiles(classwise: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of "<metric>_q25", "_q50" and "_q75" side by side: columns q25, q50, q75 and their published_*.

    One row per model, class, bin, method and ε, with the mean number of texts in it, n. Only data sets of
    which there are numbers of ours.
    """
    names = {f"{metric}_{name}": name for name in ("q25", "q50", "q75")}
    rows = classwise[classwise["metric"].isin(names)]
    rows = rows[rows["dataset"].isin(rows.loc[rows["value"].notna(), "dataset"])]
    keys = [key for key in (*CELL, "place") if key != "metric"]
    parts = []
    for full, name in names.items():
        part = rows[rows["metric"] == full].set_index(keys)
        columns = {"value": name, "published": f"published_{name}"} | ({"n": "n"} if name == "q50" else {})
        parts.append(part[list(columns)].rename(columns=columns))
    return pd.concat(parts, axis=1).reset_index()
