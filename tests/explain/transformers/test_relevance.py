"""Relevance propagation and attention maps on stock models of transformers, from small configurations."""

import pytest
import torch
from torch import nn

from attnlib.explain.transformers.passes import AttentionMaps
from attnlib.explain.transformers.relevance import Relevance
from tests.stock import bert, built, lxmert, visual_bert


def logits_of(output):
    return output["logits"] if "logits" in output else output["question_answering_score"]


def one_hot(logits, chosen=1):
    return torch.zeros_like(logits).index_fill_(1, torch.tensor([chosen]), 1.0)


@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
def test_the_forward_pass_is_the_model_s_own_and_so_are_its_maps(make):
    model, inputs = built(make)
    with Relevance(), AttentionMaps(model) as maps:
        watched = logits_of(model(**inputs))
    output = model(**inputs, output_attentions=True)
    assert torch.equal(watched, logits_of(output))
    found, returned = [m.weights for m in maps.found], output.get("attentions")
    if make is lxmert:
        # Two of language, one of vision; then per layer both directions of the cross attention and both.
        shapes = [(7, 7), (7, 7), (4, 4), *[(7, 4), (4, 7), (7, 7), (4, 4)] * 2]
        assert [tuple(weights.shape[2:]) for weights in found] == shapes
        found, returned = found[3::4], output["cross_encoder_attentions"]
    assert all(torch.equal(mine, own) for mine, own in zip(found, returned, strict=True))


@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
@pytest.mark.parametrize("seed", [1, 2])
def test_relevance_is_conserved_from_layer_to_layer(make, seed):
    model, inputs = built(make, seed)
    with Relevance():
        output = model(**inputs, output_hidden_states=True)
    logits = logits_of(output)
    totals = []
    for name in ("hidden_states", "language_hidden_states", "vision_hidden_states"):
        if name in output:
            asked = dict(allow_unused=True, retain_graph=True)
            found = torch.autograd.grad(logits, output[name], one_hot(logits), **asked)
            totals.append([torch.zeros(2) if r is None else r.sum((1, 2)) for r in found])
    # Before the first cross layer a stream has all layers of its own, so streams are aligned at their ends.
    depth = min(len(total) for total in totals)
    for layer in range(1, depth + 1):
        torch.testing.assert_close(sum(total[-layer] for total in totals), torch.ones(2), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("x", "weight", "relevance", "expected"),
    [
        # First unit: contributions 2, 2, −3, so 1/2, 1/2, 0. Second: 1, −2, −3, so all to the first input.
        ([1.0, -2, 3], [[2.0, -1, -1], [1, 1, -1]], [1.0, 10], [10.5, 0.5, 0]),
        ([1.0, 2], [[-1.0, -1]], [1.0], [0.0, 0]),  # where nothing contributes, relevance is lost
    ],
)
def test_a_linear_layer_shares_by_positive_contributions(x, weight, relevance, expected):
    x, layer = torch.tensor([x], requires_grad=True), nn.Linear(len(x), len(weight))
    layer.weight.data = torch.tensor(weight)
    with Relevance():
        out = layer(x)
    (found,) = torch.autograd.grad(out, x, torch.tensor([relevance]))
    torch.testing.assert_close(found, torch.tensor([expected]))


def test_a_product_gives_half_to_either_factor():
    a, b = (torch.tensor(x, requires_grad=True) for x in ([[[2.0, 3.0]]], [[[1.0], [-1.0]]]))
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
    mends = r'attention\.self.*attn_implementation="eager"'
    with pytest.raises(ValueError, match=mends), AttentionMaps(model):
        model(**inputs)
    # And the hooks are gone: the model works as before.
    assert not model.bert.encoder.layer[0].attention.self._forward_pre_hooks
    model(**inputs)


def test_a_function_without_a_rule_is_named():
    x = torch.ones(2, 2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="no rule of relevance for exp"), Relevance():
        x.exp()
