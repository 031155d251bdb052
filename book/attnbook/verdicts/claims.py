"""Claims: a sentence of a paper read as an inequality, its numbers in a result table, and its verdict.

A `Claim` says which numbers of a table it is about, over which bound it makes a statement, and when it was
written down; `judge` gives its verdict by the rule of `inference`. The claims of the papers are data, in
book/reference/claims.toml. Published numbers are read the same way once they have a seed, any one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from attnbook.verdicts import cells as table_of_cells
from attnbook.verdicts import inference
from attnbook.verdicts.cells import over_seeds, overall, select, several, tuples
from attnbook.verdicts.papers import dataset_name

# Arguments of `spread` by what it is called.
Spreads = Mapping[str, Mapping[str, Any]]
# What tells the numbers of a claim apart; everything else must be settled by its conditions.
CELL = ["dataset", "encoder", "scorer", "seed", "metric", "class", "bin", "vectors", "epoch"]
# When a claim was written: before any run that judges it was recorded, after a few of them, or after all.
WRITTEN = ("before", "partly after", "after")


@dataclass(frozen=True)
class Claim:
    """One inequality that a claim of a paper is read as.

    claim: in words; metrics: the rows it is about, which count by their mean where there are several;
    relation: a key of `inference.RELATIONS`, to `bound`; where: conditions on the rows, column: value or
    tuple of values, of which a single data set makes it a claim about that one; minus: conditions that differ
    for a second row, which is subtracted from the first (same data set, seed, metric); fewest: texts that a
    number must rest on, where the table says how many there are; range: that of the quantity, where it is
    bounded.

    paper (a key of `papers.PAPERS`) and section: where it stands; chapter: the notebook about it; measure:
    the inequality in words, {bound} is the bound; written (one of WRITTEN) and commit: when; derived and
    given: a table that is worked out first (`together.DERIVED`) and its argument; digits: of its numbers on
    the page.
    """

    claim: str
    metrics: tuple[str, ...]
    relation: str
    bound: float
    where: Mapping[str, Any] = field(default_factory=dict)
    minus: Mapping[str, Any] = field(default_factory=dict)
    fewest: int = 0
    range: tuple[float, float] | None = None
    paper: str = ""
    section: str = ""
    chapter: str = ""
    measure: str = ""
    written: str = "before"
    commit: str = ""
    derived: str = ""
    given: Any = None
    digits: int = 2

    def __post_init__(self) -> None:
        for name, value, known in (
            ("relation", self.relation, tuple(inference.RELATIONS)),
            ("written", self.written, WRITTEN),
        ):
            if value not in known:
                raise ValueError(f"{name} {value!r} of {self.claim!r} is none of {list(known)}")


def _read(given: Mapping[str, Any]) -> Claim:
    nested = {key: tuples(given.get(key, {})) for key in ("where", "minus")}
    return Claim(**tuples(given) | nested)


CLAIMS = {name: _read(given) for name, given in table_of_cells.reference("claims")["claims"].items()}
# What was expected of the experiments of "beyond", by the same rule.
EXPECTED = {name: _read(given) for name, given in table_of_cells.reference("expected")["expected"].items()}


def cells(table: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The numbers that a claim is about: columns CELL, value and n.

    An undefined value is NaN, and so is one of fewer texts than `claim.fewest`. ValueError names the cell
    that has several values.
    """
    # What the subtracted row has otherwise does not tell the two apart.
    keys = [key for key in CELL if key not in claim.minus]
    first = _rows(table, claim, claim.where, keys)
    if claim.minus:
        second = _rows(table, claim, {**claim.where, **claim.minus}, keys)
        first = first.merge(second[[*keys, "value"]], on=keys, suffixes=("", "_subtracted"))
        first["value"] -= first["value_subtracted"]
    return first[[*CELL, "value", "n"]].reset_index(drop=True)


def _rows(table: pd.DataFrame, claim: Claim, where: Mapping[str, Any], keys: list[str]) -> pd.DataFrame:
    rows = overall(select(table, metric=claim.metrics, **where))
    rows = rows.reindex(columns=[*CELL, "value", "n"]).astype({"value": float, "n": float})
    repeated = rows.loc[rows.duplicated(keys), keys]
    if len(repeated):
        raise several(f"values for one number of {claim.claim!r}", repeated.iloc[0], "add conditions")
    return rows.assign(value=rows["value"].mask(rows["n"] < claim.fewest))


def judge(found: pd.DataFrame, claim: Claim) -> inference.Judgement:
    """The verdict on a claim; found: of `cells`. A claim about one data set is judged over its seeds."""
    named = isinstance(claim.where.get("dataset"), str)
    return inference.judge(found, claim.relation, claim.bound, claim.range, named)


def row(found: pd.DataFrame, claim: Claim) -> dict[str, Any]:
    """What a page shows of a claim and its numbers: the verdict, and what it rests on.

    found: of `cells`. data sets: how many have a number, or which one it is about and how many seeds it has.
    """
    judged, own = judge(found, claim), found.dropna(subset="value")
    seeds = own.groupby(["dataset", "encoder", "scorer"], dropna=False)["seed"].nunique()
    low, high = (number(end, claim.digits) for end in (judged.low, judged.high))
    return {
        "data sets": f"{dataset_name(claim.where['dataset'])} alone" if judged.named else str(judged.units),
        "seeds": least_to_most(seeds),
        "mean": number(judged.value, claim.digits) if judged.units else "",
        "95 % interval": f"{low} to {high}" if np.isfinite(judged.low) else "",
        "bound": f"{claim.relation} {number(claim.bound, 3).rstrip('0').rstrip('.')}",
        "verdict": judged.verdict,
    }


def expected(*names: str, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """What was expected of recorded runs, a row per name of EXPECTED: in words, and as `row` has it.

    table: None takes the experiment's, of "beyond".
    """
    rows = []
    for claim in (EXPECTED[name] for name in names):
        found = table_of_cells.recorded("beyond", [claim.where["experiment"]]) if table is None else table
        words = {"expected": claim.claim, "measure": claim.measure.format(bound=claim.bound)}
        rows.append(words | row(cells(found, claim), claim))
    return pd.DataFrame(rows)


def spread(table: pd.DataFrame, metric: str, by: str = "dataset", **where: Any) -> pd.DataFrame:
    """`over_seeds` of a metric, by data set or another column: value, low, high and n_seeds are used here.

    Where there are several rows of a seed (classes, bins) it is their mean; undefined values are left out.
    """
    rows = overall(select(table, metric=metric, **where))
    return over_seeds(rows, [by], mixed=True).set_index(by).sort_index()


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
