"""The tables of many runs as one: `attnbook collect runs/* --output summary.csv`.

A run is the folder that its parameter `output` named. A folder that is none is searched for runs below it;
one without any summary is named and left out. @FILE stands for the names in a file, one a line.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from attnbook.escaped import for_spreadsheet
from attnbook.runs import results
from attnbook.runs.results import ORIGIN, SUMMARY, TEXTS, check_whole
from attnlib.cache import check_output


def collect(places: Iterable[str | Path], texts: bool = False) -> tuple[pd.DataFrame, list[Path]]:
    """The tables of the runs in `places`, one below the other, and the places that have none.

    texts: the rows of the texts instead of the summaries. Without any run an empty table of the schema.
    FileNotFoundError for a place that does not exist; ValueError names a table that is cut or malformed.
    """
    name, read = (TEXTS, results.read) if texts else (SUMMARY, results.read_summary)
    tables, without = [], []
    for place in map(Path, places):
        if not place.exists():
            raise FileNotFoundError(f"{place} does not exist: give the folders of runs")
        own = place.parent if place.is_file() else place
        runs = [own / ORIGIN] if (own / ORIGIN).is_file() else sorted(own.rglob(ORIGIN))
        found = [path.parent for path in runs if path.with_name(SUMMARY).is_file()]
        if not found:
            without.append(place)
        tables += [read(check_whole(run / name)) for run in found]
    empty = pd.DataFrame(columns=list(results.COLUMNS))
    return pd.concat(tables, ignore_index=True) if tables else empty, without


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `attnbook collect`."""
    parser = argparse.ArgumentParser(prog="attnbook collect", description=__doc__, fromfile_prefix_chars="@")
    parser.add_argument("runs", nargs="+", help="folders of runs, such as build/sweep or runs/*")
    parser.add_argument("-o", "--output", default=SUMMARY, help="a .csv, .csv.gz or .parquet (summary.csv)")
    parser.add_argument("--texts", action="store_true", help="the rows of the texts, not the summaries")
    options = parser.parse_args(arguments)
    check_output(options.output, "--output", SUMMARY)
    table, without = collect(options.runs, options.texts)
    for place in without:
        print(f"{place}: no run with a {SUMMARY}; left out", file=sys.stderr)
    # A parquet keeps every word as it is.
    results.write(table if options.output.endswith(".parquet") else for_spreadsheet(table), options.output)
    print(f"{len(table)} rows in {options.output}")
