"""Rankings of tokens: by hand, against autograd, and greedily against trying everything."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attnlib import Readout
from attnlib.kernels import (
    attention_order,
    centred_product_order,
    erase_until_flip,
    gradient_order,
    greedy_order,
    minimal_flip_set,
    naive,
    output_gradient,
    product_order,
    random_orders,
)
from tests.kernels.cases import make, one

ORDERS = [attention_order, gradient_order, product_order, centred_product_order, greedy_order]


@pytest.mark.parametrize(("classes", "dtype"), [(2, torch.float64), (3, torch.float64), (7, torch.float32)])
def test_the_gradient_is_autograds(classes, dtype):
    r = make(30, 8, classes, seed=classes, dtype=dtype)
    found = output_gradient(r)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, naive.output_gradient(r), rtol=1e-10, atol=1e-15, equal_nan=True)


def test_by_hand():
    # margin of class 1: .5·1 + .3·3 + .2·(−2) + 0.4 = 1.4 > 0; y = 1, g_t = p(1 − p) s_t
    r = one([0.5, 0.3, 0.2], [1.0, 3.0, -2.0], bias=0.4)
    p = 1 / (1 + math.exp(-1.4))
    assert output_gradient(r)[0].tolist() == pytest.approx([p * (1 - p) * s for s in (1, 3, -2)])
    assert attention_order(r).tolist() == [[0, 1, 2]]
    assert gradient_order(r).tolist() == [[1, 0, 2]]
    assert product_order(r).tolist() == [[1, 0, 2]]  # .9, .5, −.4
    # ḡ = 1: .5·0, .3·2, .2·(−3)
    assert centred_product_order(r).tolist() == [[1, 0, 2]]
    # erasing 0, 1, 2 leaves the margins .4 + (.5/.5, .1/.7, 1.4/.8); then of 0 and 2: −2 or 1
    assert greedy_order(r).tolist() == [[1, 0, 2]]
    # here they all differ: margins .6·2 + .1·9 + .3·(−1) = 1.8
    r = one([0.6, 0.1, 0.3], [2.0, 9.0, -1.0])
    assert attention_order(r).tolist() == [[0, 2, 1]]
    assert gradient_order(r).tolist() == [[1, 0, 2]]
    assert product_order(r).tolist() == [[0, 1, 2]]
    # ḡ = 1.8: .12, .72, −.84
    assert centred_product_order(r).tolist() == [[1, 0, 2]]
    # margins without each: .6/.4 = 1.5, .9/.9 = 1, 2.1/.7 = 3; then without 1 and 0: −1, without 1 and 2: 2
    assert greedy_order(r).tolist() == [[1, 0, 2]]


def test_the_sign_follows_the_predicted_class():
    # the same text seen from class 0: what spoke for class 1 now goes last
    r = one([0.5, 0.3, 0.2], [-1.0, -3.0, 2.0], bias=-0.4)
    assert r.predictions().item() == 0
    assert gradient_order(r).tolist() == [[1, 0, 2]]
    assert gradient_order(one([0.5, 0.3, 0.2], [1.0, -3.0, 2.0], bias=-4.0)).tolist() == [[1, 0, 2]]


def test_ties_and_zero_weights_keep_the_order_of_the_text():
    r = one([0.25, 0.25, 0.25, 0.25], [1.0, 1.0, 1.0, 1.0])
    for order in ORDERS:
        assert order(r).tolist() == [[0, 1, 2, 3]], order
    # weights 0 have product 0 (and −0), which stands between; by gradient they come where their score says
    r = one([0.5, 0.0, 0.5, 0.0], [-1.0, 4.0, 3.0, -5.0])
    assert product_order(r).tolist() == [[2, 1, 3, 0]]
    assert gradient_order(r).tolist() == [[1, 2, 0, 3]]
    assert attention_order(r).tolist() == [[0, 2, 1, 3]]
    # greedily: 2 turns the margin to −1; 1 and 3 change nothing then, erasing 0 leaves the bias, 0
    assert greedy_order(r).tolist() == [[2, 1, 3, 0]]
    # no attention left after 0: the rest in the order of the text
    assert greedy_order(one([0.0, 1.0, 0.0], [-1.0, 4.0, 3.0])).tolist() == [[1, 0, 2]]


def test_a_saturated_output_still_has_a_direction():
    r = one([0.5, 0.25, 0.25], [3000.0, 2000.0, 2001.0])
    assert output_gradient(r)[0].tolist() == [0.0, 0.0, 0.0]
    assert gradient_order(r).tolist() == [[0, 2, 1]]
    assert greedy_order(r)[0, 0].item() == 0
    # p_y rounds to 1, its gradient does not vanish
    r = one([0.5, 0.5], [50.0, 40.0])
    assert output_gradient(r)[0].tolist() == pytest.approx([50 * math.exp(-45), 40 * math.exp(-45)])


def test_random_orders_are_uniform_and_independent():
    # 600 texts that differ in their names alone
    n = 600
    alpha = torch.full((n, 3), 1 / 3, dtype=torch.float64)
    r = Readout(alpha, torch.zeros(n, 3, 2), torch.zeros(2), torch.ones(n, 3, dtype=torch.bool))
    ids = [f"text {i}" for i in range(n)]
    drawn = random_orders(r, 2, 1, ids)
    codes = drawn @ torch.tensor([9, 3, 1])
    for first in codes:
        counts = first.unique(return_counts=True)[1]
        assert len(counts) == 6
        assert counts.tolist() == pytest.approx([100] * 6, abs=45)
    # all 36 pairs of two draws
    counts = (codes[0] * 100 + codes[1]).unique(return_counts=True)[1]
    assert len(counts) == 36
    assert counts.max() < 40
    assert not torch.equal(random_orders(r, 1, 2, ids)[0], drawn[0])
    assert torch.equal(random_orders(r, 1, 1, ids)[0], drawn[0])
    assert torch.equal(random_orders(r.select([9, 4]), 2, 1, [ids[9], ids[4]]), drawn[:, [9, 4]])
    # without names texts of one length share their orders
    assert all(len(order.unique(dim=0)) == 1 for order in random_orders(r, 2, 1))


def lowest_next(readout, left):
    """p_y after erasing each of the tokens `left` of a single text, by definition."""
    y = readout.predictions().item()
    out = {}
    for t in left:
        kept = [u for u in left if u != t]
        mass = sum(readout.alpha[0, u].item() for u in kept)
        weights = torch.zeros_like(readout.alpha)
        for u in kept if mass > 0 else []:
            weights[0, u] = readout.alpha[0, u] / mass
        out[t] = readout.probabilities(weights)[0, y].item()
    return out


def check_greedy(readout):
    order = greedy_order(readout)
    for i, length in enumerate(readout.lengths.tolist()):
        single, left = readout.select([i]), list(range(length))
        for t in order[i, :length].tolist():
            p = lowest_next(single, left)
            best = min(p.values())
            assert p[t] == pytest.approx(best, rel=1e-11)
            left.remove(t)
    return order


@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (3, False), (5, True)])
def test_greedy_tries_everything(classes, ties):
    check_greedy(make(30, 9, classes, seed=classes, ties=ties, scale=1.0))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 7), st.integers(2, 4), st.integers(0, 10**6), st.floats(0.1, 12))
def test_greedy_with_peaked_attention(length, classes, seed, peak):
    check_greedy(make(2, length, classes, seed=seed, shortest=length, peak=peak))


def test_greedy_does_not_cancel():
    r = one([1 - 1e-8, 1e-8 - 1e-20, 1e-20], [1e4, 1e-3, -1e4])
    # without 0 the margin is 1e-3 − 1e-8 > −1e-8; without 0 and 1 −1e4
    assert greedy_order(r).tolist() == [[0, 1, 2]]
    assert erase_until_flip(r, greedy_order(r)).count.item() == 2


@pytest.mark.slow
def test_greedy_until_the_flip():
    r = make(60, 40, 4, seed=8, scale=1.0, peak=1.0)
    order = greedy_order(r)
    found, sooner = erase_until_flip(r, order), erase_until_flip(r, greedy_order(r, until_flip=True))
    for a, b in zip(found, sooner, strict=True):
        assert torch.equal(a, b)
    assert found.flipped.any()
    assert not torch.equal(order, greedy_order(r, until_flip=True))
    least = minimal_flip_set(r)
    real = found.flipped & ~found.emptied
    assert (least.count <= found.count)[real].all()


def test_the_product_is_the_optimal_order_but_for_the_bias():
    r = make(200, 12, 2, seed=3, scale=1.0)
    plain = Readout(r.alpha, r.scores, torch.zeros(2), r.mask)
    product, least = erase_until_flip(plain, product_order(plain)), minimal_flip_set(plain)
    assert torch.equal(product.count[least.flipped], least.count[least.flipped])
    assert least.flipped.sum() > 50
    # with a bias it may lose
    biased = Readout(r.alpha, r.scores, torch.tensor([0.0, 3.0]), r.mask)
    product, least = erase_until_flip(biased, product_order(biased)), minimal_flip_set(biased)
    assert (product.count > least.count)[least.flipped].any()
