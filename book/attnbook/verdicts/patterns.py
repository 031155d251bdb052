"""Patterns: where the sizes of two experiments cannot be compared, whether their methods stand the same way.

Liu et al.'s transformers are large and read photographs, ours are small and read generated scenes. What can
be asked of both is how a method stands to random scores: better, alike or worse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from attnbook.verdicts.cells import several
from attnlib.checks import one_of

# By measure: 1 where a high value is good, -1 where a low one is.
GOOD = {"comprehensiveness": 1, "rank_correlation": 1}
GOOD |= {"violation": -1, "sufficiency": -1, "area_under_threshold": -1}
STANDINGS = ("better", "like random", "worse")


def against_random(means: pd.DataFrame, by: Sequence[str], margin: float = 0.1) -> pd.DataFrame:
    """How each method stands to random scores: the rows of the other methods, with `standing`.

    means: columns `by`, metric (of GOOD), method and value, one row per method; those without the method
    "random", or with an empty cell in `by`, have no standing and are dropped. A method is like random if the
    two differ by less than `margin` of the range over all methods, random scores among them. ValueError names
    a method that stands there twice, or a metric that is not of GOOD.
    """
    cell = [*by, "metric"]
    rows = means.dropna(subset=["value", *by])
    for metric in rows["metric"].unique():
        one_of("metric", metric, GOOD)
    repeated = rows[rows.duplicated([*cell, "method"])]
    if len(repeated):
        raise several("values of one method", repeated[[*cell, "method"]].iloc[0], "average them")
    rows = rows.assign(good=rows["value"].astype(float) * rows["metric"].map(GOOD).astype(float))
    groups = rows.groupby(cell, sort=False)["good"]
    rows["least"] = margin * (groups.transform("max") - groups.transform("min"))
    random = rows.loc[rows["method"] == "random", [*cell, "good"]]
    rows = rows[rows["method"] != "random"].merge(random, on=cell, suffixes=("", "_random"))
    ahead = rows["good"] - rows["good_random"]
    standing = np.select([ahead.abs() < rows["least"], ahead > 0], [STANDINGS[1], STANDINGS[0]], STANDINGS[2])
    return rows[list(means)].assign(standing=standing.astype(object))


def compare_patterns(ours: pd.DataFrame, theirs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Their rows with value and standing of both, and the verdict: columns ours, standing, our standing.

    ours, theirs: as `against_random` takes them. verdict: "pattern holds" where both stand the same way,
    "pattern differs" where not, "not run" where ours has no such row.
    """
    keys = [*by, "metric", "method"]
    published = against_random(theirs, by)
    own = against_random(ours, by)[[*keys, "value", "standing"]]
    own = own.rename(columns={"value": "ours", "standing": "our standing"})
    joined = published.merge(own, on=keys, how="left")
    same = joined["standing"] == joined["our standing"]
    verdict = same.map({True: "pattern holds", False: "pattern differs"})
    return joined.assign(verdict=verdict.mask(joined["our standing"].isna(), "not run"))
