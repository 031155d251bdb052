"""Record a sweep in the repository: `attnbook record [build/sweep] [book/results]`.

Collects every complete run of a sweep folder into book/results/<paper>: one table of summaries for each
experiment and runs.csv (where each run came from), packed as .csv.gz when they are long. What was recorded
before stays, except runs that the sweep holds again; a second call changes nothing. The packed table of an
experiment is not written again, as git would keep all of it once more: later runs go to
<experiment>.later.csv, and take the place of its own.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

from attnbook.runs import results
from attnbook.runs.values import naming
from attnlib.cache import check_output
from attnlib.checks import is_own

# What a value of a text can be, by column of instances.parquet; a little more than ln 2 for rounding.
RANGES = dict.fromkeys(("tau_gradient", "tau_leave_one_out", "tau_gradient_leave_one_out"), (-1.0, 1.0))
RANGES |= {"jsd": (0.0, 0.7)}
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
USUAL = "book/results"


def check_instances(folder: Path) -> None:
    """ValueError for a run whose texts are missing, malformed or have a value that cannot be (RANGES)."""
    path = results.check_whole(folder / results.TEXTS)
    with results.of_whole_run(path):
        texts = results.read(path)
        inside = {name: texts[name].dropna().between(*RANGES[name]).all() for name in RANGES if name in texts}
    for name in (name for name, all_of_it in inside.items() if not all_of_it):
        low, high = RANGES[name]
        raise ValueError(
            f"{path} is wrong: values of column {name!r} lie outside [{low:g}, {high:g}]: run it again"
        )


def run_row(folder: Path, summary: pd.DataFrame) -> dict[str, str]:
    """One row of runs.csv as text: a run's name and identity, commit, versions, machine, data, parameters."""
    with results.of_whole_run(folder / results.ORIGIN):
        facts = results.read_origin(folder)
        row = dict.fromkeys(PROVENANCE, "") | facts | facts["versions"]
        row |= {name: facts[name] for name in ("commit", "device", "threads", "date")}
        row |= {"data": dict(facts["settings"]).get("data", ""), "seconds": f"{facts['seconds']:.4g}"}
        parameters = dict(facts["parameters"])
    # Where one machine keeps its files means nothing elsewhere, but for data that are nowhere else.
    parameters.pop("output", None)
    plain = {name: Path(of).name if isinstance(of, str) else of for name, of in parameters.items()}
    if is_own(parameters.get("dataset")):
        plain["dataset"] = parameters["dataset"]
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
        return check_run_rows(results.read(path, as_text=True)).astype({"seed": int})


def every_run(folder: str | Path) -> pd.DataFrame:
    """The rows of runs.csv of all papers in a folder such as book/results; without any an empty table."""
    tables = [read_run_rows(place / "runs.csv") for place in sorted(Path(folder).glob("*/"))]
    found = [table for table in tables if table is not None]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["run", "parameters"])


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """A validated table with its counts as whole numbers: as floats they would be rounded when written."""
    table = results.validate(table)
    return table.astype({name: "Int64" for name in results.WHOLE if name in table})


def packed_if_long(path: Path, table: pd.DataFrame) -> Path:
    """The file for an experiment's table: `path`, or its .csv.gz if it is longer than PACKED_ABOVE."""
    long = path.suffix == ".csv" and len(table.to_csv(index=False, float_format=FLOAT_FORMAT)) > PACKED_ABOVE
    return path.with_name(f"{path.name}.gz") if long else path


def is_new(table: pd.DataFrame, kept: pd.DataFrame) -> bool:
    """Whether the rows of one run, as they would be written, are not those of the run in the kept table."""
    own = kept[kept["run"] == table["run"].iloc[0]]
    columns = list(dict.fromkeys([*kept, *table]))
    parts = (whole(part).reindex(columns=columns) for part in (own, table))
    return len({part.to_csv(index=False, float_format=FLOAT_FORMAT) for part in parts}) > 1


def record(sweep: str | Path = "build/sweep", folder: str | Path | None = None) -> pd.DataFrame:
    """Record every complete run of a sweep folder; returns their rows of runs.csv, and the run's `folder`.

    folder: None is book/results, which may be published, so that runs of data of one's own are refused there
    (ValueError). Everything is read, checked and computed before the first file is written. FileNotFoundError
    for a sweep without a complete run; ValueError names what is malformed.
    """
    check_output(USUAL if folder is None else folder)
    runs = results.read_runs(sweep)
    if not runs:
        what = "a run is a folder <paper>/<experiment>/<cell> with a summary.csv"
        raise FileNotFoundError(f"no complete run in {sweep}: {what}")
    for place in runs:
        check_instances(place)
    rows = pd.DataFrame([{**run_row(place, runs[place]), "folder": place} for place in runs])
    rows = rows.astype({"seed": int})
    if folder is None:
        own = [is_own(json.loads(parameters).get("dataset")) for parameters in rows["parameters"]]
        if any(own):
            called = ", ".join(sorted(set(rows["dataset"][own])))
            raise ValueError(
                f"{sum(own)} runs are of data of your own ({called}), which do not go to {USUAL} unasked: "
                f"name a folder, as in attnbook record {sweep} build/records"
            )
    folder = USUAL if folder is None else folder
    tables: dict[Path, pd.DataFrame] = {}
    for paper in sorted(set(rows["paper"])):
        target, own = Path(folder) / paper, rows[rows["paper"] == paper]
        names = set(own["run"])
        for experiment in sorted(set(own["experiment"])):
            path = results.recorded_table(folder, paper, experiment)
            new = [runs[place] for place in own[own["experiment"] == experiment]["folder"]]
            kept = results.read_recorded(path)
            if kept is not None and path.suffix == ".gz":
                path, new = results.later_than(path), [table for table in new if is_new(table, kept)]
                if not new:
                    continue
                kept = results.read_recorded(path)
            table = whole(results.merge(kept, new, (table["run"].iloc[0] for table in new)))
            tables[packed_if_long(path, table)] = table
        path = results.as_it_lies(target / "runs.csv")
        origins = results.merge(read_run_rows(path), [own.drop(columns="folder")], names)
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
    parser.add_argument("folder", nargs="?", help=f"folder of the recorded tables (default: {USUAL})")
    options = parser.parse_args(arguments)
    rows = record(options.sweep, options.folder)
    for place, commit in zip(rows["folder"], rows["commit"], strict=True):
        if commit == "unknown" or commit.endswith("+"):
            print(f"{place}: no commit holds the code of this run ({commit})", file=sys.stderr)
    print(f"{len(rows)} runs recorded in {options.folder or USUAL}")
