# %% [markdown]
# # The violation test on one text, with every method (Liu et al.)
#
# The example of {cite:t}`liu2022rethinking` is a restaurant review, "good service but horrible garbage food
# and small portions": the prediction is negative and attention is largest on "good". This page shows one text
# with the scores of every method and whether each is violated.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of single texts
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
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
trained = run.trained
if text is not None:
    given = Split(("given",), (tuple(text.split()),), np.array([0]))
    readout = read(run.model, given, run.corpus.vocabulary, run.device)
    trained = trained._replace(texts=given, readout=readout)
texts, readout = trained.texts, trained.readout

# %% tags=["remove-input"]
page.generated(link="../chapters/sign")

# %% [markdown]
# ## The scores
#
# Orange speaks for the predicted class, blue against it; each row is scaled to its largest score. A method is
# *violated* by a removal if removing its top token moves the probability against the sign of its score.

# %%
names = explain.METHODS
methods = [name for name in names if "random" not in name and "|" not in name]
scores = explain.explain(trained, methods)
removals = faithfulness.removals(*trained)
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
# What removing a single token does to the probability of the predicted class; the test compares the sign of
# the top token's score with this.

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
# Of {glue:text}`n_methods` methods {glue:text}`n_violated` are violated on this text by some removal. The
# table gives the fall of the probability without each method's top token.
#
# ## Limits
#
# - The text was chosen because methods disagree on it, so it is not typical. {doc}`methods` has all texts.

# %% tags=["remove-input"]
page.origin(run.settings)
