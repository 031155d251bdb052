"""Imposed attention weights: they travel by text id, and what is no distribution is refused by name."""

import numpy as np
import pytest
import torch

from attnlib.data.imposed import by_text, impose, impose_on
from attnlib.models import collate
from tests import toy


def some_weights(split, seed=0):
    draw = np.random.default_rng(seed).dirichlet
    return {name: draw(np.ones(n)) for name, n in zip(split.ids, split.lengths, strict=True)}


def test_they_travel_by_id_and_not_by_order():
    split = toy.split()
    weights = some_weights(split)
    turned = dict(reversed(weights.items())) | {"another text": np.ones(3)}
    imposed = impose(split, turned)
    rows = np.random.default_rng(1).permutation(len(split))[:20]
    for chosen in (imposed.select(rows), imposed.sample(20, seed=3)):
        for name, found in zip(chosen.ids, chosen.attention, strict=True):
            np.testing.assert_allclose(found, weights[name], rtol=1e-14)


@pytest.mark.slow
def test_a_batch_has_them_on_its_tokens():
    split = toy.split()
    vocabulary = toy.corpus().vocabulary
    imposed = impose(split, some_weights(split))
    index = [5, 0, 7]
    batch = collate(imposed, vocabulary, index)
    assert batch.attention.shape == batch.ids.shape
    assert not batch.attention[~batch.mask].any()
    torch.testing.assert_close(batch.attention.sum(dim=1), torch.ones(3))
    for row, i in enumerate(index):
        np.testing.assert_allclose(batch.attention[row][batch.mask[row]], imposed.attention[i], rtol=1e-6)
    assert collate(split, vocabulary, index).attention is None


def test_rows_of_a_matrix_are_cut_to_their_texts():
    split = toy.split()
    width = int(split.lengths.max()) + 2
    weights = torch.rand(len(split), width, dtype=torch.float64)
    found = by_text(split, weights)
    assert list(found) == list(split.ids)
    for i, (name, text) in enumerate(zip(split.ids, split.texts, strict=True)):
        np.testing.assert_array_equal(found[name], weights[i, : len(text)].numpy())
    for wrong in (weights[1:], weights[:, :3], weights[0]):
        with pytest.raises(ValueError, match="a row per text"):
            by_text(split, wrong)


CHANGES = [
    (lambda w: w[:-1], "has shape"),
    (lambda w: np.append(w, 0.0), "has shape"),
    (lambda w: w * 1.01, "sum"),
    (lambda w: np.where(np.arange(len(w)) == 0, np.nan, w), "nan"),
    (lambda w: np.append(w[:-1] + w[-1] + 0.5, -0.5)[: len(w)], "at least 0"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_what_is_no_distribution_is_refused_by_id(change, message):
    split = toy.split(shortest=3)
    weights = some_weights(split)
    weights["toy/0/7"] = change(weights["toy/0/7"])
    with pytest.raises(ValueError, match=f"'toy/0/7'.*{message}"):
        impose(split, weights)


def test_the_checksum_follows_them_and_a_text_or_split_without_is_refused_by_name():
    corpus = toy.corpus()
    found = {corpus.checksum}
    for seed in (0, 1):
        weights = {name: some_weights(split, seed) for name, split in corpus.splits.items()}
        found.add(impose_on(corpus, weights).checksum)
    assert len(found) == 3
    del weights["test"]["toy/2/11"]
    with pytest.raises(ValueError, match=r"'toy/2/11' \(1 of 60"):
        impose_on(corpus, weights)
    del weights["test"]
    with pytest.raises(ValueError, match="split 'test'"):
        impose_on(corpus, weights)
