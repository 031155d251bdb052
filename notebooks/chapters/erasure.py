# %% [markdown]
# # Does erasing what is attended change the decision?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

dataset: str = "sst"  # a name from attnlib.data.names()
architecture: str = "FLANrnn"  # FLANrnn, FLANconv or FLANnoenc; a HAN where documents have sentences
epochs: Optional[int] = None  # at most so many; None: as the paper
seed: int = 0  # decides the model and the random order
limit: Optional[int] = None  # analyse so many test documents; None: all
readouts: str = "only"  # only: the recorded Readout, no training; auto: that where data are missing; never
output: Optional[str] = None  # folder for the table of this run

# %% tags=["remove-cell"]
import torch

from attnbook import charts, notebook
from attnbook.verdicts import cells, papers, shared_questions, together
from attnlib import Readout, kernels
from attnlib.kernels import minimal_flip_set, naive
from attnlib.prepare.documents import prepare_documents
from attnlib.tables import erasure_sets, single_erasures

page = notebook.begin(
    globals(), "chapters/erasure", notebook.SINGLE_TEXTS, sentences=architecture.startswith("HAN")
)
run = prepare_documents(dataset, architecture, seed, limit=limit, epochs=epochs, recorded=readouts)
readout = run.readout
tables = papers.recorded()
claimed = ("top_item", "top_item_matters", "better_than_random", "ranking_gradient", "ranking_product")
judged = together.findings(tables, {name: together.CLAIMS[name] for name in claimed})
names = {"random": "random", "attention": "attention", "product": "attention × gradient"}
kinds = {"HAN": "erasing sentences (HAN)", "FLA": "erasing words (FLAN)"}
excess = shared_questions.rankings(tables, list(names), {"excess": "excess"})
excess["kind"] = excess["encoder"].astype(str).str[:3].map(kinds)
excess["order"] = excess["method"].astype(str).map(names)
of_set = excess.groupby(["order", "dataset"], observed=True)["value"].mean().unstack(0)

# %% tags=["remove-input"]
page.answer(
    """
    **Erasing the most attended item mostly does not.** It changes the decision of {flips:.0%} of
    the documents ({sets} data sets, six architectures). In the order of attention, {attention:.1f}
    times as many items as necessary must go until the decision flips; by attention × gradient
    {product:.1f} times as many.
    """,
    flips=judged[0].judged.value,
    sets=judged[0].judged.units,
    **of_set.mean().rename({"attention × gradient": "product"}),
)

# %% tags=["remove-input"]
page.figure(
    charts.dot_panels(
        cells.over_rows(excess, ["dataset", "kind", "order"], orders={"order": list(names.values())}),
        "dataset",
        by="order",
        panel="kind",
        title="Items erased until the decision flips, relative to the exact minimum",
        x_title="items over the fewest that flip",
        by_title="in the order of",
        logarithmic=True,
    ),
    "On each data set attention needs {low:.1f} to {high:.1f} times the fewest items that flip the decision,"
    " attention × gradient {least:.1f} to {most:.1f} times.",
    low=of_set["attention"].min(),
    high=of_set["attention"].max(),
    least=of_set["attention × gradient"].min(),
    most=of_set["attention × gradient"].max(),
)

# %% [markdown]
# Dots are means of three architectures; lines reach from the lowest of the three to the highest.
#
# ## The idea
#
# {cite:t}`serrano2019attention` set weights to zero, renormalise the others, and see whether the decision
# changes. They erase the most attended item; or they erase items in the order of a ranking until the decision
# flips. A good ranking of importance should need few.
#
# What would be few? The paper calls the search for the smallest set exponential and compares rankings with
# each other. The search is a sort. Four items have the weights $(.4, .3, .2, .1)$ and the votes
# $(-1, 3, 2, -2)$; their weighted sum $.7$ is positive. Attention erases the first item first, which voted
# *against* the decision, and needs three items. The products $(-.4, .9, .4, -.2)$ show that erasing the
# second item is enough.
#
# ```{prf:theorem} The smallest set
# :label: theorem-smallest-set
# Let $d_t = (z_{ty} + b_y) - (z_{tc} + b_c)$ be the lead of the predicted class $y$ over a class $c$ at item
# $t$. Erase items in descending order of $\alpha_t d_t$ until $c$ wins. The fewest erasures over all classes
# $c$ are the fewest of all $2^T$ sets.
# ```
#
# ```{prf:proof}
# With the set $R$ erased, $y$ leads over $c$ by $\sum_{t \notin R} \alpha_t d_t$, divided by the attention
# that is left, which is positive. So the sum decides. Of all sets of $k$ items, the one with the $k$ largest
# $\alpha_t d_t$ leaves the smallest sum. If this set does not flip the decision, no set of $k$ items does.
# ```
#
# For two classes attention × gradient orders items like $\alpha_t (z_{ty} - z_{tc})$. This is $\alpha_t d_t$
# without the bias, which explains why the ranking wins in the paper, and where it loses.
#
# ## The formula and the kernel
#
# The specification tries every set of items:

# %% tags=["remove-input"]
notebook.code_of(naive.flipping_sets)

# %% [markdown]
# That is 1024 sets for ten items; so both read the first ten items of twenty documents.

# %%
first = readout.select(range(min(20, len(readout))))
share = first.alpha[:, :10] / first.alpha[:, :10].sum(1, keepdim=True)
short = Readout(share, first.scores[:, :10], first.bias, first.mask[:, :10])
assert torch.equal(minimal_flip_set(short).count, naive.minimal_flip_set(short))

# %% tags=["remove-cell"]
orders = {
    "random": kernels.random_orders(readout, 1, seed, run.texts.ids)[0],
    "attention": kernels.attention_order(readout),
    "attention × gradient": kernels.product_order(readout),
}
flips = {name: kernels.erase_until_flip(readout, order) for name, order in orders.items()}
minimum = minimal_flip_set(readout)
rows = erasure_sets.supported(erasure_sets.frame(flips | {"exact minimum": minimum}, minimum), "all")
page.write(rows, "erasure.csv", "%.6g")
words = {"fraction": "fraction of items erased", "excess": "items over the fewest"}
means = rows.groupby("method", sort=False)[list(words)].mean().rename_axis("order").reset_index()

# %% [markdown]
# On this run a document that never flips counts as one with all items erased; the last column is of documents
# in which some set flips the decision.

# %% tags=["remove-input"]
notebook.table(means.rename(columns=words))

# %% [markdown]
# ## The second class
#
# With more than two classes the same sort answers another question: after how many erasures is the second
# class no longer second? Take the predicted class out of each text and look for the smallest set among the
# others. Means over 500 test texts of two models that average words; a text in which no set does it counts
# as one with all its tokens erased:

# %% tags=["remove-input"]
second = cells.recorded("beyond", ["geometry"]).query("`class` == 'all' and encoder == 'average'")
told = {
    "second_falls": "share of texts whose second class falls",
    "second_fewest": "fraction erased until it does",
    "fewest": "fraction erased until the first does",
}
second = papers.named(second[second["metric"].isin(told)])
second = second.assign(measure=second["metric"].map(told)).pivot_table("value", "dataset", "measure")
second = second.reindex(columns=list(told.values())).rename_axis("data set")
notebook.table(second.reset_index()) if len(second) else notebook.nothing()

# %% [markdown]
# ## One item
#
# The paper's Figure 3 shows what erasing the most attended item changes in the output, minus what erasing
# another item changes. The paper draws the other item; here it is the exact average over all of them.

# %% tags=["remove-input"]
single = tables["serrano_smith"].query("experiment == 'single' and method == 'attention, average'")
single = papers.named(single[single["bin"].notna() & single["encoder"].isin(["FLANrnn", "FLANnoenc"])])
wide = single.pivot_table("value", ["dataset", "encoder", "bin"], "metric").reset_index()
parts = {"delta_js_median": "value", "delta_js_p05": "low", "delta_js_p95": "high"}
bins = single_erasures.DIFFERENCE_LABELS
wide["middle"] = ((wide["bin"].map(bins.index) + 0.5) / len(bins)).round(2)
page.figure(
    charts.line_panels(
        wide.rename(columns=parts).assign(row="all documents"),
        "middle",
        by="encoder",
        row="row",
        column="dataset",
        title="Effect of erasing the most attended item, minus that of another item",
        x_title="difference of the two weights",
        y_title="JSD (nats)",
        by_title="architecture",
    ),
    "The median effect grows with the lead of the top weight. It reaches at most {most:.2f} of the"
    " {limit:.2f} nats that are possible.",
    most=wide["delta_js_median"].max(),
    limit=0.6931,
)

# %% [markdown]
# Lines are medians over documents; bands reach from the 5th to the 95th percentile. The authors' code draws a
# *rank* and uses it as a *position*, so the other item can be the top item itself ({doc}`defects`).
#
# ## The verdicts
#
# The paper's figures are drawings without numbers, and its data sets were not available. So its claims are
# judged here, on three other data sets; {doc}`verdicts` has the rule.

# %% tags=["remove-input"]
notebook.table(together.overview(judged), ["claim", "verdict", "mean", "95 % interval"])

# %% tags=["remove-cell"]
base = tables["serrano_smith"].query("experiment == 'base'")
base = base.pivot_table("value", ["dataset", "encoder", "seed"], "metric")
page.glue(below=(base["accuracy_baseline"] - base["accuracy"]).max())

# %% [markdown]
# ## What it shows, and what not
#
# - On average attention ranks items better than chance and worse than attention × gradient. The second is
#   mostly algebra: the product is the optimal order but for the bias.
# - Many erased items can mean a poor ranking or a robust decision. The number relative to the minimum tells
#   the two apart.
# - Erasing a weight leaves the encoder's states as they are, and these may still hold the erased word
#   ({doc}`encoders`). No model was trained on documents with erased items.
# - Three data sets with two seeds each are few. And the models are not the best for them: the weakest has an
#   accuracy {glue:text}`below:.2f` below that of tf-idf with logistic regression.
#
# ## Try it

# %% tags=["remove-input"]
page.playground(
    sentences=[17], models=["bilstm"], challenges=["erasure"], show=["erase"], link="playground.html"
)

# %% [markdown]
# Three items have the weights $(.6, .3, .1)$ and the votes $(1, 2.5, -12.5)$; the bias is 1. Which item does
# attention × gradient erase first? Is the set that it finds the smallest?
#
# ```{dropdown} Solution
# The products are $(.6, .75, -1.25)$, so the second item goes first. With the bias in each term,
# $1.2 - 1.15 > 0$ is left, and the first item must go too. The exact order is that of $\alpha_t (s_t + 1)$,
# which is $(1.2, 1.05, -1.15)$: without the first item $1.05 - 1.15 < 0$ is left. One item is enough.
# ```
#
# ## Its experiments
#
# - {doc}`../serrano_smith/base`: the six architectures and how well they do
# - {doc}`../serrano_smith/single`: one item erased, by three rankings (Figures 3 and 4, Table 2)
# - {doc}`../serrano_smith/sets`: all rankings until the decision flips, by count and by mass (Figure 5)

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
