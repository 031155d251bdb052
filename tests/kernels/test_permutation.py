import math

import pytest
import torch

from attnlib.kernels import permutation_moments, permutation_range, permutation_test
from attnlib.kernels.permutation import _draws, orders
from tests.kernels.cases import one


@pytest.mark.parametrize("length", [3, 4, 5, 6])
def test_draws_are_uniform(length):
    count = math.factorial(length)
    drawn = orders(length, 100 * count, 1).view(-1, length)
    _, times = drawn.unique(dim=0, return_counts=True)
    assert len(times) == count
    chi2 = ((times - 100) ** 2 / 100).sum().item()  # count − 1 degrees of freedom
    assert abs(chi2 - (count - 1)) < 4 * (2 * (count - 1)) ** 0.5


def test_draws_depend_on_the_seed_and_the_length_alone():
    lengths = [1, 2, 5, 6, 7, 8, 30, 33, 34, 300, 319, 1000]
    for length, order in zip(lengths, _draws(lengths, 6, 4), strict=True):
        assert torch.equal(order, orders(length, 6, 4))
        assert torch.equal(order.view(6, length).sort(1).values, torch.arange(length).expand(6, -1))
    assert not torch.equal(orders(30, 6, 4), orders(30, 6, 5))


def test_uniform_attention_and_one_token_do_not_move():
    assert permutation_test(one([0.25] * 4, [1.0, -2.0, 3.0, 0.5])).item() < 1e-15
    assert permutation_test(one([1.0], [3.0])).item() < 1e-15
    assert permutation_moments(one([1.0], [2.0], 0.5)).variance.item() == 0


def test_extreme_rows():
    found = permutation_range(one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, 0.0]))
    assert found.tolist() == [[0.0, 1.0]]
