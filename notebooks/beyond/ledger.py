# %% [markdown]
# # The ledger: every published number of the four papers beside ours
#
# The papers are {cite:t}`jain2019attention`, {cite:t}`serrano2019attention`, {cite:t}`wiegreffe2019attention`
# and {cite:t}`liu2022rethinking`. The ledger has the numbers that somebody saw in the authors' released
# files, in their code or in the paper; the column *checked in* says where. For {cite:t}`serrano2019attention`
# and {cite:t}`wiegreffe2019attention` these are sizes of the data only; their claims in words have
# {doc}`verdicts <../chapters/verdicts>`.

# %% tags=["parameters", "remove-cell"]
from typing import Optional

recorded: Optional[str] = None  # folder of recorded results; None: book/results of the project
fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for ledger.csv, the whole ledger as a table

# %% tags=["remove-cell"]
import pandas as pd
from IPython.display import HTML

from attnbook import charts, notebook
from attnbook.runs import grid, progress, results
from attnbook.verdicts import ledger, ledgers

page = notebook.begin(globals(), "beyond/ledger")
table, papers = ledgers.everything(fresh, recorded)
totals = ledger.totals(table, "part")
page.write(table, "ledger.csv", "%.6g")

# %% [markdown]
# ## Totals
#
# Of {glue:text}`published:d` published numbers {glue:text}`compared:d` have one of ours beside them:
# {glue:text}`compatible:d` are compatible, {glue:text}`differs:d` differ, {glue:text}`undecided:d` are
# undecided. The other {glue:text}`not_run:d` are not run. Of the reasons for a difference
# {glue:text}`shown:d` are shown, {glue:text}`known:d` known and {glue:text}`untested:d` untested.

# %% tags=["remove-input"]
charts.verdicts(
    totals.iloc[:-1],
    "part",
    ledger.VERDICTS,
    title="Published numbers by paper and verdict",
    x_title="published numbers",
)

# %% tags=["remove-input", "full-width"]
notebook.table(totals.rename(columns={"part": "paper"}))

# %% [markdown]
# Sizes of the data are checks, not verdicts:

# %% tags=["remove-input"]
notebook.table(ledger.checks(table, "part").rename(columns={"part": "paper"}))

# %% [markdown]
# How informative the verdicts on each metric are: *placebo* is the share of compatible numbers after the
# published ones are shuffled within metric, data set and encoder; *lift* is how much the true share exceeds
# it. A metric with a lift below {glue:text}`least_lift` is uninformative.

# %% tags=["remove-input", "scroll-output"]
each = {words: ledger.placebo(part.table) for words, part in papers.items()}
worth = pd.concat(each, names=["paper"]).reset_index("paper")
notebook.table(worth[worth["decided"] > 0])

# %% [markdown]
# Why a number is not run:

# %% tags=["remove-input"]
notebook.table(ledgers.reason_counts(table, ["not run"]).drop(columns="verdict"), ["part", "reason", "cells"])

# %% [markdown]
# Why a number differs or is undecided:

# %% tags=["remove-input", "scroll-output"]
notebook.table(ledgers.reason_counts(table, ["differs", "undecided"]))

# %% [markdown]
# ## What is run, and what is not
#
# The grid of all papers, `config/paper.yaml`, has {glue:text}`grid_runs` runs, of which
# {glue:text}`grid_recorded` are recorded. A run on other parameters than the grid's does not count.

# %% tags=["remove-input", "scroll-output"]
root = results.RECORDED.parents[1]
grid_of_all = grid.read(root / "config" / "paper.yaml", root)
done = progress.recorded(recorded or results.RECORDED, grid_of_all)
counts = progress.table(grid_of_all, done)[["notebook", "dataset", "runs", "done"]]
notebook.table(counts.rename(columns={"done": "recorded"}))

# %% [markdown]
# ## What a verdict means
#
# A published number comes from one training run. It is *compatible* inside the prediction interval of one
# more run of ours, with the seeds' variance pooled over the cells of one metric and encoder. It *differs*
# outside it and by more than .03, or 30 % where both numbers are small. It is *undecided* inside an interval
# wider than the metric's own bound, and *not run* where either number is missing. A reason is *shown* where a
# run of ours with another setting closes at least half of the gap, *known* from a line of the authors' code
# or a fact of the data, else *untested*. The authors' transformers are larger than ours and not in this table
# ({doc}`../chapters/transformers`).
#
# ## The whole ledger
#
# Menus and words filter the table, a click on a head sorts it, and the address of the page keeps both. A row
# opens to show the rest: *one more run of ours* is the prediction interval, *notebook* links to the
# experiment, and *parameters* are those with which it gives our number; values divided by `|` are a run each:
#
# ```bash
# attnbook run notebooks/jain_wallace/base.py out.ipynb -p dataset sst -p vectors imdb -p seed 0
# attnbook verify paper=jain_wallace experiment=base dataset=sst vectors=imdb seed=0
# ```
#
# The second line runs a recorded run again and compares every number with the record ({doc}`../../run`).

# %% tags=["remove-input", "full-width"]
pages = {name: f"../{name}.html" for name in table["notebook"].unique()}
HTML(ledger.to_html(table, pages, "Every published number of all papers beside ours", ledgers.SHOWN))

# %% tags=["remove-cell"]
page.glue({name.replace(" ", "_"): value for name, value in totals.iloc[-1].drop("part").items()})
page.glue(grid_runs=len(grid_of_all), grid_recorded=len(done))
page.glue(least_lift=ledger.LEAST_LIFT)

# %% [markdown]
# ## Limits
#
# - What is read off a figure is known to about ±.01, or as its paper's page says.
# - Thousands of numbers of one paper come from few models; a count of numbers is no count of independent
#   findings.

# %% tags=["remove-input"]
page.recorded({(words, part.paper): part.ours for words, part in papers.items()})
