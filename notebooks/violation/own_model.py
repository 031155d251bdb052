# %% [markdown]
# # Test the explanations of your own text classifier
#
# The violation test of {cite:t}`liu2022rethinking` ({doc}`methods`) needs a function from texts to class
# probabilities and a score for every token. It needs no attention, no gradient and no model of this library.
# This page tests a classifier of scikit-learn; anything that can be called works the same way.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of single texts
seed: int = 0  # of the random scores
limit: Optional[int] = 200  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for rates.csv, all measures of this page

# %% tags=["remove-cell"]
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from attnbook import charts, notebook
from attnlib import data, faithfulness

page = notebook.begin(globals(), "violation/own_model", notebook.SINGLE_TEXTS)
corpus = data.load(dataset)

# %% tags=["remove-input"]
page.generated(link="../chapters/sign")

# %% [markdown]
# ## A model and its explanation
#
# A pipeline of tf-idf and logistic regression, and its usual explanation: coefficient times feature value.

# %%
model = make_pipeline(TfidfVectorizer(analyzer=list), LogisticRegression(C=10))
model.fit(corpus.train.texts, corpus.train.labels)
features, classifier = model.named_steps.values()
rows = classifier.coef_
# Of two classes there is one row, for the second; it speaks against the first.
rows = rows if len(rows) > 1 else [-rows[0], rows[0]]
coefficients = dict(zip(classifier.classes_, rows, strict=True))


def predict(texts):
    """Class probabilities of token lists; 0 for a class without training texts."""
    found = np.zeros((len(texts), len(corpus.class_names)))
    found[:, classifier.classes_] = model.predict_proba(texts)
    return found


def explanation(text):
    """Coefficient × tf-idf of each token, for the predicted class."""
    of_class = coefficients[predict([text])[0].argmax()]
    values = features.transform([text]).toarray()[0] * of_class
    known = features.vocabulary_
    return [values[known[token]] if token in known else 0 for token in text]


split = corpus.test.sample(limit, seed)
texts, labels = split.texts, split.labels
scores = [explanation(text) for text in texts]

# %% [markdown]
# ## The test, in three lines

# %%
from attnlib.faithfulness import violation_test

test = violation_test(predict, texts, scores)
test.ratio

# %% [markdown]
# `test` has a row per text: the token removed, its score, the fall of the probability, whether this violates
# the sign, and whether it is a tie. The rates with their intervals:

# %%
notebook.table(faithfulness.violation_rates(test))

# %% [markdown]
# ## Several explanations of one model
#
# Make a removal once, and all measures share its answers. Leave-one-out cannot be violated; random scores
# show what chance gives. Instead of deleting a token a symbol can replace it, here one unknown to the model.

# %%
symbol = faithfulness.replace_by("[MASK]")
removals = {
    "deletion": faithfulness.removal_of_texts(predict, texts),
    "symbol": faithfulness.removal_of_texts(predict, texts, symbol),
}
generator = np.random.default_rng(seed)
explanations = {
    "coefficient × tf-idf": scores,
    "coefficient, without its sign": [np.abs(found) for found in scores],
    "leave-one-out": np.nan_to_num(removals["deletion"].drop_of_each()),
    "random": [generator.uniform(-1, 1, len(text)) for text in texts],
}
frame = faithfulness.measure_texts(explanations, removals, labels)
rates = faithfulness.summarise_measures(frame)

# %% tags=["hide-input"]
shown = rates[(rates["metric"] == "violation") & (rates["operator"] != "mean")]
charts.dot_panels(
    shown,
    "method",
    by="operator",
    title=f"Texts whose top token acts against its sign ({dataset}, logistic regression)",
    x_title="violation ratio (share of texts)",
    by_title="removal",
    domain=(0, 1),
)

# %% tags=["hide-input"]
page.write(rates, "rates.csv")
value = shown.set_index(["method", "operator"])["value"]
page.glue(ours=value["coefficient × tf-idf", "deletion"], chance=value["random", "deletion"])
page.glue(unsigned=value["coefficient, without its sign", "deletion"])
measures = ["violation", "comprehensiveness", "sufficiency", "area_under_threshold", "rank_correlation"]
means = rates[(rates["operator"] == "deletion") & rates["metric"].isin(measures)]
notebook.table(means.pivot_table("value", "method", "metric", sort=False)[measures].reset_index())

# %% [markdown]
# By deletion the explanation is violated in {glue:text}`ours:.3f` of the texts, without its sign in
# {glue:text}`unsigned:.3f`, random scores in {glue:text}`chance:.3f`. Even the coefficients of a linear model
# can be violated: tf-idf vectors have length 1, so removing a word raises the values of all others.
#
# What `predict` gives may be an array of any library, dicts by class, or logarithms. One number for the
# second of two classes is `np.column_stack([1 - p, p])`; a model that answers by chance is refused.
# `progress=True` says how many texts will be asked about, before they are.
#
# ## An attention model of your own
#
# An encoder is a module with a `size`, called as `encoder(embedded, lengths, mask)` with the word vectors
# $[N, L, d]$ between start and end symbol; it gives states $[N, L, m]$ and a summary $[N, m]$, which only
# questions need. A scorer is called as `scorer(states, query)` and gives a number per position before the
# softmax. Put into an `AttentionModel`, they are trained, read and explained as those of the library are:

# %%
import torch

from attnlib.explain import Trained, explain
from attnlib.kernels import reach
from attnlib.models.classifier import Architecture, LinearHead, build
from attnlib.models.reading import read
from attnlib.training.fit import fit
from attnlib.training.flat import Training, recipe


class Neighbours(torch.nn.Module):
    """Each word with the one before and the one after it."""

    def __init__(self, dimension, size):
        super().__init__()
        self.size = size
        self.windows = torch.nn.Conv1d(dimension, size, 3, padding=1)

    def forward(self, embedded, lengths, mask):
        states = self.windows(embedded.mT).mT.tanh()
        return states, states.mean(dim=1)


class Linear(torch.nn.Linear):
    """The score of a state is linear in it."""

    def forward(self, states, query=None):
        return super().forward(states).squeeze(2)


n_classes, n_words = len(corpus.class_names), len(corpus.vocabulary)
sizes = dict(n_classes=n_classes, n_words=n_words, dimension=16, hidden=32)
own = build(Architecture("average", "additive", **sizes), seed=seed)
with torch.random.fork_rng(devices=[]):
    torch.manual_seed(seed)
    own.encoder, own.scorer = Neighbours(16, 32), Linear(32, 1)
    own.head = LinearHead(32, n_classes)
fit(recipe(own, corpus, Training(epochs=3, seed=seed)), progress=False)
readout = read(own, split, corpus.vocabulary)
methods = ["attention", "attention × gradient", "integrated gradients"]
found = explain(Trained(own, split, corpus.vocabulary, readout), methods)
ways = faithfulness.removals(own, split, corpus.vocabulary, readout)
for name, given in found.items():
    print(name, faithfulness.violations(given, ways["deletion"]).ratio)

# %% [markdown]
# The kernels take its Readout. A model with several heads of attention gives one for each head, with
# `Readout.of_head`, and all heads together go to `kernels.reach_of_heads`.

# %%
reach(readout).can_flip.float().mean().item()

# %% [markdown]
# ## Limits
#
# - Refused, with the row: too few or too many scores, scores that are not finite, and probabilities that do
#   not sum to 1. A text of one token counts as *untested*. {doc}`../../api` lists the functions.

# %% tags=["remove-input"]
page.origin({"dataset": corpus.name, "data": corpus.checksum})
