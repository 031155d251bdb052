"""How violation.csv beside this file was cut from the table of all known numbers of the paper.

    python book/reference/violation.py ALL_NUMBERS.csv

ALL_NUMBERS.csv has the columns source, metric, dataset, model, method, value, note. Kept is what is of text
models and stands beside a number of ours: sizes of the data, the measures of the authors' notebooks, the
table of gradient factors, and what was read off the radar plots and the figure of depth. Models with images
are left out, and so are the accuracies at each share removed, whose area is kept.

The sources: nb_qa and nb_bc are printed in the authors' notebooks; paper_table_* are in the paper;
figure_digitised is measured in pixels (± .002), figure_radar read by eye (± .05). One printed mean is wrong,
the first bAbI model's comprehensiveness, since the notebook appends when run again: the mean of the first
three is kept, and noted.
"""

import sys
from pathlib import Path

import pandas as pd

DATASETS = {
    "bAbI-1": "babi1",
    "SST": "sst5",
    "Yelp": "yelp5",
    "AGNews": "agnews4",
    "20News": "20news20",
    "QQP": "qqp",
    "SNLI": "snli",
}
MODELS = {
    "lstm_tanh": ("bilstm", "additive"),
    "lstm_dot": ("bilstm", "scaled_dot"),
    "cnn_tanh": ("convolution", "additive"),
    "cnn_dot": ("convolution", "scaled_dot"),
    "CNN+TanhAtt": ("convolution", "additive"),
    "LSTM+DotAtt": ("bilstm", "scaled_dot"),
    "RNN classifier, decoder depth": ("bilstm", "additive"),
    "average over models (inferred)": ("any", "any"),
    "-": ("any", "any"),
}
METHODS = {
    "Random": "random",
    "RawAtt": "attention",
    "AttIN": "attention × norm",
    "AttGrad": "attention × gradient",
    "InputGrad": "input × gradient",
    "IG": "integrated gradients, released",
    "att": "attention",
    "att*grad": "attention × gradient",
    "att*|grad|": "attention × |gradient|",
    "att*sign(grad)": "attention × sign(gradient)",
    "-": "",
}
METRICS = {
    "violation_ratio": "violation",
    "comprehensiveness": "comprehensiveness",
    "sufficiency": "sufficiency",
    "auctp": "area_under_threshold",
    "rank_correlation": "rank_correlation",
    "base_accuracy": "accuracy",
    "n_classes": "n_classes",
    "n_train": "n_train",
}
OPERATORS = {
    "slice_out": "deletion",
    "zeros_mask": "zeroing",
    "att_mask": "attention mask",
    "mean3": "mean",
}
COLUMNS = [
    "experiment",
    "dataset",
    "encoder",
    "scorer",
    "class",
    "metric",
    "method",
    "operator",
    "target",
    "layers",
    "value",
    "note",
    "source",
    "original",
]


def main(path: str) -> None:
    """Write violation.csv beside this file."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    named = table["metric"].str.extract(r"^(?P<name>[^\[]+)(?:\[(?P<how>[^\]]*)\])?$").fillna("")
    model = table["model"].str.replace(r" \d+$", "", regex=True)
    kept = (
        table["dataset"].isin(DATASETS)
        & model.isin(MODELS)
        & table["method"].isin(METHODS)
        & named["name"].isin(METRICS)
    )
    table, named, model = table[kept], named[kept], model[kept]
    depth = named["how"].str.extract(r"^depth=(\d+)$")[0].fillna("")
    factor = table["source"] == "paper_table_factor"
    table = table.assign(
        experiment=depth.ne("").map({True: "depth", False: "methods"}).mask(factor, "gradient"),
        encoder=model.map(lambda name: MODELS[name][0]),
        scorer=model.map(lambda name: MODELS[name][1]),
        metric=named["name"].map(METRICS),
        operator=named["how"].map(OPERATORS).fillna("").mask(depth.ne(""), "mean"),
        target=factor.map({True: "probability", False: ""}),
        layers=depth,
        dataset=table["dataset"].map(DATASETS),
        method=table["method"].map(METHODS),
        original=table["metric"] + ":" + table["model"] + ":" + table["method"],
    ).assign(**{"class": "all"})
    table["value"] = table["value"].astype(float).round(6)
    table[COLUMNS].to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
