# %% [markdown]
# # One document model and its data set: sizes and accuracy (Serrano & Smith)
#
# {cite:t}`serrano2019attention` erase attention weights and watch the decision ({doc}`../chapters/erasure`),
# in six architectures. A *HAN* attends over sentences whose vectors come from attention over words, a *FLAN*
# over all words of a document at once. The states under the attention come from a recurrent encoder (*rnn*),
# from convolutions (*conv*), or are the word vectors themselves (*noenc*). How well does one of them do?

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
from itertools import chain

import numpy as np
import pandas as pd
import torch

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
# Every attention layer scores a state $h_t$ with a learned query $c$: $u_t = \tanh(W h_t + b)$ and $\alpha =
# \operatorname{softmax}_t(c^\top u_t)$. It passes on $\sum_t \alpha_t h_t$. The last one is under test, over
# sentences in a HAN and over words in a FLAN; one linear layer follows it ({doc}`../../readout`). Documents
# and their mean lengths:

# %% tags=["hide-input"]
corpus, classes = run.corpus, run.corpus.class_names
sentences = {
    name: [len(lengths) for lengths in split.sentences or ()] for name, split in corpus.splits.items()
}
sizes = pd.DataFrame(
    {
        "split": name,
        "documents": len(split),
        "words": split.lengths.mean(),
        "sentences": pd.Series(sentences[name], dtype=float).mean(),
    }
    for name, split in corpus.splits.items()
)
notebook.table(sizes)

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
# Accuracy on the whole test split, and that of a baseline: logistic regression on tf-idf of single words and
# pairs. Then, on the documents under analysis, the model with equal weights at test time.

# %%
simple = baseline(corpus, train_limit, seed)["accuracy"]
labels = torch.as_tensor(run.texts.labels, device=run.readout.device)
uniform = run.readout.probabilities(uniform_weights(run.readout))
frame = run.frame(
    correct=(run.readout.predictions() == labels).double(),
    correct_uniform=(uniform.argmax(1) == labels).double(),
)

# %% tags=["hide-input"]
rows = summaries.summarise(frame, ["correct", "correct_uniform"], by="label")
words = np.concatenate([split.lengths for split in corpus.splits.values()])
sentences = pd.Series(list(chain(*sentences.values())), dtype=float)
own = {
    "accuracy": (run.test_metrics["accuracy"], len(corpus.test)),
    "accuracy_baseline": (simple, len(corpus.test)),
    "n_train_dev": (len(corpus.train) + len(corpus.dev), None),
    "n_train_used": (min(len(corpus.train), train_limit or len(corpus.train)), None),
    "n_test": (len(corpus.test), None),
    "n_classes": (len(classes), None),
    "mean_words": (words.mean(), len(words)),
    "deviation_words": (words.std(), len(words)),
    "mean_sentences": (sentences.mean(), len(sentences)),
    "deviation_sentences": (sentences.std(ddof=0), len(sentences)),
}
own = [(name, "all", *pair) for name, pair in own.items()]
own = pd.DataFrame(own, columns=["metric", "class", "value", "n"])
summary = page.summary(run, [own, rows])
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
# Test accuracy is {glue:text}`accuracy:.3f`, that of the baseline {glue:text}`accuracy_baseline:.3f` (a
# difference of {glue:text}`difference:.3f`), and that of always giving the most frequent class
# {glue:text}`commonest:.3f`. On the documents under analysis accuracy is {glue:text}`correct:.3f` with the
# model's attention and {glue:text}`correct_uniform:.3f` with uniform attention at test time.
#
# ## Limits
#
# - The authors trained each model once. The interval here is over test documents, not over seeds.
# - The paper's data sets are far larger. The vectors here are word2vec on these training texts, in fewer
#   passes.
# - Dropout *on the logits* (`variant`) is an accident of their library. It changes how far apart the outputs
#   are, and so how soon a decision flips.

# %% tags=["remove-input"]
page.origin(run.settings)
