"""How wiegreffe_pinter.csv beside this file was cut from the table of all known numbers of the paper.

    python book/reference/wiegreffe_pinter.py ALL_NUMBERS.csv

ALL_NUMBERS.csv has the columns source, metric, dataset, model, condition, value. Kept is what stands beside a
number of ours: sizes of the data (Table 1, and those of Jain & Wallace's files, which the paper builds on),
F1 with learned and with uniform attention (Table 2, and Jain & Wallace's rerun of the same model), F1 of the
guided models (Table 3), and the best adversaries (Table 4). A source that begins with "recalled" is from
memory and not verified, nor is what is derived from it.

The λ of Table 4 are between those that we train. They belong to the authors' code, so each number stands
beside the λ of LAMBDAS nearest to its own, of the released loss; its own is in the column `original`.
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
    "lambda",
    "value",
    "note",
    "source",
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
SCORES = {
    "F1_positive": "f1",
    "F1_drop_reproduced_minus_uniform": "f1",
    "accuracy": "accuracy",
    "ROC_AUC": "roc_auc",
    "mean_TVD_to_base": "tvd",
    "mean_JSD_to_base": "jsd",
}
# Experiment and method by model and condition.
METHODS = {
    ("LSTM", "attention, reported by Jain & Wallace"): ("uniform", "learned attention"),
    ("LSTM", "attention, reproduced"): ("uniform", "learned attention"),
    ("LSTM", "uniform frozen attention"): ("uniform", "uniform attention"),
    ("LSTM", ""): ("uniform", "difference"),
    ("lstm+tanh", "test"): ("uniform", "learned attention"),
    ("guided MLP", "guide weights = uniform"): ("diagnostic", "uniform"),
    ("guided MLP", "guide weights = trained MLP"): ("diagnostic", "trained MLP"),
    ("guided MLP", "guide weights = base LSTM"): ("diagnostic", "base LSTM"),
    ("guided MLP", "guide weights = adversary (lambda .001)"): ("diagnostic", "trained adversary"),
    ("adversary", "best with mean JSD > .4"): ("adversary", "trained adversary"),
}
# The λ of our grid that a paper's own may stand beside, and the one of Table 3.
LAMBDAS = (0.0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1, 1.0)
GUIDE = 0.001


def nearest(own: float) -> float:
    """The λ of our grid that is nearest to one of the paper's."""
    return min(LAMBDAS, key=lambda ours: abs(ours - own))


def main(path: str) -> None:
    """Write wiegreffe_pinter.csv beside this file."""
    table = pd.read_csv(path, dtype=str)
    table = table[table["dataset"].isin(DATASETS)].fillna({"model": "", "condition": ""})
    own = table[table["metric"] == "lambda"].set_index("dataset")["value"].astype(float)

    sizes = table[table["metric"].isin(SIZES)]
    sizes = sizes.assign(
        experiment="uniform",
        encoder="any",
        scorer="any",
        metric=sizes["metric"].map(SIZES),
        original=sizes["condition"],
    )

    named = pd.Series(list(zip(table["model"], table["condition"], strict=True)), table.index)
    scores = table[table["metric"].isin(SCORES) & named.isin(METHODS)]
    found = named[scores.index].map(METHODS)
    scores = scores.assign(
        experiment=found.str[0],
        encoder="bilstm",
        scorer="additive",
        metric=scores["metric"].map(SCORES),
        method=found.str[1],
        original=scores["condition"],
    )
    adversary = scores["experiment"] == "adversary"
    theirs = scores["dataset"].map(own).where(adversary)
    scores["lambda"] = theirs.map(nearest, na_action="ignore")
    scores.loc[scores["method"].eq("trained adversary") & ~adversary, "lambda"] = GUIDE
    scores.loc[adversary, "original"] += ", λ = " + theirs[adversary].map("{:g}".format)
    # Table 2 holds two numbers of one cell.
    reported = scores["condition"].str.contains("reported by")
    scores.loc[reported, "source"] += ", as reported by Jain & Wallace"

    kept = pd.concat([sizes, scores], ignore_index=True)
    kept["value"] = kept["value"].astype(float)
    kept["dataset"] = kept["dataset"].map(DATASETS)
    recalled = kept["source"].str.match("(derived from )?recalled")
    kept["note"] = recalled.map({True: "unverified", False: ""})
    kept = kept.assign(**{"class": "all"}).reindex(columns=COLUMNS)
    kept.to_csv(Path(__file__).with_suffix(".csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
