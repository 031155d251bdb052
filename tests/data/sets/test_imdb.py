import io
import tarfile

import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import imdb

REVIEWS = {
    f"{part}/{label}/{number}_{stars}.txt": f"A {word} film<br /><br />it's {word}, {part} " + "so " * number
    for part in ("train", "test")
    for label, stars, word in (("neg", 2, "dull"), ("pos", 9, "fine"))
    for number in range(30)
}


def write_folder(root, reviews=REVIEWS):
    for path, text in reviews.items():
        file = root / "aclImdb" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (root / "aclImdb" / "train" / "urls_pos.txt").write_text("http://example.org\n")


def write_archive(root, reviews=REVIEWS, name="aclImdb_v1.tar.gz"):
    root.mkdir(parents=True, exist_ok=True)
    with tarfile.open(root / name, "w:" + name.rsplit(".", 1)[1]) as archive:
        for path, text in {**reviews, "README": "hello", "test/urls_neg.txt": "x"}.items():
            item = tarfile.TarInfo(f"aclImdb/{path}")
            item.size = len(text)
            archive.addfile(item, io.BytesIO(text.encode()))


def test_tokens_are_those_of_the_keras_copy():
    assert imdb.tokenize("It's GOOD,\nvery-good.<br />\x85 'ok'") == (
        "it's", "good", "very", "good", "br", "\x85", "'ok'",
    )  # fmt: skip


@pytest.mark.parametrize("write", [write_folder, write_archive])
def test_folder_and_archive_give_the_same_corpus(tmp_path, monkeypatch, nowhere, write):
    write(tmp_path / "imdb")
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    corpus = load("imdb", verify=False)
    # 60 training reviews: 48 + 12; a fifth of the 60 test reviews; then the longest of each part go.
    assert len(corpus.train) in range(44, 48)
    assert all(len(text) > 6 for split in corpus.splits.values() for text in split.texts)
    assert corpus.class_names == ("negative", "positive")
    for split in corpus.splits.values():
        assert [int("pos" in name) for name in split.ids] == split.labels.tolist()
    # "test" is in no training review.
    assert not any("test" in text for text in corpus.test.texts)
    assert {"br", "it's", "train"} <= set(corpus.vocabulary.words)
    with pytest.raises(DataError, match=r"imdb: train/neg in .* is not as published: 30 of 12500 files"):
        load("imdb")


def test_overlong_reviews_are_dropped(tmp_path, monkeypatch, nowhere):
    long = {path: text if "/3_" not in path else "so " * 400 for path, text in REVIEWS.items()}
    write_folder(tmp_path / "imdb", long)
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    corpus = load("imdb", verify=False)
    assert not any("/3_" in name for split in corpus.splits.values() for name in split.ids)


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("train/pos/notes.txt", "hello", "must be called <number>_<stars>.txt"),
        ("train/pos/99_8.txt", " ... ", "99_8.txt:1: the review has no words"),
    ],
)
def test_files_that_are_no_reviews_are_named(tmp_path, monkeypatch, nowhere, path, text, problem):
    write_folder(tmp_path / "imdb", {**REVIEWS, path: text})
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=problem):
        load("imdb", verify=False)


def test_missing_and_truncated_archives_are_named(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"(?s)imdb: download of .*aclImdb_v1\.tar\.gz failed"):
        load("imdb")
    write_archive(tmp_path / "imdb")
    path = tmp_path / "imdb" / "aclImdb_v1.tar.gz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"aclImdb_v1\.tar\.gz cannot be read .*truncated"):
        load("imdb")
    (tmp_path / "imdb" / "aclImdb_v1.tar.gz").unlink()
    write_archive(tmp_path / "imdb", {k: v for k, v in REVIEWS.items() if "test/pos" not in k})
    with pytest.raises(DataError, match=r"holds no file test/pos/\*\.txt"):
        load("imdb", verify=False)


@pytest.mark.data("imdb")
@pytest.mark.slow
def test_counts():
    corpus = load("imdb")
    assert [len(split) for split in corpus.splits.values()] == [17198, 4299, 4359]
    # Before the split the authors' counts exactly: 10854 and 10643 (theirs are after the same filter, which
    # drops reviews of 399 tokens; ours drops them part by part).
    together = np.bincount(np.concatenate([corpus.train.labels, corpus.dev.labels]))
    assert together.tolist() == [10854, 10643]
    assert len(corpus.vocabulary) == 12521
