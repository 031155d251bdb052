import pytest

from attnlib.data import DataError, load
from tests.data.sets.test_newsgroups import HEADER, posts, write


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path / "20news"


@pytest.mark.parametrize("archive", [False, True])
def test_every_group_is_a_class(folder, archive):
    made = posts()
    made["20news-bydate-test/sci.med/7"] = HEADER + "> x\nCaf\xe9 is open. It's good!\r\n> only a quote"
    made["20news-bydate-train/sci.med/8"] = HEADER + "So. " * 51
    write(folder, made, archive)
    corpus = load("20news", verify=False)
    assert corpus.class_names == ("rec.sport.baseball", "rec.sport.hockey", "sci.med")
    # 121 training posts with text, 13 of them to dev, unless that is the long one; 122 test posts.
    assert len(corpus.train) + len(corpus.dev) in (120, 121)
    assert len(corpus.dev) == 13
    assert len(corpus.test) == 122
    for split in corpus.splits.values():
        assert [name.split("/")[2] for name in split.ids] == [corpus.class_names[y] for y in split.labels]
    assert all(name.startswith("20news/test/") for name in corpus.test.ids)
    found = dict(zip(corpus.test.ids, corpus.test.texts, strict=True))
    assert found["20news/test/sci.med/7"] == ("café", "is", "open", ".", "it", "'s", "good", "!")
    assert corpus.train.sentences.counts.max() < 51
    notes = corpus.provenance["notes"]
    assert "1 documents without a sentence are left out." in notes
    assert any("more than 50 sentences" in note for note in notes)
    with pytest.raises(DataError, match="is not as published"):
        load("20news")


def test_a_file_outside_the_groups_is_named(folder):
    write(folder, {**posts(), "20news-bydate-train/notes": "x"}, archive=False)
    with pytest.raises(DataError, match=r"20news-bydate-train/notes: a post must lie in the folder"):
        load("20news", verify=False)


@pytest.mark.data("20news")
@pytest.mark.slow
def test_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    corpus = load("20news")
    assert len(corpus.class_names) == 20
    # The official 11,314 and 7532, less 515 posts with nothing but header, quotes and footer.
    assert len(corpus.test) == 7317
    assert len(corpus.dev) == 1102
    assert len(corpus.train) == 9912 - 310
