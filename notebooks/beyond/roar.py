# %% [markdown]
# # Is what ranks first what the task needs?
#
# The experiment behind {doc}`../chapters/known_truth`. Whoever removes words from a text and asks the same
# model shows it texts that it was not trained on. {cite:t}`hooker2019benchmark` mask them in all texts and
# train again: what accuracy is left then needs no masked word. {cite:t}`madsen2022evaluating` do so step by
# step, and let the model of each step choose what goes next (*recursive ROAR*).

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), or a file of your own
encoder: str = "convolution"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive, scaled_dot, additive_entmax or additive_sparsemax
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
epochs: Optional[int] = 4  # of every training; None: as the paper
methods: list = ["attention", "attention × gradient", "random"]  # names in attnlib.explain.METHODS
ratios: list = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]  # masked shares of each text, from 0
recursive: bool = True  # False: the first model alone ranks (ROAR)
seed: int = 0  # decides the models, the texts drawn and the random order
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # list so many test texts; None: all. Accuracy is of all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib.faithfulness import roar
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "beyond/roar", notebook.SINGLE_TEXTS)

# %% tags=["remove-input"]
page.generated(["encoder", "method"], ["racu"], link="../chapters/known_truth")

# %% [markdown]
# ## How it is measured
#
# A masked token is read as the unknown word; lengths and places stay. A method ranks the tokens of all
# splits by |score|, of the class that the model predicts, so that no label is used. Masked are so many of
# each text as the share says, those first that are masked already. The model is then trained from the same
# seed on what is left, and its accuracy is that on masked test texts.

# %%
usual = dict(vectors=vectors, epochs=epochs, device=device, limit=limit)
run = prepare(dataset, encoder, scorer, seed, **usual)
models = {name: roar.retrained(run, name, ratios, recursive) for name in methods}
rows = roar.summary(models)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
curves = rows[rows["metric"] == "accuracy"]
charts.line_panels(
    curves,
    "ratio",
    by="method",
    title=f"Accuracy after training on what is left ({dataset}, {encoder})",
    x_title="share of each text that is masked",
    y_title="test accuracy",
    by_title="masked first",
)

# %% tags=["hide-input"]
wide = curves.pivot_table("value", "ratio", "method", sort=False)
notebook.table(wide.reset_index().rename(columns={"ratio": "masked share"}))

# %% [markdown]
# In one number, the *relative area between curves* (RACU): how far a method's curve lies below random's, in
# parts of what random masking loses in all. 1: the first masking took everything; 0: as random; below 0:
# what ranks first is needed less than random words.

# %% tags=["hide-input"]
area = rows[rows["metric"] == "racu"].set_index("method")["value"]
notebook.table(area.rename("RACU").reset_index())

# %% tags=["hide-input"]
summary = page.summary(run, rows)
some = {ratio: abs(ratio - 0.4) for ratio in ratios}
middle, names = min(some, key=some.get), {"attention": "attention", "random": "random"}
names["attention × gradient"] = "product"
numbers = {"whole": run.test_metrics["accuracy"], "middle": middle, "last": ratios[-1]}
for method, name in names.items():
    at = wide[method] if method in wide else pd.Series(float("nan"), ratios)
    numbers |= {f"{name}_middle": at[middle], f"{name}_last": at[ratios[-1]]}
    numbers[f"{name}_area"] = area.get(method, float("nan"))
page.finish(run, run.frame(), summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run the accuracy is {glue:text}`whole:.3f` with whole texts. With {glue:text}`middle:.0%` of the
# words masked it is {glue:text}`random_middle:.3f` if they are random, {glue:text}`attention_middle:.3f` if
# attention chose them and {glue:text}`product_middle:.3f` if attention × gradient did; with
# {glue:text}`last:.0%` masked {glue:text}`random_last:.3f`. RACU is {glue:text}`attention_area:.2f` for
# attention and {glue:text}`product_area:.2f` for attention × gradient.
#
# ## Limits
#
# - It says which words the *task* needs, as a model of this kind learns it. Another explanation may be right
#   about one model and lose here, since a model trained again finds other words that tell the same.
# - Which places are masked can itself tell the class: they were chosen by a model that knew the words. That
#   keeps a curve up and makes a good ranking look worse.
# - One training per point. Differences between methods that are as small as those between seeds say nothing.

# %% tags=["remove-input"]
page.origin(run.settings)
