# %% [markdown]
# # Playground: what changes when you move the attention?
#
# The bars are what a trained model attends to. Drag one, and see what the model says then. Everything is
# computed here, in the page, from the model's own numbers.

# %% tags=["parameters", "remove-cell"]
from typing import Optional

sentence: int = 24  # of the book's own sentences, by number; the page begins with it
epsilon: float = 0.01  # how far the output may move
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd
import torch

from attnbook import notebook
from attnlib.kernels import exact_adversary, reach
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "chapters/playground")
run = prepare("sst", vectors="imdb", recorded="only")
ours = run.readable()

# %% tags=["remove-input"]
page.playground(start=f"s={sentence}&m=bilstm&e={epsilon}")

# %% [markdown]
# ## How to read it
#
# - **A bar** is a token's weight, and the number above it says how much. All weights together are 1.
# - **The number below** is the token's vote: the log-odds of *positive* if this token had all the attention.
#   The model's output is the weighted mean of the votes. That is the whole model from here on, which is why
#   the page needs no server ({doc}`the Readout <../../readout>`).
# - **The line above the bars** is the probability of *positive*. The diamond is the model's own output, the
#   dot that of the bars. The thin line is what any attention can reach ({prf:ref}`theorem-reach`), the grey
#   band what any shuffle of the weights can ({prf:ref}`theorem-rearrangement`). In the pink band the output
#   is within ε of the model's. Past the dashed line the decision is another one.
# - **Exact adversary** puts the weights as far from the model's as they can be while the output stays within
#   ε ({prf:ref}`theorem-exact-adversary`). *Published search* is where the search of
#   {cite:t}`jain2019attention` ended, for ε = .01.
# - **Erase** takes tokens away, and the others share their attention. The smallest set that flips is found
#   by sorting ({prf:ref}`theorem-smallest-set`). *Next by attention, gradient or product* takes one more
#   token in that order, as {cite:t}`serrano2019attention` do.
#
# ## Your own words
#
# A sentence that you type is read by the average model, and the result is exact. This model reads each word
# by itself, so two numbers a word are all of it: how strongly it attracts attention, and its vote. The page
# holds them for every word that occurs three times or more in the training texts. Other words are shown, and
# have no vote. The other two models read a word by its neighbours, so they know the book's sentences only.
#
# ## The same in Python
#
# *Copy as Python* gives the state of the page as code. The page computes what the kernels of `attnlib`
# compute; a test compares the two. For the sentence with which the page begins:

# %%
text = ours.readout.select([ours.ids.index(f"sentences/{sentence}")])
found = exact_adversary(text, epsilon)
moved = text.probabilities(found.weights) - text.probabilities()
assert (moved.abs() <= epsilon + 1e-12).all()
found.jsd, reach(text).can_flip

# %% tags=["remove-cell"]
limits, furthest = reach(ours.readout), exact_adversary(ours.readout, epsilon)
columns = {"sentence": ours.ids, "can_flip": limits.can_flip, "largest_tvd": limits.largest_tvd}
page.write(pd.DataFrame(columns | {"jsd": furthest.jsd}), "playground.csv", "%.6g")
inert = ~limits.can_flip & (ours.readout.lengths > 1)
page.glue(
    inert=int(inert.sum()),
    sentences=len(ours),
    far=int((furthest.jsd > 0.5).sum()),
    moving=int((inert & (limits.largest_tvd > 0.2)).sum()),
)
assert torch.equal(limits.can_flip, limits.lowest < 0.5)

# %% [markdown]
# ## What to try
#
# - On {glue:text}`inert` of the {glue:text}`sentences` sentences (one-word ones not counted) *no* attention
#   changes what the BiLSTM decides. On {glue:text}`moving` of these the probability can still move by more
#   than .2. Find one.
# - On {glue:text}`far` sentences some attention with the same output (within ε) lies further than .5 from the
#   model's. Compare it with the published search on the same sentence.
# - Take a sentence whose decision *can* be flipped by erasing. Erase by attention, then by the product, and
#   count the tokens.
# - Erase a word that votes for the decision and watch the model get surer. {doc}`The chapter on the sign
#   <sign>` says when that happens.
#
# ## What it shows, and what not
#
# - The weights that you choose are put on the states of a trained model. No model was trained to have them.
# - A token's state in the BiLSTM has read its neighbours. Its vote is not that of the word alone.
# - These are {glue:text}`sentences` sentences that were written for this book. How often something happens on
#   a data set is said in the chapters.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
