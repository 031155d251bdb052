# %% [markdown]
# # Erasing one item, document by document (Serrano & Smith, Figures 3 and 4, Table 2)
#
# The experiment behind {doc}`../chapters/erasure` ({cite:t}`serrano2019attention`, §4). Erase the item with
# the highest attention weight, renormalise the others, and compare with erasing another item. If attention is
# importance, the first erasure should change the output more, the more so the larger the difference of
# weights.
#
# The paper draws the other item at random. That is not needed: erasing each item has a closed form
# ({doc}`../../readout`), so the mean over *all* other items is exact. And what the released code draws is not
# what the paper describes.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted_documents"  # a name from attnlib.data.names(), of texts; a HAN needs sentences
architecture: str = "HANrnn"  # HANrnn, HANconv, HANnoenc, FLANrnn, FLANconv or FLANnoenc
variant: str = "released"  # released: dropout on the logits, as their code; no_logit_dropout: without
vectors: str = "corpus"  # corpus (word2vec on the training texts) or random
epochs: Optional[int] = None  # at most so many; None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev accuracy; None: as the paper
learning_rate: Optional[float] = None  # at the start; None: as the paper
train_limit: Optional[int] = None  # train on so many documents, drawn with the seed; None: all
seed: int = 0  # decides the model, the documents drawn and the items drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test documents; None: all
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib.kernels import flip_table, output_gradient, single_erasure
from attnlib.prepare.documents import prepare_documents
from attnlib.tables import summaries
from attnlib.tables.single_erasures import by_difference

page = notebook.begin(
    globals(), "serrano_smith/single", notebook.SINGLE_TEXTS, sentences=architecture.startswith("HAN")
)
model_settings = dict(variant=variant, vectors=vectors, epochs=epochs, patience=patience)
model_settings |= dict(learning_rate=learning_rate, train_limit=train_limit)
run = prepare_documents(
    dataset, architecture, seed, device=device, limit=limit, recorded=readouts, **model_settings
)

# %% tags=["remove-input"]
page.generated(link="../chapters/erasure")

# %% [markdown]
# ## How it is measured
#
# Let $p$ be the output and $q_i$ the output after erasing item $i$ (setting $\alpha_i = 0$ and
# renormalising). With $i^*$ the top item and $r$ another one,
#
# $$
# \Delta\alpha = \alpha_{i^*} - \alpha_r, \qquad
# \Delta\mathrm{JS} = \mathrm{JS}(p, q_{i^*}) - \mathrm{JS}(p, q_r),
# $$
#
# the Jensen–Shannon divergence in nats. The top item is that of attention $\alpha$, of the gradient
# $g_i = \partial p_y / \partial \alpha_i$ of the predicted class $y$, or of the product $\alpha_i g_i$. The
# other item is
#
# - *every other*: the mean over all $r \ne i^*$, exactly (`average` in the code and in recorded tables);
# - *drawn*: one $r \ne i^*$ at random, as the paper says;
# - *released*: as their code does. It draws a *rank* and uses it as a *position* in the document, so that
#   $r$ may be $i^*$ itself (in about one of $T$ documents with $T$ items) and is never the first item.

# %%
readout = run.readout
gradient = output_gradient(readout).nan_to_num()
tops = {
    "attention": readout.alpha,
    "gradient": gradient,
    "product": readout.alpha * gradient,
}
ways = {"average": "every other", "drawn": "drawn", "released": "released"}
found = {
    (top, how): single_erasure(readout, scores, how, seed, run.texts.ids)
    for top, scores in tops.items()
    for how in ways
}
tables = {key: flip_table(result).cpu().numpy() for key, result in found.items()}
parts = []
for (top, how), erased in found.items():
    columns = dict(delta_js=erased.delta_js, delta_attention=erased.delta_attention)
    columns["flips_top"] = erased.flips_top.double()
    columns["flips_other"] = erased.flips_other
    parts.append(run.frame(**columns).assign(top=top, how=how))
frame = pd.concat(parts, ignore_index=True)

# %% [markdown]
# ## What comes out
#
# The top item by attention and one drawn item, as in the paper's Figure 3, which shows equally many points
# for every difference of weight. At the left are counts of all documents.

# %% tags=["hide-input"]
one = frame[(frame["top"] == "attention") & (frame["how"] == "drawn")]
charts.counts_beside_points(
    one,
    "delta_attention",
    "delta_js",
    title=f"Effect of erasing the most attended item minus another's ({dataset}, {architecture})",
    x_title="Δα (difference of attention weight)",
    y_title="ΔJS (nats)",
)

# %% [markdown]
# Documents in which erasing the other item changes the output *more*, by difference of weight (Figure 4):

# %% tags=["hide-input"]
negative = frame[(frame["top"] == "attention") & (frame["delta_js"] < 0)]
ours = negative if len(negative) else frame[frame["top"] == "attention"]
charts.ecdf(
    ours.assign(how=pd.Categorical(ours["how"].map(ways), ways.values())),
    "delta_attention",
    title=f"Δα where erasing the other item changes more ({dataset}, {architecture})",
    x_title="Δα (difference of attention weight)",
    domain=(0, 1),
    by="how",
    by_title="other item",
    y_title="documents at or below",
)

# %% [markdown]
# Documents whose decision flips (Table 2), in percent of those with two items or more: by erasing the top
# item, the other one, either of them, or neither.

# %% tags=["hide-input"]
cells = {(0, 0): "both flip", (0, 1): "top alone", (1, 0): "other alone", (1, 1): "neither"}
flips = pd.DataFrame(
    {"top item by": top, "other item": ways[how]} | {name: table[cell] for cell, name in cells.items()}
    for (top, how), table in tables.items()
)
notebook.table(flips)

# %% tags=["hide-input"]
frame["negative"] = (frame["delta_js"] < 0).astype(float).where(frame["delta_js"].notna())
metrics = ["delta_js", "delta_attention", "flips_top", "flips_other", "negative"]
parts = []
several = frame["delta_js"].notna()
for (top, how), part in frame[several].groupby(["top", "how"], sort=False):
    method = f"{top}, {how}"
    parts.append(summaries.summarise(part, metrics).assign(method=method))
    parts.append(summaries.medians(part, ["delta_js"]).assign(method=method))
    if top == "attention":
        parts.append(by_difference(part).assign(method=method))
names = {(0, 0): "flip_both", (0, 1): "flip_top_only", (1, 0): "flip_other_only", (1, 1): "flip_neither"}
for (top, how), table in tables.items():
    shares = pd.DataFrame({"metric": names.values(), "value": [table[cell] / 100 for cell in names]})
    shares = shares.assign(method=f"{top}, {how}", n=int(several.sum() / len(found)))
    parts.append(shares.assign(**{"class": "all"}))
summary = page.summary(run, parts)
overall = summary[(summary["class"] == "all") & summary["bin"].isna()]
overall = overall.set_index(["method", "metric"])["value"]
same = found["attention", "released"].other == run.readout.alpha.argmax(1)
average, released = (overall[f"attention, {how}"] for how in ("average", "released"))
told = ("neither", "top_only", "other_only", "both")
numbers = {name: 100 * average[f"flip_{name}"] for name in told}
numbers |= {"both_released": 100 * released["flip_both"], "top_released": 100 * released["flip_top_only"]}
numbers |= {"same": 100 * same.double().mean(), "negative": 100 * average["negative"]}
numbers |= {"median_js": average["delta_js_median"], "test_accuracy": run.test_metrics["accuracy"]}
page.finish(run, frame, summary, numbers)
shown = summary[summary["class"].eq("all") & summary["bin"].isna()]
shown = shown[~shown["metric"].str.startswith("flip_")]
shown = shown.assign(method=shown["method"].str.replace("average", ways["average"]))
notebook.table(shown, ["method", "metric", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`), with the mean over every other item, neither
# erasure changes the decision in {glue:text}`neither:.1f` % of the documents. Only erasing the most attended
# item does in {glue:text}`top_only:.1f` %, only erasing the other in {glue:text}`other_only:.1f` %. The
# median ΔJS is {glue:text}`median_js:.4f` nats, of at most 0.693; erasing the other item changes the output
# more in {glue:text}`negative:.1f` % of the documents.
#
# The released code takes the top item itself as the other one in {glue:text}`same:.1f` % of the documents.
# This moves documents from *top alone* to *both flip*: both erasures flip {glue:text}`both_released:.1f` %
# instead of {glue:text}`both:.1f` %, and only the top item flips {glue:text}`top_released:.1f` % instead of
# {glue:text}`top_only:.1f` %. The published Table 2 was made this way.
#
# ## Limits
#
# - Erasure is at the last attention layer. What the encoder has mixed into the other states stays.
# - Documents of one item have no other item and are left out.
# - In a long document most single items hardly matter. {doc}`sets` asks how many it takes.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
