# %% [markdown]
# # What are these weights worth to another model? (Wiegreffe & Pinter, Table 3)
#
# The experiment behind {doc}`../chapters/guide` ({cite:t}`wiegreffe2019attention`, §3.4): a model that sees
# every word alone is trained with weights imposed on each text. Two guides are added to theirs, the exact
# adversary and leave-one-out.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of two classes
encoder: str = "bilstm"  # of the model whose weights are imposed: bilstm, bigru or convolution
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # None: as the paper, 8
patience: Optional[int] = None  # stop after so many epochs without a better dev score
strength: float = 0.001  # λ of the trained adversary
loss: str = "published"  # of the trained adversary: published or released
adversary_epochs: int = 10  # at most, 80 in the paper; 10 epochs without a lower loss end the training
epsilon: float = 0.01  # how far the exact adversary may move the output, in probability
leave_one_out: bool = True  # whether that guide is tried: it costs a pass per token
seed: int = 0  # decides all models and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # test on so many texts; None: all; training always takes all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib.kernels import jsd
from attnlib.prepare import guides
from attnlib.prepare.adversary import prepare_adversary
from attnlib.prepare.flat import prepare, prepare_like
from attnlib.tables import performance

page = notebook.begin(globals(), "wiegreffe_pinter/diagnostic", notebook.SINGLE_TEXTS, classes=2)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)
adversary = prepare_adversary(run, strength, variant=loss, epochs=adversary_epochs)

# %% tags=["remove-input"]
page.generated(["method", "dataset"], ["f1_gain"], link="../chapters/guide")

# %% [markdown]
# ## How it is measured
#
# The guided model is $\hat y = \sigma\bigl(w^\top \sum_t \pi_t \tanh(W x_t + b) + c\bigr)$. Its word vectors
# $x_t$ are trained; its weights $\pi$ are given for every training, development and test text. *Trained MLP*
# is the same model with an attention of its own.
#
# | guide | weights $\pi_t$ |
# |---|---|
# | uniform | $1/T$ |
# | trained MLP | its own additive attention |
# | base LSTM | the attention of the trained BiLSTM |
# | trained adversary | of one model with the BiLSTM's outputs and other weights ({doc}`adversary`) |
# | exact adversary | per text, the most distant weights that keep the BiLSTM's output within $\varepsilon$ |
# | leave-one-out | the change of the BiLSTM's output without token $t$, over the sum of these changes |

# %%
imposed = {
    "base LSTM": guides.attention(run),
    "trained adversary": guides.attention(adversary),
    "exact adversary": guides.exact_adversarial(run, epsilon),
}
if leave_one_out:
    imposed["leave-one-out"] = guides.leave_one_out_weights(run)
models = {
    "uniform": prepare_like(run, encoder="average", scorer="uniform"),
    "trained MLP": prepare_like(run, encoder="average", scorer="additive"),
}
models |= {
    name: prepare_like(run, encoder="average", scorer="imposed", imposed=guide)
    for name, guide in imposed.items()
}

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
labels, classes = run.texts.labels, run.corpus.class_names
outputs = {name: model.readout.probabilities().cpu().numpy() for name, model in models.items()}
far = {name: jsd(model.readout.alpha, run.readout.alpha) for name, model in models.items()}
reports, gains, frames = [], [], []
for name, found in outputs.items():
    correct = (found.argmax(axis=1) == labels).astype(float)
    frames.append(run.frame(jsd=far[name], correct=correct).assign(method=name))
    reports.append(performance.report(labels, found, classes).assign(method=name))
    if name != "uniform":
        gains.append(performance.difference(labels, found, outputs["uniform"]).assign(method=name))
compared, gains, frame = (pd.concat(parts, ignore_index=True) for parts in (reports, gains, frames))
gains["metric"] += "_gain"
charts.intervals(
    gains[gains["metric"] == "accuracy_gain"],
    "method",
    title=f"Accuracy gained by imposed weights in a model without context ({dataset}, seed {seed})",
    x_title="accuracy minus that under uniform weights (share, 95 % interval over texts)",
)

# %% tags=["hide-input"]
table = compared[compared["class"] == "all"].pivot_table("value", "method", "metric", sort=False)
table["divergence from base (nats)"] = {name: float(values.mean()) for name, values in far.items()}
notebook.table(table.reset_index())

# %% [markdown]
# The weights of each guide on one text of median length:

# %% tags=["hide-input"]
lengths = run.texts.lengths
shown = int(lengths.argsort(kind="stable")[len(lengths) // 2])
tokens = run.texts.texts[shown]
charts.heatmap(
    tokens,
    {name: model.readout.alpha[shown, : len(tokens)].tolist() for name, model in models.items()},
    title=f"Weights that guide the model (text {run.texts.ids[shown]})",
)

# %% tags=["hide-input"]
distances = pd.DataFrame(
    [("jsd", "all", float(values.mean()), len(values), name) for name, values in far.items()],
    columns=["metric", "class", "value", "n", "method"],
)
parts = pd.concat([compared, gains, distances], ignore_index=True)
summary = page.summary(run, parts)
summary["lambda"] = summary["method"].map({"trained adversary": strength})
summary["loss"] = summary["method"].map({"trained adversary": loss})
values = summary[summary["class"] == "all"].set_index(["method", "metric"])["value"]
told = ("uniform", "trained MLP", "base LSTM", "trained adversary", "exact adversary", "leave-one-out")
numbers = {f"{name}, f1": values.get((name, "f1"), float("nan")) for name in told}
numbers |= {"base_f1": run.test_metrics["f1"], "adversary_f1": adversary.test_metrics["f1"]}
page.finish(run, frame, summary, numbers, adversary_jsd=values["trained adversary", "jsd"])
notebook.table(gains, ["method", "metric", "value", "low", "high", "n"])

# %% [markdown]
# ## What it means
#
# F1 of the guided model: {glue:text}`uniform, f1:.3f` with uniform weights, {glue:text}`trained MLP, f1:.3f`
# with its own attention, {glue:text}`base LSTM, f1:.3f` with the BiLSTM's attention,
# {glue:text}`trained adversary, f1:.3f` with the trained adversary's, {glue:text}`exact adversary, f1:.3f`
# with the exact adversary's and {glue:text}`leave-one-out, f1:.3f` with leave-one-out. The BiLSTM itself has
# {glue:text}`base_f1:.3f`, the trained adversary itself {glue:text}`adversary_f1:.3f`; its attention is
# {glue:text}`adversary_jsd:.3f` nats from the BiLSTM's.
#
# ## Limits
#
# - The weights of a test text come from a BiLSTM that has read all of it. A guide can help because it points
#   at the words that matter, or because it hands over the answer: a weight that is large on *good* only in
#   positive texts gives away the label.
# - The exact adversary's weights are on one or two tokens per text, so that the guided model sees little
#   else.
# - The published table has one run per cell. The interval here is over texts; {doc}`../chapters/guide` has
#   seeds.

# %% tags=["remove-input"]
page.origin(run.settings)
