"""Penalties: what they are on worked examples, and what a training does with them."""

import math

import numpy as np
import pytest
import torch

from attnlib.kernels import conicity
from attnlib.models import Architecture, build, collate
from attnlib.training.fit import fit
from attnlib.training.flat import Training, recipe
from attnlib.training.penalties import deception, hiding, likeness
from tests import toy

CORPUS = toy.corpus()
MARKS = [np.arange(len(text)) % 3 == 1 for text in CORPUS.train.texts]


def fresh(encoder="average", scorer="additive"):
    words = len(CORPUS.vocabulary)
    return build(Architecture(encoder, scorer, 2, words, dimension=16, hidden=16), seed=0)


def test_hiding_of_three_tokens():
    attention = torch.tensor([[0.5, 0.3, 0.2]] * 4, dtype=torch.float64)
    allowed = torch.tensor([[False, True, True], [True, True, False], [True] * 3, [False] * 3])
    found = hiding(attention, allowed)
    assert found.tolist() == pytest.approx([-math.log(0.5), -math.log(0.8), 0, 0])


def test_hiding_of_an_attention_that_is_all_on_marked_tokens_is_finite():
    attention = torch.tensor([[1.0, 0.0]], requires_grad=True)
    found = hiding(attention, torch.tensor([[False, True]]))
    found.sum().backward()
    assert 80 < found.item() < 90  # -ln of the least float32
    assert attention.grad.isfinite().all()


def test_the_gradient_of_hiding():
    scores = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    allowed = torch.arange(5) > torch.tensor([[0], [1], [2]])
    assert torch.autograd.gradcheck(lambda given: hiding(given.softmax(1), allowed), scores)


def test_marks_are_of_the_texts_of_the_batch():
    index = np.array([5, 2, 9])
    batch = collate(CORPUS.train, CORPUS.vocabulary, index)
    output = fresh()(batch)
    found = deception(MARKS, 2.0)(index, output, batch)
    for row, text in enumerate(index):
        weights = output.attention[row, 1 : 1 + len(MARKS[text])].double().detach().numpy()
        assert found[row].item() == pytest.approx(-2 * math.log(weights[~MARKS[text]].sum()), rel=1e-5)
    alike = likeness(3.0)(index, output, batch)
    torch.testing.assert_close(alike, 3 * conicity(output.states, batch.mask))


@pytest.mark.parametrize("penalty", [deception(MARKS, 0.0), likeness(0.0)])
@pytest.mark.parametrize("encoder", ["average", "bilstm", "convolution"])
def test_without_strength_it_is_the_plain_training(encoder, penalty):
    training = Training(epochs=2, batch_size=16, learning_rate=0.01)
    plain, other = fresh(encoder), fresh(encoder)
    fit(recipe(plain, CORPUS, training), progress=False)
    fit(recipe(other, CORPUS, training, penalty=penalty), progress=False)
    torch.testing.assert_close(other.state_dict(), plain.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("scorer", ["additive", "additive_entmax"])
def test_states_are_kept_apart(scorer):
    pytest.importorskip("entmax")
    batch = collate(CORPUS.test, CORPUS.vocabulary, range(len(CORPUS.test)))
    training = Training(epochs=6, batch_size=16, learning_rate=0.02)

    def measured(penalty):
        model = fresh(scorer=scorer)
        fit(recipe(model, CORPUS, training, penalty=penalty), progress=False)
        return conicity(model(batch).states, batch.mask).mean().item()

    assert measured(likeness(10.0)) < measured(None) - 0.1
