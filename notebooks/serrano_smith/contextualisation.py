# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the states under attention already know
#
# **The claim.** {cite:t}`serrano2019attention` compare six architectures and suspect that attention says
# more about a decision where the states it weighs have not been mixed: without an encoder (*noenc*) each
# state is one word, after a recurrent layer (*rnn*) every state knows the document. They offer it as a
# hypothesis, from the number of items that must be erased.
#
# There is a more direct measure. An attention layer can only choose among what its states offer. If every
# single state, alone, already gives the predicted class, *no* attention can change the decision and none
# can explain it ({ref}`reach <reach>`). This page trains all six on one data set and asks.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted_documents"  # a name from attnlib.data.names(), of texts; a HAN needs sentences
architectures: list = ["HANrnn", "HANconv", "HANnoenc", "FLANrnn", "FLANconv", "FLANnoenc"]  # those compared
variant: str = "released"  # released: dropout on the logits, as their code; no_logit_dropout: without
vectors: str = "corpus"  # corpus (word2vec on the training texts) or random
epochs: Optional[int] = None  # at most so many; None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev accuracy; None: as the paper
learning_rate: Optional[float] = None  # at the start; None: as the paper
train_limit: Optional[int] = None  # train on so many documents, drawn with the seed; None: all
seed: int = 0  # decides the models and the documents drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test documents; None: all
output: Optional[str] = None  # folder for contextualisation.csv

# %% tags=["remove-output"]

import pandas as pd

from attnbook import charts, notebook
from attnlib import kernels
from attnlib.prepare.documents import prepare_documents
from attnlib.tables import erasure_sets, summaries

page = notebook.begin(
    globals(), "serrano_smith/contextualisation", notebook.SINGLE_TEXTS, sentences="HAN" in str(architectures)
)
model_settings = dict(variant=variant, vectors=vectors, epochs=epochs, patience=patience)
model_settings |= dict(learning_rate=learning_rate, train_limit=train_limit)

# %% tags=["remove-input"]
page.generated()

# %% [markdown]
# ## How it is measured
#
# For each architecture, over the same test documents:
#
# - *can flip*: the share of documents in which some attention changes the predicted class, that is, in
#   which some single state alone predicts another;
# - *distance from uniform*: Jensen–Shannon divergence of the attention from equal weights, in nats;
# - *fraction removed* until the decision flips, in the order of attention, and of the exact minimum; a
#   decision that never flips, or only when nothing is left, counts as 1.

# %% tags=["remove-output"]
runs, parts = {}, []
for architecture in architectures:
    run = prepare_documents(dataset, architecture, seed, device=device, limit=limit, **model_settings)
    readout = run.readout
    minimum = kernels.minimal_flip_set(readout)
    flips = {
        "attention": kernels.erase_until_flip(readout, kernels.attention_order(readout)),
        "product": kernels.erase_until_flip(readout, kernels.product_order(readout)),
        "minimum": minimum,
    }
    counted = erasure_sets.supported(erasure_sets.frame(flips, minimum), "all")
    found = kernels.reach(readout)
    apart = kernels.jsd(readout.alpha, kernels.uniform_weights(readout))
    frame = run.frame(can_flip=found.can_flip.double(), from_uniform=apart, lowest=found.lowest)
    statistics = [
        summaries.summarise(frame, ["can_flip", "from_uniform", "max_attention"]),
        *(
            summaries.summarise(group.assign(predicted="all"), ["fraction"])
            .head(1)
            .replace({"metric": {"fraction": "fraction_all"}})
            .assign(method=name)
            for name, group in counted.groupby("method", sort=False)
        ),
    ]
    accuracy = {"metric": "accuracy", "class": "all", "value": run.test_metrics["accuracy"]}
    accuracy = pd.DataFrame([accuracy]).assign(n=len(run.corpus.test))
    parts.append(page.summary(run, [accuracy, *statistics]))
    runs[architecture] = run
summary = pd.concat(parts, ignore_index=True)
everything = summary[summary["class"] == "all"]

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
words = {
    "can_flip": "some attention can flip the decision",
    "fraction_all, attention": "fraction removed, by attention",
    "fraction_all, minimum": "fraction removed, exact minimum",
    "accuracy": "test accuracy",
}
key = everything["metric"].str.cat(everything["method"], sep=", ").fillna(everything["metric"])
drawn = everything.assign(measure=key.map(words)).dropna(subset=["measure"])
charts.dot_intervals(
    drawn[["encoder", "measure", "value", "low", "high"]],
    "encoder",
    by="measure",
    domain=(0, 1),
    title=f"Six architectures: reach and erasure ({dataset})",
    x_title="share of test documents, or of items",
    y_title="architecture",
)

# %% tags=["hide-input"]
columns = {
    "accuracy": "accuracy",
    "can_flip": "can flip",
    "from_uniform": "distance from uniform",
    "max_attention": "largest weight",
    "fraction_all, attention": "removed, attention",
    "fraction_all, product": "removed, product",
    "fraction_all, minimum": "removed, minimum",
}
wide = everything.assign(key=key).pivot_table("value", "encoder", "key", sort=False)
wide = wide.reindex(columns=list(columns)).rename(columns=columns)
notebook.table(wide.reset_index().rename(columns={"encoder": "architecture"}))

# %% tags=["remove-cell"]
told = {"can flip": "flip", "removed, attention": "removed", "removed, minimum": "least"}
for column, name in told.items():
    page.glue({f"{name}_{architecture}": wide.loc[architecture, column] for architecture in architectures})
extremes = wide["can flip"].sort_values(kind="stable")
page.glue(least_reach=f"{extremes.index[0]} ({extremes.iloc[0]:.2f})")
page.glue(most_reach=f"{extremes.index[-1]} ({extremes.iloc[-1]:.2f})")
correlation = wide["can flip"].corr(wide["removed, attention"], method="spearman", min_periods=3)
page.glue(correlation=correlation)
page.write(summary, "contextualisation.csv")

# %% [markdown]
# ## What it means
#
# Attention has the least to decide in {glue:text}`least_reach` and the most in {glue:text}`most_reach`: the
# share of documents in which *any* attention could change the decision. Over the architectures this share
# and the fraction that attention must remove have a rank correlation of {glue:text}`correlation:.2f`; where
# it is negative, decisions that take many erasures are decisions that attention could hardly have changed.
# What looks like a bad ranking is then, in part, a state that already knows the answer.
#
# A HAN has few items and each is a whole sentence; a FLAN has many words, few of which matter. Their
# fractions removed are shares of different things, and reach is one of documents in both.
#
# ## Limits
#
# - Six models trained once on one data set; the encoder changes accuracy as well as what its states know.
# - Reach asks about all attentions, plausible ones and others.

# %% tags=["remove-input"]
page.origin(runs[architectures[-1]].settings)
