"""Gradients at the word embeddings, against one text and one step at a time."""

import itertools
from dataclasses import replace
from functools import partial

import pytest
import torch

from attnlib.data.corpus import END, START
from attnlib.explain import inputs as by
from attnlib.explain.targets import target_value
from attnlib.models import ENCODERS, collate
from tests import toy

pytest.importorskip("captum")

EVERY = [
    *itertools.product(ENCODERS, (False, True), ("probability",)),
    *itertools.product(("average",), (False, True), ("logit", "margin")),
]


def scored(method, model, split, vocabulary, **options):
    return by.attributions(method, by.Trained(model, split, vocabulary, None), **options)


# With few steps, for the methods that take any.
ALL = {
    "input × gradient": partial(scored, by.input_times_gradient),
    "embedding gradient": partial(scored, by.embedding_gradient),
    "integrated gradients": partial(scored, by.integrated_gradients(3)),
    "released": partial(scored, by.integrated_gradients(3, released=True)),
}


def one_text(model, vocabulary, split, i, target):
    """Embeddings [L, d] of text i, and the target as a function of embeddings, the class held fixed."""
    batch = collate(split, vocabulary, [i])
    predicted = model(batch).logits.argmax(1)

    def forward(embedded):
        return target_value(model(batch, embedded=embedded[None]).logits, predicted, target)[0]

    return model.embedding(batch.ids)[0].detach(), forward


def slope(forward, point):
    """Gradient of the target at a point, [L, d]."""
    point = point.clone().requires_grad_()
    return torch.autograd.grad(forward(point), point)[0]


def by_loops(name, forward, embedded, n_steps=3):
    """The definition of each method, for all positions [L]."""
    if name == "input × gradient":
        found = embedded * slope(forward, embedded)
    elif name == "embedding gradient":
        found = slope(forward, embedded)
    else:
        found = torch.zeros_like(embedded)
        for k in range(1, n_steps + 1):
            weight = k / n_steps if name == "released" else 1 / n_steps
            found += weight * embedded * slope(forward, k / n_steps * embedded)
    return found.sum(1)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("encoder", "pair", "target"), EVERY)
def test_methods_by_definition(encoder, pair, target, name):
    model, vocabulary = toy.model(encoder, n_classes=3, pair=pair)
    model.double()
    split = toy.split(3, seed=3, pair=pair, longest=6)
    found = ALL[name](model, split, vocabulary, target=target, batch_size=2)
    assert found.shape == (3, max(map(len, split.texts)))
    assert found.dtype == torch.float64
    for i, text in enumerate(split.texts):
        embedded, forward = one_text(model, vocabulary, split, i, target)
        expected = by_loops(name, forward, embedded)[1 : 1 + len(text)]
        # Captum has the points of the path in single precision.
        torch.testing.assert_close(found[i, : len(text)], expected, atol=1e-6, rtol=1e-6)
        assert (found[i, len(text) :] == 0).all()


@pytest.mark.parametrize("name", ALL)
def test_a_sigmoid_has_one_logit(name):
    # Two classes: the score of the logit of class 0 is that of minus the logit of class 1.
    model, vocabulary = toy.model("average")
    split = toy.split(12)
    predicted = model(collate(split, vocabulary, range(12))).logits.argmax(1)
    assert predicted.unique().tolist() == [0, 1]
    logit, margin = (ALL[name](model, split, vocabulary, target=t) for t in ("logit", "margin"))
    torch.testing.assert_close(logit, margin, atol=1e-5, rtol=0)
    model.head.projection.weight.data.neg_()
    model.head.projection.bias.data.neg_()  # now the other class is predicted, for the same reasons
    torch.testing.assert_close(ALL[name](model, split, vocabulary, target="logit"), logit, atol=1e-5, rtol=0)


@pytest.mark.parametrize("pair", [False, True])
def test_integrated_gradients_are_complete_and_the_released_ones_are_not(pair):
    model, vocabulary = toy.model("average", n_classes=3, pair=pair)
    model.double()
    with torch.no_grad():
        # Start and end symbols then get nothing themselves, so tokens alone must make up the sum.
        model.embedding.weight[[START, END]] = 0
    split = toy.split(4, seed=1, pair=pair, longest=5)
    texts = [one_text(model, vocabulary, split, i, "probability") for i in range(4)]
    with torch.no_grad():
        differences = torch.stack([forward(x) - forward(torch.zeros_like(x)) for x, forward in texts])
    fine, coarse, released = (
        scored(by.integrated_gradients(steps, wrong), model, split, vocabulary).sum(1)
        for steps, wrong in ((200, False), (100, False), (200, True))
    )
    torch.testing.assert_close(fine, differences, atol=0.02, rtol=0)
    # The error is of first order in the step: two such sums cancel it.
    torch.testing.assert_close(2 * fine - coarse, differences, atol=1e-3, rtol=0)
    assert float((released - differences).abs().min()) > 0.1
    assert float((released / 200 - differences).abs().max()) > 0.1  # nor as a mean over the steps


@pytest.mark.parametrize("name", ALL)
def test_the_probability_is_among_the_candidates_and_nothing_else_moves(name):
    model, vocabulary = toy.model("average", n_classes=3, pair=True)
    split = toy.split(6, pair=True)
    before, parameters = torch.get_rng_state(), [p.detach().clone() for p in model.parameters()]
    for candidates, moves in (([(x,) for x in split.labels], False), ([(x, 2) for x in split.labels], True)):
        found = ALL[name](model, replace(split, candidates=candidates), vocabulary, target="probability")
        assert (found.abs().amax(1) > 0).tolist() == [moves] * 6
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(parameters, model.parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())


def test_no_step_and_an_unknown_target_are_refused():
    for released in (False, True):
        with pytest.raises(ValueError, match="n_steps is 0"):
            by.integrated_gradients(n_steps=0, released=released)
    with pytest.raises(ValueError, match="unknown target 'odds': known are probability, logit, margin"):
        ALL["released"](*toy.model()[:1], toy.split(3), toy.model()[1], target="odds")
