"""Small stock transformers: reproducible, fed as the library wants it, refused by name where impossible."""

import numpy as np
import pytest
import torch

from attnlib import data
from attnlib.data import load_scenes
from attnlib.models import transformers as models

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def corpus():
    return data.load("planted", n_train=40, n_dev=10, n_test=10)


@pytest.fixture(scope="module")
def scenes():
    return load_scenes("scenes", n_train=40, n_dev=10, n_test=10)


def build(kind, corpus, seed=0, **more):
    size = {} if kind == "bert" else {"n_features": corpus.train.features.shape[2]}
    words = len(corpus.vocabulary)
    return models.build_stock(
        models.StockArchitecture(kind, words, len(corpus.class_names), hidden=16, **size, **more), seed
    )


def test_bert_reads_ids_or_their_embeddings_alike(corpus):
    model = build("bert", corpus).eval()
    inputs = models.text_inputs(corpus.test, corpus.vocabulary, [3, 0, 7])
    lengths = [len(corpus.test.texts[i]) for i in (3, 0, 7)]
    assert inputs["attention_mask"].sum(1).tolist() == [length + 2 for length in lengths]
    by_words = models.embedded(model, inputs)
    assert "input_ids" not in by_words
    torch.testing.assert_close(model(**by_words).logits, model(**inputs).logits)
    assert models.KINDS["bert"].mask(by_words).sum(1).tolist() == lengths


@pytest.mark.parametrize("kind", ["visual_bert", "lxmert"])
def test_absent_regions_do_not_matter(kind, scenes):
    model = build(kind, scenes).eval()
    inputs = models.scene_inputs(kind, scenes.test, scenes.vocabulary, np.arange(10))
    field = models.KINDS[kind].logits
    assert models.embedded(model, inputs) is inputs
    absent = ~inputs["visual_attention_mask"].bool()
    assert absent.any()
    features = models.KINDS[kind].features
    other = {**inputs, features: inputs[features].masked_fill(absent[:, :, None], 7.0)}
    torch.testing.assert_close(model(**other)[field], model(**inputs)[field])


def test_impossible_architectures_are_refused():
    with pytest.raises(ValueError, match=r"unknown kind 'brt'.*Did you mean 'bert'"):
        models.StockArchitecture("brt", 10, 2)
    with pytest.raises(ValueError, match="lxmert needs n_features"):
        models.StockArchitecture("lxmert", 10, 2)
    with pytest.raises(ValueError, match=r"hidden \(10\) must be a multiple of heads \(4\)"):
        models.StockArchitecture("bert", 10, 2, hidden=10)
    with pytest.raises(ValueError, match="n_classes: must be a whole number ≥ 2, got 1"):
        models.StockArchitecture("bert", 10, 1)
