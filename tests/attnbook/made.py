"""Made-up results: rows of a model, runs as a sweep leaves them."""

from functools import cache

import pandas as pd

from attnbook.runs import results
from attnlib.cache import digest

MODEL = {"dataset": "sst", "encoder": "bilstm", "scorer": "additive"}
provenance = cache(results.provenance)


def ours(*values, **columns):
    """One row of ours per value, a seed each."""
    cell = {"paper": "p", "experiment": "e", "metric": "m", "class": "all", "seed": range(len(values))}
    return pd.DataFrame({"value": values, "n": 100.0} | MODEL | cell | columns)


def save(sweep, summary, instances=None, cell=None, **origin):
    """Keep a run's tables where a sweep would; of which run they are, the rows of the summary say."""
    summary = results.validate(summary)
    run = results.identity(summary)
    folder = sweep / run["paper"] / run["experiment"] / (cell or digest(run))
    facts = {"parameters": {}, "settings": {"data": "5c0d"}, "seconds": 1.0, "commit": "0123456789ab"}
    instances = summary if instances is None else instances
    results.save_run(folder, instances, summary, provenance() | facts | origin)
    return folder
