"""Explanations of unmodified transformers: against what the models return, text by text, and refusals."""

import pytest
import torch

from attnlib.explain import stock
from attnlib.explain.targets import target_value
from attnlib.models.stock_kinds import BERT_TEXT, LXMERT, VISUAL_BERT
from tests.explain.stock_models import KINDS, bert, embedded, lxmert, visual_bert

MAKERS = [bert, visual_bert, lxmert]


@pytest.mark.parametrize("make", MAKERS)
def test_every_method_scores_every_row(make):
    model, inputs = embedded(make)
    kind = KINDS[make]
    # Clamped, an attribution may be zero throughout.
    scores = stock.explain(model, kind, inputs, clamp=False)
    assert list(scores) == list(stock.METHODS) == list(stock.PUBLISHED)
    for name, found in scores.items():
        assert found.shape == kind.mask(inputs).shape, name
        assert found.isfinite().all()
        assert (found != 0).any(), name
        assert not found.requires_grad


@pytest.mark.parametrize("make", MAKERS)
def test_a_row_does_not_depend_on_its_batch_or_padding(make):
    model, inputs = embedded(make)
    kind = KINDS[make]
    inputs[kind.present] = inputs[kind.present].clone()
    inputs[kind.present][1, -1] = 0
    both = stock.explain(model, kind, inputs)
    assert all((found[1, -1] == 0) for found in both.values())
    alone = {name: value[1:] for name, value in inputs.items()}
    for name in (kind.features, kind.present, "visual_token_type_ids", "visual_pos"):
        if name in alone:
            alone[name] = alone[name][:, :-1]
    single = stock.explain(model, kind, alone)
    for name, found in single.items():
        torch.testing.assert_close(found[0], both[name][1, :-1], atol=1e-5, rtol=1e-3, msg=name)


@pytest.mark.parametrize("target", ["logit", "probability", "margin"])
def test_attention_and_its_gradient_are_of_the_maps_that_the_model_returns(target):
    model, inputs = embedded(visual_bert)
    output = model(**inputs, output_attentions=True)
    last = output.attentions[-1]
    predicted = output.logits.argmax(1)
    value = target_value(output.logits, predicted, target).sum()
    (gradient,) = torch.autograd.grad(value, last)
    row = torch.tensor([5, 5])  # the word before the separator, of 7
    scores = stock.explain(model, VISUAL_BERT, inputs, ["attention", "attention × gradient"], target=target)
    regions = slice(7, 11)
    expected = last.mean(1)[[0, 1], row][:, regions].detach()
    torch.testing.assert_close(scores["attention"], expected)
    expected = (last * gradient).sum(1)[[0, 1], row][:, regions].detach()
    torch.testing.assert_close(scores["attention × gradient"], expected)


def test_input_times_gradient_is_plain_autograd():
    model, inputs = embedded(lxmert)
    features = inputs["visual_feats"].clone().requires_grad_()
    logits = model(**{**inputs, "visual_feats": features}).question_answering_score
    (gradient,) = torch.autograd.grad(logits[:, 2].sum(), features)
    chosen = torch.tensor([2, 2])
    found = stock.explain(model, LXMERT, inputs, ["input × gradient"], chosen=chosen)
    torch.testing.assert_close(found["input × gradient"], (features * gradient).sum(2).detach())


def test_the_last_cross_attention_is_lxmert_s():
    model, inputs = embedded(lxmert)
    returned = model(**inputs, output_attentions=True).cross_encoder_attentions[-1]
    found = stock.explain(model, LXMERT, inputs, ["attention"])["attention"]
    torch.testing.assert_close(found, returned.mean(1)[:, 0].detach())


@pytest.mark.parametrize("make", MAKERS)
def test_clamping_is_what_keeps_attributions_from_being_negative(make):
    model, inputs = embedded(make, seed=3)
    names = ["transformer attribution", "generic attribution"]
    clamped = stock.explain(model, KINDS[make], inputs, names)
    signed = stock.explain(model, KINDS[make], inputs, names, clamp=False)
    for name in names:
        assert (clamped[name] >= 0).all()
        assert not torch.allclose(clamped[name], signed[name])


def test_bad_input_is_refused_by_name():
    model, inputs = embedded(visual_bert)
    kind = VISUAL_BERT
    with pytest.raises(ValueError, match=r"expected 2 classes from 0 to 2"):
        stock.explain(model, kind, inputs, chosen=torch.tensor([0, 3]))
    with pytest.raises(ValueError, match=r"visual_embeds has \[2, 4\] rows.*\[2, 3\]"):
        stock.explain(model, kind, {**inputs, "visual_attention_mask": torch.ones(2, 3)})
    with pytest.raises(ValueError, match="inputs lack 'visual_attention_mask'"):
        stock.explain(model, kind, {k: v for k, v in inputs.items() if k != "visual_attention_mask"})
    with pytest.raises(ValueError, match=r"unknown method 'rolout'.*Did you mean 'rollout'"):
        stock.explain(model, kind, inputs, ["rolout"])
    with pytest.raises(ValueError, match="unknown target"):
        stock.explain(model, kind, inputs, target="loss")
    with pytest.raises(ValueError, match="training mode"):
        stock.explain(model.train(), kind, inputs)
    model, inputs = embedded(bert)
    long = {"inputs_embeds": torch.rand(1, 600, 16), "attention_mask": torch.ones(1, 600)}
    with pytest.raises(ValueError, match="600 positions, the model 512"):
        stock.explain(model, BERT_TEXT, long)


def test_fused_attention_is_refused():
    model, inputs = embedded(bert)
    model.config._attn_implementation = "sdpa"
    with pytest.raises(ValueError, match="eager"):
        stock.explain(model, BERT_TEXT, inputs)
