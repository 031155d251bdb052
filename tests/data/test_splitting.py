"""The splits are scikit-learn's, row by row; the length filter is strict."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from attnlib.data import Split
from attnlib.data.splitting import filter_by_length, random_split, stratified_split, three_way

shares = st.sampled_from([0.15, 0.2, 0.3, 0.5])
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 60), shares, seeds)
def test_random_split_draws_the_rows_of_scikit_learn(n, share, seed):
    kept, held = train_test_split(range(n), test_size=share, random_state=seed)
    found = random_split(n, share, seed)
    assert [part.tolist() for part in found] == [sorted(kept), sorted(held)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(2, 25), min_size=2, max_size=4), shares, seeds)
def test_stratified_split_draws_the_rows_of_scikit_learn_in_its_order(counts, share, seed):
    labels = np.random.RandomState(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    n_held = int(np.ceil(share * len(labels)))
    if min(n_held, len(labels) - n_held) < len(counts):
        return  # scikit-learn refuses
    kept, held = train_test_split(range(len(labels)), test_size=share, random_state=seed, stratify=labels)
    assert stratified_split(labels, share, seed).tolist() == kept + held


def test_three_way_repeats_two_calls_of_scikit_learn():
    labels = np.random.RandomState(5).randint(0, 2, 301)
    rest, test = train_test_split(range(301), test_size=0.2, random_state=13, stratify=labels)
    train, dev = train_test_split(rest, test_size=0.15, random_state=14, stratify=labels[rest])
    found = three_way(labels, test=(0.2, 13), dev=(0.15, 14))
    assert [part.tolist() for part in found] == [sorted(train), sorted(dev), sorted(test)]


def test_parts_that_would_be_empty_are_refused():
    with pytest.raises(ValueError, match="cannot hold 20% out of 1 text"):
        random_split(1, 0.2, 0)
    with pytest.raises(ValueError, match=r"class 1 has 1 text\(s\)"):
        stratified_split([0, 0, 0, 1], 0.2, 0)
    with pytest.raises(ValueError, match="out of 0 text"):
        stratified_split([], 0.2, 0)


def test_length_filter_is_strict_on_both_ends():
    lengths = (2, 4, 5, 6, 9, 12, 12)
    split = Split(
        tuple(f"s/{n}/{i}" for i, n in enumerate(lengths)),
        tuple(("w",) * n for n in lengths),
        np.zeros(7, dtype=int),
    )

    def kept(*bounds):
        return [len(text) for text in filter_by_length(split, *bounds).texts]

    assert kept(5) == [6, 9]
    assert kept(None, 9) == [4, 5, 6]
    assert kept() == [4, 5, 6, 9]
    assert kept(4, 10) == [5, 6, 9]
    assert len(filter_by_length(split.select([]), 1, 2)) == 0
