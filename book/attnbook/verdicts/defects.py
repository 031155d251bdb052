"""Defects of the papers' released code that were run both ways: the same models with each and without it.

The defects are data, in book/reference/defects.toml.
"""

from typing import Any

import pandas as pd

from attnbook.runs import results
from attnbook.verdicts import cells
from attnbook.verdicts.papers import named

RELEASED, MENDED = "as released", "mended"
DEFECTS: list[dict[str, Any]] = cells.reference("defects")["defects"]


def measured(fresh: results.Folder = None, folder: results.Folder = None) -> pd.DataFrame:
    """A row per defect, data set and code (RELEASED or MENDED): the mean over the models that have both.

    folder and fresh: as in `results.recorded`.
    """
    parts = []
    for defect in DEFECTS:
        table = cells.recorded(defect["paper"], [defect["experiment"]], fresh, folder)
        rows = cells.all_texts(cells.select(table, **cells.tuples(defect["where"])))
        for code, side in ((RELEASED, "released"), (MENDED, "mended")):
            parts.append(cells.select(rows, **defect[side]).assign(defect=defect["name"], code=code))
    keys = ["defect", "code", "dataset", "encoder", "scorer", "seed"]
    both = pd.concat(parts).pivot_table("value", [k for k in keys if k != "code"], "code").dropna()
    means = both.groupby(["defect", "dataset"], sort=False).mean().reset_index()
    order = [defect["name"] for defect in DEFECTS if defect["name"] in set(means["defect"])]
    long = means.melt(["defect", "dataset"], [RELEASED, MENDED], "code")
    long = long.assign(
        defect=pd.Categorical(long["defect"], order), code=pd.Categorical(long["code"], [RELEASED, MENDED])
    )
    return named(long).sort_values(["defect", "dataset", "code"], ignore_index=True)


def changes(found: pd.DataFrame, by: tuple[str, ...] = ("defect",)) -> pd.DataFrame:
    """What each defect does to the mean over data sets: columns defect, RELEASED, MENDED and change.

    by: a row for each of these; with "dataset" too, not the mean over data sets.
    """
    means = found.pivot_table("value", list(by), "code", observed=True)
    means.columns = means.columns.astype(str)
    return means.assign(change=means[RELEASED] - means[MENDED]).reset_index()
