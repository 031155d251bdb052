"""The violation test where the right answer is known: texts with planted evidence, two classes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from attnlib.checks import whole_labels
from attnlib.faithfulness.removal import Removal
from attnlib.faithfulness.scores import padded_scores, share_right
from attnlib.faithfulness.violation import Scores, violations
from attnlib.statistics import means


def planted_signs(evidence: Sequence[np.ndarray], labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """+1 where a token speaks for the *predicted* class, −1 against, 0 neutral or beyond the text, [N, T].

    evidence: per text +1, −1 or 0 for the label (`Split.evidence`); with two classes what speaks for one
    speaks against the other. labels, predicted: 0 or 1 for each text; ValueError, naming the row, for others.
    """
    labels, predicted = (
        whole_labels(given, n=len(evidence), classes=2, name=name)
        for name, given in (("labels", labels), ("predicted", predicted))
    )
    marks = padded_scores(evidence, np.array([len(marks) for marks in evidence])).astype(int)
    return np.where((labels == predicted)[:, None], marks, -marks)


def against_evidence(
    scores: Mapping[str, Scores], removals: Mapping[str, Removal], signs: np.ndarray
) -> pd.DataFrame:
    """What the violation test says and what is true of the same token: metric, method, operator, value, ….

    top_is_evidence: share of texts whose top token by |score| is evidence at all. Among these: wrong_sign,
    score and planted sign disagree (a score of 0 does too); violation, what the test says by this way to
    remove; test_is_right, the test and the planted sign give the same verdict. The first two do not depend on
    the way to remove and have operator "none".
    """
    rows = []
    for method, given in scores.items():
        for operator, removal in removals.items():
            found = violations(given, removal)
            truth = signs[np.arange(len(signs)), found.token]
            on = found.tested & (truth != 0)
            wrong = np.sign(found.score) != truth
            if operator == next(iter(removals)):
                rows.append(("top_is_evidence", method, "none", truth != 0))
                rows.append(("wrong_sign", method, "none", wrong[on]))
            rows.append(("violation", method, operator, found.violated[on]))
            rows.append(("test_is_right", method, operator, (found.violated == wrong)[on]))
    return means(rows, "metric", "method", "operator")


def removal_signs(removals: Mapping[str, Removal], signs: np.ndarray) -> pd.DataFrame:
    """How well removal itself tells the planted sign: metric "removal_sign", method, operator, value, ….

    Per text the share of evidence tokens whose removal moves the probability of the predicted class in the
    planted direction, apart for tokens that speak for it (method "supporting") and against ("opposing").
    """
    rows = []
    for operator, removal in removals.items():
        drop = np.nan_to_num(removal.drop_of_each())
        for name, sign in (("supporting", 1), ("opposing", -1)):
            rows.append(("removal_sign", name, operator, share_right(np.sign(drop) == sign, signs == sign)))
    return means(rows, "metric", "method", "operator")
