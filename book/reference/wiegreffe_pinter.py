"""How wiegreffe_pinter.csv beside this file was cut from the table of all known numbers of the paper.

    python book/reference/wiegreffe_pinter.py ALL_NUMBERS.csv

ALL_NUMBERS.csv has the columns source, metric, dataset, model, condition, value. No number of the paper
could be checked against it. Kept are the sizes of the data in Jain & Wallace's released files, which the
paper builds on; the scores of their models are numbers of Jain & Wallace and stand in jain_wallace.csv.
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
DATASETS = {
    "SST": "sst",
    "IMDb": "imdb",
    "AgNews": "agnews",
    "20News": "20news_sports",
    "Diabetes": "diabetes",
    "Anemia": "anemia",
}
SIZES = {
    "avg_length_train_tokens": "mean_length",
    "n_train_negative": "n_train_negative",
    "n_train_positive": "n_train_positive",
    "n_test_negative": "n_test_negative",
    "n_test_positive": "n_test_positive",
    "vocab_size_with_specials": "n_words",
}
CHECKED_IN = {
    "file: successar/AttentionExplanation graph_outputs/evaluate (HEAD)": "Jain & Wallace's released tables",
    "file: J&W preprocessing notebooks": "Jain & Wallace's released notebooks",
    "recomputed from J&W sst_dataset.csv": "Jain & Wallace's released texts, counted",
}


def main(path: str) -> None:
    """Write wiegreffe_pinter.csv beside this file."""
    table = pd.read_csv(path, dtype=str)
    kept = table["dataset"].isin(DATASETS) & table["metric"].isin(SIZES) & table["source"].isin(CHECKED_IN)
    kept = table[kept]
    kept = kept.assign(
        experiment="uniform",
        dataset=kept["dataset"].map(DATASETS),
        encoder="any",
        scorer="any",
        note=kept["condition"].fillna(""),
        checked_in=kept["source"].map(CHECKED_IN),
        original=kept["metric"],
        metric=kept["metric"].map(SIZES),
        **{"class": "all"},
    )
    kept[COLUMNS].to_csv(Path(__file__).with_suffix(".csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
