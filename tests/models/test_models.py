"""Encoders, scorers and heads: shapes, padding, seeds, and what is refused."""

import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from attnlib.models import ENCODERS, SCORERS, VARIANTS, Architecture, batches, build, collate
from attnlib.models.encoders import Convolution
from attnlib.models.reading import read
from tests import toy

# Imposed weights are computed from nothing: they have tests of their own.
COMPUTED = [name for name in SCORERS if name != "imposed"]
EVERY = list(itertools.product(ENCODERS, COMPUTED, (False, True)))


@pytest.mark.parametrize(("encoder", "scorer", "pair"), EVERY)
def test_a_text_does_not_depend_on_its_batch(encoder, scorer, pair):
    model, vocabulary = toy.model(encoder, scorer, 2, pair)
    model.double()  # so that what is left is no rounding
    split = toy.split(20, pair=pair)
    together = model(collate(split, vocabulary, range(20))).logits
    alone = torch.cat([model(collate(split, vocabulary, [i])).logits for i in range(20)])
    torch.testing.assert_close(alone, together, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("candidates", [False, True])
@pytest.mark.parametrize(("encoder", "scorer", "pair"), EVERY)
def test_readout_gives_the_model_s_logits(encoder, scorer, pair, candidates):
    model, vocabulary = toy.model(encoder, scorer, 3, pair)
    split = toy.split(25, pair=pair)
    if candidates:
        pairs = [(label, 2) if i % 3 else (label,) for i, label in enumerate(split.labels.tolist())]
        split = replace(split, candidates=pairs)
    readout = read(model, split, vocabulary, batch_size=4)
    logits = model(collate(split, vocabulary, range(25))).logits
    torch.testing.assert_close(readout.logits(), logits.detach().double(), atol=1e-5, rtol=1e-5)
    assert readout.mask.sum(1).tolist() == [len(text) for text in split.texts]
    assert (readout.allowed is not None) == candidates


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_readout_of_a_deep_head_gives_the_model_s_logits(encoder, n_classes, layers):
    split, (_, vocabulary) = toy.split(9), toy.model()
    sizes = dict(dimension=8, hidden=16, layers=layers)
    model = build(Architecture(encoder, "additive", n_classes, len(vocabulary), **sizes))
    hidden = [m for m in model.head.modules() if isinstance(m, torch.nn.Linear)][:-1]
    assert [m.out_features for m in hidden] == [model.encoder.size // 2] * layers
    readout = read(model, split, vocabulary, batch_size=4)
    output = model(collate(split, vocabulary, range(9)))
    torch.testing.assert_close(readout.logits(), output.logits.detach().double(), atol=1e-5, rtol=1e-5)
    # Under other weights too, against the layers one by one.
    uniform = readout.mask.double() / readout.lengths[:, None]
    states = output.states[:, 1 : 1 + uniform.shape[1]]
    activation = (uniform.float().unsqueeze(1) @ states).squeeze(1)
    for layer in hidden:
        activation = layer(activation).relu()
    expected = model.head.answer(activation).detach().double()
    torch.testing.assert_close(readout.logits(uniform), expected, atol=1e-5, rtol=1e-5)
    # It stays as it is when training goes on.
    before = readout.logits()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert torch.equal(readout.logits(), before)


def test_two_classes_have_one_output_and_a_zero_column():
    model, vocabulary = toy.model()
    readout = read(model, toy.split(5), vocabulary)
    assert (readout.scores[..., 0] == 0).all()
    assert readout.bias[0] == 0
    assert model.head.projection.out_features == 1


@pytest.mark.parametrize(
    ("encoder", "sizes"),
    [("bilstm", [256, 256]), ("bigru", [256, 256]), ("convolution", [128, 256]), ("average", [128, 256])],
)
def test_sizes_are_those_of_the_paper_and_of_its_code(encoder, sizes):
    made = [build(Architecture(encoder, "additive", 2, 10, way)) for way in ("released", "published")]
    assert [model.encoder.size for model in made] == sizes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "bilstn"}, "unknown encoder 'bilstn': known are bilstm, bigru.*Did you mean 'bilstm'"),
        ({"scorer": "dot"}, "unknown scorer 'dot': known are additive, scaled_dot"),
        ({"variant": "paper"}, f"unknown variant 'paper': known are {', '.join(VARIANTS)}"),
        ({"n_classes": 1}, "n_classes: must be a whole number ≥ 2, got 1"),
        ({"dimension": 0}, "dimension: must be a whole number ≥ 1, got 0"),
        ({"layers": -1}, "layers is -1: give 0 or more"),
        ({"layers": 1, "pair": True}, "layers is 1: .* 0 for a model that reads questions"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(change, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**({"encoder": "bilstm", "scorer": "additive", "n_classes": 2, "n_words": 9} | change))


def test_a_question_model_refuses_texts_without_questions():
    model, vocabulary = toy.model(pair=True)
    with pytest.raises(ValueError, match="reads questions"):
        model(collate(toy.split(3), vocabulary, range(3)))


def test_batches_hold_each_text_once_in_any_order():
    split, (_, vocabulary) = toy.split(23), toy.model()
    for generator in (None, np.random.default_rng(0)):
        seen = [i for index, _ in batches(split, vocabulary, 5, generator) for i in index]
        assert sorted(seen) == list(range(23))


def test_gradient_of_padding_is_zero_and_stays_so():
    model, vocabulary = toy.model("convolution")
    assert (model.embedding.weight[0] == 0).all()
    model(collate(toy.split(6), vocabulary, range(6))).logits.sum().backward()
    assert (model.embedding.weight.grad[0] == 0).all()


def test_convolutions_are_torch_s_own_of_one_dimension():
    generator = torch.Generator().manual_seed(0)
    encoder = Convolution(5, 4, (1, 3, 7)).double()
    embedded = torch.randn(3, 9, 5, dtype=torch.float64, generator=generator)
    mask = torch.arange(9) < torch.tensor([[1], [6], [9]])
    states, summary = encoder(embedded, mask.sum(dim=1), mask)
    columns = [layer(embedded.transpose(1, 2)) for layer in encoder.convolutions]
    expected = torch.cat(columns, dim=1).relu().transpose(1, 2) * mask.unsqueeze(2)
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(summary, expected.amax(dim=1))


def test_sparse_scorers_give_exact_zeros(monkeypatch):
    scores = torch.tensor([[1.0, 0.5, -torch.inf, 0.2]])
    nearest = SCORERS["additive_sparsemax"].to_weights(scores)
    torch.testing.assert_close(nearest, torch.tensor([[0.75, 0.25, 0.0, 0.0]]))
    between = SCORERS["additive_entmax"].to_weights(scores)[0]
    # 1.5-entmax: weights are (s/2 - τ)² where that is above 0.
    roots = between[[0, 1, 3]].sqrt()
    torch.testing.assert_close(roots - roots[0], (scores[0, [0, 1, 3]] - 1) / 2)
    assert between[2] == 0
    assert between.sum() == pytest.approx(1)
    monkeypatch.setitem(sys.modules, "entmax", None)
    with pytest.raises(ImportError, match=r"attnlib\[sparse\]"):
        SCORERS["additive_entmax"].to_weights(scores)
