"""How serrano_smith.csv beside this file was cut from the table of all known numbers of the paper.

    python book/reference/serrano_smith.py ALL_NUMBERS.csv

ALL_NUMBERS.csv has the columns source, metric, dataset, model, condition, value. No number of the paper
could be checked against it. Kept is what the released configurations fix: the number of classes.
"""

import sys
from pathlib import Path

import pandas as pd

COLUMNS = [
    "experiment",
    "dataset",
    "encoder",
    "scorer",
    "class",
    "metric",
    "value",
    "note",
    "source",
    "checked_in",
    "original",
]
DATASETS = {"Yahoo": "yahoo", "IMDB": "imdb10", "Amazon": "amazon_full", "Yelp": "yelp_full"}
CHECKED_IN = {"code configs (output size)": "released configurations"}


def main(path: str) -> None:
    """Write serrano_smith.csv beside this file."""
    table = pd.read_csv(path, dtype=str)
    kept = table[table["dataset"].isin(DATASETS) & table["source"].isin(CHECKED_IN)]
    kept = kept.assign(
        experiment="base",
        dataset=kept["dataset"].map(DATASETS),
        encoder="any",
        scorer="any",
        note="",
        checked_in=kept["source"].map(CHECKED_IN),
        original=kept["metric"],
        **{"class": "all"},
    )
    kept[COLUMNS].to_csv(Path(__file__).with_suffix(".csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
