# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the models are, and how well they do
#
# **The claim.** {cite:t}`jain2019attention` ask about attention in models that work: their Table 1 lists, for
# every data set, its size and the performance of a BiLSTM with attention on the test texts. A statement about
# the explanations of a model that performs worse would be a statement about another model. So this comes
# before every other page: does the model perform as theirs did? And does its attention have any part in that?
#
# This page trains one model on one data set; {doc}`../beyond/ledger` sets every published number beside ours.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
epochs: Optional[int] = None  # None: as the paper
patience: Optional[int] = None  # stop after so many epochs without a better dev score
seed: int = 0  # decides the initial weights, the order of batches and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # compare with uniform attention on so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd
import torch

from attnbook import charts, notebook
from attnlib.kernels import exchanged_logits, uniform_weights
from attnlib.prepare.flat import prepare
from attnlib.tables import performance, summaries
from attnlib.training.flat import predict

page = notebook.begin(globals(), "jain_wallace/base", notebook.TEXTS)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/models_and_data")

# %% [markdown]
# ## The data and the model
#
# Numbers of texts and words, and tokens per training text. The vocabulary is that of the training texts, with
# the four symbols for padding, unknown words, start and end.

# %% tags=["hide-input"]
corpus, classes = run.corpus, run.corpus.class_names
sizes = {
    "all": {
        "n_train": len(corpus.train),
        "n_test": len(corpus.test),
        "n_vocabulary": len(corpus.vocabulary),
        "mean_length": sum(map(len, corpus.train.texts)) / len(corpus.train),
    }
}
for number, name in enumerate(classes if len(classes) <= summaries.MOST_CLASSES else ()):
    sizes[name] = {
        "n_train": int((corpus.train.labels == number).sum()),
        "n_test": int((corpus.test.labels == number).sum()),
    }
sizes = pd.DataFrame.from_dict(sizes, orient="index").rename_axis("class").reset_index().convert_dtypes()
notebook.table(sizes)

# %% [markdown]
# A text $x_1, \dots, x_T$ is embedded and encoded as $h_1, \dots, h_T$; a scorer, *additive*
# $v^\top \tanh(W h_t + b)$ or *scaled dot* $w^\top h_t / \sqrt{m}$, gives the attention $\alpha$ by a softmax
# over the tokens; and the output is read from $\sum_t \alpha_t h_t$ ({doc}`../../readout`). Questions and
# hypotheses have an encoder of their own, whose summary enters the scorer and the output.
#
# The authors began with *pretrained* word vectors, fastText for most data sets; only the question answering
# on generated stories began with random ones. The vectors of this run are: {glue:text}`vectors`. They are
# trained along with the rest. After every epoch the model is scored on the development split, by the area
# under the ROC curve for two classes and by accuracy otherwise, and the best epoch is kept; in the authors'
# code never the first.

# %% tags=["hide-input"]
history = pd.DataFrame(run.history)
kept = int(history.loc[history["selected"] == 1, "epoch"].iloc[0])
charts.by_epoch(
    history,
    "loss",
    title=f"Training loss ({dataset}, {encoder}, {scorer})",
    y_title="mean loss per text (nats)",
    selected=kept,
)

# %% tags=["hide-input"]
names = {
    "accuracy": "accuracy",
    "f1": f"F1 of “{classes[1]}”",
    "roc_auc": "area under the ROC curve",
    "pr_auc": "average precision",
}
long = history.melt("epoch", [name for name in names if name in history], "score", "value")
charts.by_epoch(
    long.assign(score=long["score"].map(names)),
    "value",
    title=f"Scores on the development split ({dataset}, {encoder}, {scorer})",
    y_title="score (share or area)",
    by="score",
    by_title="score",
    selected=kept,
)

# %% [markdown]
# ## How well it does
#
# On the whole test split: accuracy with a 95 % bootstrap interval over texts; with two classes the F1 of the
# second, which is what the paper prints, and two areas that need no threshold; and precision, recall and F1
# by *true* class. Then what Table 1 does not show: the same model with the same weight on every token at test
# time, its encoder and its output layer as they were trained. And where a question or a hypothesis comes with
# the text, the same model when what its attention read is exchanged for what it read in *another* text: what
# is left then, the question gives alone.

# %%
found = predict(run.model, corpus.test, corpus.vocabulary, run.device)
report = performance.report(corpus.test.labels, found, classes)
outputs = {
    "model": run.readout.probabilities(),
    "uniform": run.readout.probabilities(uniform_weights(run.readout)),
}
if run.readout.offset is not None and len(run.texts) > 1:
    outputs["exchanged"] = exchanged_logits(run.readout).softmax(-1)
compared = []
for name, probabilities in outputs.items():
    part = performance.report(run.texts.labels, probabilities.cpu().numpy(), classes)
    compared.append(part[part["class"] == "all"].assign(read=name))
compared = pd.concat(compared, ignore_index=True)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
shown = {"model": "the model's", "uniform": "uniform", "exchanged": "on another text"}
order = [shown[name] for name in outputs]
charts.intervals(
    compared.assign(
        score=compared["metric"].map(names),
        attention=pd.Categorical(compared["read"].map(shown), order, True),
    ).dropna(subset="value"),
    "score",
    group="attention",
    domain=(0, 1),
    title=f"What the output owes to attention ({dataset}, {encoder}, {scorer})",
    x_title="score on the test texts (share or area)",
)

# %% tags=["hide-input"]
controls = compared[compared["read"] != "model"]
controls = controls.assign(metric=controls["metric"] + "_" + controls["read"]).drop(columns="read")
counts = sizes.melt("class", var_name="metric").dropna().astype({"value": float})
rows = pd.concat([report, controls, counts], ignore_index=True)
summary = page.summary(run, rows)
true = torch.as_tensor(run.texts.labels, device=run.readout.device)[:, None]
frame = run.frame(
    probability=outputs["model"].gather(1, true)[:, 0],
    probability_uniform=outputs["uniform"].gather(1, true)[:, 0],
)
overall = compared.set_index(["read", "metric"])["value"]
numbers = {f"{metric}_{name}": value for (name, metric), value in overall.items()}
numbers |= {name: run.test_metrics.get(name, float("nan")) for name in ("accuracy", "f1", "roc_auc")}
numbers["commonest"] = pd.Series(corpus.test.labels).value_counts(normalize=True).iloc[0]
exchanged = "This model reads a text alone: there is no question that could decide without it."
if "exchanged" in outputs:
    exchanged = (
        "With what attention read in another text in place of its own, accuracy is "
        f"{overall['exchanged', 'accuracy']:.3f}: so much comes from the question or hypothesis alone, and "
        "only what lies above it from the text that attention is on."
    )
page.finish(run, frame, summary, numbers, n_compared=len(run.texts), vectors=run.name["vectors"])
notebook.table(pd.concat([report, controls]), ["metric", "class", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# With vectors {glue:text}`vectors` this run has a test accuracy of {glue:text}`accuracy:.3f`, where always
# giving the commonest class would have {glue:text}`commonest:.3f`; F1 is {glue:text}`f1:.3f`, the area under
# the ROC curve {glue:text}`roc_auc:.3f`. On the {glue:text}`n_compared` texts compared, accuracy is
# {glue:text}`accuracy_model:.3f` with the model's attention and {glue:text}`accuracy_uniform:.3f` with the
# same weight on every token. Where the two are alike, the decisions do not rest on where the attention is,
# and what other pages say of its weights is said of something the model could do without on this data;
# {cite:t}`wiegreffe2019attention` train models with uniform attention to ask the same.

# %% tags=["remove-input"]
notebook.markdown(exchanged)

# %% [markdown]
# F1 and the area under the curve can disagree, and the authors' numbers show it. With two classes the loss
# weighs texts of the second by the number of texts of the first over that of the second. Where the classes
# are unequal this moves the outputs towards the second: recall gains, precision loses, and F1, read at an
# output of .5, follows. The area depends on the order of the outputs alone. The epoch is chosen by the area,
# so that F1 may be higher at an epoch that was not chosen, and two runs that differ in F1 need not differ in
# what they have learnt.
#
# ## Limits
#
# - Equal performance does not make equal models. With other initial vectors about the same performance may
#   come with another attention: see {doc}`initialisation`.
# - Uniform attention at test time is no model trained with it, which could make up for what is missing: what
#   is lost here is more, if anything, than attention is worth.
# - One run is one seed. The interval is over test texts alone; the spread over seeds is in
#   {doc}`../beyond/ledger`.
# - The paper's lengths for the generated stories are not mean lengths (two of the three are the *longest*
#   story), and its vocabularies were taken from all splits: neither can agree with the sizes above.
# - A share of no texts, such as the precision of a class that is never predicted, is left empty and not 0.

# %% tags=["remove-input"]
page.origin(run.settings)
