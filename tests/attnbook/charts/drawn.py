"""What a chart shows: its rows, and that it can be drawn."""

import base64
from collections import defaultdict

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


def colours_of(specs):
    """The colours that each word has in these Vega-Lite specifications; there should be one."""
    found = defaultdict(set)
    for spec in specs:
        for domain, shades in scales(spec):
            for word, shade in zip(domain, shades, strict=False):
                found[word].add(shade)
    return dict(found)


def scales(spec):
    """The words and the colours of each scale of a specification that gives words colours."""
    if isinstance(spec, dict):
        for channel in ("color", "fill", "stroke"):
            encoding = spec.get(channel)
            if isinstance(encoding, dict) and encoding.get("type") == "nominal" and "scale" in encoding:
                yield encoding["scale"].get("domain", []), encoding["scale"].get("range", [])
    for part in spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list) else ():
        yield from scales(part)
