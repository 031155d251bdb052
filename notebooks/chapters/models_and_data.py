# %% [markdown]
# # Are our models the papers' models?

# %% tags=["parameters", "remove-cell"]
from typing import Optional

fresh: Optional[str] = None  # sweep folder, such as build/sweep, whose runs take precedence
output: Optional[str] = None  # folder for performance.csv, every performance behind the figure

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnbook.verdicts import cells, papers, summary

page = notebook.begin(globals(), "chapters/models_and_data")
published = cells.once(cells.read_published(cells.REFERENCE / "jain_wallace.csv"))
published = pd.concat([published, summary.last_class(published, "f1")])
ours = cells.main_grid(cells.recorded("jain_wallace", ["base"], fresh))
datasets = papers.labels(["sst", "imdb", "agnews", "20news_sports", "ade", "babi1", "babi2", "snli"], ours)
both = summary.headline(cells.overall(cells.beside(ours, published, datasets)), ["f1", "accuracy"])
encoders = {"bilstm": "BiLSTM", "convolution": "convolution", "average": "average"}
rows = cells.select(both, encoder=encoders, scorer={"additive": "additive", "scaled_dot": "scaled dot"})
page.write(rows, "performance.csv", "%.6g")
pairs = rows.dropna(subset=["value", "published"])
pairs = pairs.assign(below=pairs["published"] - pairs["value"])
snli = pairs["dataset"].eq(datasets.get("snli_subset"))

# %% tags=["remove-input"]
page.answer(
    """
    **They perform like them, except on SNLI.** Of {n} models of Jain and Wallace that we trained again,
    {close:.0%} are within .05 of theirs (F1, or accuracy). On SNLI ours are {snli:.2f} below: we have part of
    its training texts. The word vectors are not theirs either.
    """,
    n=len(pairs),
    close=float((pairs["below"].abs() <= 0.05).mean()),
    snli=pairs.loc[snli, "below"].mean(),
)

# %% tags=["remove-input"]
page.figure(
    charts.dot_panels(
        rows,
        "dataset",
        by="encoder",
        panel="scorer",
        title="Performance on the test set (Jain and Wallace's Table 1)",
        x_title="F1, or accuracy beyond two classes",
        by_title="encoder",
        domain=(0, 1),
    ),
    "Ours (dots, with their range over seeds) perform like theirs (diamonds), except on our part of SNLI.",
)

# %% [markdown]
# ## Why it comes first
#
# A statement about the explanations of a model that performs worse is a statement about another model. So
# each model here is trained as its authors' *released code* trains it, and its performance stands beside
# theirs before anything is said about its attention.
#
# ## The models
#
# - {cite:t}`jain2019attention`: a BiLSTM, a convolution or the average of word vectors; additive or scaled
#   dot-product attention; a linear last layer, or a small network where there is a question.
# - {cite:t}`wiegreffe2019attention`: the same BiLSTM, and a model without context that is guided.
# - {cite:t}`serrano2019attention`: a recurrent encoder, a convolution or none, flat or by sentences; a
#   learned query; a linear last layer.
# - {cite:t}`liu2022rethinking`: BiLSTM and convolution, with more layers after attention where asked, and
#   transformers of text and of scenes.
#
# All but the transformers pool states with weights and end alike. One object describes them:
# {doc}`../../readout`.
#
# ## The data
#
# {doc}`../../data` lists every set, its source and its terms, and says where its files go. Three things
# differ from the papers:
#
# - **Word vectors.** Theirs are fastText and GloVe. Ours are trained on the IMDB reviews. How far the start
#   moves a result is a finding of its own: {doc}`agreement`.
# - **Parts.** Of AG News and SNLI we have part of the training texts. The figures say *part*.
# - **Stand-ins.** ADE, case reports, takes the place of the ADR tweets, which may not be passed on. MIMIC's
#   discharge letters need a signed agreement: their rows are *not run*.
#
# Data that is *generated* is marked on its page. It serves where the evidence must be known
# ({doc}`known_truth`) and where a page must be made in seconds.
#
# ## Try it
#
# A model with F1 .81 and one with F1 .80 agree on how many texts, at least, if 1,725 texts have two classes?
#
# ```{dropdown} Solution
# Some 330 texts are wrong for each. If no text is wrong for both, the models disagree on about 660 of the
# 1,725 texts. Equal performance does not make equal models, which is why several seeds are trained.
# ```
#
# ## Its experiments
#
# - {doc}`../jain_wallace/base`: one model, its data and its performance with and without attention
# - {doc}`../serrano_smith/base`: six architectures

# %% tags=["remove-input"]
page.recorded({(papers.PAPERS["jain_wallace"], "jain_wallace"): ours})
