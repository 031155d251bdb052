"""Charts of erasure: every text is counted, thinned points are rows of the frame, boxes are its quantiles."""

import json

import numpy as np
import pandas as pd
import pytest

from attnbook import charts
from attnbook.charts.erasure import POINT_BINS, POINTS_PER_BIN, thin


def datasets(chart):
    return [pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values()]


@pytest.fixture
def frame():
    """3,000 texts, most of them with a small difference of attention."""
    rng = np.random.default_rng(0)
    x = rng.beta(0.5, 4, 3000)
    return pd.DataFrame({"delta_attention": x, "delta_js": x**2 * rng.normal(0.3, 0.2, 3000)})


def both(frame):
    words = {"title": "t", "x_title": "Δα", "y_title": "ΔJS (nats)"}
    return charts.counts_beside_points(frame, "delta_attention", "delta_js", **words)


class TestCountsBesidePoints:
    def test_every_text_is_in_a_cell_and_points_are_rows_at_most_ten_a_bin(self, frame):
        x, y = frame["delta_attention"], frame["delta_js"]
        (cells,) = (table for table in datasets(both(frame)) if "count" in table)
        margin = 0.03 * np.ptp(y)
        expected, _, _ = np.histogram2d(x, y, 40, [[0, 1], (y.min() - margin, y.max() + margin)])
        assert cells["count"].sum() == len(frame)
        assert sorted(cells["count"]) == sorted(expected[expected > 0])
        points = next(table for table in datasets(both(frame)) if set(table) == {"x", "y"})
        assert set(points["x"]) <= set(x.round(5))
        per_bin = np.bincount(np.floor(points["x"] * POINT_BINS).astype(int))
        assert per_bin.max() <= POINTS_PER_BIN + 1  # rounding may move a point over an edge

    def test_the_words_count_what_is_missing(self, frame):
        frame.loc[:9, "delta_js"] = np.nan
        assert both(frame).description == "t; 10 rows without a value left out"

    def test_a_value_outside_the_axis_is_refused(self, frame):
        with pytest.raises(ValueError, match="widen the domain"):
            both(frame.assign(delta_attention=2 * frame["delta_attention"]))


def test_thinning_keeps_ten_points_a_bin_and_all_of_few():
    assert sorted(thin(pd.Series([0.001, 0.5, 0.5004, 0.9]))) == [0, 1, 2, 3]
    drawn = thin(pd.Series(np.full(100, 0.5)))
    assert len(drawn) == POINTS_PER_BIN
    assert len(set(drawn)) > 1
    # One falls out as in the released code.
    assert thin(pd.Series([1.0, 0.2])).tolist() == [1]
    many = pd.Series(np.linspace(0, 0.99, 5000))
    assert (thin(many, seed=3) == thin(many, seed=3)).all()
    assert (thin(many, seed=3) != thin(many, seed=4)).any()


@pytest.fixture
def quantiles():
    rows = [
        ("HANrnn", "attention", 0.1, 0.2, 0.4, 0.8, 1.0),
        ("HANrnn", "product", 0.05, 0.1, 0.2, 0.4, 0.9),
        ("FLANrnn", "attention", 0.0, 0.05, 0.1, 0.3, 0.7),
    ]
    table = pd.DataFrame(rows, columns=["model", "ranking", "p05", "p25", "median", "p75", "p95"])
    return table.assign(ranking=pd.Categorical(table["ranking"], ["attention", "product"]))


def boxes(frame, rows="model", **options):
    words = {"title": "t", "x_title": "fraction removed", "by_title": "ranking"}
    return charts.boxes(frame, rows, by="ranking", **words, **options)


class TestBoxes:
    def test_marks_are_the_quantiles(self, quantiles):
        chart = boxes(quantiles)
        for name in ("p05", "p25", "median", "p75", "p95"):
            assert datasets(chart)[0][name].tolist() == quantiles[name].tolist()

    def test_mean_and_reference_are_drawn_where_there_are_any(self, quantiles):
        assert '"mean"' not in json.dumps(boxes(quantiles).to_dict())
        chart = boxes(quantiles.assign(mean=0.3), reference=0.3).to_dict()
        assert '"mean"' in json.dumps(chart)
        found = [layer["encoding"]["x"] for layer in chart["layer"] if "datum" in layer["encoding"]["x"]]
        assert found == [{"datum": 0.3}]

    def test_rows_and_panels_are_in_the_order_of_the_categories_or_of_the_frame(self, quantiles):
        def order(frame):
            found = boxes(frame, "data", facet="model").to_dict()
            return found["facet"]["sort"], found["spec"]["layer"][0]["encoding"]["y"]["sort"]

        frame = quantiles.assign(data=["b", "c", "a"])
        assert order(frame) == (["HANrnn", "FLANrnn"], ["b", "c", "a"])
        models = pd.Categorical(frame["model"], ["HANconv", "FLANrnn", "HANrnn"])
        data = pd.Categorical(frame["data"], ["a", "b", "c"])
        assert order(frame.assign(model=models, data=data)) == (["FLANrnn", "HANrnn"], ["a", "b", "c"])

    def test_out_of_range_is_refused(self, quantiles):
        with pytest.raises(ValueError, match="widen the domain"):
            boxes(quantiles, domain=(0, 0.5))
