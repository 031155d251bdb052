# %% [markdown]
# # The violation test on planted evidence
#
# A test of signs without ground truth can be wrong about signs. In the corpus *planted* every token's part
# in the label is known: some words speak for it, some against, negators turn them round, the rest is
# neutral. So the verdicts of the violation test of {cite:t}`liu2022rethinking` can be checked, and removal
# itself, on which it rests. This has no counterpart in the paper.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a corpus of two classes with evidence: planted
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # None: as the paper
seed: int = 0  # decides the initial weights, the order of batches and the texts drawn
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnlib import explain, faithfulness
from attnlib.faithfulness import evidence
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "violation/evidence", notebook.SINGLE_TEXTS, classes=2, evidence=True)
model_settings = dict(vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, **model_settings)

# %% tags=["remove-input"]
page.generated(link="../chapters/known_truth")

# %% [markdown]
# ## How it is measured
#
# A token that speaks for the *predicted* class has sign $+1$, one that speaks against it $-1$; where the
# model is wrong the signs of the label are turned. Then three questions:
#
# 1. *Removal*: does removing a token that speaks for the prediction lower its probability, and one that
#    speaks against it raise it?
# 2. *Explanations*: is the top token evidence at all, and has its score the planted sign?
# 3. *The test*: on those tokens, does it call violated what is wrong, and only that?

# %%
scores = explain.explain(run.trained, seed=seed)
removals = faithfulness.removals(*run.trained)
predicted = run.readout.predictions().cpu().numpy()
signs = evidence.planted_signs(run.texts.evidence, run.texts.labels, predicted)
of_removal = evidence.removal_signs(removals, signs)
of_test = evidence.against_evidence(scores, removals, signs)
sizes = {name: given.abs() for name, given in scores.items()}
found = faithfulness.plausibility_table(sizes, run.texts.evidence)

# %% [markdown]
# ## Removal
#
# The share of evidence tokens whose removal acts in the planted direction, mean over texts:

# %% tags=["hide-input"]
charts.dot_panels(
    of_removal,
    "operator",
    by="method",
    title=f"Removal acts as the planted sign says ({dataset}, {encoder}, {scorer})",
    x_title="share of evidence tokens",
    by_title="the token is",
    domain=(0, 1),
)

# %% [markdown]
# ## Explanations, and what the test says of them
#
# Left, the truth: among top tokens that are evidence, the share whose score has the wrong sign. Then the
# violation ratio on the same tokens, by way to remove. Unsigned scores are read as support, as in the
# paper.

# %% tags=["hide-input"]
wide = of_test.pivot_table("value", "method", ["metric", "operator"], sort=False)
table = pd.DataFrame(
    {
        "evidence among the top k": found.query("metric == 'evidence_found'").set_index("method")["value"],
        "top token is evidence": wide["top_is_evidence", "none"],
        "wrong sign (truth)": wide["wrong_sign", "none"],
        **{f"violated, {name}": wide["violation", name] for name in removals},
    }
)
notebook.table(table.rename_axis("method").reset_index())

# %% tags=["hide-input"]
right = of_test[of_test["metric"] == "test_is_right"]
right = right.assign(
    method=pd.Categorical(right["method"], list(explain.METHODS), ordered=True),
    operator=pd.Categorical(right["operator"], list(faithfulness.OPERATORS), ordered=True),
)
charts.dot_panels(
    right,
    "method",
    by="operator",
    title="The test's verdict agrees with the planted sign",
    x_title="share of texts whose top token is evidence",
    by_title="removal",
    domain=(0, 1),
)

# %% tags=["hide-input"]
rows = pd.concat([of_removal, of_test, found], ignore_index=True)
summary = page.summary(run, rows)
told = of_removal.set_index(["method", "operator"])["value"]
numbers = {f"{name}_deletion": told[name, "deletion"] for name in ("supporting", "opposing")}
numbers |= {f"{name}_mask": told[name, "attention mask"] for name in ("supporting", "opposing")}
numbers |= {"least_right": right["value"].min(), "most_right": right["value"].max()}
page.finish(run, run.frame(), summary, numbers, test_accuracy=run.test_metrics["accuracy"])

# %% [markdown]
# ## What it means
#
# On this run (test accuracy {glue:text}`test_accuracy:.3f`) deleting a supporting token lowers the
# probability in {glue:text}`supporting_deletion:.2f` of the cases and deleting an opposing one raises it in
# {glue:text}`opposing_deletion:.2f`; under the attention mask it is {glue:text}`supporting_mask:.2f` and
# {glue:text}`opposing_mask:.2f`. The attention mask leaves the encoder's states as they are. In the recorded
# runs the two ways agree where a state holds its own token alone (average), and differ after a BiLSTM or a
# convolution: the mask tells the sign of the *state*, not of the word.
#
# The test's verdict agrees with the planted sign in {glue:text}`least_right:.2f` to
# {glue:text}`most_right:.2f` of the texts, depending on method and way to remove.
#
# ## Limits
#
# - The planted sign is that of the rule which made the labels; what the model uses may differ where it is
#   wrong about the rule.
# - A negator has the sign of what it does; deleting it turns the word behind it round, which no sum of
#   tokens can express.

# %% tags=["remove-input"]
page.origin(run.settings)
