# %% [markdown]
# # What holds of the four papers' claims?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

recorded: Optional[str] = None  # folder of recorded results; None: book/results of the project
fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for verdicts.csv, every number behind the verdicts

# %% tags=["remove-cell"]
from attnbook import charts, notebook
from attnbook.verdicts import inference, papers, together

page = notebook.begin(globals(), "chapters/verdicts")
tables = papers.recorded(fresh=fresh, folder=recorded)
found = together.findings(tables)
numbers = together.every_number(found)
page.write(numbers, "verdicts.csv", "%.6g")
judged, single = together.margins(found)
verdicts = [one.judged.verdict for one in found]
counts = {f"n_{word.replace(' ', '_')}": verdicts.count(word) for word in inference.VERDICTS}
few = sum(one.judged.verdict == "open" and not one.judged.enough for one in found)
page.glue(counts, n_claims=len(found), n_few=few)

# %% tags=["remove-input"]
page.answer(
    """
    **Most of what Jain and Wallace measured holds; most of what was concluded from it is open.** Of
    {n_claims} claims, read as inequalities, {n_holds} hold, {n_points_that_way} point that way, {n_open} are
    open, {n_points_the_other_way} points the other way and {n_differs} differ, in our models and data sets.
    One rule judges all of them, and its [error rates](#verdict-rule) are known.
    """,
    n_claims=len(found),
    **counts,
)

# %% tags=["remove-input"]
page.figure(
    charts.intervals(
        judged.assign(bound=0.0),
        "claim",
        group="verdict",
        bound="bound",
        points=single,
        title="How far each claim is met",
        x_title="difference from the bound, + is met",
        ours="mean over data sets",
        to_scale=0.2,
    ),
    "Each claim's mean with its 95 % interval, and a ring per data set. Right of the line the claim is met.",
)

# %% [markdown]
# ## The claims, one by one
#
# Each leads to its chapter. The *mean* is over data sets, the *bound* what it has to pass; {doc}`ledger
# <../beyond/ledger>` has the papers' single numbers beside ours.

# %% tags=["remove-input", "full-width"]
table = together.overview(found)
table["claim"] = [notebook.Link(one.claim.claim, f"{one.claim.chapter}.html") for one in found]
notebook.table(table, ["claim", "paper", "mean", "95 % interval", "bound", "data sets", "verdict", "written"])

# %% [markdown]
# What each claim is read as:

# %% tags=["remove-input", "full-width", "scroll-output"]
notebook.table(together.overview(found), ["claim", "what we measure", "seeds"])

# %% [markdown]
# (verdict-rule)=
# ## How a claim becomes a verdict
#
# A claim is an inequality for one quantity. Where the paper's word is one of degree ("often", "weakly") the
# bound is ours.
#
# 1. The effect on a data set is the mean over training seeds. The variance between seeds is pooled over the
#    data sets of a model, so that two seeds of one set are not asked for more than they know.
# 2. Over data sets the estimate is a random-effects mean with the interval of Hartung and Knapp, on the logit
#    scale for shares. At least {glue:text}`fewest` data sets are needed.
# 3. *Holds*: the 95 % interval is on the claim's side of the bound. *Differs*: it is on the other side.
#    *Points that way* and *points the other way*: the 80 % interval is. Otherwise the claim is *open*, and
#    without a run *not run*.
#
# A claim about one named data set is judged over its seeds, at least {glue:text}`fewest_seeds` of them.
# *Written* says when the inequality was put down, with the commit: before any run that judges it was
# recorded, partly after, or after. A claim written after its data may have been chosen for them: its verdict
# is worth less.
#
# ## How often the rule errs
#
# Simulated with made-up numbers. *Wrong*: a claim whose effect lies exactly on its bound gets a firm word.
# *Wrong pointing*: it gets a word that points. *Found*: a claim whose effect is two standard deviations of a
# seed beyond its bound *holds*. *Spread* is the deviation between data sets, in deviations of a seed.

# %% tags=["remove-input"]
rates = inference.error_rates(sets=(3, 4, 8), seeds=(2, 5))
notebook.table(rates[rates["data sets"].isin([3, 4, 8])])

# %% tags=["remove-cell"]
page.glue(fewest=inference.FEWEST_SETS, fewest_seeds=inference.FEWEST_SEEDS)
page.glue(wrong=rates["wrong"].max(), pointing=rates["wrong pointing"].max())
page.glue(found_three=rates.loc[rates["data sets"] == 3, "found"].min())

# %% [markdown]
# At most {glue:text}`wrong:.1%` of claims without an effect get a firm word, and at most
# {glue:text}`pointing:.0%` a word that points: *points that way* is a hint, no more. With three data sets
# that differ, a large effect is found in only {glue:text}`found_three:.0%` of the cases: much that is *open*
# here is open because few data sets were run.
#
# ## Limits
#
# - A verdict is about one reading of a claim in the data and models that were run. It is not about the paper.
# - {glue:text}`n_few` of the {glue:text}`n_open` open claims have fewer data sets, or fewer seeds, than the
#   rule asks for.
# - The data sets are those that could be had. Nobody drew them from a population.
# - The rule is younger than most runs: it replaced one without error control. Where an interval ends near its
#   bound, another sound rule could give the next word.
# - Claims of one paper rest on the same models. They are no independent findings.

# %% tags=["remove-input"]
page.recorded({(words, paper): tables[paper] for paper, words in papers.PAPERS.items()})
