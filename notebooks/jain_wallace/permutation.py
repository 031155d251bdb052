# %% [markdown]
# # Shuffled attention, text by text (Jain & Wallace, Figure 6)
#
# The experiment behind {doc}`../chapters/moving_attention` ({cite:t}`jain2019attention`, §4.2.1), on one data
# set and one model. Does the output change where the attention is peaked?

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # decides the model, the texts drawn and the permutations
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
n_permutations: int = 100  # permutations per text
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
from attnbook import charts, notebook
from attnlib.kernels import permutation_test, random_attention_test, tvd, uniform_weights
from attnlib.prepare.flat import prepare
from attnlib.tables import reached, summaries

page = notebook.begin(globals(), "jain_wallace/permutation", notebook.TEXTS)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, recorded=readouts, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/moving_attention")

# %% [markdown]
# ## How it is measured
#
# The encoder's states stay as they are; only the weights move (Algorithm 2 of the paper). For permutations
# $\pi_1, \dots, \pi_P$ of the text's tokens,
#
# $$
# \mathrm{med}_{p}\; \mathrm{TVD}\Bigl(\hat y\bigl(\textstyle\sum_t \alpha_{\pi_p(t)} h_t\bigr),\;
# \hat y\bigl(\textstyle\sum_t \alpha_t h_t\bigr)\Bigr).
# $$
#
# It is compared with the median over as many random weights, and with equal weights. For a linear head and
# two classes two more numbers are exact: the largest change that *any* permutation makes
# ({ref}`proof <permutation-moments>`) and the largest that any attention makes ({ref}`reach <reach>`). The
# change under permutation is also given as a *share* of the last one: it can be small because nothing could
# have moved the output.

# %%
readout = run.readout
uniform = readout.probabilities(uniform_weights(readout))
permuted = permutation_test(readout, n_permutations=n_permutations, seed=seed)
possible = reached.columns(readout, permuted)
frame = run.frame(
    median_tvd=permuted,
    random_tvd=random_attention_test(readout, n_draws=n_permutations, seed=seed),
    uniform_tvd=tvd(uniform, readout.probabilities()),
    **possible,
)
metrics = ["median_tvd", "random_tvd", "uniform_tvd", "max_attention", *possible]

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
changes = {
    "median_tvd": "permuted",
    "random_tvd": "random",
    "uniform_tvd": "uniform",
    "largest_permuted_tvd": "any permutation (largest change)",
    "largest_tvd": "any attention (largest change)",
}
changes = {metric: words for metric, words in changes.items() if metric in frame}
long = frame.melt(["text", "predicted", "max_attention"], list(changes), "attention", "tvd")
long["attention"] = long["attention"].map(changes)
charts.violins_by_max_attention(
    long,
    "tvd",
    title=f"Output change under other attention ({dataset}, {encoder}, {scorer})",
    x_title="total variation distance (probability)",
    domain=(0, 1),
    facet="attention",
)

# %% [markdown]
# Each row of violins has the texts whose largest weight lies in that bin; the first panel is the paper's
# Figure 6. If a peaked attention explains the output, its texts (high up) lie far to the right. The paper
# finds many of them at the left. Where the last panel lies at the left too, no attention could have moved the
# output.
#
# The same change as a share of the largest that any attention makes on the same text: 0 is an output that
# stays although it could move, 1 an output that moves as far as it can.

# %% tags=["hide-input"]
charts.violins_by_max_attention(
    frame,
    "tvd_share",
    title=f"Change under permutation, as a share of what is possible ({dataset}, {encoder}, {scorer})",
    x_title="median change under permutation over the largest change of any attention",
    domain=(0, 1),
) if "tvd_share" in frame else notebook.markdown("It needs two classes and a linear head.")

# %% tags=["hide-input"]
parts = [summaries.summarise(frame, metrics), summaries.quartiles_by_max_attention(frame, "median_tvd")]
if "tvd_share" in frame:
    parts.append(summaries.medians(frame, ["tvd_share"]))
if undefined := [metric for metric in reached.METRICS if metric not in frame]:
    parts.append(summaries.undefined(undefined))
summary = page.summary(run, parts)
overall = summary[(summary["class"] == "all") & summary["bin"].isna()].set_index("metric")["value"]
told = [*changes, "max_attention", "largest_tvd", "inert_moved_0_1", "tvd_share_median"]
numbers = {name: overall.get(name, float("nan")) for name in told}
numbers["inert"] = 1 - overall.get("can_flip", float("nan"))
page.finish(run, frame, summary, numbers, test_accuracy=run.test_metrics["accuracy"])
notebook.table(summary, ["metric", "class", "bin", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) the median permutation moves the output
# probability by {glue:text}`median_tvd:.3f` on average, at a mean largest weight of
# {glue:text}`max_attention:.2f`; random attention moves it by {glue:text}`random_tvd:.3f`, uniform attention
# by {glue:text}`uniform_tvd:.3f`. The largest change that any attention makes is {glue:text}`largest_tvd:.3f`
# on average. On half of the texts the median permutation makes at most {glue:text}`tvd_share_median:.2f` of
# it. This share, not the change itself, says something about attention.
#
# On a share of {glue:text}`inert:.2f` of the texts *no* attention changes the predicted class: every token
# votes the same way. That the class stays is no evidence about attention there. The probability may still
# move: on {glue:text}`inert_moved_0_1:.2f` of these texts some attention moves it by more than .1.
#
# ## Limits
#
# - A permutation may also keep the output because the states $h_t$ are alike, as recurrent encoders make them
#   {cite:p}`mohankumar2020towards`. The test alone cannot tell; the largest change that any attention makes
#   can.
# - Texts of the same length share their random permutations, so that a text's number does not depend on its
#   batch. This leaves the means over texts unbiased and makes their sampling error a little larger.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
