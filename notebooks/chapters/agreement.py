# %% [markdown]
# # Does attention agree with other measures of importance?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

dataset: str = "sst"  # a name from attnlib.data.names()
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "imdb"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
epochs: Optional[int] = None  # None: as the paper
seed: int = 0  # decides the models and the random weights
limit: Optional[int] = None  # analyse so many test texts; None: all
readouts: str = "only"  # only: the recorded Readouts, no training; auto: those where data are missing; never
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
from dataclasses import replace

import pandas as pd
import torch

from attnbook import charts, notebook
from attnbook.verdicts import claims, papers, summary, together
from attnbook.verdicts.cells import select
from attnlib.kernels import erase_each, kendall_tau, naive, random_weights, tvd
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "chapters/agreement", notebook.SINGLE_TEXTS)
same = dict(limit=limit, vectors=vectors, epochs=epochs, recorded=readouts)
run = prepare(dataset, "bilstm", scorer, seed, **same)
alone = prepare(dataset, "average", scorer, seed, **same).readout
tables = papers.recorded()
ours = papers.named(tables["jain_wallace"])
theirs = papers.published("jain_wallace", ours)
encoders = {"BiLSTM": "bilstm", "average encoder": "average"}
wanted = {name: {"encoder": encoder, "scorer": "additive"} for name, encoder in encoders.items()}
tau = {name: where | {"metric": "tau_gradient"} for name, where in wanted.items()}
rows = claims.compared(ours, theirs, tau).rename(columns={"name": "encoder"})
means = rows.groupby("encoder")["value"].agg(["mean", "min", "max"]).reindex(list(encoders))


def with_erasure(weights):
    """Mean τ of these weights and of what erasing each token then does, in the model without context."""
    given = replace(alone, alpha=weights.to(alone.alpha.dtype))
    change = tvd(erase_each(given), given.probabilities()[:, None])
    return float(kendall_tau(given.alpha, change.nan_to_num(), given.mask)[0].nanmean())


own, drawn = with_erasure(alone.alpha), with_erasure(random_weights(alone, seed))

# %% tags=["remove-input"]
page.answer(
    """
    **Weakly in a BiLSTM, on all {n} data sets.** Kendall's τ of attention and gradient is {low:.2f} to
    {high:.2f}; without context it is {alone_low:.2f} to {alone_high:.2f}. But without context random weights
    agree with leave-one-out too ({drawn:.2f} on SST; trained ones {own:.2f}). [All verdicts](verdicts.ipynb).
    """,
    n=rows["dataset"].nunique(),
    low=means["min"].iloc[0],
    high=means["max"].iloc[0],
    alone_low=means["min"].iloc[1],
    alone_high=means["max"].iloc[1],
    drawn=drawn,
    own=own,
)

# %% tags=["remove-input"]
page.figure(
    charts.intervals(
        rows,
        "dataset",
        group="encoder",
        ours="ours, range of seeds",
        title="Agreement of attention and gradient, by encoder",
        x_title="mean of Kendall's τ over texts (1: the same order)",
    ),
    "Attention and gradient rank tokens alike where each word is read alone, and far less in a BiLSTM:"
    " τ {alone:.2f} against {bilstm:.2f}.",
    alone=means["mean"].iloc[1],
    bilstm=means["mean"].iloc[0],
)

# %% [markdown]
# ## The idea
#
# If attention tells which words matter, it should order them like other measures of importance.
# {cite:t}`jain2019attention` (§4.1) take two that need no attention. The *gradient* asks how the output
# answers to a word's vector. *Leave-one-out* deletes the word and reads the rest again. Kendall's τ compares
# two orders: it counts the pairs of words that both order alike, minus the pairs they order differently.
#
# ## The formula and the kernel

# %% tags=["remove-input"]
notebook.code_of(naive.kendall_tau)

# %% [markdown]
# The kernel does all texts at once and adds a p value. Both must agree on this run:

# %% tags=["remove-cell"]
readout, gradient = run.readout, run.scores("gradient").abs()
omission = run.scores("leave_one_out").nan_to_num()

# %%
first = readout.alpha[:20], gradient[:20], readout.mask[:20]
fast, p_value = kendall_tau(*first)
assert torch.allclose(fast, naive.kendall_tau(*first), equal_nan=True)

# %% tags=["remove-cell"]
columns = {}
pairs = {"gradient": (readout.alpha, gradient), "leave_one_out": (readout.alpha, omission)}
pairs["measures"] = (gradient, omission)
for name, pair in pairs.items():
    columns[f"tau_{name}"] = kendall_tau(*pair, readout.mask)[0]
page.write(run.frame(**columns), "agreement.csv", "%.6g")
page.glue({name: values.nanmean() for name, values in columns.items()}, own=own, drawn=drawn)

# %% [markdown]
# On this run the BiLSTM's attention agrees with the gradient at {glue:text}`tau_gradient:.2f` and with
# leave-one-out at {glue:text}`tau_leave_one_out:.2f`. The two measures agree with each other at
# {glue:text}`tau_measures:.2f`. That gap is the paper's argument.
#
# ## Why it is strong without context
#
# ```{prf:theorem} Without context both measures contain the weight
# :label: theorem-measures-contain-the-weight
# Let the state and the vote $s_t$ of a token depend on its word alone, let weights be a softmax of scores
# that do too, and let there be two classes. Then deleting token $t$ moves the log-odds by exactly
# $\alpha_t (\bar s - s_t) / (1 - \alpha_t)$ with $\bar s = \sum_u \alpha_u s_u$. The gradient in the
# direction of the word's vector $e_t$, attention held constant, is
# $\hat y (1 - \hat y)\, \alpha_t\, (e_t \cdot \nabla s_t)$.
# ```
#
# *Proof.* No other token changes when $t$ is deleted. The softmax of the rest is $\alpha_u / (1 - \alpha_t)$,
# so the new log-odds are $(\bar s - \alpha_t s_t) / (1 - \alpha_t)$ plus the bias. Only $\alpha_t s_t$ holds
# $e_t$, which gives the gradient. $\square$
#
# A ranking by $\alpha_t$ times a factor follows $\alpha_t$, unless the factor varies far more. So give the
# average encoder of this run random weights in place of its own. They agree with leave-one-out at
# {glue:text}`drawn:.2f`, the trained weights at {glue:text}`own:.2f`, both by the theorem and without
# deleting a word. A strong τ without context therefore says little about what attention has learnt. In a
# BiLSTM a deleted word changes the states of all others, and the theorem does not hold.
#
# %% tags=["remove-input"]
deleted = select(tables["jain_wallace"], experiment="correlation", dataset=dataset, encoder="average")
deleted = select(deleted, scorer=scorer, seed=seed, metric="tau_leave_one_out", **{"class": "all"})["value"]
page.says("With every word in fact deleted, τ of the same model is {t:.2f}.", t=deleted.squeeze())

# %% [markdown]
# ## The paper's claims, and what moves the number

# %% tags=["remove-input"]
notebook.table(
    together.in_short(
        tables,
        [
            *("weak_gradient", "weak_leave_one_out", "strong_gradient", "strong_leave_one_out"),
            *("higher_gradient", "gap_gradient", "gap_leave_one_out", "fewer_gradient"),
        ],
    )
)

# %% tags=["remove-input"]
starts = papers.read("jain_wallace")
starts = select(starts, dataset="sst", experiment="correlation", variant="released")
starts = starts.assign(dataset="SST")
models = {"BiLSTM, additive": ("bilstm", "additive"), "average, additive": ("average", "additive")}
models |= {"average, dot product": ("average", "scaled_dot")}
parts = []
for name, (encoder, scored) in models.items():
    where = {"metric": "tau_gradient", "encoder": encoder, "scorer": scored}
    known = claims.spread(theirs, **where)["value"].get("SST")
    parts.append(claims.spread(starts, by="vectors", **where).assign(model=name, published=known))
scales = pd.concat(parts).reset_index().sort_values(["vectors", "model"])
dot = scales[scales["model"].eq("average, dot product")].set_index("vectors")
page.figure(
    charts.intervals(
        scales.replace({"imdb": "IMDB", "imdb, 50-d": "IMDB, 50-d", "glove50": "GloVe, 50-d"}),
        "vectors",
        group="model",
        ours="ours, range of seeds",
        title="τ of attention and gradient on SST, by the vectors that training starts from",
        x_title="mean of Kendall's τ over texts",
        domain=(0, 1),
    ),
    "The scale of random vectors alone takes τ of the dot scorer from {low:.2f} to {high:.2f};"
    " the paper's number is {theirs:.2f}.",
    low=dot["value"].get("random, deviation 0.1"),
    high=dot["value"].get("random, deviation 1"),
    theirs=dot["published"].iloc[0],
)

# %% [markdown]
# ## How much of it is the first word vectors?
#
# The paper starts from fastText's vectors, our grid from word2vec of IMDB, both of 300 numbers a word. Starts
# differ in what they know (*content*), in how large their numbers are (*scale*), in how many a word has
# (*width*) and in how many words have any (*coverage*: IMDB's hold 58 % of SST's words, fastText's 81 %,
# GloVe's 98 %; words without start at zero). GloVe of 50 numbers and random vectors of its width and scale
# differ in content and coverage alone.

# %% tags=["remove-input"]
given = {"imdb": "IMDB, 300", "imdb, 50-d": "IMDB, 50", "random, deviation 0.64, 50-d": "random, 50"}
given["glove50"] = "GloVe, 50"
key, own = ["dataset", "encoder", "scorer"], {"experiment": "correlation", "variant": "released"}
every = {"metric": "tau_gradient", "class": "all"}
taus = select(papers.named(papers.read("jain_wallace")), **own, **every)
taus = taus.pivot_table("value", key, "vectors")[list(given)].rename(columns=given).dropna(subset="GloVe, 50")
taus["published"] = select(theirs, **every).groupby(key)["value"].first()
closed = 1 - (taus["published"] - taus["GloVe, 50"]).abs() / (taus["published"] - taus["IMDB, 300"]).abs()
sst, part, sports = map(papers.dataset_name, ("sst", "agnews_subset", "20news_sports"))
taus["content"] = taus["GloVe, 50"] - taus["random, 50"]
dot, bilstm = (taus.xs(of, level=key[1:]) for of in (("average", "scaled_dot"), ("bilstm", "additive")))
taus = taus.reset_index()
taus["model"] = [papers.model_name(*pair) for pair in zip(taus["encoder"], taus["scorer"], strict=True)]
starts = taus.melt(["dataset", "model", "published"], list(given.values()), "start")
starts["start"] = pd.Categorical(starts["start"], list(given.values()), ordered=True)
# The paper has one number for a model, shown once.
starts["published"] = starts["published"].where(starts["start"] == "IMDB, 300")
page.figure(
    charts.dot_panels(
        starts,
        "model",
        by="start",
        panel="dataset",
        title="τ of attention and gradient, by the vectors that training starts from and their width",
        x_title="mean of Kendall's τ over texts",
        by_title="vectors",
    ),
    "Random vectors of GloVe's scale bring the dot scorer nearly as far as GloVe; a BiLSTM gains by content.",
)

# %% tags=["remove-input"]
page.says(
    """
    **Without an encoder the dot scorer goes by scale.** Random vectors as large as GloVe's take τ from
    {imdb:.2f} to {random:.2f} on SST (the paper: {published:.2f}), and from {imdb_part:.2f} to
    {random_part:.2f} on AG News ({published_part:.2f}). What GloVe knows adds at most {content:.2f}. IMDB's
    50 numbers are twice as large as its 300 (deviation .36 and .18). That does nearly as much on SST, and
    hardly anything on AG News, where they hold 66 % of the words. On 20 Newsgroups random vectors and GloVe
    lead away from the paper.

    **In a BiLSTM there is no one cause.** With additive attention what GloVe knows raises τ on all three, by
    {least:.2f} to {most:.2f}. Beside IMDB's vectors GloVe closes {closed_part:.0%} of the distance on AG News
    and {closed_sports:.0%} on 20 Newsgroups; on SST it widens it. With the dot scorer it closes
    {closed_dot:.0%} on AG News.
    """,
    imdb=dot.loc[sst, "IMDB, 300"],
    random=dot.loc[sst, "random, 50"],
    published=dot.loc[sst, "published"],
    imdb_part=dot.loc[part, "IMDB, 300"],
    random_part=dot.loc[part, "random, 50"],
    published_part=dot.loc[part, "published"],
    content=dot["content"].max(),
    least=bilstm["content"].min(),
    most=bilstm["content"].max(),
    closed_part=closed[part, "bilstm", "additive"],
    closed_sports=closed[sports, "bilstm", "additive"],
    closed_dot=closed[part, "bilstm", "scaled_dot"],
)

# %% tags=["remove-input"]
names = ("gap_gradient", "tau_gradient_leave_one_out", "tau_leave_one_out", "tau_gradient")
numbers = papers.published("jain_wallace", ours)
labelled, read = (summary.residuals(numbers, *names[:2], name).max() for name in names[2:])
blank = numbers["value"].isna() & numbers["experiment"].eq("correlation")
page.says(
    """
    **Corrections of the published numbers.** The labels of the two correlations with attention are swapped in
    the authors' files. A mean of differences must be the difference of the means: as labelled, the published
    ones miss it by up to {labelled:.2f}, as read here by less than .00001. {blank} of their cells are blank,
    because one undefined τ voids a mean. *p* ≤ .05 in the files of differences compares a difference of two
    *p* values, and is left out.
    """,
    labelled=labelled,
    blank=int(blank.sum()),
)

# %% [markdown]
# ## What it shows, and what not
#
# - In these BiLSTMs attention orders tokens otherwise than gradient and leave-one-out do. Which of the three
#   is right is not shown; the authors say so too.
# - The *height* of τ also tells how training began: compare it between models from the same vectors only.
#   Small random vectors leave the dot scorer's weights nearly equal; then the other factor decides the order.
# - τ counts all pairs of tokens alike. In a long text most pairs are of tokens that hardly matter.
# - The share of texts on which τ is significant grows with their length, and says little about strength.
# - A text of one token, or of equal weights, has no τ and is left out.
#
# ## Try it
#
# A text of three words has the weights $(.6, .3, .1)$ and the votes $s = (0, 1, 4)$, without context and
# bias. Which word matters most by leave-one-out? What is τ of the weights and the size of the change?
#
# ```{dropdown} Solution
# $\bar s = .7$. The changes are $.6 \cdot .7 / .4 = 1.05$, $.3 \cdot (-.3) / .7 \approx -.13$ and
# $.1 \cdot (-3.3) / .9 \approx -.37$. The first word matters most although it votes for nothing: without it
# the others weigh more. Two of three pairs are ordered alike, so $\tau = (2 - 1) / 3 \approx .33$.
# ```
#
# ## Its experiments
#
# - {doc}`../jain_wallace/correlation`: one model, text by text (the paper's Figures 2 to 4)
# - {doc}`../jain_wallace/initialisation`: τ after every epoch, from other vectors

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
