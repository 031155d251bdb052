"""Classes that may not be predicted: a kernel heeds them, as if there were no others, or refuses."""

import math
from dataclasses import replace

import pytest
import torch

from attnlib import kernels
from attnlib.kernels import erase_each, erase_until_flip, permutation_test, search_adversary
from tests.kernels.cases import allowing, alone, make, spread_out, with_head
from tests.kernels.test_adversary import loss, task
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
    free = x.masked_fill(~readout.mask[:, None], -math.inf).requires_grad_()
    loss(readout, free, 0.02, 10.0, variant).backward()
    found = task(readout, 0.02, 10.0, variant).gradient(free.detach().transpose(0, 1).contiguous())
    assert free.grad.isfinite().all()
    torch.testing.assert_close(found.transpose(0, 1), free.grad, rtol=1e-3, atol=1e-5)


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


def measures(readout):
    order = readout.mask.sort(dim=1, descending=True, stable=True).indices
    searched = search_adversary(readout, 0.05, n_steps=40, learning_rate=0.05)
    erased = erase_until_flip(readout, order)
    each = erase_each(readout)[readout.mask]
    return [permutation_test(readout, 9), each, *searched, erased.mass, erased.count]


def test_what_is_not_allowed_leaves_no_trace():
    allowed = torch.tensor([True, False, True, False]).expand(10, -1)
    clean = make(10, 6, 4, seed=5)
    scores = clean.scores.clone()
    scores[..., 1], scores[..., 3] = 1e30, -1e30
    found, expected = (
        measures(replace(clean, scores=given, allowed=allowed)) for given in (scores, clean.scores)
    )
    for here, there in zip(found, expected, strict=True):
        assert here.isfinite().all()
        assert torch.equal(here, there)


def test_one_allowed_class_is_predicted_whatever_happens():
    r = with_head(9, 6)
    only = torch.nn.functional.one_hot(torch.arange(9) % 3, 3).bool()
    median, each, jsd, _, tvd, mass, count = measures(replace(r, allowed=only))
    assert torch.equal(replace(r, allowed=only).predictions(), torch.arange(9) % 3)
    assert (each.sort(1).values == torch.tensor([0.0, 0.0, 1.0])).all()
    for nothing in (median, tvd):
        assert (nothing == 0).all()
    assert (jsd > 0).any()  # every attention is as good
    assert (mass == 1).all()
    assert torch.equal(count, r.lengths)


def test_padding_does_not_matter(readout):
    wide, columns = spread_out(readout)
    assert torch.equal(wide.logits(), readout.logits())
    torch.testing.assert_close(permutation_test(wide, 9), permutation_test(readout, 9), rtol=0, atol=1e-7)
    each = erase_each(wide)[:, columns]
    torch.testing.assert_close(each, erase_each(readout), rtol=1e-6, atol=1e-7, equal_nan=True)


def test_kernels_that_need_every_class_say_so():
    r = allowing(make(4, 5))
    for kernel in ("minimal_flip_set", "permutation_moments", "permutation_range", "reach"):
        with pytest.raises(ValueError, match=f"readout: {kernel} needs texts that allow every class"):
            getattr(kernels, kernel)(r)
    for kernel in ("adversary_bounds", "exact_adversary"):
        with pytest.raises(ValueError, match=f"readout: {kernel} needs texts that allow every class"):
            getattr(kernels, kernel)(r, 0.1)
