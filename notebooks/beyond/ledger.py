# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The ledger of all papers
#
# Every published number at hand beside ours, over all papers: {cite:t}`jain2019attention`,
# {cite:t}`serrano2019attention`, {cite:t}`wiegreffe2019attention` and {cite:t}`liu2022rethinking`. The page
# is made from the same comparisons as the papers' own pages ({doc}`../jain_wallace/ledger`,
# {doc}`../serrano_smith/summary`, {doc}`../wiegreffe_pinter/summary`, {doc}`../violation/summary`,
# {doc}`../violation/transformers_summary`); a new run changes them and nothing else.

# %% tags=["parameters", "hide-input"]
from typing import Optional

recorded: Optional[str] = None  # folder of recorded results; None: book/results of the project
fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for ledger.csv, the whole ledger as a table

# %% tags=["remove-output"]

from IPython.display import HTML

from attnbook import charts, notebook
from attnbook.runs import grid, progress, results
from attnbook.verdicts import ledger, ledgers

page = notebook.begin(globals(), "beyond/ledger")
table, papers = ledgers.everything(fresh, recorded)
totals = ledgers.totals(table)
page.write(table, "ledger.csv", "%.6g")

# %% [markdown]
# ## Totals
#
# Of {glue:text}`published` published numbers, {glue:text}`run` stand beside a result of ours:
# {glue:text}`holds` hold, {glue:text}`differs` differ, {glue:text}`undecided` are undecided;
# {glue:text}`not_run` are not run. {glue:text}`unverified` are known from memory only and marked as
# unverified; no verdict on them says anything about the paper.

# %% tags=["hide-input"]
charts.verdicts(
    totals.iloc[:-1],
    "part",
    ledger.VERDICTS,
    title="Published numbers by paper and verdict",
    x_title="published numbers",
)

# %% tags=["hide-input", "full-width"]
notebook.table(totals.rename(columns={"part": "paper"}))

# %% [markdown]
# Why a number is not run:

# %% tags=["hide-input"]
notebook.table(ledgers.reason_counts(table, ["not run"]).drop(columns="verdict"), ["part", "reason", "cells"])

# %% [markdown]
# Why a number differs or is undecided, as far as it is known:

# %% tags=["hide-input", "scroll-output"]
notebook.table(ledgers.reason_counts(table, ["differs", "undecided"]))

# %% [markdown]
# ## What is run, and what is not
#
# The grid of all papers, `config/paper.yaml`, has {glue:text}`grid_runs` runs, of which
# {glue:text}`grid_recorded` are recorded. A run on other parameters than the grid's does not count.

# %% tags=["hide-input", "scroll-output"]
root = results.RECORDED.parents[1]
grid_of_all = grid.read(root / "config" / "paper.yaml", root)
done = progress.recorded(recorded or results.RECORDED, grid_of_all)
counts = progress.table(grid_of_all, done)[["notebook", "dataset", "runs", "done"]]
notebook.table(counts.rename(columns={"done": "recorded"}))

# %% [markdown]
# ## What a verdict means
#
# A published number is one training run without a seed: it *holds* inside the prediction interval of one more
# run of ours, or within {glue:text}`tolerance` of our mean, and *differs* outside. It is *undecided* with one
# seed only, inside an interval of more than ±{glue:text}`widest`, or where one side is blank. Of the
# transformers, whose sizes cannot be compared, the *pattern* holds or differs: whether a method stands to
# random scores as theirs does. In the totals a pattern that holds is counted among what holds. What each
# paper's numbers are, and which runs of ours stand beside them, its own page says.
#
# ## The whole ledger
#
# Menus and words narrow the table, a click on a head sorts it. *From* says where the published number stands;
# *notebook* links to the page of the experiment. *Parameters* are those that make our number again, without
# what is the notebook's own choice; values divided by `|` are a run each:
#
# ```bash
# attnbook run notebooks/jain_wallace/base.py out.ipynb -p dataset sst -p vectors imdb -p seed 0
# attnbook verify paper=jain_wallace experiment=base dataset=sst vectors=imdb seed=0
# ```
#
# The second line runs a recorded run again and compares every number with the record ({doc}`../../run`).

# %% tags=["hide-input", "full-width"]
pages = {name: f"../{name}.html" for name in table["notebook"].unique()}
HTML(ledger.to_html(table, pages, "Every published number of all papers beside ours", ledgers.SHOWN))

# %% tags=["remove-cell"]
page.glue({name.replace(" ", "_"): value for name, value in totals.iloc[-1].drop("part").items()})
page.glue(grid_runs=len(grid_of_all), grid_recorded=len(done))
page.glue(tolerance=ledger.TOLERANCE, widest=ledger.WIDEST)

# %% [markdown]
# ## Limits
#
# - What is read off a figure is known to about ±.01, or as its paper's page says.
# - Thousands of numbers of one paper come from few models; a count of numbers is no count of independent
#   findings.

# %% tags=["remove-input"]
page.recorded({(words, part.paper): part.ours for words, part in papers.items()})
