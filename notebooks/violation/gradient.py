# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What carries the sign: the gradient's factors, its target, and clamping
#
# **The claim.** {cite:t}`liu2022rethinking` take attention × gradient apart: with the size of the gradient
# alone, or its sign alone, the violation ratio lies between those of attention and of the whole product.
# They conclude that both matter. Two choices go unsaid in that table: *what* the gradient is of, the
# probability in their code for recurrent models and the logit in that for transformers, and that methods
# which clamp negative values away do well by a test of signs although they have none.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # decides the initial weights, the order of batches and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "violation/gradient", notebook.TEXTS)
model_settings = dict(vectors=vectors, deviation=deviation, epochs=epochs, patience=patience)
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
# One more has no place in the paper. The weights are a softmax, and removal by the attention mask
# renormalises them: to first order it moves the decision by $-\frac{\alpha_t}{1-\alpha_t} (z_t - u) \cdot
# \nabla_u$. So the score with the right sign is $\alpha_t (z_t - u) \cdot \nabla_u$, the gradient by the
# attention *logit*; attention × gradient leaves out "$- u$". With two classes and a linear head that sign
# is right always, not to first order only.
#
# Each is computed for three targets: the *probability* of the predicted class, its *logit*, and its
# *margin* over the runner-up.

# %%
trained = explain.Trained(run.model, run.texts, run.corpus.vocabulary, run.readout, run.device)
factors = [
    "attention",
    "attention × gradient",
    "attention × |gradient|",
    "attention × sign(gradient)",
    "gradient by attention",
    "gradient by attention logit",
]
clamped = ["attention × gradient", "gradient by attention logit", "input × gradient", "integrated gradients"]
removals = faithfulness.removals(run.model, run.texts, run.corpus.vocabulary, run.readout, run.device)
parts = []
for target in explain.TARGETS:
    scores = explain.explain(trained, [*factors, "input × gradient"], target=target)
    found = faithfulness.measure_texts(scores, removals, run.texts.labels, only_violation=True)
    parts.append(found.assign(target=target))
frame = pd.concat(parts, ignore_index=True)
rates = faithfulness.summarise_measures(frame, ["target"])

# %% [markdown]
# ## The factors
#
# Gradient of the probability, as their code has it, by way to remove and as the mean of the three.

# %% tags=["hide-input"]
operators = [*faithfulness.OPERATORS, "mean"]
violation = rates[rates["metric"] == "violation"]
violation = violation.assign(
    operator=pd.Categorical(violation["operator"], operators, ordered=True),
    target=pd.Categorical(violation["target"], explain.TARGETS, ordered=True),
)
of_probability = violation[(violation["target"] == "probability") & violation["method"].isin(factors)]
charts.dot_panels(
    of_probability.assign(method=pd.Categorical(of_probability["method"], factors, ordered=True), panel=""),
    "method",
    by="operator",
    panel="panel",
    title=f"Which factor of the gradient carries the sign ({dataset}, {encoder}, {scorer})",
    x_title="violation ratio (share of texts)",
    by_title="removal",
    columns=1,
)

# %% [markdown]
# ## The target
#
# The logit of the predicted class may rise while its probability falls, because the others rise more. That
# can make its gradient a worse guide to the sign; in the recorded runs it does on most data sets, and not on
# bAbI 1. With two classes and one output, as on texts of two labels,
# the three differ by positive factors only, and the test cannot tell them apart.

# %% tags=["hide-input"]
compared = ["attention × gradient", "gradient by attention logit", "input × gradient"]
of_targets = violation[violation["method"].isin(compared)]
charts.dot_panels(
    of_targets.assign(method=pd.Categorical(of_targets["method"], compared, ordered=True)),
    "target",
    by="operator",
    panel="method",
    title="Violation by gradient target and way to remove",
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
# token is nearly always a supporting one. That is not the same as telling support from opposition. Below,
# each method with its negative scores set to zero, first by the test, then by how many tokens get the right
# sign: among tokens whose removal changes the probability by more than a thousandth, the share whose score
# has the sign of the change (zero is no sign).

# %%
signed = explain.explain(trained, clamped)
clipped = {f"{name}, clamped": found.clamp(min=0) for name, found in signed.items()}
both = faithfulness.measure_texts(signed | clipped, removals, run.texts.labels, only_violation=True)
clamping = faithfulness.summarise_measures(both)
agreement = faithfulness.sign_agreement(signed | clipped, removals, effect=0.001)

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
    "centred": value["probability", "gradient by attention logit"],
    "centred_mask": masked["probability", "gradient by attention logit"],
    "plain_mask": masked["probability", "attention × gradient"],
}
page.finish(run, frame, summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run attention alone is violated in {glue:text}`attention:.2f` of the texts (mean of the three ways
# to remove), times the whole gradient in {glue:text}`attention_gradient:.2f`, times its size in
# {glue:text}`attention_size:.2f`, times its sign in {glue:text}`attention_sign:.2f`; with the gradient of
# the logit in place of the probability the product has {glue:text}`by_logit:.2f`. Under the attention mask
# the gradient by the attention logit is violated in {glue:text}`centred_mask:.3f`, attention × gradient in
# {glue:text}`plain_mask:.3f`.
#
# ## Limits
#
# - Which factor matters depends on the model: where nearly all tokens support the prediction a sign has
#   nothing to tell. In the recorded runs attention × gradient is violated less often than attention for all
#   models of text but one (bAbI 1, BiLSTM with additive attention), and for no transformer of the generated
#   scenes ({doc}`../chapters/transformers`).
# - Right signs are counted over tokens, which are not independent within a text; their interval resamples
#   texts.

# %% tags=["remove-input"]
page.origin(run.settings)
