# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The violation test: all methods on one model
#
# **The claim.** {cite:t}`liu2022rethinking` ask something of an explanation that no earlier measure does:
# not only that its largest scores are on the tokens that matter, but that their *sign* says in which
# direction. Remove the token with the largest score; if the score is positive the model should become less
# certain, if it is negative more so. Where it does the opposite the explanation is *violated*. They find
# attention weights, which have no sign, little better than random scores, and attention × gradient nearly
# always right.
#
# This page runs the test and the four measures beside it on one data set and one model, for all methods.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
layers: int = 0  # hidden layers between context and output; 0: linear, as in their released code
target: str = "probability"  # what gradients are taken of: probability, logit or margin
released: Optional[int] = None  # texts in a batch, for the four other measures as in the authors' code
seed: int = 0  # decides the initial weights, the order of batches, the texts and the random scores drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "violation/methods", notebook.TEXTS)
model_settings = dict(vectors=vectors, deviation=deviation, epochs=epochs, patience=patience, layers=layers)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/sign")

# %% [markdown]
# ## How it is measured
#
# A method gives every token $t$ of a text $x$ a score $w_t$ for the predicted class $\hat c$. With $t^* =
# \arg\max_t |w_t|$ and the fall of the model's certainty when that token is removed,
#
# $$
# \Delta = p_{\hat c}(x) - p_{\hat c}(x \setminus t^*), \qquad
# \text{violated} = \bigl[\, w_{t^*} \cdot \Delta < 0 \,\bigr] .
# $$
#
# To *remove* means one of three things: *deletion* from the text, a *zero* embedding in its place, or an
# *attention mask*, which leaves the encoder alone and renormalises the other weights. The paper reports the
# mean of the three. The last needs no model: it follows from the Readout ({doc}`../../readout`).

# %%
trained = explain.Trained(run.model, run.texts, run.corpus.vocabulary, run.readout, run.device)
scores = explain.explain(trained, target=target, seed=seed)
removals = faithfulness.removals(run.model, run.texts, run.corpus.vocabulary, run.readout, run.device)
frame = faithfulness.measure_texts(scores, removals, run.texts.labels, released=released)
oracle = faithfulness.measure_leave_one_out(removals, run.texts.labels, released)
frame = pd.concat([frame, oracle], ignore_index=True)
rates = faithfulness.summarise_measures(frame)

# %% [markdown]
# Two rows are there to read the others by. *Signed random* scores are right or wrong by chance;
# *leave-one-out*, the very fall that the test measures, can never be violated. It is an oracle for the
# sign, not the best by every measure.
#
# ## What comes out

# %% tags=["hide-input"]
methods = [*explain.METHODS, "leave-one-out"]
operators = [*faithfulness.OPERATORS, "mean"]
shown = rates.assign(
    method=pd.Categorical(rates["method"], methods, ordered=True),
    operator=pd.Categorical(rates["operator"], operators, ordered=True),
)
charts.dot_panels(
    shown[shown["metric"] == "violation"].assign(panel="violation ratio"),
    "method",
    by="operator",
    panel="panel",
    title=f"Texts whose top token acts against its sign ({dataset}, {encoder}, {scorer})",
    x_title="violation ratio (share of texts)",
    by_title="removal",
    columns=1,
    domain=(0, 1),
)

# %% [markdown]
# A score without sign is read as support, so the violation ratio of attention is simply how often removing
# the most attended token *raises* the probability. Each way to remove favours the methods that
# differentiate what it removes: in the recorded runs gradients by attention are violated least under the
# attention mask, gradients by the input under deletion or a zero embedding. Attention itself differentiates
# nothing, and has no such home.
#
# The paper lets ties pass, and a token whose removal changes nothing counts as faithful. Shares of ties
# ($|\Delta| \le 10^{-6}$ or score 0), of texts with no score but 0, and violation where there is no tie, and
# where $|\Delta| > .01$:

# %% tags=["hide-input"]
about = ["violation", "tied", "zero_score", "violation_decided", "violation_effect"]
ties = rates[(rates["operator"] == "mean") & rates["metric"].isin(about)]
ties = ties.pivot_table("value", "method", "metric")
ties = ties.reindex(index=methods, columns=about).reset_index()
notebook.table(ties)

# %% [markdown]
# ## Beyond the first token
#
# The test looks at one token per text. The same question for the second, third, … token by $|w|$, among
# texts without a tie there:

# %% tags=["hide-input"]
followed = {
    name: scores[name] for name in ("attention", "attention × gradient", "input × gradient", "signed random")
}
curves = pd.concat(
    faithfulness.violation_by_rank(found, removal).assign(method=method, operator=name)
    for name, removal in removals.items()
    for method, found in followed.items()
)
curves["operator"] = pd.Categorical(curves["operator"], list(faithfulness.OPERATORS), ordered=True)
charts.line_panels(
    curves.assign(rank=curves["rank"] + 1, row="all texts"),
    "rank",
    by="method",
    row="row",
    column="operator",
    title="Violation by rank of the token",
    x_title="rank by |score|",
    y_title="share of texts violated",
    by_title="method",
)

# %% [markdown]
# ## The four other measures
#
# *Comprehensiveness* (fall without the top 5 to 50 %, high is good), *sufficiency* (fall without the bottom
# 50 to 95 %, low is good), *AUCTP* (area under accuracy while the top is removed, low is good) and *rank
# correlation* of $|w|$ with impact (high is good), each the mean over the three ways to remove.

# %% tags=["hide-input"]
measures = {
    "violation": "violation ratio ↓",
    "comprehensiveness": "comprehensiveness ↑",
    "sufficiency": "sufficiency ↓",
    "area_under_threshold": "AUCTP ↓",
    "rank_correlation": "rank correlation ↑",
}
others = shown[shown["metric"].isin(list(measures)[1:])]
charts.dot_panels(
    others.assign(metric=pd.Categorical(others["metric"].map(measures), list(measures.values())[1:])),
    "method",
    by="operator",
    panel="metric",
    title=f"Measures that do not look at the sign ({dataset}, {encoder}, {scorer})",
    x_title="mean over texts",
    by_title="removal",
)

# %% [markdown]
# Do the others tell violated texts from faithful ones? Per text, by the share of the three ways under which
# it is violated; a box from the 25th to the 75th percentile, a ring at the mean.

# %% tags=["hide-input"]
by_level = faithfulness.level_boxes(
    faithfulness.levels(frame), ["attention", "attention × gradient", "integrated gradients"]
)
by_level["measure"] = by_level["measure"].map(measures)
charts.boxes(
    by_level,
    "level",
    by="method",
    facet="measure",
    domain=(-1, 1),
    title="The other measures, by how often a text is violated",
    x_title="measure per text",
    by_title="method",
)

# %% tags=["hide-input"]
about = {
    "accuracy": run.test_metrics["accuracy"],
    "n_classes": len(run.corpus.class_names),
    "n_train": len(run.corpus.train),
}
accuracy = pd.DataFrame({"metric": list(about), "value": list(about.values()), "n": len(run.corpus.test)})
rows = pd.concat([rates, accuracy], ignore_index=True)
summary = page.summary(run, rows)
if released:
    summary["variant"] += ", shares of a batch"
mean = rates[rates["operator"] == "mean"].set_index(["metric", "method"])["value"]
told = ("attention", "attention × gradient", "signed random", "leave-one-out")
numbers = {name.replace(" ", "_").replace("×", "x"): mean["violation", name] for name in told}
numbers["untested"] = frame[frame["method"] == "attention"]["violation"].isna().sum() // 3
page.finish(run, frame, summary, numbers, test_accuracy=run.test_metrics["accuracy"])
table = rates[(rates["operator"] == "mean") & rates["metric"].isin(measures)]
table = table.pivot_table("value", "method", "metric").reindex(index=methods, columns=list(measures))
notebook.table(table.rename(columns=measures).reset_index())

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) the most attended token acts against its sign
# in {glue:text}`attention:.2f` of the texts, the top token by attention × gradient in
# {glue:text}`attention_x_gradient:.2f`, by signed random scores in {glue:text}`signed_random:.2f`, and by
# leave-one-out, each removal by its own, in {glue:text}`leave-one-out:.2f`.
#
# ## Limits
#
# - An unsigned method *cannot* be right on a token that speaks against the prediction; its violation ratio
#   says how often the top token is such a one, not how well it tells.
# - One token per text: a method that puts everything on one safe token passes.
# - A text without one of its tokens is a text the model was not trained on; three ways to remove soften
#   that and do not cure it. Where evidence is doubled, removing one copy changes nothing.
# - Shares are of each text's own length; their code takes the shortest text of a batch, and counts start
#   and end symbols: `released` has that rule. {glue:text}`untested` texts of one token are left out.

# %% tags=["remove-input"]
page.origin(run.settings)
