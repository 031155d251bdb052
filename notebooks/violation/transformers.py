# %% [markdown]
# # The violation test on one transformer, with every method (Liu et al.)
#
# The experiment behind {doc}`../chapters/transformers`. On VisualBERT {cite:t}`liu2022rethinking` find a
# violation ratio of .513 for raw attention and of .499 for random scores. Methods that propagate through the
# layers with gradients do better; GenAtt is best with .196. This page tests a small stock model of the
# `transformers` library, trained from nothing ({doc}`stock_model`): BERT on the words of a text, or
# VisualBERT or LXMERT on the regions of an image, given a question. With `transformer` it is a pretrained
# one, fine-tuned, and a word is scored and removed with all its pieces.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "scenes"  # attnlib.data.scene_names(), or names() for bert
kind: str = "visual_bert"  # bert, visual_bert or lxmert
layers: Optional[int] = None  # of the model; None: 2, of visual_bert 3, of a pretrained one all
epochs: Optional[int] = None  # None: 8 for bert, 12 for visual_bert, 16 for lxmert, 2 for a pretrained one
transformer: Optional[str] = None  # with bert: minilm, a folder or owner/name, fine-tuned; None: none
target: str = "logit"  # what gradients are taken of: logit (as theirs), probability or margin
seed: int = 0  # decides the initial weights, the order of batches, the instances and the random scores drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test instances; None: all
measures: bool = True  # the four measures beside the test too, which take most of the time
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.prepare.transformers import prepare_transformer, reads

page = notebook.begin(globals(), "violation/transformers", reads(kind))
how = dict(device=device, limit=limit, layers=layers, epochs=epochs, transformer=transformer)
run = prepare_transformer(dataset, kind, seed, **how)
what = "words" if kind == "bert" else "regions"

# %% tags=["remove-input"]
page.generated(link="../chapters/transformers")

# %% [markdown]
# ## How it is measured
#
# As for texts ({doc}`methods`), the word or region with the largest $|w|$ is removed, and the explanation is
# violated if $w$ and the fall of the predicted class's probability have opposite signs. Words are removed by
# *deletion*, a *zero* embedding, or an *attention mask* in every layer; regions by zero features (and box) or
# by the mask. Regions have no order, so deleting one *is* masking it. The paper counts both.
#
# The methods, with $A^l$ the weights of layer $l$, $\nabla$ the gradient of the class's logit, $R^l$ the
# relevance propagated back to the weights, $\bar\cdot$ the mean over heads and $(\cdot)^+$ negative values
# set to zero:
#
# | method | theirs | score |
# | --- | --- | --- |
# | attention | RawAtt | $\bar A^L$ |
# | attention × norm | AttIN | $\lVert \sum_h A^L_h W_h v_h \rVert$ |
# | attention × gradient | AttGrad | $\overline{A^L \odot \nabla A^L}$ |
# | rollout | Rollout | $\prod_l (\bar A^l + I)$, rows normalised |
# | relevance | PLRP | $\bar R^L$ |
# | transformer attribution | TransAtt | $\prod_l (I + \overline{(\nabla A^l \odot R^l)^+})$ |
# | generic attribution | GenAtt | $R \leftarrow R + \overline{(\nabla A^l \odot A^l)^+} R$ |
# | input × gradient | InputGrad | $x \cdot \nabla x$ |
# | integrated gradients | IG | $x \cdot$ mean gradient from zero to $x$; *released*: steps weighted |
#
# Each is read at the position that the classification head reads.

# %%
scores = run.explain(target=target, seed=seed)
ways = removals(run.model, run.kind, run.inputs, units=run.units)
labels = run.texts.labels
test = dict(only_violation=not measures)
measured = faithfulness.measure_texts(scores, ways, labels, **test)
oracle = faithfulness.measure_leave_one_out(ways, labels, **test)
frame = pd.concat([measured, oracle], ignore_index=True)
rates = faithfulness.summarise_measures(frame)

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
methods = [*stock.METHODS, "leave-one-out"]
operators = [*ways, "mean"]
shown = rates.assign(
    method=pd.Categorical(rates["method"], methods, ordered=True).remove_unused_categories(),
    operator=pd.Categorical(rates["operator"], operators, ordered=True),
)
charts.dot_panels(
    shown[shown["metric"] == "violation"],
    "method",
    by="operator",
    title=f"Instances whose top {what[:-1]} acts against its sign ({dataset}, {kind})",
    x_title="violation ratio (share of instances)",
    by_title="removal",
    domain=(0, 1),
)

# %% [markdown]
# Shares of ties, which pass ($|\Delta| \le 10^{-6}$ or score 0), and the violation ratio without ties
# (*decided*) and where $|\Delta| > .01$ (*effect*); means over the removals:

# %% tags=["hide-input"]
about = ["violation", "tied", "zero_score", "violation_decided", "violation_effect"]
ties = rates[(rates["operator"] == "mean") & rates["metric"].isin(about)]
ties = ties.pivot_table("value", "method", "metric").reindex(index=methods, columns=about)
notebook.table(ties.reset_index())

# %% [markdown]
# ## The four other measures

# %% tags=["hide-input"]
beside = {
    "comprehensiveness": "comprehensiveness ↑",
    "sufficiency": "sufficiency ↓",
    "area_under_threshold": "AUCTP ↓",
    "rank_correlation": "rank correlation ↑",
}
others = shown[shown["metric"].isin(beside)]
charts.dot_panels(
    others.assign(metric=pd.Categorical(others["metric"].map(beside), list(beside.values()))),
    "method",
    by="operator",
    panel="metric",
    title=f"Four measures that ignore the sign ({dataset}, {kind})",
    x_title="mean over instances",
    by_title="removal",
)

# %% [markdown]
# ## Signed or clamped
#
# TransAtt and GenAtt set negative values to zero, so they cannot say that anything speaks against the
# prediction. Below, methods with signs and without: their violation ratio, and the share of words or regions
# with the right sign, among those whose removal moves the probability by more than .001.


# %%
def violation(scores):
    found = faithfulness.measure_texts(scores, ways, labels, only_violation=True)
    return faithfulness.summarise_measures(found)


names = ["attention × gradient", "relevance"]
names += ["transformer attribution", "generic attribution"]
signs = {}
for clamp, word in ((False, "signed"), (True, "clamped")):
    how = stock.Aggregation(clamp=clamp)
    found = run.explain(names, target=target, aggregation=how)
    signs |= {f"{name}, {word}": value for name, value in found.items()}
clamping = violation(signs)
agreement = faithfulness.sign_agreement(signs, ways, effect=0.001)

# %% tags=["hide-input"]
of_test = clamping[(clamping["metric"] == "violation") & (clamping["operator"] == "mean")]
of_signs = agreement.pivot_table("value", "method", "operator", dropna=False).mean(axis=1, skipna=False)
table = of_test[["method", "value"]].rename(columns={"value": "violation ratio"})
notebook.table(table.assign(**{f"{what} with the right sign": table["method"].map(of_signs)}))

# %% [markdown]
# ## Logit, probability or margin
#
# Their code takes gradients of the logit for transformers and of the probability for recurrent models.
# Violation ratios with either, and with the margin over the next class:

# %%
names = ["attention × gradient", "transformer attribution", "generic attribution"]
names += ["input × gradient", "integrated gradients"]
found = {of: violation(run.explain(names, target=of)) for of in explain.TARGETS}
parts = [rows.assign(target=of) for of, rows in found.items()]
targets = pd.concat(parts, ignore_index=True)

# %% tags=["hide-input"]
of_targets = targets[targets["metric"] == "violation"]
of_targets = of_targets.pivot_table("value", ["method", "target"], "operator", sort=False)
notebook.table(of_targets[operators].reset_index())

# %% [markdown]
# ## Layer by layer, head by head
#
# Attention, attention × norm and attention × gradient are published for the last layer. Here is each layer
# alone, as the mean over its heads (chart) and head by head (table).

# %%
maps = run.by_layer_and_head(target=target)
parts = []
for (layer, head), found in maps.items():
    place = {"layer": layer + 1, "head": "all" if head is None else str(head + 1)}
    parts.append(violation(found).assign(**place))
places = pd.concat(parts, ignore_index=True)

# %% tags=["hide-input"]
kept = places[(places["metric"] == "violation") & (places["operator"] == "mean")]
charts.line_panels(
    kept[kept["head"] == "all"],
    "layer",
    by="method",
    title=f"Violation ratio of single layers, mean over heads and removals ({dataset}, {kind})",
    x_title="layer",
    y_title="share of instances",
    by_title="method",
)

# %% tags=["hide-input"]
by_head = kept.pivot_table("value", ["method", "layer"], "head", sort=False).reset_index()
notebook.table(by_head.rename(columns={"all": "mean of heads"}))

# %% tags=["hide-input"]
model = {
    "accuracy": run.test_metrics["accuracy"],
    "majority": float(np.bincount(run.corpus.test.labels).max() / len(run.corpus.test)),
    "training_seconds": sum(row["seconds"] for row in run.history),
}
rows = [
    rates.assign(target=target),
    clamping[clamping["method"].str.endswith(", clamped")].assign(target=target),
    agreement.assign(target=target),
    targets[targets["target"] != target],
    places.assign(target=target),
    pd.DataFrame({"metric": list(model), "value": list(model.values()), "n": len(run.corpus.test)}),
]
summary = page.summary(run, rows)
value = rates[rates["operator"] == "mean"].set_index(["metric", "method"])["value"]
for name in ("attention", "attention × gradient", "random", "generic attribution"):
    plain = name.replace(" ", "_").replace("×", "x")
    model |= {plain: value["violation", name], f"{plain}_rc": value.get(("rank_correlation", name), np.nan)}
page.finish(run, frame, summary, model)

# %% [markdown]
# ## What it means
#
# The model has a test accuracy of {glue:text}`accuracy:.3f` (always giving the most frequent class:
# {glue:text}`majority:.3f`) and was trained in {glue:text}`training_seconds:.0f` seconds. The violation ratio
# of raw attention is {glue:text}`attention:.2f`, that of random scores {glue:text}`random:.2f`, of attention
# × gradient {glue:text}`attention_x_gradient:.2f` and of GenAtt {glue:text}`generic_attribution:.2f`. Their
# rank correlation with impact is {glue:text}`attention_rc:.2f`, {glue:text}`random_rc:.2f`,
# {glue:text}`attention_x_gradient_rc:.2f` and {glue:text}`generic_attribution_rc:.2f`.
#
# ## Limits
#
# - The model and the data are small. Only the order of methods can be compared with the paper, not a number.
# - VisualBERT's classes compete in a softmax here; in the paper each has a sigmoid of its own.
# - Relevance follows the published rules. Here it is conserved from layer to layer; in the released code not
#   everywhere.

# %% tags=["remove-input"]
page.origin(run.settings)
