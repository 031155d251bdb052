# %% [markdown]
# # Does an encoder make attention a worse ranking? (Serrano & Smith, six architectures)
#
# The experiment behind {doc}`../chapters/encoders`. {cite:t}`serrano2019attention` suspect, from the number
# of items that must be erased, that attention says more about a decision where its states have not been
# mixed: without an encoder (*noenc*) each state is one word, after a recurrent layer (*rnn*) it may hold the
# whole document. But an encoder may make a decision hard to flip in *any* order. So this page compares what
# attention must erase with the exact minimum and with another order, for several architectures on one data
# set.

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

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from attnbook import charts, notebook
from attnbook.runs import results
from attnbook.verdicts import together
from attnlib import kernels
from attnlib.prepare.documents import prepare_documents
from attnlib.tables import erasure_sets, summaries

page = notebook.begin(
    globals(), "serrano_smith/contextualisation", notebook.SINGLE_TEXTS, sentences="HAN" in str(architectures)
)
model_settings = dict(variant=variant, vectors=vectors, epochs=epochs, patience=patience)
model_settings |= dict(learning_rate=learning_rate, train_limit=train_limit, device=device, limit=limit)

# %% tags=["remove-input"]
page.generated(link="../chapters/encoders")

# %% [markdown]
# ## How it is measured
#
# For each architecture, over the same test documents:
#
# - *can flip*: the share of documents in which some attention changes the predicted class
#   ({ref}`reach <reach>`);
# - *largest fall*: how far some attention lowers the probability of the predicted class, at most;
# - *distance from uniform*: Jensen–Shannon divergence of the attention from equal weights, in nats;
# - *fraction removed* until the decision flips, in the order of attention, of the product attention ×
#   gradient, and of the exact minimum; it is 1 for a decision that never flips, or only when nothing is left.
#   *Above the minimum* is attention's fraction minus the minimum of the same document;
# - *what the encoder adds*: the fraction with the encoder minus the fraction without. *Beyond* the product or
#   the minimum, it is what the encoder adds to attention's fraction minus what it adds to theirs. Only this
#   difference in differences is about the order that attention gives.

# %% tags=["remove-output"]
written = {"fraction": "fraction_all", "above": "above_minimum"}
runs, parts, counts = {}, [], []
for architecture in architectures:
    run = prepare_documents(dataset, architecture, seed, **model_settings)
    readout = run.readout
    orders = {
        "attention": kernels.attention_order(readout),
        "product": kernels.product_order(readout),
    }
    erased = kernels.erase_until_flip
    flips = {name: erased(readout, order) for name, order in orders.items()}
    minimum = kernels.minimal_flip_set(readout)
    counted = erasure_sets.frame(flips | {"minimum": minimum}, minimum)
    counted = erasure_sets.supported(counted, "all").assign(encoder=architecture)
    least = counted[counted["method"] == "minimum"].set_index("text")["fraction"]
    counted["above"] = counted["fraction"] - counted["text"].map(least)
    counts.append(counted.assign(text=np.array(run.texts.ids)[counted["text"]]))
    found = kernels.reach(readout)
    frame = run.frame(
        can_flip=found.can_flip.double(),
        largest_fall=readout.probabilities().amax(dim=1) - found.lowest,
        from_uniform=kernels.jsd(readout.alpha, kernels.uniform_weights(readout)),
    )
    accuracy = {"metric": "accuracy", "class": "all", "n": len(run.corpus.test)}
    accuracy = pd.DataFrame([accuracy]).assign(value=run.test_metrics["accuracy"])
    metrics = ["can_flip", "largest_fall", "from_uniform", "max_attention"]
    tables = [accuracy, summaries.summarise(frame, metrics)]
    for name, rows in counted.assign(predicted="all").groupby("method", sort=False):
        means = summaries.summarise(rows, list(written)).head(2).assign(method=name)
        tables.append(means.replace({"metric": written}))
    parts.append(page.summary(run, tables))
    runs[architecture] = run
effects = erasure_sets.effect_of_encoder(pd.concat(counts))
for name, rows in effects.groupby("encoder"):
    parts.append(page.summary(runs[name], rows.drop(columns="encoder")))
summary = pd.concat(parts, ignore_index=True)
everything = summary[summary["class"] == "all"]

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
words = {
    "can_flip": "can flip the decision",
    "largest_fall": "largest fall",
    "above_minimum, attention": "above the minimum",
    "accuracy": "test accuracy",
}
key = everything["metric"].str.cat(everything["method"], sep=", ").fillna(everything["metric"])
drawn = everything.assign(measure=key.map(words)).dropna(subset=["measure"])
charts.intervals(
    drawn[["encoder", "measure", "value", "low", "high"]],
    "encoder",
    group="measure",
    domain=(0, 1),
    title=f"Reach, and what attention must erase above the exact minimum ({dataset})",
    x_title="share of test documents or of items, or probability",
    y_title="architecture",
)

# %% tags=["hide-input"]
columns = {
    "accuracy": "accuracy",
    "can_flip": "can flip",
    "largest_fall": "largest fall",
    "from_uniform": "distance from uniform",
    "max_attention": "largest weight",
    "fraction_all, attention": "removed, attention",
    "fraction_all, product": "removed, product",
    "fraction_all, minimum": "removed, minimum",
    "above_minimum, attention": "attention above minimum",
}
wide = everything.assign(key=key).pivot_table("value", "encoder", "key", sort=False)
wide = wide.reindex(columns=list(columns)).rename(columns=columns)
notebook.table(wide.reset_index().rename(columns={"encoder": "architecture"}))

# %% [markdown]
# What an encoder adds to the fraction that attention must remove: raw, and beyond what it adds to the
# fractions of the product and of the minimum. Intervals are over documents.

# %% tags=["hide-input"]
readings = effects["against"].map({"product": "beyond the product", "minimum": "beyond the minimum"})
effects = effects.assign(measure=readings.fillna("raw"))
charts.intervals(
    effects[["encoder", "measure", "value", "low", "high"]],
    "encoder",
    group="measure",
    domain=(-1, 1),
    title=f"What the encoder adds to the fraction that attention removes ({dataset})",
    x_title="fraction of items, with the encoder minus without",
    y_title="architecture",
) if len(effects) else notebook.markdown("It needs an architecture with an encoder and the same without.")

# %% [markdown]
# The same from the recorded runs on real data, means over data sets and seeds (they have no fraction of this
# kind for the minimum):

# %% tags=["hide-input"]
of_sets = results.recorded("serrano_smith", "sets")
of_sets = of_sets[of_sets["variant"].eq("released")]
added = {"raw": None, "beyond the product": "product"}
on_record = pd.concat(
    [together.with_context(of_sets, minus).assign(measure=name) for name, minus in added.items()]
)
on_record = on_record[on_record["metric"].eq("fraction_all")].pivot_table("value", "encoder", "measure")
notebook.table(on_record[list(added)].rename_axis("architecture").reset_index())

# %% tags=["remove-cell"]
extremes = wide["can flip"].sort_values(kind="stable")
page.glue(least_reach=f"{extremes.index[0]} ({extremes.iloc[0]:.2f})")
page.glue(most_reach=f"{extremes.index[-1]} ({extremes.iloc[-1]:.2f})")
for measure in ("raw", "beyond the product", "beyond the minimum"):
    page.glue({measure.replace(" ", "_"): effects.loc[effects["measure"] == measure, "value"].mean()})
page.glue(recorded_raw=on_record["raw"].mean(), recorded_beyond=on_record["beyond the product"].mean())
page.write(summary, "contextualisation.csv")

# %% [markdown]
# ## What it means
#
# Attention can change the class of the fewest documents in {glue:text}`least_reach` and of the most in
# {glue:text}`most_reach`. Elsewhere it may still move the probability (*largest fall*).
#
# Averaged over the architectures with an encoder, the encoder adds {glue:text}`raw:.2f` to the fraction that
# attention must remove: {glue:text}`beyond_the_product:.2f` beyond the product and
# {glue:text}`beyond_the_minimum:.2f` beyond the minimum. The rest of the raw number means that the decision
# became harder to flip in any order. In the recorded runs on real data the encoder adds
# {glue:text}`recorded_raw:.2f`, and {glue:text}`recorded_beyond:.2f` beyond the product.
#
# A HAN has few items, each a whole sentence; a FLAN has many words, few of which matter. So fractions removed
# cannot be compared between the two; shares of documents can.
#
# ## Limits
#
# - Each model is trained once, all on one data set; the encoder also changes accuracy.
# - That a state after an encoder holds other words of the document is an assumption, not measured here.
# - Where nothing flips a document, all its fractions are 1 and all differences between orders 0.
# - Reach is about all attentions, also those that no model would produce.

# %% tags=["remove-input"]
page.origin(runs[architectures[-1]].settings)
