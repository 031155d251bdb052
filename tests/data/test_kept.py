import os
from dataclasses import replace

import numpy as np
import pytest

from attnlib.data import DataError, kept, load
from attnlib.data.columns import Ragged, RowIds
from attnlib.data.corpora import Row, make
from attnlib.data.files import locate


@kept.keep("yelp_full")
def toy(entry="yelp_full", compact=True):
    """Reads a file of the data set; `reads` counts how often. yelp_full are documents, sst5 flat texts."""
    text = locate("yelp_full", ["train.csv"])["train.csv"].data.decode()
    reads.append(entry)
    rows = [Row(n, n % 5, f"{text} {n}. Nice" + " so" * n) for n in range(1, 11)]
    parts = {"train": rows, "dev": [row._replace(name=f"named {row.name}") for row in rows], "test": rows[:7]}
    # In parts as they are.
    return make("toy", parts, {}, entry=entry, compact=compact, divide=dict)


reads = []


@pytest.fixture
def file(root):
    reads.clear()
    (root / "yelp_full").mkdir()
    path = root / "yelp_full" / "train.csv"
    path.write_text("It was good")
    return path


def stored(nowhere):
    return sorted((nowhere.parent / "corpora").glob("*.npz"))


def same(one, other):
    assert other.checksum == one.checksum
    assert other.provenance == one.provenance
    assert (other.name, other.class_names, other.task) == (one.name, one.class_names, one.task)
    for part, split in one.splits.items():
        for name, column in split.columns.items():
            again = other.splits[part].columns[name]
            assert type(again) is type(column)
            for cell, kept_cell in zip(column or (), again or (), strict=True) if name != "labels" else ():
                assert getattr(kept_cell, "dtype", None) == getattr(cell, "dtype", None)


@pytest.mark.parametrize("options", [{}, {"entry": "sst5"}, {"entry": "sst5", "compact": False}])
def test_a_corpus_is_read_from_its_files_once(file, nowhere, options):
    first = toy(**options)
    same(first, toy(**options))
    assert len(reads) == 1
    (path,) = stored(nowhere)
    assert path.name.startswith("yelp_full-")
    again, kinds = toy(**options), (Ragged, RowIds) if options.get("compact", True) else (tuple, tuple)
    assert (type(again.train.texts), type(again.train.ids)) == kinds
    assert again.dev.ids[0] == "named 1"


def test_parts_that_share_numbers_share_them_again(file, tmp_path):
    made = toy()
    half = replace(made, dev=made.train.select([1, 3]))
    kept.write(tmp_path / "kept.npz", half)
    again = kept.read(tmp_path / "kept.npz")
    same(half, again)
    assert again.train.texts.values is again.dev.texts.values
    assert again.train.texts.values is not again.test.texts.values


@pytest.mark.parametrize("name", ["planted", "babi1_generated"])
def test_a_plain_corpus_comes_back_as_it_was(tmp_path, name):
    made = load(name, n_train=200, n_test=50)
    rows = tuple(np.arange(len(made.class_names)) for _ in made.test.ids)
    made = replace(made, test=replace(made.test, candidates=rows))
    kept.write(tmp_path / "kept.npz", made)
    again = kept.read(tmp_path / "kept.npz")
    same(made, again)
    # A word that occurs a thousand times is one object, as the loaders make it.
    words = [word for text in again.train.texts for word in text]
    assert len(set(map(id, words))) == len(set(words))


def test_imposed_weights_are_not_kept(tmp_path):
    made = load("babi1_generated", n_train=20, n_test=10)
    weights = tuple(np.full(n, 1 / n) for n in made.test.lengths)
    with pytest.raises(AssertionError):
        kept.write(tmp_path / "kept.npz", replace(made, test=replace(made.test, attention=weights)))
    assert list(tmp_path.iterdir()) == []


def test_changed_files_options_and_code_are_read_again(file, nowhere, monkeypatch):
    first = toy()
    assert toy(entry="sst5").checksum != first.checksum
    assert toy("yelp_full").checksum == first.checksum
    assert (len(stored(nowhere)), len(reads)) == (2, 2)
    file.write_text("It was evil")
    os.utime(file, ns=(1, 1))
    assert "evil" in toy().test.texts[0]
    monkeypatch.setattr(kept, "versions", lambda loader: ["other"])
    toy()
    assert len(reads) == 4


@pytest.mark.parametrize("keep", [0, 100, -50])
def test_a_damaged_copy_is_made_anew(file, nowhere, keep):
    checksum = toy().checksum
    (path,) = stored(nowhere)
    path.write_bytes(path.read_bytes()[:keep])
    assert toy().checksum == toy().checksum == checksum
    assert len(reads) == 2


def test_a_flipped_byte_is_noticed_or_changes_nothing(file, nowhere, tmp_path):
    checksum = toy().checksum
    (path,) = stored(nowhere)
    whole = path.read_bytes()
    damaged = tmp_path / "damaged.npz"
    # The header of the first array, and places all over the file and its directory.
    noticed = 0
    places = [*range(100, 160), *range(0, len(whole), 499), *range(len(whole) - 40, len(whole))]
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        damaged.write_bytes(flipped)
        try:
            assert kept.read(damaged).checksum == checksum, place
        except ValueError:
            noticed += 1
    assert noticed > len(places) / 2


def test_errors_are_not_kept(file, nowhere):
    file.unlink()
    for _ in range(2):
        with pytest.raises(DataError, match=r"train\.csv not found"):
            toy()
    assert stored(nowhere) == []
