"""Uniform, shuffled and random attention: what they are, and the test under random attention."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attnlib import kernels
from attnlib.kernels._common import seed_for
from tests.kernels.cases import allowing, make, one, with_head


@pytest.mark.parametrize(
    "weights", [kernels.uniform_weights, kernels.random_weights, kernels.shuffled_weights]
)
def test_they_are_attention_weights_on_the_mask_alone(weights):
    for r in (make(30, 9, seed=1), with_head(10, 7)):
        found = weights(r)
        torch.testing.assert_close(found.sum(1), torch.ones(len(r), dtype=torch.float64))
        assert (found[~r.mask] == 0).all()
        assert (found >= 0).all()


def test_uniform_and_shuffled_by_definition():
    r = make(40, 9, seed=2)
    for i, length in enumerate(r.lengths.tolist()):
        assert kernels.uniform_weights(r)[i, :length].tolist() == pytest.approx([1 / length] * length)
        shuffled = kernels.shuffled_weights(r, seed=3)[i, :length]
        assert sorted(shuffled.tolist()) == sorted(r.alpha[i, :length].tolist())
    assert not torch.equal(kernels.shuffled_weights(r, seed=3), r.alpha)
    assert not torch.equal(kernels.shuffled_weights(r, seed=3), kernels.shuffled_weights(r, seed=4))


@pytest.mark.slow
def test_shuffles_and_random_weights_are_uniform():
    r = one([0.7, 0.2, 0.1], [0.0, 0.0, 0.0])
    places = torch.stack([kernels.shuffled_weights(r, seed)[0] for seed in range(600)]).argmax(1)
    assert places.bincount(minlength=3).tolist() == pytest.approx([200, 200, 200], abs=50)
    r = one([0.5, 0.5], [0.0, 0.0])
    # Random weights are uniform on the simplex: on two tokens the first is on [0, 1].
    drawn = torch.stack([kernels.random_weights(r, seed)[0, 0] for seed in range(500)])
    assert np.quantile(drawn, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.06)


@pytest.mark.parametrize("readout", [make(12, 7, seed=5), make(12, 7, 4, seed=5), with_head(12, 7)])
def test_median_change_by_definition(readout):
    found = kernels.random_attention_test(readout, n_draws=8, seed=11)
    for i, length in enumerate(readout.lengths.tolist()):
        draws = np.random.default_rng(seed_for(11, length)).exponential(size=(8, length))
        single, changes = readout.select([i]), []
        for draw in draws:
            weights = torch.zeros(1, 7, dtype=torch.float64)
            weights[0, :length] = torch.from_numpy(draw / draw.sum())
            changes.append(kernels.tvd(single.probabilities(weights), single.probabilities()).item())
        assert found[i].item() == pytest.approx(float(np.median(changes)), abs=1e-12)


@pytest.mark.parametrize("n", [2, 7, 8])
def test_exchanged_logits_by_definition(n):
    r = with_head(n, 5)
    found = kernels.exchanged_logits(r)
    for i in range(n):
        other = r.select([(i + n // 2) % n])
        mixed = replace(other, offset=r.offset[i : i + 1])  # the other text with this text's question
        torch.testing.assert_close(found[i : i + 1], mixed.logits())
    assert not torch.allclose(found, r.logits())


def test_exchanged_logits_keep_the_allowed_classes_and_need_a_question_and_another_text():
    r = allowing(with_head(4, 5))
    assert torch.equal(kernels.exchanged_logits(r) == -torch.inf, ~r.allowed)
    for readout, message in ((make(4, 5), "no offset"), (with_head(4, 5).select([0]), "one text")):
        with pytest.raises(ValueError, match=message):
            kernels.exchanged_logits(readout)
