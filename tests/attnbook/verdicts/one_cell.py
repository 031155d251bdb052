"""Results of ours and published numbers of one model, a row per value."""

import pandas as pd

from attnbook.verdicts import cells

MODEL = {"dataset": "sst", "encoder": "bilstm", "scorer": "additive"}
NAMES = {"sst": "SST", "agnews": "AG News", "snli": "SNLI"}


def ours(*values: float, **columns: object) -> pd.DataFrame:
    """One row of ours per value, a seed each."""
    cell = {"experiment": "e", "metric": "m", "class": "all", "seed": range(len(values))}
    return pd.DataFrame({"value": values, "n": 100.0} | MODEL | cell | columns)


def theirs(*values: float, **columns: object) -> pd.DataFrame:
    """One published number per value."""
    cell = {"experiment": "e", "metric": "m", "class": "all", "note": None}
    return pd.DataFrame({"value": values} | MODEL | cell | columns)


def beside(own: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    return cells.beside(own, published, NAMES)
