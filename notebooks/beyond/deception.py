# %% [markdown]
# # A model that is trained to hide what it uses
#
# The experiment behind {doc}`../chapters/one_model`. {cite:t}`pruthi2020learning` train models that attend to
# other tokens than those that decide, and lose little accuracy. They read off the attention that it worked.
# The Readout also says where the decision went, and which explanation still shows it.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of two classes
encoder: str = "convolution"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive, scaled_dot, additive_entmax or additive_sparsemax
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
epochs: Optional[int] = None  # None: as the paper
strengths: list = [0.0, 0.1, 1.0, 10.0]  # λ, one model each; 0 is the plain model
words: list = []  # the tokens to hide; none: the evidence, or the n_words most telling words
n_words: int = 30  # of a data set without evidence
epsilon: float = 0.01  # how far the exact adversary may move the output, in probability
seed: int = 0  # decides the models and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd
import torch

from attnbook import charts, notebook
from attnlib import faithfulness, kernels
from attnlib.faithfulness.plausibility import padded_marks
from attnlib.prepare.flat import prepare
from attnlib.prepare.penalised import marked_evidence, marked_words, prepare_deceptive
from attnlib.statistics import mean_with_interval
from attnlib.tables.baseline import telling_words
from attnlib.tables.hidden import hidden_tokens

page = notebook.begin(globals(), "beyond/deception", notebook.SINGLE_TEXTS, classes=2)
usual = dict(vectors=vectors, epochs=epochs, device=device, limit=limit)
run = prepare(dataset, encoder, scorer, seed, **usual)
if words or run.corpus.train.evidence is None:
    marks = marked_words(run.corpus, words or telling_words(run.corpus, n_words))
else:
    marks = marked_evidence(run.corpus)
models = {strength: prepare_deceptive(run, strength, marks) for strength in strengths}

# %% tags=["remove-input"]
page.generated(link="../chapters/one_model")

# %% [markdown]
# ## How it is measured
#
# To the loss of a text is added
#
# $$
# -\lambda \ln\Bigl(1 - \sum_{t \in I} \alpha_t\Bigr),
# $$
#
# where $I$ are the tokens that attention is not to show: the planted evidence, a list of words, or, of a data
# set without evidence, the words with the largest coefficients of a logistic regression. Seed, first weights
# and order of batches are the plain model's.
#
# Measured on the test texts: the attention on $I$; how strongly single states decide by their distance from
# the nearest token of $I$ (the margin that a token would have alone, $|s_t + \beta|$); how much of the
# smallest flipping set is in $I$; and how well five explanations find $I$, as area under precision and
# recall.

# %%
at = dict(zip(run.corpus.test.ids, marks["test"], strict=True))
chosen = [at[name] for name in run.texts.ids]
hidden, lengths = padded_marks(chosen)
marked = torch.from_numpy(hidden).to(run.device)


def measured(model):
    """Per-text numbers of one model, by metric and method."""
    readout = model.readout
    found = hidden_tokens(readout, marked)
    found["can_flip", "any attention"] = kernels.reach(readout).can_flip
    right = readout.predictions().cpu() == torch.from_numpy(run.texts.labels)
    found["correct", "model"] = right
    found = {key: x.double().cpu().numpy() for key, x in found.items()}
    flip = kernels.minimal_flip_set(readout)
    scores = {
        "attention": readout.alpha,
        "attention × gradient": model.scores("attention × gradient").abs(),
        "leave-one-out": model.scores("leave_one_out").nan_to_num(),
        "minimal flipping set": flip.mask & flip.flipped[:, None],
        "exact adversary": kernels.exact_adversary(readout, epsilon).weights,
    }
    for name, given in scores.items():
        found["auprc", name] = faithfulness.plausibility(given, chosen).auprc
    return found


by_model = {strength: measured(model) for strength, model in models.items()}

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
rows = [
    (metric, method, *mean_with_interval(np.asarray(values, float)), strength)
    for strength, found in by_model.items()
    for (metric, method), values in found.items()
]
rows = pd.DataFrame(rows, columns=["metric", "method", "value", "low", "high", "n", "lambda"])
rows["lambda"] = rows["lambda"].astype(float)
labels = {
    "correct": "right answers",
    "attention_on_hidden": "attention on what is hidden",
    "hidden_in_minimal": "of the smallest flipping set, hidden",
    "can_flip": "texts that some attention flips",
}
kept = rows[rows["metric"].isin(labels)]
charts.line_panels(
    kept.assign(measure=kept["metric"].map(labels)),
    "lambda",
    by="measure",
    title=f"What hiding costs and does ({dataset}, {encoder})",
    x_title="λ",
    y_title="mean over texts",
    by_title="measure",
)

# %% [markdown]
# Which explanation still finds what the model was told to hide:

# %% tags=["hide-input"]
charts.line_panels(
    rows[rows["metric"] == "auprc"],
    "lambda",
    by="method",
    title=f"How well explanations find what is hidden (AUPRC; {dataset}, {encoder})",
    x_title="λ",
    y_title="AUPRC",
    by_title="explanation",
)

# %% [markdown]
# Where the decision went: the margin that a token's state has alone, by distance from the nearest hidden
# token (3: three or more).

# %% tags=["hide-input"]
votes = rows[rows["metric"] == "vote_alone"]
notebook.table(votes.pivot_table("value", "lambda", "method").reset_index().rename(columns={"lambda": "λ"}))

# %% tags=["hide-input"]
summary = page.summary(run, rows)
most = max(strengths)
table = rows.set_index(["lambda", "metric", "method"])["value"].sort_index()
numbers = {"most": float(most), "marked": float(hidden.sum() / lengths.sum())}
for name, strength in (("plain", min(strengths)), ("hidden", most)):
    numbers[f"{name}_shown"] = table[strength, "attention_on_hidden", "attention"]
    numbers[f"{name}_right"] = table[strength, "correct", "model"]
    numbers[f"{name}_minimal"] = table[strength, "hidden_in_minimal", "minimal flipping set"]
    found = table[strength, "auprc"]
    numbers[f"{name}_attention"] = found["attention"]
    numbers[f"{name}_product"] = found["attention × gradient"]
    numbers[f"{name}_leave_one_out"] = found["leave-one-out"]
page.finish(run, run.frame(hidden=hidden.sum(axis=1)), summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run {glue:text}`marked:.2f` of the tokens are to be hidden. With $\lambda$ = {glue:text}`most:g`
# attention on them is {glue:text}`hidden_shown:.3f`, against {glue:text}`plain_shown:.3f` in the plain model,
# and the share of right answers {glue:text}`hidden_right:.3f` against {glue:text}`plain_right:.3f`.
#
# | finds the hidden tokens (AUPRC) | plain model | hiding model |
# |---|---|---|
# | attention | {glue:text}`plain_attention:.2f` | {glue:text}`hidden_attention:.2f` |
# | attention × gradient | {glue:text}`plain_product:.2f` | {glue:text}`hidden_product:.2f` |
# | leave-one-out | {glue:text}`plain_leave_one_out:.2f` | {glue:text}`hidden_leave_one_out:.2f` |
#
# Whatever reads the attention is deceived with it. Leave-one-out encodes the text again without the token, so
# it can see through an encoder that carries the token's content elsewhere.
#
# ## Limits
#
# - A model that is trained to hide is not a model that hides by itself. It shows what attention cannot rule
#   out.
# - Without an encoder nothing can carry the content of a token elsewhere: there hiding costs accuracy, or
#   uses what is left in the other words.
# - A list of words is a guess at what the model would use, and other words of the text may say the same.

# %% tags=["remove-input"]
page.origin(run.settings)
