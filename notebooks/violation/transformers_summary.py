# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Transformers: what is recorded
#
# {cite:t}`liu2022rethinking` on transformers of vision and language, beside the recorded results of this
# project: stock models of the same classes, small, trained from nothing on generated scenes and on texts.
# Sizes cannot be compared, so nothing here is a numeric match. What can be is how the methods stand to each
# other. The other pages run one experiment on one model.

# %% tags=["parameters", "hide-input"]
from typing import Optional

recorded: Optional[str] = None  # folder of recorded results; None: book/results of the project
fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for standings.csv, their standings beside ours

# %% tags=["remove-output"]
from functools import partial

import pandas as pd

from attnbook import charts, notebook
from attnbook.verdicts import claims, papers, patterns
from attnbook.verdicts.cells import REFERENCE, complete, over_rows, read_published
from attnlib.explain.transformers import methods as stock

page = notebook.begin(globals(), "violation/transformers_summary")
found = papers.read("transformers", fresh, recorded)
published = read_published(REFERENCE / "violation.csv")
published = published[published["experiment"] == "transformers"]

# %% [markdown]
# ## The models
#
# Test accuracy, the share of the most frequent class, and seconds of training on one thread.

# %% tags=["hide-input"]
nothing = notebook.nothing()
datasets = found["dataset"].map(papers.dataset_name)
found = found.assign(model=found["encoder"].map(papers.MODELS) + ", " + datasets)
ours = found[found["experiment"] == "transformers"]
of_models = ours[ours["metric"].isin(["accuracy", "majority", "training_seconds"])]
table = of_models.pivot_table("value", ["model", "seed"], "metric").reset_index()
notebook.table(table) if len(table) else nothing

# %% [markdown]
# ## Violation
#
# Mean over the ways to remove and over seeds, the line their range; the diamond is the authors' VisualBERT
# on GQA (printed in their notebook) or LXMERT (read off their figure, ± .05).

# %% tags=["hide-input"]
# Whole models, gradients of the logit: a run also knows single layers, and methods with or without clamp.
plain = ours[ours["target"].eq("logit") & ours["layer"].isna() & ours["method"].notna()]
clamped = plain["method"].str.endswith(", clamped", na=False)
plain = plain[plain["metric"].ne("sign_agreement") & ~clamped]
plain = plain.drop_duplicates(["run", "metric", "method", "operator"])
printed = published[published["source"] == "nb_mm"]
drawn = published[(published["source"] == "figure_radar") & (published["encoder"] == "lxmert")]
theirs = pd.concat([printed, drawn])
theirs = theirs.assign(model=theirs["encoder"].map(papers.MODELS) + ", " + papers.dataset_name("scenes"))
spread = partial(over_rows, orders={"method": [*stock.METHODS, "leave-one-out"]})
violation = plain[(plain["metric"] == "violation") & (plain["operator"] == "mean")]
beside = theirs[(theirs["metric"] == "violation") & (theirs["operator"] == "mean")]
charts.dot_panels(
    spread(violation, ["model", "method"], beside).assign(removal="mean of the ways"),
    "method",
    by="removal",
    panel="model",
    title="Violation ratio on transformers",
    x_title="violation ratio (share of instances)",
    by_title="removal",
) if len(violation) else nothing

# %% [markdown]
# By way to remove, on scenes; deleting a region is masking it, so there are two:

# %% tags=["hide-input"]
split = plain[(plain["metric"] == "violation") & (plain["operator"] != "mean")]
split = spread(split[split["dataset"] == "scenes"], ["model", "operator", "method"], theirs)
charts.dot_panels(
    split,
    "method",
    by="operator",
    panel="model",
    title="Violation ratio on scenes, by way to remove",
    x_title="violation ratio (share of instances)",
    by_title="removal",
) if len(split) else nothing

# %% [markdown]
# ## The other measures

# %% tags=["hide-input"]
measures = {
    "comprehensiveness": "comprehensiveness ↑",
    "sufficiency": "sufficiency ↓",
    "area_under_threshold": "AUCTP ↓",
    "rank_correlation": "rank correlation ↑",
}
other = plain[plain["metric"].isin(measures) & (plain["operator"] == "mean")]
other = spread(other[other["dataset"] == "scenes"], ["metric", "model", "method"])
charts.dot_panels(
    other.assign(metric=other["metric"].map(measures)),
    "method",
    by="model",
    panel="metric",
    title="The other measures on scenes, mean of the ways to remove",
    x_title="mean over instances",
    by_title="model",
) if len(other) else nothing

# %% [markdown]
# ## The order of the methods
#
# What the paper says of its transformers, as inequalities between violation ratios of one model, judged by
# {ref}`the rule for all claims <verdict-rule>` over our data sets, transformers of one together; *theirs* is
# the mean of VisualBERT and LXMERT on GQA.

# %% tags=["hide-input"]
against = {
    "raw attention is no better than random scores by .1": ("random", "attention", "<", 0.1),
    "attention × norm is within .05 of raw attention, or worse": ("attention", "attention × norm", "<", 0.05),
    "attention × gradient is below raw attention": ("attention × gradient", "attention", "<", 0.0),
    "relevance is no better than raw attention by .05": ("attention", "relevance", "<", 0.05),
    "TransAtt is below attention × gradient": ("transformer attribution", "attention × gradient", "<", 0.0),
    "GenAtt is below attention × gradient": ("generic attribution", "attention × gradient", "<", 0.0),
    "GenAtt is below TransAtt": ("generic attribution", "transformer attribution", "<", 0.0),
    "GenAtt is below integrated gradients as released": (
        "generic attribution",
        "integrated gradients, released",
        "<",
        0.0,
    ),
}
orders = [
    claims.Claim(words, ("violation",), relation, bound, {"method": first}, {"method": second})
    for words, (first, second, relation, bound) in against.items()
]
their = complete(beside.assign(seed=0))
rows = [
    {"inequality": one.claim, **claims.row(claims.cells(violation, one), one)}
    | {"theirs": claims.cells(their, one)["value"].mean()}
    for one in orders
]
notebook.table(pd.DataFrame(rows))

# %% [markdown]
# ## Better than random scores, or not
#
# On the paper's own measure, a method is better than random scores if its violation ratio is lower, worse if
# it is higher, and like them if the two differ by less than a tenth of the range over all methods. Ours are
# the runs on scenes, mean over seeds; theirs each number at hand of their two transformers, by way to remove.
# Who always answers with the most frequent of their standings agrees in a share *constant*; Cohen's κ is 1
# for full agreement and 0 for that of two answers that know nothing of each other.

# %% tags=["hide-input"]
cell = ["encoder", "operator"]
scenes = plain[(plain["dataset"] == "scenes") & (plain["metric"] == "violation")]
means = scenes.groupby([*cell, "method"], sort=False)["value"].mean().reset_index()
standings = patterns.beside(means, published[published["metric"] == "violation"], cell)
page.write(standings, "standings.csv", "%.6g")
agreed = patterns.agreement(standings)
notebook.table(pd.DataFrame([agreed]))

# %% tags=["hide-input", "full-width", "scroll-output"]
shown = ["encoder", "operator", "method", "value", "standing", "ours", "our standing", "checked_in"]
notebook.table(standings[shown].rename(columns={"value": "theirs"}))

# %% [markdown]
# ## Signed or clamped
#
# Violation, and the share of words or regions whose score has the sign of their effect, where the effect is
# more than .001; mean over the ways to remove and over seeds.

# %% tags=["hide-input"]
both = ours[(ours["target"] == "logit") & ours["layer"].isna()]
both = both[both["method"].str.endswith((", signed", ", clamped"), na=False)]
clamping = both[(both["metric"] == "violation") & (both["operator"] == "mean")]
agreement = both[both["metric"] == "sign_agreement"]
columns = {"violation ratio": clamping, "right signs": agreement}
means = pd.DataFrame(
    {name: rows.groupby(["model", "method"])["value"].mean() for name, rows in columns.items()}
)
notebook.table(means.reset_index()) if len(means) else nothing

# %% [markdown]
# ## Layer by layer
#
# Each layer alone, its heads averaged; for LXMERT the layers are those of its attention from words to
# regions.

# %% tags=["hide-input"]
layer = ours[ours["layer"].notna() & (ours["head"] == "all") & (ours["metric"] == "violation")]
layer = spread(layer[layer["operator"] == "mean"], ["model", "method", "layer"])
charts.line_panels(
    layer.assign(row="mean of the ways to remove", layer=layer["layer"].astype(int)),
    "layer",
    by="method",
    row="row",
    column="model",
    title="Violation ratio of single layers",
    x_title="layer",
    y_title="share of instances",
    by_title="method",
) if len(layer) else nothing

# %% [markdown]
# ## Number of layers

# %% tags=["hide-input"]
depth = found[(found["experiment"] == "transformer_depth") & (found["metric"] == "violation")]
depth = spread(depth[depth["operator"] == "mean"], ["model", "method", "layers"])
depth = depth[depth["method"].isin([*stock.RANDOM[:1], *stock.OF_LAYERS, *stock.OF_ALL_LAYERS])]
charts.line_panels(
    depth.assign(row="mean of the ways to remove", layers=depth["layers"].astype(int)),
    "layers",
    by="method",
    row="row",
    column="model",
    title="Violation ratio by number of layers of the model",
    x_title="layers",
    y_title="share of instances",
    by_title="method",
) if len(depth) else nothing

# %% [markdown]
# ## Where the right answer is known
#
# On the scenes ({doc}`regions`): of the $k$ evidence regions, the share among the top $k$ by $|w|$; and of
# the top regions that are evidence, the share whose score has the wrong sign.

# %% tags=["hide-input"]
regions = found[found["experiment"] == "regions"]
located = regions[regions["metric"].isin(["evidence_found", "wrong_sign"])]
panels = {"evidence_found": "evidence among the top k ↑", "wrong_sign": "wrong sign of the top region ↓"}
located = spread(located, ["metric", "model", "method"])
charts.dot_panels(
    located.assign(metric=located["metric"].map(panels)),
    "method",
    by="model",
    panel="metric",
    title="Regions found, and their sign, against the known evidence",
    x_title="share",
    by_title="model",
    domain=(0, 1),
) if len(located) else nothing

# %% tags=["remove-cell"]
page.glue(agreed)

# %% [markdown]
# ## What it means
#
# Of {glue:text}`pairs:.0f` violation ratios with a counterpart here a share of {glue:text}`agree:.2f` stands
# to random scores as ours does; always giving their most frequent answer would agree in
# {glue:text}`constant:.2f`, and Cohen's κ is {glue:text}`kappa:.2f`. Of the order of methods the table above
# has the verdicts.
#
# ## Limits
#
# - Small models with at most nine regions, on scenes made by rules; theirs have twelve layers and up to a
#   hundred regions of photographs. A standing that differs may be the model's, the data's or the size's.
# - SHAPES and the part of NLVR at hand are too few for these models: none came .15 above the most frequent
#   answer, so no run of them is recorded.
# - The classes of VisualBERT compete in a softmax here, and have a sigmoid each in the paper.

# %% tags=["remove-input"]
page.recorded(found)
