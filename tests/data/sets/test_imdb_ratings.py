import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.sets.imdb_ratings import RATINGS
from tests.data.sets.test_imdb import write_archive, write_folder

STARS = {"neg": (1, 2, 3, 4), "pos": (7, 8, 9, 10)}
REVIEWS = {
    f"{part}/{folder}/{number}_{stars[number % 4]}.txt": f"Film {number}!<br /><br />It's {folder}. I saw it."
    for part in ("train", "test")
    for folder, stars in STARS.items()
    for number in range(40)
}


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path / "imdb"


@pytest.mark.parametrize("write", [write_folder, write_archive])
def test_stars_come_from_the_names_of_the_files(folder, write):
    write(folder, REVIEWS)
    corpus = load("imdb_ratings", verify=False)
    assert [len(split) for split in corpus.splits.values()] == [72, 8, 80]
    assert corpus.class_names[0] == "1 star"
    assert corpus.class_names[4] == "7 stars"
    # By folder and number.
    assert list(corpus.test.ids)[:3] == [f"imdb_ratings/test/neg/{n}_{1 + n}" for n in range(3)]
    for split in corpus.splits.values():
        assert [name.rpartition("_")[2] for name in split.ids] == [RATINGS[y] for y in split.labels]
    assert corpus.test.texts[1] == ("film", "1", "!", "it", "'s", "neg", ".", "i", "saw", "it", ".")
    assert corpus.test.sentences[1].tolist() == [3, 4, 4]
    assert {"neg", "saw"} <= set(corpus.vocabulary.words)
    with pytest.raises(DataError, match=r"imdb: train/neg in .* is not as published"):
        load("imdb_ratings")


@pytest.mark.parametrize("name", ["train/pos/99.txt", "train/pos/99_.txt", "train/pos/99_5.txt"])
def test_a_review_without_a_star_rating_is_named(folder, name):
    write_folder(folder, {**REVIEWS, name: "Good."})
    with pytest.raises(
        DataError, match=rf"{name}: a review must be called <number>_<stars>.txt with stars 1,"
    ):
        load("imdb_ratings", verify=False)


def test_a_review_without_words_is_left_out(folder):
    write_folder(folder, {**REVIEWS, "test/neg/99_1.txt": "<br /> \n"})
    corpus = load("imdb_ratings", verify=False)
    assert len(corpus.test) == 80
    assert "1 documents without a sentence are left out." in corpus.provenance["notes"]


@pytest.mark.data("imdb")
@pytest.mark.slow
def test_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    corpus = load("imdb_ratings")
    assert [len(split) for split in corpus.splits.values()] == [22500, 2500, 25000]
    # As in the official README: 1 star most often, 10 stars next, none with 5 or 6.
    together = np.bincount(np.concatenate([corpus.train.labels, corpus.dev.labels]))
    assert together.tolist() == [5100, 2284, 2420, 2696, 2496, 3009, 2263, 4732]
