# %% [markdown]
# # Can one trained model attend elsewhere?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

dataset: str = "sst"  # a name from attnlib.data.names(), of two classes
vectors: str = "imdb"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
epochs: Optional[int] = None  # of the base model; None: as the paper
strength: float = 0.01  # λ of the adversary whose attention is shown
adversary_epochs: int = 80  # at most
seed: int = 1  # decides the base model, and with it the adversary
limit: Optional[int] = None  # analyse so many test texts; None: all
readouts: str = "only"  # only: the recorded Readouts, no training; auto: those where data are missing; never
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
from dataclasses import replace

import torch

from attnbook import charts, notebook
from attnbook.verdicts import papers, together, trained_adversaries
from attnbook.verdicts.cells import recorded, select
from attnlib.kernels import jsd, naive, random_weights, reach, tvd
from attnlib.prepare.adversary import prepare_adversary
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "chapters/one_model", notebook.SINGLE_TEXTS, classes=2)
run = prepare(dataset, seed=seed, limit=limit, vectors=vectors, epochs=epochs, recorded=readouts)
adversary = prepare_adversary(run, strength, variant="released", epochs=adversary_epochs)
tables = papers.recorded()
points = papers.named(trained_adversaries.models(tables["wiegreffe_pinter"]))
points = select(points, method=trained_adversaries.KINDS).rename(columns={"lambda": "λ"})
points = points[points["seeds"] == points.groupby("dataset")["seeds"].transform("max")]
trained = points[points["method"] == trained_adversaries.TRAINED]
imitated = trained[trained["λ"] == 0].set_index("dataset")["tvd"]
others = points.set_index(["method", "dataset"])
near = trained[trained["tvd"] <= trained["dataset"].map(others["tvd"].get(trained_adversaries.OTHER, {}))]
furthest = near.groupby("dataset")["jsd"].max()
drawn = dict(by="method", curve=trained_adversaries.TRAINED, order="λ", front=trained_adversaries.KINDS[:3])
drawn |= dict(x_title="mean change of the output (TVD)", y_title="mean divergence (nats)")


def of(method, measure):
    """A mean of one kind of model by data set."""
    return points[points["method"] == method].set_index("dataset")[measure]


# %% tags=["remove-input"]
page.answer(
    """
    **Yes, at the price of training again.** On {n} data sets a trained adversary attends {low:.2f} to
    {high:.2f} nats elsewhere and moves the output no further than a new seed does. None says *nearly the
    same*: even an imitation that may attend as the base does moves it by {least:.2f} or more, the search by
    {search:.2f} at most. The paper's claims stay [open](verdicts.ipynb).
    """,
    n=len(furthest),
    low=furthest.min(),
    high=furthest.max(),
    least=imitated.min(),
    search=of(trained_adversaries.SEARCH, "tvd").max(),
)

# %% tags=["remove-input"]
on_sst = points[points["dataset"] == "SST"]
page.figure(
    charts.trade_off(
        on_sst, "tvd", "jsd", title="What it costs to attend elsewhere (SST, mean of base seeds)", **drawn
    ).properties(height=250)
    if len(on_sst)
    else notebook.nothing(),
    "On SST a model with λ = .01 attends {jsd:.2f} nats elsewhere; its output moves by {tvd:.3f}, another"
    " seed's by {seed:.3f}, the search's by {search:.3f}.",
    jsd=trained.set_index(["dataset", "λ"])["jsd"].get(("SST", 0.01)),
    tvd=trained.set_index(["dataset", "λ"])["tvd"].get(("SST", 0.01)),
    seed=of(trained_adversaries.OTHER, "tvd").get("SST"),
    search=of(trained_adversaries.SEARCH, "tvd").get("SST"),
)

# %% [markdown]
# ## The idea
#
# {doc}`The search <same_output>` chooses weights for each text by itself. No model does that, object
# {cite:t}`wiegreffe2019attention` (§4): a model computes its attention. So they train one, from the start, to
# give the base model's outputs with an attention far from the base's. With adversary $a$ and base $b$ the
# loss of a text is
#
# $$
# \mathrm{TVD}\bigl(\hat y_a, \hat y_b\bigr) \;-\; \lambda\, \mathrm{KL}\bigl(\alpha_a \,\|\, \alpha_b\bigr) .
# $$
#
# Gold labels are no target. A larger $\lambda$ asks for a more distant attention. With $\lambda = 0$ the
# model only imitates. The distance is then measured as JSD, at most $\ln 2 \approx .69$ nats:

# %% tags=["remove-input"]
notebook.code_of(naive.jsd)

# %%
base, other = run.readout, adversary.readout
far = jsd(other.alpha, base.alpha)
slow = naive.jsd(other.alpha, base.alpha).to(far)
assert torch.allclose(far, slow, atol=1e-6)

# %% [markdown]
# ## Does such a model exist at all?
#
# ```{prf:theorem} A free encoder makes attention free
# :label: theorem-free-encoder
# For every model whose output is linear in $\sum_t \alpha_t h_t$ there is an encoder that has the same output
# on every text under every attention.
# ```
#
# *Proof.* Let every token's state be the base model's pooled vector, $h'_t = \sum_u \alpha_u h_u$. As weights
# sum to one, $\sum_t p_t h'_t = \sum_u \alpha_u h_u$ for any $p$. $\square$
#
# So the question is not whether a model exists, but what training finds, and how near to the attention of the
# base the encoder stays. The theorem on this run, with random weights:

# %%
pooled = (base.alpha[..., None] * base.scores).sum(1)
free = replace(base, scores=pooled[:, None].expand_as(base.scores))
anywhere = free.probabilities(random_weights(free, seed))
assert torch.allclose(anywhere, base.probabilities(), atol=1e-5)

# %% tags=["remove-cell"]
moved, limits = tvd(other.probabilities(), base.probabilities()), reach(other)
frame = run.frame(jsd=far, tvd=moved, range=limits.highest - limits.lowest)
page.write(frame, "one_model.csv", "%.6g")
bounds = reach(base)
page.glue(jsd=far.mean(), tvd=moved.mean(), strength=strength)
page.glue(of_base=(bounds.highest - bounds.lowest).median(), of_other=frame["range"].median())
page.glue(crossed=tvd(other.probabilities(base.alpha.to(other.alpha)), other.probabilities()).mean())

# %% [markdown]
# Did training go that way? The adversary of this run ($\lambda$ = {glue:text}`strength`,
# {glue:text}`jsd:.2f` nats, {glue:text}`tvd:.2f`) still has votes that differ: on the median text attention
# could give its class any probability in a range of {glue:text}`of_other:.2f`, against
# {glue:text}`of_base:.2f` in the base. With the base's weights in place of its own, its output moves by
# {glue:text}`crossed:.2f`. One sentence under both, of the surer half the one of the median divergence:

# %% tags=["remove-input"]
texts, theirs = run.readable(), adversary.readable()
sure = texts.readout.probabilities().amax(1).argsort(descending=True, stable=True)[: (len(texts) + 1) // 2]
by_text = jsd(theirs.readout.alpha, texts.readout.alpha)
middle = int(sure[by_text[sure].argsort(stable=True)[len(sure) // 2]])
tokens = texts.words[middle]
weights = {"base model": texts.readout.alpha, "trained adversary": theirs.readout.alpha}
page.figure(
    charts.heatmap(
        tokens,
        {name: alpha[middle, : len(tokens)].tolist() for name, alpha in weights.items()},
        title="One sentence under the attention of the base model and of its adversary",
    ),
    "Two models, one sentence: {far:.2f} nats apart in attention, {moved:.2f} in the probability.",
    far=float(by_text[middle]),
    moved=float(tvd(theirs.readout.probabilities(), texts.readout.probabilities())[middle]),
)

# %% [markdown]
# ## Other data sets, and the paper's claims

# %% tags=["remove-input"]
rest = points[points["dataset"] != "SST"]
page.figure(
    charts.trade_off(
        rest, "tvd", "jsd", facet="dataset", title="The same on other data sets (one base seed)", **drawn
    ),
    "An adversary as near as another seed goes beyond the search's divergence on AG News, and not on 20"
    " Newsgroups.",
)

# %% tags=["remove-input"]
notebook.table(
    together.in_short(
        tables, ["one_model", "one_model_on_sst", "one_model_like_a_seed", "one_model_like_a_seed_on_sst"]
    )
)

# %% tags=["remove-input"]
page.says(
    """
    The paper finds a cost everywhere except on SST. Here every adversary up to λ = .01 stays within another
    seed's change of the output on SST and AG News; on 20 Newsgroups only those up to .001 do. The paper's
    Diabetes, Anemia and IMDB are not recorded.
    """
)

# %% [markdown]
# The mean is the search's divergence minus that of the furthest trained model within the budget: the search's
# own ε, or another seed's change. Few models are within the first, and few data sets are recorded, so the
# rule of {doc}`verdicts` says *open*. No number of the paper's Table 4 or Figure 5 could be checked against
# released files; what is compared here are its claims in words.
#
# ## Can a model be trained to hide what it uses?
#
# {cite:t}`pruthi2020learning` ask for less: not a certain output, only that attention stays away from some
# tokens $I$. To the loss of a text they add $-\lambda \ln(1 - \sum_{t \in I} \alpha_t)$. Which explanation
# still finds these tokens? On SST they are the 30 most telling words of a logistic regression; on *planted*,
# generated reviews, the words that decide by rule. Area under precision and recall (AUPRC):

# %% tags=["remove-input"]
hiding = select(recorded("beyond", ["deception"]), scorer="additive")
hiding = hiding.assign(encoder=hiding["encoder"].astype(str).replace(papers.MODELS))
found = hiding[hiding["metric"] == "auprc"].groupby(["dataset", "encoder", "method", "lambda"])["value"]
found = found.agg(value="mean", low="min", high="max").reset_index().rename(columns={"lambda": "λ"})
area = found.set_index(["dataset", "encoder", "method", "λ"])["value"]
named = found.assign(dataset=found["dataset"].map(papers.dataset_name))
page.figure(
    charts.line_panels(
        named,
        "λ",
        by="method",
        row="dataset",
        column="encoder",
        title="How well explanations find the words that a model hides (mean of seeds)",
        x_title="λ",
        y_title="AUPRC",
        by_title="explanation",
    ),
    "A BiLSTM that hides (SST): attention no longer finds the words (AUPRC {hidden:.2f}, before {plain:.2f});"
    " leave-one-out ({left_out:.2f}) and the exact adversary ({adversary:.2f}) do.",
    plain=area.get(("sst", "BiLSTM", "attention", 0.0)),
    hidden=area.get(("sst", "BiLSTM", "attention", 10.0)),
    left_out=area.get(("sst", "BiLSTM", "leave-one-out", 10.0)),
    adversary=area.get(("sst", "BiLSTM", "exact adversary", 10.0)),
)

# %% tags=["remove-input"]
told = {"correct": "right answers", "attention_on_hidden": "attention on what is hidden"}
told |= {"hidden_in_minimal": "of the smallest flipping set, hidden"}
rows = hiding[hiding["metric"].isin(told) & hiding["lambda"].isin([0.0, 10.0])]
rows = rows[rows["encoder"].isin(["average", "BiLSTM"])]
rows = rows.assign(measure=rows["metric"].map(told), data=rows["dataset"].map(papers.dataset_name))
table = rows.pivot_table("value", ["data", "encoder", "lambda"], "measure")
notebook.table(table.reindex(columns=told.values()).rename_axis(["data set", "encoder", "λ"]).reset_index())

# %% tags=["remove-input"]
kept = hiding[hiding["metric"] == "correct"].groupby(["dataset", "encoder", "lambda"])["value"].mean()
page.says(
    """
    **Yes, and it costs a BiLSTM nothing.** On SST it is right on {bilstm:.1%} of the texts with λ = 10 and on
    {bilstm_plain:.1%} without, though no attention is left on the telling words: states beside them carry
    what they say. Without an encoder {average:.1%} are left of {average_plain:.1%}; on planted reviews, where
    nothing else tells the class, {guess:.1%}.

    **What is made of attention and votes is deceived with it**: the product, the smallest flipping set.
    Leave-one-out encodes the text again without the word and so sees what the encoder carried. And the
    attention that is furthest from the model's at the same output lies where the model's must not.
    Two seeds on each data set.
    """,
    bilstm=kept.get(("sst", "BiLSTM", 10.0)),
    bilstm_plain=kept.get(("sst", "BiLSTM", 0.0)),
    average=kept.get(("sst", "average", 10.0)),
    average_plain=kept.get(("sst", "average", 0.0)),
    guess=kept.get(("planted", "average", 10.0)),
)

# %% [markdown]
# ## What it shows, and what not
#
# - Whether an adversary "says the same" depends on the standard. Training again by itself moves outputs; by
#   that standard a distant attention can be free. By the search's standard nothing trained is close.
# - A model with uniform attention does as well on all three data sets ({doc}`guide`). Where attention is not
#   needed, it is little surprise that it can be elsewhere.
# - The adversary has an encoder of its own. A distance between attentions over *different* states is not a
#   distance between two explanations of one model.
# - That training did not reach further shows what this training did, not what is possible.
# - The released loss halves the TVD and weighs batches by class, so its $\lambda$ counts about double.
#
# ## Try it
#
# A base model has two tokens with votes $(3, -1)$, weights $(.75, .25)$ and no bias. Give an adversary votes
# such that its weights are $(.25, .75)$ and its output the same, and votes such that no weights matter.
#
# ```{dropdown} Solution
# The output is $.75 \cdot 3 - .25 = 2$. Votes $(-1, 3)$ with $(.25, .75)$ give 2 as well: the encoder has
# exchanged what it writes where. Votes $(2, 2)$ give 2 under all weights.
# ```
#
# ## Its experiments
#
# - {doc}`../wiegreffe_pinter/adversary`: the whole curve of one data set, both losses
# - {doc}`../beyond/deception`: a model that is trained to hide what it uses, and what still shows it

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
