"""Draws tied to the seed and the text: a known answer, and what they depend on."""

import numpy as np
import pandas as pd
import pytest
import torch

from attnlib.data.columns import RowIds
from attnlib.kernels._draws import _STEP, _mixed, text_keys, token_keys, whole_numbers

KNOWN = [433155885155741295, -730957622785220630, -2274039848858599518]


def test_splitmix64_known_answers():
    # the first outputs of the reference generator from seed 0
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [x % (1 << 64) for x in _mixed(torch.arange(1, 4) * _STEP).tolist()] == expected


def test_a_key_for_each_seed_length_and_name():
    lengths = torch.arange(2, 12).repeat(20)
    ids = [f"sst/test/{i}" for i in range(200)]
    keys = text_keys(3, lengths, ids)
    assert len(keys.unique()) == 200
    assert torch.equal(text_keys(3, lengths[[5, 9]], [ids[5], ids[9]]), keys[[5, 9]])
    assert not (text_keys(4, lengths, ids) == keys).any()
    assert not (text_keys(3, lengths + 1, ids) == keys).any()
    assert len(text_keys(3, lengths, ids[:1] * 200).unique()) == 10
    # without names the length alone tells texts apart
    assert len(text_keys(3, lengths).unique()) == 10
    assert torch.equal(text_keys(3, lengths[:10]), text_keys(3, lengths)[:10])


def test_keys_are_the_same_everywhere_and_for_ever():
    found = text_keys(7, torch.tensor([3, 3, 12]), ["sst/test/17", "ä", 5])
    assert found.tolist() == KNOWN


def test_names_of_every_kind():
    lengths, numbers, words = torch.tensor([3, 3, 3]), [4, 10, 400], ("4", "10", "400")
    expected = text_keys(0, lengths, numbers)
    column = pd.Series(numbers, index=[7, 8, 9])
    for ids in (np.array(numbers), torch.tensor(numbers), column, np.array(words), words):
        assert torch.equal(text_keys(0, lengths, ids), expected)
    named = text_keys(0, lengths, [f"yelp/{i}" for i in numbers])
    assert torch.equal(text_keys(0, lengths, RowIds("yelp", numbers)), named)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ("abc", "ids is a string, not a list of names: give one to each text"),
        (["a", "b"], "ids: 2 for 3 texts"),
        (["a", None, "b"], "ids: row 1 is None; a name is a string or a whole number"),
        ([1, 2, float("nan")], "ids: row 2 is nan"),
        ([b"a", b"b", b"c"], "ids: row 0 is b'a'"),
        (torch.rand(3), "ids: row 0 is 0"),
    ],
)
def test_what_is_no_name_is_refused(ids, message):
    with pytest.raises(ValueError, match=message):
        text_keys(0, torch.tensor([3, 3, 3]), ids)


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
