"""Attention layers of models that are not quite the stock ones: read whole and rightly, or refused."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from attnlib.explain.transformers import methods as stock
from attnlib.models.kinds import BERT_TEXT, VISUAL_BERT
from tests.stock import SIZE, Adapter, Wrapped, bert, embedded, lxmert, model_of, replaced, text, visual_bert

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize(
    "where", ["1.attention.self.query", "0.attention.self.key", "self.value", "self.query"]
)
@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_attention_of_adapted_layers_is_what_the_model_returns(family, where):
    model = replaced(model_of(family), where, Adapter)
    _, inputs = text(model)
    returned = model(**inputs, output_attentions=True).attentions
    each = stock.each_layer_and_head(model, BERT_TEXT, inputs, "attention")
    assert {layer for layer, _ in each} == {0, 1}
    for (layer, head), found in each.items():
        expected = returned[layer].mean(1) if head is None else returned[layer][:, head]
        torch.testing.assert_close(found["attention"], expected[:, 0, 1:-1].detach())
    (last,) = stock.explain(model, BERT_TEXT, inputs, "attention").values()
    torch.testing.assert_close(last, each[1, None]["attention"])


@pytest.mark.slow
@pytest.mark.parametrize("make", [visual_bert, lxmert])
@pytest.mark.parametrize("part", ["query", "value"])
def test_adapters_in_models_of_two_modalities(make, part):
    model, kind, inputs = embedded(make)
    model = replaced(model, f"1.attention.self.{part}" if make is visual_bert else f"att.{part}", Adapter)
    output = model(**inputs, output_attentions=True)
    found = stock.explain(model, kind, inputs)["attention"]
    maps = output["attentions" if make is visual_bert else "cross_encoder_attentions"][-1].mean(1)
    torch.testing.assert_close(found, (maps[:, 5, 7:] if make is visual_bert else maps[:, 0]).detach())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "where"),
    [("Bert", "attention.output.dense"), ("Bert", "1.attention.output.dense"), ("Albert", "attention.dense")],
)
def test_the_norm_is_of_what_an_adapted_layer_does(family, where):
    more = {"hidden_act": "gelu"} if family == "Albert" else {}
    model = replaced(model_of(family, **more), where, Adapter)
    _, inputs = text(model)
    (found,) = stock.explain(model, BERT_TEXT, inputs, "attention × norm").values()
    plain = replaced(model, where, Adapter.merged)
    (expected,) = stock.explain(plain, BERT_TEXT, inputs, "attention × norm").values()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert list(stock.explain(model, BERT_TEXT, inputs)) == list(stock.METHODS)
    bent = replaced(plain, where, lambda layer: Adapter(layer, nn.GELU))
    with pytest.raises(ValueError, match="needs a linear layer"):
        stock.explain(bent, BERT_TEXT, inputs, "attention × norm")
    assert stock.explain(bent, BERT_TEXT, inputs, "attention")


def test_albert_s_one_layer_counts_as_often_as_it_runs():
    model = model_of("Albert", num_hidden_layers=3)
    _, inputs = text(model)
    returned = model(**inputs, output_attentions=True).attentions
    each = stock.each_layer_and_head(model, BERT_TEXT, inputs, ["attention", "attention × norm"])
    for layer in range(3):
        expected = returned[layer].mean(1)[:, 0, 1:-1].detach()
        torch.testing.assert_close(each[layer, None]["attention"], expected)


@pytest.mark.slow
@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
@pytest.mark.parametrize("part", ["", "embeddings", "encoder", "attention"])
def test_frozen_parameters_change_nothing(make, part):
    model, kind, inputs = embedded(make)
    expected = stock.explain(model, kind, inputs)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(part not in name)
    flags = [parameter.requires_grad for parameter in model.parameters()]
    for name, found in stock.explain(model, kind, inputs).items():
        assert torch.equal(found, expected[name]), name
    assert [parameter.requires_grad for parameter in model.parameters()] == flags


class Joined(nn.Module):
    """Attention by one matrix for query, key and value, which no name tells; softmax of three dimensions."""

    def __init__(self, own):
        super().__init__()
        self.joined = nn.Linear(own.query.in_features, 3 * own.query.out_features)
        self.heads = 1

    def forward(self, hidden, attention_mask=None, **rest):
        query, key, value = self.joined(hidden).chunk(3, dim=-1)
        scores = query @ key.mT
        if attention_mask is not None:
            scores = scores + attention_mask[:, 0]
        return scores.softmax(-1) @ value, None


class Named(Joined):
    """The same with the three names, whose layers it does not call."""

    def __init__(self, own):
        super().__init__(own)
        self.query, self.key, self.value = own.query, own.key, own.value


class Aside(nn.Module):
    """The same attention by names of its own; its modules are hidden from the model's list."""

    def __init__(self, own):
        super().__init__()
        self.own = [own]

    def forward(self, *args, **rest):
        return self.own[0](*args, **rest)


def shortened(model):
    model.bert.encoder.layer = model.bert.encoder.layer[:1]
    return model


NONE_OF = r"gave 1 .* has 2: none of bert.encoder.layer.{}\."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: replaced(m, "1.attention.self", Joined), NONE_OF.format(1)),
        (lambda m: replaced(m, "0.attention.self", Joined), NONE_OF.format(0)),
        (lambda m: replaced(m, "1.attention.self", Named), NONE_OF.format(1)),
        (lambda m: replaced(m, "attention.self", Joined), "no attention map was seen"),
        (shortened, r"gave 1 .* has 2.*let the configuration say so"),
        (lambda m: Wrapped(m, lambda m, x: m(**x).logits + m(**x).logits), "gave 4 .* has 2"),
    ],
)
def test_a_layer_that_is_not_read_is_named(change, message):
    model = change(model_of("Bert"))
    _, inputs = text(model if hasattr(model, "bert") else model.model)
    with pytest.raises(ValueError, match=message):
        stock.explain(model, BERT_TEXT, inputs, "attention")
    with pytest.raises(ValueError, match=message):
        stock.each_layer_and_head(model, BERT_TEXT, inputs)
    # What reads no attention does not need it.
    assert stock.explain(model, BERT_TEXT, inputs, ["input × gradient", "integrated gradients"])


@pytest.mark.parametrize(
    ("make", "part"),
    [
        *(
            (lxmert, part)
            for part in ("lang_self_att.self", "visual_attention.att", "r_layers.0.attention.self")
        ),
        *((bert, part) for part in ("0.attention", "1.attention.self")),
    ],
)
def test_a_layer_by_another_name_is_read_as_it_is(make, part):
    model, kind, inputs = embedded(make)
    names = ["attention", "rollout", "relevance", "generic attribution"]
    expected = stock.explain(model, kind, inputs, names)
    for name, found in stock.explain(replaced(model, part, Aside), kind, inputs, names).items():
        assert torch.equal(found, expected[name]), name


class Own(nn.Module):
    """A model of one's own: two layers of attention with the known names, no configuration."""

    def __init__(self, seen):
        super().__init__()
        for name in ("first", "second"):
            layer = nn.Module()
            layer.query, layer.key, layer.value = (nn.Linear(16, 16) for _ in range(3))
            layer.forward = partial(self.attend, layer, name in seen)
            self.add_module(name, layer)
        self.head = nn.Linear(16, 3)
        self.eval()

    @staticmethod
    def attend(layer, seen, hidden, absent):
        scores = layer.query(hidden) @ layer.key(hidden).mT
        scores = scores.masked_fill(absent, -torch.inf)
        weights = scores[:, None].softmax(-1)[:, 0] if seen else scores.softmax(-1)
        return hidden + weights @ layer.value(hidden)

    def forward(self, inputs_embeds, attention_mask):
        absent = ~attention_mask.bool()[:, None]
        return {"logits": self.head(self.second(self.first(inputs_embeds, absent), absent)[:, 0])}


def test_without_a_configuration_every_attention_module_has_to_be_seen():
    inputs = {"inputs_embeds": torch.rand(3, 5, 16), "attention_mask": torch.ones(3, 5)}
    assert stock.explain(Own(("first", "second")), BERT_TEXT, inputs, "attention")
    for seen in ("first", "second"):
        other = {"first": "second", "second": "first"}[seen]
        with pytest.raises(ValueError, match=f"Own: no attention map was seen of {other}"):
            stock.explain(Own((seen,)), BERT_TEXT, inputs, "attention")


def at_the_head(model, hidden):
    return model.classifier(model.bert.pooler.activation(model.bert.pooler.dense(hidden)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reads", "place"),
    [
        (lambda hidden: hidden.mean(1), "1"),
        (lambda hidden: hidden.amax(1), r"\d"),
        (lambda hidden: hidden[:, 3], "3"),
        (lambda hidden: hidden[:, 0] + hidden[:, 5], "5"),
    ],
    ids=["mean", "maximum", "another", "two"],
)
def test_a_head_that_reads_another_query_than_the_kind_says_is_refused(reads, place):
    def answer(model, inputs):
        return at_the_head(model, reads(model.bert(**inputs).last_hidden_state))

    model = Wrapped(model_of("Bert"), answer)
    _, inputs = text(model.model)
    for name in ("attention", "rollout", "generic attribution"):
        with pytest.raises(ValueError, match=f"head reads position {place} .* text says 0"):
            stock.explain(model, BERT_TEXT, inputs, name)
        assert stock.explain(model, BERT_TEXT, inputs, name, aggregation=stock.Aggregation(row="mean"))
    with pytest.raises(ValueError, match="head reads position"):
        stock.each_layer_and_head(model, BERT_TEXT, inputs)
    assert stock.explain(model, BERT_TEXT, inputs, ["input × gradient", "integrated gradients"])
    there = replace(BERT_TEXT, row=lambda inputs: torch.full((len(inputs["attention_mask"]),), 3))
    if place == "3":
        (found,) = stock.explain(model, there, inputs, "attention").values()
        maps = model.model(**inputs, output_attentions=True).attentions[-1]
        torch.testing.assert_close(found, maps.mean(1)[:, 3, 1:-1].detach())


def test_another_head_of_visual_bert_reads_another_query():
    torch.manual_seed(0)
    config = transformers.VisualBertConfig(**SIZE | {"initializer_range": 0.02}, visual_embedding_dim=5)
    model = transformers.VisualBertForVisualReasoning(config).eval()
    *_, inputs = embedded(visual_bert)
    with pytest.raises(ValueError, match="head reads position 0 .* says 5"):
        stock.explain(model, VISUAL_BERT, inputs, "attention")
    at_first = replace(VISUAL_BERT, row=BERT_TEXT.row)
    assert stock.explain(model, at_first, inputs, "attention")
