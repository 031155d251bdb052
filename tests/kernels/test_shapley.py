"""Shapley values: by sets, by all orders, by drawn orders; what they sum to, and how sure they are."""

import itertools
import math

import pytest
import torch

from attnlib import Readout, kernels
from attnlib.kernels import naive
from tests.kernels.cases import make, one

GAMES = {
    "two classes": make(40, 6, 2, seed=1),
    "three classes": make(40, 5, 3, seed=2, peak=4.0),
    "ties and zero weights": make(40, 6, 4, seed=3, ties=True),
    "one token": make(5, 1, 2, seed=4),
    "float32": make(20, 5, 3, seed=5, dtype=torch.float32),
}
LONG = make(30, 30, 3, seed=6, shortest=13)
SAMPLED = dict(n_permutations=40, exact_up_to=1)


def ids(readout):
    return range(len(readout))


@pytest.mark.parametrize("kind", GAMES)
def test_by_sets_it_is_the_mean_over_all_orders(kind):
    found = kernels.shapley(GAMES[kind])
    torch.testing.assert_close(found.values, naive.shapley(GAMES[kind]), rtol=0, atol=1e-10, equal_nan=True)
    assert (found.half_width[GAMES[kind].mask] == 0).all()


@pytest.mark.parametrize("readout", [*GAMES.values(), LONG], ids=[*GAMES, "sampled"])
@pytest.mark.parametrize("how", [{}, SAMPLED], ids=["exact", "sampled"])
def test_values_sum_to_what_attention_adds_to_the_empty_document(readout, how):
    total = kernels.shapley(readout, **how).values.nansum(1)
    torch.testing.assert_close(total, readout.logits() - readout.bias, rtol=0, atol=1e-12)


def test_by_hand():
    # alone 2 and −1, together .75 · 2 − .25 = 1.25
    found = kernels.shapley(one([0.75, 0.25], [2.0, -1.0], 5.0)).values[0, :, 1]
    assert found.tolist() == pytest.approx([(2 + 2.25) / 2, (-1 - 0.75) / 2])
    sampled = kernels.shapley(one([0.75, 0.25], [2.0, -1.0]), **SAMPLED)  # an order and its reverse are all
    assert sampled.values[0, :, 1].tolist() == pytest.approx(found.tolist())
    assert sampled.half_width.abs().max() < 1e-12


@pytest.mark.parametrize("length", [2, 5, 12, 16])
def test_of_equal_weights_it_has_a_closed_form(length):
    s = torch.randn(length, generator=torch.Generator().manual_seed(length), dtype=torch.float64)
    found = kernels.shapley(one([1 / length] * length, s.tolist()), exact_up_to=16).values[0, :, 1]
    harmonic = sum(1 / k for k in range(1, length + 1))
    others = (s.sum() - s) / (length - 1)
    torch.testing.assert_close(found, (s + (harmonic - 1) * (s - others)) / length, rtol=0, atol=1e-12)


def test_without_renormalising_it_is_attention_times_score():
    readout = make(12, 5, 3, seed=8)
    for text in naive.texts(readout):
        own = text.alpha[0, :, None] * text.scores[0]  # [T, C]
        added = torch.zeros_like(own)
        for order in itertools.permutations(range(len(own))):
            for place, t in enumerate(order):
                before, after = (text.bias + own[list(order[:n])].sum(0) for n in (place, place + 1))
                added[t] += after - before
        torch.testing.assert_close(added / math.factorial(len(own)), own, rtol=0, atol=1e-10)


def test_a_token_without_attention_has_no_value_and_costs_no_sets():
    few = make(20, 9, 3, seed=9, shortest=9)
    alpha = torch.cat((few.alpha, torch.zeros(20, 40, dtype=torch.float64)), 1)
    scores = torch.cat((few.scores, torch.ones(20, 40, 3, dtype=torch.float64)), 1)
    wide = Readout(alpha, scores, few.bias, alpha >= 0)
    found = kernels.shapley(wide)
    torch.testing.assert_close(found.values[:, :9], kernels.shapley(few).values, rtol=0, atol=0)
    assert (found.values[:, 9:] == 0).all()
    assert (found.half_width == 0).all()


def test_drawn_orders_come_near_and_their_intervals_cover():
    """500 games of 7 tokens, each with draws of its own."""
    readout = make(500, 7, 2, seed=10, shortest=7)
    exact = kernels.shapley(readout).values
    drawn = kernels.shapley(readout, n_permutations=200, seed=1, exact_up_to=1, ids=ids(readout))
    covered = ((drawn.values - exact).abs() <= drawn.half_width).double()
    assert 0.93 <= covered.mean() <= 0.97
    for token in range(7):
        assert 0.92 <= covered[:, token].mean() <= 0.98
    wide = kernels.shapley(readout, n_permutations=20, seed=1, exact_up_to=1, ids=ids(readout))
    assert 2.5 < (wide.half_width.mean() / drawn.half_width.mean()) < 4  # √10


def test_a_draw_depends_on_the_seed_the_length_and_the_id_alone():
    whole = kernels.shapley(LONG, 40, seed=3, ids=ids(LONG))
    rows = [4, 17, 20]
    some = kernels.shapley(LONG.select(rows), 40, seed=3, ids=rows)
    for a, b in zip(whole, some, strict=True):
        torch.testing.assert_close(a[rows], b, rtol=0, atol=1e-13, equal_nan=True)
    for changed in (kernels.shapley(LONG, 40, seed=4, ids=ids(LONG)), kernels.shapley(LONG, 40, seed=3)):
        assert not torch.allclose(whole.values, changed.values, equal_nan=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(exact_up_to=17), r"exact_up_to: 17 tokens have 2\^17 sets. At most 16; .* n_permutations"),
        (dict(exact_up_to=0), "exact_up_to: must be a whole number ≥ 1"),
        (dict(n_permutations=7), "n_permutations: must be even.*got 7"),
        (dict(n_permutations=2), "n_permutations: must be a whole number ≥ 4"),
        (dict(seed=-1), "seed: must be"),
        (dict(ids=["a"]), "ids: 1 for 30 texts"),
    ],
)
def test_what_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        kernels.shapley(LONG, **given)
