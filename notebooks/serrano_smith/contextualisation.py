# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What an encoder leaves for attention to decide
#
# **The claim.** {cite:t}`serrano2019attention` compare six architectures and suspect that attention says
# more about a decision where the states it weighs have not been mixed: without an encoder (*noenc*) each
# state is one word, after a recurrent layer (*rnn*) a state may hold the whole document. They offer it as a
# hypothesis, from the number of items that must be erased.
#
# That number alone does not tell. An encoder may make a decision hard to flip in *any* order, so what
# attention must erase is set here beside the least that any order must, and beside another order. And
# attention can only choose among what its states offer: how far some attention moves class and probability is
# known exactly ({ref}`reach <reach>`). This page trains those of `architectures` on one data
# set and asks.

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
model_settings |= dict(learning_rate=learning_rate, train_limit=train_limit)

# %% tags=["remove-input"]
page.generated(link="../chapters/encoders")

# %% [markdown]
# ## How it is measured
#
# For each architecture, over the same test documents:
#
# - *can flip*: the share of documents in which some attention changes the predicted class, that is, in
#   which some single state alone predicts another;
# - *largest fall*: by how much some attention lowers the probability of the predicted class, at most. It may
#   be large where no attention changes the class;
# - *distance from uniform*: Jensen–Shannon divergence of the attention from equal weights, in nats;
# - *fraction removed* until the decision flips, in the order of attention, of the product attention ×
#   gradient, and of the exact minimum; it is 1 for a decision that never flips, or only when nothing is left.
#   *Above the minimum* is attention's fraction minus the minimum of the same document;
# - *what the encoder adds*: the fraction with the encoder minus the fraction without. Of it, *beyond* the
#   product or the minimum: what it adds to attention's fraction minus what it adds to theirs, a difference in
#   differences. Only that part is about the order that attention gives.

# %% tags=["remove-output"]
runs, parts, counts = {}, [], []
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
    least = counted[counted["method"] == "minimum"].set_index("text")["fraction"]
    counted = counted.assign(encoder=architecture, above=counted["fraction"] - counted["text"].map(least))
    counts.append(counted.assign(text=counted["text"].map(dict(enumerate(run.texts.ids)))))
    found = kernels.reach(readout)
    apart = kernels.jsd(readout.alpha, kernels.uniform_weights(readout))
    fall = readout.probabilities().amax(dim=1) - found.lowest
    frame = run.frame(can_flip=found.can_flip.double(), largest_fall=fall, from_uniform=apart)
    statistics = [
        summaries.summarise(frame, ["can_flip", "largest_fall", "from_uniform", "max_attention"]),
        *(
            summaries.summarise(group.assign(predicted="all"), ["fraction", "above"])
            .head(2)
            .replace({"metric": {"fraction": "fraction_all", "above": "above_minimum"}})
            .assign(method=name)
            for name, group in counted.groupby("method", sort=False)
        ),
    ]
    accuracy = {"metric": "accuracy", "class": "all", "value": run.test_metrics["accuracy"]}
    accuracy = pd.DataFrame([accuracy]).assign(n=len(run.corpus.test))
    parts.append(page.summary(run, [accuracy, *statistics]))
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
# What an encoder adds to the fraction that attention must remove: raw, and beyond what it adds to the product
# and to the minimum, on the same documents. The interval is over documents.

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
# The same from the recorded runs on real data (means over data sets and seeds; of the minimum they hold no
# fraction of this kind):

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
# Some attention changes the class of the fewest documents in {glue:text}`least_reach` and of the most in
# {glue:text}`most_reach`. Where none does, attention may still move the probability: the column *largest
# fall* tells by how much.
#
# Averaged over the architectures with an encoder, the encoder adds {glue:text}`raw:.2f` to the fraction that
# attention must remove. Beyond what it adds to the product it is {glue:text}`beyond_the_product:.2f`, beyond
# the minimum {glue:text}`beyond_the_minimum:.2f`. Only these two are about the order that attention gives;
# the rest of the raw number is a decision that became harder to flip in any order. In the recorded runs on
# real data the encoder adds {glue:text}`recorded_raw:.2f`, and {glue:text}`recorded_beyond:.2f` beyond the
# product.
#
# A HAN has few items and each is a whole sentence; a FLAN has many words, few of which matter. Their
# fractions removed are shares of different things, and reach is one of documents in both.
#
# ## Limits
#
# - Each model is trained once, all on one data set; the encoder changes accuracy as well as its states.
# - That a state after an encoder holds other words of the document is an assumption. Nothing on this page
#   measures it: states also vote alike where all words say the same.
# - Where nothing flips a document, all its fractions are 1 and all differences between orders 0.
# - Reach asks about all attentions, plausible ones and others.

# %% tags=["remove-input"]
page.origin(runs[architectures[-1]].settings)
