"""Models that are not quite those of `models.stock`: read whole and rightly, or refused by name."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from attnlib.explain.transformers import methods as stock
from attnlib.explain.transformers.asking import without_padding
from attnlib.faithfulness import violations
from attnlib.faithfulness.transformers import removals
from attnlib.models.kinds import BERT_TEXT, LXMERT, VISUAL_BERT
from tests.explain.transformers.stock_models import Adapter, bert, embedded, lxmert, replaced, visual_bert

transformers = pytest.importorskip("transformers")

SIZE = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "max_position_embeddings": 40,
    "initializer_range": 0.3,
    "num_labels": 3,
    "attn_implementation": "eager",
}
READERS = {
    "explain": lambda model, kind, inputs: stock.explain(model, kind, inputs, "input × gradient"),
    "each": stock.each_layer_and_head,
    "removals": removals,
}


def model_of(family, head="ForSequenceClassification", seed=0, **more):
    """A model of a family by its name in the library, small and with wide random weights."""
    torch.manual_seed(seed)
    settings = {name: value for name, value in {**SIZE, **more}.items() if value is not None}
    config = getattr(transformers, f"{family}Config")(**settings)
    return getattr(transformers, f"{family}{head}")(config).eval()


def text(model, lengths=(8, 8, 8), seed=0):
    """Random words that end with a 4, of some lengths; padding has words too, which are not to be seen."""
    lengths = torch.tensor(lengths)
    mask = (torch.arange(int(lengths.max())) < lengths[:, None]).long()
    ids = torch.randint(5, 60, mask.shape, generator=torch.Generator().manual_seed(seed))
    ids[torch.arange(len(ids)), lengths - 1] = 4
    return ids, inputs_of(model, ids, mask)


def inputs_of(model, ids, mask=None):
    ids = torch.as_tensor(ids)
    mask = torch.ones_like(ids) if mask is None else mask
    return {"inputs_embeds": model.get_input_embeddings()(ids).detach(), "attention_mask": mask}


# Layers that are not recognised


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
    model, inputs = embedded(make)
    kind = VISUAL_BERT if make is visual_bert else LXMERT
    model = replaced(model, f"1.attention.self.{part}" if make is visual_bert else f"att.{part}", Adapter)
    output = model(**inputs, output_attentions=True)
    found = stock.explain(model, kind, inputs)["attention"]
    if make is visual_bert:
        expected = output.attentions[-1].mean(1)[:, 5, 7:]
    else:
        expected = output.cross_encoder_attentions[-1].mean(1)[:, 0]
    torch.testing.assert_close(found, expected.detach())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "where"),
    [("Bert", "attention.output.dense"), ("Bert", "1.attention.output.dense"), ("Albert", "attention.dense")],
)
def test_the_norm_is_of_what_an_adapted_layer_does(family, where):
    more = {"embedding_size": 16, "hidden_act": "gelu"} if family == "Albert" else {}
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
    model = model_of("Albert", num_hidden_layers=3, embedding_size=16)
    _, inputs = text(model)
    returned = model(**inputs, output_attentions=True).attentions
    each = stock.each_layer_and_head(model, BERT_TEXT, inputs, ["attention", "attention × norm"])
    for layer in range(3):
        torch.testing.assert_close(
            each[layer, None]["attention"], returned[layer].mean(1)[:, 0, 1:-1].detach()
        )


@pytest.mark.slow
@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
@pytest.mark.parametrize("part", ["", "embeddings", "encoder", "attention"])
def test_frozen_parameters_change_nothing(make, part):
    model, inputs = embedded(make)
    kind = {bert: BERT_TEXT, visual_bert: VISUAL_BERT, lxmert: LXMERT}[make]
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


class Unasked(Named):
    """The same with a softmax of four dimensions."""

    def forward(self, hidden, attention_mask=None, **rest):
        return super().forward(hidden[:, None], attention_mask)[0][:, 0], None


class NoAttention(nn.Module):
    def __init__(self, own):
        super().__init__()

    def forward(self, hidden, *args, **rest):
        return hidden, None


class Wrapped(nn.Module):
    """A model of one's own around one of the library's, without a configuration of its own."""

    def __init__(self, model, answer=lambda model, inputs: model(**inputs).logits):
        super().__init__()
        self.model, self.answer = model, answer
        self.eval()

    def forward(self, **inputs):
        return {"logits": self.answer(self.model, inputs)}


def shortened(model):
    model.bert.encoder.layer = model.bert.encoder.layer[:1]
    return model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: replaced(m, "1.attention.self", Joined),
            r"gave 1 .* has 2: none of bert.encoder.layer.1\.",
        ),
        (
            lambda m: replaced(m, "0.attention.self", Joined),
            r"gave 1 .* has 2: none of bert.encoder.layer.0\.",
        ),
        (
            lambda m: replaced(m, "1.attention.self", Named),
            r"gave 1 .* has 2: none of bert.encoder.layer.1\.",
        ),
        (
            lambda m: replaced(m, "0.attention", NoAttention),
            r"gave 1 .* has 2: none of bert.encoder.layer.0\.",
        ),
        (
            lambda m: replaced(m, "1.attention.self", Unasked),
            "layer.1.attention.self .* without a call of its",
        ),
        (lambda m: replaced(m, "attention.self", Joined), "has no attention module"),
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


@pytest.mark.parametrize("part", ["lang_self_att.self", "visual_attention.att", "r_layers.0.attention.self"])
def test_a_part_of_lxmert_that_is_not_read_is_refused(part):
    class Aside(nn.Module):
        """The same attention by names of its own."""

        def __init__(self, own):
            super().__init__()
            self.own = [own]  # hidden from the model's list of modules

        def forward(self, *args, **rest):
            return self.own[0](*args, **rest)

    model, inputs = embedded(lxmert)
    with pytest.raises(ValueError, match="LxmertForQuestionAnswering gave .* has 11"):
        stock.explain(replaced(model, part, Aside), LXMERT, inputs, "attention")


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
    config = transformers.VisualBertConfig(
        **{name: SIZE[name] for name in ("vocab_size", "hidden_size", "num_attention_heads", "num_labels")},
        intermediate_size=32,
        num_hidden_layers=2,
        visual_embedding_dim=5,
        attn_implementation="eager",
    )
    model = transformers.VisualBertForVisualReasoning(config).eval()
    _, inputs = embedded(visual_bert)
    with pytest.raises(ValueError, match="head reads position 0 .* says 5"):
        stock.explain(model, VISUAL_BERT, inputs, "attention")
    at_first = replace(VISUAL_BERT, row=BERT_TEXT.row)
    assert stock.explain(model, at_first, inputs, "attention")


# Answers of another shape or meaning


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: model_of("Bert", "ForTokenClassification"), r"shape \[2, 8, 3\] for 2 .* each token"),
        (lambda: model_of("Electra", "ForTokenClassification", embedding_size=16), r"shape \[2, 8, 3\]"),
        (lambda: model_of("Bert", "ForMaskedLM"), r"shape \[2, 8, 60\]"),
        (lambda: model_of("Roberta", "ForCausalLM", is_decoder=True), r"shape \[2, 8, 60\]"),
        (lambda: model_of("Bert", "ForMultipleChoice"), "ForMultipleChoice does not read inputs of shapes"),
        (lambda: model_of("Bert", "ForQuestionAnswering", num_labels=2), "'start_logits'.* needs 'logits'"),
        (lambda: model_of("Bert", "ForPreTraining"), "'seq_relationship_logits'.* needs 'logits'"),
        (lambda: model_of("Bert", "Model"), "BertModel answers with .*'pooler_output'.* needs 'logits'"),
        (lambda: model_of("DistilBert", "Model", dim=16, n_heads=2), r"DistilBertModel answers with"),
        (lambda: model_of("Bert", problem_type="multi_label_classification"), "its own sigmoid"),
        (
            lambda: model_of("Albert", embedding_size=16, problem_type="multi_label_classification"),
            "its own sigmoid",
        ),
        (lambda: model_of("Bert", problem_type="regression"), "3 outputs, which are no classes"),
        (lambda: Wrapped(model_of("Bert"), lambda m, x: m(**x).logits[:, 0]), r"shape \[2\] for 2"),
        (lambda: Wrapped(model_of("Bert"), lambda m, x: m(**x).logits[:1]), r"shape \[1, 3\] for 2"),
        (lambda: model_of("T5"), "T5ForSequenceClassification does not read"),
        (lambda: model_of("GPT2"), "no padding token"),
    ],
)
def test_an_answer_that_is_no_row_of_classes_is_refused(make, message, read):
    model = make()
    inputs = {"inputs_embeds": torch.rand(3, 8, 16), "attention_mask": torch.ones(3, 8)}
    with pytest.raises(ValueError, match=message):
        read(model, BERT_TEXT, inputs)


def test_one_output_has_a_logit_and_no_probability():
    model = model_of("Bert", num_labels=1)
    _, inputs = text(model)
    (found,) = stock.explain(model, BERT_TEXT, inputs, "input × gradient").values()
    features = inputs["inputs_embeds"].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(**{**inputs, "inputs_embeds": features}).logits.sum(), features)
    torch.testing.assert_close(found, (features * gradient).sum(2)[:, 1:-1].detach())
    for target in ("probability", "margin"):
        with pytest.raises(ValueError, match=f"target is '{target}', and a model of one output"):
            stock.explain(model, BERT_TEXT, inputs, "input × gradient", target=target)
    with pytest.raises(ValueError, match="one output, so no probability can fall"):
        removals(model, BERT_TEXT, inputs)


def test_the_advice_for_several_labels_works():
    model = model_of("Bert", problem_type="multi_label_classification")
    _, inputs = text(model)

    def answer(model, inputs):
        logit = model(**inputs).logits[:, 1:2]
        return torch.cat([torch.zeros_like(logit), logit], dim=1)

    one = Wrapped(model, answer)
    intact = removals(one, BERT_TEXT, inputs)["deletion"].intact
    np.testing.assert_allclose(
        intact[:, 1], model(**inputs).logits[:, 1].sigmoid().detach().numpy(), atol=1e-6
    )
    assert list(stock.explain(one, BERT_TEXT, inputs)) == list(stock.METHODS)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_tuples_are_asked_for_by_name(family):
    tuples, named = model_of(family, return_dict=False), model_of(family)
    _, inputs = text(named)
    assert isinstance(tuples(**inputs), tuple)
    found, expected = (stock.explain(model, BERT_TEXT, inputs) for model in (tuples, named))
    assert all(torch.equal(found[name], expected[name]) for name in stock.METHODS)
    ways = [removals(model, BERT_TEXT, inputs)["deletion"].drop_of_each() for model in (tuples, named)]
    np.testing.assert_array_equal(*ways)


@pytest.mark.parametrize("make", [bert, lxmert])
def test_labels_among_the_inputs_are_refused(make):
    model, inputs = embedded(make)
    kind = BERT_TEXT if make is bert else LXMERT
    for read in READERS.values():
        with pytest.raises(ValueError, match="computes a loss: leave labels out"):
            read(model, kind, {**inputs, "labels": torch.tensor([0, 1])})


# Two texts that nothing tells apart

PAIR = [0, 10, 11, 2, 20, 21, 22, 2]
DOUBLED = [0, 10, 11, 2, 2, 20, 21, 22, 2]  # as the tokenisers of the RoBERTa family separate


@pytest.mark.parametrize(
    ("family", "ids", "more"),
    [
        ("Roberta", [DOUBLED], {}),
        ("XLMRoberta", [DOUBLED, DOUBLED], {}),
        ("Camembert", [DOUBLED], {}),
        ("MPNet", [DOUBLED], {}),
        ("Bert", [PAIR], {}),
        ("Bert", [PAIR], {"sep_token_id": 2}),
        ("Bert", [[0, 10, 12, 13, 14, 15, 16, 2], PAIR], {}),
        ("Electra", [PAIR], {}),
        ("DistilBert", [PAIR], {"dim": 16, "n_heads": 2}),
        ("Albert", [[2, 10, 11, 3, 20, 21, 22, 3]], {"embedding_size": 16}),
    ],
)
def test_a_second_text_counts_as_the_first_s_only_where_told(family, ids, more):
    model = model_of(family, **more)
    inputs = inputs_of(model, ids)
    row = len(ids) - 1 if ids[0] not in (PAIR, DOUBLED) and family == "Bert" else 0
    for read in READERS.values():
        with pytest.raises(ValueError, match=f"row {row} has its separator at position 3 too.*'scored'"):
            read(model, BERT_TEXT, inputs)
    none = torch.zeros_like(inputs["attention_mask"])
    with pytest.raises(ValueError, match="has its separator"):
        removals(model, BERT_TEXT, {**inputs, "token_type_ids": none})
    scored = none.bool()
    scored[:, 1:3] = True
    told = {**inputs, "scored": scored}
    assert BERT_TEXT.mask(told).sum(1).tolist() == [2] * len(ids)
    (found,) = stock.explain(model, BERT_TEXT, told, "integrated gradients").values()
    assert (found[:, :2] != 0).all()
    assert (found[:, 2:] == 0).all()
    deletion = removals(model, BERT_TEXT, told)["deletion"]
    assert deletion.lengths.tolist() == [2] * len(ids)
    with torch.no_grad():
        whole, shorter = (
            model(**inputs_of(model, [list(np.delete(ids[0], gone))])).logits.double().softmax(1)[0]
            for gone in ([], [2])
        )
    assert deletion.drop_of_each()[0, 1] == pytest.approx(float((whole - shorter)[whole.argmax()]), abs=1e-6)


@pytest.mark.slow
def test_told_either_way_a_pair_is_scored_the_same():
    model = model_of("Bert")
    inputs = {**inputs_of(model, [PAIR]), "token_type_ids": torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])}
    told = {**inputs, "scored": torch.tensor([[0, 1, 1, 0, 0, 0, 0, 0]])}
    for name, found in stock.explain(model, BERT_TEXT, inputs).items():
        assert torch.equal(found, stock.explain(model, BERT_TEXT, told, name)[name])
    for name, way in removals(model, BERT_TEXT, inputs).items():
        np.testing.assert_array_equal(
            way.drop_of_each(), removals(model, BERT_TEXT, told)[name].drop_of_each()
        )


@pytest.mark.parametrize(
    ("scored", "message"),
    [
        ([1, 1, 1, 0, 0, 0, 0, 0], "row 1 has something that is no word"),
        ([0, 1, 1, 1, 1, 1, 1, 1], "row 1 has something that is no word"),
        ([0, 0, 0, 0, 1, 1, 1, 0], "row 1 has something after a gap.*from the first word on"),
        ([0, 1, 0, 1, 0, 0, 0, 0], "row 1 has something after a gap"),
        ([0, 2, 2, 0, 0, 0, 0, 0], "expected zeros and ones"),
        ([0, 1, 1], r"inputs_embeds has \[2, 8\] rows, but scored is for \[2, 3\]"),
    ],
)
def test_what_cannot_be_scored_is_refused(scored, message):
    model = model_of("Roberta")
    good = [0, 1, 1, 0, 0, 0, 0, 0][: len(scored)]
    for read in READERS.values():
        with pytest.raises(ValueError, match=message):
            read(model, BERT_TEXT, {**inputs_of(model, [PAIR, PAIR]), "scored": torch.tensor([good, scored])})
    types = torch.tensor([[0, 0, 0, 1, 1, 0, 0, 0]])
    with pytest.raises(ValueError, match="token_type_ids: row 0 has something after a gap"):
        removals(model_of("Bert"), BERT_TEXT, {**inputs_of(model, [PAIR]), "token_type_ids": types})


# Padding and batches

# A decoder's text has no class token and no separator, and its last word is read.
CAUSAL = replace(
    BERT_TEXT,
    name="text read at its end",
    row=lambda inputs: inputs["attention_mask"].sum(dim=1) - 1,
    offset=lambda inputs: 0,
    ends=0,
)
GPT2 = {"n_positions": 40, "pad_token_id": 0}


DECODERS = {
    "GPT2": GPT2,
    "Llama": {"pad_token_id": 0},
    "Mistral": {"pad_token_id": 0, "num_key_value_heads": 1},
    "Bloom": {"n_layer": 2, "n_head": 2, "pad_token_id": 0},
    "OPT": {"ffn_dim": 32, "pad_token_id": 0, "word_embed_proj_dim": 16, "init_std": 0.3},
    "XLNet": {"d_inner": 32, "d_head": 8, "max_position_embeddings": None},
}
# Its words know their neighbours before any attention, padding too.
MOBILE = {"embedding_size": 8, "intra_bottleneck_size": 8, "true_hidden_size": 8}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "more", "kind"),
    [
        *((family, more, kind) for family, more in DECODERS.items() for kind in (BERT_TEXT, CAUSAL)),
        ("MobileBert", MOBILE, BERT_TEXT),
    ],
)
def test_where_padding_changes_the_answer_each_text_is_asked_without(family, more, kind):
    model = model_of(family, **more)
    lengths = (9, 6, 9, 8, 6, 9)
    ids, inputs = text(model, lengths=lengths)
    words = [row[:n].tolist() for row, n in zip(ids, lengths, strict=True)]

    def answer(*texts):
        """The model's own, of one text alone and by its ids."""
        with torch.no_grad():
            return np.concatenate(
                [model(input_ids=torch.tensor([one])).logits.double().softmax(1) for one in texts]
            )

    alone = answer(*words)
    with torch.no_grad():
        padded = model(**inputs).logits.double().softmax(1).numpy()
    assert np.abs(padded - alone).max() > 1e-3  # what used to be believed
    ways = removals(model, kind, inputs)
    drops = ways["deletion"].drop_of_each()
    for way in ways.values():
        np.testing.assert_allclose(way.intact, alone, atol=1e-6)
    for row, one in enumerate(words):
        predicted = alone[row].argmax()
        scored = range(kind.ends, len(one) - kind.ends)
        without = answer(*(one[:gone] + one[gone + 1 :] for gone in scored))[:, predicted]
        np.testing.assert_allclose(drops[row, : len(scored)], alone[row, predicted] - without, atol=1e-6)
    names = ["input × gradient", "integrated gradients"]
    scores = stock.explain(model, kind, inputs, names, batch_size=4)
    for row, one in enumerate(words):
        for name, found in stock.explain(model, kind, inputs_of(model, [one]), names).items():
            n = found.shape[1]
            torch.testing.assert_close(scores[name][row, :n], found[0], atol=1e-5, rtol=1e-4)
            assert (scores[name][row, n:] == 0).all()
            assert (found != 0).any()
    with pytest.raises(ValueError, match="no attention module|of texts of one length, without padding"):
        stock.explain(model, kind, inputs, "attention")


def test_texts_of_one_length_are_no_way_round():
    """Without padding among the texts, a removal still brings it in."""
    model = model_of("GPT2", **GPT2)
    ids, inputs = text(model)
    deletion = removals(model, CAUSAL, inputs)["deletion"]
    sets = np.zeros((3, 2, 8), dtype=bool)
    sets[0, 0, 0] = sets[1, 0, 1:4] = sets[2, 1, 5:] = True
    found = deletion.without(sets)
    for row in range(3):
        for k in range(2):
            kept = torch.from_numpy(~sets[row, k])
            expected = model(input_ids=ids[row : row + 1, kept]).logits.double().softmax(1).detach().numpy()
            np.testing.assert_allclose(found[row, k], expected[0], atol=1e-6)


def test_maps_are_read_where_padding_changes_the_answer_but_there_is_none():
    model = model_of("MobileBert", **MOBILE)
    _, inputs = text(model)
    returned = model(**inputs, output_attentions=True).attentions[-1].mean(1)[:, 0, 1:-1]
    found = stock.explain(model, BERT_TEXT, inputs, ["attention", "attention × norm"])
    torch.testing.assert_close(found["attention"], returned.detach())


class Mixed(nn.Module):
    """A model whose answer has something of the other rows of its batch, or of chance."""

    def __init__(self, model, field, mix):
        super().__init__()
        self.model, self.field, self.mix = model, field, mix
        self.eval()

    def forward(self, **inputs):
        logits = self.model(**inputs)[self.field]
        return {self.field: self.mix(logits)}


@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
@pytest.mark.parametrize(
    "mix",
    [
        lambda logits: logits - logits.sum(dim=0) / 2,
        lambda logits: logits.flip(0),
        lambda logits: logits * len(logits),
        lambda logits: logits + torch.randn_like(logits),
    ],
    ids=["sum", "order", "size", "chance"],
)
def test_an_answer_that_depends_on_the_batch_is_refused(make, mix):
    model, inputs = embedded(make)
    kind = {bert: BERT_TEXT, visual_bert: VISUAL_BERT, lxmert: LXMERT}[make]
    for read in (READERS["explain"], removals):
        with pytest.raises(ValueError, match=r"row \d: in its batch .* alone, without padding"):
            read(Mixed(model, kind.logits, mix), kind, inputs)


@pytest.mark.parametrize("make", [visual_bert, lxmert])
def test_regions_that_are_not_there_do_not_count(make):
    """A model that reads the mean of all regions, padding among them, is asked without."""
    model, inputs = embedded(make)
    kind = VISUAL_BERT if make is visual_bert else LXMERT
    inputs[kind.present] = torch.tensor([[1.0, 1, 1, 0], [1, 1, 1, 1]])

    class Mean(nn.Module):
        def forward(self, **given):
            return {kind.logits: model(**given)[kind.logits] + given[kind.features].mean(dim=1)[:, :3]}

    intact = removals(Mean().eval(), kind, inputs)["zeroing"].intact
    for row, n in enumerate((3, 4)):
        one = {name: value[row : row + 1] for name, value in inputs.items()}
        one = {name: v[:, :n] if "visual" in name else v for name, v in one.items()}
        expected = Mean()(**one)[kind.logits].double().softmax(1).detach().numpy()
        np.testing.assert_allclose(intact[row], expected[0], atol=1e-6)


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Albert", "Electra"])
def test_a_model_that_padding_leaves_alone_is_asked_as_it_is(family):
    more = {"embedding_size": 16} if family == "Albert" else {}
    model = model_of(family, **more)
    _, inputs = text(model, lengths=(9, 4, 7, 2))
    assert without_padding(model, BERT_TEXT, inputs) is model


# What goes in, and comes out


@pytest.mark.parametrize("family", ["Roberta", "XLMRoberta", "Camembert", "Data2VecText", "MPNet", "Bert"])
def test_the_longest_text_is_the_model_s(family):
    model = model_of(family, pad_token_id=1)
    longest = 40 if family == "Bert" else 38
    for length, fits in ((longest, True), (longest + 1, False)):
        inputs = {"inputs_embeds": torch.rand(1, length, 16), "attention_mask": torch.ones(1, length)}
        for read in READERS.values():
            if family == "MPNet" and read is stock.each_layer_and_head:
                continue  # has other names
            if fits:
                assert read(model, BERT_TEXT, inputs)
                continue
            with pytest.raises(ValueError, match=f"{length} positions, the model {longest}"):
                read(model, BERT_TEXT, inputs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "more", "lacks"),
    [
        ("Albert", {"embedding_size": 16}, stock.OF_RELEVANCE),
        ("Bert", {"hidden_act": "gelu_new"}, stock.OF_RELEVANCE),
        ("Roberta", {"hidden_act": "quick_gelu"}, stock.OF_RELEVANCE),
        ("RoFormer", {"embedding_size": 16}, stock.OF_RELEVANCE),
        ("SqueezeBert", {"embedding_size": 16}, (*stock.OF_RELEVANCE, "attention × norm")),
        ("DistilBert", {"dim": 16, "n_heads": 2, "n_layers": 2}, (*stock.OF_LAYERS, *stock.OF_ALL_LAYERS)),
    ],
)
def test_a_method_that_a_model_lacks_does_not_take_the_others_along(family, more, lacks):
    model = model_of(family, **more)
    _, inputs = text(model)
    for name in stock.METHODS:
        if name in lacks:
            with pytest.raises((NotImplementedError, ValueError), match="relevance|needs|has no"):
                stock.explain(model, BERT_TEXT, inputs, name)
        else:
            assert stock.explain(model, BERT_TEXT, inputs, name)[name].isfinite().all()


@pytest.mark.parametrize("kind_of_number", [torch.bfloat16, torch.float16, torch.float64])
def test_scores_are_of_a_kind_that_numpy_has(kind_of_number):
    model = model_of("Bert").to(kind_of_number)
    _, inputs = text(model, lengths=(8, 5, 7))
    ways = removals(model, BERT_TEXT, inputs)
    for found in stock.explain(model, BERT_TEXT, inputs).values():
        assert found.dtype in (torch.float32, torch.float64)
        assert violations(found, ways["deletion"]).tested.all()
    for by_method in stock.each_layer_and_head(model, BERT_TEXT, inputs).values():
        assert all(found.numpy().dtype.itemsize >= 4 for found in by_method.values())


@pytest.mark.slow
def test_global_states_of_torch_are_named_or_do_not_matter():
    model = model_of("Bert")
    _, inputs = text(model)
    expected = stock.explain(model, BERT_TEXT, inputs)
    with torch.no_grad():
        found = stock.explain(model, BERT_TEXT, inputs)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    with torch.inference_mode():
        made = {name: value.clone() for name, value in inputs.items()}
        with pytest.raises(ValueError, match="inference_mode"):
            stock.explain(model, BERT_TEXT, inputs, "attention")
        with pytest.raises(ValueError, match="inference_mode"):
            stock.each_layer_and_head(model, BERT_TEXT, inputs)
        assert removals(model, BERT_TEXT, inputs)
    with pytest.raises(ValueError, match=r"inference_mode.* inputs_embeds was made in it"):
        stock.explain(model, BERT_TEXT, made, "attention")
    with pytest.raises(ValueError, match=r"torch\.compile"):
        stock.explain(torch.compile(model), BERT_TEXT, inputs, "attention")
    model.bert.encoder.layer[0].compile()
    with pytest.raises(ValueError, match=r"BertLayer: .*torch\.compile"):
        stock.explain(model, BERT_TEXT, inputs, "attention")


@pytest.mark.parametrize(
    "chosen", [1, [1, 1, 1], (1, 1, 1), np.ones(3, int), np.uint8(1), torch.tensor(1), torch.ones(3).int()]
)
def test_a_class_is_given_in_any_natural_way(chosen):
    model = model_of("Bert")
    _, inputs = text(model)
    names = ["attention × gradient", "relevance"]
    found = stock.explain(model, BERT_TEXT, inputs, names, chosen=chosen)
    expected = stock.explain(model, BERT_TEXT, inputs, names, chosen=torch.tensor([1, 1, 1]))
    assert all(torch.equal(found[name], expected[name]) for name in names)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (torch.ones(3), "row 0 is 1.0"),
        ([True, False, True], "row 0 is True"),
        (["a", "b", "c"], "row 0 is 'a'"),
        ("a", "row 0 is 'a'"),
        ([0, 1], "2 for 3 instances"),
        ([[0], [1], [2]], r"one per instance; got int64 of shape \(3, 1\)"),
        ([[0], [1, 2], [2]], "one per instance"),
        (3, "row 0 is 3, outside the 3 classes 0-2"),
        (-1, "row 0 is -1, outside"),
        ([0, None, 1], "row 1 is None"),
    ],
)
def test_what_is_no_class_is_refused(chosen, message):
    model = model_of("Bert")
    _, inputs = text(model)
    with pytest.raises(ValueError, match=f"^chosen.*{message}"):
        stock.explain(model, BERT_TEXT, inputs, "attention", chosen=chosen)


@pytest.mark.parametrize("name", ["position_ids", "bbox", "language", "tags"])
def test_an_unknown_input_with_a_row_per_word_is_refused_where_words_go(name):
    plain = model_of("Bert")
    model = Wrapped(plain, lambda m, x: m(**{k: v for k, v in x.items() if k != name}).logits)
    _, inputs = text(plain)
    more = torch.zeros(3, 8, 4) if name == "bbox" else torch.arange(8).repeat(3, 1)
    inputs[name] = more
    assert stock.explain(model, BERT_TEXT, inputs, "attention")
    with pytest.raises(ValueError, match=f"{name} has a row for each of 8 positions.*`beside`"):
        removals(model, BERT_TEXT, inputs)
    moved = replace(BERT_TEXT, beside=("token_type_ids", name))
    without = removals(plain, BERT_TEXT, {k: v for k, v in inputs.items() if k != name})
    for way, removal in removals(model, moved, inputs).items():
        np.testing.assert_allclose(removal.drop_of_each(), without[way].drop_of_each(), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "position_ids",
            torch.arange(8)[None],
            r"position_ids: expected a tensor with a row .* got \[1, 8\]",
        ),
        ("output_attentions", True, "output_attentions: expected a tensor .* got bool"),
        ("attention_mask", torch.zeros(3, 8), "attention_mask: row 0 has fewer than 2 positions"),
        ("attention_mask", torch.zeros(3, 8) - 1, "attention_mask: expected zeros and ones"),
        ("attention_mask", torch.ones(3, 1, 1, 8), "attention_mask is for"),
        ("inputs_embeds", torch.rand(3, 2, 8, 16), "multiple choice"),
        ("inputs_embeds", torch.full((3, 8, 16), torch.nan), "the model's logits of row 0 are nan"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(name, value, message):
    model = model_of("Bert")
    _, inputs = text(model)
    for read in READERS.values():
        with pytest.raises(ValueError, match=message):
            read(model, BERT_TEXT, {**inputs, name: value})
    with pytest.raises(ValueError, match="there are no instances"):
        removals(model, BERT_TEXT, {name: given[:0] for name, given in inputs.items()})
    with pytest.raises(ValueError, match="batch_size is 0"):
        removals(model, BERT_TEXT, inputs, batch_size=0)


def test_dropout_in_a_part_of_the_model_is_named():
    model = model_of("Bert")
    _, inputs = text(model)
    model.bert.encoder.layer[1].train()
    with pytest.raises(ValueError, match=r"bert\.encoder\.layer\.1\..* is in training mode"):
        stock.explain(model, BERT_TEXT, inputs, "attention")


def test_one_method_is_named_without_a_list_and_twice_is_once():
    model = model_of("Bert")
    _, inputs = text(model)
    (found,) = stock.explain(model, BERT_TEXT, inputs, "attention").values()
    again = stock.explain(model, BERT_TEXT, inputs, ["attention", "attention"])
    assert torch.equal(again["attention"], found)
    (each, *_) = stock.each_layer_and_head(model, BERT_TEXT, inputs, "attention").values()
    assert list(each) == ["attention"]
