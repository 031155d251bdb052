"""Plausibility: do the tokens that an explanation ranks first agree with those that people marked?

The measures of ERASER (DeYoung et al. 2020, §4 and their code), text by text. They say nothing about
faithfulness: a model may have used what nobody marked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attnlib.checks import check_number, plain
from attnlib.faithfulness.measures import counts_of
from attnlib.faithfulness.scores import first_of, padded_scores, ranking
from attnlib.faithfulness.violation import Scores
from attnlib.statistics import means
from attnlib.tables.performance import average_precision

MATCH = 0.5  # of two spans, ERASER's


class Plausibility(NamedTuple):
    """How far the scores of N texts agree with their rationales: [N] float64, NaN without a rationale.

    - `auprc`: area under precision and recall over all thresholds, as scikit-learn's
      `average_precision_score` sums it; tokens of equal score come together.
    - `token_f1`: F1 of the chosen tokens, one by one.
    - `iou_f1`: F1 of spans, that is runs of chosen tokens: one is right if it shares with a run of marked
      tokens at least half of what both cover. Precision and recall are of right spans among the chosen and
      among the marked ones, as their code has it.
    """

    auprc: np.ndarray
    token_f1: np.ndarray
    iou_f1: np.ndarray


def plausibility(
    scores: Scores, rationales: Sequence[Sequence[float]], share: float | None = None, match: float = MATCH
) -> Plausibility:
    """Compare scores of tokens, higher where they matter more, with the tokens that people marked.

    scores: one number per token of each text, or an array [N, T] padded at the end; what has a sign and is to
    count by its size goes in as |score|. Booleans are no scores but a set of chosen tokens. rationales: of
    each text as many marks as tokens, 0 for a token that is not in the rationale, such as `Split.evidence`.

    share: choose this share of each text, ⌊share · tokens⌋ and at least one, the earlier on ties. ERASER
    takes the mean share that people marked in a data set (`marked_share` of its training texts). None: as
    many tokens as the text's own rationale has, so that precision, recall and F1 are one number. match: the
    overlap, intersection over union, from which on a span is right.

    Raises ValueError, naming the row, for scores that are not finite or not as many as the marks.

    >>> found = plausibility([[0.1, 0.9, 0.8, 0.2]], [[0, 1, 1, 1]])
    >>> found.auprc.item(), found.token_f1.item(), round(found.iou_f1.item(), 2)
    (1.0, 1.0, 1.0)
    """
    marked, lengths = padded_marks(rationales)
    given = padded_scores(scores, lengths)
    if all(plain(row).dtype == bool for row in scores):
        chosen = given > 0
    else:
        counts = marked.sum(axis=1)[:, None] if share is None else counts_of([share], lengths)
        chosen = first_of(ranking(given, lengths), counts)[:, 0]
    match = check_number("match", match, 0, 1)
    found = np.full((3, len(lengths)), np.nan)
    for row in np.flatnonzero(marked.any(axis=1)):
        marks, choice = (which[row, : lengths[row]] for which in (marked, chosen))
        token_f1 = f1(int((marks & choice).sum()), int(choice.sum()), int(marks.sum()))
        area = average_precision(marks.astype(int), given[row, : lengths[row]])
        found[:, row] = area, token_f1, span_f1(choice, marks, match)
    return Plausibility(*found)


def padded_marks(rationales: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Which tokens are marked, bool [N, T], and the lengths [N]; ValueError for an empty text."""
    rows: Any = [plain(row) for row in rationales]
    lengths = np.array([row.size for row in rows])
    if not lengths.all():
        empty = int((lengths == 0).argmax()) if len(rows) else 0
        raise ValueError(f"rationales: row {empty} has no token; give a mark to each")
    return padded_scores(rows, lengths) != 0, lengths


def marked_share(rationales: Sequence[Sequence[float]]) -> float:
    """Mean over texts that have a rationale of the share of their tokens that it holds.

    Of the training reviews of ERASER's movies .093 (their Table 4).
    """
    marked, lengths = padded_marks(rationales)
    some = marked.any(axis=1)
    if not some.any():
        raise ValueError("rationales: no token of any text is marked")
    return float((marked.sum(axis=1) / lengths)[some].mean())


def f1(right: int, chosen: int, marked: int) -> float:
    """F1 of precision right / chosen and recall right / marked, counts; 0 where nothing is chosen."""
    return 2 * right / (chosen + marked)


def span_f1(chosen: np.ndarray, marked: np.ndarray, match: float) -> float:
    """`Plausibility.iou_f1` of one text; chosen and marked [T] bool."""
    ours, theirs = spans(chosen), spans(marked)
    shared = np.minimum(ours[:, None, 1], theirs[:, 1]) - np.maximum(ours[:, None, 0], theirs[:, 0])
    shared = shared.clip(min=0)
    covered = np.diff(ours) + np.diff(theirs)[:, 0] - shared
    right = (shared / covered >= match).any(axis=1).sum()
    return f1(int(right), len(ours), len(theirs))


def spans(which: np.ndarray) -> np.ndarray:
    """The runs of True in [T] bool: [K, 2], first token and the one behind the last."""
    return np.flatnonzero(np.diff(which.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)


def plausibility_table(
    scores: Mapping[str, Scores], rationales: Sequence[Sequence[float]], share: float | None = None
) -> pd.DataFrame:
    """Means over texts that have a rationale: metric, method, value, low, high (95 % bootstrap), n.

    auprc. evidence_found: token F1 of as many tokens as the text's rationale has. token_f1 and iou_f1: of
    `share` of each text; None: the mean share that these rationales hold. ERASER's own table has for
    spans the F1 of mean precision and mean recall.
    """
    share, rows = marked_share(rationales) if share is None else share, []
    for method, given in scores.items():
        usual = plausibility(given, rationales, share)
        found = usual._asdict() | {"evidence_found": plausibility(given, rationales).token_f1}
        rows += [(metric, method, values) for metric, values in found.items()]
    return means(rows, "metric", "method")
