# %% [markdown]
# # What does each paper mean by "explanation"?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for contrasts.csv, both numbers of each contrast

# %% tags=["remove-cell"]
from attnbook import charts, notebook
from attnbook.verdicts import papers, shared_questions

page = notebook.begin(globals(), "chapters/meaning")
tables = papers.recorded(fresh)
contrasts = shared_questions.contrasts(tables)
page.write(contrasts, "contrasts.csv")
sides = contrasts.rename(columns={"mean": "first reading", "its mean": "second reading"})
sides = sides.melt("question", ["first reading", "second reading"], "reading").replace("not run", None)

# %% tags=["remove-input"]
page.answer(
    """
    **Different things, so most of their results can all be true.** At nearly the same output, weights chosen
    for each text alone differ by {one} nats from the model's, those of one trained model by {other}. An order
    by weights flips a decision with {weights} of the items, an order by weights × scores with {product}.
    """,
    one=contrasts["mean"][0],
    other=contrasts["its mean"][0],
    weights=contrasts["mean"][3],
    product=contrasts["its mean"][3],
)

# %% tags=["remove-input"]
page.figure(
    charts.intervals(
        sides.astype({"value": float}),
        "question",
        group="reading",
        title="One word, two readings: means over data sets of the same models",
        x_title="mean over data sets",
        domain=(0, 0.7),
    ),
    "The same models give far different numbers for two readings of one word. The table names the readings.",
)

# %% tags=["remove-input", "full-width"]
notebook.table(contrasts)

# %% [markdown]
# ## The four readings
#
# - **{cite:t}`jain2019attention`** ask for *faithful* weights. If attention explains a decision, then
#   measures of importance should agree with it ({doc}`agreement`), and other weights should give other
#   outputs ({doc}`moving_attention`, {doc}`same_output`). Their weights are chosen anew for each text: an
#   existence proof about outputs.
# - **{cite:t}`serrano2019attention`** ask for a *ranking*: what is attended most should matter most when it
#   is erased ({doc}`erasure`). The ranking may be right although no weight is.
# - **{cite:t}`wiegreffe2019attention`** ask about *a model*. An adversary that lives on one text at a time
#   shows little. It should be one model that has such weights on all texts ({doc}`one_model`), and attention
#   should be needed in the first place ({doc}`guide`). Several explanations may be valid for one output.
# - **{cite:t}`liu2022rethinking`** ask for a *sign*: a token that is said to support the decision should
#   support it ({doc}`sign`). Weights cannot be negative, so attention alone claims no sign.
#
# ## Where they talk past each other
#
# - **For each text, or one model.** The first two rows above are the distance between the two answers: at a
#   mean change of the output of at most {glue:text}`epsilon`, and of at most what another seed of the same
#   model changes. A model within that change is no further from the base than the base is from itself, so the
#   second row is the comparison that says something. On some data sets even a model trained to give the
#   base's outputs, and free to attend as it likes, moves them by more than {glue:text}`epsilon`: there the
#   first question has no answer.
# - **Weights, or weights × scores.** A decision is made of $\alpha_t z_t$. Weights alone leave out what each
#   token says; the product and the gradient put it back. Serrano and Smith's better ranking and Liu and
#   others' better sign are the same quantity, met twice.
# - **Importance, or polarity.** A score can order tokens by the size of their effect and be wrong about its
#   direction. Rank correlations, erasure and reach speak of the first, violations of the second.
#
# ## What can be checked, and what not
#
# "Is attention explanation?" is not one question to these numbers. Four can be checked: whether any attention
# could have changed the decision; whether the order of the weights is near that of the smallest flipping set;
# whether a sign is claimed, and of what; and whether the statement is about one text or about a model.
#
# None of them is whether people understand a model better by its weights. Nothing in this book measures that.
#
# ## Try it
#
# A paper says "attention explains our model: the words with the most weight are the ones our annotators
# marked". Which of the four readings is that?
#
# ```{dropdown} Solution
# None of the four. Agreement with people is *plausibility*: it can be high for weights that the model's
# decision does not depend on, and low for weights that it rests on.
# ```

# %% tags=["remove-cell"]
page.glue(epsilon=shared_questions.EPSILON)

# %% tags=["remove-input"]
page.recorded({(words, paper): tables[paper] for paper, words in papers.PAPERS.items()})
