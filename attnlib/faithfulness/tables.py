"""All measures of many explanations under several ways to remove: one frame per text, and its means."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from attnlib.checks import check_number, whole_labels
from attnlib.faithfulness import measures
from attnlib.faithfulness.removal import Removal
from attnlib.faithfulness.scores import padded_scores, share_right
from attnlib.faithfulness.violation import EFFECT, TOLERANCE, Scores, by_text, violations
from attnlib.statistics import means

# Those beside the violation test.
BESIDE = ("comprehensiveness", "sufficiency", "area_under_threshold", "rank_correlation")
MEASURES = ("violation", "tied", "zero_score", "violation_decided", "violation_effect", *BESIDE)
OVER_OPERATORS = "mean"


def measure_texts(
    scores: Mapping[str, Scores],
    removals: Mapping[str, Removal],
    labels: np.ndarray,
    tolerance: float = TOLERANCE,
    effect: float = EFFECT,
    only_violation: bool = False,
    released: int | None = None,
) -> pd.DataFrame:
    """One row per method, operator and text: columns method, operator, row, drop, and the MEASURES.

    violation: 1 where sign and effect disagree strictly; NaN for a text of one token or none. tied: |drop| ≤
    tolerance or score 0. zero_score: 1 where all scores are 0, which never violates. violation_decided: NaN
    on ties. violation_effect: NaN unless |drop| > effect. With `only_violation` the other four measures,
    which cost most of the time, are left out. released: these four by the rule of the authors' code, in
    batches of so many texts (see `measures`); the test removes one token by either. labels: the right class
    of each text, a column of the removals' probabilities; ValueError, naming the row, for others.
    """
    effect = check_number("effect", effect, 0, 1)
    parts = []
    for operator, removal in removals.items():
        labels = whole_labels(labels, n=len(removal.lengths), classes=removal.intact.shape[1])
        for method, given in scores.items():
            found = violations(given, removal, tolerance=tolerance)
            rates = by_text(found, effect)
            columns = {"row": np.arange(len(labels)), "drop": found.drop}
            columns |= {name: rates[name] for name in MEASURES if name in rates}
            if not only_violation:
                # In this order: answers are kept, and their last digits depend on what is asked together.
                for measure in (measures.comprehensiveness, measures.sufficiency):
                    columns[measure.__name__] = measure(given, removal, released=released)
                area = measures.area_under_threshold(given, removal, labels, released=released)
                columns["area_under_threshold"] = area
                correlation = measures.rank_correlation(given, removal, released=released is not None)
                columns["rank_correlation"] = correlation
            parts.append(pd.DataFrame({"method": method, "operator": operator, **columns}))
    return pd.concat(parts, ignore_index=True)


def measure_leave_one_out(
    removals: Mapping[str, Removal],
    labels: np.ndarray,
    released: int | None = None,
    only_violation: bool = False,
) -> pd.DataFrame:
    """The rows of `measure_texts` for the oracle "leave-one-out": the very falls, each by its own removal."""
    falls = {name: np.nan_to_num(removal.drop_of_each()) for name, removal in removals.items()}
    how: dict[str, Any] = dict(released=released, only_violation=only_violation)
    parts = [
        measure_texts({"leave-one-out": falls[name]}, {name: removals[name]}, labels, **how) for name in falls
    ]
    return pd.concat(parts, ignore_index=True)


def summarise_measures(frame: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Means over texts with 95 % bootstrap intervals: columns metric, method, operator, value, low, high, n.

    Also the paper's mean over the operators, as operator "mean": per text first, over the operators that have
    a value for it. `by` names further columns that tell explanations apart.
    """
    metrics = [name for name in MEASURES if name in frame]
    keys = ["method", *by]
    over = frame.groupby([*keys, "row"], sort=False)[metrics].mean().reset_index()
    both = pd.concat([frame, over.assign(operator=OVER_OPERATORS)], ignore_index=True)
    rows = (
        (metric, *key, texts[metric])
        for key, texts in both.groupby([*keys, "operator"], sort=False)
        for metric in metrics
    )
    return means(rows, "metric", *keys, "operator")


def sign_agreement(
    scores: Mapping[str, Scores], removals: Mapping[str, Removal], effect: float
) -> pd.DataFrame:
    """How many tokens a method gives the sign of their effect: metric, method, operator, value, low, high, n.

    Effect: the fall of the predicted class's probability without the token alone. Only tokens with |effect| >
    `effect` count; a score of 0 is no sign. value: mean over texts of the share of such tokens; texts that
    have none are left out, n is the number of the others.
    """
    rows = []
    for operator, removal in removals.items():
        drop = np.nan_to_num(removal.drop_of_each())
        for method, given in scores.items():
            right = np.sign(padded_scores(given, removal.lengths)) == np.sign(drop)
            rows.append(("sign_agreement", method, operator, share_right(right, np.abs(drop) > effect)))
    return means(rows, "metric", "method", "operator")


def levels(frame: pd.DataFrame) -> pd.DataFrame:
    """The four other measures per text, with the share of operators under which it is violated.

    Columns method, row, level ("0", "1/3", "2/3", "1"), and the measures, each the mean over operators. Texts
    of one token are left out. (Liu et al. 2022, sample-level analysis.)
    """
    metrics = [name for name in BESIDE if name in frame]
    over = frame.groupby(["method", "row"], sort=False)[["violation", *metrics]].mean().reset_index()
    over = over[over["violation"].notna()]
    level = over["violation"].map(lambda share: str(Fraction(share).limit_denominator(20)))
    ordered = pd.Categorical(level, sorted(level.unique(), key=Fraction), ordered=True)
    return over.assign(level=ordered)[["method", "row", "level", *metrics]]


def level_boxes(found: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Percentiles of the measures at each level of `levels`: method, level, measure, p05 … p95, mean."""
    kept = found[found["method"].isin(methods)]
    long = kept.melt(["method", "row", "level"], var_name="measure", value_name="value").dropna()
    long["method"] = long["method"].astype(pd.CategoricalDtype(list(methods), ordered=True))
    grouped = long.groupby(["measure", "level", "method"], observed=True)["value"]
    names = {0.05: "p05", 0.25: "p25", 0.5: "median", 0.75: "p75", 0.95: "p95"}
    boxes = grouped.quantile(np.array(list(names))).unstack().rename(columns=names)  # noqa: PD010
    return boxes.assign(mean=grouped.mean()).reset_index()


def same_order(means: pd.DataFrame, by: str, of: str, least: float) -> pd.DataFrame:
    """How far two orders agree: columns `by`, pairs, same, share; a row per value of `by`.

    means: columns `by`, `of`, value and published. Of the pairs of `of` whose published values differ by
    `least` or more, same: how many the column value orders the same way (a tie does not).
    """
    rows = []
    for name, part in means.dropna(subset=["value", "published"]).groupby(by, sort=False):
        theirs = np.subtract.outer(part["published"].to_numpy(), part["published"].to_numpy())
        ours = np.subtract.outer(part["value"].to_numpy(), part["value"].to_numpy())
        apart = theirs >= least - 1e-9
        same, pairs = int((apart & (ours > 0)).sum()), int(apart.sum())
        rows.append((name, pairs, same, same / pairs if pairs else float("nan")))
    return pd.DataFrame(rows, columns=[by, "pairs", "same", "share"])
