# %% [markdown]
# # Exact answers without search or sampling, on one model (Jain & Wallace, Serrano & Smith)
#
# A classifier that pools token scores with attention weights has the logits
#
# $$
# \operatorname{logits}(p) = \sum_t p_t z_t + b, \qquad p \in \Delta^{T-1},
# $$
#
# so all its outputs lie in the convex hull of the points $z_1, \dots, z_T$. Four questions that the papers
# answer by search or sampling have exact answers from these points. {doc}`../../readout` proves them; this
# page computes them on one data set and model.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of single texts
encoder: str = "bilstm"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec on the training texts) or a GloVe/fastText text file
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # decides the model, the texts drawn and the starts of the search
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
epsilon: float = 0.01  # how far the output may move in the adversary's problem, in probability
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import kernels
from attnlib.prepare.flat import prepare
from attnlib.tables import reached, summaries

page = notebook.begin(globals(), "beyond/geometry", notebook.SINGLE_TEXTS)
model_settings = dict(variant=variant, vectors=vectors, epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, recorded=readouts, **model_settings)
readout = run.readout
two_classes = readout.head is None and readout.scores.shape[2] == 2

# %% tags=["remove-input"]
page.generated(link="../chapters/same_output")

# %% [markdown]
# ## 1. Can attention change the decision? Can a permutation?
#
# Some attention changes the class if and only if a single token alone does ({ref}`reach <reach>`). Where none
# does, no experiment that only moves weights can flip the text, although the probability may still move. Over
# permutations the range is found by two sorts ({ref}`rearrangement <permutation-moments>`).

# %%
columns = reached.columns(readout) | {"lowest": kernels.reach(readout).lowest}
if two_classes:
    lowest = kernels.permutation_range(readout)[:, 0]
    columns["permutation_can_flip"] = (lowest < 0.5).double()
    columns["lowest_permuted"] = lowest

# %% [markdown]
# ## 2. How different can attention be at the same output, and how few tokens must go?
#
# For two classes the most different attention is on one or two tokens ({ref}`proof <exact-adversary>`); for
# more than two the optimum lies between two bounds. Without the condition on the output all weight goes to
# the token with the least attention: the *ceiling*. The fewest tokens whose erasure flips the decision are
# found by a sort ({ref}`proof <minimal-set>`).

# %%
searched = kernels.search_adversary(readout, epsilon, seed=seed)
bounds = kernels.adversary_bounds(readout, epsilon, seed=seed)
divergence = {"published search": searched.jsd}
if two_classes:
    divergence["exact optimum"] = kernels.exact_adversary(readout, epsilon).jsd
else:
    divergence["lower bound"] = bounds.lower
divergence["ceiling (no condition on the output)"] = bounds.upper

minimal = kernels.minimal_flip_set(readout)
by_attention = kernels.erase_until_flip(readout, kernels.attention_order(readout))
columns |= {"fewest": minimal.fraction, "by_attention": by_attention.fraction}
names = run.corpus.class_names
if readout.linear and len(names) > 2:
    second = kernels.minimal_flip_set(reached.without_predicted(readout))
    columns["second_falls"] = second.flipped.double()
    columns["second_fewest"] = second.fraction
frame = run.frame(**columns)

# %% [markdown]
# With more than two classes, two questions more. How probable can attention make *each* class? Lowest at a
# single token, for any class; the highest probability is a convex programme, and only bounded. And how few
# tokens must go until the *second* class is no longer second? The same sort, among the classes that are not
# predicted.
#
# ## What comes out
#
# Shares of texts, with 95 % bootstrap intervals. *If none flips* is the share, among texts whose class no
# attention changes, of those whose *probability* can move. (Erasure flips a text exactly when some attention
# does: erase all tokens but one that votes for another class.)

# %% tags=["hide-input"]
labels = {
    "can_flip": "some attention flips the decision",
    "permutation_can_flip": "some permutation flips it",
    "inert_moved_0_1": "if none flips: moved by more than .1",
}
shown = {column: text for column, text in labels.items() if column in frame}
summary = summaries.summarise(frame, list(columns))
shares = summary[summary["metric"].isin(list(shown))].assign(share=lambda table: table["metric"].map(shown))
charts.intervals(
    shares,
    "share",
    group="class",
    title=f"Texts that other attention can change ({dataset}, {encoder}, {scorer})",
    x_title="share of texts",
    domain=(0, 1),
)

# %% [markdown]
# The divergence that the search finds, the optimum above it, and the ceiling, which leaves the output free
# ($\ln 2 \approx 0.693$ is the largest value JSD can take).

# %% tags=["hide-input"]
long = pd.concat(
    [run.frame(jsd=values).assign(method=name) for name, values in divergence.items()], ignore_index=True
)
charts.ecdf(
    long,
    "jsd",
    title=f"Divergence from the model's attention, ε = {epsilon:g} ({dataset}, {encoder}, {scorer})",
    x_title="Jensen–Shannon divergence (nats)",
    domain=(0, 0.7),
    by="method",
    by_title="attention",
)

# %% [markdown]
# The smallest share of tokens whose erasure flips the decision, and the share by order of attention. Texts
# that no erasure flips count as 1.

# %% tags=["hide-input"]
counts = frame.melt(["text", "predicted"], ["fewest", "by_attention"], "order", "fraction")
counts["order"] = counts["order"].map({"fewest": "exact minimum", "by_attention": "attention"})
charts.ecdf(
    counts,
    "fraction",
    title=f"Share of tokens erased before the decision flips ({dataset}, {encoder}, {scorer})",
    x_title="fraction of the text's tokens",
    domain=(0, 1),
    by="order",
    by_title="order",
)

# %% tags=["hide-input"]
by_method = [
    summaries.summarise(run.frame(jsd=values), ["jsd"]).assign(method=name)
    for name, values in divergence.items()
]
if not two_classes:
    undefined = [metric for metric in reached.METRICS if metric not in (*columns, "tvd_share")]
    by_method.append(summaries.undefined([*undefined, "permutation_can_flip"]))
    by_method.append(summaries.undefined(["jsd"], method="exact optimum"))
of_classes = []
if readout.linear and 2 < len(names) <= summaries.MOST_CLASSES:
    of_classes.append(reached.by_class(readout, names))
summary = page.summary(run, [summary, *by_method, *of_classes])
summary["epsilon"] = epsilon
overall = summary[summary["class"] == "all"]
single = overall[overall["method"].isna()].set_index("metric")["value"]
per_method = overall.dropna(subset="method").set_index("method")["value"]
numbers = {
    "test_accuracy": run.test_metrics["accuracy"],
    "inert": 1 - single["can_flip"],
    "permutation_inert": 1 - single.get("permutation_can_flip", float("nan")),
    "inert_moved_0_1": single.get("inert_moved_0_1", float("nan")),
    "largest": single.get("largest_tvd", float("nan")),
    "largest_permuted": single.get("largest_permuted_tvd", float("nan")),
    "fewest": minimal.mean_over_flipped("fraction"),
    "by_attention": by_attention.fraction[minimal.flipped].mean(),
    "search": per_method["published search"],
    "exact": per_method.get("exact optimum", float("nan")),
    "ceiling": per_method["ceiling (no condition on the output)"],
}
page.finish(run, frame, summary, numbers)
notebook.table(summary.fillna({"method": ""}), ["method", "metric", "class", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`):
#
# - on a share of {glue:text}`inert:.2f` of the texts no attention can flip the decision, on
#   {glue:text}`permutation_inert:.2f` no permutation can. On {glue:text}`inert_moved_0_1:.2f` of the texts
#   that no attention flips, some attention moves the probability by more than .1;
# - the largest change of the probability is {glue:text}`largest:.3f` on average, and the largest by a
#   permutation {glue:text}`largest_permuted:.3f`. Compare the change in a permutation test with these two;
# - the mean divergence is {glue:text}`search:.3f` by search, {glue:text}`exact:.3f` at the optimum, and
#   {glue:text}`ceiling:.3f` at the ceiling. Keeping the output costs an adversary the last difference;
# - where some erasure flips the decision, {glue:text}`fewest:.2f` of the tokens are enough on average,
#   against {glue:text}`by_attention:.2f` in order of attention.
#
# ## Limits
#
# - The answers are exact for a linear head, some for two classes only. A head with a hidden layer is refused.
# - The encoder's states stay as they are. In a recurrent encoder a state also carries its neighbours, so a
#   weight moved to another token still reads some of the first.
# - No model would produce the optimum's weights. {cite:t}`wiegreffe2019attention` ask what a model would do.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
