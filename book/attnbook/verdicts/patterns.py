"""Patterns: where the sizes of two experiments cannot be compared, whether their methods stand the same way.

Liu et al.'s transformers are large and read photographs, ours are small and read generated scenes. What can
be asked of both is how a method stands to random scores: better, alike or worse.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

# By measure: 1 where a high value is good, -1 where a low one is.
GOOD = {
    "violation": -1,
    "comprehensiveness": 1,
    "sufficiency": -1,
    "area_under_threshold": -1,
    "rank_correlation": 1,
}
STANDINGS = ("better", "like random", "worse")


def against_random(means: pd.DataFrame, by: Sequence[str], margin: float = 0.1) -> pd.DataFrame:
    """How each method stands to random scores: the rows of the other methods, with `standing`.

    means: columns `by`, metric (of GOOD), method and value, one row per method; those without the method
    "random" have no standing and are dropped. A method is like random if the two differ by less than `margin`
    of the range over all methods, random scores among them. ValueError names a method that stands there
    twice.
    """
    parts = []
    for key, rows in means.dropna(subset=["value"]).groupby([*by, "metric"], sort=False):
        if rows["method"].duplicated().any():
            raise ValueError(f"{key}: {rows.loc[rows['method'].duplicated(), 'method'].iloc[0]!r} twice")
        values = rows.set_index("method")["value"] * GOOD[str(rows["metric"].iloc[0])]
        if "random" not in values:
            continue
        ahead = (values - values["random"]).drop("random")
        least = margin * (values.max() - values.min())
        standing = ahead.map(
            lambda gain, least=least: STANDINGS[1 if abs(gain) < least else 0 if gain > 0 else 2]
        )
        others = rows[rows["method"] != "random"]
        parts.append(others.assign(standing=others["method"].map(standing)))
    columns = [*means.columns, "standing"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def compare_patterns(
    ours: pd.DataFrame, theirs: pd.DataFrame, by: Sequence[str], margin: float = 0.1
) -> pd.DataFrame:
    """Their rows with value and standing of both, and the verdict: columns ours, standing, our standing.

    ours, theirs: as `against_random` takes them. verdict: "pattern holds" where both stand the same way,
    "pattern differs" where not, "not run" where ours has no such row.
    """
    keys = [*by, "metric", "method"]
    published = against_random(theirs, by, margin)
    own = against_random(ours, by, margin)[[*keys, "value", "standing"]]
    own = own.rename(columns={"value": "ours", "standing": "our standing"})
    joined = published.merge(own, on=keys, how="left")
    same = joined["standing"] == joined["our standing"]
    verdict = same.map({True: "pattern holds", False: "pattern differs"})
    return joined.assign(verdict=verdict.mask(joined["our standing"].isna(), "not run"))
