# %% [markdown]
# # If attention moved, would the decision?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

dataset: str = "sst"  # a name from attnlib.data.names()
encoder: str = "bilstm"  # bilstm, bigru, convolution, average; or, frozen, minilm, a folder, owner/name
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "imdb"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
seed: int = 0  # decides the model and the permutations
limit: Optional[int] = None  # analyse so many test texts; None: all
readouts: str = "only"  # only: the recorded Readout, no training; auto: that where data are missing; never
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import torch

from attnbook import charts, notebook
from attnbook.verdicts import cells, papers, shared_questions, summary
from attnlib.kernels import naive, permutation_range, permutation_test, reach
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "chapters/moving_attention", notebook.SINGLE_TEXTS, classes=2)
run = prepare(dataset, encoder, scorer, seed, limit=limit, vectors=vectors, recorded=readouts)
readout = run.readout
metrics = {"largest_tvd": "any attention, at most", "median_tvd": "shuffled attention, median"}
moved = shared_questions.reached(papers.recorded(), metrics)
of_bilstm = moved[moved["encoder"] == "BiLSTM"].sort_values("value")
wide = of_bilstm.pivot_table("value", "dataset", "metric", observed=True)
one = reach(readout)
range_of_shuffles = permutation_range(readout)
shuffled = permutation_test(readout, seed=seed)

# %% tags=["remove-input"]
page.answer(
    """
    **Often not, whatever the weights say.** On {inert:.0%} of {dataset}'s test texts *no* attention
    gives the BiLSTM another class; shuffling its weights moves the probability by {shuffled:.2f} on
    average, where {possible:.2f} was possible. A small change is evidence only where a large one
    could have been.
    """,
    inert=float((~one.can_flip).double().mean()),
    dataset=papers.dataset_name(dataset),
    shuffled=float(shuffled.mean()),
    possible=float(one.largest_tvd.mean()),
)

# %% tags=["remove-input"]
page.figure(
    charts.intervals(
        of_bilstm.astype({"metric": str}),
        "dataset",
        group="metric",
        title="How far attention can move the output, and how far shuffling moves it (BiLSTM)",
        x_title="mean change of the output (total variation)",
        domain=(0, 1),
        ours="mean over seeds",
    ),
    "On every data set shuffling moves the output by a fraction of what some attention could do:"
    " {low:.0%} to {high:.0%} of it.",
    low=(wide.iloc[:, 1] / wide.iloc[:, 0]).min(),
    high=(wide.iloc[:, 1] / wide.iloc[:, 0]).max(),
)

# %% [markdown]
# ## The idea
#
# {cite:t}`jain2019attention` (§4.2.1) shuffle a text's attention weights among its tokens and read the output
# again. If the weights say why the model decided, the output should change. It often hardly does.
#
# But an output can stay for two reasons. Attention may not matter *to the model*; or the tokens may all vote
# alike, and then no weights could matter *to anything*. A model that pools with weights and ends in a linear
# layer lets us tell the two apart exactly. Write $z_t$ for the votes of token $t$ and $b$ for the bias; any
# weights $p$ give the logits $\sum_t p_t z_t + b$ ({doc}`the Readout <../../readout>`).
#
# ```{prf:theorem} Reach
# :label: theorem-reach
# Some attention changes the predicted class if and only if some single token, given all the weight, does.
# The predicted class is least probable at a single token too.
# ```
#
# The lead of another class over the predicted one is an average of the tokens' leads; an average is positive
# only where one of them is. The proof, for ties as well, is {ref}`on the page of the Readout <reach>`.
#
# ```{prf:theorem} Rearrangement
# :label: theorem-rearrangement
# For two classes, of all $T!$ permutations of the weights the largest and the smallest output are found by
# two sorts: weights sorted like the votes, and against them.
# ```
#
# ## The formula and the kernel
#
# The specification tries every token, one text at a time:

# %% tags=["remove-input"]
notebook.code_of(naive.reach)

# %% [markdown]
# The kernel does all texts at once. Both must agree, here and now:

# %%
first = readout.select(range(min(20, len(readout))))
fast = reach(first)
slow = naive.reach(first)
assert torch.equal(fast.can_flip, slow.can_flip)
assert torch.allclose(fast.lowest, slow.lowest)

# %% tags=["remove-cell"]
frame = run.frame(
    can_flip=one.can_flip,
    a_shuffle_can_flip=range_of_shuffles[:, 0] < 0.5,
    largest_tvd=one.largest_tvd,
    median_tvd=shuffled,
)
page.write(frame, "moving_attention.csv", "%.6g")
page.glue(
    inert=(~one.can_flip).double().mean(),
    no_shuffle=(range_of_shuffles[:, 0] >= 0.5).double().mean(),
    moved=(one.largest_tvd[~one.can_flip] > 0.1).double().mean(),
)

# %% [markdown]
# On this run no attention changes the class of a share of {glue:text}`inert:.2f` of the texts, and no
# *permutation* that of {glue:text}`no_shuffle:.2f`. That is about the class: on {glue:text}`moved:.2f` of the
# texts whose class is out of reach, some attention still moves the probability by more than .1.

# %% [markdown]
# ## Every class
#
# With more than two classes each is least probable at a single token too, so its lowest probability is exact.
# The highest solves a convex programme. It is not solved here, only bounded: it is at least that of the best
# single token, and at most what comes out where every lead over another class is as large as some token makes
# it. Means over 500 test texts of two models that average words:

# %% tags=["remove-input"]
every = papers.named(cells.recorded("beyond", ["geometry"]).query("encoder == 'average'"))
names = {
    "class_probability": "value",
    "class_lowest": "low",
    "class_reached": "high",
    "class_ceiling": "most",
}
ranges = every[every["metric"].isin(names)].assign(end=every["metric"].map(names))
ranges = ranges.pivot_table("value", ["dataset", "class"], "end", sort=False).reset_index()
ranges = ranges.reindex(columns=["dataset", "class", *names.values()])
page.figure(
    charts.dot_panels(
        ranges.assign(name=ranges["dataset"].str.split(",").str[0] + ": " + ranges["class"]),
        "name",
        title="Probability of each class: the model's, and what attention can make of it",
        x_title="mean probability (lines: from the lowest to the best single token)",
        domain=(0, 1),
    ),
    "Attention could make nearly every class of a text probable or improbable. The highest value lies at the"
    " line's end or up to {gap:.2f} beyond.",
    gap=(ranges["most"] - ranges["high"]).max(),
)

# %% [markdown]
# ## Their Figure 6 beside ours
#
# {cite:t}`jain2019attention` sort the texts by their largest weight. If peaked attention mattered, the rows
# at the top of each panel would lie to the right. Filled dots are ours, diamonds theirs, lines the quartiles
# over texts. Below the bins stands the *furthest*: the mean of the largest change that any attention can
# make.

# %% tags=["remove-input"]
published = cells.once(cells.read_published(cells.REFERENCE / "jain_wallace.csv"))
ours = cells.main_grid(cells.recorded("jain_wallace", ["permutation"]))
names = papers.labels(["sst", "imdb", "agnews", "20news_sports", "ade", "babi1", "babi2", "snli"], ours)
found = summary.by_class(cells.beside(ours, published, names), summary.classes(published, ours))
found = cells.select(found, experiment="permutation", encoder="bilstm", scorer="additive")
page.figure(
    charts.quartile_panels(
        summary.quartiles(found, "median_tvd"),
        cells.select(found, metric={"largest_tvd": "furthest"}).rename(columns={"metric": "name"}),
        by="place",
        panel="dataset",
        title="Change of the output under permutation, by the largest weight (Figure 6, BiLSTM)",
        x_title="median change (total variation)",
        by_title="predicted class",
        domain=(0, 1),
    ),
    "Peaked attention moves the output most on bAbI, where a single fact decides, and hardly on SST.",
)

# %% [markdown]
# ## What it shows, and what not
#
# - A class that stays where every token votes for it says nothing about attention.
# - A probability that stays although it could have moved does: divide the change by the largest possible.
# - A state of a recurrent encoder has read its neighbours {cite:p}`mohankumar2020towards`. A weight moved to
#   another token still reads some of the first, so reach is about the model's states, not about words.
#
# ## Try it

# %% tags=["remove-input"]
page.playground(
    sentences=[15],
    models=["bilstm"],
    challenges=["moving_attention"],
    show=["weights"],
    link="playground.html",
)

# %% [markdown]
# Three tokens vote $s = (2, 1, -1)$ with the weights $(.6, .3, .1)$ and no bias. Which permutation of the
# weights changes the decision, and is there an attention that does?
#
# ```{dropdown} Solution
# The smallest output of a permutation pairs the largest weight with the smallest vote:
# $.6 \cdot (-1) + .3 \cdot 1 + .1 \cdot 2 = -.1 < 0$, so one permutation flips it. Since the third token
# alone votes the other way, an attention had to exist; a permutation need not have.
# ```
#
# ## Its experiments
#
# - {doc}`../jain_wallace/permutation`: every text, by its largest weight (the paper's Figure 6)
# - {doc}`../beyond/geometry`: what is decided before any search, sample or seed

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
