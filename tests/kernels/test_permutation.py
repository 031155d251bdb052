import math

import pytest
import torch

from attnlib.kernels import naive, permutation_moments, permutation_range, permutation_test, tvd
from attnlib.kernels.permutation import orders
from tests.kernels.cases import make, one


@pytest.mark.parametrize("n_permutations", [7, 8])
def test_median_is_the_definition_on_the_same_draws(n_permutations):
    r = make(15, 9, 2, seed=5, dtype=torch.float32)
    expected = naive.permutation_test(r, n_permutations, seed=11)
    torch.testing.assert_close(permutation_test(r, n_permutations, seed=11), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("classes", [2, 3])
def test_median_of_many_draws_against_all_permutations(classes):
    r = make(8, 6, classes, seed=6, shortest=4)
    found = permutation_test(r, 4001)
    for i, text in enumerate(naive.texts(r)):
        changes = tvd(text.probabilities(naive.permutations(text)), text.probabilities()[:, None])
        low, high = changes.quantile(torch.tensor([0.47, 0.53], dtype=torch.float64))
        assert low <= found[i] <= high


def test_sampled_margins_have_the_closed_form_moments():
    r = make(1, 12, seed=8, shortest=12)
    drawn = orders(12, 20000, 0).view(-1, 12)
    p = r.probabilities(r.alpha[0][drawn][None])[0]
    margin = p[:, 1].log() - p[:, 0].log()
    moments = permutation_moments(r)
    error = (moments.variance.item() / 20000) ** 0.5
    assert abs(margin.mean().item() - moments.mean.item()) < 5 * error
    assert margin.var().item() == pytest.approx(moments.variance.item(), rel=0.05)


@pytest.mark.parametrize("length", [3, 4, 5, 6])
def test_draws_are_uniform(length):
    count = math.factorial(length)
    drawn = orders(length, 100 * count, 1).view(-1, length)
    _, times = drawn.unique(dim=0, return_counts=True)
    assert len(times) == count
    chi2 = ((times - 100) ** 2 / 100).sum().item()  # count − 1 degrees of freedom
    assert abs(chi2 - (count - 1)) < 4 * (2 * (count - 1)) ** 0.5


def test_uniform_attention_and_one_token_do_not_move():
    assert permutation_test(one([0.25] * 4, [1.0, -2.0, 3.0, 0.5])).item() < 1e-15
    assert permutation_test(one([1.0], [3.0])).item() < 1e-15
    assert permutation_moments(one([1.0], [2.0], 0.5)).variance.item() == 0


def test_extreme_rows():
    found = permutation_range(one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, 0.0]))
    assert found.tolist() == [[0.0, 1.0]]
