"""Triton kernels against the torch definition on a real GPU, at the sizes of the papers' data sets."""

import pytest
import torch

from attnlib.kernels import exact_adversary, kendall_tau, permutation_test, search_adversary
from attnlib.kernels.triton import use_triton
from tests.kernels.cases import make

pytestmark = pytest.mark.gpu
# texts, tokens, classes: like SST, IMDB, MIMIC, and sentences of a hierarchical model
SIZES = [(1725, 48, 2), (1000, 400, 2), (50, 4000, 2), (50_000, 16, 5)]
ENOUGH = 20_000_000_000  # bytes of GPU memory


@pytest.fixture(params=SIZES, ids=str)
def texts(request):
    n, length, classes = request.param
    r = make(n, length, classes, seed=length, scale=1.0, peak=1.0, dtype=torch.float32).to("cuda")
    assert use_triton(r.alpha)
    return r


@pytest.mark.parametrize("variant", ["published", "released"])
def test_search(both, texts, variant):
    expected, found = both(lambda: search_adversary(texts.select(slice(0, 2000)), 0.05, variant=variant))
    assert (found.tvd <= 0.05 + 1e-12).all()
    apart = (found.jsd - expected.jsd).abs()
    assert apart.median() < 1e-5
    assert apart.quantile(0.95) < 1e-3  # near the hinge rounding can part two paths


@pytest.mark.parametrize("levels", [None, 3])
def test_kendall_tau(both, texts, levels):
    x, y = texts.alpha, texts.scores[..., 1]
    if levels:
        x, y = (x * levels * texts.lengths[:, None]).round(), (y * levels).round()
    torch.testing.assert_close(*both(lambda: kendall_tau(x, y, texts.mask)), rtol=0, atol=0, equal_nan=True)


def test_permutation(both, texts):
    torch.testing.assert_close(*both(lambda: permutation_test(texts, 100)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("epsilon", [0.0, 0.01, 0.1])
def test_exact(both, texts, epsilon):
    if len(texts.bias) > 2:
        pytest.skip("two classes only")
    expected, found = both(lambda: exact_adversary(texts, epsilon))
    torch.testing.assert_close(found.jsd, expected.jsd, rtol=0, atol=1e-13)
    assert (found.tvd <= epsilon + 1e-11 * (1 + texts.scores.abs().amax())).all()


@pytest.mark.skipif(
    torch.cuda.is_available() and torch.cuda.mem_get_info()[0] < ENOUGH, reason="needs 20 GB of GPU memory"
)
def test_addresses_beyond_two_to_the_31():
    from attnlib.kernels.triton.permutation import pooled

    n, draws = (1 << 24) + 3, 129  # n · draws > 2^31
    alpha = torch.rand(n, 1, dtype=torch.float64, device="cuda")
    order = torch.zeros(draws, dtype=torch.int64, device="cuda")
    found = pooled(alpha, torch.ones_like(alpha)[..., None], order)
    assert torch.equal(found[-1, :, 0], alpha[:, 0])
    assert torch.equal(found[0, :, 0], alpha[:, 0])
