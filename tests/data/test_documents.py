import numpy as np
import pytest

from attnlib.data import DataError, catalogue
from attnlib.data.documents import Collector, Limits, Row, corpus, draws, exact_dev, vocabulary, within

TEXTS = ("Good film. I liked it!", "", "Bad", "So so. Dull. Long. Sad.", " \n ")


def collect(texts=TEXTS, first=3, collector=None):
    rows = (Row(first + i, i % 2, text) for i, text in enumerate(texts))
    return (collector or Collector()).collect("toy/train", rows)


def build(train, dev=None, test=None, left_out=0):
    splits = {
        "train": train,
        "dev": train if dev is None else dev,
        "test": train if test is None else test,
    }
    return corpus("toy", splits, ("no", "yes"), catalogue.IMDB10, {}, ["A note.", ""], left_out)


def test_documents_without_a_sentence_are_left_out_and_counted():
    collector = Collector()
    split = collect(collector=collector)
    assert collector.left_out == 2
    assert list(split.ids) == ["toy/train/3", "toy/train/5", "toy/train/6"]
    assert split.labels.tolist() == [0, 0, 1]
    assert [s.tolist() for s in split.sentences] == [[3, 4], [1], [3, 2, 2, 2]]
    assert split.texts[1] == ("bad",)
    named = collector.collect("toy", [Row("a/1", 0, "One."), Row("b/2", 1, "Two.")])
    assert list(named.ids) == ["toy/a/1", "toy/b/2"]


def numbered(texts):
    return [Row(3 * i + 1, i % 2, text) for i, text in enumerate(texts)]


def test_what_is_drawn_for_a_row_depends_on_its_number_alone():
    every = numbered([f"Text {i}." for i in range(200)])
    some = [row._replace(text="") if row.name % 2 else row for row in every]
    no_limits = Limits(99, 99)
    train, dev, _ = Collector().collect_with_dev("toy", every, no_limits)
    assert sorted([*train.ids, *dev.ids]) == sorted(f"toy/{row.name}" for row in every)
    assert 5 <= len(dev) <= 40
    split = Collector().collect("toy", every)
    assert list(dev.ids) == [name for name, u in zip(split.ids, draws(split), strict=True) if u < 0.1]
    again = Collector().collect_with_dev("toy", some, no_limits)[1]
    assert list(again.ids) == [name for name in dev.ids if int(name.split("/")[1]) % 2 == 0]


def test_a_tenth_goes_to_dev():
    split = collect([f"Text {i}." for i in range(191)])
    train, dev, note = exact_dev(split, "toy")
    assert (len(train), len(dev), note) == (171, 20, "")
    assert sorted([*train.ids, *dev.ids]) == sorted(split.ids)
    with pytest.raises(DataError, match="toy: too few training documents"):
        exact_dev(split.select([0]), "toy")


def test_limits_apply_to_training_only():
    split = collect([*TEXTS, "One two three four five."])
    assert within(split, Limits(4, 4)).tolist() == [True, True, True, False]
    assert within(split, Limits(3, 9)).tolist() == [True, True, False, True]
    many = numbered(["Yes. No. So."] * 30 + ["one two three four"] * 30 + ["Yes."] * 60)
    limits = Limits(2, 3)
    for train, dev, note in (
        Collector().collect_with_dev("toy", many, limits),
        exact_dev(Collector().collect("toy", many), "toy", limits),
    ):
        dropped = 120 - len(train) - len(dev)
        assert set(train.lengths.tolist()) == {2}
        assert dropped == 60 - sum(dev.lengths > 2)
        assert f"left out, {dropped} of them" in note
        assert sum(dev.lengths > 2) > 0


def test_the_vocabulary_is_of_words_with_five_occurrences_in_train_and_dev():
    collector = Collector()
    train = collect(["Good good good.", "Bad nor."], collector=collector)
    dev = collect(["good good bad.", ". . so"], collector=collector)
    test = collect(["so so so so so so so"], collector=collector)
    assert vocabulary([train, dev]).words == (".", "good")
    assert vocabulary([train, dev.select([0])]).words == ("good",)
    found = build(train, dev, test, left_out=7)
    assert found.vocabulary.words == (".", "good")
    assert "7 documents without a sentence are left out." in found.provenance["notes"]


def test_a_class_may_be_absent_from_test_but_not_from_train():
    one = collect(["A.", "B.", "C."]).select([0, 2])
    both = collect(["A.", "B.", "C."])
    found = build(both, both, one)
    assert "No document of test has the class yes." in found.provenance["notes"]
    with pytest.raises(DataError, match="toy: no training document of class yes; the file may be cut"):
        build(one, both, both)
    with pytest.raises(DataError, match="toy: no document in test; the files hold too few"):
        build(both, both, both.select(np.zeros(0, dtype=int)))
    with pytest.raises(DataError, match="no document in train"):
        build(collect(["", " "]), both, both)
