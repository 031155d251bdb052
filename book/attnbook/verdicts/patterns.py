"""Transformers: whether the methods stand to random scores as they do in the paper.

Liu et al.'s transformers are large and read photographs, ours are small and read generated scenes: sizes
cannot be compared. What can be asked of both, on the paper's own measure, the violation ratio, is whether a
method is better than random scores, like them or worse; and whether the answers agree by more than always
saying "better" would.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from attnbook.verdicts.cells import several

STANDINGS = ("better", "like", "worse")


def against_random(ratios: pd.DataFrame, by: Sequence[str], margin: float = 0.1) -> pd.DataFrame:
    """How each method's violation ratio stands to random scores: the other methods' rows, with `standing`.

    ratios: columns `by`, method and value, one row per method; those without the method "random", or with an
    empty cell in `by`, have no standing and are dropped. A method is "like" random scores if the two differ
    by less than `margin` of the range over all methods, random scores among them; else a lower ratio is
    "better". ValueError names a method that stands there twice.
    """
    by = list(by)
    rows = ratios.dropna(subset=["value", *by])
    repeated = rows[rows.duplicated([*by, "method"])]
    if len(repeated):
        raise several("values of one method", repeated[[*by, "method"]].iloc[0], "average them")
    groups = rows.groupby(by, sort=False)["value"]
    rows = rows.assign(least=margin * (groups.transform("max") - groups.transform("min")))
    random = rows.loc[rows["method"] == "random", [*by, "value"]]
    rows = rows[rows["method"] != "random"].merge(random, on=by, suffixes=("", "_random"))
    ahead = rows["value_random"] - rows["value"]
    standing = np.select([ahead.abs() < rows["least"], ahead > 0], [STANDINGS[1], STANDINGS[0]], STANDINGS[2])
    return rows[list(ratios)].assign(standing=standing.astype(object))


def beside(ours: pd.DataFrame, theirs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Their rows that have one of ours; columns value and ours, standing and our standing.

    ours, theirs: as `against_random` takes them, theirs with a column source, each source a table of its own.
    """
    published = against_random(theirs, [*by, "source"])
    own = against_random(ours, by)[[*by, "method", "value", "standing"]]
    own = own.rename(columns={"value": "ours", "standing": "our standing"})
    return published.merge(own, on=[*by, "method"])


def agreement(table: pd.DataFrame) -> dict[str, float]:
    """How far the standings of `beside` agree; NaN where a number does not exist.

    pairs: number of rows; agree: share with the same standing; constant: the share that always giving the
    most frequent of their standings would have; kappa: Cohen's, 1 for full agreement and 0 for what two
    independent answers of these frequencies would have.
    """
    ours, theirs = (table[side].value_counts(normalize=True) for side in ("our standing", "standing"))
    agree, chance = (table["our standing"] == table["standing"]).mean(), ours.mul(theirs, fill_value=0).sum()
    kappa = (agree - chance) / (1 - chance) if chance < 1 else np.nan
    return {"pairs": len(table), "agree": agree, "constant": theirs.max(), "kappa": kappa}
