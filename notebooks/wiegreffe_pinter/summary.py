# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Every figure and table, over seeds and data sets
#
# {cite:t}`wiegreffe2019attention` in one scroll: their tables and figures in their order, from the recorded
# results of this project, with the spread over seeds that their tables do not have, and the exact optimum
# beside search and training. The other pages run one experiment on one model.

# %% tags=["parameters", "hide-input"]
from typing import Optional

recorded: Optional[str] = None  # folder of recorded results; None: book/results of the project
fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for ledger.csv, the published numbers beside ours

# %% tags=["remove-output"]

import pandas as pd

from attnbook import charts, notebook
from attnbook.runs import results
from attnbook.verdicts import (
    claims,
    inference,
    ledgers,
    papers,
    summary,
    together,
    trained_adversaries,
)
from attnbook.verdicts.cells import beside, mean_interval, over_seeds, select

page = notebook.begin(globals(), "wiegreffe_pinter/summary")
compared = ledgers.compare("wiegreffe_pinter", fresh, recorded)
found, published = compared.found, compared.published

# %% tags=["hide-input"]
DATASETS = ["diabetes", "anemia", "imdb", "sst", "agnews", "20news_sports", "ade", "planted"]
SCORES = {"f1": "F1", "accuracy": "accuracy", "roc_auc": "area under the ROC curve"}
GUIDES = ["uniform", "trained MLP", "base LSTM", "trained adversary", "exact adversary", "leave-one-out"]
LOSSES = ["released loss", "published loss", "published loss, reversed"]
SELECTED = {"released": "on dev", "released, epoch by test": "on test"}

# %% [markdown]
# ## What is shown
#
# BiLSTMs with additive attention as in the released code, from word vectors trained on IMDB: a dot is the
# mean over seeds and the line through it goes from the least to the greatest seed. No published number of
# this paper could be checked; its claims in words are on the page of {doc}`all papers together
# <../beyond/together>`. *Part* means that we have part of the training texts only.
#
# Their Figures 1 and 4 are drawings of the models. Figure 2 shows the attention of several models on one
# review; the page {doc}`adversary` does so for a text of the model that it is run on. {doc}`../../run` says
# how to make what is not recorded yet.

# %% tags=["hide-input"]
datasets = papers.labels(DATASETS, found)
usual = found["vectors"].eq(results.label(found["dataset"], results.MAIN_VECTORS))
grid = select(found[usual | found["dataset"].eq("planted")], encoder="bilstm", scorer="additive")
ours = grid[grid["variant"].eq(results.MAIN_VARIANT)]
cells = beside(ours, published, datasets)
overall = cells[(cells["class"] == "all") & cells["bin"].isna()]
missing = [name for name in papers.EXPERIMENTS["wiegreffe_pinter"] if name not in set(found["experiment"])]
notebook.markdown(
    f"Not recorded yet: {', '.join(missing)}." if missing else "Every experiment has recorded runs."
)

# %% [markdown]
# ## Table 1: the data
#
# Texts by class, tokens per training text, words in the vocabulary; in brackets what stands in the files of
# {cite:t}`jain2019attention`, which the authors' code builds on.

# %% tags=["hide-input", "full-width"]
heads = {
    "mean_length": "mean length",
    "n_train_negative": "train, class 0",
    "n_train_positive": "train, class 1",
    "n_test_negative": "test, class 0",
    "n_test_positive": "test, class 1",
    "n_words": "words",
}
sizes = summary.statistics(ours[ours["experiment"] == "uniform"], published, datasets, heads)
notebook.table(sizes.rename_axis("data set").reset_index())

# %% [markdown]
# ## Table 2: is attention needed?
#
# F1 of class 1, of the model with learned attention and of the same model trained with the same weight on
# every token ({doc}`uniform`); then three scores.

# %% tags=["hide-input"]
learned = ["learned attention", "uniform attention"]
rows = select(overall, experiment="uniform", method=[*learned, "difference"], metric=SCORES)
notebook.table(
    summary.wide(rows[rows["metric"] == "F1"], ["dataset"], "method", "{:.3f}")
    .rename_axis("data set")
    .reset_index()
)

# %% tags=["hide-input"]
charts.dot_panels(
    select(rows, method=learned),
    "dataset",
    by="method",
    panel="metric",
    title="Learned and uniform attention on the test set (Table 2)",
    x_title="score (share)",
    by_title="attention",
    columns=3,
) if summary.has_ours(rows) else notebook.markdown(summary.not_run("uniform"))

# %% [markdown]
# **What learning to attend adds.** A pair of models of one seed differs in nothing but the attention, so the
# difference is taken seed by seed; a dot is the mean over seeds, the line their range.

# %% tags=["hide-input"]
gained = select(rows, method=["difference"])
charts.dot_panels(
    gained,
    "dataset",
    panel="metric",
    title="Score with learned attention minus score with uniform attention",
    x_title="difference (share)",
    columns=3,
) if summary.has_ours(gained) else notebook.markdown(summary.not_run("uniform"))

# %% [markdown]
# In numbers, with the interval of the mean over seeds (Student's *t*, 95 %), and for both ways to choose the
# epoch: on development texts, and on the test texts as their code does, which flatters the score that
# it is chosen by, the area under the ROC curve.

# %% tags=["hide-input"]
either = select(grid, dataset=datasets, experiment="uniform", variant=SELECTED)
either = select(either, method="difference", metric=SCORES)
either = either[either["class"] == "all"]
either = mean_interval(over_seeds(either, ["dataset", "metric", "variant"]))
either = either.sort_values(["dataset", "metric", "variant"], kind="stable")
names = {"dataset": "data set", "metric": "score", "variant": "epoch chosen", "value": "mean difference"}
notebook.table(
    either.rename(columns=names | {"n_seeds": "seeds"}), [*names.values(), "low", "high", "seeds"]
) if len(either) else notebook.markdown(summary.not_run("uniform"))

# %% tags=["hide-input"]
area = select(grid, dataset=datasets, experiment="uniform", variant=SELECTED)
area = select(area, method=learned, metric="roc_auc")
area = area[area["class"] == "all"]
apart = summary.differences(area, "variant", *SELECTED.values(), "apart")
agreeing = apart["value"].eq(0).groupby(apart["dataset"], observed=True).agg(["sum", "size"])
counts = [f"{row['sum']} of {row['size']} ({name})" for name, row in agreeing.iterrows()]
notebook.markdown(
    "Models for which both ways keep the same epoch, by the last digit of the area under the curve: "
    f"{', '.join(counts)}."
    if counts
    else ""
)

# %% [markdown]
# ## Figure 3: how far does attention move by itself?
#
# Divergence from the base model's attention, by its largest weight, in quartiles over texts: the median over
# models that differ from the base in nothing but the seed; what the search of {cite:t}`jain2019attention`
# finds at the same output; and the exact optimum of that search ({doc}`seeds`). The paper draws violins and
# has no optimum. Texts are divided by predicted class, as there.

# %% tags=["hide-input"]
spreads = {"other seeds": "other seeds", "published search": "search", "exact optimum": "exact optimum"}
order = summary.classes(ours)
classwise = summary.by_class(cells[cells["experiment"] == "seeds"], order)
classwise = select(classwise, method=spreads)
shown = summary.joined(summary.quartiles(classwise, "jsd"), ["dataset", "method"])
below = summary.joined(select(classwise, metric="jsd"), ["dataset", "method"])
charts.quartile_panels(
    shown,
    below[below["panel"].isin(shown["panel"])].assign(name="mean"),
    by="place",
    panel="panel",
    title="Divergence from the base model's attention (Figure 3)",
    x_title="divergence (nats)",
    by_title="predicted class",
    domain=(0, 0.7),
) if len(shown) else notebook.markdown(summary.not_run("seeds"))

# %% tags=["hide-input"]
notebook.markdown(f"The first and the second class: {summary.class_list(classwise)}." if len(shown) else "")

# %% [markdown]
# Means over texts, and how far the output is from the base model's. Uniform weights are put into the base
# model without training anew.

# %% tags=["hide-input"]
panels = {"jsd": "divergence (nats)", "tvd": "change of output (TVD)"}
moved = [*spreads, "uniform weights"]
rows = select(overall, experiment="seeds", method=moved, metric=panels)
charts.dot_panels(
    rows,
    "dataset",
    by="method",
    panel="metric",
    title="Distance from the base model, mean over texts",
    x_title="nats, or probability",
    by_title="attention",
) if summary.has_ours(rows) else notebook.markdown(summary.not_run("seeds"))

# %% [markdown]
# **Beyond seed noise.** The share of texts whose divergence is greater than that of *every* other seed. Where
# it is small, an attention as different as the adversary's is no more than training again would bring.

# %% tags=["hide-input"]
beyond = select(overall, experiment="seeds", method=moved[1:], metric="beyond_seeds")
charts.dot_panels(
    beyond.assign(panel="texts beyond every other seed"),
    "dataset",
    by="method",
    panel="panel",
    title="Texts whose attention is moved further than by any other seed",
    x_title="share of texts",
    by_title="attention",
    domain=(0, 1),
    columns=1,
) if summary.has_ours(beyond) else notebook.markdown(summary.not_run("seeds"))

# %% [markdown]
# What any attention could do in the base model: on how many texts it could change the class, and how wide
# the range of probabilities is that it could give ({doc}`../beyond/geometry`).

# %% tags=["hide-input"]
could = {"can_flip": "texts where attention can change the class", "range": "mean range of the probability"}
rows = select(overall[overall["value"].notna()], experiment="seeds", metric=could)
notebook.table(
    rows.pivot_table("value", "dataset", "metric", observed=True).rename_axis("data set").reset_index()
) if len(rows) else notebook.markdown(summary.not_run("seeds"))

# %% [markdown]
# ## Table 3: attention as a guide
#
# A model without context is given the weights of another model ({doc}`diagnostic`). If they hold information,
# it does better than with uniform weights. The last two guides are ours: the exact optimum of the search for
# one text at a time, and weights from leaving out each token of the base model.

# %% tags=["hide-input"]
rows = select(overall, experiment="diagnostic", method=GUIDES, metric={"f1": "F1"})
notebook.table(summary.wide(rows, ["method"], "dataset", "{:.3f}").rename_axis("guide").reset_index()) if len(
    rows
) else notebook.markdown(summary.not_run("diagnostic"))

# %% tags=["hide-input"]
scores = select(overall, experiment="diagnostic", method=GUIDES, metric=SCORES)
scores = scores[scores.groupby("dataset", observed=True)["value"].transform("count") > 0]
charts.dot_panels(
    scores,
    "method",
    by="metric",
    panel="dataset",
    title="Scores of the guided model by guide (Table 3)",
    x_title="score (share)",
    by_title="score",
    columns=3,
) if len(scores) else notebook.markdown(summary.not_run("diagnostic"))

# %% [markdown]
# Accuracy minus that with uniform weights, seed by seed, and the interval of its mean:

# %% tags=["hide-input"]
gains = select(overall, experiment="diagnostic", method=GUIDES[1:], metric="accuracy_gain")
gains = mean_interval(gains.dropna(subset="value")).astype({"n_seeds": int})
gains = gains.sort_values(["dataset", "method"])
names = {"dataset": "data set", "method": "guide", "value": "mean gain"}
notebook.table(
    gains.rename(columns=names | {"n_seeds": "seeds"}), [*names.values(), "low", "high", "seeds"]
) if len(gains) else notebook.markdown(summary.not_run("diagnostic"))

# %% [markdown]
# ## Table 4: one model that does what the search does
#
# A model trained to keep the base model's outputs and to leave its attention ({doc}`adversary`). Of all λ
# the one with the least change of output among those whose mean divergence is above {glue:text}`far` nats.
# TVD is that of both classes whatever the loss; their code takes half of it.

# %% tags=["hide-input"]
models = trained_adversaries.models(select(grid, dataset=datasets))
table = trained_adversaries.best(models)
columns = {
    "dataset": "data set",
    "variant": "loss",
    "lambda": "λ",
    "f1": "F1",
    "tvd": "TVD",
    "jsd": "JSD (nats)",
    "same_class": "same class as the base",
    "seeds": "seeds",
}
table = table.sort_values("dataset", kind="stable", ignore_index=True)
table = table.assign(**{"lambda": summary.text(table["lambda"], "{:g}")})
notebook.table(table.rename(columns=columns), list(columns.values()))

# %% [markdown]
# ## Figure 5: what moving the attention costs
#
# Each point is one kind of model, mean over base seeds, with its range: how far its outputs are from the
# base model's, against how far its attention is. The line joins the trained adversaries in the order of λ.
# Search and optimum are no models: they choose weights for one text at a time. The dashed line is the front,
# models that no other model beats in both. First the loss of the released code.

# %% tags=["hide-input"]
drawn = dict(
    by="method",
    curve=trained_adversaries.TRAINED,
    order="λ",
    front=trained_adversaries.KINDS[:3],
    x_title="mean change of output (TVD)",
    y_title="mean divergence (nats)",
)
points = select(models, method=trained_adversaries.KINDS, variant=LOSSES)
points = points.rename(columns={"lambda": "λ"})
released = points[points["variant"] == LOSSES[0]]
charts.trade_off(
    released,
    "tvd",
    "jsd",
    facet="dataset",
    title="Change of output against change of attention (Figure 5, released loss)",
    **drawn,
) if len(released) else notebook.markdown(summary.not_run("adversary", variant=LOSSES[0]))

# %% [markdown]
# The loss as the paper prints it, and with the divergence the other way round:

# %% tags=["hide-input"]
printed = summary.joined(points[points["variant"] != LOSSES[0]].assign(panel=None), ["dataset", "variant"])
charts.trade_off(
    printed,
    "tvd",
    "jsd",
    facet="panel",
    title="Change of output against change of attention, other losses",
    **drawn,
) if len(printed) else notebook.markdown(summary.not_run("adversary", variant=LOSSES[1]))

# %% [markdown]
# ## Checks of the data
#
# The sizes above one by one: equal to those in the files, or why not.

# %% tags=["hide-input", "full-width", "scroll-output"]
page.write(compared.table, "ledger.csv", "%.6g")
run = papers.named(compared.table[compared.table["ours"].notna()])
shown = ["dataset", "metric", "value", "ours", "verdict", "kind", "reason", "checked_in"]
notebook.table(run[shown].rename(columns={"dataset": "data set", "value": "in the files"}))

# %% tags=["remove-cell"]
by_dataset = gained[gained["metric"] == "accuracy"].set_index("dataset")["value"]
sure = mean_interval(gained[(gained["metric"] == "accuracy") & gained["value"].notna()])
further = beyond.pivot_table("value", "dataset", "method", observed=True)
f1 = scores[scores["metric"] == "F1"].pivot_table("value", "dataset", "method", observed=True)
guided = f1.reindex(columns=GUIDES[:4]).dropna()
better = guided.lt(guided["base LSTM"], axis=0).sum()
cheapest = table[table["variant"].isin(papers.RELEASED)].set_index("dataset")["tvd"]
of_released = released.set_index("dataset")
for name in (trained_adversaries.OTHER, trained_adversaries.SEARCH):
    moved_by = of_released[of_released["method"] == name]["tvd"]
    page.glue({f"moved by {name}": claims.ends(moved_by, 3)})
page.glue(far=trained_adversaries.FAR, cheapest=claims.ends(cheapest, 3), n_guided=len(guided))
page.glue(n_zero=((sure["low"] <= 0) & (sure["high"] >= 0)).sum(), n_sure=sure["low"].notna().sum())
page.glue(gain_ends=claims.ends(by_dataset, 3))
for name, column in (("search", "published search"), ("optimum", "exact optimum")):
    page.glue({f"beyond_{name}": claims.ends(further.get(column, pd.Series(dtype=float)))})
for name, guide in (("uniform", "uniform"), ("own", "trained MLP"), ("adversary", "trained adversary")):
    page.glue({f"above_{name}": better[guide]})

# %% [markdown]
# ## The claims
#
# What the paper says, as inequalities, judged by {ref}`one rule for all papers <verdict-rule>`: a mean over
# data sets with its 95 % interval, which is clear of the bound (*holds*, *differs*) or only at 80 % (*points
# that way*, *points the other way*), else the claim is *open*. *Written*: before the runs that judge it were
# recorded, or when a few or all of them were, which makes a verdict worth less.

# %% tags=["hide-input", "full-width"]
judged = together.findings({"wiegreffe_pinter": papers.together_grid("wiegreffe_pinter", found)})
notebook.table(together.overview(judged))

# %% [markdown]
# How often that rule errs, simulated: the share of claims exactly on their bound that get a firm word
# (*wrong*) or one that points, and how often an effect of two deviations of a seed is *found* to hold;
# *spread*: standard deviation between data sets, in deviations of a seed.

# %% tags=["hide-input"]
notebook.table(inference.error_rates())

# %% [markdown]
# ## What it means
#
# - **Is attention needed?** Learning to attend changes the accuracy by {glue:text}`gain_ends`; the interval
#   over seeds includes 0 on {glue:text}`n_zero` of the {glue:text}`n_sure` data sets that have one. Where it
#   is not needed, no attention of that model can be an explanation, nor a counterexample.
# - **Is the adversary beyond chance?** The share of texts that it moves further than any other seed does is
#   {glue:text}`beyond_search` for the search and {glue:text}`beyond_optimum` for the exact optimum.
# - **Do the weights hold information?** As a guide the base model's attention has a higher mean F1 than
#   uniform weights on {glue:text}`above_uniform` of {glue:text}`n_guided` data sets, than the attention that
#   the guided model learns itself on {glue:text}`above_own`, and than the trained adversary's on
#   {glue:text}`above_adversary`. The paper leaves out AG News and 20 Newsgroups, as attention is not needed
#   there.
# - **Can one model do what the search does?** With the released loss the best adversary beyond
#   {glue:text}`far` nats changes the output by {glue:text}`cheapest`, mean over texts; another seed of the
#   base model, whose attention stays nearer, by {glue:text}`moved by other seed`; the search, text by text,
#   by {glue:text}`moved by published search`. Where the first is not above the second, one model exists whose
#   attention is elsewhere and whose outputs are no further than those of the same model trained again; no
#   surprise where attention is not needed.
#
# ## Limits
#
# - Their code chooses the epoch on the test texts ({doc}`uniform` has both).
# - Intervals are over training seeds; they say nothing about other test texts or data sets.
# - The least change of output above a divergence is the least of the λ that were trained.

# %% tags=["remove-input"]
page.recorded(found)
