# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Serrano and Smith's six architectures, and how well they do
#
# **The question.** {cite:t}`serrano2019attention` erase attention weights and watch the decision. They do
# so in six architectures, because what a weight means depends on what it weighs: *HAN* attends over
# sentences whose vectors were themselves made by attention over words, *FLAN* over all words of a document
# at once; and the states under the attention come from a recurrent encoder (*rnn*), from convolutions
# (*conv*), or are the word vectors themselves (*noenc*). An explanation of a model that performs badly
# explains little, so this comes before the other pages.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted_documents"  # a name from attnlib.data.names(), of texts; a HAN needs sentences
architecture: str = "HANrnn"  # HANrnn, HANconv, HANnoenc, FLANrnn, FLANconv or FLANnoenc
variant: str = "released"  # released: dropout on the logits, as their code; no_logit_dropout: without
vectors: str = "corpus"  # corpus (word2vec on the training texts) or random
epochs: Optional[int] = None  # at most so many; None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev accuracy; None: as the paper
learning_rate: Optional[float] = None  # at the start; None: as the paper
train_limit: Optional[int] = None  # train on so many documents, drawn with the seed; None: all
seed: int = 0  # decides the initial weights, the order of batches and the documents drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # compare with uniform attention on so many test documents; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from attnbook import charts, notebook
from attnlib.kernels import uniform_weights
from attnlib.prepare.documents import prepare_documents
from attnlib.tables import summaries
from attnlib.tables.baseline import baseline

page = notebook.begin(
    globals(), "serrano_smith/base", notebook.SINGLE_TEXTS, sentences=architecture.startswith("HAN")
)
model_settings = dict(variant=variant, vectors=vectors, epochs=epochs, patience=patience)
model_settings |= dict(learning_rate=learning_rate, train_limit=train_limit)
run = prepare_documents(dataset, architecture, seed, device=device, limit=limit, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/erasure")

# %% [markdown]
# ## The data and the model
#
# Every attention layer scores a state $h_t$ with a learned query: $u_t = \tanh(W h_t + b)$, $\alpha =
# \operatorname{softmax}_t(c^\top u_t)$, and gives on $\sum_t \alpha_t h_t$. One linear layer follows the
# last of them, which is the one under test ({doc}`../../readout`): over sentences in a HAN, over words in a
# FLAN. Number of documents, and their mean lengths:

# %% tags=["hide-input"]
corpus, classes = run.corpus, run.corpus.class_names
sizes = pd.DataFrame(
    {
        "documents": len(split),
        "words": split.lengths.mean(),
        "sentences": np.mean([len(lengths) for lengths in split.sentences]) if split.sentences else np.nan,
    }
    for split in corpus.splits.values()
).assign(split=list(corpus.splits))
notebook.table(sizes, ["split", "documents", "words", "sentences"])

# %% [markdown]
# Training halves the learning rate whenever an epoch brings no better accuracy on the development split,
# and keeps the best epoch.

# %% tags=["hide-input"]
history = pd.DataFrame(run.history)
kept = int(history.loc[history["selected"] == 1, "epoch"].iloc[0])
charts.by_epoch(
    history,
    "accuracy",
    title=f"Accuracy on the development split ({dataset}, {architecture})",
    y_title="accuracy (share)",
    selected=kept,
)

# %% [markdown]
# ## How well it does
#
# Accuracy on the whole test split, beside a baseline that knows no order beyond two words: logistic
# regression on tf-idf of single words and pairs. Then, on the documents under analysis, the model with the
# same weight on every sentence or word at test time.

# %%
simple = baseline(corpus, train_limit, seed)["accuracy"]
uniform = run.readout.probabilities(uniform_weights(run.readout)).argmax(1).cpu().numpy()
frame = run.frame(
    correct=run.readout.predictions().cpu().numpy() == run.texts.labels,
    correct_uniform=uniform == run.texts.labels,
).astype({"correct": float, "correct_uniform": float})
rows = summaries.summarise(frame, ["correct", "correct_uniform"], by="label")
words = np.concatenate([split.lengths for split in corpus.splits.values()])
sentences = [len(lengths) for split in corpus.splits.values() for lengths in split.sentences or ()]
own = {
    "accuracy": (run.test_metrics["accuracy"], len(corpus.test)),
    "accuracy_baseline": (simple, len(corpus.test)),
    "n_train_dev": (len(corpus.train) + len(corpus.dev), None),
    "n_train_used": (min(len(corpus.train), train_limit or len(corpus.train)), None),
    "n_test": (len(corpus.test), None),
    "n_classes": (len(classes), None),
    "mean_words": (words.mean(), len(words)),
    "deviation_words": (words.std(), len(words)),
    "mean_sentences": (np.mean(sentences) if sentences else np.nan, len(sentences)),
    "deviation_sentences": (np.std(sentences) if sentences else np.nan, len(sentences)),
}
own = pd.DataFrame(
    [(name, "all", *pair) for name, pair in own.items()], columns=["metric", "class", "value", "n"]
)
summary = page.summary(run, [own, rows])

# %% tags=["hide-input"]
overall = summary[summary["class"] == "all"].set_index("metric")
shown = overall.loc[["accuracy", "accuracy_baseline", "correct_uniform"]].assign(
    model=["the model", "tf-idf and logistic regression", "the model, uniform attention"]
)
charts.intervals(
    shown[["model", "value", "low", "high"]],
    "model",
    domain=(0, 1),
    title=f"Accuracy on the test documents ({dataset}, {architecture})",
    x_title="accuracy (share of test documents)",
)

# %% tags=["hide-input"]
commonest = pd.Series(corpus.test.labels).value_counts(normalize=True).iloc[0]
numbers = dict(overall["value"][["accuracy", "accuracy_baseline", "correct", "correct_uniform"]])
difference = run.test_metrics["accuracy"] - simple
page.finish(run, frame, summary, numbers, commonest=commonest, difference=difference)
notebook.table(summary, ["metric", "class", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# Test accuracy is {glue:text}`accuracy:.3f`; the baseline has {glue:text}`accuracy_baseline:.3f`, a
# difference of {glue:text}`difference:.3f`, and always giving the commonest class
# {glue:text}`commonest:.3f`. With uniform attention at test time the model keeps
# {glue:text}`correct_uniform:.3f` of {glue:text}`correct:.3f` on the documents under analysis.
#
# ## Limits
#
# - The authors trained each model once. The interval is over test documents; run more seeds for the rest.
# - The paper's data sets are far larger; the vectors here are word2vec on the training texts at hand, in
#   fewer passes.
# - Dropout *on the logits* (`variant`) is an accident of their library; it changes how far apart the
#   outputs are, and with that how soon a decision flips.

# %% tags=["remove-input"]
page.origin(run.settings)
