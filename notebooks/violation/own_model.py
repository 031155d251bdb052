# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

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
# ## Limits
#
# - Refused, with the row: too few or too many scores, scores that are not finite, and probabilities that do
#   not sum to 1. A text of one token counts as *untested*. {doc}`../../api` lists the functions.

# %% tags=["remove-input"]
page.origin({"dataset": corpus.name, "data": corpus.checksum})
