"""Performance against scikit-learn, its undefined cases, and the epoch that training keeps."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from attnlib.tables import performance, summaries
from attnlib.training import fit as training
from attnlib.training import metrics as measured
from attnlib.training.flat import Training, recipe
from tests import toy

OF_TWO = ("all f1", "all roc_auc", "all pr_auc")  # classes


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=40))
def test_average_precision_is_scikit_learns(pairs):
    # Few different scores: ties are the rule.
    labels, scores = np.array(pairs).T
    found = performance.average_precision(labels, scores / 5)
    if labels.any():
        assert found == pytest.approx(metrics.average_precision_score(labels, scores / 5), abs=1e-12)
    else:
        assert np.isnan(found)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_report_is_scikit_learns(n_classes):
    generator = np.random.default_rng(0)
    names = ("no", "perhaps", "yes")[:n_classes]
    labels = generator.integers(0, n_classes, 200)
    probabilities = generator.dirichlet(np.ones(n_classes), 200)
    table = performance.report(labels, probabilities, names).set_index(["class", "metric"])
    predicted = probabilities.argmax(axis=1)
    expected = metrics.classification_report(labels, predicted, target_names=names, output_dict=True)
    for name in names:
        for metric in ("precision", "recall", "f1"):
            key = "f1-score" if metric == "f1" else metric
            assert table.loc[(name, metric), "value"] == pytest.approx(expected[name][key])
            assert table.loc[(name, metric), "n"] == expected[name]["support"]
    accuracy = table.loc[("all", "accuracy")]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert accuracy["value"] == pytest.approx(expected["accuracy"])
    areas = table.loc["all"].loc[["f1", "roc_auc", "pr_auc"]]
    assert (areas["n"] == (0 if n_classes > 2 else 200)).all()
    expected = [np.nan] * 2
    if n_classes == 2:
        f1 = metrics.f1_score(labels, predicted)
        expected = [f1, metrics.roc_auc_score(labels, probabilities[:, 1])]
    assert areas["value"].tolist()[:2] == pytest.approx(expected, nan_ok=True)
    assert areas["value"].isna().all() == (n_classes > 2)


UNDEFINED = [
    # Nothing is said to be b or c, nothing is c.
    ([0, 0, 1], [[0.9, 0.1, 0]] * 3, {*OF_TWO, "b precision", "c precision", "c recall", "c f1"}),
    # No text of class 1, and none said to be.
    ([0, 0], [[0.9, 0.1]] * 2, {*OF_TWO, "b precision", "b recall", "b f1"}),
    # No text of class 1, but one said to be: F1 is 0 by its definition, an area there is not.
    ([0, 0], [[0.9, 0.1], [0.1, 0.9]], {"all roc_auc", "all pr_auc", "b recall"}),
    # No text of class 0.
    ([1, 1], [[0.1, 0.9]] * 2, {"all roc_auc", "a precision", "a recall", "a f1"}),
    ([0, 1], [[0.1, 0.9], [0.9, 0.1]], set()),
]


@pytest.mark.parametrize(("labels", "outputs", "undefined"), UNDEFINED)
def test_what_no_text_defines_is_nan_and_counted(labels, outputs, undefined):
    labels, outputs = np.array(labels), np.array(outputs)
    table = performance.report(labels, outputs, ("a", "b", "c")[: outputs.shape[1]])
    names = table["class"] + " " + table["metric"]
    assert set(names[table["value"].isna()]) == undefined
    assert (table.loc[table["value"].isna(), "n"] == 0).all()
    same = performance.difference(labels, outputs, outputs, n_resamples=20)
    found = {"all " + name for name in same.loc[same["value"].isna(), "metric"]}
    assert found == undefined & {"all f1", "all roc_auc"}
    assert ((same["n"] == 0) == same["value"].isna()).all()
    assert same[["low", "high"]].isna().all(axis=1).equals(same["value"].isna())


def test_many_classes_have_no_rows_of_their_own():
    n = summaries.MOST_CLASSES + 1
    table = performance.report(np.arange(n), np.eye(n), [str(number) for number in range(n)])
    assert table["metric"].tolist() == ["accuracy", "f1", "roc_auc", "pr_auc"]
    assert table["n"].tolist() == [n, 0, 0, 0]
    assert table["value"].iloc[0] == 1
    with pytest.raises(ValueError, match=r"expected \[2, 3\].*got \[2, 2\]"):
        performance.report(np.array([0, 1]), np.eye(2), ("a", "b", "c"))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["released", "published"])
@pytest.mark.parametrize("epochs", [1, 5])
def test_the_selected_epoch_is_the_one_that_fit_keeps(variant, epochs):
    corpus = toy.corpus()
    how = Training(epochs=epochs, batch_size=8, learning_rate=0.02, variant=variant)
    model, _ = toy.model("average")
    arguments = (corpus, how)
    history = list(training.epochs(recipe(copy.deepcopy(model), *arguments)))
    kept = pd.DataFrame(training.fit(recipe(model, *arguments))).query("selected == 1")["epoch"].item()
    assert performance.selected_epoch(history, variant) == kept


def test_equal_scores_select_the_first_and_more_classes_the_accuracy():
    areas = [{"epoch": e, "accuracy": 1 - e / 9, "roc_auc": a} for e, a in enumerate((0.9, 0.7, 0.8, 0.8), 1)]
    assert performance.selected_epoch(areas, "released") == 3
    assert performance.selected_epoch(areas, "published") == 1
    shares = [{"epoch": e, "accuracy": a} for e, a in enumerate((0.2, 0.1, 0.4), 1)]
    assert performance.selected_epoch(shares, "released") == 3


def test_a_paired_difference_is_that_of_the_metrics_and_its_interval_holds_it():
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=200)

    def outputs(noise):
        score = 1 / (1 + np.exp(-(2 * labels - 1 + noise * generator.normal(size=200))))
        return np.stack([1 - score, score], axis=1)

    better, worse = outputs(0.5), outputs(3.0)
    found = performance.difference(labels, better, worse, n_resamples=300).set_index("metric")
    first, second = measured.metrics(labels, better), measured.metrics(labels, worse)
    for metric in ("accuracy", "f1", "roc_auc"):
        row = found.loc[metric]
        assert row["value"] == pytest.approx(first[metric] - second[metric], abs=1e-12)
        assert 0 < row["low"] < row["value"] < row["high"]
    same = performance.difference(labels, better, better, n_resamples=50)
    assert (same[["value", "low", "high"]] == 0).all(axis=None)


def test_sizes_are_those_of_the_splits_and_of_two_classes_name_sides():
    corpus = toy.corpus()
    found = performance.sizes(corpus)
    assert found["n_train_negative"] + found["n_train_positive"] == len(corpus.train)
    assert found["n_test_positive"] == corpus.test.labels.sum()
    assert found["mean_length"] == pytest.approx(np.mean([len(text) for text in corpus.train.texts]))
    assert found["n_words"] == len(corpus.vocabulary)
    of_three = performance.sizes(dataclasses.replace(corpus, class_names=("a", "b", "c")))
    assert np.isnan(list(of_three.values())).tolist() == [True] * 4 + [False] * 2
