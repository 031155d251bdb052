"""The one call for document models: cache, Readouts of sentences and words, refusals, repeats."""

import numpy as np
import pytest
import torch

from attnlib import data
from attnlib.data.generated import planted_documents
from attnlib.kernels import erase_each, minimal_flip_set
from attnlib.models import vectors
from attnlib.models.document_batches import Documents
from attnlib.models.documents import DOCUMENT_ENCODERS
from attnlib.prepare import documents as prepare_documents
from attnlib.prepare.documents import RELEASED, released, settings_name
from attnlib.prepare.documents import prepare_documents as prepare
from attnlib.training import documents as training_documents

CORPUS = planted_documents.load(n_train=120, n_dev=40, n_test=50)
CHEAP = {"epochs": 2, "progress": False, "vectors": "random"}


@pytest.fixture(autouse=True)
def _planted(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "load", lambda name: CORPUS)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["HANconv", "FLANnoenc"])
def test_readouts_of_sentences_and_of_words_go_through_the_same_kernels(architecture):
    run = prepare("planted_documents", architecture, **CHEAP)
    test = CORPUS.test
    items = [len(s) for s in test.sentences] if architecture == "HANconv" else list(map(len, test.texts))
    assert run.readout.linear
    assert run.frame()["length"].tolist() == items
    documents = Documents.of(test, CORPUS.vocabulary)
    probabilities = training_documents.predict_documents(run.model, documents)
    np.testing.assert_allclose(run.readout.probabilities().numpy(), probabilities, atol=1e-5)
    assert run.test_metrics == {"accuracy": float((probabilities.argmax(1) == test.labels).mean())}
    assert erase_each(run.readout).shape == (50, max(items), 4)
    assert len(minimal_flip_set(run.readout).count) == 50


@pytest.mark.slow
def test_train_limit_trains_on_so_many(monkeypatch):
    seen, recipe = [], prepare_documents.recipe
    monkeypatch.setattr(prepare_documents, "recipe", lambda m, t, *r: seen.append(t) or recipe(m, t, *r))
    run = prepare("planted_documents", "FLANnoenc", 2, train_limit=30, **CHEAP)
    expected = Documents.of(CORPUS.train.sample(30, 2), CORPUS.vocabulary)
    assert (seen[0].words.joined() == expected.words.joined()).all()
    assert run.settings["train_limit"] == 30
    assert prepare("planted_documents", "FLANnoenc", train_limit=500, **CHEAP).settings["train_limit"] is None


@pytest.mark.slow
def test_vectors_of_the_corpus_are_trained_once_for_all_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr("attnlib.models.vectors.WORDS_READ", 1)
    cheap = CHEAP | {"vectors": "corpus", "epochs": 1}
    first = prepare("planted_documents", "FLANnoenc", **cheap)
    assert len(list((tmp_path / "cache" / "vectors").glob("*.safetensors"))) == 1
    monkeypatch.setattr(vectors, "word2vec", None)
    prepare("planted_documents", "HANnoenc", 1, **cheap)
    assert first.name["vectors"] == first.settings["vectors"] == "corpus"
    table = vectors.document_vectors(CORPUS, 200)
    assert table.shape == (len(CORPUS.vocabulary), 200)
    # One epoch of a small rate moves the vectors, but not far from where they began.
    cosine = torch.nn.functional.cosine_similarity(table[4:], first.model.embedding.weight[4:])
    assert cosine.min() > 0.9


def test_settings_are_the_released_ones():
    drops, how = released("imdb10", "HANrnn")
    assert list(drops.values()) == [0.4445, 0.2202, 0.2457]
    assert how == {"learning_rate": 4e-4, "epochs": 15, "patience": 5, "limit": 2000}
    drops, how = released("yelp_full", "FLANnoenc")
    assert list(drops.values()) == [0.7, 0, 0.7]
    assert how == {"learning_rate": 1e-4, "epochs": 60, "patience": 10, "limit": 90_000}
    for name in RELEASED:
        for encoder in DOCUMENT_ENCODERS:
            drops, how = released(name, encoder)
            assert (drops | {"dropout_logits": 0.0}, how) == released(name, encoder, "no_logit_dropout")
    with pytest.raises(ValueError, match="unknown settings 'imdb': known are yahoo"):
        released("imdb", "HANrnn")
    borrowed = {"amazon_multidomain": "amazon_full", "imdb_ratings": "imdb10", "20news": "yahoo"}
    borrowed["agnews_topics"] = "yahoo"
    for name, nearest in borrowed.items():
        assert (settings_name(name), settings_name(nearest)) == (nearest, nearest)


def test_settings_say_what_decided_the_model():
    change = {"variant": "no_logit_dropout", "settings": "imdb10", "epochs": 2}
    settings = prepare_documents.plan("planted_documents", "HANrnn", 3, **change).settings
    architecture, how = settings["architecture"], settings["training"]
    decided = {"encoder": "HANrnn", "scorer": "learned_query", "variant": "no_logit_dropout"}
    assert architecture.items() >= (decided | {"dropout_logits": 0, "dropout_words": 0.4445}).items()
    assert (settings["dataset"], settings["data"]) == ("planted_documents", CORPUS.checksum)
    assert (how["seed"], how["epochs"], how["limit"], how["learning_rate"]) == (3, 2, 2000, 4e-4)
