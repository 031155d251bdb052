"""How far a sweep is, and when it will be done: `attnbook progress config/jain_wallace.yaml`.

Reads what finished runs wrote; a sweep need not be at work, and is not disturbed. With --recorded it is the
runs of book/results that count. --rest writes the runs still to go as a grid of their own.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from attnbook.runs import grid, record, results
from attnlib.cache import check_output

# What each run took, by notebook and name of the run.
Seconds = dict[tuple[str, str], float]


def finished(folder: str | Path, runs: grid.Runs) -> Seconds:
    """Seconds that each finished run of a sweep took by its own account, training apart; of `runs` only.

    folder: of the sweep. A run is finished when its summary is there (`results.save_run` writes it last).
    """
    places = {key: Path(folder, *key) for key in runs}
    return {key: _seconds(place) for key, place in places.items() if (place / results.SUMMARY).is_file()}


def _seconds(place: Path) -> float:
    try:
        return float(results.read_origin(place)["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return float("nan")


def recorded(folder: str | Path, runs: grid.Runs) -> Seconds:
    """As `finished`, of the runs that are recorded in a folder such as book/results with these parameters."""
    known: dict[str, list[tuple[dict[str, Any], float]]] = {}
    rows = record.every_run(folder)
    for row in rows[rows["parameters"] != ""].to_dict("records"):
        given = json.loads(row["parameters"]), float(row["seconds"] or "nan")
        known.setdefault(f"{row['paper']}/{row['experiment']}", []).append(given)
    return {
        (notebook, name): seconds
        for (notebook, name), parameters in runs.items()
        for own, seconds in known.get(notebook, [])
        if all(own.get(key) == value for key, value in parameters.items())
    }


def table(runs: grid.Runs, seconds: Seconds) -> pd.DataFrame:
    """A row per notebook and data set: runs, done, and seconds still to go on one core.

    Runs to come take the mean of those done on the same notebook and data set; where none is, that of the
    notebook; else NaN, not known.
    """
    keys = ["notebook", "dataset"]
    named = [(notebook, str(parameters.get("dataset", ""))) for (notebook, _), parameters in runs.items()]
    rows = pd.DataFrame(named, columns=keys).assign(done=[key in seconds for key in runs])
    rows["seconds"] = [seconds.get(key, float("nan")) for key in runs]
    usual = rows.groupby(keys)["seconds"].transform("mean")
    usual = usual.fillna(rows.groupby("notebook")["seconds"].transform("mean"))
    groups = rows.assign(to_go=usual.where(~rows["done"], 0.0)).groupby(keys, sort=False)
    counts = groups.agg(runs=("done", "size"), done=("done", "sum"))
    # A sum with an unknown part is not known.
    return counts.assign(to_go=groups["to_go"].agg(lambda part: part.sum(skipna=False))).reset_index()


def told(counts: pd.DataFrame, cores: int) -> str:
    """The table in words, its last line the whole; `cores` runs go at a time."""
    lines = [
        f"{row['notebook']:<32} {row['dataset']:<20} {row['done']:>5} of {row['runs']:<5} "
        f"{_in_words(row['to_go'])}"
        for row in counts.to_dict("records")
    ]
    to_go, unknown = counts["to_go"].sum(), int(counts["to_go"].isna().sum())
    lines_of = "line" if unknown == 1 else "lines"
    rest = f", and {unknown} {lines_of} of which no run is done yet" if unknown else ""
    done, whole = int(counts["done"].sum()), int(counts["runs"].sum())
    share = f"{done} of {whole} runs are done ({done / whole if whole else 1:.0%})"
    rest = f"to go on {cores} cores, training apart: {_in_words(to_go / cores)}{rest}"
    return "\n".join([*lines, f"{share}; {rest}"])


def _in_words(seconds: float) -> str:
    if pd.isna(seconds):
        return "not known"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def main(words: list[str] | None = None) -> None:
    """Entry point of `attnbook progress`."""
    parser = argparse.ArgumentParser(prog="attnbook progress", description=__doc__)
    parser.add_argument("config", help="a grid, such as config/jain_wallace.yaml")
    parser.add_argument("--sweep", default="build/sweep", help="folder of the runs (build/sweep)")
    parser.add_argument("--recorded", action="store_true", help="count recorded runs, those of book/results")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="runs at a time (all cores)")
    parser.add_argument("--rest", metavar="FILE", help="write the runs still to go to FILE, as a grid")
    options = parser.parse_args(words)
    if options.rest:
        check_output(options.rest, "--rest", "rest.yaml")
    if options.cores < 1:
        parser.error(f"--cores is {options.cores}: at least 1 is needed")
    runs = grid.read(options.config)
    done = recorded(results.RECORDED, runs) if options.recorded else finished(options.sweep, runs)
    print(told(table(runs, done), options.cores))
    if options.rest:
        rest = {key: parameters for key, parameters in runs.items() if key not in done}
        if not rest:
            raise ValueError(f"no run is still to go: {options.rest} is not written")
        grid.write(options.rest, rest)
