# %% [markdown]
# # How much does attention vary between seeds? (Wiegreffe & Pinter, Figure 3)
#
# The second experiment behind {doc}`../chapters/same_output` ({cite:t}`wiegreffe2019attention`, §3.3). The
# paper compares violin plots of other seeds and of the search by eye. Here they share one axis with the exact
# optimum, and the texts on which the search lies beyond all seeds are counted.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of two classes
encoder: str = "bilstm"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
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
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, recorded=readouts, **model_settings)
others = [prepare_like(run, seed=seed + further).readout for further in range(1, n_seeds + 1)]

# %% tags=["remove-input"]
page.generated(link="../chapters/same_output")

# %% [markdown]
# ## How it is measured
#
# For every test text, $\mathrm{JSD}(\alpha^{(s)}, \alpha)$ between the base model and each other seed $s$,
# the median over them, as in the paper, and the change of the output. Then, for the base model alone, Jain
# and Wallace's search, the exact optimum at the same $\varepsilon$, and uniform weights. The search has to
# keep the output within $\varepsilon$; another seed does not, and so may differ more easily.

# %%
readout = run.readout
original = readout.probabilities()
by_seed = torch.stack([jsd(other.alpha, readout.alpha) for other in others])
moved = torch.stack([tvd(other.probabilities(), original) for other in others])
steps = dict(n_steps=n_steps, seed=seed)
found = {
    "published search": search_adversary(readout, epsilon, **steps),
    "exact optimum": exact_adversary(readout, epsilon),
}
uniform = uniform_weights(readout)
of_uniform = tvd(readout.probabilities(uniform), original)
measured = {
    "other seeds": tuple(each.quantile(0.5, dim=0) for each in (by_seed, moved)),
    **{name: (best.jsd, best.tvd) for name, best in found.items()},
    "uniform weights": (jsd(uniform, readout.alpha), of_uniform),
}
frames = {}
for name, (far, change) in measured.items():
    beyond = (far > by_seed.amax(dim=0)).double()
    frames[name] = run.frame(jsd=far, tvd=change, beyond_seeds=beyond)
parts = [part.assign(method=name) for name, part in frames.items()]
frame = pd.concat(parts, ignore_index=True)

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
# How far the output *can* move: from the least to the greatest probability that any attention gives the
# predicted class.

# %% tags=["hide-input"]
limits = reach(readout)
reached = run.frame(range=limits.highest - limits.lowest, can_flip=limits.can_flip.double())
charts.violins_by_max_attention(
    reached,
    "range",
    title=f"Range of the output over all attentions ({dataset}, {encoder}, {scorer})",
    x_title="highest minus lowest probability of the predicted class",
    domain=(0, 1),
)

# %% [markdown]
# Both distances of one other seed:

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
# model's attention and moves the output by {glue:text}`other seeds, tvd:.3f`. The search reaches
# {glue:text}`published search, jsd:.3f` nats and is further away than *every* seed on a share of
# {glue:text}`published search, beyond:.2f` of the texts; the optimum reaches
# {glue:text}`exact optimum, jsd:.3f` and is so on {glue:text}`exact optimum, beyond:.2f`. For comparison,
# uniform weights are {glue:text}`uniform weights, jsd:.3f` nats away and further than every seed on
# {glue:text}`uniform weights, beyond:.2f` of the texts; one more seed would be on about
# {glue:text}`chance:.2f`. Some attention can change the class on a share of {glue:text}`can_flip:.2f` of the
# texts.
#
# ## Limits
#
# - Weights further away than all seeds are not those of an ordinary retrained model, and neither are uniform
#   ones. Whether a model could have them is another question: {doc}`adversary` trains one.
# - The seeds are those that follow the base's; theirs were eight others.
# - Where attention can hardly move the output, a large divergence says nothing about the output.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
