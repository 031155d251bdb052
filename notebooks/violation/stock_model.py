# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The violation test on your own transformer
#
# A BERT, VisualBERT or LXMERT of the `transformers` library can be put to the violation test of
# {cite:t}`liu2022rethinking` as it is. Nothing of it is copied, replaced or changed: its attention maps,
# their gradients and their relevance are read off while it runs. The same calls do for all three.
#
# The models on this page are not trained and their inputs are made up. **The numbers here mean nothing, the
# calls do.** {doc}`transformers` shows what comes out where a model has learned something.

# %% tags=["parameters", "hide-input"]
from typing import Optional

seed: int = 0  # of the models' weights, the made-up inputs and the random scores
output: Optional[str] = None  # folder for rates.csv, the violation ratios of this page

# %% tags=["remove-cell"]
import hashlib
import textwrap

import pandas as pd
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    LxmertConfig,
    LxmertForQuestionAnswering,
    VisualBertConfig,
    VisualBertForQuestionAnswering,
)

from attnbook import charts, notebook
from attnlib import faithfulness
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import BERT_TEXT, LXMERT, VISUAL_BERT

page = notebook.begin(globals(), "violation/stock_model")

# %% [markdown]
# ## Three models
#
# The classes are the library's own. Two things are asked of a model: it attends eagerly, since fused
# attention leaves no weights to look at, and it is in evaluation mode. Weights are drawn wider than the
# library draws them; otherwise an untrained model hardly tells one input from another.

# %%
torch.manual_seed(seed)  # of the weights
small = dict(vocab_size=60, hidden_size=32, num_attention_heads=4, intermediate_size=64)
small |= dict(max_position_embeddings=32, initializer_range=0.2, attn_implementation="eager")

config = BertConfig(**small, num_hidden_layers=2, num_labels=3)
bert = BertForSequenceClassification(config).eval()

config = VisualBertConfig(**small, num_hidden_layers=2, visual_embedding_dim=8, num_labels=3)
visual_bert = VisualBertForQuestionAnswering(config).eval()

config = LxmertConfig(**small, l_layers=2, r_layers=2, x_layers=2, visual_feat_dim=8, num_qa_labels=3)
lxmert = LxmertForQuestionAnswering(config).eval()
# %% [markdown]
# With a checkpoint, in a folder or by its name on the hub, these lines are one. A name needs a network the
# first time.
#
# ```python
# model = BertForSequenceClassification.from_pretrained("path/or/name", attn_implementation="eager").eval()
# ```
#
# ## What goes in
#
# The inputs are the model's keyword arguments, so whatever makes them now can go on doing so. What is scored
# has to be among them as features: the word embeddings of BERT in place of the ids, the region features of
# the other two. Padding comes last. A *kind* says where things are:
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


ids = torch.randint(1, small["vocab_size"], (n, most_words), generator=generator)
words, regions = mask_of(most_words), mask_of(most_regions)
features = torch.randn(n, most_regions, 8, generator=generator)
corners = torch.rand(n, most_regions, 2, generator=generator) / 2
boxes = torch.cat([corners, corners + 0.5], dim=2)

text = {"inputs_embeds": bert.get_input_embeddings()(ids).detach(), "attention_mask": words}
question = {"input_ids": ids, "attention_mask": words, "visual_attention_mask": regions.float()}
scene = question | {"visual_embeds": features, "visual_token_type_ids": torch.ones_like(regions)}
scene_with_boxes = question | {"visual_feats": features, "visual_pos": boxes}

# %% [markdown]
# From a tokeniser's answer `tokens` the first of these would be:
#
# ```python
# tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
# text = {name: value for name, value in tokens.items() if name != "input_ids"}
# text["inputs_embeds"] = model.get_input_embeddings()(tokens["input_ids"]).detach()
# ```
#
# Then a score belongs to a word piece. Of a pair of texts, told apart by `token_type_ids`, the first is
# scored. Models of the RoBERTa family have none: there `text["scored"]`, a mask, is true at the words of the
# first. Region features come from the detector that the checkpoint was trained with; it is not part of
# `transformers`.
#
# ## Scores
#
# One call gives every method's scores: by its name, a tensor with a row per instance and a column per word
# or region, zero where there is none. Positive means: speaks for the predicted class.

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
# `removals` makes the ways to remove once; `violations` takes away each instance's top word or region and
# holds the fall of the probability against the sign of its score.

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
            rows.append({"model": name, "removal": way, "method": method, "value": ratio})
rates = pd.DataFrame(rows)

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
    title="Violation in three untrained models: how it looks, not what is true",
    x_title="violation ratio (share)",
    by_title="removal",
    columns=3,
    domain=(0, 1),
)

# %% tags=["remove-cell"]
page.write(rates, "rates.csv")
page.glue(instances=n, methods=len(stock.METHODS))

# %% [markdown]
# Each dot is a method's ratio over {glue:text}`instances` made-up instances; there are {glue:text}`methods`
# methods. For regions, which stand in no order, deletion is the attention mask and is not made a second
# time. `faithfulness.measure_texts` takes the same scores and removals and gives all measures of
# {doc}`methods`, with intervals from `faithfulness.summarise_measures`.
#
# ## How attention is read
#
# A model has a map for every layer, head and query; a score per word is one reading of them. The defaults of
# `Aggregation` are the published readings. `row`, the query: the one that the head reads, or the mean of all
# that are present. `heads`: mean, largest, or one by its number from 0. `layers`: the last, the mean, or one
# by its number, for methods that read a single layer. `first`: the layer at which the others begin.
# `clamp`: negative values to zero before heads are joined; left alone, only the two attributions are
# clamped, as published, and `clamp=False` gives them a sign. Below, attention × gradient of the first text:

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
shown({r: stock.explain(bert, BERT_TEXT, text, [name], aggregation=a)[name] for r, a in readings.items()})

# %% [markdown]
# Every layer and head in one go, by (layer, head), with `None` for the mean over heads:

# %%
list(stock.each_layer_and_head(bert, BERT_TEXT, text, [name]))

# %% [markdown]
# ## Which number, which class
#
# Gradients are taken of the class's `"logit"`, its `"probability"`, or its `"margin"` over the next class.
# Relevance always starts from the logit. The class is the predicted one unless `chosen` names another for
# each instance.

# %%
name = "input × gradient"
by_target = {
    f"{target} of the predicted class": stock.explain(bert, BERT_TEXT, text, [name], target=target)[name]
    for target in ("logit", "probability", "margin")
}
by_class = {
    f"logit of class {c}": stock.explain(bert, BERT_TEXT, text, [name], chosen=torch.full((n,), c))[name]
    for c in range(3)
}
shown(by_target | by_class)

# %% [markdown]
# The test is always about the predicted class. Scores of another class are there to be looked at:
# `violations` would hold them against the wrong probability.
#
# ## What is refused
#
# What does not fit is an error that says what is wrong, never a silent number:


# %%
def refusal(what, model, kind, inputs, **options):
    """Print the message with which a call is refused; one that is not refused is an error of this page."""
    try:
        stock.explain(model, kind, inputs, **options)
    except ValueError as error:
        print(f"{what}:", textwrap.fill(str(error), 96), sep="\n", end="\n\n")
    else:
        raise AssertionError(f"not refused: {what}")


fused = BertForSequenceClassification(BertConfig(**small | {"attn_implementation": "sdpa"})).eval()
refusal("Fused attention, which is what BERT has unless told otherwise", fused, BERT_TEXT, text)
refusal("Training mode", bert.train(), BERT_TEXT, text)
bert.eval()
fewer = scene | {"visual_attention_mask": regions[:, :-1].float()}
refusal("Another number of regions than their mask has", visual_bert, VISUAL_BERT, fewer)
long = {"inputs_embeds": torch.zeros(n, 40, 32), "attention_mask": torch.ones(n, 40)}
refusal("A text longer than the model's positions", bert, BERT_TEXT, long)
bare = {"input_ids": ids, "attention_mask": words}
refusal("Ids where embeddings are scored", bert, BERT_TEXT, bare)
two = {name: value[:2] for name, value in scene_with_boxes.items()}
refusal("A class that the model does not have", lxmert, LXMERT, two, chosen=torch.tensor([0, 3]))
refusal("A head that it does not have", bert, BERT_TEXT, text, aggregation=stock.Aggregation(heads=4))
distil = DistilBertForSequenceClassification(DistilBertConfig(vocab_size=60, dim=32, n_heads=4)).eval()
refusal("A model whose layers have other names", distil, BERT_TEXT, text)
pair = {"inputs_embeds": bert.get_input_embeddings()(torch.tensor([[1, 7, 8, 2, 9, 2]])).detach()}
pair["attention_mask"] = torch.ones(1, 6)
refusal("A second text that nothing tells from the first", bert, BERT_TEXT, pair)
several = BertForSequenceClassification(BertConfig(**small, problem_type="multi_label_classification")).eval()
refusal("Several labels at a time", several, BERT_TEXT, text)

# %% [markdown]
# ## Limits
#
# - Probabilities are a softmax over the logits. A model trained with a sigmoid for each class is refused if
#   its configuration says so (`problem_type`). One with a single output has scores of its `"logit"` and no
#   removals.
# - Attention is read in layers that call their parts query, key and value, wrapped by adapters or not; how
#   many there have to be is in the model's configuration. Methods that read no attention do without. If a
#   model calls a function that relevance has no rule for, a NotImplementedError names it; only relevance and
#   transformer attribution need one.
# - Where padding changes a model's answer, as in GPT-2 or Llama with a classification head, texts are asked
#   without it, those of one length together. An answer that still depends on the batch is an error.
# - A model that reads another query or field, or texts without class token and separator, needs a `Kind` of
#   its own ({doc}`../../api`).

# %% tags=["remove-input"]
made = [tensor.contiguous() for _, _, inputs in models.values() for tensor in inputs.values()]
checksum = hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in made)).hexdigest()
page.origin({"dataset": "made up, from the seed", "data": checksum})
