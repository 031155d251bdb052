"""Explanations of unmodified transformers: against what the models return, text by text, and refusals."""

from itertools import product

import numpy as np
import pytest
import torch

from attnlib.explain.targets import target_value
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from tests.stock import bert, embedded, lxmert, visual_bert

MAKERS = [bert, visual_bert, lxmert]
SIGNED = stock.Aggregation(clamp=False)


@pytest.mark.parametrize("make", MAKERS)
def test_every_method_scores_every_row(make):
    model, kind, inputs = embedded(make)
    # Clamped, an attribution may be zero throughout.
    scores = stock.explain(model, kind, inputs, aggregation=SIGNED)
    assert list(scores) == list(stock.METHODS) == list(stock.PUBLISHED)
    for name, found in scores.items():
        assert found.shape == kind.mask(inputs).shape, name
        assert found.isfinite().all()
        assert (found != 0).any(), name
        assert not found.requires_grad


@pytest.mark.slow
@pytest.mark.parametrize("make", MAKERS)
def test_a_row_does_not_depend_on_its_batch_or_padding(make):
    model, kind, inputs = embedded(make)
    inputs[kind.present] = inputs[kind.present].clone()
    inputs[kind.present][1, -1] = 0
    both = stock.explain(model, kind, inputs)
    assert all((found[1, -1] == 0) for found in both.values())
    for name, found in stock.explain(model, kind, inputs, batch_size=1).items():
        torch.testing.assert_close(found, both[name], atol=1e-5, rtol=1e-3, msg=name)
    alone = {name: value[1:] for name, value in inputs.items()}
    for name in (kind.features, kind.present, "visual_token_type_ids", "visual_pos"):
        if name in alone:
            alone[name] = alone[name][:, :-1]
    single = stock.explain(model, kind, alone)
    for name, found in single.items():
        if name in stock.RANDOM:
            continue  # drawn by the row's number
        torch.testing.assert_close(found[0], both[name][1, :-1], atol=1e-5, rtol=1e-3, msg=name)


@pytest.mark.parametrize("target", ["logit", "probability", "margin"])
@pytest.mark.parametrize("make", [visual_bert, lxmert])
def test_attention_and_its_gradient_are_of_the_maps_that_the_model_returns(make, target):
    model, kind, inputs = embedded(make)
    output = model(**inputs, output_attentions=True)
    logits = output[kind.logits]
    value = target_value(logits, logits.argmax(1), target).sum()
    last = output[{visual_bert: "attentions", lxmert: "cross_encoder_attentions"}[make]][-1]
    (gradient,) = torch.autograd.grad(value, last)
    names = ["attention", "attention × gradient"]
    for name, found in stock.explain(model, kind, inputs, names, target=target).items():
        expected = (last if name == "attention" else last * gradient).mean(1).detach()
        # The word before the separator, of 7, and the regions after them; the class token.
        expected = expected[:, 5, 7:] if make is visual_bert else expected[:, 0]
        torch.testing.assert_close(found, expected)


def test_input_times_gradient_is_plain_autograd():
    model, kind, inputs = embedded(lxmert)
    features = inputs["visual_feats"].clone().requires_grad_()
    logits = model(**{**inputs, "visual_feats": features}).question_answering_score
    (gradient,) = torch.autograd.grad(logits[:, 2].sum(), features)
    chosen = torch.tensor([2, 2])
    found = stock.explain(model, kind, inputs, ["input × gradient"], chosen=chosen)
    torch.testing.assert_close(found["input × gradient"], (features * gradient).sum(2).detach())


@pytest.mark.parametrize("make", MAKERS)
def test_clamping_is_what_keeps_attributions_from_being_negative(make):
    model, kind, inputs = embedded(make, seed=3)
    names = ["transformer attribution", "generic attribution"]
    clamped = stock.explain(model, kind, inputs, names)
    signed = stock.explain(model, kind, inputs, names, aggregation=SIGNED)
    for name in names:
        assert (clamped[name] >= 0).all()
        assert not torch.allclose(clamped[name], signed[name])


@pytest.mark.parametrize("make", MAKERS)
def test_integrated_gradients_sum_to_the_difference_between_both_ends(make):
    model, kind, inputs = embedded(make)
    for parameter in model.parameters():
        parameter.data *= 0.3  # smooth enough for ten steps
    (found,) = stock.explain(model, kind, inputs, ["integrated gradients"]).values()
    with torch.no_grad():
        whole = model(**inputs)[kind.logits]
        none = model(**{**inputs, kind.features: torch.zeros_like(inputs[kind.features])})[kind.logits]
    chosen = whole.argmax(1, keepdim=True)
    difference = (whole - none).gather(1, chosen).squeeze(1)
    # BERT's class token and separator have a part too, which is no word's.
    if make is not bert:
        torch.testing.assert_close(found.sum(1), difference, atol=0.15 * difference.abs().max(), rtol=0)
    released = stock.explain(model, kind, inputs, ["integrated gradients, released"])
    assert not torch.allclose(found, *released.values())


@pytest.mark.slow
@pytest.mark.parametrize("make", MAKERS)
def test_layers_and_heads_one_by_one_are_those_of_the_aggregation(make):
    model, kind, inputs = embedded(make)
    methods = ["attention", "attention × norm", "attention × gradient"]
    each = stock.each_layer_and_head(model, kind, inputs, methods, batch_size=1)
    assert list(each) == list(product(range(2), (None, 0, 1)))
    for (layer, head), scores in each.items():
        how = stock.Aggregation(heads="mean" if head is None else head, layers=layer)
        expected = stock.explain(model, kind, inputs, methods, aggregation=how)
        for name, found in scores.items():
            torch.testing.assert_close(found, expected[name], atol=1e-6, rtol=1e-4)
    last = stock.explain(model, kind, inputs, methods)
    for name, found in each[1, None].items():
        torch.testing.assert_close(found, last[name], atol=1e-6, rtol=1e-4)


def test_the_mean_row_is_that_of_the_queries_that_are_present():
    model, kind, inputs = embedded(bert)
    inputs["attention_mask"] = inputs["attention_mask"].clone()
    inputs["attention_mask"][1, -2:] = 0
    last = model(**inputs, output_attentions=True).attentions[-1].mean(1).detach()
    how = stock.Aggregation(row="mean")
    (found,) = stock.explain(model, kind, inputs, ["attention"], aggregation=how).values()
    torch.testing.assert_close(found[0], last[0].mean(0)[1:6])
    torch.testing.assert_close(found[1, :3], last[1, :5].mean(0)[1:4])
    assert (found[1, 3:] == 0).all()


def test_random_scores_depend_on_row_and_seed_alone():
    present = torch.ones(400, 30, dtype=torch.bool)
    for signed, low in ((False, 0), (True, -1)):
        drawn = stock.random_rows(present, 0, signed)
        assert torch.equal(stock.random_rows(present[:5, :9], 0, signed), drawn[:5, :9])
        assert not torch.equal(stock.random_rows(present, 1, signed), drawn)
        assert low <= drawn.min() < low + 0.01
        assert 0.99 < drawn.max() < 1
        assert np.isclose(drawn.mean(), (low + 1) / 2, atol=0.02)
    model, kind, inputs = embedded(lxmert)
    for name, found in stock.explain(model, kind, inputs, stock.RANDOM, seed=1).items():
        assert torch.equal(found, stock.random_rows(present[:2, :4], 1, name == "signed random"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "attention_mask",
            torch.tensor([[1] * 7, [0] + [1] * 6]),
            "attention_mask: row 1 has something after a gap",
        ),
        (
            "visual_attention_mask",
            torch.tensor([[1] * 4, [1, 0, 1, 1]]),
            "visual_attention_mask: row 1 has .* gap",
        ),
        ("visual_attention_mask", torch.ones(2, 3), r"visual_embeds has \[2, 4\] rows.*\[2, 3\]"),
        ("visual_attention_mask", None, "inputs lack 'visual_attention_mask'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_by_name(name, value, message):
    model, kind, inputs = embedded(visual_bert)
    given = {key: kept for key, kept in {**inputs, name: value}.items() if kept is not None}
    for read in (stock.explain, removals):
        with pytest.raises(ValueError, match=message):
            read(model, kind, given)


@pytest.mark.parametrize(
    ("message", "options"),
    [
        (r"unknown method 'rolout'.*Did you mean 'rollout'", {"methods": ["rolout"]}),
        ("unknown target", {"target": "loss"}),
        ("2: there are 2, from 0 to 1", {"methods": "attention", "aggregation": stock.Aggregation(layers=2)}),
    ],
)
def test_bad_options_are_refused_by_name(message, options):
    model, kind, inputs = embedded(visual_bert)
    with pytest.raises(ValueError, match=message):
        stock.explain(model, kind, inputs, **options)
    with pytest.raises(ValueError, match="training mode"):
        stock.explain(model.train(), kind, inputs)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("heads", value) for value in ("avg", "MEAN", "last", None, 0.0, True, "0", np.bool_(True))),
        *(("layers", value) for value in ("lsat", "max", None, 1.5, False, "0")),
        *(("clamp", value) for value in ("no", "False", 0, 1.0)),
        ("row", "heads"),
    ],
)
def test_a_reading_that_is_none_is_refused(field, value):
    with pytest.raises(ValueError, match=f"unknown {field} .*: (give|known) "):
        stock.Aggregation(**{field: value})


def test_a_reading_takes_numpy_s_numbers():
    model, kind, inputs = embedded(bert)
    for number in np.arange(2):
        how = stock.Aggregation(heads=number, layers=number)
        assert how == stock.Aggregation(heads=int(number), layers=int(number))
        assert type(how.heads) is type(how.layers) is int
        assert stock.explain(model, kind, inputs, ["attention", "rollout"], aggregation=how)
