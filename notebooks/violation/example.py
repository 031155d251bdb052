# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The violation test on one text, all methods
#
# The worked example of {cite:t}`liu2022rethinking` is a restaurant review, "good service but horrible
# garbage food and small portions": attention puts its maximum on "good", for a negative prediction. This
# page shows one text with the scores of every method and the verdict on each.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of single texts
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
epochs: Optional[int] = None  # None: as the paper
text: Optional[str] = None  # words separated by spaces; None: a test text on which the methods differ most
seed: int = 0  # decides the initial weights and the order of batches
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = 200  # choose the text among so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness
from attnlib.data.corpus import Split
from attnlib.models.reading import read
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "violation/example", notebook.SINGLE_TEXTS)
if text is not None and len(text.split()) < 2:
    raise ValueError(f"parameter text is {text!r}: give two words or more, since one of them is taken away")
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, vectors=vectors, epochs=epochs)
words = run.corpus.vocabulary
texts, readout = run.texts, run.readout
if text is not None:
    texts = Split(("given",), (tuple(text.split()),), np.array([0]))
    readout = read(run.model, texts, words, run.device)

# %% tags=["remove-input"]
page.generated(link="../chapters/sign")

# %% [markdown]
# ## The scores
#
# Orange speaks for the predicted class, blue against it; each row is scaled to its largest score. A score
# is *violated* by a way to remove if taking its top token away moves the probability against its sign.

# %%
methods = [name for name in explain.METHODS if "random" not in name and "|" not in name]
scores = explain.explain(explain.Trained(run.model, texts, words, readout, run.device), methods)
removals = faithfulness.removals(run.model, texts, words, readout, run.device)
verdicts = {
    (method, operator): faithfulness.violations(found, removal)
    for method, found in scores.items()
    for operator, removal in removals.items()
}

# %% tags=["hide-input"]
counts = pd.DataFrame({key: found.violated for key, found in verdicts.items()}).T.groupby(level=0).sum().T
violated = (counts > 0).sum(axis=1)
# The text on which most methods disagree; among these the shortest.
disagreement = np.minimum(violated, len(methods) - violated).to_numpy()
shown = int(np.lexsort((texts.lengths, -disagreement))[0])
tokens = texts.texts[shown]
rows = {}
for method, found in scores.items():
    values = found[shown, : len(tokens)].cpu().numpy()
    broken = [name for name in removals if verdicts[method, name].violated[shown]]
    mark = f"✗ {', '.join(broken)}" if broken else "✓"
    rows[f"{method}  {mark}"] = values / max(np.abs(values).max(), 1e-30)
predicted = run.corpus.class_names[int(readout.predictions()[shown])]
certainty = float(readout.probabilities()[shown].max())
charts.heatmap(
    tokens,
    rows,
    signed=True,
    name="score / largest",
    title=f"Scores for “{predicted}” (p = {certainty:.2f}), {encoder}, {scorer}; ✗ violated, ✓ by no removal",
)

# %% [markdown]
# What each removal of a single token does to the probability of the predicted class: this is what the top
# token's sign is held against.

# %% tags=["hide-input"]
drops = {name: removal.drop_of_each()[shown, : len(tokens)] for name, removal in removals.items()}
charts.heatmap(
    tokens,
    {name: np.nan_to_num(values) for name, values in drops.items()},
    signed=True,
    name="fall of p",
    title="Fall of the predicted class's probability when a token is removed",
)

# %% tags=["hide-input"]
about = []
for (method, operator), found in verdicts.items():
    token, score, drop, broken, _ = (values[shown] for values in found)
    about.append((method, operator, tokens[int(token)], float(score), float(drop), bool(broken)))
frame = pd.DataFrame(about, columns=["method", "operator", "top token", "score", "fall of p", "violated"])
table = frame.pivot_table("fall of p", ["method", "top token"], "operator", sort=False).reset_index()
rates = frame.groupby("method")["violated"].mean().rename("value").reset_index()
summary = page.summary(run, rates.assign(metric="violation"))
page.finish(run, frame, summary, n_methods=len(methods), n_violated=violated[shown])
notebook.table(table)

# %% [markdown]
# Of {glue:text}`n_methods` methods {glue:text}`n_violated` are violated on this text by some way to remove.
# The table gives the fall of the probability without each method's top token.
#
# ## Limits
#
# - The text was chosen because methods disagree on it; it is no typical one. The rates over all texts are
#   in {doc}`methods`.

# %% tags=["remove-input"]
page.origin(run.settings)
