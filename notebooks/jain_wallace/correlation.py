# %% [markdown]
# # Attention, gradient and leave-one-out, text by text (Jain & Wallace, Figures 2 to 4)
#
# The experiment behind {doc}`../chapters/agreement` ({cite:t}`jain2019attention`, §4.1), on one data set and
# one model; every setting can be changed.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # decides the initial weights, the order of batches and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib.kernels import kendall_tau, shuffled_weights
from attnlib.prepare.flat import prepare
from attnlib.tables import summaries

page = notebook.begin(globals(), "jain_wallace/correlation", notebook.TEXTS)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, recorded=readouts, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/agreement")

# %% [markdown]
# ## How it is measured
#
# For the text $x_1, \dots, x_T$ with output $\hat y$, attention $\alpha$ and embeddings $e_t$,
#
# $$
# g_t = \Bigl|\, e_t \cdot \frac{\partial \hat y}{\partial e_t} \Bigr|
# \quad\text{(attention held constant)}, \qquad
# \Delta_t = \mathrm{TVD}\bigl(\hat y(x_{-t}),\, \hat y(x)\bigr),
# $$
#
# and per text Kendall's rank correlations $\tau_g = \tau(\alpha, g)$ and $\tau_{loo} = \tau(\alpha, \Delta)$,
# which allow for ties ($\tau_b$). They are compared with $\tau(g, \Delta)$, the agreement of the two measures
# with each other, and with that of $g$ and the same weights shuffled among the tokens: chance.

# %%
gradient = run.scores("gradient").abs()
omission = run.scores("leave_one_out").nan_to_num()
alpha, mask = run.readout.alpha, run.readout.mask
pairs = {
    "gradient": (alpha, gradient),
    "leave_one_out": (alpha, omission),
    "gradient_leave_one_out": (gradient, omission),
    "random": (shuffled_weights(run.readout, seed), gradient),
}
columns = {}
for name, pair in pairs.items():
    columns[f"tau_{name}"], columns[f"p_{name}"] = kendall_tau(*pair, mask)
agreement = columns["tau_gradient_leave_one_out"]
columns["gap_gradient"] = agreement - columns["tau_gradient"]
columns["gap_leave_one_out"] = agreement - columns["tau_leave_one_out"]
frame = run.frame(**columns)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
names = {
    "tau_gradient": "attention and gradient",
    "tau_leave_one_out": "attention and leave-one-out",
    "tau_gradient_leave_one_out": "gradient and leave-one-out",
    "tau_random": "shuffled attention and gradient",
}
long = frame.melt(["text", "predicted"], list(names), "pair", "tau")
long["pair"] = long["pair"].map(names)
charts.ecdf(
    long,
    "tau",
    title=f"Rank correlation per text ({dataset}, {encoder}, {scorer})",
    x_title="Kendall's τ (no unit)",
    domain=(-1, 1),
    facet="pair",
)

# %% [markdown]
# Each line adds up the texts of one predicted class from the left; its slope is the paper's Figure 2. The
# *gap* of a text is how much better the two measures agree with each other than attention agrees with one of
# them (the paper's Figures 3 and 4).

# %% tags=["hide-input"]
gaps = {
    "gap_leave_one_out": "minus attention and leave-one-out",
    "gap_gradient": "minus attention and gradient",
}
long = frame.melt(["text", "predicted"], list(gaps), "pair", "gap")
long["pair"] = long["pair"].map(gaps)
charts.ecdf(
    long,
    "gap",
    title=f"τ of gradient and leave-one-out, minus τ with attention ({dataset}, {encoder}, {scorer})",
    x_title="difference of Kendall's τ (no unit)",
    domain=(-2, 2),
    facet="pair",
)

# %% [markdown]
# The table gives the mean over texts with a 95 % bootstrap interval, the standard deviation over texts, and
# the share of texts whose correlation is significant at $p \le .05$ (uncorrected, as in the paper's Table 2).

# %% tags=["hide-input"]
for name in pairs:
    p_value = frame[f"p_{name}"]
    frame[f"significant_{name}"] = (p_value <= 0.05).astype(float).where(p_value.notna())
means = [column for column in frame.columns if column.startswith(("tau_", "significant_", "gap_"))]
spread = [column for column in means if not column.startswith("significant_")]
rows = pd.concat([summaries.summarise(frame, means), summaries.deviations(frame, spread)], ignore_index=True)
summary = page.summary(run, rows)
numbers = dict(summary[summary["class"] == "all"].set_index("metric")["value"][means])
numbers |= {"undefined": frame["tau_gradient"].isna().sum(), "test_accuracy": run.test_metrics["accuracy"]}
page.finish(run, frame, summary, numbers)
notebook.table(summary, ["metric", "class", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) the mean τ of attention and gradient is
# {glue:text}`tau_gradient:.2f`, that of attention and leave-one-out {glue:text}`tau_leave_one_out:.2f`, and
# that of the two measures {glue:text}`tau_gradient_leave_one_out:.2f`. Shuffled attention and gradient have
# {glue:text}`tau_random:.2f`. The paper's argument is the gap between the third number and the first two:
# {glue:text}`gap_gradient:.2f` and {glue:text}`gap_leave_one_out:.2f` per text.
#
# ## Limits
#
# - τ gives every pair of tokens the same weight. In a long text most pairs are of tokens that hardly matter,
#   so a low τ can be noise, and with length more texts are significant.
# - τ also depends on the initial word vectors and on the epoch that is kept ({doc}`initialisation`).
# - The two measures are not ground truth either; the authors say so.
# - A text of one token, or with equal weights, has no rank correlation and is left out of the means
#   ({glue:text}`undefined` texts here). In some of the authors' tables it makes the mean undefined.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
