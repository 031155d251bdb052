# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the four papers say together
#
# {cite:t}`jain2019attention` say that attention is not explanation, {cite:t}`serrano2019attention` that it is
# no reliable one, {cite:t}`wiegreffe2019attention` that this does not follow, and {cite:t}`liu2022rethinking`
# that the sign of such scores is often wrong. This page sets the central claims of all four beside the
# recorded runs of this project, by one rule, and then takes the questions that they share. Every number,
# verdict and list of data sets on it is computed from the recorded tables; a new run changes the page. What
# was not run says so.

# %% tags=["parameters", "hide-input"]
from typing import Optional

recorded: Optional[str] = None  # folder of recorded results; None: book/results of the project
fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for together.csv, every number behind the verdicts

# %% tags=["remove-output"]


from attnbook import charts, notebook
from attnbook.verdicts import claims, inference, papers, shared_questions, together

page = notebook.begin(globals(), "beyond/together")
tables = papers.recorded(fresh=fresh, folder=recorded)
found = together.findings(tables)
numbers = together.every_number(found)
page.write(numbers, "together.csv", "%.6g")
nothing = notebook.nothing()

# %% [markdown]
# (verdict-rule)=
# ## How a claim becomes a verdict
#
# A claim is read as an inequality for one quantity; where the paper's word is a matter of degree the bound is
# ours. All claims of all papers are judged by one rule:
#
# 1. The effect on a data set is the mean over training seeds, of all models that the claim is about. How much
#    seeds differ is pooled over the data sets of a model, so that two seeds of one set are not asked for more
#    than they know.
# 2. Over data sets it is a random-effects mean with the interval of Hartung and Knapp, Student's *t* with one
#    degree of freedom fewer than data sets; at least {glue:text}`fewest` of them. Quantities with a range,
#    such as shares, are averaged on its logit scale, so that no interval leaves it; a share near 0 or 1
#    weighs more there than in a plain mean.
# 3. *Holds* and *differs*: the 95 % interval is on the claim's side of the bound, or on the other. *Points
#    that way* and *points the other way*: only the 80 % interval is. Else the claim is *open*; without any
#    run it is *not run*.
#
# A claim about one named data set is judged over its seeds, at least {glue:text}`fewest_seeds` of them, and
# says *alone*. *Written* says when a claim was put down as an inequality with its bound, and in which commit:
# before any run that judges it was recorded, partly after (a few were), or after. One that was written after
# its data may have been chosen for them, and its verdict is worth less.
#
# How often the rule errs can be simulated, as its numbers can be made up. *Wrong*: a claim whose effect lies
# exactly on its bound comes out as *holds* or *differs*; *wrong pointing*: as one of the two that point;
# *found*: one whose effect is two standard deviations of a seed beyond its bound comes out as *holds*.
# *Spread* is the standard deviation between data sets, in standard deviations of a seed.

# %% tags=["hide-input"]
rates = inference.error_rates()
notebook.table(rates)

# %% tags=["remove-cell"]
page.glue(fewest=inference.FEWEST_SETS, fewest_seeds=inference.FEWEST_SEEDS)
page.glue(wrong=rates["wrong"].max(), pointing=rates["wrong pointing"].max())
page.glue(found_three=rates.loc[rates["data sets"] == 3, "found"].min())

# %% [markdown]
# So at most a share of {glue:text}`wrong:.2f` of claims without an effect get a firm verdict, and at most
# {glue:text}`pointing:.2f` point somewhere: *points that way* is a hint. With three data sets that differ,
# even a large effect is found in a share of {glue:text}`found_three:.2f` only.
#
# A verdict is about one reading of a claim in the data and models that were run, not about the paper: the
# pages of the papers have the other readings, the authors' own numbers beside ours, and why they differ.

# %% [markdown]
# ## The claims

# %% tags=["hide-input", "full-width"]
notebook.table(together.overview(found))

# %% [markdown]
# How many claims of each paper have which verdict, and what is left of it without those that were written
# after their data or partly so:

# %% tags=["hide-input"]
notebook.table(together.counts(found))

# %% tags=["hide-input"]
notebook.table(together.counts([one for one in found if one.claim.written == "before"]))

# %% [markdown]
# Whether a verdict is about our runs alone can be asked of Jain and Wallace's claims, for which the authors'
# released files have every number that the rule needs: {doc}`../jain_wallace/claims`.
#
# Every number behind the table, by data set and model: mean over seeds, the least and the greatest.

# %% tags=["hide-input", "full-width", "scroll-output"]
notebook.table(numbers.rename(columns={"dataset": "data set", "low": "least", "high": "greatest"}))

# %% [markdown]
# Pages of the claims: {doc}`../jain_wallace/claims`; {doc}`../chapters/erasure`, {doc}`../chapters/encoders`;
# {doc}`../wiegreffe_pinter/uniform`, {doc}`../wiegreffe_pinter/seeds`, {doc}`../wiegreffe_pinter/diagnostic`,
# {doc}`../wiegreffe_pinter/adversary`; {doc}`../chapters/sign`, {doc}`../chapters/transformers`.
#
# ## 1. Can the output stay while attention changes, and how much of that is geometry?
#
# Two of the papers move attention and watch the output. How far such an experiment can get is decided before
# it starts: {ref}`reach <reach>`, the largest change that *any* attention makes, is known exactly for a
# linear head. Where it is small the output stays whatever is done to the weights, and whatever they mean.
# Below, for additive attention: what is possible, and what permuting the weights does.

# %% tags=["hide-input"]
changes = {
    "largest_tvd": "largest change that any attention makes",
    "median_tvd": "median change under permutation",
}
reach = shared_questions.reached(tables, changes)
charts.dot_panels(
    reach,
    "dataset",
    by="encoder",
    panel="metric",
    title="What attention could do to the output, and what permuting it does",
    x_title="mean change of the output (TVD)",
    by_title="encoder",
    domain=(0, 1),
) if len(reach) else nothing

# %% tags=["hide-input"]
divergences = shared_questions.divergences(tables)
notebook.table(claims.side_by_side(divergences))

# %% [markdown]
# The table is of the BiLSTM; numbers are means over seeds, with the lowest and the highest seed. Divergences
# are of the median text, at ε = {glue:text}`epsilon`. The optimum needs two classes and a linear head.

# %% tags=["remove-cell"]
inert, search, optimum, _, within = (column["value"] for column in divergences.values())
tau, models = shared_questions.rank_agreement(tables, "largest_tvd", "median_tvd")
above = claims.ends((optimum - search).dropna())
page.glue(inert=claims.ends(inert), tau=claims.number(tau), models_of_tau=models)
page.glue(above_search=above, within=claims.ends(within))

# %% [markdown]
# - On a share of {glue:text}`inert` of the texts no attention changes the BiLSTM's class.
# - Over {glue:text}`models_of_tau` models (data set, encoder, scorer) Kendall's τ between the largest
#   possible change and the change under permutation is {glue:text}`tau`: 0 would mean that the outcome of the
#   permutation test has nothing to do with reach, 1 that it orders models as reach does.
# - The optimum is above the search by {glue:text}`above_search` nats.
# - Uniform weights, which know nothing of the text, keep the output within ε on a share of
#   {glue:text}`within` of the texts.
#
# **What it shows.** How far attention can go while the output stays is a number, known exactly for two
# classes, and the search finds less of it. Part of it is geometry of the encoder's states: on texts where
# every token alone votes for the same class, a decision that stays says nothing about attention. **What it
# does not show.** The tables hold no result of the permutation test on the other texts alone, and a weight
# moved to another token still reads some of the first where states carry their neighbours. And weights on one
# or two tokens are what the output permits, not what a model would do: that is question 4.
#
# ## 2. Does attention point to what matters?
#
# {cite:t}`serrano2019attention` erase items in the order of a ranking until the decision flips. The smallest
# set that flips it is {doc}`a sort <geometry>`, so each ranking has an exact yardstick. Means over data sets
# and architectures, each data set once:

# %% tags=["hide-input"]
methods = ["random", "attention", "gradient", "product", "centred product", "greedy"]
measures = {
    "fraction_all": "fraction of items erased (never = 1)",
    "excess": "items over the exact minimum",
    "optimal": "reaches the minimum (share of documents)",
}
rankings = shared_questions.rankings(tables, methods, measures)
notebook.table(shared_questions.ranking_means(rankings)) if len(rankings) else nothing

# %% tags=["remove-input"]
of_sets = rankings.drop_duplicates(["dataset", "encoder"]).groupby("dataset", sort=True)["encoder"]
documents = "; ".join(f"{dataset} ({', '.join(encoders)})" for dataset, encoders in of_sets)
seeds = claims.least_to_most(rankings["n_seeds"])
notebook.markdown(f"Documents of {documents}; seeds of each model: {seeds}." if documents else "Not run.")

# %% [markdown]
# **What it shows.** How far an order of attention is from chance on one side, and from the exact minimum on
# the other. **What it does not show.** The product is nearly the optimal order by construction: for two
# classes the exact order is $\alpha_t d_t$, and the product is that without the bias. Where it wins, that is
# algebra, not a discovery about explanations. And the correlation with gradients (Jain and Wallace) is no
# such yardstick: it compares attention with another measure, not with what flips the decision.
#
# ## 3. Has the sign a meaning?
#
# Attention has no negative weights. Its violation ratio is the share of texts whose top token, when removed,
# makes the predicted class *more* probable; the standard to compare with is a random choice of token, not
# one half. Below the same scores twice: how well their size ranks effects, and how often the sign of the top
# token is wrong.

# %% tags=["hide-input"]
three = ["random", "attention", "attention × gradient"]
two = {
    "rank_correlation": "importance: rank correlation with the effect ↑",
    "violation": "polarity: violation ratio ↓",
}
scores = shared_questions.polarities(tables, three, two)
charts.dot_panels(
    scores,
    "model",
    by="method",
    panel="metric",
    title="Importance and polarity of the same scores",
    x_title="Spearman's ρ, or share of texts",
    by_title="score",
) if len(scores) else nothing

# %% tags=["hide-input"]
further = ["random", "signed random", "attention", "attention × gradient", "leave-one-out"]
signs = shared_questions.polarities(tables, further, {"violation": "violation ratio"})
ratios = signs.pivot_table("value", "model", "method", observed=True)
notebook.table(ratios.reset_index()) if len(signs) else nothing

# %% [markdown]
# Violation ratios, mean of the ways to remove and over seeds. Leave-one-out is the sign of the effect itself:
# it cannot be wrong under its own way to remove.

# %% tags=["remove-cell"]
page.glue({f"signs_{name}": value for name, value in shared_questions.signs(signs).items()})
page.glue(like_chance=shared_questions.LIKE_CHANCE)

# %% [markdown]
# Attention is less than {glue:text}`like_chance` better than random scores for {glue:text}`signs_alike` of
# {glue:text}`signs_models` models; its product with the gradient is violated less often than attention itself
# for {glue:text}`signs_better` of {glue:text}`signs_models`.
#
# **What it shows.** Whether the token with the most weight supports the decision depends on model and data.
# Where it nearly always does, unsigned scores pass: the test sees the top token only, so a low ratio is no
# proof that a sign means anything for the others. **What it does not show.** Removing a token makes a text
# that the model was not trained on, and the ways to remove differ. For two classes and removal by the
# attention mask the right sign is known: that of $s_t - \bar s$, not of $s_t$
# ({doc}`../violation/gradient`).
#
# ## 4. What "explanation" needs: where the papers talk past each other
#
# The same words stand for different things. Each row has two numbers of the same models, mean over data sets:

# %% tags=["hide-input", "full-width"]
contrasts = shared_questions.contrasts(tables)
notebook.table(contrasts)

# %% [markdown]
# - **For each text, or one model.** Jain and Wallace, and the exact optimum, choose weights anew for every
#   text: an existence proof about outputs. Wiegreffe and Pinter ask for *one* model that has such weights on
#   all texts, and how far they are from what another seed brings. Both can be right at once: the first is a
#   statement about what the last layer lets pass, the second about what training finds. The first two rows
#   of the table are the distance between the two answers, at a mean change of the model's output of at most
#   {glue:text}`epsilon`, and of at most what another seed of the same model changes. The second is what
#   training again brings by itself: a model within it is no further from the base than the base is from
#   itself. It is the comparison that says something: on some data sets a model that is trained to give the
#   base's outputs, and not asked to attend elsewhere (λ = 0), already moves them by more than
#   {glue:text}`epsilon`; there the first question has no answer and no number in the table. The search moves
#   the output less than either.
# - **Weights, or weights × scores.** A decision is made of $\alpha_t z_t$. Weights alone leave out what each
#   token says; the product and the gradient put it back. Serrano and Smith's better ranking and Liu and
#   others' better sign are the same quantity, attention × gradient, met twice.
# - **Importance, or polarity.** A score can order tokens by the size of their effect and be wrong about its
#   direction. Rank correlations, erasure and reach speak of the first, violations of the second; the last two
#   rows are the same models and scores.
#
# So "is attention explanation?" is not one question to these numbers. Four can be checked: whether any
# attention could have changed the decision; whether the order of the weights is near that of the smallest
# flipping set; whether a sign is claimed, and of what; and whether the statement is about one text or about a
# model. None of them is whether people understand a model better by its weights: nothing here measures that.
#
# ## Limits
#
# - Verdicts rest on few data sets, and treat them as drawn from those that a claim is about; nobody drew
#   them. Of the {glue:text}`n_open` claims that are *open*, {glue:text}`n_few` have fewer data sets, or fewer
#   seeds of the one they are about, than the rule asks for; on the others the data sets disagree or are near
#   the bound.
# - Bounds are ours. Whether another would change a verdict can be read off the interval.
# - The rule is younger than the runs: it replaced one that counted on how many data sets an inequality holds.
#   Where an interval ends near its bound another sound rule could give the word beside: so for the erasure of
#   the most attended item, where it matters whether the logit is taken of models or of data sets.
# - Intervals are over seeds and data sets; every test text of a data set is taken as it is. Models that share
#   a part (two encoders against one model without) count as independent within a data set.
# - Word vectors, data sets and sizes of models differ from the papers' where theirs were not at hand; the
#   transformers are small and trained here, *scenes* are generated. Planted corpora are left out.
# - Numbers of several claims come from the same models. They are no independent findings.

# %% tags=["remove-cell"]
verdicts = [one.judged.verdict for one in found]
few = [one for one in found if one.judged.verdict == "open" and not one.judged.enough]
counts = {f"n_{word.replace(' ', '_')}": verdicts.count(word) for word in inference.VERDICTS}
page.glue(counts, n_claims=len(verdicts), n_few=len(few), epsilon=shared_questions.EPSILON)

# %% tags=["remove-input"]
page.recorded({(words, paper): tables[paper] for paper, words in papers.PAPERS.items()})
