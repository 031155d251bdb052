# %% [markdown]
# # Human rationales beside faithfulness
#
# *Plausible* is an explanation that agrees with what people marked as reasons, *faithful* one that agrees
# with the model. {cite:t}`deyoung2020eraser` measure both, and so does this page, for every method on the
# same texts. Nothing says that a model uses what people mark, so the two stand side by side and are never
# one score.
#
# Any data set with evidence will do: `eraser_movies`, `cad`, whose marks are what people changed to turn the
# label {cite:p}`kaushik2020learning`, the generated *planted*, or one of your own.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # of two classes, with evidence: eraser_movies, cad, planted, ade
encoder: str = "bilstm"  # bilstm, bigru, convolution, average, or a flat model: FLANrnn, FLANconv, FLANnoenc
scorer: str = "additive"  # additive or scaled_dot; a FLAN has its own
vectors: str = "random"  # random, corpus (word2vec on the training texts), or for no FLAN a data set or file
epochs: Optional[int] = None  # None: as the paper
seed: int = 0  # decides the initial weights, the order of batches and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness, kernels
from attnlib.models import documents
from attnlib.models.flans import FlatModel
from attnlib.prepare.documents import prepare_documents
from attnlib.prepare.flat import prepare
from attnlib.statistics import mean_with_interval

page = notebook.begin(globals(), "violation/rationales", notebook.SINGLE_TEXTS, classes=2, evidence=True)
usual = dict(device=device, limit=limit, vectors=vectors, epochs=epochs)
if encoder in documents.DOCUMENT_ENCODERS:
    run = prepare_documents(dataset, encoder, seed, **usual)
    model = FlatModel(run.model)
else:
    run = prepare(dataset, encoder, scorer, seed, **usual)
    model = run.model

# %% tags=["remove-input"]
page.generated(link="../chapters/known_truth")

# %% [markdown]
# ## How it is measured
#
# *Against people*, by |score|, since a token may be a reason either way: the area under precision and
# recall of the marked tokens (AUPRC); F1 of the tokens that come first; and F1 of whole phrases, where a
# run of chosen tokens is right if it shares at least half of what it and a marked run cover together (IOU).
# As many tokens are chosen as people marked in the mean of the training texts, a share of each text, as
# ERASER does.
#
# *Against the model*, by deletion: how far the probability of the predicted class falls without the top
# tokens (comprehensiveness, high is good), and without the others (sufficiency, low is good).
#
# The smallest set of tokens whose erasure from the attention flips the decision
# ({doc}`../chapters/erasure`) is no score: it is taken as the set that it is. Where there is none, it is
# empty. Leave-one-out is the size of the change without the token, without a sign. The *centred product*
# $\alpha_t (s_t - \bar s)$, $s$ the votes and $\bar s$ their mean under the attention, is what attention ×
# gradient lacks: erasing a token also gives its weight to the others.

# %%
words, readout = run.corpus.vocabulary, run.readout
trained = explain.Trained(model, run.texts, words, readout, run.device)
names = ["random", "attention", "gradient by attention"]
names += ["attention × gradient", "input × gradient", "integrated gradients"]
centred = "gradient by attention logit"
scores = explain.explain(trained, [*names, centred], seed=seed)
scores["centred product"] = scores.pop(centred)
left_out = explain.leave_one_out(model, run.texts, words, run.device)
scores["leave-one-out"] = left_out.nan_to_num()

rationales = run.texts.evidence
share = faithfulness.marked_share(run.corpus.train.evidence)
sizes = {name: given.abs() for name, given in scores.items()}
flip = kernels.minimal_flip_set(readout)
sizes["minimal flipping set"] = flip.mask & flip.flipped[:, None]
plausible = faithfulness.plausibility_table(sizes, rationales, share)

# %%
deletion = faithfulness.removals(*trained)["deletion"]
measured = {}
for measure in (faithfulness.comprehensiveness, faithfulness.sufficiency):
    for name, given in scores.items():
        measured[measure.__name__, name] = measure(given, deletion)
chosen = sizes["minimal flipping set"].cpu().numpy()
others = deletion.mask & ~chosen
smallest = {
    "comprehensiveness": deletion.drop(chosen[:, None])[:, 0],
    "sufficiency": deletion.drop(others[:, None])[:, 0],
    "flipped": flip.flipped.cpu().numpy(),
}
measured |= {(name, "minimal flipping set"): x for name, x in smallest.items()}
parts = [(*key, *mean_with_interval(values)) for key, values in measured.items()]
columns = ["metric", "method", "value", "low", "high", "n"]
faithful = pd.DataFrame(parts, columns=columns)

# %% [markdown]
# ## People, and the model
#
# Means over texts, with 95 % intervals over texts:

# %% tags=["hide-input"]
rows = pd.concat([plausible, faithful], ignore_index=True)
labels = {"auprc": "marks: AUPRC", "token_f1": "marks: token F1", "iou_f1": "marks: IOU F1"}
labels |= {name: f"model: {name}" for name in ("comprehensiveness", "sufficiency")}
shown = rows[rows["metric"].isin(labels)]
shown = shown.assign(
    panel=pd.Categorical(shown["metric"].map(labels), list(labels.values()), ordered=True),
    method=pd.Categorical(shown["method"], list(sizes), ordered=True),
)
charts.dot_panels(
    shown,
    "method",
    panel="panel",
    title=f"Agreement with the marks, and with the model ({dataset}, {encoder})",
    x_title="mean over texts",
    columns=3,
)

# %% tags=["hide-input"]
wide = rows.pivot_table("value", "method", "metric", sort=False)
notebook.table(wide[list(labels)].rename(columns=labels).rename_axis("method").reset_index())

# %% tags=["hide-input"]
accuracy = {"metric": "accuracy", "value": run.test_metrics["accuracy"], "n": len(run.corpus.test)}
summary = page.summary(run, [rows, pd.DataFrame([accuracy])])
marked = [float((marks != 0).mean()) for marks in rationales]
numbers = {"share": share, "marked": sum(marked) / len(marked), "unmarked": marked.count(0.0)}
numbers |= {"flips": wide.loc["minimal flipping set", "flipped"], "n": len(marked)}
for name in ("random", "attention", "attention × gradient", "leave-one-out"):
    plain, found = name.replace(" × ", "_").replace("-", "_"), wide.loc[name]
    numbers |= {f"{plain}_people": found["auprc"], f"{plain}_model": found["comprehensiveness"]}
page.finish(run, run.frame(marked=marked), summary, numbers, test_accuracy=accuracy["value"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) {glue:text}`marked:.2f` of the tokens of
# {glue:text}`n` texts are marked, and none in {glue:text}`unmarked` of them, which the agreement leaves
# out. Random scores have an AUPRC of {glue:text}`random_people:.2f`, attention
# {glue:text}`attention_people:.2f`, attention × gradient {glue:text}`attention_gradient_people:.2f`,
# leave-one-out {glue:text}`leave_one_out_people:.2f`; without their top tokens the probability falls by
# {glue:text}`random_model:.2f`, {glue:text}`attention_model:.2f`, {glue:text}`attention_gradient_model:.2f`
# and {glue:text}`leave_one_out_model:.2f`. Some set flips the decision in {glue:text}`flips:.2f` of the
# texts.
#
# ## Limits
#
# - People mark phrases, methods rank single tokens, which keeps IOU F1 low.
# - A token that people did not mark need not be no reason. In ERASER's training reviews they stopped early;
#   in its test reviews they were asked for all. In `cad` they changed what was enough to turn the label.
# - A model that is right for other reasons than people's has faithful explanations that are not plausible.

# %% tags=["remove-input"]
page.origin(run.settings)
