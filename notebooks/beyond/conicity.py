# %% [markdown]
# # Is it the likeness of states that makes attention idle?
#
# The experiment behind {doc}`../chapters/encoders`. {cite:t}`mohankumar2020towards` find that an LSTM's
# states of one text point nearly the same way, and that attention explains more once training keeps them
# apart. Here the likeness is set by training, dose by dose, and what attention can do is measured exactly.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of two classes
encoder: str = "convolution"  # bilstm, bigru, convolution, average; with strengths [0.0] minilm
scorer: str = "additive"  # additive, scaled_dot, additive_entmax or additive_sparsemax
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
epochs: Optional[int] = None  # None: as the paper
strengths: list = [0.0, 0.1, 0.5, 1.0]  # λ, one model each; 0 is the plain model
epsilon: float = 0.01  # how far the exact adversary may move the output, in probability
n_permutations: int = 100  # permutations per text
seed: int = 0  # decides the models, the texts drawn and the permutations
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd
import torch

from attnbook import charts, notebook
from attnlib import kernels
from attnlib.kernels import naive
from attnlib.models.reading import conicity_of
from attnlib.prepare.flat import prepare
from attnlib.prepare.penalised import prepare_diverse
from attnlib.statistics import mean_with_interval
from attnlib.tables import erasure_sets

page = notebook.begin(globals(), "beyond/conicity", notebook.SINGLE_TEXTS, classes=2)
usual = dict(vectors=vectors, epochs=epochs, device=device, limit=limit)
run = prepare(dataset, encoder, scorer, seed, **usual)
models = {strength: prepare_diverse(run, strength) for strength in strengths}

# %% tags=["remove-input"]
page.generated(link="../chapters/encoders")

# %% [markdown]
# ## How it is measured
#
# The *conicity* of a text is the mean cosine of its states to their mean: 1 where all states point one way.

# %% tags=["remove-input"]
notebook.code_of(naive.conicity)

# %% [markdown]
# To the loss of a text is added $\lambda$ times its conicity. Seed, first weights and order of batches are
# the plain model's. What attention can do is then measured on the test texts: on how many some attention
# changes the class; the range of the probability over all attentions; the median change under permutations,
# and that change as a share of the range; the divergence of the exact adversary; how much more than the
# smallest flipping set an erasure by attention removes; and the rank correlation with leave-one-out.


# %%
def measured(model):
    """Per-text numbers of one model, by metric."""
    readout, words = model.readout, run.corpus.vocabulary
    bounds = kernels.reach(readout)
    width = (bounds.highest - bounds.lowest).double()
    moved = kernels.permutation_test(readout, n_permutations, seed).double()
    flips = kernels.erase_until_flip(readout, kernels.attention_order(readout))
    least = kernels.minimal_flip_set(readout)
    erased = erasure_sets.frame({"attention": flips}, least)
    excess = erased["fraction"] - erased["minimum"] / erased["items"]
    agreement = torch.full_like(width, torch.nan)
    if run.texts.states is None:  # frozen states are of whole texts
        left_out = model.scores("leave_one_out")
        agreement, _ = kernels.kendall_tau(readout.alpha, left_out, readout.mask)
    right = readout.predictions().cpu() == torch.from_numpy(run.texts.labels)
    found = {
        "conicity": conicity_of(model.model, run.texts, words, run.device),
        "correct": right,
        "can_flip": bounds.can_flip,
        "range": width,
        "permutation_change": moved,
        "share_of_range": (moved / width).masked_fill(width <= 1e-9, torch.nan),
        "exact_jsd": kernels.exact_adversary(readout, epsilon).jsd,
        "excess_fraction": torch.from_numpy(excess.to_numpy()),
        "tau_leave_one_out": agreement,
    }
    return {name: values.double().cpu().numpy() for name, values in found.items()}


by_model = {strength: measured(model) for strength, model in models.items()}

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
rows = [
    (metric, *mean_with_interval(np.asarray(values, float)), strength)
    for strength, found in by_model.items()
    for metric, values in found.items()
]
rows = pd.DataFrame(rows, columns=["metric", "value", "low", "high", "n", "lambda"])
rows["lambda"] = rows["lambda"].astype(float)
labels = {
    "conicity": "conicity",
    "correct": "right answers",
    "can_flip": "texts that some attention flips",
    "range": "range of the probability",
    "share_of_range": "permutation change, of the range",
    "exact_jsd": "divergence of the exact adversary",
    "excess_fraction": "erased beyond the minimum",
    "tau_leave_one_out": "τ with leave-one-out",
}
wide = rows.pivot_table("value", "lambda", "metric").reindex(columns=list(labels))
kept = rows[rows["metric"].isin(labels)].dropna(subset="value")
kept = kept.assign(panel=pd.Categorical(kept["metric"].map(labels), list(labels.values()), ordered=True))
charts.dot_panels(
    kept.assign(λ=kept["lambda"].map("λ = {:g}".format)),
    "λ",
    panel="panel",
    title=f"What attention can do, by the strength that keeps states apart ({dataset}, {encoder})",
    x_title="mean over texts",
    columns=2,
)

# %% tags=["hide-input"]
notebook.table(wide.rename(columns=labels).reset_index().rename(columns={"lambda": "λ"}))

# %% tags=["hide-input"]
summary = page.summary(run, rows)
first, last = min(strengths), max(strengths)
numbers = {"last": float(last)}
for name, strength in (("plain", first), ("apart", last)):
    numbers |= {f"{name}_{metric}": wide.loc[strength, metric] for metric in labels}
page.finish(run, run.frame(conicity=by_model[first]["conicity"]), summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run $\lambda$ = {glue:text}`last:g` takes the conicity from {glue:text}`plain_conicity:.2f` to
# {glue:text}`apart_conicity:.2f` and the share of right answers from {glue:text}`plain_correct:.3f` to
# {glue:text}`apart_correct:.3f`. Some attention flips {glue:text}`apart_can_flip:.2f` of the texts, against
# {glue:text}`plain_can_flip:.2f`; τ with leave-one-out is {glue:text}`apart_tau_leave_one_out:.2f`, against
# {glue:text}`plain_tau_leave_one_out:.2f`.
#
# ## Limits
#
# - States that point one way need not vote alike: what counts for the output is their part along the head.
#   Conicity sees all directions, most of which the head does not read.
# - The penalty changes the model, not only its states' likeness; another model as alike may differ.

# %% tags=["remove-input"]
page.origin(run.settings)
