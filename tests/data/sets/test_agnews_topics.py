import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import agnews_topics
from tests.data.sets.test_agnews import quoted, write, write_official, write_subsets


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path / "ag_news"


def check(corpus):
    assert corpus.class_names == ("world", "sports", "business", "sci/tech")
    first = {"talks": 0, "cup": 1, "shares": 2, "new": 3}
    for split in corpus.splits.values():
        assert [first[text[0]] for text in split.texts] == split.labels.tolist()
        assert (split.lengths == split.sentences.totals()).all()
    assert np.bincount(corpus.test.labels).tolist() == [10] * 4
    assert corpus.test.ids[0] == "agnews_topics/test/1"


def test_official_files(folder):
    write_official(folder)
    corpus = load("agnews_topics", verify=False)
    check(corpus)
    assert [len(split) for split in corpus.splits.values()] == [108, 12, 40]
    assert corpus.train.ids[0].startswith("agnews_topics/train/")
    with pytest.raises(DataError, match=r"train\.csv\.gz is not the official file"):
        load("agnews_topics")


def test_subsets_are_joined_and_said_to_be_subsets(folder):
    write_subsets(folder)
    corpus = load("agnews_topics", verify=False)
    check(corpus)
    # Five subsets of 40 and one of two classes.
    assert len(corpus.train) + len(corpus.dev) == 220
    assert corpus.provenance["notes"][0].startswith("Not the 120,000 official training texts")
    assert {name.split("/")[1] for name in corpus.train.ids} == {
        "a_train", "a_dev", "b", "c", "d_train", "d_validation",
    }  # fmt: skip
    write_official(folder)
    assert load("agnews_topics", train="subset", verify=False).checksum == corpus.checksum
    with pytest.raises(ValueError, match="unknown train 'x'"):
        load("agnews_topics", train="x")


def test_a_bad_row_is_named(folder):
    write_official(folder)
    write(folder, "test.csv", [quoted("1", "t", "a\nb"), quoted("0", "t", "d")])
    with pytest.raises(DataError, match=r"test\.csv\.gz:3: class '0' is not one of 1, 2, 3, 4"):
        load("agnews_topics", verify=False)


@pytest.mark.data("ag_news")
@pytest.mark.slow
def test_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    corpus = load("agnews_topics", train="subset")
    assert np.bincount(corpus.test.labels).tolist() == [1900] * 4
    # 16,922 distinct texts outside the test split, less 3 with two labels.
    assert len(corpus.train) + len(corpus.dev) == 16_919
    assert corpus.name == agnews_topics.NAME
