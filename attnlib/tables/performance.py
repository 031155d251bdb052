"""How well a classifier does on a split, and which epoch of a training is kept."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from attnlib import statistics
from attnlib.checks import whole_labels
from attnlib.data.corpus import Corpus
from attnlib.tables import summaries
from attnlib.training.metrics import metrics

# What `training.metrics` gives, the last two for two classes only.
MEASURES = ("accuracy", "f1", "roc_auc")


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision–recall curve, as a sum of steps: Σ (R_k − R_{k−1}) P_k over the thresholds.

    labels in {0, 1} [N], scores [N]; equal scores share a threshold. NaN without a text of class 1.
    """
    labels = whole_labels(labels, n=len(scores), classes=2)
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order] == 1)
    if not len(hits) or hits[-1] == 0:
        return float("nan")
    last = np.append(np.diff(scores[order]) != 0, True)  # the last text of each threshold
    precision = (hits / np.arange(1, len(hits) + 1))[last]
    recall = hits[last] / hits[-1]
    return float((np.diff(recall, prepend=0) * precision).sum())


def report(labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]) -> pd.DataFrame:
    """Performance on a split: labels [N], probabilities [N, C]; rows as those of `summarise`.

    Class "all": accuracy with its bootstrap interval; for two classes F1 of class 1, area under the ROC curve
    and average precision (pr_auc), which no other number of classes defines. By true class, where there are
    at most MOST_CLASSES: precision, of the texts predicted so; recall, of the texts that are so,
    which n counts; and F1. What is not defined, such as a share of no texts, is NaN and its n is 0.
    ValueError when the shapes do not fit, and for a label that is no column, naming the row.
    """
    labels = whole_labels(labels, classes=len(class_names))
    if probabilities.shape != (len(labels), len(class_names)):
        expected = f"[{len(labels)}, {len(class_names)}], a row per label and a column per class"
        raise ValueError(f"probabilities: expected {expected}, got {list(probabilities.shape)}")
    predicted = probabilities.argmax(axis=1)
    values = metrics(labels, probabilities)
    if len(class_names) == 2:
        values["pr_auc"] = average_precision(labels, probabilities[:, 1])
    rows = [(metric, "all", values.get(metric, np.nan), len(labels)) for metric in (*MEASURES, "pr_auc")]
    if len(class_names) <= summaries.MOST_CLASSES:
        for number, name in enumerate(class_names):
            said, true = predicted == number, labels == number
            hits, n = int((said & true).sum()), int(true.sum())
            rows.append(("precision", name, _share(hits, int(said.sum())), n))
            rows.append(("recall", name, _share(hits, n), n))
            rows.append(("f1", name, _share(2 * hits, int(said.sum()) + n), n))
    table = pd.DataFrame(rows, columns=["metric", "class", "value", "n"])
    table["n"] = table["n"].where(table["value"].notna(), 0)
    table[["low", "high"]] = np.nan
    table.loc[table["metric"] == "accuracy", ["low", "high"]] = statistics.bootstrap_mean(predicted == labels)
    return table[["metric", "class", "value", "low", "high", "n"]]


def sizes(corpus: Corpus) -> dict[str, float]:
    """What a paper's table of data sets says, for two classes: texts, mean length in tokens, words.

    Texts by split and class, the second being the positive one, NaN for more classes; mean_length is of the
    training texts, n_words counts special symbols too.
    """
    two = len(corpus.class_names) == 2
    counts = {
        f"n_{name}_{side}": float((corpus.splits[name].labels == label).sum()) if two else float("nan")
        for name in ("train", "test")
        for label, side in enumerate(("negative", "positive"))
    }
    length, words = float(corpus.train.lengths.mean()), float(len(corpus.vocabulary))
    return counts | {"mean_length": length, "n_words": words}


def difference(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, n_resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Performance of one classifier minus that of another on the same texts, with paired intervals.

    labels [N], probabilities of both [N, C]. Rows as those of `summarise`, class "all": accuracy, f1
    and roc_auc, NaN of 0 texts where they are not defined, as for more than two classes; low and high are the
    95 % percentile bootstrap interval over texts, drawn for both alike (a draw without one of the classes has
    no area and is left out).
    """
    labels = whole_labels(labels, n=len(first), classes=first.shape[1])
    whole = _minus(labels, first, second)
    generator = np.random.default_rng(seed)
    draws = [
        _minus(labels[rows], first[rows], second[rows])
        for rows in (generator.integers(len(labels), size=len(labels)) for _ in range(n_resamples))
    ]
    defined = [name for name, value in whole.items() if not np.isnan(value)]
    low, high = np.nanquantile(pd.DataFrame(draws)[defined].to_numpy(), [0.025, 0.975], axis=0)
    ends = pd.DataFrame({"low": low, "high": high, "n": len(labels)}, defined)
    table = pd.DataFrame({"metric": list(whole), "class": "all", "value": list(whole.values())})
    return table.join(ends, on="metric").fillna({"n": 0}).astype({"n": int})


def _minus(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    one, other = metrics(labels, first), metrics(labels, second)
    return {name: one.get(name, np.nan) - other.get(name, np.nan) for name in MEASURES}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def selected_epoch(history: Sequence[Mapping[str, float]], variant: str) -> int:
    """The epoch that `fit` keeps of a training without patience, from `epochs`'s rows.

    The best dev ROC-AUC, or accuracy where there is none; the first of equal ones. The released variant never
    keeps epoch 1 of several.
    """
    first = 1 if variant == "released" and len(history) > 1 else 0
    best = max(history[first:], key=lambda row: row.get("roc_auc", row["accuracy"]))
    return int(best["epoch"])
