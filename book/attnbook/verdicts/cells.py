"""The table of cells: results of ours over seeds, and published numbers beside them.

A cell is a number of one model: a data set, encoder and scorer, and whatever else tells it from others
(CELL). Everything that a page compares is read, chosen and averaged here; nothing here knows any paper.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from attnbook import BOOK
from attnbook.runs import results
from attnbook.runs.results import label
from attnlib.tables.summaries import OF_ONE_CLASS

# Result tables by a name, such as the paper; labels by identifier.
Tables = Mapping[str, pd.DataFrame]
Names = Mapping[str, str]
REFERENCE = BOOK / "reference"
MODEL = ("dataset", "encoder", "scorer")
# What tells one number from another within a paper, besides the seed.
CELL = ("experiment", *MODEL, "class", "bin", "metric", "method", "epsilon")
# Conditions that not every paper's tables have.
FURTHER = ("against", "lambda", "operator", "target", "layers", "layer", "head")
TEXT = (*MODEL, "metric", "class", "variant", "vectors", "bin", "method", "operator", "run")
CONFIDENCE = 0.95
# Two results of a seed that differ by less are the same number.
ROUNDING = 1e-6


def reference(name: str) -> dict[str, Any]:
    """What book/reference/<name>.toml says: of `papers`, `claims`, `ledgers`, `defects`."""
    return tomllib.loads((REFERENCE / f"{name}.toml").read_bytes().decode())


OURS, CHOOSE = "results of ours for one number", "choose variant and vectors"

# Columns of a published table that say something about its number; the others are conditions on ours.
ABOUT = ("value", "note", "source", "checked_in", "original")
REQUIRED = ("experiment", *MODEL, "class", "metric", *ABOUT)


def read_table(path: str | Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a table of book/reference, <name>.csv, packed or not; ValueError names the columns it lacks."""
    path = results.as_it_lies(path)
    table = results.read(path)
    if missing := [column for column in required if column not in table]:
        raise ValueError(f"{path}: the columns {missing} are missing; there are {list(table.columns)}")
    return table


def read_published(path: str | Path) -> pd.DataFrame:
    """Read a paper's numbers: columns REQUIRED, and further conditions such as bin, method, epsilon.

    An empty condition is none, and `ledger.ANY` averages over ours. checked_in: where somebody checked the
    number: files of the authors, their code, or the paper. ValueError names the file and the line of a number
    that is repeated, not checked, or empty without a note that says why.
    """
    table = read_table(path, REQUIRED)
    repeated = table.duplicated([column for column in table if column not in ("value", "note", "original")])
    silent = table["value"].isna() & table["note"].isna()
    for wrong, words in (
        (repeated, "repeats an earlier number"),
        (silent, "has neither a value nor a note that says why"),
        (table["checked_in"].isna(), "does not say where it was checked"),
    ):
        if wrong.any():
            raise ValueError(f"{path}: line {wrong.to_numpy().argmax() + 2} {words}")
    return table


def recorded(
    paper: str, experiments: Iterable[str], fresh: results.Folder = None, folder: results.Folder = None
) -> pd.DataFrame:
    """Results of several experiments in one table (`results.recorded`), `complete`; none needs to have any.

    folder and fresh: as in `results.recorded`.
    """
    parts = [pd.DataFrame()]
    for experiment in experiments:
        with suppress(FileNotFoundError):
            parts.append(results.recorded(paper, experiment, fresh, folder))
    return complete(pd.concat(parts, ignore_index=True))


def complete(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every column of the schema and of FURTHER, empty where it has none, and `search`.

    search: which adversary the row's run looked for ("published", "released"), read off its methods, since
    uniform attention and the exact optimum stand in every run of the adversary; empty in other runs.
    """
    columns = [*table.columns, *results.COLUMNS, *results.OPTIONAL, "run", *FURTHER]
    # A table without rows has no types; what follows may join names.
    table = table.reindex(columns=list(dict.fromkeys(columns))).astype(dict.fromkeys(TEXT, object))
    method = table["method"].astype("string")
    searches = table[method.str.endswith(" search").fillna(False).astype(bool)]
    of_run = searches.drop_duplicates("run").set_index("run")["method"].astype(str)
    search = table["run"].map(of_run.str.removesuffix(" search").to_dict())
    return table.assign(search=search.astype(object))


def main_grid(found: pd.DataFrame, variants: Sequence[str] = (results.MAIN_VARIANT,)) -> pd.DataFrame:
    """Rows of the main grid: these variants, from the vectors of `results.MAIN_VECTORS`."""
    usual = label(found["dataset"], results.MAIN_VECTORS)
    return found[found["variant"].isin(variants) & (found["vectors"] == usual)]


def select(table: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """The rows that meet every condition; none where a column is missing.

    A condition is column=value, column=(several, values), or column=[values] or column={value: label}: then
    the values become categories in that order, under their labels.

    >>> table = pd.DataFrame({"encoder": ["bilstm", "average"], "value": [0.1, 0.2]})
    >>> select(table, encoder={"average": "average", "bilstm": "BiLSTM"})["encoder"].tolist()
    ['BiLSTM', 'average']
    """
    for column, wanted in where.items():
        if column not in table:
            return table[:0]
        names = dict(zip(wanted, wanted, strict=True)) if isinstance(wanted, list) else wanted
        values = names if isinstance(names, tuple | Mapping) else (names,)
        table = table[table[column].isin(list(values))]
        if isinstance(names, Mapping):
            shown = pd.Categorical(table[column].map(dict(names)), list(dict.fromkeys(names.values())), True)
            table = table.assign(**{column: shown})
    return table


def tuples(where: Mapping[str, Any]) -> dict[str, Any]:
    """Conditions of a TOML file as `select` takes them: several values are a tuple, and no categories."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in where.items()}


def stack(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The parts that have rows in one table; without any, the first, whose columns there are."""
    first, *others = parts
    return pd.concat([part for part in (first, *others) if len(part)] or [first], ignore_index=True)


def overall(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of all texts; those of every class where a data set and metric has none of all texts.

    Nothing stands in for measures of one class (`OF_ONE_CLASS`), whose mean over classes is
    another measure; the rows of a single class remain.
    """
    everything = rows["class"] == "all"
    keys = [rows["dataset"], rows["metric"]]
    covered = everything.groupby(keys).transform("any").astype(bool)
    several = rows.groupby(keys)["class"].transform("nunique") > 1
    return rows[everything | ~(covered | (several & rows["metric"].isin(OF_ONE_CLASS)))]


def several(what: str, cell: pd.Series, remedy: str) -> ValueError:
    """The error of a cell that has several values, by its conditions."""
    named = ", ".join(f"{key} {value}" for key, value in cell.dropna().items())
    return ValueError(f"several {what} ({named}): {remedy}")


def all_texts(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of all classes and bins together."""
    return rows[rows["class"].eq("all") & rows["bin"].isna()]


def over_seeds(ours: pd.DataFrame, keys: Sequence[str] = CELL, mixed: bool = False) -> pd.DataFrame:
    """Mean, least and greatest value over seeds (value, low, high), each (by seed), n_seeds and n per cell.

    n: texts, mean over seeds. NaN values are left out. mixed: a seed may have several values (classes, bins,
    models), and its mean counts; else ValueError names the cell: choose variant and vectors before.
    """
    keys = list(keys)
    ours = ours.reindex(columns=list(dict.fromkeys([*ours, *keys, "seed", "value", "n"])))
    ours = ours.dropna(subset="value").astype({"value": float, "n": float})
    seeds = ours.groupby([*keys, "seed"], dropna=False, observed=True, sort=False)
    # Two searches at one ε both write down what uniform and random attention do: the same number twice.
    apart = (seeds["value"].max() - seeds["value"].min()).reset_index()
    if not mixed and (apart["value"] > ROUNDING).any():
        raise several(OURS, apart.drop(columns="value").iloc[apart["value"].to_numpy().argmax()], CHOOSE)
    each = seeds[["value", "n"]].mean().reset_index()
    # The last digit of a mean hangs on the order of all rows.
    each = each.sort_values([*keys, "seed"] if mixed else "seed", kind="stable")
    groups = each.groupby(keys, dropna=False, observed=True, sort=False)
    table = groups["value"].agg(value="mean", low="min", high="max", each=tuple, n_seeds="count")
    return table.assign(n=groups["n"].mean()).reset_index()


def range_over_seeds(ours: pd.DataFrame, keys: Sequence[str] = CELL) -> pd.DataFrame:
    """The cells of `over_seeds` with low and high NaN where there is one seed only, which has no range."""
    cells = over_seeds(ours, keys)
    several = cells["n_seeds"] > 1
    return cells.assign(low=cells["low"].where(several), high=cells["high"].where(several))


def mean_interval(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of `over_seeds` or `beside` with low and high the interval of the mean (Student's t).

    At CONFIDENCE, over training seeds; NaN below two of them.
    """
    seeds = [np.array(each) if isinstance(each, tuple) and len(each) > 1 else None for each in cells["each"]]
    n = np.array([np.nan if each is None else len(each) for each in seeds])
    deviation = np.array([np.nan if each is None else each.std(ddof=1) for each in seeds])
    half = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * deviation / np.sqrt(n)
    return cells.assign(low=cells["value"] - half, high=cells["value"] + half)


def over_rows(
    rows: pd.DataFrame,
    keys: Sequence[str],
    published: pd.DataFrame | None = None,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Mean, least and greatest value (value, low, high) of all rows that share the keys, over all else.

    published: numbers to stand beside them in a column `published`, averaged in the same way. orders: of the
    values of keys, for charts.
    """
    keys = list(keys)
    found = rows.groupby(keys, observed=True, sort=False)["value"].agg(value="mean", low="min", high="max")
    if published is not None:
        found = found.join(published.groupby(keys, observed=True)["value"].mean().rename("published"))
    over = found.reset_index()
    for key in set(keys) & set(orders or {}):
        over[key] = pd.Categorical(over[key], list(orders[key]), ordered=True)  # type: ignore[index]
    return over


def once(published: pd.DataFrame) -> pd.DataFrame:
    """Every number once; of one that was published twice the row without a note (the other is rounded)."""
    keys = [key for key in CELL if key in published]
    exact_first = published.sort_values("note", na_position="first", kind="stable")
    return exact_first.drop_duplicates(keys).sort_index()


def beside(ours: pd.DataFrame, published: pd.DataFrame, datasets: Names) -> pd.DataFrame:
    """One row per number that either side has: ours over seeds (see `over_seeds`) and `published`.

    ours: rows of one setting per cell and seed; published: as `read_published` has them; datasets: labels, in
    the order of the page. The other side's columns are NaN where it has no such number.
    """
    theirs = select(once(published), dataset=datasets).reindex(columns=[*CELL, "value"])
    order = theirs["dataset"].cat.categories
    # Keys that are empty throughout have no type of their own to be merged by.
    kinds = {key: float if key == "epsilon" else object for key in CELL}
    mine = over_seeds(select(ours, dataset=datasets)).astype(kinds)
    theirs = theirs.astype(kinds).rename(columns={"value": "published"})
    table = mine.merge(theirs, on=list(CELL), how="outer")
    table["dataset"] = pd.Categorical(table["dataset"], order, True)
    return table.sort_values("dataset", kind="stable", ignore_index=True)


def run_names(runs: pd.Series) -> str:
    """Names of runs, each once, divided by blanks."""
    return " ".join(dict.fromkeys(runs.astype(str)))
