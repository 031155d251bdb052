"""Word vectors from files, from the corpus, and at random."""

import gzip

import numpy as np
import pytest
import torch

from attnlib.data.corpus import Vocabulary
from attnlib.models.vectors import embedding_matrix, read_vectors, train_vectors
from tests import toy

VOCABULARY = Vocabulary.build([toy.WORDS])


def write(path, lines):
    text = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.txt.gz"])
@pytest.mark.parametrize("header", [[], ["3 2"]])
def test_glove_and_fasttext_files(tmp_path, name, header):
    path = write(tmp_path / name, [*header, "good 1 2", "bad -1 0.5", ". . 3 4", "tab\t5\t6", "wide  7   8"])
    found = read_vectors(path, ["good", ". .", "tab", "wide", "other"], 2)
    expected = {"good": [1, 2], ". .": [3, 4], "tab": [5, 6], "wide": [7, 8]}
    assert {word: vector.tolist() for word, vector in found.items()} == expected


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["good 1 2 3"], r"v\.txt:1: vector of dimension 3, the model needs 2"),
        (["3 5", "good 1 2"], r"v\.txt:1: dimension 5, the model needs 2"),
        (["bad 1 2", "film 0 0", "good 1"], r"v\.txt:3: vector of dimension 1, the model needs 2"),
        (["good 1 two"], r"v\.txt:1: not a vector of numbers"),
        (["film 1 2", "good nan 2"], r"v\.txt:2: not a vector of finite numbers"),
        (["", "good 1 2"], r"v\.txt:1: vector of dimension 0"),
    ],
)
def test_a_bad_line_is_named(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read_vectors(write(tmp_path / "v.txt", lines), ["good"], 2)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_vectors(tmp_path / "nowhere.txt", ["good"], 2)


def test_random_vectors_have_the_deviation_and_a_zero_padding_row():
    matrix, again = (embedding_matrix(VOCABULARY, dimension=500, deviation=0.1, seed=3) for _ in range(2))
    assert (matrix[0] == 0).all()
    assert abs(float(matrix[1:].std()) - 0.1) < 0.005
    assert torch.equal(matrix, again)
    with pytest.raises(ValueError, match="deviation: must be a number"):
        embedding_matrix(VOCABULARY, deviation=-1)


@pytest.mark.parametrize(("missing", "zero"), [("zero", True), ("random", False)])
def test_words_without_a_vector(tmp_path, missing, zero):
    path = write(tmp_path / "v.txt", ["good 1 2"])
    matrix = embedding_matrix(VOCABULARY, str(path), dimension=2, missing=missing)
    assert matrix[VOCABULARY.index["good"]].tolist() == [1, 2]
    assert bool((matrix[VOCABULARY.index["bad"]] == 0).all()) is zero


def test_a_file_that_covers_no_word_is_refused(tmp_path):
    path = write(tmp_path / "v.txt", ["GOOD 1 2"])
    with pytest.raises(ValueError, match="no word of the vocabulary"):
        embedding_matrix(VOCABULARY, str(path), dimension=2)


def test_trained_vectors_depend_on_the_seed_only():
    texts = toy.split(40).texts
    first, second, other = (train_vectors(texts, 8, seed, epochs=2) for seed in (1, 1, 2))
    assert all(np.array_equal(first[word], second[word]) for word in first)
    assert not all(np.array_equal(first[word], other[word]) for word in first)
