"""Conicity: the mean cosine of a text's states to their mean."""

import math

import pytest
import torch

from attnlib.kernels import conicity, naive


def drawn(n=20, width=9, size=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    states = torch.randn(n, width, size, generator=g, dtype=torch.float64)
    lengths = torch.randint(1, width + 1, (n, 1), generator=g)
    return states, torch.arange(width) < lengths


def test_the_definition():
    states, mask = drawn()
    found = conicity(states, mask)
    torch.testing.assert_close(found, naive.conicity(states, mask), rtol=0, atol=1e-12)
    rows = []
    for text, real in zip(states.tolist(), mask.tolist(), strict=True):
        kept = [h for h, there in zip(text, real, strict=True) if there]
        mean = [math.fsum(column) / len(kept) for column in zip(*kept, strict=True)]
        cosines = [
            math.fsum(a * b for a, b in zip(h, mean, strict=True)) / math.hypot(*h) / math.hypot(*mean)
            for h in kept
        ]
        rows.append(math.fsum(cosines) / len(kept))
    assert found.tolist() == pytest.approx(rows, abs=1e-12)


def test_what_is_off_the_mask_does_not_count():
    states, mask = drawn()
    for other in (7.0, torch.nan, torch.inf):
        changed = states.masked_fill(~mask.unsqueeze(2), other)
        assert torch.equal(conicity(changed, mask), conicity(states, mask))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([[2.0, 1.0]], 1.0),  # one token
        ([[1.0, 0.0], [0.0, 1.0]], 0.5**0.5),
        ([[1.0, 1.0], [3.0, 3.0]], 1.0),
        ([[1.0, 0.0], [-1.0, 0.0]], 0.0),  # no mean
        ([[1.0, 0.0], [0.0, 0.0]], 0.5),  # a state of length 0
    ],
)
def test_worked_by_hand(states, expected):
    given = torch.tensor([states], requires_grad=True)
    found = conicity(given, torch.ones(1, len(states), dtype=torch.bool))
    assert found.item() == pytest.approx(expected)
    found.sum().backward()
    assert given.grad.isfinite().all()


def test_its_gradient():
    states, mask = drawn(4, 5, 3)
    assert torch.autograd.gradcheck(lambda given: conicity(given, mask), states.requires_grad_())


def test_a_text_without_a_token_is_refused():
    with pytest.raises(ValueError, match="row 1 has no token"):
        conicity(torch.ones(2, 3, 4), torch.tensor([[True] * 3, [False] * 3]))
