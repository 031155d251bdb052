"""How violation.csv.gz beside this file was cut from the table of all known numbers of the paper.

    python book/reference/violation.py ALL_NUMBERS.csv

ALL_NUMBERS.csv has the columns source, metric, dataset, model, method, value, note. Kept is what is of text
models, VisualBERT and LXMERT and stands beside a number of ours: sizes of the data, the measures of the
authors' notebooks, the table of gradient factors, and what was read off the radar plots and the figure of
depth. Left out are the two attention models of images, the box plots, whose model is not named, and the
accuracies at each share removed, whose area is kept. Of VisualBERT's three random draws the mean is kept.

The sources: nb_qa, nb_bc and nb_mm are printed in the authors' notebooks; paper_table_* are in the paper;
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
    "GQA": "gqa",
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
    "VisualBERT": ("visual_bert", "self_attention"),
    "LXMERT": ("lxmert", "cross_attention"),
}
STOCK = ["VisualBERT", "LXMERT"]
METHODS = {
    "Random": "random",
    "RawAtt": "attention",
    "AttIN": "attention × norm",
    "AttGrad": "attention × gradient",
    "InputGrad": "input × gradient",
    "IG": "integrated gradients, released",
    "PLRP": "relevance",
    "Rollout": "rollout",
    "TransAtt": "transformer attribution",
    "GenAtt": "generic attribution",
    "Random(rand0)": "random",
    "Random(rand1)": "random",
    "Random(rand2)": "random",
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
# Where a number was checked, by its source; two tables of the paper are in the repository as pictures.
CHECKED_IN = {
    "nb_qa": "notebook, questions",
    "nb_bc": "notebook, classification",
    "nb_mm": "notebook, VisualBERT",
    "figure_digitised": "figure, measured",
    "figure_radar": "figure, read by eye",
    "paper_table_factor": "repository, figures/factor.png",
    "paper_table_datasets": "repository, figures/dataset.png",
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
    "checked_in",
    "original",
]


def main(path: str) -> None:
    """Write violation.csv.gz beside this file."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    named = table["metric"].str.extract(r"^(?P<name>[^\[]+)(?:\[(?P<how>[^\]]*)\])?$").fillna("")
    model = table["model"].str.replace(r" \d+$", "", regex=True)
    kept = (
        table["dataset"].isin(DATASETS)
        & model.isin(MODELS)
        & table["method"].isin(METHODS)
        & named["name"].isin(METRICS)
        & ((table["dataset"] != "GQA") | model.isin(STOCK))
    )
    table, named, model = table[kept], named[kept], model[kept]
    depth = named["how"].str.extract(r"^depth=(\d+)$")[0].fillna("")
    factor = table["source"] == "paper_table_factor"
    stock = model.isin(STOCK)
    table = table.assign(
        experiment=depth.ne("")
        .map({True: "depth", False: "methods"})
        .mask(factor, "gradient")
        .mask(stock, "transformers"),
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
    table["checked_in"] = table["source"].map(CHECKED_IN)
    table["value"] = table["value"].astype(float)
    draws = table["original"].str.contains("(rand", regex=False)
    drawn = table[draws].groupby([c for c in COLUMNS if c not in ("value", "original")], sort=False)
    averaged = drawn.agg(value=("value", "mean"), original=("original", " + ".join)).reset_index()
    table = pd.concat([table[~draws], averaged], ignore_index=True)
    table["value"] = table["value"].round(6)
    packed = {"method": "gzip", "mtime": 0}
    table[COLUMNS].to_csv(Path(__file__).with_suffix(".csv.gz"), index=False, compression=packed)


if __name__ == "__main__":
    main(*sys.argv[1:])
