"""Gradients and leave-one-out against finite differences and one text at a time."""

import itertools
from dataclasses import replace

import pytest
import torch

from attnlib.explain import gradient_times_embedding, leave_one_out
from attnlib.models import ENCODERS, SCORERS, collate
from tests import toy

# Imposed weights are computed from nothing: they have tests of their own.
COMPUTED = [name for name in SCORERS if name != "imposed"]
EVERY = list(itertools.product(ENCODERS, COMPUTED, (False, True)))


def with_candidates(split):
    """The label may be the answer, and class 2 in two of three texts."""
    pairs = [(label, 2) if i % 3 else (label,) for i, label in enumerate(split.labels.tolist())]
    return replace(split, candidates=pairs)


@pytest.mark.parametrize(("encoder", "scorer", "pair"), EVERY)
def test_gradient_is_the_derivative_by_the_size_of_each_embedding(encoder, scorer, pair):
    # e · ∂p/∂e is the derivative of p when e is scaled; central differences in float64, attention held fixed.
    model, vocabulary = toy.model(encoder, scorer, 3, pair)
    model.double()
    split = toy.split(3, pair=pair, shortest=2, longest=5)
    found = gradient_times_embedding(model, split, vocabulary)
    for i, text in enumerate(split.texts):
        batch = collate(split, vocabulary, [i])
        embedded = model.embedding(batch.ids).detach()
        fixed = model(batch)
        predicted = int(fixed.logits.argmax())

        def probability(scale, position, batch=batch, embedded=embedded, fixed=fixed, predicted=predicted):
            changed = embedded.clone()
            changed[0, position] *= scale
            states, _ = model.encoder(changed, batch.lengths, batch.mask)
            context = (fixed.attention.unsqueeze(1) @ states).squeeze(1)
            return float(model.head(context, fixed.query).detach().softmax(1)[0, predicted])

        for t in range(len(text)):
            slope = (probability(1 + 1e-6, t + 1) - probability(1 - 1e-6, t + 1)) / 2e-6
            assert float(found[i, t]) == pytest.approx(slope, abs=1e-8, rel=1e-5)
        assert (found[i, len(text) :] == 0).all()


def test_attention_can_stay_in_the_graph():
    model, vocabulary = toy.model()
    split = toy.split(4, shortest=3)
    cut = gradient_times_embedding(model, split, vocabulary)
    whole = gradient_times_embedding(model, split, vocabulary, detach_attention=False)
    assert float((cut - whole).abs().max()) > 1e-4


@pytest.mark.parametrize("encoder", ENCODERS)
def test_gradient_is_of_the_candidates_probability(encoder):
    model, vocabulary = toy.model(encoder, n_classes=3, pair=True)
    found = gradient_times_embedding(model, with_candidates(toy.split(12, pair=True)), vocabulary)
    assert found.isfinite().all()
    # Of one candidate the probability is 1 whatever the text.
    assert found.abs().amax(1).bool().tolist() == [i % 3 > 0 for i in range(12)]


@pytest.mark.parametrize(
    ("encoder", "scorer", "pair", "candidates"),
    [*((*each, False) for each in EVERY), *((encoder, "additive", True, True) for encoder in ENCODERS)],
)
def test_leave_one_out_is_deleting_and_encoding_again(encoder, scorer, pair, candidates):
    model, vocabulary = toy.model(encoder, scorer, 3, pair)
    split = toy.split(6, seed=5, pair=pair, shortest=1, longest=8)
    assert 1 in split.lengths
    split = with_candidates(split) if candidates else split
    found = leave_one_out(model, split, vocabulary)
    again = leave_one_out(model, split, vocabulary, encode_again=True)
    torch.testing.assert_close(found, again, atol=1e-5, rtol=0, equal_nan=True)
    with torch.no_grad():
        for i, text in enumerate(split.texts):
            original = model(collate(split, vocabulary, [i])).logits.double().softmax(1)
            for t in range(len(text)):
                if len(text) == 1:
                    assert torch.isnan(found[i, 0])
                    continue
                shorter = (*text[:t], *text[t + 1 :])
                single = replace(split.select([i]), texts=(shorter,))
                output = model(collate(single, vocabulary, [0])).logits.double().softmax(1)
                expected = float((output - original).abs().sum() / 2)
                assert float(found[i, t]) == pytest.approx(expected, abs=1e-5)
            assert torch.isnan(found[i, len(text) :]).all()
