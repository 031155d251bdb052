# %% [markdown]
# # Does attention transfer between models?
#
# The experiment behind {doc}`../chapters/guide`. {cite:t}`wiegreffe2019attention` impose a BiLSTM's attention
# on a model without context. Here every model is a guide of every other, beside two controls: what leaving
# out a token does to the guide, and weights that carry nothing but the class which the guide predicts.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), a corpus of single texts
encoders: list = ["average", "convolution"]  # each guides each: also bilstm, bigru, minilm (frozen)
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
dimension: Optional[int] = 50  # of the word vectors; None: as the paper
epochs: Optional[int] = 3  # None: as the paper
leave_one_out: bool = False  # try that control too, of guides that are not frozen: a pass per token
seed: int = 0  # decides all models, the drawn weights and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # test on so many texts; None: all; training always takes all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib.models import classifier
from attnlib.prepare import guides
from attnlib.prepare.flat import prepare, prepare_like
from attnlib.tables import performance

page = notebook.begin(globals(), "beyond/transfer", notebook.SINGLE_TEXTS)
usual = dict(epochs=epochs, device=device, limit=limit)
own = {name: vectors if name in classifier.ENCODERS else "random" for name in encoders}
givers = {name: prepare(dataset, name, scorer, seed, vectors=start, **usual) for name, start in own.items()}

# %% tags=["remove-input"]
page.generated(link="../chapters/guide")

# %% [markdown]
# ## How it is measured
#
# Each model is trained again and again on the same data with weights that are imposed on every text of
# training, development and test: equal ones; the attention of each model, its own too; and the controls.
# What a model gains is its accuracy minus that under equal weights, on the same test texts; lines are 95 %
# intervals over texts.
#
# A guide has read the text, and so may hand over its answer. The control *class* gives each word a random
# weight per class, once, and takes those of the class that the guide predicts. What a model gains by
# attention beyond this is not the label in disguise.

# %%
given = {}
for name, giver in givers.items():
    given[name, "attention"] = guides.attention(giver)
    given[name, "class"] = guides.class_alone(giver, seed)
    if leave_one_out and name in classifier.ENCODERS:
        given[name, "leave-one-out"] = guides.leave_one_out_weights(giver)

run = givers[encoders[0]]
labels, classes = run.texts.labels, run.corpus.class_names
outputs = {}
for name, giver in givers.items():
    equal = prepare_like(giver, scorer="uniform")
    outputs[name, "none", "uniform"] = equal.readout.probabilities().cpu().numpy()
    for (guide, kind), weights in given.items():
        taught = prepare_like(giver, scorer="imposed", imposed=weights)
        outputs[name, guide, kind] = taught.readout.probabilities().cpu().numpy()

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
gains, scores = [], []
for (receiver, guide, kind), found in outputs.items():
    name = dict(receiver=receiver, guide=guide, weights=kind)
    report = performance.report(labels, found, classes)
    scores.append(report[report["class"] == "all"].assign(**name))
    if kind != "uniform":
        base = outputs[receiver, "none", "uniform"]
        gains.append(performance.difference(labels, found, base).assign(**name))
gains = pd.concat(gains, ignore_index=True).dropna(subset="value")
drawn = gains[gains["metric"] == "accuracy"]
charts.dot_panels(
    drawn.assign(receiver=drawn["receiver"].map("guided: {}".format)),
    "guide",
    by="weights",
    panel="receiver",
    title=f"What imposed weights add to equal ones ({dataset}, {scorer}, seed {seed})",
    x_title="accuracy minus that under equal weights (share)",
    by_title="weights",
)

# %% tags=["hide-input"]
wide = drawn.assign(from_=drawn["guide"] + ", " + drawn["weights"])
wide = wide.pivot_table("value", "from_", "receiver", sort=False).rename_axis("guide, weights")
notebook.table(wide.rename_axis(columns=None).reset_index())

# %% tags=["hide-input"]
gains["metric"] += "_gain"
summary = page.summary(run, [*scores, gains])
summary["encoder"] = ", ".join(encoders)
summary["method"] = summary.pop("guide") + ", " + summary.pop("weights")
frame = run.frame(
    **{", ".join(key): (found.argmax(axis=1) == labels).astype(float) for key, found in outputs.items()}
)
means = drawn.groupby("weights")["value"].mean()
others = drawn[drawn["weights"].eq("attention") & drawn["guide"].ne(drawn["receiver"])]
numbers = {"attention": means["attention"], "class": means["class"], "others": others["value"].mean()}
page.finish(run, frame, summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run imposed attention adds {glue:text}`attention:.3f` of accuracy to equal weights on average,
# that of another encoder {glue:text}`others:.3f`, and the class alone {glue:text}`class:.3f`.
#
# ## Limits
#
# - That the class alone helps, or does not, depends on what the guided model can read off weights: without
#   context, only by pointing at words that vote for the class.
# - A guide is right on its training texts more often than on others. A model that learns to rely on it is
#   misled where the guide is wrong.

# %% tags=["remove-input"]
page.origin(run.settings)
