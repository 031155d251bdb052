"""Recorded numbers against those of a run now: which row belongs to which, and what may differ.

With the versions, device and threads of the record every number must be the same. Elsewhere training
amplifies the last digits, so that a number must lie within a tolerance: the one named for its metric, else
its row's own interval, else FALLBACK. What rests on random draws (DRAWN) and was recorded when these were
others is compared as an estimate of the same quantity.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from attnbook.runs import results
from attnbook.runs.results import fits, label

_KNOWN = tomllib.loads(Path(__file__).with_suffix(".toml").read_bytes().decode())
# Absolute tolerances: for a row without an interval, and by globs of metrics.
FALLBACK: float = _KNOWN["fallback"]
TOLERANCES: dict[str, float] = _KNOWN["tolerances"]
# Numbers that rest on draws for each text, which the column draws of runs.csv is about: globs by column.
DRAWN: list[dict[str, str]] = _KNOWN["drawn"]
# What is said of a row.
GONE, NEW, OTHER_DRAWS = "no row now", "no row recorded", "other draws"


def words(values: pd.Series) -> pd.Series:
    """Cells as texts by which two tables are matched, whatever type a column got as it was read."""
    plain = values.map(lambda value: f"{value:g}" if isinstance(value, (int, float)) else str(value))
    return plain.mask(values.isna(), "").astype(object)


def matching(table: pd.DataFrame, filters: Mapping[str, str]) -> pd.DataFrame:
    """The rows that meet every filter, column: value or globs divided by |."""
    kept = pd.Series(True, index=table.index)
    for column, wanted in filters.items():
        # Equal first: a bin, "[0, .25)", would be a glob of something else.
        kept &= words(table[column]).map(lambda value, w=wanted: value == w or fits(value, w))
    return table[kept]


def compare(
    recorded: pd.DataFrame,
    now: pd.DataFrame,
    exact: bool,
    tolerances: Mapping[str, float] | None = None,
    other_draws: bool = False,
) -> pd.DataFrame:
    """One row per number that either side has: its keys, recorded, now, difference, allowed and agrees.

    exact: value, interval and n must be equal; else the value within `allowed`, of the first glob of
    `tolerances` and TOLERANCES that fits the metric, else the recorded interval ("interval"), else FALLBACK.
    A number that is undefined on one side only, or has no row now, does not agree; one that has no row in the
    record, which is older, does.

    other_draws: the record's draws for each text were others. Then those of DRAWN agree where the intervals
    overlap ("overlap"), and where the recorded one is not known ("any"); a bin may be empty on one side.
    """
    numbers = list(results.NUMBERS)
    keys = [name for name in dict.fromkeys([*recorded, *now]) if name not in (*numbers, "run", "origin")]
    sides = [table.reindex(columns=[*keys, *numbers]) for table in (recorded, now)]
    old, new = (side[numbers].astype(float).join(side[keys].apply(words)) for side in sides)
    both = old.merge(new, on=keys, how="outer", suffixes=("", "_now"), indicator="side", sort=False)
    side = both["side"].map({"both": "", "left_only": GONE, "right_only": NEW}).astype(object)
    was, here = both[numbers], both[[f"{name}_now" for name in numbers]].set_axis(numbers, axis=1)
    same = (was == here) | (was.isna() & here.isna())
    difference = (here["value"] - was["value"]).abs().where(~same["value"], 0.0)
    named = pd.to_numeric(label(both["metric"], {**(tolerances or {}), **TOLERANCES}), errors="coerce")
    if exact:
        allowed, agrees = pd.Series(0.0, both.index).astype(object), same.all(axis=1)
    else:
        # An interval without width is that of texts which all agree: it says nothing about another machine.
        inside = named.isna() & (was["high"] > was["low"])
        agrees = difference <= named.fillna(FALLBACK) + 1e-12
        agrees = agrees.mask(inside, here["value"].between(was["low"], was["high"]))
        agrees = agrees.mask(was["value"].isna() | here["value"].isna(), same["value"])
        allowed = named.fillna(FALLBACK).astype(object).mask(inside, "interval")
    timed = np.isinf(named)
    agrees = (side == "") & (agrees | timed)
    allowed = allowed.mask(timed, "any")
    # Equal values may rest on another number of texts, or have another interval.
    note = pd.Series("interval or n", both.index).mask(same.all(axis=1) | ~same["value"], "")
    if other_draws:
        drawn = of_draws(both)
        low, high = (here[end].fillna(here["value"]) for end in ("low", "high"))
        known = was["low"].notna() & was["high"].notna()
        overlap = (low <= was["high"]) & (was["low"] <= high)
        there = side == ""
        if "bin" in both:  # an empty one has no row
            there |= both["bin"] != ""
        agrees = agrees.mask(drawn, there & (overlap | ~known))
        allowed = allowed.mask(drawn, known.map({True: "overlap", False: "any"}))
        note = note.mask(drawn, OTHER_DRAWS)
    found = both[keys].assign(recorded=was["value"], now=here["value"], difference=difference)
    return found.assign(allowed=allowed, agrees=agrees | (side == NEW), side=side, note=note)


def of_draws(table: pd.DataFrame) -> pd.Series:
    """Which rows rest on draws for each text (DRAWN), [rows] bool."""
    found = pd.Series(False, table.index)
    for globs in DRAWN:
        if set(globs) <= set(table):
            found |= table.index.isin(matching(table, globs).index)
    return found
