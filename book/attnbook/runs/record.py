"""Record a sweep in the repository: `attnbook record [build/sweep] [book/results]`.

Collects every complete run of a sweep folder into book/results/<paper>: one table of summaries for each
experiment and runs.csv (where each run came from), packed as .csv.gz when they are long, and
distributions.csv.gz (histograms over texts, of one seed of each cell). What was recorded before stays, except
runs that the sweep holds again; a second call changes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from attnbook.runs import results
from attnbook.runs.values import naming
from attnlib.tables import summaries

# Column of instances.parquet: lowest value, highest value and number of bins, as in Jain & Wallace's Figures
# 2 and 7 and on the pages of this book.
TAUS = ("tau_gradient", "tau_leave_one_out", "tau_gradient_leave_one_out")
HISTOGRAMS = dict.fromkeys(TAUS, (-1.0, 1.0, 30)) | {"jsd": (0.0, 0.7, 40)}
DISTRIBUTIONS = "distributions.csv.gz"
# A table longer than this, in bytes, is packed: a row has a dozen digits of its own and a hundred letters
# that it shares with its neighbours, so that a tenth is left.
PACKED_ABOVE = 40_000
# Columns of runs.csv after those that tell runs apart: what makes a number again. A "+" after the commit says
# that files were changed.
VERSIONS = ("python", "torch", "numpy", "scipy", "pandas")
MACHINE = ("device", "processor", "threads")
PROVENANCE = ("commit", *VERSIONS, *MACHINE, "draws", "data", "seconds", "date", "parameters")
# Those of a table that was recorded before they were kept are empty.
LATER = ("scipy", "pandas", "processor", "draws")
# Six significant digits: more than any sampling error leaves, and a rounded last bit is no difference.
FLOAT_FORMAT = "%.6g"


def histogram(values: np.ndarray, low: float, high: float, bins: int) -> pd.DataFrame:
    """Share of the values [N] in each of `bins` equal bins on [low, high]: columns value, low, high, n.

    A bin is [low, high), the last one closed. NaN values are left out and `n` counts what is left; empty bins
    have no row. ValueError for a value outside the range.
    """
    values = values[~np.isnan(values)]
    slack = 1e-6 * (high - low)
    outside = values[(values < low - slack) | (values > high + slack)]
    if len(outside):
        raise ValueError(f"{len(outside)} values lie outside [{low:g}, {high:g}], such as {outside[0]}")
    count, edges = np.histogram(values.clip(low, high), np.linspace(low, high, bins + 1))
    share = count / max(len(values), 1)
    table = pd.DataFrame({"value": share, "low": edges[:-1], "high": edges[1:], "n": len(values)})
    return table[count > 0]


def distributions(instances: pd.DataFrame) -> pd.DataFrame:
    """Histograms of the columns of HISTOGRAMS that a run has, per predicted class, method and epoch.

    Rows as those of `summaries.summarise`, the metric named "<column>_share", and `n` the texts of the class.
    With more than summaries.MOST_CLASSES classes there is one, "all".
    """
    # Runs that have none of these columns need no classes either.
    if not any(name in instances for name in HISTOGRAMS):
        return pd.DataFrame()
    if instances["predicted"].nunique() > summaries.MOST_CLASSES:
        instances = instances.assign(predicted="all")
    keys = [key for key in ("method", "epoch", "predicted") if key in instances]
    parts = [pd.DataFrame()]
    for column in filter(instances.__contains__, HISTOGRAMS):
        for values, texts in instances.groupby(keys, sort=False, observed=True):
            with naming(f"column {column!r}"):
                table = histogram(texts[column].to_numpy(dtype=float), *HISTOGRAMS[column])
            labels: dict[str, Any] = dict(zip(keys, values, strict=True), metric=f"{column}_share")
            labels["class"] = str(labels.pop("predicted"))
            parts.append(table.assign(**labels))
    return pd.concat(parts, ignore_index=True)


def read_distributions(folder: Path, summary: pd.DataFrame) -> pd.DataFrame:
    """Histograms of the run in a folder, with the columns of its summary that say which run it is."""
    path = folder / "instances.parquet"
    try:
        table = distributions(results.read(path))
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} is missing or malformed ({error}): run it again") from None
    same = [name for name in (*results.RUN, "run") if name in summary and len(summary[name].unique()) == 1]
    return table.assign(**summary[same].iloc[0])


def run_row(folder: Path, summary: pd.DataFrame) -> dict[str, str]:
    """One row of runs.csv as text: a run's name and identity, commit, versions, machine, data, parameters."""
    path = folder / "provenance.json"
    try:
        facts = json.loads(path.read_text())
        row = dict.fromkeys(PROVENANCE, "") | facts | facts["versions"]
        row |= {name: facts[name] for name in ("commit", "device", "threads", "date")}
        row |= {"data": dict(facts["settings"]).get("data", ""), "seconds": f"{facts['seconds']:.4g}"}
        parameters = dict(facts["parameters"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is missing or malformed ({error!r}): run it again") from None
    # Where one machine keeps its files means nothing elsewhere.
    parameters.pop("output", None)
    plain = {name: Path(of).name if isinstance(of, str) else of for name, of in parameters.items()}
    row |= results.identity(summary) | {"run": summary["run"].iloc[0]}
    row["parameters"] = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return {name: str(row[name]) for name in ("run", *results.RUN, *PROVENANCE)}


def check_run_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs.csv, columns in order; those of LATER are empty where there are none.

    ValueError names a column that is missing, a run that is named twice or has no commit or date, and
    seconds that are no number. Parameters may be unknown: such a run cannot be repeated.
    """
    columns = ["run", *results.RUN, *PROVENANCE]
    if absent := [name for name in columns if name not in (*table.columns, *LATER)]:
        raise ValueError(f"the columns {absent} are missing")
    table = table.reindex(columns=[*columns, *(name for name in table if name not in columns)])
    table = table.astype(dict.fromkeys(LATER, object)).fillna(dict.fromkeys(LATER, ""))
    for name in ("run", "commit", "date"):
        if (empty := (table[name] == "").to_numpy()).any():
            raise ValueError(f"row {empty.argmax()} has no {name}")
    if table["run"].duplicated().any():
        raise ValueError(f"the run {table.loc[table['run'].duplicated(), 'run'].iloc[0]} is named twice")
    seconds = table["seconds"].astype(str)
    if (broken := pd.to_numeric(seconds, errors="coerce").isna() & (seconds != "")).any():
        raise ValueError(f"row {broken.to_numpy().argmax()}: seconds are {seconds[broken].iloc[0]!r}")
    return table


def read_run_rows(path: Path) -> pd.DataFrame | None:
    """The recorded runs.csv, packed or not, every column as text but the seed; None where there is none."""
    path = results.as_it_lies(path)
    if not path.exists():
        return None
    with naming(f"{path} is malformed"):
        return check_run_rows(pd.read_csv(path, dtype=str, keep_default_na=False)).astype({"seed": int})


def every_run(folder: str | Path) -> pd.DataFrame:
    """The rows of runs.csv of all papers in a folder such as book/results; without any an empty table."""
    tables = [read_run_rows(place / "runs.csv") for place in sorted(Path(folder).glob("*/"))]
    found = [table for table in tables if table is not None]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["run", "parameters"])


def lowest_seeds(runs: pd.DataFrame) -> set[str]:
    """Names of the runs that show the distributions of their cell: those of its lowest seed."""
    cell = [name for name in results.RUN if name != "seed"]
    return set(runs.sort_values("seed", kind="stable").drop_duplicates(cell)["run"])


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """A validated table with its counts as whole numbers: as floats they would be rounded when written."""
    table = results.validate(table)
    return table.astype({name: "Int64" for name in results.WHOLE if name in table})


def packed_if_long(path: Path, table: pd.DataFrame) -> Path:
    """The file for an experiment's table: `path`, or its .csv.gz if it is longer than PACKED_ABOVE."""
    long = path.suffix == ".csv" and len(table.to_csv(index=False, float_format=FLOAT_FORMAT)) > PACKED_ABOVE
    return path.with_name(f"{path.name}.gz") if long else path


def record(sweep: str | Path = "build/sweep", folder: str | Path = "book/results") -> pd.DataFrame:
    """Record every complete run of a sweep folder; returns their rows of runs.csv, and the run's `folder`.

    Everything is read, checked and computed before the first file is written. FileNotFoundError for a sweep
    without a complete run; ValueError names what is malformed.
    """
    runs = results.read_runs(sweep)
    if not runs:
        what = "a run is a folder <paper>/<experiment>/<cell> with a summary.csv"
        raise FileNotFoundError(f"no complete run in {sweep}: {what}")
    rows = pd.DataFrame([{**run_row(place, runs[place]), "folder": place} for place in runs])
    rows = rows.astype({"seed": int})
    tables: dict[Path, pd.DataFrame] = {}
    for paper in sorted(set(rows["paper"])):
        target, own = Path(folder) / paper, rows[rows["paper"] == paper]
        names = set(own["run"])
        for experiment in sorted(set(own["experiment"])):
            path = results.recorded_table(folder, paper, experiment)
            new = [runs[place] for place in own[own["experiment"] == experiment]["folder"]]
            table = whole(results.merge(results.read_recorded(path), new, names))
            tables[packed_if_long(path, table)] = table
        path = results.as_it_lies(target / "runs.csv")
        old = read_run_rows(path)
        origins = results.merge(old, [own.drop(columns="folder")], names)
        shown = lowest_seeds(origins)
        old = results.read_recorded(target / DISTRIBUTIONS)
        new = [read_distributions(place, runs[place]) for place in own[own["run"].isin(shown)]["folder"]]
        table = results.merge(old, new, names)
        if len(table):
            tables[target / DISTRIBUTIONS] = whole(table[table["run"].isin(shown)])
        # Last: a run that is named here is in the other tables.
        origins = check_run_rows(origins)
        tables[packed_if_long(path, origins)] = origins
    for path, table in tables.items():
        results.write(table, path, FLOAT_FORMAT)
        if path.suffix == ".gz":
            path.with_suffix("").unlink(missing_ok=True)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `attnbook record`."""
    parser = argparse.ArgumentParser(prog="attnbook record", description=__doc__)
    parser.add_argument("sweep", nargs="?", default="build/sweep", help="folder of the runs")
    parser.add_argument("folder", nargs="?", default="book/results", help="folder of the recorded tables")
    options = parser.parse_args(arguments)
    rows = record(options.sweep, options.folder)
    for place, commit in zip(rows["folder"], rows["commit"], strict=True):
        if commit == "unknown" or commit.endswith("+"):
            print(f"{place}: no commit holds the code of this run ({commit})", file=sys.stderr)
    print(f"{len(rows)} runs recorded in {options.folder}")
