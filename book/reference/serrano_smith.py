"""How serrano_smith.csv beside this file was cut from the table of all known numbers of the paper.

    python book/reference/serrano_smith.py ALL_NUMBERS.csv

ALL_NUMBERS.csv has the columns source, metric, dataset, model, condition, value. Kept is what stands beside a
number of ours: the sizes of the data (Table 1) and the decision flips of single erasures (Table 2). A source
that begins with "recalled" is from memory and not verified, and the page says so; the paper's other results
are drawings without numbers. Percentages become shares.
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
    "method",
    "value",
    "note",
    "source",
]
DATASETS = {"Yahoo": "yahoo", "IMDB": "imdb10", "Amazon": "amazon_full", "Yelp": "yelp_full"}
SIZES = {
    "avg_words": "mean_words",
    "sd_words": "deviation_words",
    "avg_sentences": "mean_sentences",
    "sd_sentences": "deviation_sentences",
    "n_train_plus_dev": "n_train_dev",
    "n_test": "n_test",
    "n_classes": "n_classes",
}
FLIPS = {
    "i* flips yes; r flips yes": "flip_both",
    "i* flips yes; r flips no": "flip_top_only",
    "i* flips no; r flips yes": "flip_other_only",
    "i* flips no; r flips no": "flip_neither",
}


def main(path: str) -> None:
    """Write serrano_smith.csv beside this file."""
    table = pd.read_csv(path, dtype=str)
    table = table[table["dataset"].isin(DATASETS)]
    sizes = table[table["metric"].isin(SIZES) & table["model"].isna() & table["condition"].isna()]
    sizes = sizes.assign(
        experiment="base", encoder="any", scorer="any", metric=sizes["metric"].map(SIZES), factor=1.0
    )
    flips = table[table["metric"] == "decision_flip_percent"]
    flips = flips.assign(
        experiment="single",
        encoder=flips["model"],
        scorer="learned_query",
        metric=flips["condition"].map(FLIPS),
        method="attention, released",
        factor=0.01,
    )
    kept = pd.concat([sizes, flips], ignore_index=True)
    kept["value"] = (kept["value"].astype(float) * kept["factor"]).round(6)
    kept["dataset"] = kept["dataset"].map(DATASETS)
    kept["note"] = kept["source"].str.startswith("recalled").map({True: "unverified", False: ""})
    kept = kept.assign(**{"class": "all", "original": kept["condition"].fillna("")})
    kept[[*COLUMNS, "original"]].to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
