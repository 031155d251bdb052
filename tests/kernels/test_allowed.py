"""Classes that may not be predicted: a kernel heeds them, as if there were no others, or refuses."""

from dataclasses import replace

import pytest
import torch

from attnlib.kernels import erase_each, erase_until_flip, permutation_test, search_adversary
from tests.kernels.cases import allowing, alone, make, with_head
from tests.kernels.test_adversary import gradient
from tests.kernels.test_erasure import random_order

# Three classes or more: the released search measures two by another distance.
KINDS = {
    "linear": lambda: allowing(make(12, 7, 6, seed=1, scale=1.0), least=3),
    "head": lambda: allowing(with_head(12, 7, classes=6), least=3),
}


@pytest.fixture(params=KINDS)
def readout(request):
    return KINDS[request.param]()


def test_permutation(readout):
    found = permutation_test(readout, 20, seed=3)
    for i in range(len(readout)):
        expected = permutation_test(alone(readout, i), 20, seed=3)[0]
        torch.testing.assert_close(found[i], expected, rtol=0, atol=1e-7)


def test_erase_each(readout):
    p = erase_each(readout)
    for i, length in enumerate(readout.lengths.tolist()):
        here = p[i, :length]
        assert (here[:, ~readout.allowed[i]] == 0).all()
        expected = erase_each(alone(readout, i))[0, :length]
        torch.testing.assert_close(here[:, readout.allowed[i]], expected, rtol=1e-6, atol=1e-7)
        assert p[i, length:].isnan().all()


def test_erase_until_flip(readout):
    order = random_order(readout)
    found = erase_until_flip(readout, order)
    for i in range(len(readout)):
        expected = erase_until_flip(alone(readout, i), order[i : i + 1])
        for here, there in zip(found, expected, strict=True):
            torch.testing.assert_close(here[i], there[0], rtol=0, atol=1e-12)
    assert found.flipped.any()
    assert not found.flipped.all()


@pytest.mark.parametrize("variant", ["published", "released"])
def test_gradient_of_the_search(readout, variant):
    x = torch.randn(12, 3, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found, expected = gradient(readout, x, 0.02, 10.0, variant)
    assert expected.isfinite().all()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("variant", ["published", "released"])
def test_search(readout, variant):
    settings = {"n_steps": 60, "learning_rate": 0.05, "seed": 9, "variant": variant}
    found = search_adversary(readout, 0.05, **settings)
    assert all(x.isfinite().all() for x in found)
    assert (found.tvd <= 0.05 + 1e-12).all()
    assert (found.jsd > 0.1).any()
    for i in (0, 3, 11):
        expected = search_adversary(alone(readout, i), 0.05, **settings)
        torch.testing.assert_close(found.jsd[i], expected.jsd[0], rtol=0, atol=1e-4)


def test_one_allowed_class_is_predicted_whatever_happens():
    r = with_head(9, 6)
    r = replace(r, allowed=torch.nn.functional.one_hot(torch.arange(9) % 3, 3).bool())
    assert torch.equal(r.predictions(), torch.arange(9) % 3)
    assert (erase_each(r)[r.mask].sort(1).values == torch.tensor([0.0, 0.0, 1.0])).all()
    searched = search_adversary(r, 0.05, n_steps=40, learning_rate=0.05)
    assert (permutation_test(r, 9) == 0).all()
    assert (searched.tvd == 0).all()
    assert (searched.jsd > 0).any()  # every attention is as good
    erased = erase_until_flip(r, r.mask.sort(dim=1, descending=True, stable=True).indices)
    assert (erased.mass == 1).all()
    assert torch.equal(erased.count, r.lengths)
