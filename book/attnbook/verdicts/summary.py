"""A paper's results on one page: cells in the shapes that figures and tables take.

Nothing here knows any paper: its notebook says which data sets there are, in which order and by what name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from attnbook.runs import record, results
from attnbook.verdicts.cells import CELL, MODEL, ROUNDING, Names, once, over_seeds, select

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


def differences(table: pd.DataFrame, column: str, first: str, second: str, name: str) -> pd.DataFrame:
    """New rows: the value where `column` is `first` minus the value where it is `second`, called `name`.

    All else, the seed too, is the same on both sides; a pair of which one is missing has no row.
    """
    keys = [key for key in (*CELL, "seed", "vectors", "epoch") if key in table and key != column]
    second_values = table.loc[table[column] == second, [*keys, "value"]]
    pairs = table[table[column] == first].merge(second_values, on=keys, suffixes=("", "_second"))
    rows = pairs.assign(value=pairs["value"] - pairs["value_second"]).assign(**{column: name})
    return rows[list(table.columns)]


def residuals(table: pd.DataFrame, difference: str, first: str, second: str) -> pd.Series:
    """|difference − (first − second)| of three metrics over all texts, per model that has them all."""
    overall = table[table["class"] == "all"]
    wide = overall.pivot_table(index=list(MODEL), columns="metric", values="value")
    wide = wide.reindex(columns=[difference, first, second]).dropna()
    return (wide[difference] - (wide[first] - wide[second])).abs()


def joined(rows: pd.DataFrame, columns: Sequence[str], present: str | None = None) -> pd.DataFrame:
    """The rows with a column `panel` of several labels in one, "SST, BiLSTM"; categories in their order.

    present: keep only what has a value in this column for the first of `columns`.
    """
    if present:
        rows = rows[rows.groupby(columns[0], observed=False)[present].transform("count") > 0]
    rows = rows.sort_values(list(columns), kind="stable")
    label = rows[list(columns)].astype(str).agg(", ".join, axis=1) if len(rows) else pd.Series(dtype=str)
    return rows.assign(panel=pd.Categorical(label, list(dict.fromkeys(label)), True))


def not_run(experiment: str, **conditions: object) -> str:
    """The sentence in place of a figure of which nothing is recorded, with the conditions on the runs."""
    words = "".join(f", {name} {value}" for name, value in conditions.items())
    return f"Not run: there is no recorded result of the experiment *{experiment}*{words}."


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


def distributions(paper: str, fresh: results.Folder = None, folder: results.Folder = None) -> pd.DataFrame:
    """Histograms over texts of each cell's lowest seed, as `record` keeps them; fresh runs take precedence.

    folder and fresh: as in `results.recorded`. Without any there are no rows.
    """
    recorded = Path(folder or results.RECORDED) / paper
    old = results.read_recorded(recorded / record.DISTRIBUTIONS)
    known = record.read_run_rows(recorded / "runs.csv")
    runs = results.read_runs(fresh, paper) if fresh is not None else {}
    names = {place: str(table["run"].iloc[0]) for place, table in runs.items()}
    own = pd.DataFrame([{"run": names[place], **results.identity(table)} for place, table in runs.items()])
    origins = results.merge(known, [own.astype({"seed": int})] if len(own) else [], names.values())
    shown = record.lowest_seeds(origins) if len(origins) else set()
    new = [record.read_distributions(place, runs[place]) for place, name in names.items() if name in shown]
    table = results.merge(old, new, names.values())
    if table.empty:
        return pd.DataFrame(columns=[*results.COLUMNS, *results.OPTIONAL, "run"])
    return table[table["run"].isin(shown)].reindex(columns=list(dict.fromkeys([*table, *results.OPTIONAL])))


def histogram_lines(rows: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Histograms as step lines: `start` of a step and `share` of the texts from there on.

    rows: of `distributions`, `named`; order: of classes, see `by_class`, whose columns are added. Where there
    are too many classes they are put together; a step that continues the one before it has no row.
    """
    keys = [*MODEL, "method", "epsilon", "metric"]
    group = dict(dropna=False, observed=True, sort=False)
    counts = rows.assign(texts=rows["value"] * rows["n"])
    total = rows.drop_duplicates([*keys, "class"]).groupby(keys, **group)["n"].sum()  # type: ignore[call-overload]
    pooled = counts.groupby([*keys, "low", "high"], **group)["texts"].sum().reset_index()  # type: ignore[call-overload]
    pooled = pooled.merge(total.reset_index(), on=keys)
    pooled = pooled.assign(value=pooled["texts"] / pooled["n"], **{"class": "all"})
    shown = by_class(pd.concat([rows, pooled], ignore_index=True), order)
    parts = []
    for _, part in shown.groupby([*keys, "class"], **group):  # type: ignore[call-overload]
        facts = part.iloc[[0] * len(line := steps(part))][[*keys, "class", "place", "n"]]
        parts.append(pd.concat([facts.reset_index(drop=True), line], axis=1))
    if not parts:
        return shown[[*keys, "class", "place", "n"]].assign(start=np.nan, share=np.nan)
    return pd.concat(parts, ignore_index=True)


def steps(histogram: pd.DataFrame) -> pd.DataFrame:
    """One histogram (rows metric, low, high, value) as steps: start and share where the share changes."""
    low, high, bins = record.HISTOGRAMS[histogram["metric"].iloc[0].removesuffix("_share")]
    share = np.zeros(bins + 1)
    share[((histogram["low"] - low) / (high - low) * bins).round().astype(int)] = histogram["value"]
    # Where the last bin ends the line ends, and no step begins.
    share[-1] = share[-2]
    changes = np.flatnonzero(np.diff(share, prepend=np.nan) != 0)
    kept = [*changes, bins] if changes[-1] != bins else changes
    return pd.DataFrame({"start": np.linspace(low, high, bins + 1)[kept], "share": share[kept]})


def by_epoch(found: pd.DataFrame, cells: pd.DataFrame, datasets: Names) -> pd.DataFrame:
    """Results over all texts by epoch and initial vectors: over seeds, and the published number of the model.

    found: rows with epochs, of one variant; cells: of `beside`. Columns as those of `over_seeds`, and
    published, the same for every epoch.
    """
    keys = [*MODEL, "metric", "vectors", "epoch"]
    rows = found[(found["class"] == "all") & found["epoch"].notna()].astype({"epoch": int})
    table = over_seeds(select(rows, dataset=datasets), keys)
    theirs = cells.loc[cells["class"] == "all", [*MODEL, "metric", "published"]].dropna()
    return table.merge(theirs.drop_duplicates([*MODEL, "metric"]), on=[*MODEL, "metric"], how="left")


def both(ours: pd.Series, theirs: pd.Series, form: str) -> pd.Series:
    """Ours as text, theirs in brackets behind it, "–" for what is not there; form: such as "{:.2f}"."""
    return text(ours, form).fillna("–") + (" (" + text(theirs, form).reindex(ours.index) + ")").fillna("")


def text(numbers: pd.Series, form: str) -> pd.Series:
    """Numbers as text; what is not there stays so."""
    found = {index: form.format(value) for index, value in numbers.dropna().items()}
    return pd.Series(found, dtype="string").reindex(numbers.index)


def statistics(ours: pd.DataFrame, published: pd.DataFrame, datasets: Names, columns: Names) -> pd.DataFrame:
    """Sizes of the data as text, ours and theirs in brackets, indexed by data set.

    columns: metric and its head on the page. Where only the sizes of the classes are published, they are
    added up. ValueError where two models of ours saw data of different sizes.
    """
    mine, theirs = (select(table, dataset=datasets) for table in (ours, once(published)))
    table = {}
    for metric, head in columns.items():
        own = mine[(mine["metric"] == metric) & (mine["class"] == "all")]
        groups = own.groupby("dataset", observed=False)["value"]
        if (groups.max() - groups.min() > ROUNDING).any():
            raise ValueError(f"{metric} differs between runs on the same data set: record them anew")
        rows = theirs[theirs["metric"] == metric]
        whole = rows[rows["class"] == "all"].groupby("dataset", observed=False)["value"].mean()
        added = rows[rows["class"] != "all"].groupby("dataset", observed=False)["value"].sum(min_count=1)
        # What is printed as a whole number stays one.
        table[head] = both(groups.mean(), whole.fillna(added), "{:,.1f}").str.replace(".0", "", regex=False)
    frame = pd.DataFrame(table)
    return frame[(frame != "–").any(axis=1)]


def wide(rows: pd.DataFrame, index: Sequence[str], columns: str, form: str) -> pd.DataFrame:
    """Numbers as text, ours and theirs in brackets: a row per `index`, a column per value of `columns`."""
    numbers = rows.reset_index(drop=True)
    numbers = numbers.assign(text=both(numbers["value"], numbers["published"], form))
    table = numbers.pivot_table("text", list(index), columns, aggfunc="first", observed=True)
    return table.fillna("–").rename_axis(columns=None)
