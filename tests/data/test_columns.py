import numpy as np
import pytest

from attnlib.data import Corpus, Split, Vocabulary
from attnlib.data.columns import Builder, Ragged, RowIds, Words

PLAIN = (("a", "b", "a"), ("c",), ("b", "b"), ("a", "d", "e", "a"))
LENGTHS = ([2, 1], [1], [1, 1], [4])


def ragged(rows=LENGTHS, words=None):
    builder = Builder()
    for row in rows:
        builder.append(row)
    return builder.finish(words)


def packed(texts=PLAIN):
    known = Words()
    return ragged(list(map(known.numbers, texts)), tuple(known))


@pytest.mark.parametrize("rows", [[3, 0], [], slice(1, 3), np.array([True, False, False, True]), [1, 1]])
def test_texts_are_the_plain_tuples(rows):
    texts = packed()
    assert tuple(texts) == PLAIN
    assert texts[-1] == PLAIN[-1]
    index = np.arange(4)[rows].tolist() if len(np.arange(4)[rows]) else []
    some = texts.select(np.array(rows, dtype=int) if isinstance(rows, list) else rows)
    assert np.shares_memory(some.values, texts.values)
    assert tuple(some) == tuple(PLAIN[i] for i in index)
    assert some.counts.tolist() == [len(PLAIN[i]) for i in index]
    spelt = [tuple(some.words[n] for n in some.numbers(i)) for i in range(len(some))]
    assert spelt == [PLAIN[i] for i in index]
    with pytest.raises(IndexError):
        texts[4]


def test_occurrences_are_those_of_the_selected_texts():
    texts = packed().select([0, 3])
    assert texts.words == tuple("abcde")
    assert texts.occurrences(5).tolist() == [4, 1, 0, 1, 1]


def test_ragged_sums_and_extremes_in_any_order(monkeypatch):
    monkeypatch.setattr("attnlib.data.columns.CHUNK", 3)
    draw = np.random.RandomState(0)
    rows = [draw.randint(-5, 9, size=n).tolist() for n in draw.randint(0, 6, size=40)]
    order = draw.permutation(40)
    some = ragged(rows).select(order)
    assert some.reduced(np.add).tolist() == [sum(rows[i]) for i in order]
    assert some.reduced(np.minimum).tolist() == [min(rows[i], default=0) for i in order]
    assert some.reduced(np.maximum).tolist() == [max(rows[i], default=0) for i in order]
    assert [row.tolist() for row in some] == [rows[i] for i in order]
    assert some[0].dtype == np.int64
    assert isinstance(some[2:4], Ragged)
    assert len(ragged([]).reduced(np.add)) == 0


def test_row_ids_are_spelt_out_and_distinct():
    ids = RowIds("yelp/train", [4, 1, 9])
    assert list(ids) == ["yelp/train/4", "yelp/train/1", "yelp/train/9"]
    assert list(ids.select([2, 0])) == ["yelp/train/9", "yelp/train/4"]
    assert list(ids[1:]) == ["yelp/train/1", "yelp/train/9"]
    with pytest.raises(ValueError, match="id 'x/3' occurs 2 times"):
        RowIds("x", [3, 1, 3])


def test_a_split_of_compact_columns_is_the_plain_split():
    numbers, labels = [2, 3, 5, 9], [0, 1, 0, 1]
    compact = Split(RowIds("toy/train", numbers), packed(), labels, sentences=ragged())
    ids = tuple(f"toy/train/{number}" for number in numbers)
    plain = Split(ids, PLAIN, labels, sentences=tuple(map(np.array, LENGTHS)))
    rest = (Vocabulary.build(PLAIN), ("no", "yes"), {})
    first, second = (Corpus("toy", "classification", *[split] * 3, *rest) for split in (compact, plain))
    assert first.checksum == second.checksum
    some, same = compact.select([3, 1]), plain.select([3, 1])
    assert isinstance(some.texts, Ragged)
    assert tuple(some.ids) == same.ids
    assert tuple(some.texts) == same.texts
    assert some.lengths.tolist() == same.lengths.tolist() == [4, 1]
    assert [s.tolist() for s in some.sentences] == [s.tolist() for s in same.sentences] == [[4], [1]]


def test_a_compact_split_names_a_bad_text():
    ids = RowIds("toy", [1, 2])
    with pytest.raises(ValueError, match="text 'toy/2' is empty"):
        Split(ids, packed([("a",), ()]), np.zeros(2, int))
    for bad in ([1, 2], [2, 0], []):
        with pytest.raises(ValueError, match=r"sentences of 'toy/2' are .* that sum to the text's 2 tokens"):
            Split(ids, packed([("a",), ("b", "b")]), np.zeros(2, int), sentences=ragged([[1], bad]))
