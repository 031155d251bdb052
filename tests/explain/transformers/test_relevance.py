"""Relevance propagation and attention maps on stock models of transformers, from small configurations."""

import pytest
import torch
from torch import nn

from attnlib.explain.transformers.passes import AttentionMaps
from attnlib.explain.transformers.relevance import Relevance
from tests.explain.transformers.stock_models import bert, built, lxmert, visual_bert


def logits_of(output):
    return output["logits"] if "logits" in output else output["question_answering_score"]


def one_hot(logits, chosen=1):
    return torch.zeros_like(logits).index_fill_(1, torch.tensor([chosen]), 1.0)


@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
def test_the_forward_pass_is_the_model_s_own(make):
    model, inputs = built(make)
    with Relevance(), AttentionMaps(model):
        watched = logits_of(model(**inputs))
    assert torch.equal(watched, logits_of(model(**inputs)))


@pytest.mark.parametrize("make", [bert, visual_bert])
def test_the_maps_are_those_that_the_model_returns(make):
    model, inputs = built(make)
    with AttentionMaps(model) as maps:
        output = model(**inputs, output_attentions=True)
    assert len(maps.found) == len(output["attentions"])
    for found, returned in zip(maps.found, output["attentions"], strict=True):
        assert torch.equal(found.weights, returned)


def test_all_maps_of_a_two_stream_model_are_found():
    model, inputs = built(lxmert)
    with AttentionMaps(model) as maps:
        output = model(**inputs, output_attentions=True)
    shapes = [tuple(found.weights.shape[2:]) for found in maps.found]
    # Two of language, one of vision; then per layer both directions of the cross attention and both streams.
    assert shapes == [(7, 7), (7, 7), (4, 4), *[(7, 4), (4, 7), (7, 7), (4, 4)] * 2]
    cross = [found.weights for found in maps.found if found.weights.shape[2:] == (7, 4)]
    for found, returned in zip(cross, output["cross_encoder_attentions"], strict=True):
        assert torch.equal(found, returned)


@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
@pytest.mark.parametrize("seed", [1, 2])
def test_relevance_is_conserved_from_layer_to_layer(make, seed):
    model, inputs = built(make, seed)
    with Relevance():
        output = model(**inputs, output_hidden_states=True)
    logits = logits_of(output)
    streams = [
        output[name]
        for name in ("hidden_states", "language_hidden_states", "vision_hidden_states")
        if name in output
    ]
    totals = []
    for states in streams:
        found = torch.autograd.grad(logits, states, one_hot(logits), allow_unused=True, retain_graph=True)
        totals.append([torch.zeros(2) if r is None else r.sum((1, 2)) for r in found])
    # Before the first cross layer a stream has all layers of its own, so streams are aligned at their ends.
    depth = min(len(total) for total in totals)
    for layer in range(1, depth + 1):
        torch.testing.assert_close(sum(total[-layer] for total in totals), torch.ones(2), atol=1e-5, rtol=0)


def test_a_linear_layer_shares_by_positive_contributions():
    x = torch.tensor([[1.0, -2.0, 3.0]], requires_grad=True)
    layer = nn.Linear(3, 2)
    layer.weight.data = torch.tensor([[2.0, -1.0, -1.0], [1.0, 1.0, -1.0]])
    with Relevance():
        out = layer(x)
    (found,) = torch.autograd.grad(out, x, torch.tensor([[1.0, 10.0]]))
    # First unit: contributions 2, 2, −3, so shares 1/2, 1/2, 0. Second: 1, −2, −3, so all to the first input.
    torch.testing.assert_close(found, torch.tensor([[0.5 + 10, 0.5, 0.0]]))


def test_where_nothing_contributes_positively_relevance_is_lost():
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    layer = nn.Linear(2, 1)
    layer.weight.data = torch.tensor([[-1.0, -1.0]])
    with Relevance():
        out = layer(x)
    (found,) = torch.autograd.grad(out, x, torch.ones(1, 1))
    assert (found == 0).all()


def test_a_product_gives_half_to_either_factor():
    a, b = (
        torch.tensor([[[2.0, 3.0]]], requires_grad=True),
        torch.tensor([[[1.0], [-1.0]]], requires_grad=True),
    )
    with Relevance():
        out = a @ b  # 2 − 3
    first, second = torch.autograd.grad(out, [a, b], torch.tensor([[[4.0]]]))
    torch.testing.assert_close(first, torch.tensor([[[-4.0, 6.0]]]))
    torch.testing.assert_close(second, torch.tensor([[[-4.0], [6.0]]]))


def test_a_sum_is_shared_text_by_text():
    a, b = torch.tensor([[3.0, 1.0], [1.0, 0.0]], requires_grad=True), torch.ones(2, 2, requires_grad=True)
    relevance = torch.tensor([[4.0, 2.0], [1.0, 1.0]])
    with Relevance():
        out = a + b
    first, second = torch.autograd.grad(out, [a, b], relevance)
    # Row 0: shares 3 and 1, 1 and 1, so totals 4 and 2 of 6, which is what is to be shared: nothing changes.
    torch.testing.assert_close(first[0], torch.tensor([3.0, 1.0]))
    torch.testing.assert_close(second[0], torch.tensor([1.0, 1.0]))
    torch.testing.assert_close((first + second).sum(1), relevance.sum(1))


def test_a_constant_gets_none():
    x = torch.ones(2, 3, requires_grad=True)
    with Relevance():
        out = ((x + torch.full((2, 3), 5.0)) * 3.0).softmax(1)
    relevance = torch.arange(6.0).view(2, 3)
    assert torch.equal(torch.autograd.grad(out, x, relevance)[0], relevance)


def test_fused_attention_is_refused_with_the_line_that_mends_it():
    model, inputs = built(lambda: bert(attn_implementation="sdpa"))
    with (
        pytest.raises(ValueError, match=r'attention\.self.*attn_implementation="eager"'),
        AttentionMaps(model),
    ):
        model(**inputs)
    # And the hooks are gone: the model works as before.
    assert not model.bert.encoder.layer[0].attention.self._forward_pre_hooks
    model(**inputs)


def test_a_model_without_attention_is_refused_by_name():
    with pytest.raises(ValueError, match="Linear has no attention module"), AttentionMaps(nn.Linear(2, 2)):
        pass


def test_a_function_without_a_rule_is_named():
    x = torch.ones(2, 2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="no rule of relevance for exp"), Relevance():
        x.exp()
