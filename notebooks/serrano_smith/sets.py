# %% [markdown]
# # How many items must be erased to flip the decision?
#
# **The claim.** {cite:t}`serrano2019attention` (§5) erase items in the order of a ranking until the
# decision changes. A good ranking of importance should need few. They compare attention with a random
# order, with the gradient of the output, and with the product of both, and find that attention needs far
# fewer than chance, but often more than the gradient and the product, and in any case a large part of all
# items.
#
# What would be few? The paper calls the search for the smallest flipping set exponential and leaves it out.
# It is a sort. So here every ranking stands beside the exact minimum.

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
seed: int = 0  # decides the model, the documents drawn and the random orders
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test documents; None: all
n_random: int = 5  # random orders per document
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import kernels
from attnlib.prepare.documents import prepare_documents
from attnlib.tables import erasure_sets, summaries

page = notebook.begin(
    globals(), "serrano_smith/sets", notebook.SINGLE_TEXTS, sentences=architecture.startswith("HAN")
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
# An order $\pi$ of the $T$ items; erase $\pi_1$, then $\pi_1$ and $\pi_2$, and so on, each time
# renormalising what is left. With $k$ the number of items after which the decision first differs, the
# *fraction removed* is $k / T$ and the *mass removed* the attention that these $k$ items held. The orders,
# each descending:
#
# - *random*: several shuffles;
# - *attention* $\alpha_t$, *gradient* $g_t = \partial p_y / \partial \alpha_t$, and *product* $\alpha_t
#   g_t$, as in the paper;
# - *centred product* $\alpha_t (g_t - \bar g)$ with $\bar g = \sum_t \alpha_t g_t$: to first order, what
#   erasing $t$ and renormalising takes from $p_y$;
# - *greedy*: after each erasure, the item whose erasure now lowers $p_y$ most;
# - *minimum*: the smallest set of all.
#
# **Why the minimum is a sort.** With the set $R$ erased, class $c$ beats the predicted class $y$ when
#
# $$
# \frac{\sum_{t \notin R} \alpha_t z_{t}}{\sum_{t \notin R} \alpha_t} \text{ favours } c
# \iff \sum_{t \notin R} \alpha_t d_t < 0,
# \qquad d_t = (z_{ty} + b_y) - (z_{tc} + b_c) ,
# $$
#
# because the denominator is positive and the bias, multiplied by it, goes into the sum. That is linear in
# the set: for each $c$, erase in descending order of $\alpha_t d_t$ until the sum is negative, and take the
# best $c$. For two classes $g_t$ is proportional to $z_{ty} - z_{tc}$, so the product ranking *is* this
# order but for the bias, which it leaves out: $\alpha_t d_t = \alpha_t (z_{ty} - z_{tc}) + \alpha_t (b_y -
# b_c)$. That is why it wins in the paper, and where it loses.
#
# The least *mass* that must be erased is another problem, a knapsack. Its linear relaxation, which erases
# in the order of $d_t$ itself, bounds it from below: the gradient is to mass what the product is to count.

# %%
readout = run.readout
orders = {
    "attention": kernels.attention_order(readout),
    "gradient": kernels.gradient_order(readout),
    "product": kernels.product_order(readout),
    "centred product": kernels.centred_product_order(readout),
    "greedy": kernels.greedy_order(readout, until_flip=True),
}
shuffled = kernels.random_orders(readout, n_random, seed, run.texts.ids)
flip = kernels.erase_until_flip
flips = {name: flip(readout, order) for name, order in orders.items()}
several = [flip(readout, order) for order in shuffled]
minimum = kernels.minimal_flip_set(readout)
mass = kernels.minimal_flip_mass(readout)
rows = erasure_sets.frame({"random": several} | flips, minimum)

# %% [markdown]
# **Checked in this run.** The closed form of every ranking against erasing step by step, on every document,
# and the minimum against every ranking:

# %%
if n_random:
    one_order, one_flip = {"random": shuffled[0]}, {"random": several[0]}
else:
    one_order, one_flip = {}, {}
checks = erasure_sets.checks(readout, one_order | orders, one_flip | flips, minimum)
counted = checks.pivot_table("value", "metric", "method", sort=False).astype(int)
notebook.table(counted.reset_index())

# %% [markdown]
# *differs*: documents whose first flip is elsewhere, in double precision and in single precision with the
# normalisation of the released code; *near_ties* and *below_epsilon*: those of them that are ties to a
# millionth or whose remaining attention the code's ε swallows.
#
# ## What comes out

# %% tags=["hide-input"]
table = erasure_sets.summary(rows)
supports = {"own": "as in the paper", "common": "documents that all flip", "all": "never flipped = 1"}
drawn = pd.concat(
    [erasure_sets.boxes(table, f"fraction_{name}").assign(support=words) for name, words in supports.items()]
)
names = list(rows["method"].unique())
drawn["method"] = pd.Categorical(drawn["method"], names)
charts.boxes(
    drawn,
    "support",
    by="method",
    title=f"Fraction of items removed at the first flip ({dataset}, {architecture})",
    x_title="fraction of items removed",
    by_title="ranking",
)

# %% [markdown]
# *As in the paper*, each ranking is shown on its own documents, those that it flips; a ranking that gives
# up on a document is not charged for it. The second group keeps the documents that every ranking flips, the
# third counts "never" as everything. A decision that flips only when nothing is left ("the empty document")
# tells about the bias and not about the ranking; it counts as everything too.
#
# The attention that these items held (the paper's second set of figures). The dashed line is a bound for all
# rankings: what any set that flips must hold, the mean over the documents where there is one.

# %% tags=["hide-input"]
drawn = pd.concat(
    [erasure_sets.boxes(table, f"mass_{name}").assign(support=words) for name, words in supports.items()]
)
drawn["method"] = pd.Categorical(drawn["method"], names)
least = mass.lower[mass.flipped].mean() if bool(mass.flipped.any()) else float("nan")
charts.boxes(
    drawn,
    "support",
    by="method",
    title=f"Attention mass removed at the first flip ({dataset}, {architecture})",
    x_title="attention mass removed",
    by_title="ranking",
    reference=None if pd.isna(least) else float(least),
)

# %% [markdown]
# **How far from the best.** Number of items over the smallest number that flips, on documents where some
# set does:

# %% tags=["hide-input"]
drawn = erasure_sets.boxes(table, "excess").assign(model=architecture)
drawn["method"] = pd.Categorical(drawn["method"], names)
highest = float(drawn[["p95", "mean"]].max().max()) if len(drawn) else 1.0
charts.boxes(
    drawn,
    "model",
    by="method",
    domain=(1, max(highest, 1.5)),
    title=f"Items removed, relative to the exact minimum ({dataset}, {architecture})",
    x_title="number of items over the smallest number that flips",
    by_title="ranking",
) if len(drawn) else notebook.markdown("No set flips the decision on any of these documents.")

# %% [markdown]
# Document by document, the share in which the ranking of the row needs fewer items than that of the column:

# %% tags=["hide-input"]
wins = table[table["metric"] == "wins"].pivot_table("value", "method", "against", sort=False)
notebook.table(wins.reindex(index=names, columns=names).reset_index())

# %% tags=["hide-input"]
bounds = pd.DataFrame(
    {
        "metric": ["minimal_mass_lower", "minimal_mass_upper", "can_flip_by_erasure"],
        "class": "all",
        "value": [
            float(least),
            float(mass.upper[mass.flipped].mean()) if bool(mass.flipped.any()) else float("nan"),
            float(mass.flipped.double().mean()),
        ],
        "n": [int(mass.flipped.sum())] * 2 + [len(run.texts)],
    }
)
# What attention could do at all, as on the page on contextualisation.
flips_at_all = kernels.reach(readout).can_flip.double()
apart = kernels.jsd(readout.alpha, kernels.uniform_weights(readout))
frame = run.frame(can_flip=flips_at_all, from_uniform=apart)
states = summaries.summarise(frame, ["can_flip", "from_uniform", "max_attention"])
summary = page.summary(run, [table, checks, bounds, states])
overall = summary[summary["against"].isna()].set_index(["method", "metric"])["value"]
told = {"fraction": "fraction_all", "excess": "excess", "optimal": "optimal"}
numbers = {
    f"{name}_{word}": overall.get((name, metric), float("nan"))
    for name in ("attention", "random", "gradient", "product", "greedy")
    for word, metric in told.items()
}
numbers["attention_empty"] = overall["attention", "needs_empty_document"]
numbers["attention_mass"] = overall["attention", "mass_common"]
numbers["test_accuracy"] = run.test_metrics["accuracy"]
disagreeing = checks[checks["metric"].isin(["differs_float64", "below_minimum"])]["value"].sum()
per_text = rows[rows["order"] == 0].pivot_table("count", "text", "method")
frame = frame.assign(
    minimum=minimum.count.double().where(minimum.flipped, float("nan")).cpu(),
    minimal_mass_lower=mass.lower.cpu(),
    minimal_mass_upper=mass.upper.cpu(),
    **{f"count_{name.replace(' ', '_')}": per_text[name].to_numpy() for name in names},
)
page.finish(run, frame, summary, numbers, least_mass=float(least), disagreeing=int(disagreeing))
shown = ["fraction_own", "fraction_common", "fraction_all", "mass_own", "never_flips", "needs_empty_document"]
notebook.table(
    summary[summary["metric"].isin([*shown, "excess", "optimal"])],
    ["method", "metric", "value", "low", "high", "n"],
)

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`; "never" counted as everything) attention must
# remove a fraction of {glue:text}`attention_fraction:.2f` of the items on average, a random order
# {glue:text}`random_fraction:.2f`, the gradient {glue:text}`gradient_fraction:.2f`, the product
# {glue:text}`product_fraction:.2f`. Where a flip is possible at all, attention needs
# {glue:text}`attention_excess:.2f` times the smallest number of items and reaches it in a share of
# {glue:text}`attention_optimal:.2f` of the documents; the product {glue:text}`product_excess:.2f` times and
# {glue:text}`product_optimal:.2f`. Of the flips by attention a share of {glue:text}`attention_empty:.2f`
# needs the empty document.
#
# The documents on which closed form and step-by-step erasure disagree in double precision, or a ranking is
# below the minimum: {glue:text}`disagreeing`.
#
# ## Limits
#
# - Erasing at the attention layer leaves the encoder as it was: after an encoder, the states that remain may
#   still hold the erased words.
# - A large fraction removed can mean a bad ranking or a robust decision; the excess over the minimum tells
#   the two apart, the fraction does not.
# - A document from which items are erased is none that the model was trained on.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
