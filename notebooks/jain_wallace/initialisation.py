# %% [markdown]
# # τ after every epoch, from other initial vectors (Jain & Wallace)
#
# The second experiment behind {doc}`../chapters/agreement`. {cite:t}`jain2019attention` (§4.1) take a low
# rank correlation τ between attention and other measures for a property of recurrent models. Then τ should
# not depend on the initial word vectors, nor on the epoch at which training stops. This page follows one
# training and measures performance and τ after each epoch.

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
seed: int = 0  # decides the initial weights, the order of batches, the texts drawn and the permutations
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import time
from dataclasses import replace

import pandas as pd

from attnbook import charts, notebook
from attnlib.kernels import kendall_tau, permutation_test
from attnlib.prepare.flat import every_epoch
from attnlib.tables import performance, summaries

page = notebook.begin(globals(), "jain_wallace/initialisation", notebook.TEXTS)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs)
training = every_epoch(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/agreement")

# %% [markdown]
# ## How it is measured
#
# After every epoch, as on the pages on {doc}`correlation` and {doc}`permutation`: Kendall's $\tau$ per text
# between attention, gradient and leave-one-out, the share of texts on which it is significant, and the median
# change of the output under permuted attention. The epoch kept is the best on the development split by the
# area under the ROC curve (accuracy, if there are more than two classes); the authors' code never keeps the
# first.

# %%
measured, scores, seconds = [], [], 0.0
for epoch, run in training:
    alpha, mask = run.readout.alpha, run.readout.mask
    gradient = run.scores("gradient").abs()
    omission = run.scores("leave_one_out").nan_to_num()
    pairs = {
        "gradient": (alpha, gradient),
        "leave_one_out": (alpha, omission),
        "gradient_leave_one_out": (gradient, omission),
    }
    columns = {"median_tvd": permutation_test(run.readout, seed=seed)}
    for name, pair in pairs.items():
        columns[f"tau_{name}"], columns[f"p_{name}"] = kendall_tau(*pair, mask)
    measured.append(run.frame(**columns).assign(epoch=epoch))
    dev = {f"dev_{name}": run.history[-1][name] for name in run.test_metrics}
    scores.append({"epoch": epoch, **run.test_metrics, **dev})
    seconds += time.perf_counter() - run.began
selected = performance.selected_epoch(run.history, variant)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
frame = pd.concat(measured, ignore_index=True)
for name in pairs:
    p_value = frame[f"p_{name}"]
    frame[f"significant_{name}"] = (p_value <= 0.05).astype(float).where(p_value.notna())
means = [name for name in frame.columns if name.startswith(("tau_", "significant_")) or name == "median_tvd"]
parts = [summaries.summarise(texts, means).assign(epoch=epoch) for epoch, texts in frame.groupby("epoch")]
by_epoch = pd.concat(parts, ignore_index=True)
by_epoch = by_epoch[by_epoch["class"] == "all"]
names = {
    "tau_gradient": "attention and gradient",
    "tau_leave_one_out": "attention and leave-one-out",
    "tau_gradient_leave_one_out": "gradient and leave-one-out",
}
charts.by_epoch(
    by_epoch[by_epoch["metric"].isin(names)].assign(pair=by_epoch["metric"].map(names)),
    "value",
    by="pair",
    by_title="τ between",
    title=f"Rank correlation after every epoch ({dataset}, {encoder}, {scorer}, {run.name['vectors']})",
    y_title="mean of Kendall's τ over texts (no unit)",
    selected=selected,
)

# %% [markdown]
# Intervals are 95 % bootstrap intervals over texts. The model's performance after the same epochs:

# %% tags=["hide-input"]
table = pd.DataFrame(scores)
words = {
    "accuracy": "accuracy, test",
    "dev_accuracy": "accuracy, development",
    "roc_auc": "ROC-AUC, test",
    "dev_roc_auc": "ROC-AUC, development",
}
long = table.melt("epoch", [name for name in words if name in table], "score", "value")
charts.by_epoch(
    long.assign(score=long["score"].map(words)),
    "value",
    by="score",
    by_title="score",
    title=f"Performance after every epoch ({dataset}, {encoder}, {scorer}; vectors: {run.name['vectors']})",
    y_title="score (share or area)",
    selected=selected,
)

# %% tags=["hide-input"]
table["selected"] = (table["epoch"] == selected).astype(float)
rows = table.melt("epoch", var_name="metric").assign(**{"class": "all"})
n_texts = {"": len(run.corpus.test), "dev_": len(run.corpus.dev)}
rows["n"] = rows["metric"].map({part + name: n for part, n in n_texts.items() for name in run.test_metrics})
summary = page.summary(run, [by_epoch, rows])
values = summary.set_index(["metric", "epoch"])["value"]
numbers = {"selected": selected, "epochs": len(scores), "vectors": run.name["vectors"]}
for metric in (*names, "median_tvd", "accuracy"):
    numbers[f"{metric}_selected"] = values[metric, selected]
    numbers[f"{metric}_lowest"], numbers[f"{metric}_highest"] = values[metric].min(), values[metric].max()
# The time of the analyses alone; that of the training is in the history.
page.finish(replace(run, began=time.perf_counter() - seconds), frame, summary, numbers)
notebook.table(summary, ["epoch", "metric", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# This run starts from vectors *{glue:text}`vectors`*. The epoch kept is {glue:text}`selected` of
# {glue:text}`epochs`, with a test accuracy of {glue:text}`accuracy_selected:.3f` and a τ of attention and
# gradient of {glue:text}`tau_gradient_selected:.2f`. Least and greatest values over the epochs:
#
# - test accuracy: {glue:text}`accuracy_lowest:.3f` and {glue:text}`accuracy_highest:.3f`;
# - τ of attention and gradient: {glue:text}`tau_gradient_lowest:.2f` and
#   {glue:text}`tau_gradient_highest:.2f`;
# - τ of attention and leave-one-out: {glue:text}`tau_leave_one_out_lowest:.2f` and
#   {glue:text}`tau_leave_one_out_highest:.2f`;
# - median change of the output under permutation: {glue:text}`median_tvd_lowest:.3f` and
#   {glue:text}`median_tvd_highest:.3f`.
#
# Run it again with other `vectors` or another `deviation`; {doc}`../chapters/agreement` has the recorded
# runs. Random vectors of two deviations differ in scale alone, random and pretrained ones also in content and
# zeros. A published τ can be expected only of a run that starts from the same vectors.
#
# The other tests of the paper differ in this. How far weights can move at the same output ({doc}`adversary`)
# hardly changed with the initial vectors on SST. The change under permutation ({doc}`permutation`) depends on
# them as much as τ does: small random vectors leave attention nearly uniform, and permuting equal weights
# changes nothing.
#
# ## Limits
#
# - A word whose vector is zero has a gradient × embedding of exactly zero. Pretrained vectors leave unknown
#   words at zero and random ones do not, so the two differ in ties as well.
# - Small random vectors begin with nearly uniform attention, whose ranks are ranks of small differences.
# - The epochs of one training are not independent of each other, and one run is one seed.
# - The pretrained vectors of the paper are not part of this project; vectors trained on the texts of a data
#   set replace them. `vectors` also takes the real file.

# %% tags=["remove-input"]
page.origin(run.settings)
