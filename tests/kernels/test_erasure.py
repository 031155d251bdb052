import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attnlib.kernels import erase_each, erase_until_flip, minimal_flip_set, naive
from tests.kernels.cases import make, one, spread_out, with_head


def random_order(readout, seed=0):
    key = torch.rand(readout.mask.shape, generator=torch.Generator().manual_seed(seed))
    return key.masked_fill(~readout.mask, 2).argsort(1)


def check_order(readout, order):
    found, expected = erase_until_flip(readout, order), naive.erase_until_flip(readout, order)
    for here, there in zip(found, expected, strict=True):
        torch.testing.assert_close(here, there, rtol=0, atol=1e-13)
    return found


@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (3, False), (5, True)])
def test_erase_until_flip_step_by_step(classes, ties):
    r = make(40, 9, classes, seed=classes, ties=ties, scale=1.0)
    orders = [random_order(r), r.alpha.masked_fill(~r.mask, -1).argsort(1, descending=True)]
    found = [check_order(r, order) for order in orders]
    assert any(f.emptied.any() for f in found) or not ties
    assert any((~f.flipped).any() for f in found)
    assert any((f.flipped & ~f.emptied).any() for f in found)


def test_erase_until_flip_with_a_head():
    r = with_head(12, 6)
    found = check_order(r, random_order(r))
    assert found.flipped.any()


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


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("ties", [False, True])
def test_erase_each_is_the_definition(classes, ties):
    r = make(15, 8, classes, seed=3, ties=ties, dtype=torch.float32)
    p = erase_each(r)
    torch.testing.assert_close(p, naive.erase_each(r), rtol=1e-11, atol=1e-14, equal_nan=True)


def test_erase_each_with_a_head_and_in_blocks(monkeypatch):
    r = with_head(6, 5)
    p = erase_each(r)
    torch.testing.assert_close(p, naive.erase_each(r), rtol=1e-5, atol=1e-6, equal_nan=True)
    monkeypatch.setattr("attnlib.kernels.erasure._TOKENS", 30)
    torch.testing.assert_close(erase_each(r), p, rtol=1e-6, atol=1e-7, equal_nan=True)


def test_the_only_weight_leaves_the_bias():
    r = one([0.0, 1.0], [2.0, 3.0], bias=0.5)
    p = erase_each(r)[0, :, 1]
    assert p.tolist() == pytest.approx([1 / (1 + 2.718281828459045**-3.5), 1 / (1 + 2.718281828459045**-0.5)])
    assert erase_each(one([1.0], [3.0], bias=0.5))[0, 0, 1].item() == pytest.approx(0.6224593312018546)


def check_minimal(readout):
    found = minimal_flip_set(readout)
    assert not found.emptied.any()
    assert not (found.mask & ~readout.mask).any()
    assert torch.equal(found.mask.any(1), found.flipped)
    assert torch.equal(found.count, naive.minimal_flip_set(readout))
    assert torch.equal(found.flipped, found.count < readout.lengths)
    assert torch.equal(found.fraction, found.count / readout.lengths.double())
    assert (found.mass[~found.flipped] == 1).all()
    for i in found.flipped.nonzero()[:, 0].tolist():
        text, erased = readout.select([i]), found.mask[i]
        assert erased.sum() == found.count[i]
        assert naive.decision_without(text, erased) != text.predictions()
        torch.testing.assert_close(found.mass[i], readout.alpha[i, erased].sum(), rtol=0, atol=1e-15)
    return found


@pytest.mark.parametrize(("classes", "ties"), [(2, False), (2, True), (3, True), (4, False), (6, True)])
def test_minimal_flip_set_against_exhaustive_search(classes, ties):
    found = check_minimal(make(25, 7, classes, seed=10 + classes, ties=ties, scale=1.0))
    assert found.flipped.any()
    assert (~found.flipped).any()


def test_minimal_flip_set_of_ten_tokens():
    check_minimal(make(3, 10, 3, seed=4, shortest=10, ties=True))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_minimal_flip_set_with_ties_and_zero_weights(data):
    n, classes = data.draw(st.integers(1, 6)), data.draw(st.integers(2, 4))
    g = data.draw(st.integers(0, 10**6))
    check_minimal(make(2, n, classes, seed=g, shortest=n, ties=True))


def test_never_larger_than_any_ranking():
    for classes, ties in ((2, False), (3, True), (5, False)):
        r = make(60, 12, classes, seed=20 + classes, ties=ties, scale=1.0)
        least = minimal_flip_set(r)
        for seed in range(6):
            ranked = erase_until_flip(r, random_order(r, seed))
            real = ranked.flipped & ~ranked.emptied
            assert (least.flipped | ~real).all()
            assert (least.count <= ranked.count)[real].all()
        # and erasing exactly this set, in any order, flips at the latest with its last token
        key = torch.where(least.mask, 0.0, 1.0).masked_fill(~r.mask, 2.0)
        ranked = erase_until_flip(r, key.argsort(dim=1, stable=True))
        assert torch.equal(ranked.count[least.flipped], least.count[least.flipped])


def test_extreme_scores_and_weights():
    r = one([1 - 1e-8, 1e-8, 0.0], [1e4, -1e4, -1e4])
    found = minimal_flip_set(r)
    assert found.count.item() == 1
    assert found.mask.tolist() == [[True, False, False]]
    # only tokens without attention would flip: they cannot stay alone
    assert not minimal_flip_set(one([1.0, 0.0], [1.0, -1.0])).flipped.item()
    assert not minimal_flip_set(one([1.0], [1.0])).flipped.item()


@pytest.mark.parametrize("classes", [2, 3])
def test_padding_and_batch_do_not_matter(classes):
    r = make(16, 9, classes, seed=30, scale=1.0)
    order = random_order(r)
    wide, columns = spread_out(r)
    rest = torch.tensor([c for c in range(wide.mask.shape[1]) if c not in columns.tolist()])
    wide_order = torch.cat((columns[order], rest.expand(16, -1)), 1)
    results = (
        (erase_until_flip(r, order), erase_until_flip(wide, wide_order)),
        (minimal_flip_set(r)[:5], minimal_flip_set(wide)[:5]),
    )
    for here, there in results:
        for a, b in zip(here, there, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-13)
    assert torch.equal(minimal_flip_set(wide).mask[:, columns], minimal_flip_set(r).mask)
    torch.testing.assert_close(
        erase_each(wide)[:, columns], erase_each(r), rtol=1e-12, atol=1e-14, equal_nan=True
    )
    for i in (0, 5, 15):
        alone, there = r.select([i]), erase_until_flip(r, order)
        for a, b in zip(erase_until_flip(alone, order[i : i + 1]), there, strict=True):
            torch.testing.assert_close(a[0], b[i], rtol=0, atol=1e-13)
        assert torch.equal(minimal_flip_set(alone).mask[0], minimal_flip_set(r).mask[i])
        torch.testing.assert_close(
            erase_each(alone)[0], erase_each(r)[i], rtol=1e-12, atol=1e-14, equal_nan=True
        )


def test_entries_after_the_tokens_are_not_read():
    r = make(10, 6, seed=31)
    order = random_order(r)
    tail = torch.arange(6) >= r.lengths[:, None]
    for a, b in zip(
        erase_until_flip(r, order.masked_fill(tail, -1)), erase_until_flip(r, order.int()), strict=True
    ):
        assert torch.equal(a, b)


def test_bad_input():
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
    short = make(2, 4, seed=33, shortest=2)
    short = short.select([int((short.lengths < 4).nonzero()[0])]) if (short.lengths < 4).any() else short
    with pytest.raises(ValueError, match="order: row 0 does not start"):
        erase_until_flip(short, torch.tensor([[3, 0, 1, 2]]))
    with pytest.raises(ValueError, match="minimal_flip_set needs logits linear"):
        minimal_flip_set(with_head(2, 3))
