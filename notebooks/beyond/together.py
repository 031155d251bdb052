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
from attnbook.verdicts import claims, papers, shared_questions, together
from attnbook.verdicts.cells import REFERENCE, read_published

page = notebook.begin(globals(), "beyond/together")
tables = papers.recorded(fresh=fresh, folder=recorded)
found = together.findings(tables)
numbers = together.every_number(found)
page.write(numbers, "together.csv", "%.6g")
nothing = notebook.nothing()

# %% [markdown]
# ## How a claim becomes a verdict
#
# As on the page {doc}`../jain_wallace/claims`, here for all papers alike. A claim is read as an inequality
# between numbers of one model; where the paper's word is a matter of degree the bound is ours.
#
# 1. For each data set, the share of its numbers that meet the inequality (models, seeds, and measures where
#    there are several).
# 2. The mean of these shares over data sets, each counted once.
# 3. From {glue:text}`holds` on the claim *holds*, up to {glue:text}`differs` it *differs*; between them, or
#    with fewer than {glue:text}`fewest` data sets, it is *undecided*; without any number it is *not run*.
#
# The rule counts models and does not look at intervals. How sure each number is stands beside the verdict:
# *clear of the bound* counts the models whose whole 95 % interval is on the claim's side, of those that have
# one. The interval is that of the mean over seeds (Student's *t*) where there are two or more, and over test
# texts where there is one seed and one number. With two seeds it is very wide, rightly.
#
# A verdict is about one reading of a claim in the data and models that were run, not about the paper: the
# pages of the papers have the other readings, the authors' own numbers beside ours, and why they differ.

# %% [markdown]
# ## The claims
#
# *Ours* is the mean over data sets, each once, and in brackets the data sets with the least and the greatest
# number. With one data set its least and greatest model stand there, with one model its interval, if it has
# one.

# %% tags=["hide-input", "full-width"]
notebook.table(together.overview(found))

# %% tags=["remove-input"]
notebook.markdown(together.by_verdict(found))

# %% [markdown]
# Whether a verdict is about our runs alone can be asked of Jain and Wallace's claims, for which the authors'
# released files have every number that the rule needs, of one model for each of their data sets:

# %% tags=["remove-input"]
notebook.markdown(together.by_their_numbers(read_published(REFERENCE / "jain_wallace.csv")))

# %% [markdown]
# Every number behind the table, by data set and model. *Clear* says on which side of the bound the whole
# interval is.

# %% tags=["hide-input", "full-width", "scroll-output"]
shown = numbers.rename(columns={"label": "number", "dataset": "data set", "interval": "interval over"})
notebook.table(shown)

# %% [markdown]
# Pages of the claims: {doc}`../jain_wallace/claims`; {doc}`../serrano_smith/single`,
# {doc}`../serrano_smith/sets`, {doc}`../serrano_smith/contextualisation`; {doc}`../wiegreffe_pinter/uniform`,
# {doc}`../wiegreffe_pinter/seeds`, {doc}`../wiegreffe_pinter/diagnostic`,
# {doc}`../wiegreffe_pinter/adversary`; {doc}`../violation/summary`,
# {doc}`../violation/transformers_summary`, {doc}`../violation/depth`.
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
#   itself. The search moves the output less than either.
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
# - Verdicts rest on the data sets named in the table. One model or one seed is an example; *undecided* often
#   means no more than few data sets.
# - Bounds are ours. How a verdict of Jain and Wallace's claims hangs on its bound is on their page.
# - Word vectors, data sets and sizes of models differ from the papers' where theirs were not at hand; the
#   transformers are small and trained here, *scenes* are generated. Planted corpora are left out.
# - Numbers of several claims come from the same models. They are no independent findings.

# %% tags=["remove-cell"]
verdicts = [finding.verdict for finding in found]
few = [one for one in found if one.verdict == "undecided" and one.cells["dataset"].nunique() < claims.FEWEST]
counts = {f"n_{verdict.replace(' ', '_')}": verdicts.count(verdict) for verdict in claims.VERDICTS}
page.glue(counts, n_claims=len(verdicts), n_few=len(few), epsilon=shared_questions.EPSILON)
page.glue(holds=claims.HOLDS, differs=claims.DIFFERS, fewest=claims.FEWEST)

# %% tags=["remove-input"]
page.recorded({(words, paper): tables[paper] for paper, words in papers.PAPERS.items()})
