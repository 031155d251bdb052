"""Scores made of attention weights, against autograd through the readout and the algebra of one erasure."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attnlib import Readout
from attnlib.explain import TARGETS
from attnlib.explain import attention as by
from attnlib.faithfulness import attention_mask, violations
from attnlib.models.classifier import DeepHead, PairHead
from tests.kernels.cases import allowing, make, one, spread_out

# Each of a readout, by what it is of the weights and their gradient.
OF_GRADIENTS = {
    by.attention_gradient: lambda alpha, gradient: gradient,
    by.attention_times_gradient: lambda alpha, gradient: alpha * gradient,
    by.attention_times_gradient_size: lambda alpha, gradient: alpha * gradient.abs(),
    by.attention_times_gradient_sign: lambda alpha, gradient: alpha * gradient.sign(),
    by.attention_logit_gradient: None,
}


def sigmoid_output(n=20, longest=7):
    """Two classes of which the first always has logit 0."""
    base = make(n, longest, seed=4)
    scores, bias = base.scores.clone(), base.bias.clone()
    scores[..., 0], bias[0] = 0, 0
    return replace(base, scores=scores, bias=bias)


def with_pair_head(n=20, longest=7):
    """The head of a model that reads questions, in float64."""
    torch.manual_seed(3)
    head = PairHead(8, 3).double().requires_grad_(False)
    base = make(n, longest, 4, seed=5, scale=1.0)
    offset = head.projection.bias + head.query(torch.randn(n, 8, dtype=torch.float64))
    bias = torch.zeros(4, dtype=torch.float64)
    return Readout(base.alpha, base.scores, bias, base.mask, lambda u: 3 * head.answer(torch.tanh(u)), offset)


def with_deep_head(n=20, longest=7):
    """A head of three hidden layers, in float64."""
    torch.manual_seed(4)
    head = DeepHead(8, 4, layers=3, width=6).double().requires_grad_(False)
    base = make(n, longest, 6, seed=6)
    return Readout(base.alpha, base.scores, head.projection.bias, base.mask, head=head.finish)


READOUTS = {
    "two classes": lambda: make(20, 7, seed=1),
    "five classes": lambda: make(20, 7, 5, seed=2),
    "zero weights and ties": lambda: make(20, 7, 3, seed=3, ties=True),
    "sigmoid": sigmoid_output,
    "classes that are not allowed": lambda: allowing(make(20, 7, 5, seed=2), least=2),
    "question": with_pair_head,
    "deep": with_deep_head,
    "padding between the tokens": lambda: spread_out(make(20, 7, 3, seed=7))[0],
}


@pytest.fixture(params=READOUTS)
def readout(request):
    """One kind of model after the other; each has one-token texts."""
    made = READOUTS[request.param]()
    assert (made.lengths == 1).any()
    return made


def value(row, target):
    """The target of one text's logits, spelled out."""
    chosen = int(row.argmax())
    if target == "probability":
        return 1 / (row - row[chosen]).exp().sum()
    if target == "logit" and len(row) == 2 and row[0] == 0:
        return row[1] if chosen else -row[1]
    others = torch.cat([row[:chosen], row[chosen + 1 :]])
    return row[chosen] - others.max() if target == "margin" else row[chosen]


def by_autograd(readout, target, of_logits):
    """The gradient by the weights as free numbers, or by the attention logits."""
    free = (readout.alpha.log() if of_logits else readout.alpha.clone()).requires_grad_()
    weights = free.softmax(1) if of_logits else free
    logits = readout.decode(readout.pooled(weights))
    total = sum(value(row, target) for row in logits)
    (gradient,) = torch.autograd.grad(total, free)
    return gradient.masked_fill(~readout.mask, 0.0)


@pytest.mark.parametrize("target", TARGETS)
def test_gradients_are_those_of_autograd(readout, target):
    gradient = by_autograd(readout, target, of_logits=False)
    for function, of in OF_GRADIENTS.items():
        expected = of(readout.alpha, gradient) if of else by_autograd(readout, target, of_logits=True)
        found = function(readout, target)
        assert found.dtype == torch.float64
        torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-9)
    # Raising all attention logits together changes no weight.
    torch.testing.assert_close(found.sum(1), torch.zeros(len(readout)).double(), atol=1e-14, rtol=0)


def test_weights_and_norms_by_definition(readout):
    assert torch.equal(by.attention_weights(readout), readout.alpha)
    sizes = np.linalg.norm(readout.scores.double().numpy(), axis=2)
    found = by.attention_times_norm(readout)
    np.testing.assert_allclose(found, readout.alpha.numpy() * sizes, atol=1e-12, rtol=0)
    assert (found[~readout.mask] == 0).all()


@pytest.mark.parametrize("function", OF_GRADIENTS)
def test_an_unknown_target_is_refused_with_the_known_ones(function):
    message = r"unknown target 'logits': known are probability, logit, margin.*'logit'"
    with pytest.raises(ValueError, match=message):
        function(make(3, 4), "logits")


@st.composite
def two_class_text(draw):
    """Weights and log-odds of 2 to 7 tokens, often far apart, tied or 0."""
    n = draw(st.integers(2, 7))
    sizes = draw(st.lists(st.floats(-9, 9), min_size=n, max_size=n))
    numbers = st.floats(-6, 6) | st.integers(-2, 2).map(float)
    margins = draw(st.lists(numbers, min_size=n, max_size=n))
    # Rounded: a bias of 1e-265 decides between logits and not between probabilities.
    bias = round(draw(st.floats(-3, 3)), 9)
    return one(torch.tensor(sizes).double().softmax(0).tolist(), margins, bias)


@settings(max_examples=15, deadline=None)
@given(two_class_text(), st.sampled_from(TARGETS))
def test_two_classes_the_logit_gradient_never_violates_and_the_product_where_the_mean_matters(r, target):
    removal = attention_mask(r)
    margins = r.scores[0, :, 1] - r.scores[0, :, 0]
    above = margins - r.alpha[0] @ margins  # s_t − s̄
    near_tie = (margins.abs() < 1e-6) | (above.abs() < 1e-6)
    for rank in range(len(margins)):
        safe = violations(by.attention_logit_gradient(r, target), removal, rank, tolerance=1e-12)
        assert safe.tied[0] or not safe.violated[0]
        product = violations(by.attention_times_gradient(r, target), removal, rank, tolerance=1e-12)
        token = product.token[0]
        if not (product.tied[0] or near_tie[token]):
            assert product.violated[0] == (margins[token] * above[token] < 0)


def test_for_two_classes_the_product_does_violate_and_for_more_so_does_the_logit_gradient():
    # Without the first token the margin rises from 1.4 to 3, though its own is positive.
    r = one([0.8, 0.2], [1.0, 3.0])
    removal = attention_mask(r)
    assert violations(by.attention_times_gradient(r), removal).violated.tolist() == [True]
    assert violations(by.attention_logit_gradient(r), removal).violated.tolist() == [False]
    many = make(3000, 9, 5, seed=9, shortest=2)
    rate = violations(by.attention_logit_gradient(many), attention_mask(many)).ratio
    assert 0 < rate < 0.1
