"""Words of charts fit: no name of a row or in a legend is cut, no axis title runs into the next panel."""

from collections.abc import Iterator

import altair as alt
import pandas as pd
import pytest

from attnbook.charts import vegalite
from tests.book.conftest import ROOT
from tests.book.test_book import RUNS
from tests.test_notebooks import charts_of

# Mean widths of a letter at the sizes of the theme, in pixels, and what a title may stand over its axis.
LABEL, TITLE, OVER = 6.2, 6.5, 40
# Where Vega-Lite cuts a label of an axis, and where the theme does so in a legend, if nothing else is said.
LIMIT, IN_LEGEND = 180, vegalite.theme()["config"]["legend"]["labelLimit"]


def misfits(chart: dict) -> set[str]:
    """What does not fit, in words, of a Vega-Lite specification with its data in `datasets`."""
    return set(_misfits(chart, {}, [], chart.get("datasets", {})))


def _misfits(spec: dict, size: dict, rows: list, datasets: dict) -> Iterator[str]:
    size = size | {axis: spec[side] for axis, side in (("x", "width"), ("y", "height")) if side in spec}
    rows = datasets.get(spec.get("data", {}).get("name"), rows)
    for axis in ("x", "y"):
        encoding = spec.get("encoding", {}).get(axis, {})
        options = encoding.get("axis", {})
        title = encoding.get("title")
        if title and isinstance(size.get(axis), int | float) and TITLE * len(title) > size[axis] + OVER:
            yield f"title of {axis}: {title}"
        if encoding.get("type") in ("nominal", "ordinal") and options is not None:
            names = {str(row[encoding["field"]]) for row in rows if encoding["field"] in row}
            limit = options.get("labelLimit", LIMIT)
            yield from (f"label of {axis}: {name}" for name in names if LABEL * len(name) > limit)
    for channel in ("color", "shape"):
        encoding = spec.get("encoding", {}).get(channel, {})
        if encoding.get("type") in ("nominal", "ordinal") and encoding.get("legend", {}) is not None:
            names = {str(row[encoding["field"]]) for row in rows if encoding["field"] in row}
            limit = encoding.get("legend", {}).get("labelLimit", IN_LEGEND)
            yield from (f"legend: {name}" for name in names if LABEL * len(name) > limit)
    parts = [spec["spec"]] if "spec" in spec else []
    for kind in ("layer", "hconcat", "vconcat", "concat"):
        parts += spec.get(kind, [])
    for part in parts:
        yield from _misfits(part, size, rows, datasets)


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_the_words_of_every_chart_fit(site, run):
    charts = charts_of(ROOT / f"build/runs/{run}.ipynb")
    assert not set().union(*(misfits(chart[vegalite.MIME]) for chart in charts))


def test_what_does_not_fit_is_found():
    rows = pd.DataFrame({"name": ["short", "n" * 40], "value": [1, 2]})
    bars = alt.Chart(rows).mark_bar().encode(x=alt.X("value", title="t" * 40), y=alt.Y("name", title=None))
    label, title = f"label of y: {'n' * 40}", f"title of x: {'t' * 40}"
    assert misfits(bars.properties(width=100).to_dict()) == {label, title}
    assert misfits(bars.properties(width=300).to_dict()) == {label}
    wide = bars.encode(y=alt.Y("name", title=None).axis(labelLimit=300))
    assert misfits(wide.properties(width=300).to_dict()) == set()
    assert misfits(alt.layer(wide).properties(width=100).to_dict()) == {title}
    coloured = alt.Chart(rows).mark_bar().encode(x="value", color="name")
    assert misfits(coloured.properties(width=300).to_dict()) == {f"legend: {'n' * 40}"}
    without = coloured.encode(color=alt.Color("name", legend=None))
    assert misfits(without.properties(width=300).to_dict()) == set()
    assert misfits(alt.hconcat(wide.properties(width=100), wide.properties(width=300)).to_dict()) == {title}
