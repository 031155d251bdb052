# %% [markdown]
# # Does a deeper recurrent model make signs less reliable? (Liu et al.)
#
# {cite:t}`liu2022rethinking` add layers and see the violation ratio ({doc}`methods`) of every method rise,
# except that of random scores. The layers here are hidden layers between the attention-weighted context and
# the output. That theirs were the same is an inference: the released code accepts the option and ignores it.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of single texts
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # None: as the paper
depths: list = [1, 2, 3, 4, 5, 6, 7, 8]  # numbers of hidden layers, a model for each
seed: int = 0  # decides the initial weights, the order of batches and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness
from attnlib.kernels import flips_alone
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "violation/depth", notebook.SINGLE_TEXTS)
model_settings = dict(vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, device=device, limit=limit)

# %% tags=["remove-input"]
page.generated(link="../chapters/sign")

# %% [markdown]
# ## How it is measured
#
# A model is trained for each depth, with the same seed and texts. Besides the violation ratio this page
# counts the texts in which some single token, given all the attention, predicts another class. Without hidden
# layers no other attention could change the class where no token does; with them a mixture of tokens still
# may.

# %% tags=["remove-output"]
frames, measured = [], []
for layers in depths:
    run = prepare(dataset, encoder, scorer, seed, layers=layers, **model_settings)
    scores = explain.explain(run.trained, explain.PUBLISHED, seed=seed)
    removals, labels = faithfulness.removals(*run.trained), run.texts.labels
    rows = faithfulness.measure_texts(scores, removals, labels, only_violation=True)
    frames.append(rows.assign(layers=layers))
    flips = float(flips_alone(run.readout).double().mean())
    largest = float(run.readout.alpha.amax(dim=1).mean())
    measured += [
        ("accuracy", run.test_metrics["accuracy"], len(run.corpus.test), layers),
        ("flips_alone", flips, len(run.texts), layers),
        ("max_attention", largest, len(run.texts), layers),
    ]
frame = pd.concat(frames, ignore_index=True)
rates = faithfulness.summarise_measures(frame, ["layers"])
of_models = pd.DataFrame(measured, columns=["metric", "value", "n", "layers"])

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
shown = rates[(rates["metric"] == "violation") & (rates["operator"] == "mean")]
shown = shown.assign(method=pd.Categorical(shown["method"], explain.PUBLISHED, ordered=True))
charts.line_panels(
    shown,
    "layers",
    by="method",
    title=f"Violation ratio by hidden layers, mean of three removals ({dataset}, {encoder}, {scorer})",
    x_title="hidden layers",
    y_title="share of texts",
    by_title="method",
)

# %% [markdown]
# The models themselves:

# %% tags=["hide-input"]
names = {
    "accuracy": "test accuracy",
    "max_attention": "largest attention weight (mean)",
    "flips_alone": "texts to which some token alone gives another class (share)",
}
table = of_models.assign(metric=of_models["metric"].map(names))
table = table.pivot_table("value", "layers", "metric")[list(names.values())]
notebook.table(table.reset_index())

# %% tags=["hide-input"]
rows = pd.concat([rates, of_models], ignore_index=True)
summary = page.summary(run, rows)
ends = shown[shown["layers"].isin([depths[0], depths[-1]])].set_index(["method", "layers"])["value"]
shallow, deep = (ends.xs(layers, level="layers").drop("random") for layers in (depths[0], depths[-1]))
numbers = {"rising": int((deep > shallow).sum()), "methods": len(deep)}
numbers |= {"shallow": shallow["attention × gradient"], "deep": deep["attention × gradient"]}
accuracy = of_models[of_models["metric"] == "accuracy"].set_index("layers")["value"]
numbers |= {"shallow_accuracy": accuracy[depths[0]], "deep_accuracy": accuracy[depths[-1]]}
page.finish(run, frame, summary, numbers, first=depths[0], last=depths[-1])

# %% [markdown]
# ## What it means
#
# On this run the violation ratio of {glue:text}`rising` of the {glue:text}`methods` methods in the figure
# (random scores aside) is higher with {glue:text}`last` hidden layers than with {glue:text}`first`; that of
# attention × gradient goes from {glue:text}`shallow:.3f` to {glue:text}`deep:.3f`. Test accuracy goes from
# {glue:text}`shallow_accuracy:.2f` to {glue:text}`deep_accuracy:.2f`.
#
# ## Limits
#
# - With depth, attention, accuracy and certainty change too. Depth need not be the cause of a change.
# - Two ends do not show a trend; the figure has what lies between them.
# - One seed per run; the recorded results have several.
# - The share in the table's last column is a lower bound, since a mixture of tokens may decide otherwise too.

# %% tags=["remove-input"]
page.origin(run.settings)
