import random

import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import reviews_flat
from tests.data.sets.test_reviews import quoted, write


def rows(n):
    """Reviews, each with its number as a word; escaped and real line ends, quotes, spaces."""
    for i in range(n):
        text = f'It is "item"  n{i} .\\nAgain,\nplease!' if i % 3 else f"Item n{i} ."
        yield str(1 + i % 5), text + " And so on." * repeats(i)


def repeats(i):
    return i % 9 if i % 50 else 36


def fits(i):
    return 6 < (11 if i % 3 else 3) + 4 * repeats(i) < 150


def number(text):
    return next(int(token[1:]) for token in text if token[0] == "n" and token[1:].isdecimal())


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    monkeypatch.setattr(reviews_flat, "DEV", 100)
    return tmp_path / "yelp_full"


def write_set(folder, n=300, how="plain"):
    for part, k in (("train", n), ("test", 60)):
        write(folder, part, [quoted(*row) for row in rows(k)], how)


@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_dev_is_the_start_of_the_shuffled_file_and_the_rest_train(folder, how):
    write_set(folder, how=how)
    corpus = load("yelp5")
    assert (corpus.name, corpus.task) == ("yelp5", "classification")
    assert corpus.class_names == ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
    # The released code's steps.
    shuffled = list(range(300))
    random.seed(1357)
    random.shuffle(shuffled)
    expected = {"train": shuffled[100:], "dev": shuffled[:100], "test": range(60)}
    for part, split in corpus.splits.items():
        assert [number(text) for text in split.texts] == sorted(filter(fits, expected[part]))
        assert split.labels.tolist() == [number(text) % 5 for text in split.texts]
        assert split.sentences is None
    # Row 1 is a review of two lines after one of one line.
    assert corpus.test.ids[1] == "yelp5/test/2"
    assert corpus.test.texts[1] == (
        "it", "is", '"', "item", '"', "n1", ".", "again", ",", "please", "!", "and", "so", "on", ".",
    )  # fmt: skip
    # Words of at least 20 training texts: all but the numbers.
    assert set(corpus.vocabulary.words) == {*corpus.test.texts[1]} - {"n1"}
    assert any("paper's very reviews" in note for note in corpus.provenance["notes"])


@pytest.mark.slow
def test_the_shuffle_is_pythons_for_ever():
    assert reviews_flat.drawn(10) == [4, 3, 0, 5, 2, 7, 1, 8, 6, 9]
    assert len(reviews_flat.drawn(650_000)) == 7_000


def test_reviews_without_words_are_left_out_but_count_as_rows(folder):
    lines = [quoted(*row) for row in rows(300)]
    write_set(folder)
    whole = load("yelp5")
    write(folder, "train", [quoted("1", " \\n ") if i == 7 else line for i, line in enumerate(lines)])
    corpus = load("yelp5")
    assert len(corpus.train) + len(corpus.dev) == len(whole.train) + len(whole.dev) - 1
    assert {number(text) for text in whole.dev.texts} - {number(text) for text in corpus.dev.texts} <= {7}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"0","a text"\n', "the star rating is '0', not 1 to 5"),
        ('"3"\n', "expected 2 comma-separated fields, found 1"),
        ('"3","open\n', "unexpected end of data"),
    ],
)
def test_bad_rows_are_named(folder, line, problem):
    write_set(folder)
    write(folder, "test", ['"1","two\nlines"\n', '"2","b"\n', line])
    with pytest.raises(DataError, match=rf"yelp_full/test\.csv:4: .*{problem}"):
        load("yelp5")


def test_files_that_are_missing_or_too_small_are_named(folder):
    with pytest.raises(DataError, match=r"(?s)yelp_full: train\.csv not found in .*Crepe"):
        load("yelp5")
    write_set(folder, n=100)
    with pytest.raises(DataError, match=r"yelp5: train\.csv has 100 reviews, of which dev alone takes 100"):
        load("yelp5")
    write_set(folder)
    write(folder, "test", [quoted("1", "Too short.")])
    with pytest.raises(DataError, match="yelp5: none of 1 test texts has more tokens than 6"):
        load("yelp5")
