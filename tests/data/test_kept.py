import os
from dataclasses import replace

import numpy as np
import pytest

from attnlib.data import DataError, kept, load, registry
from attnlib.data.sets import reviews, reviews_flat
from tests.data.sets.test_imdb import write_folder
from tests.data.sets.test_imdb_ratings import REVIEWS
from tests.data.sets.test_reviews import write_set


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """Counts how often files are read."""
    found = []
    read = reviews.read
    monkeypatch.setattr(reviews, "read", lambda *args: found.append(args[1]) or read(*args))
    return found


def stored(nowhere):
    return sorted((nowhere.parent / "corpora").glob("*.npz"))


def test_a_corpus_is_read_from_its_files_once(folder, nowhere, reads):
    write_set(folder / "yelp_full", title=False)
    first = load("yelp_full")
    assert reads == ["train.csv", "test.csv"]
    again = load("yelp_full")
    assert len(reads) == 2
    assert again.checksum == first.checksum
    assert again.provenance == first.provenance
    assert (again.name, again.class_names, again.task) == (first.name, first.class_names, first.task)
    assert list(again.dev.ids) == list(first.dev.ids)
    (path,) = stored(nowhere)
    assert path.name.startswith("yelp_full-")


def test_ids_with_names_are_kept_too(folder):
    write_folder(folder / "imdb", REVIEWS)
    first = load("imdb_ratings", verify=False)
    again = load("imdb_ratings", verify=False)
    # Train and dev are drawn from one part and share its numbers, before and after.
    assert again.train.texts.rows.values is again.dev.texts.rows.values
    assert again.train.texts.rows.values is not again.test.texts.rows.values
    assert isinstance(again.train.ids, tuple)
    assert again.train.ids == first.train.ids
    assert again.checksum == first.checksum


def test_a_corpus_without_sentences_is_kept(folder, nowhere, reads, monkeypatch):
    monkeypatch.setattr(reviews_flat, "read", reviews.read)
    monkeypatch.setattr(reviews_flat, "DEV", 100)
    write_set(folder / "yelp_full", title=False)
    first = load("yelp5")
    assert load("yelp5").checksum == first.checksum
    assert load("yelp5").train.sentences is None
    assert len(reads) == 2
    assert load("yelp_full").train.sentences is not None
    assert len(stored(nowhere)) == 2


def as_plain(column):
    return None if column is None else [np.asarray(row).tolist() for row in column]


@pytest.mark.parametrize("name", ["planted", "babi1_generated"])
def test_a_plain_corpus_comes_back_as_it_was(tmp_path, name):
    made = load(name)
    kept.write(made, tmp_path / "kept.npz")
    again = kept.read(tmp_path / "kept.npz")
    assert (again.checksum, again.task, again.provenance) == (made.checksum, made.task, made.provenance)
    for part, split in made.splits.items():
        other = again.splits[part]
        assert (other.ids, other.texts, other.questions) == (split.ids, split.texts, split.questions)
        assert as_plain(other.evidence) == as_plain(split.evidence)
        assert other.evidence[0].dtype == np.int8
        # A word that occurs a thousand times is one object, as the loaders make it.
        words = [word for text in other.texts for word in text]
        assert len(set(map(id, words))) == len(set(words))


def test_flat_texts_are_tokenised_once(folder, nowhere, monkeypatch):
    write_folder(folder / "imdb")
    calls = []
    monkeypatch.setattr(registry, "walk", lambda *args, f=registry.walk: calls.append(args) or f(*args))
    first = load("imdb", verify=False)
    again = load("imdb", verify=False)
    assert len(calls) == 1
    assert again.checksum == first.checksum
    assert isinstance(again.train.texts, tuple)
    assert len(stored(nowhere)) == 1


def test_what_cannot_be_kept_is_said(tmp_path):
    made = load("babi1_generated")
    rows = tuple(np.arange(len(made.class_names)) for _ in made.test.ids)
    with pytest.raises(AssertionError):
        kept.write(replace(made, test=replace(made.test, candidates=rows)), tmp_path / "kept.npz")
    assert list(tmp_path.iterdir()) == []


def test_changed_files_options_and_code_are_read_again(folder, nowhere, reads, monkeypatch):
    write_set(folder / "amazon_full", title=True)
    first = load("amazon_full")
    assert load("amazon_full", title=True).checksum != first.checksum
    assert len(stored(nowhere)) == 2
    assert load("amazon_full", title=False).checksum == first.checksum
    assert len(reads) == 4
    path = folder / "amazon_full" / "test.csv"
    path.write_text(path.read_text().replace("again", "never"))
    os.utime(path, ns=(1, 1))
    assert "never" in load("amazon_full").test.texts[0]
    assert len(reads) == 6
    monkeypatch.setattr(kept, "versions", lambda loader: ["other"])
    load("amazon_full")
    assert len(reads) == 8


@pytest.mark.parametrize("keep", [0, 100, -50])
def test_a_damaged_copy_is_made_anew(folder, nowhere, reads, keep):
    write_set(folder / "yelp_full", title=False)
    checksum = load("yelp_full").checksum
    (path,) = stored(nowhere)
    path.write_bytes(path.read_bytes()[:keep])
    assert load("yelp_full").checksum == checksum
    assert len(reads) == 4
    assert load("yelp_full").checksum == checksum
    assert len(reads) == 4


def test_a_flipped_byte_is_noticed_or_changes_nothing(folder, nowhere, tmp_path):
    write_set(folder / "yelp_full", title=False)
    checksum = load("yelp_full").checksum
    (path,) = stored(nowhere)
    whole = path.read_bytes()
    damaged = tmp_path / "damaged.npz"
    # The header of the first array, and places all over the file and its directory.
    noticed = 0
    places = [*range(100, 160), *range(0, len(whole), 1999), *range(len(whole) - 40, len(whole))]
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        damaged.write_bytes(flipped)
        found = kept.read(damaged)
        noticed += found is None
        assert found is None or found.checksum == checksum, place
    assert noticed > len(places) / 2


def test_errors_are_not_kept(folder, nowhere):
    write_set(folder / "yelp_full", title=False)
    (folder / "yelp_full" / "test.csv").unlink()
    for _ in range(2):
        with pytest.raises(DataError, match=r"test\.csv not found"):
            load("yelp_full")
    assert stored(nowhere) == []
    with pytest.raises(ValueError, match="no option 'titles'. Known: title"):
        load("amazon_full", titles=True)
