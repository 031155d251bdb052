"""The check of the first flip: it finds agreement, planted errors, near-ties and lost attention."""

import pytest
import torch

from attnlib.kernels import attention_order, erase_until_flip, gradient_order, naive, random_orders
from attnlib.tables.replay import check_first_flip
from tests.kernels.cases import allowing, make, one, spread_out, with_head
from tests.kernels.test_erasure import random_order


@pytest.mark.parametrize(("classes", "dtype"), [(2, torch.float64), (3, torch.float32), (6, torch.float32)])
def test_the_closed_form_agrees(classes, dtype):
    r = make(120, 50, classes, seed=classes, scale=1.0, dtype=dtype)
    for order in (attention_order(r), gradient_order(r), random_orders(r, 1)[0]):
        flip = erase_until_flip(r, order)
        assert 0 < flip.flipped.sum() < 120
        assert flip.count.max() > 20  # several blocks of steps
        assert check_first_flip(r, order, flip) == (120, 0, 0, 0, 0, 0)


def test_every_wrong_answer_is_found():
    r = make(40, 12, 3, seed=9, scale=1.0)
    order = random_order(r)
    flip = erase_until_flip(r, order)
    assert torch.equal(naive.erase_until_flip(r, order).count, flip.count)
    assert 3 < flip.flipped.sum() < 37
    for shift in (-1, 1):
        found = check_first_flip(r, order, flip._replace(count=flip.count + shift))
        assert found.float64 == found.float32 == flip.flipped.sum()
        assert found.float64_near_ties == found.float32_near_ties == found.float32_below_epsilon == 0
    found = check_first_flip(r, order, flip._replace(flipped=~flip.flipped))
    assert found.float64 == found.float32 == 40
    late = erase_until_flip(r, order.gather(1, torch.arange(12).expand(40, 12)))  # the same, by another way
    assert check_first_flip(r, order, late).float64 == 0


def test_padding_does_not_matter():
    r = make(30, 9, 3, seed=2, scale=1.0)
    wide, columns = spread_out(r)
    order = attention_order(wide)
    flip = erase_until_flip(wide, order)
    assert check_first_flip(wide, order, flip) == (30, 0, 0, 0, 0, 0)
    wrong = flip._replace(count=flip.count + 1)
    assert check_first_flip(wide, order, wrong).float64 == flip.flipped.sum()
    assert torch.equal(columns[attention_order(r)][r.mask], order[:, :9][r.mask])


def test_zero_weights_and_the_empty_document():
    r = make(60, 7, 3, seed=4, ties=True)
    order = random_order(r)
    flip = erase_until_flip(r, order)
    assert flip.emptied.any()
    found = check_first_flip(r, order, flip)
    assert found.float64 == found.float64_near_ties  # exact ties may be broken by rounding, nothing else
    assert found.float32 == found.float32_near_ties
    single = one([1.0], [1.0], -2.0)
    assert check_first_flip(single, [[0]], erase_until_flip(single, [[0]])) == (1, 0, 0, 0, 0, 0)


def test_near_ties_are_told_from_errors():
    # after the first token the lead is 1e-9 (class 1 stays): float32 does not see it, and goes to class 0
    r = one([0.5, 0.25, 0.25], [1.0, 1.0, -1.0 + 4e-9])
    order = torch.tensor([[0, 1, 2]])
    flip = erase_until_flip(r, order)
    assert flip.count.item() == 2
    found = check_first_flip(r, order, flip)
    assert found == (1, 0, 0, 1, 1, 0)


def test_attention_below_epsilon_is_lost_in_the_authors_code():
    # 1e-14 of the attention is left: the authors' code makes it 1e-2, and their bias decides instead
    r = one([1 - 1e-14, 1e-14], [3.0, 2.0], bias=-1.0)
    order = torch.tensor([[0, 1]])
    flip = erase_until_flip(r, order)
    assert flip.count.item() == 2
    found = check_first_flip(r, order, flip)
    assert found == (1, 0, 0, 1, 0, 1)


def test_what_is_refused():
    r = make(3, 4, seed=1, shortest=4)
    order = attention_order(r)
    flip = erase_until_flip(r, order)
    with pytest.raises(ValueError, match="flip: expected 3 texts like the Readout, got 2"):
        check_first_flip(r, order, erase_until_flip(r.select([0, 1]), order[:2]))
    with pytest.raises(ValueError, match="order: row 1 does not start with a permutation"):
        check_first_flip(r, torch.tensor([[0, 1, 2, 3], [0, 0, 1, 2], [0, 1, 2, 3]]), flip)
    for kernel, readout in {"logits linear": with_head(3, 4), "texts that allow": allowing(r)}.items():
        with pytest.raises(ValueError, match=f"check_first_flip needs {kernel}"):
            check_first_flip(readout, order, flip)


def test_in_small_blocks(monkeypatch):
    r = make(50, 20, 4, seed=3, scale=1.0, dtype=torch.float32)
    order = attention_order(r)
    flip = erase_until_flip(r, order)
    wrong = flip._replace(count=torch.where(torch.arange(50) < 25, flip.count, flip.count + 1))
    expected = check_first_flip(r, order, wrong)
    monkeypatch.setattr("attnlib.tables.replay._NUMBERS", 100)
    monkeypatch.setattr("attnlib.tables.replay._FIRST_STEPS", 1)
    monkeypatch.setattr("attnlib.tables.replay._MOST_STEPS", 2)
    assert check_first_flip(r, order, wrong) == expected
    assert expected.float64 == flip.flipped[25:].sum()
