# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Does it matter which token gets which weight?
#
# **The claim.** {cite:t}`jain2019attention` (§4.2.1) shuffle the attention weights among the tokens of a
# text and read the output again. If a model's attention tells why it decides as it does, they argue, giving
# the same weights to other tokens should change the decision. They report that it often hardly does, even
# where the attention is peaked.

# %% tags=["remove-cell"]
from typing import Optional

# %% tags=["parameters", "hide-input"]
dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec on the training texts) or a GloVe/fastText text file
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # decides the model, the texts drawn and the permutations
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
n_permutations: int = 100  # permutations per text
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-output"]
from myst_nb import glue

from attnlib import charts, notebook, results
from attnlib.kernels import permutation_test, reach
from attnlib.prepare import prepare

parameters = notebook.parameters(globals())
charts.enable()
model_settings = dict(variant=variant, vectors=vectors, epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)

# %% [markdown]
# ## How it is measured
#
# The encoder's states stay as they are; only the weights move (Algorithm 2 of the paper). For permutations
# $\pi_1, \dots, \pi_P$ of the text's tokens,
#
# $$
# \mathrm{med}_{p}\; \mathrm{TVD}\Bigl(\hat y\bigl(\textstyle\sum_t \alpha_{\pi_p(t)} h_t\bigr),\;
# \hat y\bigl(\textstyle\sum_t \alpha_t h_t\bigr)\Bigr).
# $$
#
# Because the head reads only $\sum_t \alpha_t z_t$ with $z_t$ the {doc}`readout <../../readout>`'s scores,
# all permutations of a text cost one small product.

# %%
median = permutation_test(run.readout, n_permutations=n_permutations, seed=seed)
frame = run.frame(median_tvd=median)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
charts.violins_by_max_attention(
    frame,
    "median_tvd",
    title=f"Median output change under permutation ({dataset}, {encoder}, {scorer})",
    x_title="median total variation distance (probability)",
    domain=(0, 1),
)

# %% [markdown]
# Each row of violins holds the texts whose largest weight lies in that bin (the paper's Figure 6): far to the
# right and high up is what an explanation would look like; at the left and high up is the paper's point.

# %% tags=["hide-input"]
metrics = ["median_tvd", "max_attention"]
if run.readout.head is None:
    # One token alone is the most extreme attention there is: if none changes the class, nothing can.
    frame["can_flip"] = reach(run.readout).can_flip.cpu().numpy().astype(float)
    metrics.append("can_flip")
summary = run.tidy(results.summarise(frame, metrics), paper="jain_wallace", experiment="permutation")
overall = summary[summary["class"] == "all"].set_index("metric")
glue("median_tvd", float(overall.loc["median_tvd", "value"]), display=False)
glue("max_attention", float(overall.loc["max_attention", "value"]), display=False)
glue("inert", 1 - float(overall["value"].get("can_flip", float("nan"))), display=False)
glue("test_accuracy", run.test_metrics["accuracy"], display=False)
if output:
    run.save(output, frame, summary, parameters)
notebook.table(summary, ["metric", "class", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) the median permutation moves the output
# probability by {glue:text}`median_tvd:.3f` on average, at a mean largest weight of
# {glue:text}`max_attention:.2f`. On a share of {glue:text}`inert:.2f` of the texts *no* attention
# whatsoever, permuted or not, changes the predicted class: every token, read alone, votes the same way. There
# a small change under permutation says something about the encoder's states, and nothing about attention.
#
# ## Limits
#
# - A permutation that keeps the output may also mean that the states $h_t$ are alike, as recurrent encoders
#   make them {cite:p}`mohankumar2020towards`: the test cannot tell the two apart. `reach` above can.
# - Texts of the same length share the same random permutations, so that a text's number does not depend on
#   its batch; the means over texts are unaffected, their sampling error is a little larger.

# %% tags=["remove-input"]
notebook.origin(parameters, run.settings)
