import numpy as np
import pytest

from attnlib import data
from attnlib.data import Corpus, Split, Vocabulary


def make_split(n=5, name="train", **changes):
    ids, texts = zip(*((f"toy/{name}/{i}", ("a", "b")[: 1 + i % 2]) for i in range(n)), strict=True)
    return Split(**{"ids": ids, "texts": texts, "labels": np.arange(n) % 2} | changes)


def make_corpus(**changes):
    parts = {"train": make_split(), "dev": make_split(2, "dev"), "test": make_split(3, "test")}
    about = {"name": "toy", "task": "classification", "class_names": ("no", "yes"), "provenance": {}}
    return Corpus(**about | {"vocabulary": Vocabulary(("a", "b"))} | parts | changes)


SPLITS = [
    ({"texts": (("a",), (), ("b",))}, "'toy/train/1' is empty"),
    ({"texts": (("a",),)}, "texts has 1 entries for 3 ids"),
    ({"labels": np.zeros(2, int)}, "labels has 2 entries"),
    ({"labels": np.zeros(3)}, "must be integers"),
    ({"labels": np.zeros((3, 1), int)}, "one per text"),
    ({"ids": ("x", "y", "x")}, "'x' occurs 2 times"),
    ({"questions": (("q",), (), ("q",))}, "question of text 'toy/train/1' is empty"),
    ({"evidence": (np.zeros(1), np.zeros(1), np.zeros(1))}, "'toy/train/1' has shape"),
    ({"evidence": (np.zeros(1), np.array([0, 3]), np.zeros(1))}, "'toy/train/1' holds values"),
]
CORPORA = [
    ({"task": "question answering"}, "split 'train' has no questions"),
    ({"task": "pair classification"}, "split 'train' has no questions"),
    ({"task": "ranking"}, r"unknown task 'ranking'.*question answering"),
    ({"test": make_split().select([])}, "'test' has no texts"),
    ({"dev": make_split(2, labels=[0, 2])}, r"'dev', text 'toy/train/1' has label 2.*2 classes"),
]
REFUSED = [(make_split, {"n": 3, **changes}, message) for changes, message in SPLITS]
REFUSED += [(make_corpus, *row) for row in CORPORA]


@pytest.mark.parametrize(("make", "changes", "message"), REFUSED)
def test_what_does_not_fit_is_refused(make, changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_candidates_hold_the_label_and_follow_the_rows():
    candidates = ([0, 2], [1], [0, 1, 2])
    split = make_split(3, candidates=candidates)
    assert [c.tolist() for c in split.select([2, 0]).candidates] == [[0, 1, 2], [0, 2]]
    assert make_split(3).candidates is None
    for bad in (([0, 2], [0], [0]), ([0], [1], [1, 0]), ([0], [1], []), ([0], [1], [0, 0])):
        with pytest.raises(ValueError, match="candidates of 'toy/train/.' must be distinct"):
            make_split(3, candidates=bad)
    three = ("no", "yes", "maybe")
    corpus = make_corpus(train=split, class_names=three)
    assert corpus.checksum != make_corpus(train=make_split(3), class_names=three).checksum
    with pytest.raises(ValueError, match=r"'toy/train/0' has candidates outside the 2 classes"):
        make_corpus(train=split)


@pytest.mark.parametrize("bad", [[1], [2, 1], [2, 0], [3, -1], [], [1.0, 1.0], [[2]]])
def test_sentences_make_up_the_text(bad):
    split = make_split(3, sentences=([1], [1, 1], [1]))
    assert [s.tolist() for s in split.sentences] == [[1], [1, 1], [1]]
    assert split.sentences[1].dtype == np.int64
    assert [s.tolist() for s in split.select([1, 0]).sentences] == [[1, 1], [1]]
    refused = "sentences of 'toy/train/1' are .* that sum to the text's 2 tokens"
    with pytest.raises(ValueError, match=refused):
        make_split(3, sentences=([1], bad, [1]))
    with pytest.raises(ValueError, match="sentences has 1 entries for 3 ids"):
        make_split(3, sentences=([1],))


def test_select_takes_positions_masks_and_slices_in_order():
    split = make_split(5, questions=(("q",),) * 5, labels=np.arange(5, dtype=np.int32) % 2)
    assert split.labels.dtype == np.int64
    assert {mark.dtype for mark in make_split(2, evidence=([1], [0, -1])).evidence} == {np.dtype(np.int8)}
    assert split.select([3, 0]).ids == ("toy/train/3", "toy/train/0")
    assert split.select(np.array([False, True, False, False, True])).ids == ("toy/train/1", "toy/train/4")
    assert split.select(slice(1, 3)).labels.tolist() == [1, 0]
    assert len(split.select([])) == 0
    assert split.select([2]).questions == (("q",),)


def test_sample_is_seeded_ordered_and_bounded():
    split = make_split(50)
    some = split.sample(10, seed=3)
    assert len(some) == 10
    assert some.ids == split.sample(10, seed=3).ids
    assert some.ids != split.sample(10, seed=4).ids
    order = [split.ids.index(name) for name in some.ids]
    assert order == sorted(order)
    assert split.sample(None) is split.sample(50) is split.sample(500) is split
    for limit in (0, -3):
        with pytest.raises(ValueError, match=f"limit: must be a whole number ≥ 1, got {limit}"):
            split.sample(limit)


def test_vocabulary_counts_documents_or_occurrences():
    vocabulary = Vocabulary.build([("b", "b", "a"), ("a", "<pad>")], min_documents=2)
    assert vocabulary.words == ("a",)
    assert vocabulary.index == {"<pad>": 0, "<unk>": 1, "<start>": 2, "<end>": 3, "a": 4}
    # A token spelt like a special symbol is text: unknown, not padding.
    assert vocabulary.encode(("a", "b", "<pad>")) == [2, 4, 1, 1, 3]
    texts = [("b", "b", "a"), ("a", "c", "<pad>", "<pad>")]
    assert Vocabulary.build(texts, min_occurrences=2).words == ("a", "b")
    assert Vocabulary.build(texts, min_documents=2, min_occurrences=2).words == ("a",)
    assert Vocabulary.build(texts).words == ("a", "b", "c")


def test_vocabulary_refuses_unsorted_words_and_special_names():
    for words, message in ((("b", "a"), "sorted and distinct"), (("<unk>", "a"), "<unk>")):
        with pytest.raises(ValueError, match=message):
            Vocabulary(words)
    for least in ("min_documents", "min_occurrences"):
        with pytest.raises(ValueError, match=least):
            Vocabulary.build([("a",)], **{least: 0})


def test_checksum_follows_content_only():
    base = make_corpus().checksum
    # Recorded before splits had sentences: checksums of sets without them stay as they were.
    assert base.startswith("4aef9f02adebc963")
    assert make_corpus(name="other", provenance={"x": 1}).checksum == base
    columns = [{"labels": np.zeros(5, int)}, {"texts": (("a b",), *make_split().texts[1:])}]
    columns += [{"sentences": ([1], cut, [1], [2], [1])} for cut in ([2], [1, 1])]
    changes = [{"class_names": ("yes", "no")}, {"vocabulary": Vocabulary(("a",))}]
    changes += [{"train": make_split(**changed)} for changed in columns]
    assert len({base, *(make_corpus(**change).checksum for change in changes)}) == 7


def test_load_names_known_sets_and_suggests():
    assert {"sst", "babi1", "babi2_generated", "planted"} <= set(data.names())
    with pytest.raises(ValueError, match=r"unknown data set 'plantd': known are sst.* mean 'planted'"):
        data.load("plantd")
    with pytest.raises(ValueError, match=r"unknown option of planted 'sed': known are n_train"):
        data.load("planted", sed=1)
