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
    return charts.counts_beside_points(
        frame, "delta_attention", "delta_js", title="t", x_title="Δα", y_title="ΔJS (nats)"
    )


class TestCountsBesidePoints:
    def test_every_text_is_in_a_cell(self, frame):
        cells = next(table for table in datasets(both(frame)) if "count" in table)
        expected, _, _ = np.histogram2d(
            frame["delta_attention"], frame["delta_js"], 40, [[0, 1], self.span(frame["delta_js"])]
        )
        assert cells["count"].sum() == len(frame)
        assert sorted(cells["count"]) == sorted(expected[expected > 0])

    @staticmethod
    def span(values):
        margin = 0.03 * np.ptp(values)
        return values.min() - margin, values.max() + margin

    def test_points_are_rows_at_most_ten_a_bin(self, frame):
        points = next(t for t in datasets(both(frame)) if set(t) == {"x", "y"})
        assert set(points["x"]) <= set(frame["delta_attention"].round(5))
        per_bin = np.bincount(np.floor(points["x"] * POINT_BINS).astype(int))
        assert per_bin.max() <= POINTS_PER_BIN + 1  # rounding may move a point over an edge

    def test_the_words_count_the_negative_ones_and_what_is_missing(self, frame):
        frame.loc[:9, "delta_js"] = np.nan
        words = both(frame).description
        kept = frame["delta_js"].dropna()
        assert f"{(kept < 0).mean():.1%} below 0" in words
        assert f"{len(kept)} texts" in words
        assert "10 rows without a value" in words

    def test_a_value_outside_the_axis_is_refused(self, frame):
        with pytest.raises(ValueError, match="widen the domain"):
            both(frame.assign(delta_attention=2 * frame["delta_attention"]))


class TestThin:
    def test_few_points_are_all_kept(self):
        x = pd.Series([0.001, 0.5, 0.5004, 0.9])
        assert sorted(thin(x)) == [0, 1, 2, 3]

    def test_a_full_bin_gives_ten(self):
        x = pd.Series(np.full(100, 0.5))
        drawn = thin(x)
        assert len(drawn) == POINTS_PER_BIN
        assert len(set(drawn)) > 1

    def test_one_falls_out_as_in_the_released_code(self):
        assert thin(pd.Series([1.0, 0.2])).tolist() == [1]

    def test_a_seed_names_its_points(self):
        x = pd.Series(np.linspace(0, 0.99, 5000))
        assert (thin(x, seed=3) == thin(x, seed=3)).all()
        assert (thin(x, seed=3) != thin(x, seed=4)).any()


@pytest.fixture
def quantiles():
    return pd.DataFrame(
        {
            "model": ["HANrnn", "HANrnn", "FLANrnn"],
            "ranking": pd.Categorical(["attention", "product", "attention"], ["attention", "product"]),
            "p05": [0.1, 0.05, 0.0],
            "p25": [0.2, 0.1, 0.05],
            "median": [0.4, 0.2, 0.1],
            "p75": [0.8, 0.4, 0.3],
            "p95": [1.0, 0.9, 0.7],
        }
    )


class TestBoxes:
    def draw(self, frame, **options):
        return charts.boxes(
            frame, "model", by="ranking", title="t", x_title="fraction removed", by_title="ranking", **options
        )

    def test_marks_are_the_quantiles(self, quantiles):
        found = datasets(self.draw(quantiles))[0]
        for name in ("p05", "p25", "median", "p75", "p95"):
            assert found[name].tolist() == quantiles[name].tolist()

    def test_the_mean_is_drawn_where_there_is_one(self, quantiles):
        assert '"mean"' not in json.dumps(self.draw(quantiles).to_dict())
        assert '"mean"' in json.dumps(self.draw(quantiles.assign(mean=0.3)).to_dict())

    def test_the_words_hold_every_box(self, quantiles):
        words = self.draw(quantiles).description
        assert "FLANrnn, attention: median 0.1, quartiles 0.05 to 0.3." in words
        assert words.count("median") == 3

    def test_rows_and_panels_are_in_the_order_of_the_categories_or_of_the_frame(self, quantiles):
        def order(frame):
            found = charts.boxes(
                frame,
                "data",
                by="ranking",
                facet="model",
                title="t",
                x_title="fraction removed",
                by_title="ranking",
            ).to_dict()
            return found["facet"]["row"]["sort"], found["spec"]["layer"][0]["encoding"]["y"]["sort"]

        frame = quantiles.assign(data=["b", "c", "a"])
        assert order(frame) == (["HANrnn", "FLANrnn"], ["b", "c", "a"])
        models = pd.Categorical(frame["model"], ["HANconv", "FLANrnn", "HANrnn"])
        data = pd.Categorical(frame["data"], ["a", "b", "c"])
        assert order(frame.assign(model=models, data=data)) == (["FLANrnn", "HANrnn"], ["a", "b", "c"])

    def test_out_of_range_is_refused(self, quantiles):
        with pytest.raises(ValueError, match="widen the domain"):
            self.draw(quantiles, domain=(0, 0.5))

    def test_a_reference_is_one_line(self, quantiles):
        layers = self.draw(quantiles, reference=0.3).to_dict()["layer"]
        found = [layer["encoding"]["x"] for layer in layers if "datum" in layer["encoding"]["x"]]
        assert found == [{"datum": 0.3}]
