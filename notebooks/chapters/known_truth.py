# %% [markdown]
# # What if we know which words are the evidence?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

output: Optional[str] = None  # folder for known_truth.csv, the means behind the figures

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnbook.verdicts import cells, papers

page = notebook.begin(globals(), "chapters/known_truth")
words = cells.recorded("violation", ["evidence"])
scenes = cells.recorded("violation", ["regions"])
people_marked = cells.recorded("violation", ["rationales"])
reviews = people_marked.query("dataset == 'eraser_movies'")
edits = people_marked.query("dataset == 'cad'")
retrained = cells.recorded("beyond", ["roar"])
words = words.replace({"encoder": papers.MODELS})
encoders = ["average", "convolution", "BiLSTM"]
shown = ["random", "attention", "attention × gradient", "gradient by attention"]
shown += ["input × gradient", "integrated gradients"]
found = words[words["metric"].eq("evidence_found") & words["method"].isin(shown)]
drawn = cells.over_rows(found, ["method", "encoder"], orders={"method": shown, "encoder": encoders})
share = drawn.pivot_table("value", "method", "encoder", observed=True)
right = words[words["metric"].eq("test_is_right") & words["method"].eq("attention × gradient")]
right = right.groupby(["operator", "encoder"])["value"].mean()
page.write(drawn, "known_truth.csv", "%.6g")

# %% tags=["remove-input"]
page.answer(
    """
    **Then attention finds about half of it.** Of the words that decide a generated text, attention
    ranks {attention:.0%} first, attention × gradient {product:.0%}, integrated gradients
    {integrated:.0%}, random scores {random:.0%} (means of three encoders). After an encoder only
    methods that read the words themselves do well.
    """,
    attention=share.loc["attention"].mean(),
    product=share.loc["attention × gradient"].mean(),
    integrated=share.loc["integrated gradients"].mean(),
    random=share.loc["random"].mean(),
)

# %% tags=["remove-input"]
page.figure(
    charts.dot_panels(
        drawn.assign(panel="generated texts"),
        "method",
        by="encoder",
        panel="panel",
        title="Evidence words among the top k words, in texts with k of them",
        x_title="share of the k evidence words",
        by_title="encoder",
        columns=1,
        domain=(0, 1),
    ),
    "After a BiLSTM attention ranks {low:.0%} of the evidence first, without an encoder {high:.0%};"
    " integrated gradients {least:.0%} and {most:.0%}.",
    low=share.loc["attention", "BiLSTM"],
    high=share.loc["attention", "average"],
    least=share.loc["integrated gradients", "BiLSTM"],
    most=share.loc["integrated gradients", "average"],
)

# %% [markdown]
# ```{admonition} Generated data
# :class: note generated
# All results of this chapter but the last two are of texts and scenes made by rules, whose evidence is known.
# They say how far explanations and tests can be trusted in principle, and nothing about natural language.
# ```
#
# Dots are means over five seeds; lines reach from the lowest to the highest.
#
# ## The idea
#
# No real text comes with the reasons of a model. So papers compare explanations with each other, or with what
# happens when a word is removed. In a *planted* text the reasons are known, because a rule made the label: a
# word like "good" speaks for one class and a word like "weak" for the other, "not" turns the next word round,
# and all other words are neutral. The label is the majority. So each word has a sign: $+1$ if it speaks for
# the predicted class, $-1$ against it, 0 if it is neutral.
#
# Three questions follow. Is the evidence on top of a score? Has the top word the right sign? And does the
# {doc}`test of signs <sign>` say so?
#
# ## Does removing a word tell the truth?
#
# The test of {cite:t}`liu2022rethinking` believes what a removal does. Here that can be checked: removing a
# word that supports the prediction should lower its probability, removing one that opposes it should raise
# it.

# %% tags=["remove-input"]
removal = words[words["metric"] == "removal_sign"]
removal = removal.groupby(["encoder", "operator", "method"])["value"].agg(value="mean", low="min", high="max")
removal = removal.reset_index()
removal["encoder"] = pd.Categorical(removal["encoder"], encoders, ordered=True)
two = removal[removal["encoder"] != "average"].groupby("operator")["value"]
page.figure(
    charts.dot_panels(
        removal,
        "operator",
        by="method",
        panel="encoder",
        title="Removing an evidence word acts as its known sign says",
        x_title="share of evidence words",
        by_title="the word is",
        columns=3,
        domain=(0, 1),
    ),
    "After an encoder deletion acts as planted for {least:.0%} of the evidence words or more; the"
    " attention mask for {low:.0%} to {high:.0%}.",
    least=two.min()["deletion"],
    low=two.min()["attention mask"],
    high=two.max()["attention mask"],
)

# %% [markdown]
# The attention mask removes the weight of a *state*, and leaves the states as they are. So it tells the sign
# of the state; after an encoder this is not the sign of the word ({doc}`encoders`). Where a state is one word
# (*average*), the mask and deletion agree.
#
# ## What the test of signs says
#
# Take texts whose top word is evidence. The verdict of the test can be compared with the truth: how often
# does it call violated what is wrong, and only that? By attention × gradient:

# %% tags=["remove-input"]
table = right.reset_index(name="share").pivot_table("share", right.index.names[0], "encoder")
notebook.table(table[encoders].rename_axis("removed by").reset_index())

# %% [markdown]
# ## Regions of scenes
#
# The same questions of small transformers on generated scenes, means of VisualBERT and LXMERT:

# %% tags=["remove-input"]
rows = ["random", "attention", "attention × gradient", "rollout", "generic attribution"]
rows += ["integrated gradients", "leave-one-out"]
names = {"evidence_found": "evidence among the top k", "wrong_sign": "wrong sign of the top region"}
table = scenes[scenes["metric"].isin(names)].pivot_table("value", "method", "metric")
notebook.table(table.loc[rows, list(names)].rename(columns=names).reset_index())

# %% [markdown]
# ## What people marked
#
# The film reviews of {cite:t}`deyoung2020eraser` come with the phrases that people marked as reasons for
# the label. These are no known truth: a model may have reasons of its own. So how *plausible* a score is,
# that is how well it agrees with people, stands beside how *faithful* it is to the model, here how far the
# probability falls without the words that come first. Neither stands for the other, and there is no sum of
# both.

# %% tags=["remove-input"]
methods = ["random", "attention", "gradient by attention", "attention × gradient", "input × gradient"]
methods += ["integrated gradients", "leave-one-out", "minimal flipping set"]
panels = {"auprc": "plausible: AUPRC", "comprehensiveness": "faithful: comprehensiveness"}
both = reviews[reviews["metric"].isin(panels)].replace({"encoder": papers.MODELS})
models = [name for name in (*encoders, "FLANconv") if name in set(both["encoder"])]
orders = {"method": methods, "encoder": models, "panel": list(panels.values())}
both = both.assign(panel=both["metric"].map(panels))
both = cells.over_rows(both, ["method", "encoder", "panel"], orders=orders)
wide = both.pivot_table("value", "method", "panel", observed=True)
model = wide[panels["comprehensiveness"]]
bilstm = both[both["encoder"] == papers.MODELS["bilstm"]].set_index(["panel", "method"])["value"]
people = bilstm[panels["auprc"]]
page.figure(
    charts.dot_panels(
        both,
        "method",
        by="encoder",
        panel="panel",
        title="Film reviews: agreement with people, and with the model",
        x_title="mean over reviews",
        by_title="encoder",
        columns=2,
    ),
    "In the BiLSTM attention agrees best with people: AUPRC {best:.2f}, random scores {chance:.2f}."
    " The probability falls most without the top words of integrated gradients: by {gradients:.2f}, of"
    " attention by {top:.2f}.",
    best=people["attention"],
    chance=people["random"],
    gradients=model["integrated gradients"],
    top=model["attention"],
)

# %% [markdown]
# AUPRC is of the tokens that people marked, by |score|; of random scores it is about the share of marked
# tokens. The smallest set that flips the decision is a set and no ranking: its comprehensiveness is the
# fall without it. Leave-one-out has no sign here, so words that speak against the prediction are among its
# top words too.
#
# The two orders differ: what people marked is found best by attention, what the model needs by integrated
# gradients. And no score is much more plausible than chance: people mark whole phrases, nearly a third of a
# test review, and a ranking of single words finds few of them whole. The BiLSTM is one seed and 20 reviews,
# the others are two seeds and 50, so single differences are small beside their intervals.

# %% [markdown]
# ## Which ranking is right?
#
# A mark can be tested before it is believed. {cite:t}`kaushik2020learning` asked people to change a review
# until the opposite label holds, and nothing more: what they took out decides *for people*. What the *task*
# needs can be measured without people. {cite:t}`madsen2022evaluating` mask what ranks first in all texts and
# train again: if accuracy falls further than with random words masked, the ranking found what is needed. The
# model of each step ranks the words for the next, so that a word which says the same is found in its turn.

# %% tags=["remove-input"]
curves = retrained[retrained["metric"].eq("accuracy")].replace({"encoder": papers.MODELS})
shown = ["attention", "attention × gradient", "random"]
left = cells.over_rows(curves, ["ratio", "method", "encoder"], orders={"method": shown})
at = left.set_index(["encoder", "ratio", "method"])["value"]
page.figure(
    charts.line_panels(
        left,
        "ratio",
        by="method",
        column="encoder",
        title="Accuracy on SST after training on what is left (mean of seeds)",
        x_title="share of each text that is masked",
        y_title="test accuracy",
        by_title="masked first",
    ),
    "With two fifths of the words masked accuracy falls from {whole:.2f} to {random:.2f} if they are random,"
    " to {attention:.2f} by attention and to {product:.2f} by attention × gradient (average).",
    whole=at.get(("average", 0.0, "random")),
    random=at.get(("average", 0.4, "random")),
    attention=at.get(("average", 0.4, "attention")),
    product=at.get(("average", 0.4, "attention × gradient")),
)

# %% [markdown]
# Both answers side by side, for the model without an encoder, which is in all of them. The first three
# columns ask whether a ranking agrees with marks (*plausible*), the last whether the task needs what ranks
# first (*faithful*): the area between the curves above, in parts of what random masking loses in all. 0 is
# as random, 1 all at once. There is no sum of the columns.

# %% tags=["remove-input"]
shown = ["random", "attention", "gradient by attention", "attention × gradient", "centred product"]
shown += ["input × gradient", "integrated gradients", "leave-one-out"]
asked = {
    "rule: evidence among the top k": words[words["metric"] == "evidence_found"].replace(
        {"method": {"gradient by attention logit": "centred product"}}
    ),
    "ERASER's marks: AUPRC": reviews[reviews["metric"] == "auprc"],
    "edits: AUPRC": edits[edits["metric"] == "auprc"],
    "trained again: area": retrained[retrained["metric"] == "racu"],
}
columns = {
    name: rows[rows["encoder"] == "average"].groupby("method")["value"].mean() for name, rows in asked.items()
}
answers = pd.DataFrame(columns).reindex(shown)
answers.loc["random", "trained again: area"] = 0.0
notebook.table(answers.rename_axis("method").reset_index())

# %% tags=["remove-input"]
area = retrained[retrained["metric"].eq("racu")].groupby(["encoder", "method"])["value"].mean()
found = edits[edits["metric"].eq("auprc")].groupby(["encoder", "method"])["value"].mean()
page.says(
    """
    The task tells the two rankings by attention apart: masking by attention × gradient takes more (area
    {product:.2f}, after a convolution {product_conv:.2f}) than masking by attention ({attention:.2f} and
    {attention_conv:.2f}). The edits do not: both find them alike (AUPRC {e_product:.2f} and
    {e_attention:.2f}, random scores {e_random:.2f}), the centred product a little less well
    ({e_centred:.2f}). After a BiLSTM integrated gradients find them best ({e_integrated:.2f}, attention
    {e_bilstm:.2f}). So a ranking that is ahead in one column need not be in another: each answers a question
    of its own. Means of two seeds; the models that were trained again had four epochs each, and random first
    vectors.
    """,
    product=area.get(("average", "attention × gradient")),
    product_conv=area.get(("convolution", "attention × gradient")),
    attention=area.get(("average", "attention")),
    attention_conv=area.get(("convolution", "attention")),
    e_product=found.get(("average", "attention × gradient")),
    e_attention=found.get(("average", "attention")),
    e_random=found.get(("average", "random")),
    e_centred=found.get(("average", "centred product")),
    e_integrated=found.get(("bilstm", "integrated gradients")),
    e_bilstm=found.get(("bilstm", "attention")),
)

# %% [markdown]
# ## What it shows, and what not
#
# - A score may be faithful to the model's states and miss the words. That is no fault of attention alone: the
#   gradient by attention reads the same states.
# - Methods that differentiate the input find more of the evidence after an encoder. Without one attention ×
#   gradient does as well.
# - The test of signs is as good as its way to remove. A verdict by the attention mask is about states.
# - The known sign is that of the rule. Where the model has not learned the rule, it may use something else. A
#   negator has the sign of what it does, which no sum over words can express.
# - One rule made all texts. Another rule could favour another method; the paper has nothing to compare with.
# - An edit is what was enough for one person to turn a review. What was only put in, such as a "not", leaves
#   no mark on any word that was there.
# - Training again asks what the task needs, not what one model used. Which places are masked was chosen by a
#   model that knew the words, and can itself tell the class.
#
# ## Try it
#
# In a planted text "not" stands before "good". A model without an encoder reads both words alone. Which sign
# can it give to "good", and what happens to the share of right verdicts?
#
# ```{dropdown} Solution
# Each word has one vote wherever it stands, so "good" keeps the sign that it has in most texts. Behind "not"
# that sign is wrong, and removal, which asks the model, agrees with the model and not with the rule. So the
# share of right verdicts is lowest for the average encoder, whatever is removed.
# ```
#
# ## Its experiments
#
# - {doc}`../violation/evidence`: all methods on planted texts
# - {doc}`../violation/rationales`: what people marked beside faithfulness, for any data set with evidence
# - {doc}`../beyond/roar`: masking what ranks first, and training again
# - {doc}`../violation/regions`: regions of scenes, by a stock transformer

# %% tags=["remove-input"]
page.recorded(
    {
        ("Generated data", "violation"): pd.concat([words, scenes]),
        ("Film reviews", "violation"): pd.concat([reviews, edits]),
        ("Trained again", "beyond"): retrained,
    }
)
