# %% [markdown]
# # Does a transformer with more layers make signs less reliable? (Liu et al.)
#
# {cite:t}`liu2022rethinking` find that the violation ratio rises with the number of hidden layers of a
# recurrent model ({doc}`depth`), and make no such comparison for transformers. This page trains the same
# stock model with several numbers of layers, with the same seed and instances.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # attnlib.data.names() for bert, scene_names() for the others
kind: str = "bert"  # bert, visual_bert or lxmert
depths: list = [1, 2, 4]  # numbers of layers, a model for each
epochs: Optional[int] = None  # None: 8 for bert, 12 for visual_bert, 16 for lxmert, 2 for a pretrained one
transformer: Optional[str] = None  # with bert: minilm, a folder or owner/name, fine-tuned; None: none
target: str = "logit"  # what gradients are taken of: logit (as theirs), probability or margin
seed: int = 0  # decides the initial weights, the order of batches, the instances and the random scores drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test instances; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import faithfulness
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.prepare.transformers import prepare_transformer, reads

page = notebook.begin(globals(), "violation/transformer_depth", reads(kind))

# %% tags=["remove-input"]
page.generated(link="../chapters/transformers")

# %% [markdown]
# ## How it is measured
#
# The violation ratio of every method as in {doc}`transformers`, and each model's accuracy.

# %% tags=["remove-output"]
frames, measured = [], []
model_settings = dict(epochs=epochs, device=device, limit=limit)
model_settings["transformer"] = transformer
for layers in depths:
    run = prepare_transformer(dataset, kind, seed, layers=layers, **model_settings)
    scores = run.explain(target=target, seed=seed)
    ways = removals(run.model, run.kind, run.inputs, units=run.units)
    labels = run.texts.labels
    found = faithfulness.measure_texts(scores, ways, labels, only_violation=True)
    frames.append(found.assign(layers=layers))
    seconds = sum(row["seconds"] for row in run.history)
    measured += [
        ("accuracy", run.test_metrics["accuracy"], len(run.corpus.test), layers),
        ("training_seconds", seconds, len(run.corpus.train), layers),
    ]
frame = pd.concat(frames, ignore_index=True)
rates = faithfulness.summarise_measures(frame, ["layers"])
of_models = pd.DataFrame(measured, columns=["metric", "value", "n", "layers"])

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
shown = rates[(rates["metric"] == "violation") & (rates["operator"] == "mean")]
groups = {
    "reads one layer": [*stock.RANDOM, *stock.OF_LAYERS],
    "reads all layers": [*stock.OF_ALL_LAYERS, "input × gradient", *stock.BY_INPUTS],
}
column = {name: group for group, names in groups.items() for name in names}
shown = shown.assign(
    method=pd.Categorical(shown["method"], stock.METHODS, ordered=True),
    column=pd.Categorical(shown["method"].map(column), list(groups), ordered=True),
)
charts.line_panels(
    shown,
    "layers",
    by="method",
    column="column",
    title=f"Violation ratio by number of layers, mean of the removals ({dataset}, {kind})",
    x_title="layers",
    y_title="share of instances",
    by_title="method",
)

# %% tags=["hide-input"]
names = {"accuracy": "test accuracy", "training_seconds": "training (s)"}
table = of_models.assign(metric=of_models["metric"].map(names))
notebook.table(table.pivot_table("value", "layers", "metric")[list(names.values())].reset_index())

# %% tags=["hide-input"]
rows = pd.concat([rates, of_models], ignore_index=True)
summary = page.summary(run, rows)
ends = shown.set_index(["method", "layers"])["value"]
numbers = {"first": depths[0], "last": depths[-1]}
for name in ("attention", "attention × gradient", "generic attribution"):
    numbers |= {f"{name}, shallow": ends[name, depths[0]], f"{name}, deep": ends[name, depths[-1]]}
page.finish(run, frame, summary, numbers)

# %% [markdown]
# ## What it means
#
# From {glue:text}`first` to {glue:text}`last` layers the violation ratio of attention goes from
# {glue:text}`attention, shallow:.2f` to {glue:text}`attention, deep:.2f`, that of attention × gradient from
# {glue:text}`attention × gradient, shallow:.2f` to {glue:text}`attention × gradient, deep:.2f`, that of
# GenAtt from {glue:text}`generic attribution, shallow:.2f` to {glue:text}`generic attribution, deep:.2f`.
#
# ## Limits
#
# - With depth, accuracy and certainty change too. Depth need not be the cause of a change.
# - One seed per run; the recorded results have several.

# %% tags=["remove-input"]
page.origin(run.settings)
