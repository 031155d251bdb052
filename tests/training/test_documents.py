"""Training of document models: seeds, the plateau schedule, early stopping, the epoch kept."""

import numpy as np
import pytest
import torch

from attnlib.data.generated import planted_documents
from attnlib.models.document_batches import Documents
from attnlib.models.documents import DocumentArchitecture, build_document_model
from attnlib.training import documents as training_documents
from attnlib.training.documents import DocumentTraining, predict_documents, recipe
from attnlib.training.fit import fit
from attnlib.training.metrics import metrics

CORPUS = planted_documents.load(n_train=150, n_dev=60, n_test=60)
TRAIN, DEV, TEST = (Documents.of(split, CORPUS.vocabulary) for split in CORPUS.splits.values())


def fresh(encoder="HANnoenc"):
    shares = {"dropout_words": 0.2, "dropout_sentences": 0.1, "dropout_logits": 0.1}
    sizes = dict(dimension=16, hidden=6, **shares)
    return build_document_model(DocumentArchitecture(encoder, 4, len(CORPUS.vocabulary), **sizes))


def trained(encoder="HANnoenc", **settings):
    model = fresh(encoder)
    plan = DocumentTraining(**({"epochs": 3, "limit": 400, "learning_rate": 0.01} | settings))
    return model, fit(recipe(model, TRAIN, DEV, plan), progress=False)


def scripted(monkeypatch, accuracies):
    """Dev accuracy follows a script; training stays as it is."""
    rest = iter(accuracies)
    monkeypatch.setattr(training_documents, "metrics", lambda *_: {"accuracy": next(rest)})


@pytest.mark.slow
def test_it_learns_and_keeps_its_best_epoch():
    model, history = trained("FLANnoenc", epochs=10, patience=None, learning_rate=0.03)
    assert history[-1]["loss"] < history[0]["loss"]
    best = max(row["accuracy"] for row in history)
    first = next(row for row in history if row["accuracy"] == best)
    assert [row for row in history if row["selected"]] == [first]
    assert metrics(DEV.labels, predict_documents(model, DEV))["accuracy"] == best
    assert metrics(TEST.labels, predict_documents(model, TEST))["accuracy"] > 0.5


def test_the_rate_is_halved_after_each_epoch_that_is_not_better(monkeypatch):
    scripted(monkeypatch, [0.5, 0.5, 0.6, 0.4, 0.3, 0.7])
    history = trained(epochs=6, patience=None)[1]
    rates = [row["learning_rate"] for row in history]
    assert rates == pytest.approx([0.01, 0.01, 0.005, 0.005, 0.0025, 0.00125])
    assert [row["selected"] for row in history] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("accuracies", "patience", "epochs", "selected"),
    [
        ([0.5, 0.4, 0.4, 0.4, 0.4], 2, 3, 1),
        ([0.5, 0.5, 0.6, 0.6, 0.6, 0.9], 2, 5, 3),
        ([0.5, 1.0, 0.9], None, 2, 2),
    ],
)
def test_patience_and_a_perfect_score_end_it(accuracies, patience, epochs, selected, monkeypatch):
    scripted(monkeypatch, accuracies)
    history = trained(epochs=len(accuracies), patience=patience)[1]
    assert len(history) == epochs
    assert [row["epoch"] for row in history if row["selected"]] == [selected]


def test_the_model_ends_with_the_parameters_of_the_epoch_kept(monkeypatch):
    scripted(monkeypatch, [0.5])
    after_one = trained(epochs=1)[0]
    scripted(monkeypatch, [0.5, 0.4, 0.4])
    after_three = trained(epochs=3)[0]
    torch.testing.assert_close(after_three.state_dict(), after_one.state_dict(), rtol=0, atol=0)


def test_the_gradient_is_clipped_to_the_norm(monkeypatch):
    norms, clip = [], torch.nn.utils.clip_grad_norm_

    def watched(parameters, most):
        parameters = list(parameters)
        clip(parameters, most)
        norms.append(torch.nn.utils.get_total_norm([p.grad for p in parameters]).item())

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", watched)
    trained(epochs=1, clip=0.001)
    assert max(norms) == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize("encoder", ["HANrnn", "FLANrnn"])
def test_predictions_are_in_the_order_given(encoder):
    model = fresh(encoder).eval()
    whole = predict_documents(model, TEST)
    np.testing.assert_allclose(whole.sum(axis=1), np.ones(60))
    for i in (0, 17, 59):
        with torch.no_grad():
            alone = model(TEST.batch(np.array([i]))).logits.softmax(dim=1)[0].numpy()
        np.testing.assert_allclose(whole[i], alone, atol=1e-6)


def test_a_loss_that_is_not_finite_is_refused():
    with pytest.raises(FloatingPointError, match="in epoch 1: lower the learning rate"):
        trained(learning_rate=1e30)
