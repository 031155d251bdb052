import io
import tarfile

import numpy as np
import pytest
from sklearn.datasets import _twenty_newsgroups as sk

from attnlib.data import DataError, load
from attnlib.data.sets import newsgroups

HEADER = "From: a@b\nSubject: game\n\n"
POSTS = [
    HEADER + "In article <1> x writes:\n> old words\n| older\nThe goalie saved 32 shots, really!\n--\nJoe\n",
    HEADER + "One line only",
    HEADER + "\n\nFirst paragraph.\nHe wrote: yes\n\nLast paragraph taken for a footer\n\n\n",
    "no header at all",
    HEADER + "--\nonly a footer",
    HEADER + "a\n----\nb\n   \nc writes in d\n",
    "",
]


@pytest.mark.parametrize("post", POSTS)
def test_posts_are_stripped_as_scikit_learn_does(post):
    expected = sk.strip_newsgroup_quoting(sk.strip_newsgroup_footer(sk.strip_newsgroup_header(post)))
    assert newsgroups.strip_post(post) == expected


def test_of_a_run_of_symbols_the_last_is_kept():
    assert newsgroups.tokenize(["Go, 3-2 win (again)!!", "...", ""]) == [
        ("go", "qqq", "qqq", "win", "again", "!"),
        (".",),
        (),
    ]


def posts(n=40):
    """By-date files of three groups; every sports post has 8 to 20 words."""
    made = {}
    for part in ("train", "test"):
        for group, word in (
            ("rec.sport.baseball", "pitcher"),
            ("rec.sport.hockey", "goalie"),
            ("sci.med", "x"),
        ):
            for i in range(n):
                body = f"the {word} was good " + "and so on " * (2 + i % 4)
                made[f"20news-bydate-{part}/{group}/{9990 + i}"] = HEADER + body
    made["20news-bydate-train/rec.sport.hockey/10100"] = HEADER + "> only a quote"
    made["20news-bydate-test/rec.sport.hockey/10101"] = HEADER + "caf\xe9 goalie is here now and so on again"
    return made


def write(root, made, archive):
    root.mkdir(parents=True, exist_ok=True)
    if archive:
        with tarfile.open(root / "20news-bydate.tar.gz", "w:gz") as packed:
            for path, text in made.items():
                item = tarfile.TarInfo(path)
                item.size = len(text.encode("latin-1"))
                packed.addfile(item, io.BytesIO(text.encode("latin-1")))
    else:
        for path, text in made.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode("latin-1"))


def test_folder_and_archive_give_the_same_corpus(tmp_path, monkeypatch, nowhere):
    corpora = []
    for archive in (False, True):
        write(tmp_path / str(archive) / "20news", posts(), archive)
        monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path / str(archive)))
        corpora.append(load("20news_sports", verify=False))
        with pytest.raises(DataError, match=r"20news-bydate-train in .* is not as published"):
            load("20news_sports")
    corpus = corpora[0]
    assert corpora[1].checksum == corpus.checksum
    # 161 posts: the one with nothing but a quote is dropped. 33 test, 26 of the rest dev.
    assert [len(split) for split in corpus.splits.values()] == [102, 26, 33]
    assert corpus.class_names == ("baseball", "hockey")
    for split in corpus.splits.values():
        assert abs(split.labels.mean() - 0.5) < 0.02
        assert [int("hockey" in name) for name in split.ids] == split.labels.tolist()
    every = {
        name: text
        for split in corpus.splits.values()
        for name, text in zip(split.ids, split.texts, strict=True)
    }
    assert every["20news_sports/test/rec.sport.hockey/10101"][0] == "café"
    assert "20news_sports/train/rec.sport.hockey/10100" not in every


def test_all_groups_are_classes_and_sports_are_split_by_themselves(tmp_path, monkeypatch, nowhere):
    write(tmp_path / "20news", posts(), archive=True)
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    corpus = load("20news20", verify=False)
    assert (corpus.name, corpus.task) == ("20news20", "classification")
    assert corpus.class_names == ("rec.sport.baseball", "rec.sport.hockey", "sci.med")
    # 241 posts with text: 49 test, 39 of the rest dev.
    assert [len(split) for split in corpus.splits.values()] == [153, 39, 49]
    for split in corpus.splits.values():
        assert [name.split("/")[2] for name in split.ids] == [corpus.class_names[y] for y in split.labels]
        assert np.bincount(split.labels).max() - np.bincount(split.labels).min() <= 2
        assert split.sentences is None
    every = {
        name.removeprefix("20news20"): text
        for s in corpus.splits.values()
        for name, text in zip(s.ids, s.texts, strict=True)
    }
    sports = load("20news_sports", verify=False)
    for split in sports.splits.values():
        for name, text in zip(split.ids, split.texts, strict=True):
            assert every[name.removeprefix("20news_sports")] == text


@pytest.mark.parametrize("name", ["20news_sports", "20news20"])
def test_a_file_outside_the_groups_is_named(tmp_path, monkeypatch, nowhere, name):
    write(tmp_path / "20news", {**posts(), "20news-bydate-train/notes": "x"}, archive=False)
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"20news-bydate-train/notes: a post must lie in the folder"):
        load(name, verify=False)


@pytest.mark.parametrize(
    ("n", "without", "problem"), [(2, "hockey", "no post with text in one of"), (0, "10101", "no post")]
)
def test_too_few_posts_are_refused(tmp_path, monkeypatch, nowhere, n, without, problem):
    made = {path: text for path, text in posts(n).items() if without not in path}
    (tmp_path / "20news" / "20news-bydate-test").mkdir(parents=True)
    made["20news-bydate-test/sci.med/1"] = "x"
    write(tmp_path / "20news", made, archive=False)
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=problem):
        load("20news_sports", verify=False)


def test_a_group_without_text_is_refused(tmp_path, monkeypatch, nowhere):
    made = {**posts(), "20news-bydate-train/sci.space/1": HEADER + "> only a quote"}
    write(tmp_path / "20news", made, archive=False)
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match="no post with text in one of the 4 groups"):
        load("20news20", verify=False)
    write(tmp_path / "20news", {"20news-bydate-test/sci.space/1": HEADER + "only one"}, archive=False)
    with pytest.raises(DataError, match="too few posts in the 4 groups: class 3 has 1 text"):
        load("20news20", verify=False)


@pytest.mark.data("20news")
@pytest.mark.slow
def test_test_counts_are_the_papers():
    corpus = load("20news_sports")
    assert [len(split) for split in corpus.splits.values()] == [1145, 278, 357]
    assert np.bincount(corpus.test.labels).tolist() == [179, 178]
    assert len(corpus.vocabulary) == 6517  # 6515 with the spaCy of 2019


@pytest.mark.data("20news")
@pytest.mark.slow
def test_train_counts_of_all_groups_are_the_papers_but_for_one():
    corpus = load("20news20")
    assert [len(split) for split in corpus.splits.values()] == [10832, 2692, 3382]  # the paper: 10,833 train
    assert len(corpus.class_names) == 20
    assert len(corpus.vocabulary) == 33311  # 33297 with the spaCy of 2022
