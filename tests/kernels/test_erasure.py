import pytest
import torch

from attnlib.kernels import erase_each, erase_until_flip
from tests.kernels.cases import make, one


def random_order(readout, seed=0):
    key = torch.rand(readout.mask.shape, generator=torch.Generator().manual_seed(seed))
    return key.masked_fill(~readout.mask, 2).argsort(1)


def test_the_flip_by_the_empty_document():
    # class 1 is predicted whatever remains, but the bias alone says 0
    r = one([0.75, 0.25, 0.0], [3.0, 4.0, 5.0], bias=-1.0)
    found = erase_until_flip(r, torch.tensor([[0, 1, 2]]))
    assert [x.item() for x in found] == [2, pytest.approx(2 / 3), 1.0, True, True]
    found = erase_until_flip(r, torch.tensor([[2, 0, 1]]))
    assert [x.item() for x in found] == [3, 1.0, 1.0, True, True]
    # and here even the bias agrees
    never = erase_until_flip(one([0.75, 0.25], [3.0, 4.0], bias=1.0), torch.tensor([[1, 0]]))
    assert [x.item() for x in never] == [2, 1.0, 1.0, False, False]


def test_peaked_attention_does_not_cancel():
    r = one([1 - 1e-8, 1e-8 - 1e-20, 1e-20], [1e4, 1e-3, -1e4])
    found = erase_until_flip(r, torch.tensor([[0, 1, 2]]))
    assert found.count.item() == 2
    assert found.mass.item() == pytest.approx(1)
    assert not found.emptied.item()
    p = erase_each(r)
    # without the first token the second holds 1 − 1e-12 of what remains
    expected = torch.tensor(1e-3 * (1 - 1e-12) - 1e4 * 1e-12, dtype=torch.float64).sigmoid()
    assert p[0, 0, 1].item() == pytest.approx(expected.item(), rel=1e-13)


def test_what_an_order_must_be():
    r = make(10, 6, seed=31)
    order, tail = random_order(r), torch.arange(6) >= r.lengths[:, None]  # entries after the tokens: not read
    found, expected = erase_until_flip(r, order.masked_fill(tail, -1)), erase_until_flip(r, order.int())
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    r = make(3, 4, seed=32, shortest=3)
    good = random_order(r)
    with pytest.raises(ValueError, match=r"order: expected shape \[3, 4\]"):
        erase_until_flip(r, good[:, :3])
    with pytest.raises(ValueError, match="order: expected integer token columns, got torch.float32"):
        erase_until_flip(r, good.float())
    for wrong in (7, -1, int(good[1, 1])):
        bad = good.clone()
        bad[1, 0] = wrong
        with pytest.raises(ValueError, match="order: row 1 does not start with a permutation of its tokens"):
            erase_until_flip(r, bad)
    short = make(9, 4, seed=33, shortest=3)
    short = short.select(short.lengths == 3).select([0])
    with pytest.raises(ValueError, match=r"order: row 0 does not start .*: \[3, 0, 1\]"):
        erase_until_flip(short, torch.tensor([[3, 0, 1, 2]]))
