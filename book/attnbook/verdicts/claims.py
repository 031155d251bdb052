"""Claims and verdicts: a sentence of a paper read as an inequality, counted over models and data sets.

A `Reading` says which numbers of a result table a claim is about and which bound they should keep to; a
verdict follows from how many of them do. Nothing here knows any paper. Published numbers are read the same
way once they have a seed, any one.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from attnbook.verdicts.cells import Tables, over_seeds, overall, select, several

VERDICTS = ("holds", "differs", "undecided", "not run")
# A claim about models in general holds or differs only if data sets agree: three in four of them, and no
# verdict from fewer than three.
HOLDS = 0.75
DIFFERS = 0.25
FEWEST = 3

RELATIONS = {"<": operator.lt, "≤": operator.le, ">": operator.gt, "≥": operator.ge}

# Arguments of `spread` by what it is called.
Spreads = Mapping[str, Mapping[str, Any]]
# What tells the cells of a reading apart; everything else must be settled by its conditions.
CELL = ["dataset", "seed", "metric", "class", "bin", "vectors", "epoch"]


@dataclass(frozen=True)
class Reading:
    """One way to read a claim: an inequality that a number meets or does not.

    words: the inequality in words, for the page; metrics: the rows it is about, each a cell of its own;
    relation: a key of RELATIONS, to `bound`; where: conditions on the rows, column: value or tuple of values;
    minus: conditions that differ for a second row, which is subtracted from the first (same data set, seed,
    metric); fewest: texts that a number must rest on, where the table says how many there are.
    """

    words: str
    metrics: tuple[str, ...]
    relation: str
    bound: float
    where: Mapping[str, Any] = field(default_factory=dict)
    minus: Mapping[str, Any] = field(default_factory=dict)
    fewest: int = 0

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise ValueError(f"relation {self.relation!r} of {self.words!r} is none of {list(RELATIONS)}")

    def holds(self, values: pd.Series, bound: float | None = None) -> pd.Series:
        """Whether each value meets the inequality, with another bound if one is given."""
        return RELATIONS[self.relation](values, self.bound if bound is None else bound)


def at_selected(table: pd.DataFrame) -> pd.DataFrame:
    """Of rows by epoch, those of the epoch that each run's rule keeps (its row `selected` has value 1)."""
    kept = table.loc[(table["metric"] == "selected") & (table["value"] == 1), ["run", "epoch"]]
    return table.merge(kept.drop_duplicates(), on=["run", "epoch"])


def cells(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """The numbers that a reading is about: columns CELL, value, and holds.

    Undefined values (NaN) are no cells, nor are those of fewer texts than `reading.fewest`. ValueError names
    the cell that has several values.
    """
    first = _rows(table, reading, reading.where)
    if reading.minus:
        second = _rows(table, reading, {**reading.where, **reading.minus})
        first = first.merge(second, on=CELL, suffixes=("", "_subtracted"))
        first["value"] -= first["value_subtracted"]
    first = first[[*CELL, "value"]].dropna(subset=["value"]).reset_index(drop=True)
    return first.assign(holds=reading.holds(first["value"]))


def _rows(table: pd.DataFrame, reading: Reading, where: Mapping[str, Any]) -> pd.DataFrame:
    rows = overall(select(table, metric=reading.metrics, **where))
    rows = rows.reindex(columns=[*CELL, "value", "n"])
    rows = rows[~(rows["n"].astype(float) < reading.fewest)]
    repeated = rows.loc[rows.duplicated(CELL), CELL]
    if len(repeated):
        raise several(f"values for one number of {reading.words!r}", repeated.iloc[0], "add conditions")
    return rows.drop(columns="n").astype({"value": float})


def shares(found: pd.DataFrame) -> pd.Series:
    """Share of a data set's cells that meet the inequality, by data set."""
    return found["holds"].astype(float).groupby(found["dataset"]).mean()


def decide(share: pd.Series) -> str:
    """The verdict on the shares of data sets, one of VERDICTS but "not run".

    With fewer than FEWEST data sets "undecided"; then by the mean over data sets, so that one with more seeds
    counts no more than another: from HOLDS on "holds", up to DIFFERS "differs", between them "undecided".
    """
    if len(share) < FEWEST:
        return "undecided"
    # A mean of exactly a threshold reaches it, whatever the last digit.
    mean = round(float(share.mean()), 9)
    return "holds" if mean >= HOLDS else "differs" if mean <= DIFFERS else "undecided"


def verdict(table: pd.DataFrame, reading: Reading) -> str:
    """The verdict on a claim: "not run" without a number of its experiment, else that of `decide`.

    A bin or a number of texts is no condition on the experiment: where no text meets it, the claim was run
    and is undecided.
    """
    anywhere = {column: value for column, value in reading.where.items() if column != "bin"}
    if cells(table, replace(reading, where=anywhere, fewest=0)).empty:
        return "not run"
    return decide(shares(cells(table, reading)))


def together(verdicts: Iterable[str]) -> str:
    """One verdict on several: theirs where all are the same, "not run" where one is, else "undecided"."""
    kinds = set(verdicts)
    if unknown := kinds - set(VERDICTS):
        raise ValueError(f"{sorted(unknown)} are no verdicts: there are {VERDICTS}")
    if not kinds or "not run" in kinds:
        return "not run"
    return kinds.pop() if len(kinds) == 1 else "undecided"


def same_verdict(table: pd.DataFrame, reading: Reading) -> tuple[float, float]:
    """Lowest and highest bound around the reading's own between which the verdict is the same.

    -inf or inf where no bound on that side changes it; (NaN, NaN) without cells. Only a bound that crosses a
    value can change a verdict, so it is enough to try the middles between neighbouring values.
    """
    found = cells(table, reading)
    if found.empty:
        return float("nan"), float("nan")
    values = np.unique(found["value"].to_numpy(float))
    edges = np.concatenate([[-np.inf], values, [np.inf]])
    middles = np.concatenate([[values[0] - 1], (values[:-1] + values[1:]) / 2, [values[-1] + 1]])
    own, low, high = decide(shares(found)), -np.inf, np.inf
    for below, above, middle in zip(edges[:-1], edges[1:], middles, strict=True):
        if decide(shares(found.assign(holds=reading.holds(found["value"], middle)))) == own:
            continue
        if above <= reading.bound:
            low = above
        elif below >= reading.bound:
            high = below
            break
    return float(low), float(high)


def between(low: float, high: float, digits: int = 2) -> str:
    """A range of bounds in words; empty where there is none."""
    if np.isnan(low):
        return ""
    least, most = number(low, digits), number(high, digits)
    if np.isinf(low):
        return "any" if np.isinf(high) else f"up to {most}"
    return f"from {least}" if np.isinf(high) else f"{least} to {most}"


def count(found: pd.DataFrame) -> str:
    """On how many data sets an inequality holds, as the end of a sentence."""
    share = shares(found)
    every, none = int((share == 1).sum()), int((share == 0).sum())
    words = f"on {every or 'none'} of {len(share)} data set{'' if len(share) == 1 else 's'}"
    some = len(share) - every - none
    return f"{words}, in part on {some}" if some else words


def report(readings: Iterable[Reading], ours: Tables, theirs: pd.DataFrame) -> str:
    """The verdicts on some readings as a Markdown list; arguments as those of `overview`."""
    lines = []
    for reading in readings:
        verdicts = {name: verdict(table, reading) for name, table in ours.items()}
        found, published = cells(next(iter(ours.values())), reading), cells(theirs, reading)
        (_, word), *others = verdicts.items()
        line = f"- *{reading.words}:* **{word}**"
        if word != "not run":
            line += f", {count(found)}" if len(found) else ", as no number meets its conditions"
        line += "".join(f"; {name}: {other}" for name, other in others)
        if len(published):
            line += f". By the published numbers: {verdict(theirs, reading)}, {count(published)}"
        lines.append(line + ".")
    return "\n".join(lines)


def overview(claims: Mapping[str, Iterable[Reading]], ours: Tables, theirs: pd.DataFrame) -> pd.DataFrame:
    """One row per reading: its cells counted, the verdict, how far that hangs on the bound, and others'.

    claims: readings by the name of their claim; ours: result tables by a name, the first of which decides
    and the others of which have a column of their verdicts each; theirs: the published numbers, with a seed.
    """
    main, *others = ours
    rows = []
    for name, readings in claims.items():
        for reading in readings:
            found, published = cells(ours[main], reading), cells(theirs, reading)
            row = {
                "claim": name,
                "inequality": reading.words,
                "data sets": found["dataset"].nunique(),
                "models": len(found[["dataset", "seed"]].drop_duplicates()),
                "share": shares(found).mean(),
                "verdict": verdict(ours[main], reading),
                "same verdict for bounds": between(*same_verdict(ours[main], reading)),
            }
            row |= {other: verdict(ours[other], reading) for other in others}
            row |= {"their share": shares(published).mean(), "by their numbers": verdict(theirs, reading)}
            rows.append(row)
    return pd.DataFrame(rows)


def spread(table: pd.DataFrame, metric: str, by: str = "dataset", **where: Any) -> pd.DataFrame:
    """`over_seeds` of a metric, by data set or another column: value, low, high and n_seeds are used here.

    Where there are several rows of a seed (classes, bins) it is their mean; undefined values are left out.
    """
    rows = overall(select(table, metric=metric, **where))
    return over_seeds(rows, [by], mixed=True).set_index(by).sort_index()


def in_words(found: pd.DataFrame, digits: int = 2) -> pd.Series:
    """Each spread as a text, such as "0.35 (0.31 to 0.38)"; the mean alone where there is one seed."""

    def word(row: pd.Series) -> str:
        mean, low, high = (number(row[name], digits) for name in ("value", "low", "high"))
        return mean if row["n_seeds"] < 2 else f"{mean} ({low} to {high})"

    return pd.Series({name: word(row) for name, row in found.iterrows()}, dtype=object)


def side_by_side(columns: Tables, digits: int = 2, name: str = "data set") -> pd.DataFrame:
    """Spreads as columns of text, a row per data set of any of them; empty where a column has none.

    seeds: the largest number of any column; name: of what the rows are.
    """
    rows = pd.Index(sorted({row for found in columns.values() for row in found.index}), name=name)
    seeds = pd.DataFrame({column: found["n_seeds"].reindex(rows) for column, found in columns.items()})
    words = {column: in_words(found, digits).reindex(rows) for column, found in columns.items()}
    table = pd.DataFrame({"seeds": seeds.max(axis=1).astype(int)} | words, index=rows)
    return table.fillna("").reset_index()


def compared(ours: pd.DataFrame, theirs: pd.DataFrame, columns: Spreads) -> pd.DataFrame:
    """Spreads of ours in rows, with a column `published`, their mean; a row per data set of ours and name.

    columns: the arguments of `spread` by name.
    """
    parts = []
    for name, where in columns.items():
        found = spread(ours, **where)
        # A column set on a frame without rows would give it rows.
        published = spread(theirs, **where)["value"].reindex(found.index)
        parts.append(found.assign(published=published, name=name))
    return pd.concat(parts).rename_axis(index="dataset").reset_index().sort_values("dataset", kind="stable")


def beside(ours: pd.DataFrame, theirs: pd.DataFrame, columns: Spreads) -> pd.DataFrame:
    """Spreads as columns of text, after each of ours the published one if there is any.

    columns: the arguments of `spread` by name; the rows are the data sets of ours, and so are the seeds.
    """
    own = {name: spread(ours, **where) for name, where in columns.items()}
    rows = {row for found in own.values() for row in found.index}
    pairs = {}
    for name, where in columns.items():
        pairs[name] = own[name]
        published = spread(theirs, **where)
        if len(published):
            pairs[f"{name}, theirs"] = published[published.index.isin(rows)]
    return side_by_side(pairs).assign(seeds=side_by_side(own)["seeds"])


def ends(means: pd.Series, digits: int = 2) -> str:
    """The lowest and the highest of some means, each with its name, as a part of a sentence."""
    means = means.dropna()
    if means.empty:
        return "(no result yet)"
    words = [f"{number(value, digits)} ({name})" for name, value in means.sort_values(kind="stable").items()]
    return words[0] if len(words) == 1 else f"between {words[0]} and {words[-1]}"


def number(value: float, digits: int = 2) -> str:
    """A number for a sentence, with a minus sign and never "−0.00"; words where there is none."""
    if np.isnan(value):
        return "(no result yet)"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def least_to_most(counts: pd.Series) -> str:
    """Some counts in words, "2" or "1 to 3"; empty without any."""
    ends = dict.fromkeys([counts.min(), counts.max()]) if len(counts) else {}
    return " to ".join(map(str, ends))
