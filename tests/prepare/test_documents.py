"""The one call for document models: cache, Readouts of sentences and words, refusals, repeats."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from attnbook.runs import results
from attnlib import Readout, data
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
    corpora = {
        "flat": replace(
            CORPUS, **{name: replace(split, sentences=None) for name, split in CORPUS.splits.items()}
        )
    }
    monkeypatch.setattr(data, "load", lambda name: corpora.get(name, CORPUS))


def tables(run):
    return run.frame(score=run.readout.logits()[:, 1])


def test_the_second_call_does_not_train_and_gives_the_same_bits(monkeypatch):
    first = prepare("planted_documents", **CHEAP)
    monkeypatch.setattr("attnlib.training.fit.epochs", None)
    second = prepare("planted_documents", **CHEAP)
    pd.testing.assert_frame_equal(tables(first), tables(second), check_exact=True)
    assert first.test_metrics == second.test_metrics
    assert first.history == second.history
    assert first.settings == second.settings


@pytest.mark.slow
def test_training_again_gives_the_same_bits(tmp_path, monkeypatch):
    first = prepare("planted_documents", **CHEAP)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "other"))
    pd.testing.assert_frame_equal(
        tables(first), tables(prepare("planted_documents", **CHEAP)), check_exact=True
    )


@pytest.mark.parametrize("architecture", ["HANconv", "FLANnoenc"])
def test_readouts_of_sentences_and_of_words_go_through_the_same_kernels(architecture):
    run = prepare("planted_documents", architecture, **CHEAP)
    test = CORPUS.test
    items = [len(s) for s in test.sentences] if architecture == "HANconv" else list(map(len, test.texts))
    assert isinstance(run.readout, Readout)
    assert run.readout.linear
    assert run.frame()["length"].tolist() == items
    documents = Documents.of(test, CORPUS.vocabulary)
    probabilities = training_documents.predict_documents(run.model, documents)
    np.testing.assert_allclose(run.readout.probabilities().numpy(), probabilities, atol=1e-5)
    assert run.test_metrics == {"accuracy": float((probabilities.argmax(1) == test.labels).mean())}
    assert erase_each(run.readout).shape == (50, max(items), 4)
    assert len(minimal_flip_set(run.readout).count) == 50


def test_settings_say_what_decided_the_model():
    run = prepare("planted_documents", "HANrnn", 3, variant="no_logit_dropout", settings="imdb10", **CHEAP)
    architecture, how = run.settings["architecture"], run.settings["training"]
    assert architecture["encoder"] == "HANrnn"
    assert architecture["scorer"] == "learned_query"
    assert architecture["variant"] == "no_logit_dropout"
    assert (architecture["dropout_logits"], architecture["dropout_words"]) == (0, 0.4445)
    assert (how["seed"], how["epochs"], how["limit"], how["learning_rate"]) == (3, 2, 2000, 4e-4)
    assert run.settings["dataset"] == "planted_documents"
    assert run.settings["data"] == CORPUS.checksum
    summary = pd.DataFrame({"metric": ["score"], "value": [1.0]})
    tidy = results.of_run(run, summary, "serrano_smith/experiment")
    named = tidy[["encoder", "scorer", "variant", "vectors", "seed"]].iloc[0].tolist()
    assert named == ["HANrnn", "learned_query", "no_logit_dropout", "random, length 1", 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"epochs": 3},
        {"patience": 1},
        {"learning_rate": 0.01},
        {"variant": "no_logit_dropout"},
        {"architecture": "FLANnoenc"},
        {"train_limit": 60},
        {"settings": "yelp_full"},
    ],
)
def test_every_setting_has_its_own_model(change, tmp_path):
    usual = CHEAP | {"architecture": "HANnoenc", "epochs": 1}
    for settings in ({}, change):
        prepare("planted_documents", **(usual | settings))
    assert len(list((tmp_path / "cache" / "models").glob("*.safetensors"))) == 2


@pytest.mark.slow
def test_a_broken_cache_file_is_trained_again(tmp_path):
    first = prepare("planted_documents", **CHEAP)
    (path,) = (tmp_path / "cache" / "models").glob("*.safetensors")
    path.write_bytes(b"half a file")
    pd.testing.assert_frame_equal(
        tables(first), tables(prepare("planted_documents", **CHEAP)), check_exact=True
    )


@pytest.mark.slow
def test_limit_draws_texts_and_keeps_the_metrics_of_all():
    every, some = prepare("planted_documents", **CHEAP), prepare("planted_documents", limit=7, **CHEAP)
    assert len(some.readout) == len(some.texts) == len(some.frame()) == 7
    assert some.test_metrics == every.test_metrics
    whole = every.frame().set_index("text").loc[list(some.texts.ids)].reset_index()
    pd.testing.assert_frame_equal(some.frame(), whole, atol=1e-6)


def test_train_limit_trains_on_so_many(monkeypatch):
    seen = []
    recipe = prepare_documents.recipe
    monkeypatch.setattr(
        prepare_documents, "recipe", lambda m, train, *rest: seen.append(train) or recipe(m, train, *rest)
    )
    run = prepare("planted_documents", "FLANnoenc", 2, train_limit=30, **CHEAP)
    expected = CORPUS.train.sample(30, 2)
    assert (seen[0].words == Documents.of(expected, CORPUS.vocabulary).words).all()
    assert run.settings["train_limit"] == 30
    assert prepare("planted_documents", "FLANnoenc", train_limit=500, **CHEAP).settings["train_limit"] is None


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


def test_texts_without_sentences_are_for_flat_models_only():
    assert prepare("flat", "FLANnoenc", **CHEAP).readout.linear
    with pytest.raises(ValueError, match="has no sentences, which HANrnn reads: take a FLAN"):
        prepare("flat", "HANrnn", **CHEAP)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "HAN"}, "unknown architecture 'HAN': known are HANrnn"),
        ({"variant": "published"}, "unknown variant 'published'"),
        ({"vectors": "glove"}, "unknown vectors 'glove': known are corpus, random"),
        ({"settings": "imdb"}, "unknown settings 'imdb'"),
        ({"limit": 0}, "limit"),
        ({"train_limit": 0}, "limit"),
        ({"seed": -1}, "seed: must be"),
        ({"epochs": 0}, "epochs: must be"),
        ({"patience": 0}, "patience: must be"),
        ({"learning_rate": -1.0}, "learning_rate is -1"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
    ],
)
def test_bad_settings_are_refused_and_leave_nothing(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        prepare("planted_documents", **(CHEAP | change))
    assert not (tmp_path / "cache" / "models").exists()


def test_pairs_are_refused(monkeypatch):
    test = CORPUS.test
    paired = replace(test, questions=test.texts)
    monkeypatch.setattr(
        data,
        "load",
        lambda _: replace(CORPUS, task="question answering", train=paired, dev=paired, test=paired),
    )
    with pytest.raises(ValueError, match="question answering"):
        prepare("x", **CHEAP)


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


@pytest.mark.parametrize(
    ("dataset", "settings"),
    [
        ("amazon_full", "amazon_full"),
        ("amazon_multidomain", "amazon_full"),
        ("imdb_ratings", "imdb10"),
        ("20news", "yahoo"),
        ("agnews_topics", "yahoo"),
    ],
)
def test_other_data_sets_borrow_the_nearest_settings(dataset, settings):
    assert settings_name(dataset) == settings
