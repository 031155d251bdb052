# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How much does attention vary by itself? (Wiegreffe & Pinter, Figure 3)
#
# The second experiment behind {doc}`../chapters/same_output` ({cite:t}`wiegreffe2019attention`, §3.3). The
# paper looks at a violin plot of the seeds and of the search. Here both stand on one axis, with the exact
# optimum, and a share of texts counts what the eye compares.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of two classes
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
deviation: Optional[float] = None  # of random vectors; None: 0.1
epochs: Optional[int] = None  # None: as the paper, 8
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # of the base model; decides the texts drawn and the starts of the search
n_seeds: int = 3  # further models, of the seeds that follow; 8 in the paper
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
epsilon: float = 0.01  # how far the adversary may move the output, in probability
n_steps: int = 500  # Adam steps of the search
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd
import torch

from attnbook import charts, notebook
from attnlib.kernels import exact_adversary, jsd, reach, search_adversary, tvd, uniform_weights
from attnlib.prepare.flat import prepare, prepare_like
from attnlib.tables import summaries

page = notebook.begin(globals(), "wiegreffe_pinter/seeds", notebook.SINGLE_TEXTS, classes=2)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, recorded=readouts, **model_settings)
others = [prepare_like(run, seed=seed + further).readout for further in range(1, n_seeds + 1)]

# %% tags=["remove-input"]
page.generated(link="../chapters/same_output")

# %% [markdown]
# ## How it is measured
#
# For every test text, $\mathrm{JSD}(\alpha^{(s)}, \alpha)$ between the base model and each of the other seeds
# $s$, and the median over them, as in the paper; and how far the output moves. Beside it, for the base model
# alone: Jain and Wallace's search, the exact optimum at the same $\varepsilon$ and uniform weights.
#
# Two models differ in their outputs too. The adversary has to keep the output within $\varepsilon$, a new
# seed does not, so the seeds are the *easier* standard to be distant by.

# %%
readout = run.readout
original = readout.probabilities()
by_seed = torch.stack([jsd(other.alpha, readout.alpha) for other in others])
moved = torch.stack([tvd(other.probabilities(), original) for other in others])
found = {
    "published search": search_adversary(readout, epsilon, n_steps=n_steps, seed=seed),
    "exact optimum": exact_adversary(readout, epsilon),
}
uniform = uniform_weights(readout)
measured = {"other seeds": (by_seed.quantile(0.5, dim=0), moved.quantile(0.5, dim=0))}
measured |= {name: (result.jsd, result.tvd) for name, result in found.items()}
measured["uniform weights"] = (jsd(uniform, readout.alpha), tvd(readout.probabilities(uniform), original))
frames = {
    name: run.frame(jsd=far, tvd=change, beyond_seeds=(far > by_seed.amax(dim=0)).double())
    for name, (far, change) in measured.items()
}
frame = pd.concat([part.assign(method=name) for name, part in frames.items()], ignore_index=True)

# %% [markdown]
# ## What comes out
#
# By largest weight of the base model and predicted class, as in the paper's Figure 3:

# %% tags=["hide-input"]
charts.violins_by_max_attention(
    frame[frame["method"] != "uniform weights"],
    "jsd",
    title=f"Divergence from the base model's attention ({dataset}, {encoder}, {scorer})",
    x_title="Jensen–Shannon divergence (nats)",
    domain=(0, 0.7),
    facet="method",
)

# %% [markdown]
# What bounds all of these is how far the output *can* move: from the least to the largest probability that
# any attention gives the predicted class.

# %% tags=["hide-input"]
limits = reach(readout)
reached = run.frame(range=limits.highest - limits.lowest, can_flip=limits.can_flip.double())
charts.violins_by_max_attention(
    reached,
    "range",
    title=f"Reach of attention ({dataset}, {encoder}, {scorer})",
    x_title="highest minus lowest probability of the predicted class",
    domain=(0, 1),
)

# %% [markdown]
# Divergence and change of the output, of one of the other seeds:

# %% tags=["hide-input"]
charts.scatter(
    run.frame(jsd=by_seed[0], tvd=moved[0]),
    "tvd",
    "jsd",
    title=f"One other seed: change of the output and of attention ({dataset}, {encoder}, {scorer})",
    x_title="total variation distance of the outputs",
    y_title="Jensen–Shannon divergence (nats)",
    x_domain=(0, 1),
    y_domain=(0, 0.7),
)

# %% tags=["hide-input"]
parts = []
for name, part in frames.items():
    metrics = ["jsd", "tvd", *(["beyond_seeds"] if name != "other seeds" else [])]
    parts.append(summaries.summarise(part, metrics).assign(method=name))
    parts.append(summaries.medians(part, ["jsd"]).assign(method=name))
    parts.append(summaries.quartiles_by_max_attention(part, "jsd").assign(method=name))
parts.append(summaries.summarise(reached, ["range", "can_flip"]))
summary = page.summary(run, parts)
summary["epsilon"] = epsilon
shown = summary[(summary["class"] == "all") & summary["bin"].isna()]
values = shown.set_index(["method", "metric"])["value"]
numbers = {f"{name}, {metric}": values[name, metric] for name in frames for metric in ("jsd", "tvd")}
numbers |= {f"{name}, beyond": values[name, "beyond_seeds"] for name in frames if name != "other seeds"}
# Of n + 1 models that differ in their seed alone, each is as likely to be the furthest from the base.
numbers |= {"chance": 1 / (n_seeds + 1), "can_flip": reached["can_flip"].mean()}
page.finish(run, frame, summary, numbers, n_seeds=n_seeds)
notebook.table(shown, ["method", "metric", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# The median of {glue:text}`n_seeds` other seeds is {glue:text}`other seeds, jsd:.3f` nats from the base
# model's attention, and moves the output by {glue:text}`other seeds, tvd:.3f`. The search reaches
# {glue:text}`published search, jsd:.3f` and lies beyond *all* of the seeds on a share of
# {glue:text}`published search, beyond:.2f` of the texts; the optimum reaches
# {glue:text}`exact optimum, jsd:.3f` and does so on {glue:text}`exact optimum, beyond:.2f`. Some attention
# can change the class on a share of {glue:text}`can_flip:.2f` of the texts.
#
# Two shares to read the first two by: uniform weights, which know nothing of the text, are
# {glue:text}`uniform weights, jsd:.3f` nats away and lie beyond all seeds on
# {glue:text}`uniform weights, beyond:.2f` of the texts; one more seed of the same kind would on about
# {glue:text}`chance:.2f`.
#
# ## Limits
#
# - Being outside seed noise shows that the adversary is no ordinary retrained model. Weights that no training
#   made, such as uniform ones, may lie outside too. It does not show that its weights are ones that a model
#   could have: {doc}`adversary` trains such a model.
# - The seeds are those that follow the base's; theirs were eight others. The median over eight hides what the
#   most distant of them does, which is what the share beyond all of them is measured against.
# - Where little can be reached the divergence is free: on such texts it says nothing about the output.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
