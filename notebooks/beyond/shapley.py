# %% [markdown]
# # Which score comes nearest to the fair share of a logit?
#
# The experiment behind {doc}`../chapters/sign`. Where an erased weight is lost, attention × gradient is a
# token's Shapley value, its fair share of the logit ({ref}`proof <shapley>`). Where the other weights are
# rescaled, as erasure does, the values are others. They are computed here, and the usual scores set beside
# them.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of single texts
encoder: str = "convolution"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive, scaled_dot, uniform, additive_entmax or additive_sparsemax
vectors: str = "random"  # random, corpus (word2vec on the training texts), a data set, or a vectors file
epochs: Optional[int] = None  # None: as the paper
n_permutations: int = 1000  # orders drawn for a text of more than 12 tokens, half of them and their reverses
seed: int = 0  # decides the model, the texts drawn and the orders
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
readouts: str = "never"  # only: the recorded Readout, no training; auto: that where data are missing
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd
import torch

from attnbook import charts, notebook
from attnlib.kernels import naive, shapley
from attnlib.prepare.flat import prepare
from attnlib.statistics import means
from attnlib.tables import contributions, summaries

page = notebook.begin(globals(), "beyond/shapley", notebook.SINGLE_TEXTS)
settings = dict(vectors=vectors, epochs=epochs, device=device, limit=limit, recorded=readouts)
run = prepare(dataset, encoder, scorer, seed, **settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/sign")

# %% [markdown]
# ## How it is measured
#
# A set of tokens is worth the logits that are left once all others are erased and the weights of the set are
# rescaled; without any weight, the bias. The Shapley value is what a token adds to the tokens before it,
# averaged over all orders. As a formula, for one text after the other:

# %% tags=["remove-input"]
notebook.code_of(naive.shapley)

# %% [markdown]
# The kernel tries all sets of up to 12 tokens and draws orders beyond. A logit is taken less its mean over
# classes: that of one class against all. (Of two classes, it is half the log-odds.)

# %%
readout = contributions.against_all(run.readout)
found = shapley(readout, n_permutations, seed, ids=run.texts.ids)

short = (readout.lengths <= 5).nonzero()[:20, 0]
if len(short):
    formula = naive.shapley(readout.select(short))
    assert torch.allclose(found.values[short], formula, equal_nan=True)

# %% [markdown]
# Beside it stand attention $\alpha_t$; the gradient $z_{tc}$; attention × gradient $\alpha_t z_{tc}$; the
# centred product $\alpha_t (z_{tc} - \sum_u \alpha_u z_{uc})$; and leave-one-out, the change of the logit
# when this token alone is erased. Four measures say how near a score comes within a text: Kendall's τ; the
# distance of the two once both are scaled to length 1 (0 for one direction, $\sqrt 2$ at right angles, 2 for
# opposite ones); whether the token of the largest size is the same; and the share of tokens with the right
# sign.


# %%
def compared(classes):
    """The measures of every method, of each text's own class [N]."""
    values = contributions.of_classes(found.values, classes)
    return {
        (metric, method): measured
        for method, scores in contributions.explanations(readout).items()
        for metric, measured in contributions.likeness(
            contributions.of_classes(scores, classes), values, readout.mask
        ).items()
    }


predicted = readout.predictions()
by_class = {"all": compared(predicted)}
names = run.corpus.class_names
if len(names) <= summaries.MOST_CLASSES:
    for c, name in enumerate(names):
        by_class[name] = compared(torch.full_like(predicted, c))

# %% [markdown]
# ## What comes out
#
# *all* is the logit of the predicted class of each text; a class by name, its logit in all texts.

# %% tags=["hide-input"]
rows = means(
    (
        (metric, name, method, measured.cpu().numpy())
        for name, table in by_class.items()
        for (metric, method), measured in table.items()
    ),
    "metric",
    "class",
    "method",
)
width = contributions.of_classes(found.half_width, predicted).nan_to_num().amax(1)
size = contributions.of_classes(found.values, predicted).nan_to_num().abs().amax(1)
sure = [
    ("exact", "all", "shapley", (width == 0).double().cpu().numpy()),
    ("half_width", "all", "shapley", (width / size).cpu().numpy()),
]
labels = {
    "tau": "Kendall's τ",
    "distance": "distance of directions",
    "same_top": "same token on top",
    "same_sign": "tokens with the right sign",
}
own = rows[rows["class"] == "all"]
panels = own["metric"].map(labels)
charts.dot_panels(
    own.assign(panel=pd.Categorical(panels, list(labels.values()), ordered=True)),
    "method",
    panel="panel",
    title=f"How near scores come to Shapley values ({dataset}, {encoder}, {scorer})",
    x_title="mean over texts",
    columns=2,
)

# %% tags=["hide-input"]
wide = rows.pivot_table("value", ["class", "method"], "metric", sort=False)
notebook.table(wide[list(labels)].rename(columns=labels).reset_index())

# %% tags=["hide-input"]
summary = page.summary(run, [rows, means(sure, "metric", "class", "method")])
columns = {f"{metric}: {method}": measured for (metric, method), measured in by_class["all"].items()}
frame = run.frame(**columns, exact=width == 0)
mean = own.set_index(["metric", "method"])["value"]
numbers = {"exact": (width == 0).double().mean(), "half_width": (width / size).nanmean()}
for short_name, method in (
    ("attention", "attention"),
    ("gradient", "gradient"),
    ("product", "attention × gradient"),
    ("centred", "centred product"),
    ("left_out", "leave-one-out"),
):
    numbers |= {f"{short_name}_{metric}": mean[metric, method] for metric in labels}
page.finish(run, frame, summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run the order of the values has τ {glue:text}`product_tau:.2f` with attention × gradient,
# {glue:text}`gradient_tau:.2f` with the gradient, {glue:text}`centred_tau:.2f` with the centred product,
# {glue:text}`left_out_tau:.2f` with leave-one-out and {glue:text}`attention_tau:.2f` with attention. The
# sign is right for {glue:text}`product_same_sign:.2f` of the tokens with attention × gradient,
# {glue:text}`centred_same_sign:.2f` with the centred product and {glue:text}`attention_same_sign:.2f` with
# attention. A share
# {glue:text}`exact:.2f` of the texts has exact values; where orders are drawn, the interval around a value is
# within a small part of the text's largest one (half of it, averaged over all texts:
# {glue:text}`half_width:.3f`).
#
# ## Limits
#
# - The empty document is worth the bias, which no model was trained for. Another convention gives the first
#   token of an order, and so all tokens, another share.
# - States stay as they are: this divides up what attention does, and not what the encoder does.
# - For two classes leave-one-out has the sign of the centred product ({ref}`proof <polarity>`), and the
#   gradient that of attention × gradient.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
