"""What is measured of a classifier: accuracy, and with two classes F1 and the area under the ROC curve."""

import numpy as np

from attnlib.checks import whole_labels


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve for labels in {0, 1} [N] and scores [N]; NaN with one class only."""
    from scipy.stats import rankdata  # a second to import, and a page of a kept model asks for no rank

    positive = whole_labels(labels, n=len(scores), classes=2) == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Accuracy; for two classes F1 of class 1 and ROC-AUC too. labels [N], probabilities [N, C].

    F1 is NaN where no text is of class 1 or given it, ROC-AUC where all texts are of one class. ValueError,
    naming the row, for a label that is no column of the probabilities.

    >>> metrics(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))["roc_auc"]
    1.0
    """
    labels = whole_labels(labels, n=len(probabilities), classes=probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    result = {"accuracy": float((predicted == labels).mean())}
    if probabilities.shape[1] == 2:
        hits = int(((predicted == 1) & (labels == 1)).sum())
        marked = int((predicted == 1).sum() + (labels == 1).sum())
        result["f1"] = 2 * hits / marked if marked else float("nan")
        result["roc_auc"] = roc_auc(labels, probabilities[:, 1])
    return result
