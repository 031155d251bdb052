"""Draws tied to the seed and the text: a known answer, and what they depend on."""

import torch

from attnlib.kernels._draws import _STEP, _mixed, text_keys, token_keys, whole_numbers
from tests.kernels.cases import make, spread_out


def test_splitmix64_known_answers():
    # the first outputs of the reference generator from seed 0
    states = torch.arange(1, 4) * _STEP
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [x % (1 << 64) for x in _mixed(states).tolist()] == expected


def test_a_key_for_each_seed_length_and_weights():
    r = make(200, 9, seed=1, shortest=2)
    keys = text_keys(r, 3)
    assert len(keys.unique()) == 200
    assert torch.equal(text_keys(spread_out(r)[0], 3), keys)
    assert torch.equal(text_keys(r.select([5, 9]), 3), keys[[5, 9]])
    assert not (text_keys(r, 4) == keys).any()
    same = make(50, 4, seed=2, shortest=1)
    alone = same.select(same.lengths == 1)  # one weight, 1: nothing tells them apart
    assert len(text_keys(alone, 0).unique()) == 1


def test_whole_numbers_are_uniform():
    keys = _mixed(torch.arange(30_000))
    for below in (1, 2, 7):
        counts = whole_numbers(keys, torch.full_like(keys, below)).bincount()
        assert len(counts) == below
        assert (counts - 30_000 / below).abs().max() < 5 * (30_000 / below) ** 0.5


def test_token_keys_differ_by_text_token_and_draw():
    mask = torch.ones(100, 20, dtype=torch.bool)
    mask[:, 15:] = False
    drawn = torch.stack([token_keys(_mixed(torch.arange(100)), mask, draw) for draw in range(3)])
    assert len(drawn[:, mask].unique()) == 3 * 100 * 15
    assert (drawn[:, ~mask] == torch.iinfo(torch.int64).max).all()
    assert (drawn[:, mask] < torch.iinfo(torch.int64).max).all()
