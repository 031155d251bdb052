# %% [markdown]
# # Test the explanations of your own transformer
#
# A text classifier of the `transformers` library, a VisualBERT or an LXMERT can take the violation test of
# {cite:t}`liu2022rethinking` as it is: attention maps, their gradients and their relevance are recorded while
# the unchanged model runs.
#
# The models on this page are not trained and their inputs are made up, so **the numbers here mean nothing**.
# {doc}`transformers` has trained models.

# %% tags=["parameters", "hide-input"]
from typing import Optional

seed: int = 0  # of the models' weights, the made-up inputs and the random scores
output: Optional[str] = None  # folder for rates.csv, the violation ratios of this page

# %% tags=["remove-cell"]
import hashlib
from functools import partial

import pandas as pd
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LxmertConfig,
    LxmertForQuestionAnswering,
    PreTrainedTokenizerFast,
    VisualBertConfig,
    VisualBertForQuestionAnswering,
)

from attnbook import charts, notebook
from attnbook.verdicts.cells import REFERENCE
from attnlib import explain, faithfulness
from attnlib.explain.transformers import explain_texts
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import BERT_TEXT, LXMERT, VISUAL_BERT

page = notebook.begin(globals(), "violation/stock_model")

# %% [markdown]
# ## From texts in one call
#
# With a fast tokenizer, here one made of the page's own sentences, a text classifier needs no more than this.
# Yours is `AutoModelForSequenceClassification.from_pretrained(path, attn_implementation="eager").eval()`.

# %%
sentences = ["the film is well-made", "a dull film, badly acted", "it isn't bad"]
pieces = BertWordPieceTokenizer()
pieces.train_from_iterator(sentences, vocab_size=70, show_progress=False)
marks = {f"{mark}_token": f"[{mark.upper()}]" for mark in ("unk", "cls", "sep")}
tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces._tokenizer, **marks)
torch.manual_seed(seed)
small = dict(vocab_size=80, hidden_size=32, num_attention_heads=4)
small |= dict(num_hidden_layers=2, initializer_range=0.2)
config = BertConfig(**small, attn_implementation="eager")
own = BertForSequenceClassification(config).eval()

name = "attention × gradient"
found = explain_texts(own, tokenizer, sentences, [name, "input × gradient"])
charts.heatmap(
    found.words[0],
    {method: scores[0] for method, scores in found.scores.items()},
    title="Scores of the words of a sentence, untrained model",
    signed=True,
    name="score",
)

# %% [markdown]
# A word is the pieces to which the tokenizer gives one of its `word_ids`, unless white space is between them;
# its score is their sum (`join`), and it is removed with all of them. Special tokens are in `found.special`,
# second texts go in by `pairs`, and a text that the model has no positions for is cut, with a warning. The
# violation test of the same words, and all measures under three removals:

# %%
tests = faithfulness.violation_of(own, tokenizer, found.texts, list(found.scores))
for method, test in tests.items():
    print(method, round(test.ratio, 3))
frame = faithfulness.erasure_of(own, tokenizer, found.texts, [name])
measures = faithfulness.summarise_measures(frame)
notebook.table(measures[["method", "operator", "metric", "value"]].head(4))

# %% [markdown]
# Every family that was tried has the methods that are not in this table. Relevance and transformer
# attribution need a rule for each function that a model calls, attention × norm the layers around the
# attention by their names; what a model lacks is refused by name. T5 is its encoder with a layer of
# one's own.

# %%
families = pd.read_csv(REFERENCE / "families.csv").set_index("family")
lacking = families.columns[(families != "yes").any()]
notebook.table(families[lacking].reset_index())

# %% [markdown]
# ## Three models
#
# The other calls take the models' own inputs. A model must use eager attention, since fused attention keeps
# no weights, and be in evaluation mode. The initial weights here have a larger deviation than usual, so that
# the untrained models tell inputs apart.

# %%
torch.manual_seed(seed)  # of the weights
sizes = dict(vocab_size=60, hidden_size=32, intermediate_size=64)
sizes |= dict(num_attention_heads=4, max_position_embeddings=32)
common = dict(sizes, initializer_range=0.2, attn_implementation="eager")

two_layers = dict(common, num_hidden_layers=2, num_labels=3)
bert = BertForSequenceClassification(BertConfig(**two_layers)).eval()

config = VisualBertConfig(**two_layers, visual_embedding_dim=8)
visual_bert = VisualBertForQuestionAnswering(config).eval()

layers = dict(l_layers=2, r_layers=2, x_layers=2)
config = LxmertConfig(**common, **layers, visual_feat_dim=8, num_qa_labels=3)
lxmert = LxmertForQuestionAnswering(config).eval()

# %% [markdown]
# A checkpoint, in a folder or by its name on the hub, takes one line:
#
# ```python
# eager = dict(attn_implementation="eager")
# model = BertForSequenceClassification.from_pretrained("path/or/name", **eager).eval()
# ```
#
# ## What goes in
#
# The inputs are the model's keyword arguments. What is scored must be among them as features: the word
# embeddings of BERT instead of the ids, the region features of the other two. Padding comes last. A *kind*
# says which:
#
# | kind | scored | read at |
# | --- | --- | --- |
# | `BERT_TEXT` | words of `inputs_embeds`, without class token and separator | the class token |
# | `VISUAL_BERT` | regions of `visual_embeds` | the last word before the separator |
# | `LXMERT` | regions of `visual_feats` | the class token |

# %%
generator = torch.Generator().manual_seed(seed)
n, most_words, most_regions = 40, 9, 6


def mask_of(most):
    """A mask [n, most] of random lengths, from four up to all."""
    lengths = torch.randint(4, most + 1, (n, 1), generator=generator)
    return (torch.arange(most) < lengths).long()


ids = torch.randint(1, sizes["vocab_size"], (n, most_words), generator=generator)
words, regions = mask_of(most_words), mask_of(most_regions)
features = torch.randn(n, most_regions, 8, generator=generator)
corners = torch.rand(n, most_regions, 2, generator=generator) / 2
boxes = torch.cat([corners, corners + 0.5], dim=2)

embeddings = bert.get_input_embeddings()(ids).detach()
text = {"inputs_embeds": embeddings, "attention_mask": words}
question = {"input_ids": ids, "attention_mask": words}
question["visual_attention_mask"] = regions.float()
scene = question | {"visual_embeds": features}
scene["visual_token_type_ids"] = torch.ones_like(regions)
scene_with_boxes = question | {"visual_feats": features, "visual_pos": boxes}

# %% [markdown]
# From a tokeniser the first of these would be:
#
# ```python
# tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
# text = {name: value for name, value in tokens.items() if name != "input_ids"}
# text["inputs_embeds"] = model.get_input_embeddings()(tokens["input_ids"]).detach()
# ```
#
# Then a score belongs to a word piece. Of a pair of texts the first is scored, by `token_type_ids` or, in
# models without them (RoBERTa), by a mask `text["scored"]`. Region features come from the detector of the
# checkpoint, which is not part of `transformers`.
#
# ## Scores
#
# One call gives the scores by method: a tensor with a row per instance and a column per word or region, zero
# where there is none. Positive scores speak for the predicted class.

# %%
scores = stock.explain(bert, BERT_TEXT, text, seed=seed)


def shown(found):
    """A table of the scores of the first text, a row per label of `found`."""
    n_shown = int(BERT_TEXT.mask(text)[0].sum())
    columns = [f"word {place + 1}" for place in range(n_shown)]
    rows = {label: values[0, :n_shown].tolist() for label, values in found.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return notebook.table(table.rename_axis("score").reset_index())


shown(scores)

# %% [markdown]
# ## The test
#
# `violations` removes each instance's top word or region and compares the fall of the probability with the
# sign of its score.

# %%
models = {
    "BERT, words": (bert, BERT_TEXT, text),
    "VisualBERT, regions": (visual_bert, VISUAL_BERT, scene),
    "LXMERT, regions": (lxmert, LXMERT, scene_with_boxes),
}
rows = []
for name, (model, kind, inputs) in models.items():
    scores = stock.explain(model, kind, inputs, seed=seed)
    for way, removal in removals(model, kind, inputs).items():
        for method, found in scores.items():
            ratio = faithfulness.violations(found, removal).ratio
            rows.append((name, way, method, ratio))
rates = pd.DataFrame(rows, columns=["model", "removal", "method", "value"])

# %% tags=["hide-input"]
shown_rates = rates.assign(
    model=pd.Categorical(rates["model"], list(models)),
    removal=pd.Categorical(rates["removal"], list(faithfulness.OPERATORS)),
    method=pd.Categorical(rates["method"], stock.METHODS),
)
charts.dot_panels(
    shown_rates,
    "method",
    by="removal",
    panel="model",
    title="Violation ratio in three untrained models, on made-up inputs",
    x_title="violation ratio (share)",
    by_title="removal",
    columns=3,
    domain=(0, 1),
)

# %% tags=["remove-cell"]
page.write(rates, "rates.csv")
page.glue(instances=n, methods=len(stock.METHODS))

# %% [markdown]
# Each dot is the ratio of one of {glue:text}`methods` methods over {glue:text}`instances` made-up instances.
# Deleting a region is masking it, since regions have no order. `faithfulness.measure_texts` takes the same
# scores and removals and gives all measures of {doc}`methods`.
#
# ## Layers, heads and queries
#
# A model has attention weights for every layer, head and query; `Aggregation` says how they become a score
# per word ({doc}`../../api`). By default as published: the query that the classification head reads, the mean
# over heads, the last layer, and negative values set to zero in the two attributions only (`clamp=False`
# gives them a sign). Below, attention × gradient of the first text:

# %%
readings = {
    "as published": stock.Aggregation(),
    "mean over queries": stock.Aggregation(row="mean"),
    "largest over heads": stock.Aggregation(heads="max"),
    "the first head": stock.Aggregation(heads=0),
    "mean over layers": stock.Aggregation(layers="mean"),
    "the first layer": stock.Aggregation(layers=0),
    "clamped": stock.Aggregation(clamp=True),
}
name = "attention × gradient"
of_bert = partial(stock.explain, bert, BERT_TEXT, text, [name])
shown({words: of_bert(aggregation=how)[name] for words, how in readings.items()})

# %% [markdown]
# All layers and heads at once, by (layer, head), with `None` for the mean over heads:

# %%
list(stock.each_layer_and_head(bert, BERT_TEXT, text, [name]))

# %% [markdown]
# ## Which number, which class
#
# Gradients are those of the class's `"logit"`, `"probability"`, or `"margin"` over the next class; relevance
# always starts from the logit. The class is the predicted one, or that of `chosen` for each instance. The
# test is always about the predicted class.

# %%
name = "input × gradient"
of_bert = partial(stock.explain, bert, BERT_TEXT, text, [name])
rows = {target: of_bert(target=target)[name] for target in explain.TARGETS}
for number in range(3):
    chosen = torch.full((n,), number)
    rows[f"logit of class {number}"] = of_bert(chosen=chosen)[name]
shown(rows)

# %% [markdown]
# ## What is refused
#
# What does not fit is an error that says what is wrong: fused attention (the default of BERT) or training
# mode; masks of another size than the features, ids where embeddings are scored, texts longer than the
# model's positions, a second text that nothing tells from the first; a class, layer or head that the model
# does not have; several labels at a time. For instance:

# %%
try:
    stock.explain(bert.train(), BERT_TEXT, text)
except ValueError as error:
    print(error)
_ = bert.eval()

# %% [markdown]
# ## Limits
#
# - Probabilities are a softmax over the logits. A model trained with a sigmoid for each class is refused if
#   its configuration says so (`problem_type`). One with a single output has scores of its `"logit"` and no
#   removals.
# - Attention is a softmax of four dimensions, as many as the configuration has layers. A function without a
#   rule of relevance is named by a NotImplementedError.
# - Where padding changes a model's answer, as in GPT-2 or Llama with a classification head, texts of one
#   length are run together without padding. An answer that still depends on the batch is an error.
# - `ANY_TEXT` is the kind of any text classifier, special tokens among the scored, and finds the query that
#   the head reads by its gradient. A model with other fields needs a `Kind` of its own ({doc}`../../api`).

# %% tags=["remove-input"]
made = [tensor.contiguous() for _, _, inputs in models.values() for tensor in inputs.values()]
checksum = hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in made)).hexdigest()
page.origin({"dataset": "made up, from the seed", "data": checksum})
