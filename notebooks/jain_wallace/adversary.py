# %% [markdown]
# # Adversarial attention, text by text (Jain & Wallace, Figures 7 and 8)
#
# The experiment behind {doc}`../chapters/same_output` ({cite:t}`jain2019attention`, §4.2.2): the search as
# published and, for two classes, the exact optimum that it approaches from below.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: model as the authors' code; published: as the paper's text
search: str = "published"  # published or released: the loss that the search minimises
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # decides the model, the texts drawn and the starts of the search
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
epsilon: float = 0.01  # how far the output may move, in probability
n_candidates: int = 5  # starts of the search per text
n_steps: int = 500  # Adam steps of the search
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import kernels
from attnlib.prepare.flat import prepare
from attnlib.tables import reached, summaries

page = notebook.begin(globals(), "jain_wallace/adversary", notebook.TEXTS)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, recorded=readouts, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/same_output")

# %% [markdown]
# ## How it is measured
#
# For every text, over all weights $p$ on its tokens,
#
# $$
# \max_{p}\; \mathrm{JSD}(p, \alpha) \quad\text{subject to}\quad
# \mathrm{TVD}\bigl(\hat y(p), \hat y(\alpha)\bigr) \le \varepsilon .
# $$
#
# The *search* starts at five random points and takes 500 Adam steps on a penalised version of this. For two
# classes and a linear head the *exact optimum* is on one token or on two ({ref}`proof <exact-adversary>`).
# The largest possible value is $\ln 2 \approx 0.693$.
#
# Two attentions that know nothing of the text are compared with them: uniform, and drawn at random. Where one
# of them also keeps the output within $\varepsilon$, the condition on the output excludes little.

# %%
two_classes = run.readout.linear and len(run.corpus.class_names) == 2
searched = f"{search} search"
steps = dict(n_candidates=n_candidates, n_steps=n_steps, seed=seed, variant=search)


def adversaries(readout):
    methods = {searched: kernels.search_adversary(readout, epsilon, **steps)}
    if two_classes:
        methods["exact optimum"] = kernels.exact_adversary(readout, epsilon)
    return methods


readout = run.readout
found = adversaries(readout)
frames = {name: run.frame(jsd=far.jsd, tvd=far.tvd) for name, far in found.items()}
ignorant = {
    "uniform attention": kernels.uniform_weights(readout),
    "random attention": kernels.random_weights(readout, seed),
}
for name, weights in ignorant.items():
    change = kernels.tvd(readout.probabilities(weights), readout.probabilities())
    frames[name] = run.frame(jsd=kernels.jsd(weights, readout.alpha), tvd=change)
parts = [part.assign(method=name) for name, part in frames.items()]
frame = pd.concat(parts, ignore_index=True)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
charts.ecdf(
    frame,
    "jsd",
    title=f"Divergence from the model's attention, ε = {epsilon:g} ({dataset}, {encoder}, {scorer})",
    x_title="Jensen–Shannon divergence (nats)",
    domain=(0, 0.7),
    by="method",
    by_title="attention",
)

# %% [markdown]
# Search and optimum keep the output within $\varepsilon$ on every text (the paper's Figure 7). Uniform and
# random attention do so on the share of texts that the table calls `feasible`. By largest weight, as in the
# paper's Figure 8:

# %% tags=["hide-input"]
charts.violins_by_max_attention(
    frame[frame["method"].isin(found)],
    "jsd",
    title=f"Divergence by largest weight, ε = {epsilon:g} ({dataset}, {encoder}, {scorer})",
    x_title="ε-max Jensen–Shannon divergence (nats)",
    domain=(0, 0.7),
    facet="method",
)

# %% [markdown]
# One text with the model's attention, that of the search and the optimum: the text whose optimum is the
# median one. Where the data set's words may not be shown it is a sentence written for this book.

# %% tags=["hide-input"]
texts = run.readable()
results = adversaries(texts.readout) if run.recorded else found
best = list(results.values())[-1]
shown = int(best.jsd.argsort()[len(texts) // 2])
tokens = texts.words[shown]
rows = {"model's attention": texts.readout.alpha} | {name: result.weights for name, result in results.items()}
charts.heatmap(
    tokens,
    {name: weights[shown, : len(tokens)].tolist() for name, weights in rows.items()},
    title=f"Attention weights at the same output (text {texts.ids[shown]})",
)

# %% tags=["hide-input"]
parts = []
for name, part in frames.items():
    part["at_least_0_595"] = (part["jsd"] >= 0.595).astype(float)
    part["feasible"] = (part["tvd"] <= epsilon).astype(float)
    metrics = ["jsd", "at_least_0_595", *(["feasible"] if name in ignorant else [])]
    parts.append(summaries.summarise(part, metrics).assign(method=name))
    parts.append(summaries.medians(part, ["jsd"]).assign(method=name))
    if name in found:
        parts.append(summaries.quartiles_by_max_attention(part, "jsd").assign(method=name))
if not two_classes:
    parts.append(summaries.undefined(["jsd", "at_least_0_595", "jsd_median"], method="exact optimum"))
summary = page.summary(run, parts)
summary["epsilon"] = epsilon
overall = summary[(summary["class"] == "all") & summary["bin"].isna()]
overall = overall.set_index(["method", "metric"])["value"]
numbers = dict.fromkeys(("smallest_gain", "inert", "inert_moved", "free"), float("nan"))
numbers |= {
    "feasible_uniform": overall["uniform attention", "feasible"],
    "feasible_random": overall["random attention", "feasible"],
    "jsd_search": overall[searched, "jsd"],
    "jsd_exact": overall.get(("exact optimum", "jsd"), float("nan")),
}
if two_classes:
    numbers["smallest_gain"] = (found["exact optimum"].jsd - found[searched].jsd).min()
    possible = reached.columns(run.readout)
    numbers["inert"] = 1 - possible["can_flip"].mean()
    numbers["inert_moved"] = possible["inert_moved_0_1"].nanmean()
    numbers["free"] = (possible["largest_tvd"] <= epsilon).double().mean()
page.finish(run, frame, summary, numbers, test_accuracy=run.test_metrics["accuracy"])
notebook.table(summary, ["method", "metric", "class", "bin", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) the mean divergence is
# {glue:text}`jsd_search:.3f` by the search and {glue:text}`jsd_exact:.3f` at the optimum, which is never
# below the search (smallest difference {glue:text}`smallest_gain:.4f`). A text whose attention seems hard to
# replace may be one on which the search stopped early. Uniform attention keeps the output within
# $\varepsilon$ on a share of {glue:text}`feasible_uniform:.2f` of the texts, random attention on
# {glue:text}`feasible_random:.2f`.
#
# ## Limits
#
# - The optimum puts all weight on at most two tokens, as no trained model would. It tells how far weights
#   *can* be changed, not how plausible the change is. {cite:t}`wiegreffe2019attention` object to the search
#   for the same reason: a model computes attention, nobody chooses it per text.
# - On a share of {glue:text}`free:.3f` of the texts no attention moves the output by more than $\varepsilon$,
#   so every attention is allowed. On {glue:text}`inert:.2f` no attention changes the *class*; on
#   {glue:text}`inert_moved:.2f` of these, though, some attention moves the probability by more than .1.
# - With a head that is not linear (question answering) or with more than two classes the optimum is not
#   known; there the search gives lower bounds.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
