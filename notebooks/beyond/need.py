# %% [markdown]
# # When is attention needed?
#
# The experiment behind {doc}`../chapters/guide`. {cite:t}`vashishth2019attention` find that attention can be
# replaced by equal or random weights where one sequence is classified, and not where two are compared. Here
# the same is asked of any data set, beside what attention could do to the learned model in the first place.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), single texts or pairs
encoder: str = "convolution"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # None: as the paper
epsilon: float = 0.01  # how far the exact adversary may move the output, in probability
n_permutations: int = 100  # permutations per text
seed: int = 0  # decides the models, the random weights, the texts drawn and the permutations
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # compare on so many test texts; None: all
length: Optional[list] = None  # fewest and most tokens of a text; planted alone
redundancy: Optional[list] = None  # fewest and most of its words that tell the label; planted alone
conflict: Optional[float] = None  # share of its texts with words against their label; planted alone
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
from dataclasses import replace

import pandas as pd

from attnbook import charts, notebook
from attnlib import kernels
from attnlib.data import load
from attnlib.kernels import jsd
from attnlib.prepare import guides
from attnlib.prepare.flat import prepare, prepare_like
from attnlib.tables import performance, reached, summaries

page = notebook.begin(globals(), "beyond/need", notebook.TEXTS)
usual = dict(vectors=vectors, dimension=dimension, epochs=epochs, device=device)
varied = {"length": length, "redundancy": redundancy, "conflict": conflict}
varied = {name: value for name, value in varied.items() if value is not None}
texts = dataset
if varied:
    told = ", ".join(f"{name} {value}" for name, value in varied.items())
    texts = replace(load(dataset, **varied), name=f"{dataset}, {told}")
run = prepare(texts, encoder, scorer, seed, limit=limit, **usual)
drawn = guides.chance(run.corpus, seed)

# %% tags=["remove-input"]
page.generated(link="../chapters/guide")

# %% [markdown]
# ## How it is measured
#
# Three models of the same data, seed and order of batches: with learned weights; trained with the same
# weight on every token; and trained with weights drawn at random for each text, once and for all. What the
# learned model loses to the others is its *need*. All are tested on the same texts, so the differences have
# paired bootstrap intervals.

# %%
models = {
    "learned": run,
    "uniform": prepare_like(run, scorer="uniform"),
    "random": prepare_like(run, scorer="imposed", imposed=drawn),
}
labels, classes = run.texts.labels, run.corpus.class_names
outputs = {}
for name, model in models.items():
    outputs[name] = model.readout.probabilities().cpu().numpy()

# %% [markdown]
# Beside it stands what attention could do at all to the learned model: on how many texts some attention
# changes the class, how far the probability can move, what permutations do, and how different attention can
# be at the same output. Questions and pairs have a head that is not linear, for which only permutations are
# known.

# %%
readout, two = run.readout, len(classes) == 2
permuted = kernels.permutation_test(readout, n_permutations, seed)
could = {"median_tvd": permuted, **reached.columns(readout, permuted)}
if readout.linear and two:
    could["exact_jsd"] = kernels.exact_adversary(readout, epsilon).jsd
elif readout.linear:
    bounds = kernels.adversary_bounds(readout, epsilon)
    could |= {"jsd_at_least": bounds.lower, "jsd_at_most": bounds.upper}
could["jsd_uniform"] = jsd(models["uniform"].readout.alpha, readout.alpha)
frame = run.frame(**could)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
reports, needs = [], []
for name, found in outputs.items():
    report = performance.report(labels, found, classes)
    reports.append(report[report["class"] == "all"].assign(method=name))
    if name != "learned":
        needs.append(performance.difference(labels, outputs["learned"], found).assign(method=name))
needs = pd.concat(needs, ignore_index=True).dropna(subset="value")
needs["metric"] += "_need"
charts.intervals(
    needs[needs["metric"] == "accuracy_need"],
    "method",
    title=f"Accuracy that learned attention adds ({run.corpus.name}, {encoder}, {scorer})",
    x_title="accuracy with learned weights minus that with others (share, 95 % interval over texts)",
)

# %% tags=["hide-input"]
changes = summaries.summarise(frame, list(could))
changes = changes[changes["class"] == "all"]
summary = page.summary(run, [*reports, needs, changes])
values = summary[summary["class"] == "all"].set_index(["method", "metric"])
accuracy = {name: values["value"][name, "accuracy"] for name in models}
ends = {end: values[end]["uniform", "accuracy_need"] for end in ("value", "low", "high")}
page.finish(run, frame, summary, accuracy | ends, permuted=permuted.mean())
notebook.table(needs, ["method", "metric", "value", "low", "high", "n"])

# %% tags=["hide-input"]
notebook.table(changes, ["metric", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run accuracy is {glue:text}`learned:.3f` with learned weights, {glue:text}`uniform:.3f` with equal
# ones and {glue:text}`random:.3f` with random ones. Learned minus equal is {glue:text}`value:.3f`
# ({glue:text}`low:.3f` to {glue:text}`high:.3f`). Permuting the learned weights moves the probability by
# {glue:text}`permuted:.3f` on average.
#
# ## Limits
#
# - *Needed* is said of training: a model trained with attention may lean on it although another would do
#   as well without.
# - Random weights are drawn once. In training they act as noise too, which a model can learn to ignore.
# - An interval that contains 0 does not show that attention is useless.

# %% tags=["remove-input"]
page.origin(run.settings)
