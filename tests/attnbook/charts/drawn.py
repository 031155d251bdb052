"""What a chart shows: its rows, and that it can be drawn."""

import base64

import pandas as pd

from attnbook.charts import vegalite


def marks(chart):
    """The rows of a chart's largest data set."""
    return pd.DataFrame(max(chart.to_dict()["datasets"].values(), key=len))


def renders(chart):
    """The outputs of a chart, which has an image, a title and words, and no more rows than Altair allows."""
    bundle = vegalite.render(chart.to_dict())
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == chart.description
    assert bundle[vegalite.MIME]["title"]
    assert len(marks(chart)) <= 5000
    return bundle
