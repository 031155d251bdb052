# %% [markdown]
# # Do defects of the released code change what the papers found?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for defects.csv, the numbers with each defect and without it

# %% tags=["remove-cell"]
from attnbook import charts, notebook
from attnbook.verdicts import defects, papers

page = notebook.begin(globals(), "chapters/defects")
tables = papers.recorded(fresh)
found = defects.measured(fresh)
page.write(found, "defects.csv", "%.6g")
change = defects.changes(found)
each = defects.changes(found, ("defect", "dataset"))
others = change["change"].sort_values().iloc[1:].abs().max()

# %% tags=["remove-input"]
page.answer(
    """
    **No claim turns around where we could measure it.** {count} defects were run both ways, on the
    same models. The largest works against its authors: their code's search for adversarial
    attention finds {less:.2f} nats less than the search of their text. Defects of labels matter to
    whoever cites a number.
    """,
    count=len(change),
    less=-change["change"].min(),
)

# %% tags=["remove-input"]
page.figure(
    charts.intervals(
        change.assign(none=0.0),
        "defect",
        value="change",
        bound="none",
        points=each,
        ours="mean of data sets",
        title="What a defect of the released code changes, on the same models",
        x_title="as released minus mended (share of texts, F1, or JSD in nats)",
    ),
    "Three defects move a mean by {most:.3f} at most; the search for adversaries loses {less:.3f} nats.",
    most=others,
    less=-change["change"].min(),
)

# %% [markdown]
# ## Four that were run both ways
#
# Every model below was tested twice: as the released code does it, and mended. Means over data sets:

# %% tags=["remove-input"]
notebook.table(change)

# %% [markdown]
# - **A rank is used as a position** ({cite:t}`serrano2019attention`, `attn-tests` at 0c093ee). The item that
#   is erased for comparison should be drawn among the items that do not have the largest weight. The code
#   draws a rank and uses it as a position in the text. So it can draw the most attended item itself, and
#   never the first. Comparison items then flip more decisions than they should, which works *against*
#   attention.
# - **Integrated gradients are weighted by the step** ({cite:t}`liu2022rethinking`, `Attention-Faithfulness`
#   at fc729e8). The gradient at step $k$ of $m$ is taken for the unscaled input and so counts $k/m$ times.
#   The scores no longer sum to the change of the output, but the sign of the top token rarely moves.
# - **The search is pushed to one bound and judged by another** ({cite:t}`jain2019attention`,
#   `AttentionExplanation` at 425a89a). The penalty starts at a change of .01 of the output in every task,
#   while a candidate is accepted up to .05; the diversity term has a different weight than in the paper. The
#   search stays closer to the model than it had to: the paper's case for adversarial attention is
#   understated.
# - **The epoch is chosen on the test split** ({cite:t}`wiegreffe2019attention`, `attention` at d867a2b). The
#   models compared share that advantage, so their difference hardly moves.
#
# ## Others, of labels, averages and definitions
#
# - **Two labels are exchanged.** In Jain and Wallace's tables of differences the row `ag` holds leave-one-out
#   against attention and `al` attention against the gradient. A reader of the tables takes one for the other.
#   Our {doc}`ledger <../beyond/ledger>` has the right names.
# - **One undefined τ makes a mean undefined.** A text whose weights or gradients are constant has no τ. The
#   means over its class are blank in the released tables ({doc}`agreement`). We leave such texts out and
#   count them.
# - **A question is averaged over its padding.** With the average encoder, for questions and pairs, the output
#   for a text depends on the length of the others in its batch.
# - **Half of the total variation.** Wiegreffe and Pinter's code takes half the difference of one probability,
#   half the textbook value. Their distances, and the λ of their loss, are to be doubled before comparing.
# - **Shares of the shortest text.** Beside the test of signs, Liu and others remove shares of a text's
#   tokens. The code takes the share of the *shortest* text of the batch for all. On bAbI 1 (convolution, dot
#   product) this rule explains most differences between our rank correlations and theirs, and of no measure
#   by shares.
# - **A sign for one class.** In a mode for a single sigmoid that the reported runs do not use, Liu and
#   others' gradient scores have the sign of class 1 whatever class is predicted.
#
# ## What it shows, and what not
#
# - These are defects of code as released, found by reading and by running it. A published number may come
#   from another state of the code: where we know, the {doc}`ledger <../beyond/ledger>` says so.
# - Both ways were run on our models and data. On theirs, a defect's effect may differ.
# - Ours has defects too. Each kernel is tested against its formula, and every number can be made again
#   ({doc}`../../run`).
#
# ## Try it
#
# A text has two items. Item 2 has the larger weight. Which item does the released code draw for comparison?
#
# ```{dropdown} Solution
# Ranks are drawn from 1 to $T - 1$, counted from 0: here always 1. Used as a position, 1 is the second item,
# which is the most attended one. The comparison is of an item with itself, and its difference is 0.
# ```
#
# ## Its experiments
#
# {doc}`../serrano_smith/single`, {doc}`../violation/methods`, {doc}`../jain_wallace/adversary`,
# {doc}`../wiegreffe_pinter/uniform`.

# %% tags=["remove-input"]
page.recorded({(words, paper): tables[paper] for paper, words in papers.PAPERS.items()})
