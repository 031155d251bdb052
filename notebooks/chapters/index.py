# %% [markdown]
# # Is attention explanation?
#
# **Attention weights look like an explanation. Often, quite different weights give the same answer.**

# %% tags=["parameters", "remove-cell"]
from typing import Optional

sentence: int = 24  # of the book's own sentences, by number
epsilon: float = 0.01  # how far the output may move
fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
from collections import Counter

from attnbook import charts, notebook
from attnbook.verdicts import inference, papers, together
from attnlib.kernels import exact_adversary, search_adversary
from attnlib.prepare.flat import prepare

page = notebook.begin(globals(), "chapters/index")
run = prepare("sst", vectors="imdb", recorded="only").readable()
at = run.ids.index(f"sentences/{sentence}")
tokens, readout = run.words[at], run.readout.select([at])
rows = {
    "the model's attention": readout.alpha,
    "found by search, the same output": search_adversary(readout, epsilon).weights,
    "the most different one there is": exact_adversary(readout, epsilon).weights,
}
predicted = int(readout.predictions()[0])
tables = papers.recorded(fresh)
verdicts = Counter(one.judged.verdict for one in together.findings(tables))

# %% tags=["remove-input"]
page.figure(
    charts.heatmap(
        tokens,
        {name: weights[0, : len(tokens)].tolist() for name, weights in rows.items()},
        title="Three attentions, one output",
    ),
    "A BiLSTM calls this sentence of ours {label} with probability {p:.2f}, under all three attentions.",
    label=["negative", "positive"][predicted],
    p=float(readout.probabilities()[0, predicted]),
)

# %% tags=["remove-input"]
page.says(
    """
    The output does not tell these apart. Is the first one the explanation? Four papers disagree. Here are
    their claims, run again and judged by one rule: {strip}

    [All verdicts](experiments/chapters/verdicts.ipynb)
    """,
    strip=" ".join(
        f'<span class="verdict {word.replace(" ", "-")}">{word} <b>{verdicts[word]}</b></span>'
        for word in inference.VERDICTS
        if verdicts[word]
    ),
)

# %% [markdown]
# ## Three ways to read
#
# - **Ten minutes.** {doc}`What holds of the claims <experiments/chapters/verdicts>`, then
#   {doc}`move the attention yourself <experiments/chapters/playground>`, on your own words too.
# - **One hour.** The chapters in their order, from {doc}`the Readout <readout>` on. Each begins with its
#   answer and one picture. Their experiments are the pages below them.
# - **Teaching.** Every chapter ends with an exercise and a folded solution; the {doc}`glossary <glossary>`
#   has the terms, {doc}`the debate <debate>` who answered whom, and {doc}`where is Figure 6? <figures>` finds
#   each figure of the papers.
#
# ## Three ways to use it
#
# - **Run.** Any page runs with your parameters, alone or as a grid: {doc}`run`.
# - **Change.** The pages are plain Python files. `make lab` opens them in JupyterLab.
# - **Your data, your model.** A csv goes {doc}`wherever a data set's name goes <own>`. A model that pools
#   with weights and ends in a linear layer gives a {doc}`Readout <readout>`; any classifier can be put to the
#   {doc}`test of signs <experiments/violation/own_model>`.
#
# ## What is exact here, and what this book does not claim
#
# Where a paper searches or samples, this book often has the answer itself: which decisions no attention can
# change, the fewest tokens whose erasure flips one, and, with two classes, the most different attention at
# the same output and the range over all permutations. All of it needs a linear last layer.
#
# A number here says what trained models do on given data. Pages with real data say so, and so do those with
# *generated* data, which serve where the evidence must be known. No number here says whether people
# understand a model better by its attention.

# %% [markdown]
# The papers: {cite:t}`jain2019attention`, {cite:t}`serrano2019attention`, {cite:t}`wiegreffe2019attention`,
# {cite:t}`liu2022rethinking`. What each means by the word: {doc}`experiments/chapters/meaning`.
# The {doc}`ledger <experiments/beyond/ledger>` sets
# {glue:text}`experiments/beyond/ledger.ipynb::compared:,d` of their numbers beside ours, one by one.

# %% tags=["remove-input"]
page.recorded({(words, paper): tables[paper] for paper, words in papers.PAPERS.items()})
