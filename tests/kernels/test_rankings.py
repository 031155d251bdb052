"""Rankings of tokens: by hand, and greedily against trying everything."""

import math

import pytest
import torch

from attnlib import Readout, kernels
from attnlib.kernels import erase_until_flip, greedy_order, minimal_flip_set, naive, random_orders
from tests.kernels.cases import make, one

ORDERS = ["attention", "gradient", "product", "centred_product", "greedy"]


def orders(readout):
    """The one text's tokens in each of the orders."""
    return [getattr(kernels, f"{name}_order")(readout)[0].tolist() for name in ORDERS]


def test_by_hand():
    # margin of class 1: .5·1 + .3·3 + .2·(−2) + 0.4 = 1.4 > 0; y = 1, g_t = p(1 − p) s_t
    r = one([0.5, 0.3, 0.2], [1.0, 3.0, -2.0], bias=0.4)
    p = 1 / (1 + math.exp(-1.4))
    assert kernels.output_gradient(r)[0].tolist() == pytest.approx([p * (1 - p) * s for s in (1, 3, -2)])
    # products .9, .5, −.4; centred by ḡ = 1: .5·0, .3·2, .2·(−3)
    # erasing 0, 1, 2 leaves the margins .4 + (.5/.5, .1/.7, 1.4/.8); then of 0 and 2: −2 or 1
    assert orders(r) == [[0, 1, 2]] + [[1, 0, 2]] * 4
    # here they differ: margins .6·2 + .1·9 + .3·(−1) = 1.8; centred by ḡ = 1.8: .12, .72, −.84
    # margins without each: .6/.4 = 1.5, .9/.9 = 1, 2.1/.7 = 3; then without 1 and 0: −1, without 1 and 2: 2
    r = one([0.6, 0.1, 0.3], [2.0, 9.0, -1.0])
    assert orders(r) == [[0, 2, 1], [1, 0, 2], [0, 1, 2], [1, 0, 2], [1, 0, 2]]
    # the same text seen from class 0: what spoke for class 1 now goes last
    r = one([0.5, 0.3, 0.2], [-1.0, -3.0, 2.0], bias=-0.4)
    assert r.predictions().item() == 0
    assert orders(r)[1] == orders(one([0.5, 0.3, 0.2], [1.0, -3.0, 2.0], bias=-4.0))[1] == [1, 0, 2]


def test_ties_and_zero_weights_keep_the_order_of_the_text():
    assert orders(one([0.25] * 4, [1.0] * 4)) == [[0, 1, 2, 3]] * 5
    # weights 0 have product 0 (and −0), which stands between; by gradient they come where their score says
    # greedily: 2 turns the margin to −1; 1 and 3 change nothing then, erasing 0 leaves the bias, 0
    attention, gradient, product, _, greedy = orders(one([0.5, 0.0, 0.5, 0.0], [-1.0, 4.0, 3.0, -5.0]))
    assert (attention, gradient) == ([0, 2, 1, 3], [1, 2, 0, 3])
    assert product == greedy == [2, 1, 3, 0]
    # no attention left after 0: the rest in the order of the text
    assert orders(one([0.0, 1.0, 0.0], [-1.0, 4.0, 3.0]))[-1] == [1, 0, 2]


def test_a_saturated_output_still_has_a_direction():
    r = one([0.5, 0.25, 0.25], [3000.0, 2000.0, 2001.0])
    assert kernels.output_gradient(r)[0].tolist() == [0.0, 0.0, 0.0]
    assert orders(r)[1] == [0, 2, 1]
    assert orders(r)[-1][0] == 0
    # p_y rounds to 1, its gradient does not vanish
    found = kernels.output_gradient(one([0.5, 0.5], [50.0, 40.0]))[0].tolist()
    assert found == pytest.approx([50 * math.exp(-45), 40 * math.exp(-45)])


def test_random_orders_are_uniform_and_independent():
    # 600 texts that differ in their names alone
    n = 600
    alpha = torch.full((n, 3), 1 / 3, dtype=torch.float64)
    r = Readout(alpha, torch.zeros(n, 3, 2), torch.zeros(2), torch.ones(n, 3, dtype=torch.bool))
    ids = [f"text {i}" for i in range(n)]
    drawn = random_orders(r, 2, 1, ids)
    codes = drawn @ torch.tensor([9, 3, 1])
    for first in codes:
        assert first.unique(return_counts=True)[1].tolist() == pytest.approx([100] * 6, abs=45)
    # all 36 pairs of two draws
    counts = (codes[0] * 100 + codes[1]).unique(return_counts=True)[1]
    assert len(counts) == 36
    assert counts.max() < 40
    assert not torch.equal(random_orders(r, 1, 2, ids)[0], drawn[0])
    assert torch.equal(random_orders(r, 1, 1, ids)[0], drawn[0])
    assert torch.equal(random_orders(r.select([9, 4]), 2, 1, [ids[9], ids[4]]), drawn[:, [9, 4]])
    # without names texts of one length share their orders
    assert all(len(order.unique(dim=0)) == 1 for order in random_orders(r, 2, 1))


@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (3, False), (5, True)])
@pytest.mark.parametrize("peak", [1.0, 12.0])
def test_greedy_tries_everything(classes, ties, peak):
    for text in naive.texts(make(15, 9, classes, seed=classes, ties=ties, scale=1.0, peak=peak)):
        order, y = greedy_order(text)[0].tolist(), text.predictions()
        each = torch.eye(len(order)).bool()
        erased = torch.zeros_like(each[0])
        for k, t in enumerate(order):
            left = {u: naive.logits_without(text, erased | each[u]).softmax(0)[y].item() for u in order[k:]}
            assert left[t] == pytest.approx(min(left.values()), rel=1e-11)
            erased |= each[t]


def test_greedy_does_not_cancel():
    r = one([1 - 1e-8, 1e-8 - 1e-20, 1e-20], [1e4, 1e-3, -1e4])
    # without 0 the margin is 1e-3 − 1e-8 > −1e-8; without 0 and 1 −1e4
    assert greedy_order(r).tolist() == [[0, 1, 2]]
    assert erase_until_flip(r, greedy_order(r)).count.item() == 2


@pytest.mark.slow
def test_greedy_until_the_flip():
    r = make(60, 40, 4, seed=8, scale=1.0, peak=1.0)
    order, short = greedy_order(r), greedy_order(r, until_flip=True)
    found = erase_until_flip(r, order)
    assert all(map(torch.equal, found, erase_until_flip(r, short)))
    assert found.flipped.any()
    assert not torch.equal(order, short)


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_the_product_is_the_optimal_order_but_for_the_bias(bias):
    r = make(200, 12, 2, seed=3, scale=1.0)
    r = Readout(r.alpha, r.scores, torch.tensor([0.0, bias]), r.mask)
    product, least = erase_until_flip(r, kernels.product_order(r)), minimal_flip_set(r)
    assert least.flipped.sum() > 10
    assert torch.equal(product.count[least.flipped], least.count[least.flipped]) == (bias == 0)
