"""What every family of models promises: the cache, repeats, limits, names in tables, refusals."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from attnbook.runs import results
from attnlib import data
from attnlib.cache import digest
from attnlib.cache.tensors import load_tensors
from attnlib.data.generated import planted, planted_documents, scenes
from attnlib.models.classifier import AttentionModel
from attnlib.models.documents import DocumentModel
from attnlib.prepare import documents, flat, transformers
from tests import toy

pytest.importorskip("transformers")

DOCUMENTS = planted_documents.load(n_train=120, n_dev=40, n_test=50)
PLAIN = {name: replace(split, sentences=None) for name, split in DOCUMENTS.splits.items()}
TEXTS = {
    "toy": toy.corpus(),
    "questions": toy.corpus(pair=True),
    "documents": DOCUMENTS,
    "no sentences": replace(DOCUMENTS, name="flat", **PLAIN),
    "planted": planted.load(n_train=60, n_dev=20, n_test=20),
}
SCENES = scenes.load(n_train=60, n_dev=20, n_test=20)
TEXT = {"epochs": 2, "dimension": 8}
DOCUMENT = {"epochs": 2, "vectors": "random"}
STOCK = {"epochs": 1, "hidden": 16}
OF_TEXTS = flat.prepare, flat.plan, TEXT
OF_DOCUMENTS = documents.prepare_documents, documents.plan, DOCUMENT
OF_STOCK = transformers.prepare_transformer, transformers.plan, STOCK
FAMILIES = {  # what prepares and plans it, and how
    "texts": (*OF_TEXTS, {"dataset": "toy"}),
    "questions": (*OF_TEXTS, {"dataset": "questions"}),
    "HAN": (*OF_DOCUMENTS, {"dataset": "documents", "architecture": "HANnoenc"}),
    "FLAN": (*OF_DOCUMENTS, {"dataset": "documents", "architecture": "FLANconv"}),
    "bert": (*OF_STOCK, {"dataset": "planted", "kind": "bert"}),
    "visual_bert": (*OF_STOCK, {}),
    "lxmert": (*OF_STOCK, {"kind": "lxmert"}),
}


def run(family, **change):
    prepare, _, usual, own = FAMILIES[family]
    return prepare(**usual | own | {"progress": False} | change)


first = cache(run)


def columns(found):
    """What was read of the texts, by name."""
    return getattr(found, "inputs", None) or {n: getattr(found.readout, n) for n in ("alpha", "scores")}


def facts(found):
    """All that a run says, to the bit; not how long it took."""
    bits = {n: x.numpy().tobytes() for n, x in (found.model.state_dict() | columns(found)).items()}
    history = [{name: value for name, value in row.items() if name != "seconds"} for row in found.history]
    return found.name, found.settings, found.test_metrics, history, found.texts.ids, bits


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    load = data.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNLIB_CACHE", str(folder))
        patch.setattr(data, "load", lambda name: TEXTS[name] if name in TEXTS else load(name))
        patch.setattr(data, "load_scenes", lambda name: SCENES)
        yield folder
        first.cache_clear()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_second_run_neither_trains_nor_asks_the_model_and_gives_the_same_bits(family, monkeypatch):
    once = first(family)
    monkeypatch.setattr("attnlib.training.fit.epochs", None)
    for kind in (AttentionModel, DocumentModel):
        monkeypatch.setattr(kind, "forward", None)
    again = run(family)
    assert facts(again) == facts(once)
    assert again.history == once.history
    assert not again.model.training


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in list(FAMILIES)[1:]]


@pytest.mark.parametrize("family", ["texts", *SLOW])
def test_another_cache_gives_the_same_bits_and_another_seed_does_not(family, tmp_path, monkeypatch):
    once, state = facts(first(family)), torch.get_rng_state()
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    assert facts(run(family)) == once
    assert facts(run(family, seed=1))[-1] != once[-1]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "family", ["texts", *(pytest.param(name, marks=pytest.mark.slow) for name in ("HAN", "visual_bert"))]
)
def test_numbers_of_numpy_are_numbers(family, tmp_path, monkeypatch):
    once = facts(first(family))
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    epochs = FAMILIES[family][2]["epochs"]
    assert facts(run(family, seed=np.int64(0), epochs=np.int64(epochs))) == once


@pytest.mark.parametrize("family", ["texts", "visual_bert", pytest.param("HAN", marks=pytest.mark.slow)])
def test_a_damaged_file_is_trained_again_with_a_warning(family, folder, caplog):
    once = first(family)
    path = folder / "models" / f"{once.corpus.name}-{digest(once.settings)}.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert facts(run(family)) == facts(once)
    assert "is no file of this model's parameters" in caplog.text
    assert load_tensors(path)[0].keys() == once.model.state_dict().keys()


@pytest.mark.parametrize("family", ["texts", "HAN", "visual_bert"])
def test_limit_draws_texts_and_keeps_the_metrics_of_all(family):
    every, some = first(family), run(family, limit=7)
    assert len(some.texts) == 7
    assert some.test_metrics == every.test_metrics
    rows = [every.texts.ids.index(name) for name in some.texts.ids]
    for name, column in columns(some).items():
        torch.testing.assert_close(column, columns(every)[name][rows][:, : column.shape[1]])
    if family != "visual_bert":
        expected = every.frame().iloc[rows].reset_index(drop=True)
        pd.testing.assert_frame_equal(some.frame(), expected, atol=1e-6)


CHANGES = {
    "texts": {"seed": 1, "epochs": 3, "variant": "published", "deviation": 1.0, "encoder": "average"},
    "HAN": {"patience": 1, "learning_rate": 0.01, "variant": "no_logit_dropout", "architecture": "FLANnoenc"}
    | {"train_limit": 60, "settings": "yelp_full"},
    "bert": {"layers": 1, "batch_size": 7},
}


@pytest.mark.parametrize(
    ("family", "change"), [(name, {k: v}) for name, each in CHANGES.items() for k, v in each.items()]
)
def test_every_setting_has_its_own_model(family, change):
    _, plan, usual, own = FAMILIES[family]
    assert digest(plan(**usual | own | change).settings) != digest(plan(**usual | own).settings)


@pytest.mark.parametrize(
    ("family", "named"),
    [
        ("texts", ["toy", "bilstm", "additive", "released", "random, deviation 0.1, 8-d", 0]),
        ("HAN", ["planted_documents", "HANnoenc", "learned_query", "released", "random, length 1", 0]),
        ("lxmert", ["scenes", "lxmert", "cross_attention", "stock", "random", 0]),
    ],
)
def test_tables_name_the_model(family, named):
    score = pd.DataFrame({"metric": ["score"], "value": [1.0]})
    tidy = results.of_run(first(family), score, "paper/experiment")
    names = ["paper", "experiment", "dataset", "encoder", "scorer", "variant", "vectors", "seed"]
    assert tidy.loc[0, names].tolist() == ["paper", "experiment", *named]


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("texts", {"encoder": "lstm"}, "unknown encoder 'lstm': known are bilstm"),
        ("texts", {"limit": 0}, "limit"),
        ("texts", {"seed": -1}, "seed: must be a whole number ≥ 0, got -1"),
        ("texts", {"seed": 0.5}, "seed: must be a whole number ≥ 0, got 0.5"),
        ("texts", {"epochs": 0}, "epochs: must be a whole number ≥ 1, got 0"),
        ("texts", {"device": "gpu"}, "unknown device 'gpu'"),
        ("texts", {"vectors": "nowhere.txt"}, "vectors='nowhere.txt'"),
        ("texts", {"vectors": "adr"}, "vectors='adr': .*your own"),
        ("HAN", {"architecture": "HAN"}, "unknown architecture 'HAN': known are HANrnn"),
        ("HAN", {"variant": "published"}, "unknown variant 'published'"),
        ("HAN", {"vectors": "glove"}, "unknown vectors 'glove': known are corpus, random"),
        ("HAN", {"settings": "imdb"}, "unknown settings 'imdb'"),
        ("HAN", {"train_limit": 0}, "limit"),
        ("HAN", {"seed": -1}, "seed: must be"),
        ("HAN", {"patience": 0}, "patience: must be"),
        ("HAN", {"learning_rate": -1.0}, "learning_rate is -1"),
        ("HAN", {"device": "gpu"}, "unknown device 'gpu'"),
        ("HAN", {"dataset": "questions"}, "is question answering; document models read classification"),
        ("HAN", {"dataset": "no sentences"}, "has no sentences, which HANnoenc reads: take a FLAN"),
        ("lxmert", {"kind": "visualbert"}, r"unknown kind 'visualbert'.*Did you mean 'visual_bert'"),
        ("lxmert", {"dataset": "sst"}, "'sst' is of texts, lxmert reads questions about scenes"),
        ("bert", {"dataset": "scenes"}, "'scenes' are scenes, bert reads texts"),
        ("bert", {"dataset": "questions"}, "is question answering; bert reads classification and pairs"),
        ("lxmert", {"seed": -1}, "seed: must be"),
        ("lxmert", {"epochs": 0}, "epochs: must be"),
        ("lxmert", {"layers": 0}, "layers: must be"),
    ],
)
def test_bad_settings_are_refused_and_nothing_is_trained(family, change, message, monkeypatch):
    monkeypatch.setattr("attnlib.training.fit.epochs", None)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run(family, **change)


def test_flat_document_models_read_texts_without_sentences():
    readout = run("FLAN", dataset="no sentences", architecture="FLANnoenc", epochs=1).readout
    assert readout.linear
    np.testing.assert_array_equal(readout.lengths, DOCUMENTS.test.lengths)
