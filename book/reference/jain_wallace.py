"""How jain_wallace.csv.gz beside this file was cut from the table of all the authors' numbers.

    python book/reference/jain_wallace.py ALL_NUMBERS.csv

ALL_NUMBERS.csv has one row per number that the authors' repository held at any time (columns source, metric,
dataset, encoder, attention, class, value). Kept is what stands beside a number of ours:

- the newest generation only: commit 425a89a, the figures (SVG) of that commit, and what is quoted in print of
  the same generation; models selected on the test set (before 23 April 2019) are left out;
- the paper's twelve data sets; not the clinical ones of a sibling paper;
- not the tables `GradientPval` and `pyxc-pyc_pval`, leftovers of an undocumented top-k variant whose p values
  are all 1; the later tables of the same quantity end in `_kendalltau`;
- each number once: `GradientLOOPval` is `pyxc-pyc` computed twice (they differ by less than 2e-4), the rows
  `ag` and `al` of `CorrStats` are the Overall rows of two other tables, the size of a test set is repeated
  for every model, and averages over classes follow from the classes;
- not `pval_sig` of the two difference tables, which compares a difference of p values with .05.

The authors' code swaps the labels `ag` and `al`; ALL_NUMBERS.csv already says what the rows are.
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
    "bin",
    "metric",
    "method",
    "epsilon",
    "value",
    "note",
    "source",
    "checked_in",
    "original",
]
# In the order of the paper's Table 1.
DATASETS = {
    "sst": "sst",
    "imdb": "imdb",
    "tweet": "adr",
    "20News_sports": "20news_sports",
    "agnews": "agnews",
    "diab": "diabetes",
    "anemia": "anemia",
    "cnn": "cnn",
    "babi_1": "babi1",
    "babi_2": "babi2",
    "babi_3": "babi3",
    "snli": "snli",
}
ENCODERS = {"lstm": "bilstm", "average": "average", "cnn": "convolution", "": "any"}
SCORERS = {"tanh": "additive", "dot": "scaled_dot", "": "any"}
CLASSES = {
    "sst": ("negative", "positive"),
    "imdb": ("negative", "positive"),
    "adr": ("no reaction", "adverse reaction"),
    "20news_sports": ("baseball", "hockey"),
    "agnews": ("world", "business"),
    "diabetes": ("no diabetes", "diabetes"),
    "anemia": ("chronic", "acute"),
    # The authors' newest code sorts the labels.
    "snli": ("contradiction", "entailment", "neutral"),
}
BINS = {
    "0.00-0.25)": "[0, .25)",
    "0.25-0.50)": "[.25, .5)",
    "0.50-0.75)": "[.5, .75)",
    "0.75-1.00)": "[.75, 1]",
}
# Their name of a number, without the bin: our experiment and metric. Every other name is left out.
METRICS = {
    "evaluate:accuracy": ("base", "accuracy"),
    "evaluate:f1-score": ("base", "f1"),
    "evaluate:precision": ("base", "precision"),
    "evaluate:recall": ("base", "recall"),
    "evaluate:roc_auc": ("base", "roc_auc"),
    "evaluate:pr_auc": ("base", "pr_auc"),
    "evaluate:support": ("base", "n_test"),
    "train_size": ("base", "n_train"),
    "test_size": ("base", "n_test"),
    "avg_length": ("base", "mean_length"),
    "tau_g:mean": ("correlation", "tau_gradient"),
    "GradientPval_kendalltau:mean": ("correlation", "tau_gradient"),
    "GradientPval_kendalltau:std": ("correlation", "tau_gradient_deviation"),
    "GradientPval_kendalltau:pval_sig": ("correlation", "significant_gradient"),
    "pyxc-pyc_pval_kendalltau:mean": ("correlation", "tau_leave_one_out"),
    "pyxc-pyc_pval_kendalltau:std": ("correlation", "tau_leave_one_out_deviation"),
    "pyxc-pyc_pval_kendalltau:pval_sig": ("correlation", "significant_leave_one_out"),
    "CorrStats_kendalltau:corr(gradient,LOO) [file label gl]:mean": (
        "correlation",
        "tau_gradient_leave_one_out",
    ),
    "CorrStats_kendalltau:corr(gradient,LOO) [file label gl]:std": (
        "correlation",
        "tau_gradient_leave_one_out_deviation",
    ),
    "CorrStats_kendalltau:corr(gradient,LOO) [file label gl]:pval_sig": (
        "correlation",
        "significant_gradient_leave_one_out",
    ),
    # AG is gradient-LOO minus attention-LOO, AL is gradient-LOO minus attention-gradient.
    "CorrGL-AG_kendalltau:mean": ("correlation", "gap_leave_one_out"),
    "CorrGL-AG_kendalltau:std": ("correlation", "gap_leave_one_out_deviation"),
    "CorrGL-AL_kendalltau:mean": ("correlation", "gap_gradient"),
    "CorrGL-AL_kendalltau:std": ("correlation", "gap_gradient_deviation"),
    "Permutation_MAvDY:q25": ("permutation", "median_tvd_q25"),
    "Permutation_MAvDY:q50": ("permutation", "median_tvd_q50"),
    "Permutation_MAvDY:q75": ("permutation", "median_tvd_q75"),
    "eMaxJDS_Hist:mean_from_bins": ("adversary", "jsd"),
    "eMaxJDS_Hist:median_from_bins": ("adversary", "jsd_median"),
    "eMaxJDS_Hist:frac_ge_0.595": ("adversary", "at_least_0_595"),
    "eMaxJDS_Scatter:q25": ("adversary", "jsd_q25"),
    "eMaxJDS_Scatter:q50": ("adversary", "jsd_q50"),
    "eMaxJDS_Scatter:q75": ("adversary", "jsd_q75"),
}
# Where a number was checked, by the beginning of its source: files of a commit, or the paper in quotation.
CHECKED_IN = {
    "repo@HEAD(425a89a) svg": "figures at 425a89a",
    "repo@HEAD(425a89a)": "tables at 425a89a",
    "paper-v3 Table 2": "paper, quoted by EyaAzzabi/attention-explanation-lab",
    "paper Table 1 sizes": "paper, quoted by EyaAzzabi/attention-explanation-lab",
    "paper Table 1 avg": "paper, quoted by a review",
}
# The released code searches with a hinge at .01 and selects at .05, for every task.
SEARCH = {"method": "released search", "epsilon": "0.05"}
NOTES = {
    "blank": "blank in the authors' file (a NaN text voided the mean)",
    "jsd": "from the bars of a histogram, 40 bins on [0, 0.7]",
    "printed": "printed to two decimals",
    "mean_length": "printed as a whole number",
}


def class_name(dataset: str, name: str) -> str:
    """Our name of one of the authors' class numbers; "all" for their Overall or none."""
    return "all" if name in ("Overall", "") else CLASSES[dataset][int(name)]


def checked_in(source: str) -> str:
    """Where the numbers of a source were checked."""
    return next(place for start, place in CHECKED_IN.items() if source.startswith(start))


def note(row: pd.Series) -> str:
    """What a reader of this one number must know."""
    if row["value"] in ("", "nan"):
        return NOTES["blank"]
    if row["metric"] in ("jsd", "jsd_median"):
        return NOTES["jsd"]
    if row["original"] == "tau_g:mean":
        return NOTES["printed"]
    return NOTES.get(row["metric"], "")


def cut(everything: pd.DataFrame) -> pd.DataFrame:
    """The rows that are kept, in our schema; `everything` has texts only."""
    newest = everything["source"].str.startswith(("repo@HEAD(425a89a)", "paper-v3", "paper Table 1"))
    table = everything[newest & everything["dataset"].isin(DATASETS)].copy()
    table["original"] = table["metric"]
    names = table["metric"].str.extract(r"^(?P<name>.*?)(?:@maxattn\[(?P<bin>.*))?$")
    table["bin"] = names["bin"].map(BINS).fillna("")
    averages = table["class"].str.contains(" avg")
    table = table[names["name"].isin(METRICS) & ~averages]
    table[["experiment", "metric"]] = [METRICS[name] for name in names["name"][table.index]]
    table["dataset"] = table["dataset"].map(DATASETS)
    table["encoder"] = table["encoder"].map(ENCODERS)
    table["scorer"] = table["attention"].map(SCORERS)
    # One bAbI model answers every question alike and so has a class of its own, equal to Overall.
    table = table[~(table["dataset"].str.startswith("babi") & ~table["class"].isin(["Overall", ""]))]
    table["class"] = [class_name(*pair) for pair in zip(table["dataset"], table["class"], strict=True)]
    for column, value in SEARCH.items():
        table[column] = (table["experiment"] == "adversary").map({True: value, False: ""})
    table["note"] = table.apply(note, axis=1)
    table["value"] = [f"{float(value or 'nan'):.6g}".replace("nan", "") for value in table["value"]]
    # The size of a test set does not depend on the model.
    table.loc[table["metric"] == "n_test", ["encoder", "scorer"]] = "any"
    table["source"] = table["source"].str.replace("a stored ", "a ")
    table["checked_in"] = table["source"].map(checked_in)
    table = table[COLUMNS].drop_duplicates()
    order = {
        "metric": [metric for _, metric in METRICS.values()],
        "dataset": list(DATASETS.values()),
        "encoder": list(ENCODERS.values()),
        "class": ["all", *(name for names in CLASSES.values() for name in names)],
        "bin": ["", *BINS.values()],
    }
    return table.sort_values(
        ["metric", "dataset", "encoder", "scorer", "source", "class", "bin"],
        key=lambda column: column.map(order[column.name].index) if column.name in order else column,
        kind="stable",
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python book/reference/jain_wallace.py ALL_NUMBERS.csv")
    kept = cut(pd.read_csv(sys.argv[1], dtype=str, keep_default_na=False))
    how = {"index": False, "lineterminator": "\n", "compression": {"method": "gzip", "mtime": 0}}
    kept.to_csv(Path(__file__).with_suffix(".csv.gz"), **how)
