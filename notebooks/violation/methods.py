# %% [markdown]
# # The violation test and four other measures, all methods on one model (Liu et al.)
#
# The experiment behind {doc}`../chapters/sign`. {cite:t}`liu2022rethinking` test the *sign* of an
# explanation. Remove the token with the largest score: if the score is positive the model should become less
# certain, if it is negative more certain. Where the opposite happens the explanation is *violated*. They find
# attention weights, which have no sign, little better than random scores, and attention × gradient nearly
# always right.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
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
model_settings = dict(vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience, layers=layers)
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
# A token is removed by *deletion* from the text, by a *zero* embedding in its place, or by an *attention
# mask*, which leaves the encoder alone and renormalises the other weights. The paper reports the mean of the
# three. The last follows from the Readout alone ({doc}`../../readout`).

# %%
scores = explain.explain(run.trained, target=target, seed=seed)
removals, labels = faithfulness.removals(*run.trained), run.texts.labels
measured = faithfulness.measure_texts(scores, removals, labels, released=released)
oracle = faithfulness.measure_leave_one_out(removals, labels, released)
frame = pd.concat([measured, oracle], ignore_index=True)
rates = faithfulness.summarise_measures(frame)

# %% [markdown]
# Two rows are references. *Signed random* scores are right by chance; *leave-one-out* is the very fall that
# the test measures and can never be violated, though other measures may prefer another method.
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
    shown[shown["metric"] == "violation"],
    "method",
    by="operator",
    title=f"Texts whose top token acts against its sign ({dataset}, {encoder}, {scorer})",
    x_title="violation ratio (share of texts)",
    by_title="removal",
    domain=(0, 1),
)

# %% [markdown]
# A score without sign counts as support, so the violation ratio of attention is how often removing the most
# attended token *raises* the probability. In the recorded runs each removal favours the gradients by what it
# removes: gradients by attention are violated least under the attention mask, gradients by the input under
# deletion or a zero embedding.
#
# In the paper ties pass: a token whose removal changes nothing counts as faithful. The table has the shares
# of ties ($|\Delta| \le 10^{-6}$ or score 0) and of texts whose scores are all 0, and the violation ratio
# without ties (*decided*) and where $|\Delta| > .01$ (*effect*):

# %% tags=["hide-input"]
about = ["violation", "tied", "zero_score", "violation_decided", "violation_effect"]
ties = rates[(rates["operator"] == "mean") & rates["metric"].isin(about)]
ties = ties.pivot_table("value", "method", "metric")
ties = ties.reindex(index=methods, columns=about).reset_index()
notebook.table(ties)

# %% [markdown]
# ## Beyond the first token
#
# The same for the second, third, … token by $|w|$, among texts without a tie there:

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
    curves.assign(rank=curves["rank"] + 1),
    "rank",
    by="method",
    column="operator",
    title=f"Violation ratio by rank of the token ({dataset}, {encoder}, {scorer})",
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
    title=f"Four measures that ignore the sign ({dataset}, {encoder}, {scorer})",
    x_title="mean over texts",
    by_title="removal",
)

# %% [markdown]
# Do they tell violated texts from faithful ones? Per text, by the share of the three removals that violate
# it; a box from the 25th to the 75th percentile, a ring at the mean:

# %% tags=["hide-input"]
three = ["attention", "attention × gradient", "integrated gradients"]
by_level = faithfulness.level_boxes(faithfulness.levels(frame), three)
by_level["measure"] = by_level["measure"].map(measures)
charts.boxes(
    by_level,
    "level",
    by="method",
    facet="measure",
    domain=(-1, 1),
    title=f"Measures by the share of removals that violate a text ({dataset}, {encoder}, {scorer})",
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
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) the violation ratio, as the mean of the three
# removals, is {glue:text}`attention:.2f` for attention, {glue:text}`attention_x_gradient:.2f` for attention ×
# gradient, {glue:text}`signed_random:.2f` for signed random scores and {glue:text}`leave-one-out:.2f` for
# leave-one-out.
#
# ## Limits
#
# - A method without signs *cannot* be right on a token that speaks against the prediction. Its violation
#   ratio is the share of such top tokens.
# - One token per text: a method that puts everything on one safe token passes.
# - The model was not trained on texts with a token missing, and where evidence is doubled, removing one copy
#   changes nothing.
# - Shares of removed tokens are of each text's own length. Their code takes that of the shortest text of a
#   batch and counts start and end symbols (`released`). {glue:text}`untested` texts of one token are left
#   out.

# %% tags=["remove-input"]
page.origin(run.settings)
