# %% [markdown]
# # Does the model need its attention? (Wiegreffe & Pinter, Table 2)
#
# The second experiment behind {doc}`../chapters/guide` ({cite:t}`wiegreffe2019attention`, §3.2): the model is
# *trained* with the same weight on every token. Uniform attention only at test time is another experiment
# ({doc}`../jain_wallace/base`): there the encoder was trained with weights that are then taken away.

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
patience: Optional[int] = None  # stop after so many epochs without a better score
selection: str = "dev"  # dev: the epoch is chosen on the development split; test: as the authors' code
seed: int = 0  # decides both models and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # compare on so many test texts; None: all
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib.kernels import jsd, tvd
from attnlib.prepare.flat import prepare, prepare_like
from attnlib.tables import performance, summaries

page = notebook.begin(globals(), "wiegreffe_pinter/uniform", notebook.SINGLE_TEXTS, classes=2)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
model_settings |= dict(device=device, selection=selection)
run = prepare(dataset, encoder, scorer, seed, limit=limit, recorded=readouts, **model_settings)
uniform = prepare_like(run, scorer="uniform")

# %% tags=["remove-input"]
page.generated(link="../chapters/guide")

# %% [markdown]
# ## How it is measured
#
# Two models of the same data, seed and order of batches, one with learned weights $\alpha_t$, the other with
# $\alpha_t = 1/T$ on the tokens of the text (start and end symbols have none in either). Both are tested on
# the same texts, so their difference has a paired bootstrap interval.

# %%
models = {"learned attention": run.readout, "uniform attention": uniform.readout}
labels, classes = run.texts.labels, run.corpus.class_names
outputs, reports = {}, []
for name, readout in models.items():
    outputs[name] = readout.probabilities().cpu().numpy()
    report = performance.report(labels, outputs[name], classes)
    reports.append(report.assign(method=name))
paired = performance.difference(labels, *outputs.values())
paired = paired.assign(method="difference")
first, second = models.values()
frame = run.frame(
    jsd=jsd(second.alpha, first.alpha),
    tvd=tvd(second.probabilities(), first.probabilities()),
    same_class=(second.predictions() == first.predictions()).double(),
)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
names = {"accuracy": "accuracy", "f1": f"F1 of “{classes[1]}”", "roc_auc": "area under the ROC curve"}
compared = pd.concat(reports, ignore_index=True)
overall = compared[(compared["class"] == "all") & compared["metric"].isin(names)]
charts.intervals(
    overall.assign(score=overall["metric"].map(names)),
    "score",
    group="method",
    domain=(0, 1),
    title=f"Test scores with learned and with uniform attention ({dataset}, {encoder}, {scorer})",
    x_title="score on the test texts (share or area)",
)

# %% tags=["hide-input"]
charts.intervals(
    paired.assign(score=paired["metric"].map(names)),
    "score",
    title=f"Test scores, learned minus uniform attention ({dataset}, {encoder}, {scorer})",
    x_title="learned minus uniform (share or area, 95 % interval over texts)",
)

# %% [markdown]
# How far the learned weights are from uniform ones:

# %% tags=["hide-input"]
charts.ecdf(
    frame,
    "jsd",
    title=f"Divergence of learned attention from uniform ({dataset}, {encoder}, {scorer})",
    x_title="Jensen–Shannon divergence (nats)",
    domain=(0, 0.7),
)

# %% tags=["hide-input"]
changes = summaries.summarise(frame, ["jsd", "tvd", "same_class"]).assign(method="difference")
sizes = run.recorded.facts["sizes"] if run.recorded else performance.sizes(run.corpus)
sizes = pd.DataFrame(sizes.items(), columns=["metric", "value"]).assign(**{"class": "all"})
parts = [*reports, paired, changes[changes["class"] == "all"], sizes]
summary = page.summary(run, parts)
if selection == "test":
    summary["variant"] += ", epoch by test"
values = summary[summary["class"] == "all"].set_index(["method", "metric"])
numbers = {name: values["value"]["difference", name] for name in ("jsd", "same_class")}
for metric in names:
    numbers |= {f"{metric}, {name}": values["value"][name, metric] for name in models}
    numbers |= {f"{metric}, {end}": values[end]["difference", metric] for end in ("value", "low", "high")}
page.finish(run, frame, summary, numbers)
notebook.table(pd.concat([overall, paired]), ["method", "metric", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run F1 is {glue:text}`f1, learned attention:.3f` with learned and
# {glue:text}`f1, uniform attention:.3f` with uniform attention, a difference of {glue:text}`f1, value:.3f`
# ({glue:text}`f1, low:.3f` to {glue:text}`f1, high:.3f`). The area under the ROC curve differs by
# {glue:text}`roc_auc, value:.3f` ({glue:text}`roc_auc, low:.3f` to {glue:text}`roc_auc, high:.3f`). The
# learned weights are {glue:text}`jsd:.3f` nats from uniform ones on average, and the models give the same
# class on a share of {glue:text}`same_class:.3f` of the texts. An interval that contains 0 does not show that
# attention is useless.
#
# ## Limits
#
# - The interval is over test texts for one pair of models; {doc}`../chapters/guide` has the spread over
#   seeds.
# - A model that does not *need* attention may still use it: a BiLSTM's state at one token may hold much of
#   the others, so that little is lost whichever is read.
# - The authors choose the epoch on the test split (`selection="test"`), which takes the luckiest of eight
#   epochs.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
