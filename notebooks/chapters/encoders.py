# %% [markdown]
# # What does the encoder do to attention?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

dataset: str = "sst"  # a name from attnlib.data.names()
encoders: list = ["average", "convolution", "bilstm"]  # those compared; average: no encoder
vectors: str = "imdb"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
epochs: Optional[int] = None  # None: as the paper
seed: int = 0  # decides the models
limit: Optional[int] = None  # analyse so many test texts; None: all
readouts: str = "only"  # only: the recorded Readout, no training; auto: that where data are missing; never
output: Optional[str] = None  # folder for the table of this run

# %% tags=["remove-cell"]
import pandas as pd
import torch

from attnbook import BOOK, charts, notebook
from attnbook.verdicts import cells, claims, papers, shared_questions, together
from attnlib.kernels import naive, reach
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "chapters/encoders", notebook.SINGLE_TEXTS)
settings = dict(limit=limit, vectors=vectors, epochs=epochs, recorded=readouts)
runs = {encoder: prepare(dataset, encoder, "additive", seed, **settings) for encoder in encoders}
tables = papers.recorded()
claimed = ("contextualised_excess", "contextualised", "higher_gradient", "higher_leave_one_out")
judged = together.findings(tables, {name: together.CLAIMS[name] for name in claimed})
can = shared_questions.reached(tables, {"can_flip": "can flip", "largest_tvd": "furthest"})
can = can[can["metric"] == "can flip"]
share = can.pivot_table("value", "dataset", "encoder", observed=True)
sets = tables["serrano_smith"]
words = {None: "what it adds to attention", "product": "of it, beyond attention × gradient"}
added = pd.concat([together.with_context(sets, minus).assign(measure=name) for minus, name in words.items()])
added = added[added["metric"] == "fraction_all"]
mean = added.groupby("measure")["value"].mean()
own = {encoder: reach(run.readout).can_flip.double().mean().item() for encoder, run in runs.items()}
page.write(pd.DataFrame([own]), "encoders.csv", "%.6g")

# %% tags=["remove-input"]
page.answer(
    """
    **It takes decisions out of attention's hands.** On {dataset} some attention changes the class
    of {average:.0%} of the texts without an encoder, and of {bilstm:.0%} after a BiLSTM. On other
    data an encoder adds {raw:.2f} to the fraction of items that attention must erase; {beyond:.2f}
    of it is attention's own.
    """,
    dataset=papers.dataset_name(dataset),
    raw=mean[words[None]],
    beyond=mean[words["product"]],
    **own,
)

# %% tags=["remove-input"]
page.figure(
    charts.intervals(
        can.sort_values(["dataset", "encoder"]).astype({"encoder": str}),
        "dataset",
        group="encoder",
        title="Texts on which some attention changes the class",
        x_title="share of texts",
        domain=(0, 1),
        ours="mean over seeds",
    ),
    "On four of five data sets a BiLSTM leaves {low:.0%} to {high:.0%} of the texts within attention's reach;"
    " without an encoder it is {least:.0%} or more.",
    low=share["BiLSTM"].min(),
    high=share["BiLSTM"].nlargest(2).iloc[-1],
    least=share["average"].min(),
)

# %% [markdown]
# ## The idea
#
# Attention weighs *states*. Without an encoder a state is one word (*average*: a word vector behind one
# layer). After a convolution it holds some neighbours, after a BiLSTM perhaps the whole text
# {cite:p}`mohankumar2020towards`. So the same weight may mean different things in different models.
#
# A sentence of our own shows it. Read by the SST model without an encoder, the words vote for different
# classes. Read by the BiLSTM, every state votes negative: no weights can make this decision positive.

# %% tags=["remove-input"]
written = pd.read_csv(BOOK / "readouts/sentences.csv").loc[8, "text"].split()
read = {
    name: prepare("sentences", key, vectors="imdb", recorded="only").readout.select([8])
    for key, name in (("average", "no encoder"), ("bilstm", "BiLSTM"))
}
votes = {"token": written[: int(read["BiLSTM"].lengths[0])]}
for name, one in read.items():
    margin = (one.scores + one.bias).diff(dim=2)[0, one.mask[0], 0]
    votes |= {
        f"vote for positive, {name}": margin.tolist(),
        f"weight, {name}": one.alpha[0, one.mask[0]].tolist(),
    }
notebook.table(pd.DataFrame(votes))

# %% [markdown]
# {prf:ref}`theorem-reach` says that looking at single tokens is enough. The specification and the kernel
# agree for each encoder of this run:

# %%
for run in runs.values():
    first = run.readout.select(range(min(20, len(run.readout))))
    assert torch.equal(reach(first).can_flip, naive.reach(first).can_flip)

# %% [markdown]
# ## Does an encoder make attention a worse ranking?
#
# {cite:t}`serrano2019attention` (§5) compare architectures with and without an encoder. With an encoder more
# items must be erased in the order of attention until the decision flips. They suspect that attention says
# less where states are mixed.
#
# But an encoder may make a decision hard to flip in *any* order. So subtract what it adds to another order of
# the same model, attention × gradient. Only the difference of the two differences is about attention's order.

# %% tags=["remove-input"]
shown = cells.over_rows(papers.named(added), ["encoder", "measure"], orders={"measure": list(words.values())})
page.figure(
    charts.intervals(
        shown,
        "encoder",
        group="measure",
        title="What an encoder adds to the fraction of items that attention must erase",
        x_title="fraction of items, with the encoder minus without",
        ours="mean over data sets and seeds",
    ),
    "An encoder adds {raw:.2f} to the fraction that attention must erase. Beyond what it adds to attention ×"
    " gradient, {beyond:.2f} is left.",
    raw=mean[words[None]],
    beyond=mean[words["product"]],
)

# %% [markdown]
# Lines reach from the lowest to the highest of three data sets with two seeds.
#
# ## The papers' numbers beside ours
#
# {cite:t}`jain2019attention` (§4.1) find that attention agrees better with gradients when there is no
# encoder. Kendall's τ between both, additive attention, mean over the data sets that both sides have
# ({doc}`agreement`):

# %% tags=["remove-input"]
where = "metric == 'tau_gradient' and scorer == 'additive'"
mine = tables["jain_wallace"].query(f"{where} and `class` == 'all' and experiment == 'correlation'")
theirs = cells.once(cells.read_published(cells.REFERENCE / "jain_wallace.csv")).query(
    f"{where} and `class` == 'all'"
)
key = ["encoder", "dataset"]
both = pd.DataFrame(
    {side: rows.groupby(key)["value"].mean() for side, rows in (("ours", mine), ("theirs", theirs))}
)
both = both.dropna().groupby("encoder").agg({"ours": "mean", "theirs": ["mean", "size"]})
both.columns = ["ours", "theirs", "data sets"]
notebook.table(both.rename(index=papers.MODELS).reset_index())

# %% [markdown]
# The claims of both papers about encoders; {doc}`verdicts` has the rule:

# %% tags=["remove-input"]
notebook.table(together.overview(judged), ["claim", "verdict", "mean", "95 % interval"])

# %% [markdown]
# ## A pretrained encoder
#
# If context takes decisions out of attention's hands, the encoder with the most of it should take most. Here
# are the states of MiniLM, six layers of self-attention trained on a billion pairs of sentences, kept as they
# are: attention and the linear layer over them are trained as those of the other models, the encoder is not.

# %% tags=["remove-input"]
jain = papers.read("jain_wallace")
grid = pd.concat([tables["jain_wallace"], jain[jain["vectors"].eq("frozen")]])
also = shared_questions.reached({"jain_wallace": grid}, {"can_flip": "can flip", "largest_tvd": "furthest"})
also = also[also["metric"] == "can flip"]
beside = also.pivot_table("value", "dataset", "encoder", observed=True).dropna(subset="MiniLM")
page.glue(minilm_sst=beside["MiniLM"].get("SST"), bilstm_sst=beside["BiLSTM"].get("SST"))
order = ["average", "convolution", "BiLSTM", "MiniLM"]
notebook.table(beside[order].rename(columns={"MiniLM": "MiniLM, frozen"}).reset_index())

# %% [markdown]
# Shares of the texts whose class some attention changes, means over seeds. Two inequalities would follow if
# context were the reason. They were written down before any run that judges them, and after a try on SST:

# %% tags=["remove-input"]
notebook.table(claims.expected("frozen_bilstm", "frozen_average", table=grid))

# %% [markdown]
# ## Is it the likeness of states?
#
# {cite:t}`mohankumar2020towards` see a reason: an LSTM's states of one text point nearly the same way, so it
# does not matter which are read. That can be tried as dose and response. To the loss is added $\lambda$ times
# the *conicity*, the mean cosine of a text's states to their mean. What attention can then do is exact:

# %% tags=["remove-input"]
alike = cells.recorded("beyond", ["conicity"]).query("scorer == 'additive'")
apart = alike[alike["encoder"] == "bilstm"]
told = {"can_flip": "some attention flips", "range": "range of the probability"}
told |= {"share_of_range": "permutation change, of the range", "excess_fraction": "erased beyond the minimum"}
told |= {"tau_leave_one_out": "τ with leave-one-out", "correct": "right answers", "conicity": "conicity"}
doses = apart[apart["metric"].isin(told)].groupby(["dataset", "lambda", "metric"])["value"]
doses = doses.agg(value="mean", low="min", high="max").reset_index().rename(columns={"lambda": "λ"})
response = doses.set_index(["dataset", "metric", "λ"])["value"]
doses["dataset"] = doses["dataset"].map(papers.dataset_name)
doses["measure"] = pd.Categorical(doses["metric"].map(told), list(told.values()), ordered=True)
on_sst = {
    f"{metric}_{dose:g}": response.get(("sst", metric, dose)) for metric in told for dose in (0, 0.1, 1)
}
page.figure(
    charts.line_panels(
        doses[doses["metric"].isin(list(told)[:5])],
        "λ",
        by="measure",
        column="dataset",
        title="What attention can do after a BiLSTM whose states are kept apart, by the strength λ",
        x_title="λ (range: seeds)",
        y_title="mean over texts",
        by_title="",
    ),
    "The further the states are kept apart, the more texts some attention flips: {can_flip_0:.1%} at λ = 0,"
    " {can_flip_1:.1%} at λ = 1 (SST).",
    **on_sst,
)

# %% tags=["remove-input"]
page.says(
    """
    **After a BiLSTM, as far as reach goes, yes.** On SST λ = 0.1 takes the conicity from {conicity_0:.2f} to
    {conicity_0_1:.2f} at {correct_0_1:.1%} right answers (before {correct_0:.1%}). Some attention then flips
    {can_flip_0_1:.0%} of the texts instead of {can_flip_0:.0%}. It is the same on AG News and ADE; on 20
    Newsgroups so small a dose does not move both seeds alike. Larger ones put nearly all texts in reach on
    all four data sets, and cost accuracy (SST: {correct_1:.1%} at λ = 1). Erasing by attention then comes
    nearer to the minimum. That attention would agree *better* with leave-one-out was expected too. At λ = 0.1
    it does on SST (τ {tau_leave_one_out_0_1:.2f}, before {tau_leave_one_out_0:.2f}) and AG News, at λ = 1 on
    none of the four. Two seeds each; the penalty also changes what the model knows.
    """,
    **{name.replace(".", "_"): value for name, value in on_sst.items()},
)

# %% [markdown]
# What was expected before the runs, judged by the rule of {doc}`verdicts`:

# %% tags=["remove-input"]
notebook.table(claims.expected("apart_reach", "apart_order"))

# %% [markdown]
# No dose and the largest, with all encoders, on SST:

# %% tags=["remove-input"]
others = alike[alike["lambda"].isin([0.0, 1.0]) & alike["dataset"].eq("sst") & alike["metric"].isin(told)]
others = others.assign(measure=others["metric"].map(told), model=others["encoder"].replace(papers.MODELS))
others["lambda"] = others["lambda"].astype(int)
columns = [told[name] for name in ("conicity", "can_flip", "range", "tau_leave_one_out", "correct")]
others = others.pivot_table("value", ["model", "lambda"], "measure").reindex(columns=columns)
notebook.table(others.rename_axis(["encoder", "λ"]).reset_index())

# %% tags=["remove-input"]
either = others[told["conicity"]].get, others[told["can_flip"]].get
page.says(
    """
    **Between encoders, no.** The convolution's states are more alike than the BiLSTM's ({alike:.2f} and
    {bilstm:.2f}), and yet some attention flips {flips:.0%} of its texts; kept apart, it flips fewer
    ({apart:.0%}). States can point one way and vote differently. MiniLM's frozen states ({frozen:.2f}) are
    less alike than the BiLSTM's, and some attention flips {over_frozen:.0%}. What the penalty was made for,
    attention that agrees with leave-one-out, it brings about only without an encoder.
    """,
    frozen=either[0]((papers.MODELS["minilm"], 0)),
    over_frozen=either[1]((papers.MODELS["minilm"], 0)),
    alike=either[0](("convolution", 0)),
    bilstm=either[0](("BiLSTM", 0)),
    flips=either[1](("convolution", 0)),
    apart=either[1](("convolution", 1)),
)

# %% [markdown]
# ## What it shows, and what not
#
# - Context alone does not make attention idle. Over MiniLM's frozen states some attention changes the class
#   of {glue:text}`minilm_sst:.0%` of SST's texts, after the BiLSTM of {glue:text}`bilstm_sst:.0%`. The BiLSTM
#   is trained with the classifier, and can write the decision into every state; a frozen encoder cannot. That
#   may be the reason. MiniLM also differs in size, depth and what it has read, and one trained further under
#   the same attention was not tried.
# - After a BiLSTM a decision that stays says little about attention: on most texts it had to stay. IMDB is
#   the exception; its texts are long, and some state nearly always votes otherwise.
# - Most of what attention must erase more is a decision that became robust. The rest points to a worse order,
#   and its interval over three data sets includes zero.
# - That a state holds other words is an assumption here. States also vote alike where all words say the same.
# - An encoder changes accuracy and confidence as well, and each model of a pair is trained anew.
# - Reach is about the class. Where it is out of reach, the probability may still move
#   ({doc}`moving_attention`).
#
# ## Try it
#
# A model without an encoder votes $(3, -1, -1)$ on a text, with the weights $(.4, .3, .3)$. An encoder
# replaces each vote by the mean of all three. How many items must attention erase until the decision flips,
# before and after?
#
# ```{dropdown} Solution
# Before: the sum is $1.2 - .6 > 0$; without the first item it is negative, so one item is enough. After: each
# vote is $1/3$, and no set of items flips the decision, in whatever order. The same sentence, the same
# weights.
# ```
#
# ## Its experiments
#
# - {doc}`../serrano_smith/contextualisation`: six architectures on one data set, with the exact minimum
# - {doc}`../jain_wallace/correlation`: attention, gradients and leave-one-out on one model
# - {doc}`../beyond/conicity`: states that training keeps apart, and what attention can then do

# %% tags=["remove-input"]
run = runs[encoders[-1]]
page.origin(run.settings, run.recorded)
