# %% [markdown]
# # One model and its data set: sizes and performance (Jain & Wallace, Table 1)
#
# The experiment behind {doc}`../chapters/models_and_data`. {cite:t}`jain2019attention` list the size of every
# data set and the performance of a BiLSTM with attention on its test texts. This page trains one model on one
# data set and asks two questions: does it perform as theirs did, and does it need its attention for that?
# {doc}`../beyond/ledger` has every published number beside ours.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 1 for question answering, else 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
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
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/models_and_data")

# %% [markdown]
# ## The data and the model
#
# Numbers of texts and words, and mean tokens per training text. The vocabulary is that of the training texts,
# with four symbols for padding, unknown words, start and end.

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
# A text $x_1, \dots, x_T$ is embedded and encoded as $h_1, \dots, h_T$. A scorer, *additive*
# $v^\top \tanh(W h_t + b)$ or *scaled dot* $w^\top h_t / \sqrt{m}$, gives the attention $\alpha$ by a softmax
# over the tokens. The output is computed from $\sum_t \alpha_t h_t$ ({doc}`../../readout`). Questions and
# hypotheses have an encoder of their own, whose summary enters the scorer and the output.
#
# The authors began with *pretrained* word vectors, except for questions about generated stories; this run
# begins with vectors *{glue:text}`vectors`*, which are trained along with the rest. The epoch with the best
# area under the ROC curve on the development split is kept (with more than two classes: the best accuracy).
# The authors' code never keeps the first epoch.

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
# second, which the paper prints, and two areas that need no threshold; and precision, recall and F1 by *true*
# class. Then two controls that Table 1 does not have. One gives every token the same weight at test time. The
# other, where there is a question or a hypothesis, replaces $\sum_t \alpha_t h_t$ by that of *another* text:
# what the model still gets right, it gets right from the question alone.

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
for name, predicted in outputs.items():
    part = performance.report(run.texts.labels, predicted.cpu().numpy(), classes)
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
    title=f"Test scores with the model's attention and without it ({dataset}, {encoder}, {scorer})",
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
exchanged = "This model reads one text and no question."
if "exchanged" in outputs:
    alone = overall["exchanged", "accuracy"]
    exchanged = f"With the other text accuracy is {alone:.3f}: so much comes from the question alone."
page.finish(run, frame, summary, numbers, n_compared=len(run.texts), vectors=run.name["vectors"])
notebook.table(pd.concat([report, controls]), ["metric", "class", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# On this run test accuracy is {glue:text}`accuracy:.3f` (always giving the most frequent class:
# {glue:text}`commonest:.3f`), F1 {glue:text}`f1:.3f` and the area under the ROC curve
# {glue:text}`roc_auc:.3f`. On the {glue:text}`n_compared` texts compared, accuracy is
# {glue:text}`accuracy_model:.3f` with the model's attention and {glue:text}`accuracy_uniform:.3f` with equal
# weights. Where the two are alike, this accuracy does not need the model's attention;
# {doc}`../wiegreffe_pinter/uniform` trains a model without any.

# %% tags=["remove-input"]
notebook.markdown(exchanged)

# %% [markdown]
# F1 and the area under the curve can disagree. With two classes the loss weighs texts of the second by the
# ratio of the class sizes. Where the second is the smaller, outputs move towards it: recall rises, precision
# falls, and F1, taken at an output of .5, changes. The area depends on the order of the outputs alone.
#
# ## Limits
#
# - Models that perform equally well may attend differently: see {doc}`initialisation`.
# - A model *trained* with uniform attention could make up for what is missing here, so the loss shown above
#   is more likely too large than too small.
# - One run is one seed. The interval is over test texts; the spread over seeds is in {doc}`../beyond/ledger`.
# - The paper's lengths for the generated stories are not mean lengths (two of the three are the *longest*
#   story), and its vocabularies come from all splits. So neither agrees with the sizes above.
# - A share of no texts, such as the precision of a class that is never predicted, is left empty, not 0.

# %% tags=["remove-input"]
page.origin(run.settings)
