# %% [markdown]
# # Do explanations find the right region of a scene, with the right sign? (beyond Liu et al.)
#
# No data set of questions about images says which region an answer rests on. In the generated *scenes* this
# is known: a region has sign $+1$ if without its object the scene says less for the answer, $-1$ if it says
# more, and $0$ if nothing changes. This page checks the explanations of a stock model, and the violation test
# of {cite:t}`liu2022rethinking`, against these signs.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "scenes"  # scenes of two answers with known evidence
kind: str = "visual_bert"  # visual_bert or lxmert
layers: Optional[int] = None  # of the model; None: 3 for visual_bert, 2 for lxmert
epochs: Optional[int] = None  # None: 12 for visual_bert, 16 for lxmert
target: str = "logit"  # what gradients are taken of: logit, probability or margin
seed: int = 0  # decides the initial weights, the order of batches, the scenes and the random scores drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test scenes; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from attnbook import charts, notebook
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness import evidence, plausibility_table
from attnlib.faithfulness.transformers import removals
from attnlib.prepare.transformers import prepare_transformer

page = notebook.begin(globals(), "violation/regions", notebook.SCENES, classes=2, evidence=True)
run = prepare_transformer(dataset, kind, seed, device=device, limit=limit, layers=layers, epochs=epochs)

# %% tags=["remove-input"]
page.generated(link="../chapters/known_truth")

# %% [markdown]
# ## The questions
#
# Five kinds, answered by yes or no. Two of them rest on one region; the answer *no* to "is there a red
# circle" rests on none.

# %% tags=["hide-input"]
first = {" ".join(question[:2]): i for i, question in reversed(list(enumerate(run.texts.questions)))}
ways = removals(run.model, run.kind, run.inputs)
intact = next(iter(ways.values()))
predicted = intact.predicted
asked = pd.DataFrame(
    {
        "question begins with": [" ".join(question[:2]) for question in run.texts.questions],
        "accuracy": predicted == run.texts.labels,
        "regions": run.texts.present.sum(axis=1),
        "for the answer": (run.texts.evidence > 0).sum(axis=1),
        "against it": (run.texts.evidence < 0).sum(axis=1),
    }
)
means = asked.groupby("question begins with").mean().reset_index()
means.insert(1, "such as", [" ".join(run.texts.questions[first[b]]) for b in means["question begins with"]])
notebook.table(means)

# %% [markdown]
# ## How it is measured
#
# A region that speaks for the *predicted* answer has sign $+1$, one that speaks against it $-1$; where the
# model is wrong the signs of the label are turned. As for words in {doc}`evidence`, removal, explanations and
# the test are compared with these signs.

# %%
scores = stock.explain(run.model, run.kind, run.inputs, target=target, seed=seed)
scores["leave-one-out"] = np.nan_to_num(ways["attention mask"].drop_of_each())
known = list(run.texts.evidence)
signs = evidence.planted_signs(known, run.texts.labels, predicted)
signs = signs[:, : intact.mask.shape[1]]
of_removal = evidence.removal_signs(ways, signs)
of_test = evidence.against_evidence(scores, ways, signs)
present = zip(run.texts.evidence, intact.lengths, strict=True)
regions = [marks[:n] for marks, n in present]
sizes = {name: abs(given) for name, given in scores.items()}
found = plausibility_table(sizes, regions)

# %% [markdown]
# ## Removal
#
# The share of evidence regions whose removal acts in the known direction, mean over scenes:

# %% tags=["hide-input"]
charts.dot_panels(
    of_removal,
    "operator",
    by="method",
    title=f"Evidence regions whose removal acts as their known sign says ({dataset}, {kind})",
    x_title="share of evidence regions",
    by_title="the region is",
    domain=(0, 1),
)

# %% [markdown]
# ## Is the region found?
#
# Of a scene with $k$ evidence regions, the share of evidence among the $k$ regions with the largest $|w|$.

# %% tags=["hide-input"]
order = [*stock.METHODS, "leave-one-out"]
located = found[found["metric"] == "evidence_found"]
charts.dot_panels(
    located.assign(method=pd.Categorical(located["method"], order, ordered=True)),
    "method",
    title=f"Evidence among the k regions with the largest scores ({dataset}, {kind})",
    x_title="share of k, mean over scenes with evidence",
    domain=(0, 1),
)

# %% [markdown]
# ## With the right sign?
#
# Among top regions that are evidence: the share whose score has the wrong sign, the share that the test calls
# violated, and how often the test agrees with the known sign. Scores without sign count as support.

# %% tags=["hide-input"]
wide = of_test.pivot_table("value", "method", ["metric", "operator"], sort=False)
table = pd.DataFrame(
    {
        "top region is evidence": wide["top_is_evidence", "none"],
        "wrong sign (truth)": wide["wrong_sign", "none"],
        **{f"violated, {name}": wide["violation", name] for name in ways},
        **{f"test agrees, {name}": wide["test_is_right", name] for name in ways},
    }
)
notebook.table(table.rename_axis("method").reset_index())

# %% tags=["hide-input"]
model = {
    "accuracy": run.test_metrics["accuracy"],
    "training_seconds": sum(row["seconds"] for row in run.history),
}
of_model = pd.DataFrame({"metric": list(model), "value": list(model.values()), "n": len(run.corpus.test)})
rows = pd.concat([of_removal, of_test, found, of_model], ignore_index=True)
summary = page.summary(run, rows)
hits = located.set_index("method")["value"]
wrong = wide["wrong_sign", "none"]
agreed = of_test[of_test["metric"] == "test_is_right"]["value"]
numbers = {"accuracy": model["accuracy"], "least_right": agreed.min(), "most_right": agreed.max()}
for name in ("attention", "attention × gradient", "generic attribution", "random", "leave-one-out"):
    numbers |= {f"{name}, found": hits[name], f"{name}, wrong": wrong[name]}
marks = pd.DataFrame(signs, columns=[f"r{i}" for i in range(signs.shape[1])])
instances = pd.DataFrame({"text": list(run.texts.ids), "predicted": predicted, "label": run.texts.labels})
page.finish(run, instances.join(marks), summary, numbers)

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`accuracy:.3f`) attention finds {glue:text}`attention, found:.2f` of
# the evidence regions, attention × gradient {glue:text}`attention × gradient, found:.2f`, GenAtt
# {glue:text}`generic attribution, found:.2f`, leave-one-out {glue:text}`leave-one-out, found:.2f` and random
# scores {glue:text}`random, found:.2f`. Where the top region is evidence, its score has the wrong sign in
# {glue:text}`attention, wrong:.2f` of the scenes for attention, {glue:text}`attention × gradient, wrong:.2f`
# for attention × gradient, {glue:text}`generic attribution, wrong:.2f` for GenAtt and
# {glue:text}`leave-one-out, wrong:.2f` for leave-one-out. The test agrees with the known sign in
# {glue:text}`least_right:.2f` to {glue:text}`most_right:.2f` of the scenes, by method and removal.
#
# ## Limits
#
# - The known sign is that of the rule which made the answers. The model may look at something else where it
#   is wrong, or right for another reason.
# - Some scenes lack the object that their question is about, and have no true answer.

# %% tags=["remove-input"]
page.origin(run.settings)
