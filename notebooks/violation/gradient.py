# %% [markdown]
# # Which part of attention × gradient carries the sign? (Liu et al.)
#
# {cite:t}`liu2022rethinking` multiply attention by the size of the gradient alone, or by its sign alone. Both
# violation ratios lie between those of attention and of attention × gradient, so they conclude that both
# matter. Two choices are not stated in their table. The gradient is that of the probability in recurrent
# models and of the logit in transformers. And methods that set negative values to zero pass the test without
# having signs.

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
seed: int = 0  # decides the initial weights, the order of batches and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
from functools import partial

import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "violation/gradient", notebook.TEXTS)
model_settings = dict(vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/sign")

# %% [markdown]
# ## How it is measured
#
# The logits are a function of $u = \sum_t \alpha_t z_t$, so the gradient by a weight, as a free variable
# after the softmax, is $\nabla_{\alpha_t} = z_t \cdot \nabla_u$. The factors are scored apart:
#
# $$
# \alpha_t, \qquad \alpha_t \nabla_{\alpha_t}, \qquad \alpha_t |\nabla_{\alpha_t}|, \qquad
# \alpha_t \operatorname{sign} \nabla_{\alpha_t}, \qquad \nabla_{\alpha_t} .
# $$
#
# One more score is not in the paper. Removal by the attention mask renormalises the weights, so to first
# order it moves the decision by $-\frac{\alpha_t}{1-\alpha_t} (z_t - u) \cdot \nabla_u$. The score with that
# sign is $\alpha_t (z_t - u) \cdot \nabla_u$, the gradient by the attention *logit*; attention × gradient
# leaves out "$- u$". With two classes and a linear head its sign is right exactly, not only to first order.
#
# Each is computed for three targets: the *probability* of the predicted class, its *logit*, and its *margin*
# over the next class.

# %%
factors = [
    "attention",
    "attention × gradient",
    "attention × |gradient|",
    "attention × sign(gradient)",
    "gradient by attention",
    "gradient by attention logit",
]
methods = [*factors, "input × gradient"]
removals, labels = faithfulness.removals(*run.trained), run.texts.labels
measured = partial(faithfulness.measure_texts, only_violation=True)
parts = []
for target in explain.TARGETS:
    scores = explain.explain(run.trained, methods, target=target)
    parts.append(measured(scores, removals, labels).assign(target=target))
frame = pd.concat(parts, ignore_index=True)
rates = faithfulness.summarise_measures(frame, ["target"])

# %% [markdown]
# ## The factors
#
# The gradient of the probability, as in their code, for each removal and as the mean of the three.

# %% tags=["hide-input"]
operators = [*faithfulness.OPERATORS, "mean"]
violation = rates[rates["metric"] == "violation"]
violation = violation.assign(
    operator=pd.Categorical(violation["operator"], operators, ordered=True),
    target=pd.Categorical(violation["target"], explain.TARGETS, ordered=True),
)
of_probability = violation[(violation["target"] == "probability") & violation["method"].isin(factors)]
charts.dot_panels(
    of_probability.assign(method=pd.Categorical(of_probability["method"], factors, ordered=True)),
    "method",
    by="operator",
    title=f"Violation ratio by factor of the gradient ({dataset}, {encoder}, {scorer})",
    x_title="violation ratio (share of texts)",
    by_title="removal",
)

# %% [markdown]
# ## The target
#
# The logit of the predicted class may rise while its probability falls, because the others rise more. In the
# recorded runs this makes the logit's gradient a worse guide to the sign on most data sets (not on bAbI 1).
# With two classes and one output the three differ by positive factors only, and their violation is the same.

# %% tags=["hide-input"]
compared = ["attention × gradient", "gradient by attention logit", "input × gradient"]
of_targets = violation[violation["method"].isin(compared)]
charts.dot_panels(
    of_targets.assign(method=pd.Categorical(of_targets["method"], compared, ordered=True)),
    "target",
    by="operator",
    panel="method",
    title="Violation ratio by target of the gradient and removal",
    x_title="share of texts",
    by_title="removal",
    columns=3,
)

# %% tags=["hide-input"]
grid = violation.pivot_table("value", ["method", "target"], "operator", observed=True).reset_index()
notebook.table(grid)

# %% [markdown]
# ## Clamping
#
# Several methods for transformers set negative values to zero and still pass the test, because their top
# token nearly always supports the prediction. That does not tell support from opposition. Below are methods
# with and without their negative scores: their violation ratio, and the share of tokens with the right sign,
# among those whose removal changes the probability by more than .001 (zero counts as no sign).

# %%
names = ["attention × gradient", "gradient by attention logit"]
names += ["input × gradient", "integrated gradients"]
signed = explain.explain(run.trained, names)
both = dict(signed)
both |= {f"{name}, clamped": scores.clamp(min=0) for name, scores in signed.items()}
clamping = faithfulness.summarise_measures(measured(both, removals, labels))
agreement = faithfulness.sign_agreement(both, removals, effect=0.001)

# %% tags=["hide-input"]
of_test = clamping[(clamping["metric"] == "violation") & (clamping["operator"] == "mean")]
of_signs = agreement.pivot_table("value", "method", "operator", dropna=False).mean(axis=1, skipna=False)
table = of_test[["method", "value"]].rename(columns={"value": "violation ratio"})
notebook.table(table.assign(**{"tokens with the right sign": table["method"].map(of_signs)}))

# %% tags=["hide-input"]
clamping = clamping.assign(target="probability")
clamping = clamping[~clamping["method"].isin(signed)]
rows = pd.concat([rates, clamping, agreement.assign(target="probability")], ignore_index=True)
summary = page.summary(run, rows)
value = violation[violation["operator"] == "mean"].set_index(["target", "method"])["value"]
masked = violation[violation["operator"] == "attention mask"].set_index(["target", "method"])["value"]
numbers = {
    "attention_gradient": value["probability", "attention × gradient"],
    "attention_size": value["probability", "attention × |gradient|"],
    "attention_sign": value["probability", "attention × sign(gradient)"],
    "attention": value["probability", "attention"],
    "by_logit": value["logit", "attention × gradient"],
    "centred_mask": masked["probability", "gradient by attention logit"],
    "plain_mask": masked["probability", "attention × gradient"],
}
page.finish(run, frame, summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run the violation ratio, as the mean of the three removals, is {glue:text}`attention:.2f` for
# attention, {glue:text}`attention_gradient:.2f` for attention × gradient, {glue:text}`attention_size:.2f`
# with the gradient's size alone and {glue:text}`attention_sign:.2f` with its sign alone. With the gradient of
# the logit attention × gradient has {glue:text}`by_logit:.2f`. Under the attention mask the gradient by the
# attention logit has {glue:text}`centred_mask:.3f` and attention × gradient {glue:text}`plain_mask:.3f`.
#
# ## Limits
#
# - Where nearly all tokens support the prediction, signs make no difference. In the recorded runs attention ×
#   gradient is violated less often than attention for all models of text but one (bAbI 1, BiLSTM with
#   additive attention); in transformers on the generated scenes both are within .02 of each other
#   ({doc}`../chapters/transformers`).
# - Right signs are counted over tokens, which are not independent within a text; their interval resamples
#   texts.

# %% tags=["remove-input"]
page.origin(run.settings)
