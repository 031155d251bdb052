"""Verify recorded runs: `attnbook verify [name=value …] [--all]` runs them again and compares.

A filter chooses by a column of runs.csv (paper, experiment, dataset, encoder, scorer, seed, vectors …) or of
the recorded tables (metric, class, method …); of those only the rows that fit are compared. A value is a
glob, and several are divided by "|": seed=0|1. A single run is run again at once, several are listed unless
`--all` is given.

What has to be the same: with the versions, device and threads of the record every number, after the rounding
of the record. Elsewhere training amplifies the last digits, so that a number must lie within a tolerance: the
one named for its metric (--tolerance, TOLERANCES), else its row's own interval, else FALLBACK.

Two kinds of numbers are told apart in the report. What a run gives and the record, which is older, has not,
is listed and not compared. What rests on random draws (DRAWN) and was recorded when these were others is
compared as an estimate of the same quantity: the two intervals must overlap, and where there is none nothing
is asked.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch  # of the environment alone

import pandas as pd

from attnbook import NOTEBOOKS
from attnbook.runs import record, results, run
from attnbook.runs.compare import NEW, OTHER_DRAWS, compare, matching
from attnlib import data
from attnlib.cache import cache_folder
from attnlib.checks import is_own
from attnlib.data import files
from attnlib.data.catalogue import DATA_SETS

# Recorded (paper, experiment) whose page or parameters have other names today: the page, new names by old.
RENAMED: dict[tuple[str, str], tuple[str, dict[str, str]]] = {}
# Columns of runs.csv that decide the last digits.
DECIDE = (*record.VERSIONS, *record.MACHINE)
# Initial word vectors that need no other data.
OWN_VECTORS = ("random", "corpus")


class Refused(ValueError):
    """A recorded run that cannot be run again here; the message says which and why."""


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    rows: of `compare`; elsewhere: as `differs_here` gives it; exact: whether the numbers had to be the same.
    """

    rows: pd.DataFrame
    elsewhere: dict[str, tuple[str, str]]
    exact: bool

    @property
    def compared(self) -> pd.DataFrame:
        """The rows that the record has."""
        return self.rows[self.rows["side"] != NEW]

    @property
    def differing(self) -> pd.DataFrame:
        """The rows that do not agree."""
        return self.rows[~self.rows["agrees"]]


def recorded_runs(folder: str | Path) -> pd.DataFrame:
    """The rows of every <paper>/runs.csv in a folder. FileNotFoundError where there is none."""
    runs = record.every_run(folder)
    if runs.empty:
        raise FileNotFoundError(f"no recorded run in {folder}: there is no <paper>/runs.csv")
    return runs


def recorded_rows(row: Mapping[str, Any], folder: str | Path) -> pd.DataFrame:
    """The recorded numbers of a run, a row of runs.csv. Refused where there are none."""
    path = results.recorded_table(folder, row["paper"], row["experiment"])
    table = results.read_recorded(path)
    if table is None or (rows := table[table["run"] == row["run"]]).empty:
        raise Refused(f"{name_of(row)}: {path} has no row of it")
    return rows.dropna(axis=1, how="all").reindex(columns=table.columns)


def choose(filters: Mapping[str, str], folder: str | Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Recorded runs that meet the filters, and those filters that are on columns of the recorded tables.

    ValueError names a filter that is neither, and lists those there are.
    """
    runs = recorded_runs(folder)
    of_runs = {name: value for name, value in filters.items() if name in runs}
    of_rows = {name: value for name, value in filters.items() if name not in runs}
    found = matching(runs, of_runs)
    if not of_rows:
        return found, of_rows
    known = set(runs.columns)
    keep = []
    for paper, experiment in runs[["paper", "experiment"]].drop_duplicates().to_numpy():
        table = results.read_recorded(results.recorded_table(folder, paper, experiment))
        if table is not None:
            known |= set(table.columns)
            if set(of_rows) <= set(table.columns):
                keep += list(matching(table, of_rows)["run"].unique())
    if unknown := sorted(set(of_rows) - known):
        raise ValueError(f"no column {', '.join(map(repr, unknown))}: there are {', '.join(sorted(known))}")
    return found[found["run"].isin(keep)], of_rows


def name_of(row: Mapping[str, Any]) -> str:
    """A run in words, from its row of runs.csv."""
    parts = [f"{row['paper']}/{row['experiment']}", row["dataset"], row["encoder"], row["scorer"]]
    parts += [f"seed {row['seed']}", *(f"{name} {row[name]}" for name in results.RUN[6:] if row[name])]
    return f"run {row['run']} ({', '.join(map(str, parts))})"


@cache
def checksum(dataset: str) -> str:
    """The checksum of a data set on this machine. DataError if it is not here, ValueError if unknown."""
    with patch.dict(os.environ, ATTNLIB_OFFLINE="1"):
        if dataset in data.scene_names():
            return data.load_scenes(dataset).checksum
        return data.load(dataset).checksum


def as_today(row: Mapping[str, Any], notebooks: str | Path = NOTEBOOKS) -> tuple[Path, dict[str, Any]]:
    """The notebook of a recorded run and its parameters, under the names that they have today (RENAMED).

    ValueError where the record does not hold its parameters.
    """
    recorded = (row["paper"], row["experiment"])
    page, names = RENAMED.get(recorded, ("/".join(recorded), {}))
    try:
        parameters = dict(json.loads(row["parameters"]))
    except (ValueError, TypeError):
        raise ValueError(f"its parameters are not known ({row['parameters']!r})") from None
    today = {names.get(str(name), str(name)): value for name, value in parameters.items()}
    return Path(notebooks) / f"{page}.py", today


def repeatable(row: Mapping[str, Any], notebooks: str | Path = NOTEBOOKS) -> tuple[Path, dict[str, Any]]:
    """The notebook and the parameters that make a recorded run, a row of runs.csv, again.

    Refused by name: unknown parameters, a notebook that is gone, data or word vectors that are not on this
    machine or are other ones.
    """
    try:
        source, parameters = as_today(row, notebooks)
        if not source.is_file():
            raise ValueError(f"there is no notebook {source}")
        given = parameters.get("dataset")
        here = checksum(given if is_own(given) else row["dataset"])
        vectors = parameters.get("vectors", OWN_VECTORS[0])
        if vectors not in (*OWN_VECTORS, *data.names()):
            raise ValueError(f"a record does not keep where the file of vectors {vectors!r} lay")
        # By the names of its files where they are known: to read them takes longer than most runs.
        known = DATA_SETS[vectors].files if vectors in DATA_SETS else [None]
        if vectors not in OWN_VECTORS and not all(item and files.find(vectors, item.path) for item in known):
            checksum(vectors)
        if row["data"] and here != row["data"]:
            raise ValueError(f"the data here are others (sha256 {here[:12]}…, recorded {row['data'][:12]}…)")
    except (ValueError, data.DataError) as error:
        raise Refused(f"{name_of(row)}: {error}") from None
    return source, parameters


def run_again(
    source: Path, parameters: Mapping[str, Any], threads: str = "", retrain: bool = False
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Run a notebook in a temporary folder: its summary, as a record would have it, and its provenance.

    threads: of the record, empty where it does not say; retrain: with a cache that holds no model and no
    vectors. ValueError and papermill's exceptions for a run that fails.
    """
    with tempfile.TemporaryDirectory(prefix="attnlib-verify-") as place:
        folder = Path(place)
        around = {"ATTNLIB_OFFLINE": "1"} | ({"OMP_NUM_THREADS": threads} if threads else {})
        if retrain:
            around["ATTNLIB_CACHE"] = str(folder / "cache")
            (folder / "cache").mkdir()
            # Downloaded data are no result.
            if (cache_folder() / "data").is_dir():
                (folder / "cache" / "data").symlink_to((cache_folder() / "data").resolve())
        with patch.dict(os.environ, around):
            run.run(source, folder / "run.ipynb", {**parameters, "output": str(folder / "tables")})
        summary = results.read_summary(folder / "tables" / results.SUMMARY)
        results.write(record.whole(summary), folder / "rounded.csv", record.FLOAT_FORMAT)
        return results.read_summary(folder / "rounded.csv"), results.read_origin(folder / "tables")


def differs_here(row: Mapping[str, Any], origin: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What of DECIDE is not as recorded: {column: (recorded, here)}, without what the record does not say."""
    here = {**origin["versions"], **origin}
    pairs = {name: (str(row[name]), str(here.get(name, ""))) for name in DECIDE}
    return {name: pair for name, pair in pairs.items() if pair[0] and pair[0] != pair[1]}


def verify(
    row: Mapping[str, Any],
    folder: str | Path = results.RECORDED,
    notebooks: str | Path = NOTEBOOKS,
    filters: Mapping[str, str] | None = None,
    tolerances: Mapping[str, float] | None = None,
    tolerant: bool = False,
    retrain: bool = False,
) -> Outcome:
    """Run a recorded run, a row of runs.csv, again and compare the rows that meet the filters.

    tolerant: within tolerances even where all is as recorded. Refused where it cannot be run again here;
    whatever the notebook raised where it fails.
    """
    old = recorded_rows(row, folder)
    source, parameters = repeatable(row, notebooks)
    new, origin = run_again(source, parameters, row["threads"], retrain)
    elsewhere = differs_here(row, origin)
    exact = not tolerant and not elsewhere
    other_draws = row.get("draws", "") != str(origin["draws"])
    rows = compare(old, new, exact, tolerances, other_draws)
    return Outcome(matching(rows, filters or {}), elsewhere, exact)


def report(row: Mapping[str, Any], outcome: Outcome) -> str:
    """What came of a run, in lines: what was asked of it, and every row that differs."""
    differing, count = outcome.differing, len(outcome.compared)
    asked = "to the last recorded digit" if outcome.exact else "within tolerances"
    lines = [f"{name_of(row)}: {count - len(differing)} of {count} numbers agree, {asked}"]
    for name, (old, new) in outcome.elsewhere.items():
        lines.append(f"  {name}: recorded with {old}, here {new or 'unknown'}")
    drawn = outcome.compared[outcome.compared["note"] == OTHER_DRAWS]
    if len(drawn):
        free = int((drawn["allowed"] == "any").sum())
        lines.append(
            f"  {len(drawn)} of them rest on random draws, which were others when this was recorded: their "
            f"intervals must overlap ({free} have none)"
        )
    new_rows = outcome.rows[outcome.rows["side"] == NEW]
    if len(new_rows):
        metrics = ", ".join(dict.fromkeys(new_rows["metric"]))
        lines.append(f"  not compared, {len(new_rows)} numbers that the record does not have: {metrics}")
    if len(differing):
        # What all rows share, the run's name says already.
        keys = list(differing.columns[: list(differing).index("recorded")])
        keys = [k for k in keys if k == "metric" or (k not in results.RUN and (differing[k] != "").any())]
        shown = differing[[*keys, "recorded", "now", "difference", "allowed", "side", "note"]]
        shown = shown.loc[:, [name == "allowed" or (shown[name] != "").any() for name in shown]]
        table = shown.to_string(index=False, float_format="{:.6g}".format, na_rep="-")
        lines += [f"  {line}" for line in table.splitlines()]
        if outcome.exact and not row["processor"]:
            lines.append("  The record does not name its processor; on another one try --tolerant.")
    return "\n".join(lines)


def pair(text: str) -> tuple[str, str]:
    """A `name=value` argument; an error of the command line for one that is none."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r}: give name=value")
    return name, value


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `attnbook verify`: 0 if all agree, 1 if not, 2 if nothing was verified."""
    parser = argparse.ArgumentParser(prog="attnbook verify", description=__doc__)
    add = parser.add_argument
    add("filters", nargs="*", type=pair, metavar="NAME=VALUE", help="such as paper=violation seed='0|1'")
    add("--all", action="store_true", help="verify every run that fits, not one alone")
    add("--retrain", action="store_true", help="use no model and no vectors of the cache")
    add("--tolerant", action="store_true", help="within tolerances, on the same machine too")
    help_ = "absolute, for a metric"
    add("--tolerance", type=pair, action="append", default=[], metavar="METRIC=VALUE", help=help_)
    add("--results", default=str(results.RECORDED), help="folder of the recorded tables")
    add("--notebooks", default=str(NOTEBOOKS), help="folder of the notebooks")
    options = parser.parse_args(arguments)
    try:
        tolerances = {name: float(value) for name, value in options.tolerance}
        runs, of_rows = choose(dict(options.filters), options.results)
        if runs.empty:
            raise ValueError(f"no recorded run fits {' '.join(map('='.join, options.filters))}")
    except (ValueError, FileNotFoundError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    if len(runs) > 1 and not options.all:
        # What tells them apart, and the seconds that each took.
        columns = ["run", *(name for name in results.RUN if (runs[name] != "").any()), "seconds"]
        print(runs[columns].to_string(index=False))
        print(f"{len(runs)} runs fit: narrow them down, or give --all", file=sys.stderr)
        return 2
    agreeing = 0
    rows: list[Any] = runs.to_dict("records")
    asked = (options.results, options.notebooks, of_rows, tolerances, options.tolerant, options.retrain)
    for row in rows:
        try:
            outcome = verify(row, *asked)
        except Refused as error:
            print(f"refused: {error}")
        except Exception as error:  # of a notebook: anything
            print(f"{name_of(row)} failed: {error}")
        else:
            print(report(row, outcome), flush=True)
            agreeing += outcome.differing.empty
    if len(runs) > 1:
        print(f"{agreeing} of {len(runs)} runs agree")
    return 0 if agreeing == len(runs) else 1
