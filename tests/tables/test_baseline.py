"""The bag-of-words baseline: by hand on a corpus that needs word pairs, cached, with classes missing."""

from dataclasses import replace

import numpy as np
import pytest

from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.generated import planted_documents
from attnlib.tables import baseline as baselines_text
from attnlib.tables.baseline import baseline, ngrams, telling_words
from tests import toy


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))


def corpus(texts, labels):
    """The same texts in all splits."""
    ids, words = tuple(str(i) for i in range(len(texts))), tuple(tuple(text.split()) for text in texts)
    split = Split(ids, words, np.array(labels))
    return Corpus("small", "classification", split, split, split, Vocabulary.build(words), ("a", "b"), {})


def test_pairs_decide_where_words_do_not():
    assert ngrams(("not", "good", "at")) == ["not", "good", "at", "not good", "good at"]
    # Each class has the same words equally often; only the pairs tell.
    found = baseline(corpus(["x y . z w"] * 4 + ["x w . z y"] * 4, [0] * 4 + [1] * 4))
    assert found["accuracy"] == found["roc_auc"] == found["dev_accuracy"] == 1
    assert found["n_features"] == 5 + 7
    assert found["n_train"] == 8


def test_it_is_cached_by_corpus_and_size_and_a_damaged_one_made_again(tmp_path, monkeypatch, caplog):
    planted = planted_documents.load(n_train=200, n_dev=50, n_test=80)
    whole = baseline(planted)
    small = baseline(planted, train_limit=40, seed=1)
    assert whole["accuracy"] > 0.6
    assert (whole["n_train"], small["n_train"]) == (200, 40)
    assert whole["accuracy"] > small["accuracy"]
    assert len(list((tmp_path / "cache" / "baselines").glob("*.json"))) == 2
    with monkeypatch.context() as patch:
        patch.setattr(baselines_text, "fit", None)
        assert baseline(planted) == whole
        assert baseline(planted, train_limit=200) == whole
    for path in (tmp_path / "cache" / "baselines").glob("*.json"):
        path.write_text(path.read_text()[:-5])
    assert baseline(planted) | {"seconds": whole["seconds"]} == whole
    assert "it is made again" in caplog.text


def test_a_class_absent_from_training_is_never_predicted():
    planted = planted_documents.load(n_train=200, n_dev=50, n_test=80)
    train = planted.train.select(planted.train.labels != 2)
    found = baseline(replace(planted, train=train))
    assert found["accuracy"] < (planted.test.labels != 2).mean()
    assert found["accuracy"] > 0.4
    one = planted.train.select(planted.train.labels == 1)
    with pytest.raises(ValueError, match="one class only"):
        baseline(replace(planted, train=one))


def test_telling_words_are_those_that_decide():
    made = toy.corpus()  # more good words than bad ones, among ten words
    assert telling_words(made, 4) == ["bad", "dull", "good", "great"]
    with pytest.raises(ValueError, match="n is 11, and 10 words"):
        telling_words(made, 11)
