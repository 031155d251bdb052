"""Training: seeds, selection, weights of the loss."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch.nn import BCEWithLogitsLoss, CrossEntropyLoss

from attnlib.models import Architecture, build
from attnlib.training.adversary import AdversaryTraining
from attnlib.training.documents import DocumentTraining
from attnlib.training.fit import fit
from attnlib.training.flat import Training, class_weights, optimizer_for, predict, recipe
from attnlib.training.metrics import metrics, roc_auc
from attnlib.training.transformers import StockTraining
from tests import toy


def trained(**settings):
    corpus = toy.corpus()
    model = build(Architecture("average", "additive", 2, len(corpus.vocabulary), dimension=16))
    how = Training(**({"batch_size": 16} | settings))
    return model, fit(recipe(model, corpus, how), progress=False), corpus


def test_it_learns_and_keeps_its_best_eligible_epoch():
    model, history, corpus = trained(epochs=6, learning_rate=0.01)
    assert history[-1]["loss"] < history[0]["loss"]
    (kept,) = (row["roc_auc"] for row in history if row["selected"])
    assert kept == max(row["roc_auc"] for row in history[1:])  # released: never the first epoch
    probabilities = predict(model, corpus.dev, corpus.vocabulary)
    assert metrics(corpus.dev.labels, probabilities)["roc_auc"] == pytest.approx(kept)
    assert kept > 0.9


def test_one_epoch_is_enough_and_patience_stops():
    assert trained(epochs=1)[1][0]["selected"] == 1
    assert len(trained(epochs=30, learning_rate=0.02, patience=2)[1]) < 30


def test_metrics_agree_with_scikit_learn():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 50)
    scores = generator.integers(0, 6, 50) / 6  # ties
    assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    probabilities = np.stack([1 - scores, scores], axis=1)
    assert metrics(labels, probabilities)["f1"] == pytest.approx(f1_score(labels, scores > 0.5))
    assert np.isnan(roc_auc(np.ones(3, dtype=int), scores[:3]))


def test_the_loss_is_the_papers_weighted_binary_cross_entropy():
    labels = np.array([0, 0, 0, 1])
    weights = class_weights(labels, 2, pair=False)
    logit, target = torch.tensor([0.3, -1.0, 2.0, 0.7]), torch.from_numpy(labels)
    ours = CrossEntropyLoss(weights, reduction="none")(torch.stack([torch.zeros(4), logit], 1), target)
    theirs = BCEWithLogitsLoss(pos_weight=torch.tensor(3.0), reduction="none")(logit, target.float())
    torch.testing.assert_close(ours, theirs)
    with pytest.raises(ValueError, match="one class only"):
        class_weights(np.zeros(3, dtype=int), 2, pair=False)


@pytest.mark.parametrize(
    ("variant", "pair", "amsgrad", "decay"),
    [("released", False, True, 0), ("released", True, True, 1e-5), ("published", False, False, 1e-5)],
)
def test_the_optimizer_of_each_variant(variant, pair, amsgrad, decay):
    model = toy.model(pair=pair)[0]
    optimizer = optimizer_for(model, Training(variant=variant))
    assert [group["weight_decay"] for group in optimizer.param_groups] == [1e-5, decay]
    assert all(group["amsgrad"] is amsgrad for group in optimizer.param_groups)
    in_groups = sum(len(group["params"]) for group in optimizer.param_groups)
    assert in_groups == len(list(model.parameters()))


COUNT = ": must be a whole number ≥ 1, got"


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        (Training, {"epochs": 0}, f"epochs{COUNT} 0"),
        (Training, {"epochs": 2.5}, f"epochs{COUNT} 2.5"),
        (Training, {"patience": 0}, f"patience{COUNT} 0"),
        (Training, {"learning_rate": -1.0}, "learning_rate is -1.0: give a number above 0"),
        (Training, {"variant": "printed"}, "unknown variant 'printed'"),
        (Training, {"selection": "train"}, "unknown selection 'train'"),
        (DocumentTraining, {"limit": 0}, f"limit{COUNT} 0"),
        (DocumentTraining, {"batch_size": 0}, f"batch_size{COUNT} 0"),
        (DocumentTraining, {"clip": float("nan")}, "clip is nan"),
        (StockTraining, {"learning_rate": 0}, "learning_rate is 0"),
        (StockTraining, {"warmup": 1.0}, "warmup is 1.0: give a share"),
        (AdversaryTraining, {"strength": -0.1}, "strength is -0.1"),
        (AdversaryTraining, {"strength": float("nan")}, "strength is nan"),
        (AdversaryTraining, {"strength": 0.1, "direction": "both"}, "unknown direction 'both'"),
        (AdversaryTraining, {"strength": 0.1, "variant": "printed"}, "unknown variant 'printed'"),
        (AdversaryTraining, {"strength": 0.1, "patience": 0}, f"patience{COUNT} 0"),
    ],
)
def test_impossible_settings_are_refused_by_name(family, change, message):
    with pytest.raises(ValueError, match=message):
        family(**change)
