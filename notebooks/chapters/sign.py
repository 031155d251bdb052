# %% [markdown]
# # Does the sign of an explanation mean anything?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

dataset: str = "sst"  # a name from attnlib.data.names(), of two classes
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
vectors: str = "imdb"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
epochs: Optional[int] = None  # None: as the paper
seed: int = 0  # decides the model
limit: Optional[int] = None  # analyse so many test texts; None: all
readouts: str = "only"  # only: the recorded Readout, no training; auto: that where data are missing; never
output: Optional[str] = None  # folder for the table of this run

# %% tags=["remove-cell"]
import pandas as pd
import torch

from attnbook import charts, notebook
from attnbook.verdicts import cells, papers, together
from attnlib import explain, faithfulness
from attnlib.kernels import erase_each, naive, output_gradient
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "chapters/sign", notebook.SINGLE_TEXTS, classes=2)
settings = dict(limit=limit, vectors=vectors, epochs=epochs, recorded=readouts)
run = prepare(dataset, encoder, scorer, seed, **settings)
readout = run.readout
tables = papers.recorded()
judged = together.findings(tables, {name: together.CLAIMS[name] for name in ("sign", "polarity", "depth")})
ours = papers.named(
    cells.all_texts(tables["violation"]).query("metric == 'violation' and operator == 'mean'")
)
text = ours[ours["experiment"] == "methods"]
shown = ["random", "attention", "attention × gradient"]
drawn = cells.over_rows(text[text["method"].isin(shown)], ["dataset", "method"], orders={"method": shown})
average = drawn.groupby("method", observed=True)["value"].mean()

# %% tags=["remove-input"]
page.answer(
    """
    **Of attention alone, little; the gradient gives it one.** Remove the most attended token, and
    in {attention:.0%} of the texts the model becomes *more* certain (random tokens: {random:.0%}).
    By attention × gradient the top token acts against its sign in {product:.0%} (means over {sets}
    data sets).
    """,
    sets=drawn["dataset"].nunique(),
    **average.rename({"attention × gradient": "product"}),
)

# %% tags=["remove-input"]
page.figure(
    charts.dot_panels(
        drawn.assign(panel="mean of three ways to remove a token"),
        "dataset",
        by="method",
        panel="panel",
        title="Texts in which the top token acts against its sign",
        x_title="violation ratio (share of texts)",
        by_title="score",
        columns=1,
        domain=(0, 1),
    ),
    "On every data set the product violates less than attention: {low:.2f} to {high:.2f} of the texts.",
    low=drawn.loc[drawn["method"] == shown[2], "value"].min(),
    high=drawn.loc[drawn["method"] == shown[2], "value"].max(),
)

# %% [markdown]
# Dots are means over four models of text (BiLSTM or convolution, two scorers), two seeds or more; lines reach
# from the lowest to the highest model.
#
# ## The idea
#
# {cite:t}`liu2022rethinking` ask for more than size. Remove the token with the largest score. If its score is
# positive, the model should become less certain; if it is negative, more. Where the opposite happens, the
# explanation is *violated*. Attention has no negative weights, so the test reads it as support.
#
# Three tokens have the weights $(.5, .3, .2)$ and vote $(-1, 3, 1)$ for the decision: together $.6$. The most
# attended token votes against the decision. Without it $(.9 + .2) / .5 = 2.2$ is left, and attention is
# violated. The products $(-.5, .9, .2)$ have the second token on top, and it does support the decision.
#
# ```{prf:theorem} The right sign under the attention mask
# :label: theorem-polarity
# Let $s_t$ be the votes for the predicted one of two classes, and $\bar s = \sum_t \alpha_t s_t$. Erasing
# token $t$ and renormalising moves the margin by $-\frac{\alpha_t}{1 - \alpha_t} (s_t - \bar s)$. So
# $\alpha_t (s_t - \bar s)$ is never violated; attention × gradient, $\alpha_t s_t$ up to a positive factor,
# is violated exactly where $s_t$ and $s_t - \bar s$ differ in sign at its top token.
# ```
#
# ```{prf:proof}
# $\frac{\bar s - \alpha_t s_t}{1 - \alpha_t} - \bar s = \frac{\alpha_t (\bar s - s_t)}{1 - \alpha_t}$. The
# probability of the predicted class rises and falls with the margin.
# ```
#
# ## The formula and the kernel
#
# The effect of each single erasure, one token at a time:

# %% tags=["remove-input"]
notebook.code_of(naive.erase_each)

# %%
first = readout.select(range(min(20, len(readout))))
fast, slow = erase_each(first), naive.erase_each(first)
assert torch.allclose(fast, slow, equal_nan=True)

# %% tags=["remove-cell"]
y = readout.predictions()
falls = readout.probabilities().gather(1, y[:, None]) - erase_each(readout).gather(
    2, y[:, None, None].expand(-1, readout.alpha.shape[1], 1)
).squeeze(2)
product = (readout.alpha * output_gradient(readout).nan_to_num()).double()
centred = product - readout.alpha * product.sum(1, keepdim=True)
rates = {}
for name, score in {"attention": readout.alpha, "product": product, "centred": centred}.items():
    top = score.abs().argmax(1, keepdim=True)
    against = (score.gather(1, top) * falls.gather(1, top) < 0) & (falls.gather(1, top).abs() > 1e-6)
    rates[name] = against.double().mean().item()
page.write(pd.DataFrame([rates]), "sign.csv", "%.6g")
page.glue(rates)

# %% [markdown]
# On this run, under the attention mask, attention is violated in {glue:text}`attention:.3f` of the texts,
# attention × gradient in {glue:text}`product:.3f`, and $\alpha_t (s_t - \bar s)$ in {glue:text}`centred:.3f`.
#
# ## What attention × gradient is, exactly
#
# A sign per token is half of what it promises; the other half is a share. The *Shapley value*
# {cite:p}`shapley1953value` is what a token adds to the margin $v$ when it joins the tokens before it,
# averaged over all $T!$ orders $\pi$ of the text:
#
# $$
# \varphi_t = \frac{1}{T!} \sum_{\pi} \Bigl[ v\bigl(S_{\pi,t} \cup \{t\}\bigr) - v\bigl(S_{\pi,t}\bigr)
# \Bigr], \qquad S_{\pi,t} \text{ the tokens before } t .
# $$
#
# Where an erased weight is lost, $v(S) = \sum_{u \in S} \alpha_u s_u + \beta$, and $\varphi_t = \alpha_t
# s_t$: attention × gradient, exactly ({ref}`proof <shapley>`). Where the other weights are rescaled, as
# everywhere in this book, it is not. How near is it then, and how near are other scores?

# %% tags=["remove-input"]
scores = ["attention", "gradient", "attention × gradient", "centred product", "leave-one-out"]
measures = {"tau": "Kendall's τ", "distance": "distance", "same_sign": "tokens with the right sign"}
shares = cells.recorded("beyond", ["shapley"])
of_sst = shares.query("dataset == 'sst'")
of_sst = of_sst[of_sst["class"].eq("all") & of_sst["metric"].isin(measures)]
attending = papers.named(of_sst[of_sst["scorer"] == "additive"])
attending = attending.assign(
    measure=attending["metric"].map(measures), model=attending["encoder"].replace(papers.MODELS)
)
orders = {"method": scores, "measure": list(measures.values())}
near = cells.over_rows(attending, ["method", "model", "measure"], orders=orders)
mean = attending.groupby(["encoder", "metric", "method"])["value"].mean().to_dict()
page.figure(
    charts.dot_panels(
        near,
        "method",
        by="model",
        panel="measure",
        title="Scores beside the Shapley values of the rescaled game (SST)",
        x_title="mean over texts",
        by_title="encoder",
    ),
    "Of the BiLSTM's shares, rescaled, the gradient alone has nearly the order (τ {gradient:.2f}; the product"
    " {product:.2f}), and the product comes nearest in direction.",
    gradient=mean.get(("bilstm", "tau", "gradient")),
    product=mean.get(("bilstm", "tau", "attention × gradient")),
)

# %% tags=["remove-input"]
page.says(
    """
    Distances are between both, scaled to length 1; dots of the BiLSTM are means of five seeds, lines reach
    from the lowest to the highest. Neither of the two rankings of scores that were expected before the runs
    came out. Rescaled, a token of little weight counts as much as a heavy one wherever it comes first, so
    votes order the shares more than weights do. And the centred product, never wrong about a *single*
    erasure, has the sign of the share on {centred:.2f} of a text's tokens only, attention on {attention:.2f},
    the product on {product:.2f} (BiLSTM). Of a model that averages words it is the nearest in direction. A
    score is right or wrong for one game and one model, and the game is a choice. Orders are drawn for texts
    of more than 12 tokens; with uniform attention, where the product has τ 1, the draws leave {drawn:.2f}.
    """,
    centred=mean.get(("bilstm", "same_sign", "centred product"), float("nan")),
    attention=mean.get(("bilstm", "same_sign", "attention"), float("nan")),
    product=mean.get(("bilstm", "same_sign", "attention × gradient"), float("nan")),
    drawn=of_sst.query("scorer == 'uniform' and metric == 'tau' and method == 'gradient'")["value"].mean(),
)

# %% [markdown]
# ## The paper's numbers beside ours
#
# Which factor of the gradient does it? The table multiplies attention by the gradient, by its size, and by
# its sign; it has the violation ratio of the mean model, and the paper's two data sets below ours.

# %% tags=["remove-input"]
published = cells.read_published(cells.REFERENCE / "violation.csv")
factors = ["attention", "attention × gradient", "attention × |gradient|", "attention × sign(gradient)"]
own = cells.recorded("violation", ["gradient"]).query("operator == 'mean' and metric == 'violation'")
own = papers.named(own[own["target"].eq("probability") & ~own["dataset"].str.startswith("planted")])
printed = papers.named(published[published["experiment"] == "gradient"])
printed = printed.assign(dataset=printed["dataset"] + ", theirs")
table = pd.concat([own[own["method"].isin(factors)], printed]).pivot_table(
    "value", "dataset", "method", sort=False
)
notebook.table(table[factors].rename_axis("data set").reset_index())

# %% [markdown]
# bAbI 1 is the paper's own data set, and the authors' notebook prints each number of its four models:

# %% tags=["remove-input"]
theirs = published.query("experiment == 'methods' and dataset == 'babi1' and operator == 'mean'")
theirs = theirs[theirs["metric"] == "violation"]
babi = cells.all_texts(tables["violation"]).query("experiment == 'methods' and dataset == 'babi1'")
babi = babi.query("metric == 'violation' and operator == 'mean'")
sides = [
    side.assign(
        model=[papers.model_name(*pair) for pair in zip(side["encoder"], side["scorer"], strict=True)]
    )
    for side in (babi[babi["method"].isin(explain.PUBLISHED)], theirs)
]
mean = cells.over_rows(sides[0], ["model", "method"], sides[1], {"method": explain.PUBLISHED})
order = faithfulness.same_order(mean, "model", "method", least=0.02)
page.figure(
    charts.dot_panels(
        mean.assign(score="all texts"),
        "method",
        by="score",
        panel="model",
        title="Violation ratio on bAbI 1, ours and theirs",
        x_title="violation ratio (share of texts)",
        by_title="of",
    ),
    "For {n} of {models} models ours puts three in four pairs of methods, or more, in the published order.",
    n=int((order["share"] >= 0.75).sum()),
    models=len(order),
)

# %% [markdown]
# ## The verdicts
#
# {doc}`verdicts` has the rule. A mean below zero in the second row speaks for the gradient.

# %% tags=["remove-input"]
notebook.table(together.overview(judged), ["claim", "verdict", "mean", "95 % interval"])

# %% tags=["remove-cell"]
deep = tables["violation"].query("experiment == 'depth' and dataset == 'sst5'")
accuracy = deep[deep["metric"] == "accuracy"].groupby("layers")["value"].mean()
accurate = tables["violation"].query("experiment == 'methods' and metric == 'accuracy'")
worst = papers.named(accurate).groupby("dataset")["value"].mean()
page.glue(one=accuracy.get(1), eight=accuracy.get(8), worst=worst.min(), worst_set=worst.idxmin())

# %% [markdown]
# ## What it shows, and what not
#
# - The gradient carries the sign. This is close to the theorem, and no discovery about what a model has
#   learned.
# - A low ratio is no proof of a meaning. The test reads one token per text; where nearly all tokens support
#   the decision, a score without signs passes.
# - Each way to remove favours what differentiates it: gradients by attention do best under the attention
#   mask, gradients by the input under deletion. The mean of the three weighs these advantages.
# - The paper's rise with depth appears on SST with five classes, where deep models also train badly: their
#   accuracy falls from {glue:text}`one:.2f` with one hidden layer to {glue:text}`eight:.2f` with eight.
# - A text without a token is a text that the model was not trained on. And the models of
#   {glue:text}`worst_set` reach an accuracy of {glue:text}`worst:.2f` only.
#
# ## Try it

# %% tags=["remove-input"]
page.playground(sentences=[7], models=["bilstm"], challenges=["sign"], show=["erase"], link="playground.html")

# %% [markdown]
# Two tokens vote 1 and 2 for the decision, with the weights .8 and .2. Is attention × gradient violated? Is
# there a text of two tokens with positive votes in which it is not?
#
# ```{dropdown} Solution
# The products are $.8$ and $.4$, so the first token is on top. Without it the margin *rises* from $1.2$ to 2:
# violated, since $1 - 1.2 < 0$. With the weights .2 and .8 the second token is on top, and $2 - 1.8 > 0$.
# ```
#
# ## Its experiments
#
# - {doc}`../violation/methods`: all methods and five measures on one model
# - {doc}`../violation/gradient`: the factors of the gradient, what it is of, and clamped scores
# - {doc}`../violation/depth`: more layers behind attention
# - {doc}`../violation/example`: one text with the scores of every method
# - {doc}`../violation/own_model`: the test on a classifier of your own
# - {doc}`../beyond/shapley`: the fair share of each token in each class's logit, and scores beside it

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
