# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Test the explanations of your own model
#
# The violation test of {cite:t}`liu2022rethinking` needs a function from texts to class probabilities and a
# score for every token, nothing else: no attention, no gradient, no model of this library. Here is a
# classifier of scikit-learn; anything that can be called works the same way.

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
# A pipeline of tf-idf and logistic regression, and the usual explanation of it: coefficient times feature
# value, for the predicted class.

# %%
model = make_pipeline(TfidfVectorizer(analyzer=list), LogisticRegression(C=10))
model.fit(corpus.train.texts, corpus.train.labels)
features, classifier = model.named_steps.values()
# Of two classes there is one row, for the second; it speaks against the first.
rows = classifier.coef_ if len(classifier.coef_) > 1 else [-classifier.coef_[0], classifier.coef_[0]]
coefficients = dict(zip(classifier.classes_, rows, strict=True))


def predict(texts):
    """Class probabilities of token lists; 0 for a class that no training text has."""
    found = np.zeros((len(texts), len(corpus.class_names)))
    found[:, classifier.classes_] = model.predict_proba(texts)
    return found


def explanation(text):
    """Coefficient × tf-idf of each token, for the predicted class."""
    values = features.transform([text]).toarray()[0] * coefficients[predict([text])[0].argmax()]
    return [values[features.vocabulary_[t]] if t in features.vocabulary_ else 0 for t in text]


texts = corpus.test.sample(limit, seed).texts
scores = [explanation(text) for text in texts]

# %% [markdown]
# ## The test, in three lines

# %%
from attnlib.faithfulness import violation_test

test = violation_test(predict, texts, scores)
test.ratio

# %% [markdown]
# `test` has a row per text: which token was removed, its score, by how much the probability fell, whether
# that violates the sign, and whether it is a tie. The rates with their intervals:

# %%
notebook.table(faithfulness.violation_rates(test))

# %% [markdown]
# ## Several explanations of one model
#
# Make the removal once, so that what the model says about a shortened text is asked only once; then any
# measure takes it. Leave-one-out is the oracle for the sign; random scores show what chance gives. Besides
# deletion, a symbol can be put in a token's place, here one that the model does not know.

# %%
removals = {
    "deletion": faithfulness.removal_of_texts(predict, texts),
    "symbol": faithfulness.removal_of_texts(predict, texts, faithfulness.replace_by("[MASK]")),
}
generator = np.random.default_rng(seed)
explanations = {
    "coefficient × tf-idf": scores,
    "coefficient, without its sign": [np.abs(found) for found in scores],
    "leave-one-out": np.nan_to_num(removals["deletion"].drop_of_each()),
    "random": [generator.uniform(-1, 1, len(text)) for text in texts],
}
labels = corpus.test.sample(limit, seed).labels
frame = faithfulness.measure_texts(explanations, removals, labels)
rates = faithfulness.summarise_measures(frame)

# %% tags=["hide-input"]
shown = rates[(rates["metric"] == "violation") & (rates["operator"] != "mean")]
charts.dot_panels(
    shown.assign(panel="violation ratio"),
    "method",
    by="operator",
    panel="panel",
    title="Texts whose top token acts against its sign",
    x_title="violation ratio (share of texts)",
    by_title="removal",
    columns=1,
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
# The explanation's sign is wrong in {glue:text}`ours:.3f` of the texts. Without its sign, the same sizes
# are violated in {glue:text}`unsigned:.3f`; chance in {glue:text}`chance:.3f`. Even a linear model's own
# coefficients need not be without violation: tf-idf vectors are scaled to length 1, so removing a word
# lifts all the others.
#
# ## What the functions refuse
#
# Scores that are not as many as the tokens, scores that are not finite, and probabilities that do not sum
# to 1, each with the row it is about; a text of one token is counted as *untested*, since without it
# nothing is left. {doc}`../../api` lists the functions.

# %% tags=["remove-input"]
page.origin({"dataset": corpus.name, "data": corpus.checksum})
