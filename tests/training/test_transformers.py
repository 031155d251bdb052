"""Training of stock transformers: it learns, repeats bit for bit and keeps its best epoch."""

import numpy as np
import pytest

from attnlib import data
from attnlib.models.transformers import StockArchitecture, build_stock
from attnlib.training.fit import fit
from attnlib.training.transformers import StockTraining, predict_stock, recipe

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def corpus():
    # Without negation and conflict a polar word decides.
    return data.load("planted", n_train=300, n_dev=60, n_test=60, negation=0.0, conflict=0.0, label_noise=0.0)


def trained(corpus, **more):
    size = StockArchitecture("bert", len(corpus.vocabulary), 2, hidden=32)
    model = build_stock(size, 0)
    return model, fit(recipe(model, "bert", corpus, StockTraining(**more)), progress=False)


@pytest.mark.slow
def test_it_learns_and_ends_with_the_best_epoch(corpus):
    model, history = trained(corpus, epochs=12, learning_rate=2e-3)
    found = predict_stock(model, "bert", corpus.dev, corpus.vocabulary)
    accuracy = (found.argmax(1) == corpus.dev.labels).mean()
    assert accuracy == max(row["accuracy"] for row in history)
    assert accuracy > 0.65
    assert sum(row["selected"] for row in history) == 1
    assert history[-1]["loss"] < history[0]["loss"]


@pytest.mark.slow
def test_predictions_do_not_depend_on_the_batch(corpus):
    model, _ = trained(corpus, epochs=1)
    found = [predict_stock(model, "bert", corpus.test, corpus.vocabulary, size=size) for size in (7, 60)]
    np.testing.assert_allclose(*found, atol=1e-6)
