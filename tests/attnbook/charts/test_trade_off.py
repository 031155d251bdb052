"""The chart of trade-offs: marks are the rows, the front is `pareto_front`'s, words say what is there."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from attnbook import charts
from attnbook.charts.colours import GREY, palette
from attnbook.charts.pareto import pareto_front
from attnbook.charts.trade_off import FRONT, SHAPES
from tests.attnbook.charts.drawn import renders

KINDS = ["trained adversary", "other seed", "uniform model", "exact optimum"]


@pytest.fixture
def models():
    """Four adversaries, of which λ = 0.1 is beaten; two seeds; a uniform model; no exact optimum."""
    rows = [
        (KINDS[0], 0.30, 0.60, 1, 0.25, 0.35),
        (KINDS[0], 0.02, 0.30, 0.001, 0.01, 0.03),
        (KINDS[0], 0.40, 0.55, 0.1, None, None),
        (KINDS[0], 0.01, 0.05, 0, None, None),
        (KINDS[1], 0.02, 0.10, None, None, None),
        (KINDS[1], 0.03, 0.12, None, None, None),
        (KINDS[2], 0.05, 0.20, None, None, None),
    ]
    frame = pd.DataFrame(rows, columns=["kind", "tvd", "jsd", "λ", "tvd_low", "tvd_high"])
    return frame.assign(kind=pd.Categorical(frame["kind"], KINDS), jsd_low=math.nan, jsd_high=math.nan)


def draw(frame, x="tvd", **options):
    given = {"by": "kind", "curve": KINDS[0], "order": "λ", "front": KINDS}
    words = {"title": "t", "x_title": "TVD", "y_title": "JSD"}
    return charts.trade_off(frame, x, "jsd", **given | words | options)


def parts(chart):
    """The rows of a chart by what they are drawn as."""
    (rows,) = chart.to_dict()["datasets"].values()
    return dict(list(pd.DataFrame(rows).groupby("part")))


def layers(chart, kind):
    """The layers of a chart with one kind of mark."""
    return [layer for layer in chart.to_dict()["layer"] if layer["mark"]["type"] == kind]


def domain(chart, axis):
    return chart.to_dict()["encoding"][axis]["scale"]["domain"]


class TestPoints:
    def test_every_model_is_a_point_in_its_colour_and_shape_though_a_kind_is_empty(self, models):
        chart = draw(models)
        assert parts(chart)["point"]["x"].tolist() == models["tvd"].tolist()
        encoding = layers(chart, "point")[0]["encoding"]
        assert encoding["color"]["scale"] == {"domain": KINDS, "range": palette(KINDS)}
        assert encoding["shape"]["scale"] == {"domain": KINDS, "range": list(SHAPES[:4])}
        assert encoding["color"]["legend"]["values"] == KINDS[:3]

    def test_nan_is_left_out_and_said(self, models):
        models.loc[0, "jsd"] = models.loc[4, "tvd"] = math.nan
        models.loc[6, "kind"] = None
        chart = draw(models)
        assert len(parts(chart)["point"]) == 4
        assert "3 rows without a value left out" in chart.description
        # No word that a reader sees is "nan".
        words = chart.data.select_dtypes(exclude="number")
        assert not words.map(lambda value: isinstance(value, float)).any(axis=None)

    def test_a_single_point_be_it_at_the_origin(self, models):
        chart = draw(models[6:])
        assert len(parts(chart)["point"]) == 1
        assert domain(draw(models[6:].assign(tvd=0, jsd=0)), "x") == [0, 0.5]

    @pytest.mark.slow
    def test_axes_start_at_zero_unless_a_value_is_negative_and_hold_the_intervals(self, models):
        assert domain(draw(models), "x") == [0, pytest.approx(0.42)]
        models.loc[0, "jsd"], models.loc[0, "tvd_high"] = -0.1, 0.8
        assert domain(draw(models), "y")[0] < -0.1
        assert domain(draw(models), "x")[1] > 0.8

    def test_a_dot_in_a_column_name_is_a_dot(self, models):
        chart = draw(models.rename(columns=lambda name: name.replace("tvd", "tvd.x[0]")), "tvd.x[0]")
        assert parts(chart)["point"]["x"].tolist() == models["tvd"].tolist()
        assert chart.to_dict()["encoding"]["x"]["field"] == "x"

    @pytest.mark.slow
    def test_rows_may_share_their_index(self, models):
        index = np.zeros(len(models), dtype=int)
        assert parts(draw(models.set_index(index)))["point"].equals(parts(draw(models))["point"])


class TestCurve:
    @pytest.mark.slow
    def test_its_points_are_joined_in_their_order_and_its_ends_named(self, models):
        chart = draw(models)
        (line,) = [layer for layer in layers(chart, "line") if "order" in layer["encoding"]]
        assert line["encoding"]["color"]["scale"]["range"] == palette(KINDS)
        assert line["encoding"]["order"]["field"] == "rank"
        points = parts(chart)["point"]
        assert points["rank"].dropna().tolist() == [4, 2, 3, 1]
        assert points["order"].tolist() == ["1", "0.001", "0.1", "0", "–", "–", "–"]
        tooltip = layers(chart, "point")[0]["encoding"]["tooltip"]
        assert {"field": "order", "title": "λ", "type": "nominal"} in tooltip
        assert points["first"].tolist() == ["", "", "", "λ = 0", "", "", ""]
        assert points["last"].tolist() == ["λ = 1", "", "", "", "", "", ""]
        shown = {layer["encoding"]["text"]["field"]: layer["transform"] for layer in layers(chart, "text")}
        filters = {name: steps[-1]["filter"] for name, steps in shown.items()}
        assert filters == {"first": "datum.first != ''", "last": "datum.last != ''"}
        # One point is no curve.
        alone = parts(draw(models[3:]))["point"]
        assert set(alone["first"]) == set(alone["last"]) == {""}

    def test_a_point_without_an_order_stays_off_it(self, models):
        models.loc[3, "λ"] = math.nan
        chart = draw(models)
        assert parts(chart)["point"]["rank"].count() == 3

    def test_without_one_or_without_a_point_of_its_kind(self, models):
        chart = draw(models, curve="no kind")
        assert not any("order" in layer["encoding"] for layer in layers(chart, "line"))
        assert parts(draw(models[4:].assign(λ=None)))["point"]["rank"].isna().all()

    def test_two_points_at_one_place_are_refused(self, models):
        models.loc[0, "λ"] = 0.1
        with pytest.raises(ValueError, match="λ 0.1 of trained adversary has several rows"):
            draw(models)
        both = pd.concat([models[1:].assign(data="a"), models[:1].assign(data="b")])
        assert parts(draw(both, facet="data"))["point"]["rank"].count() == 4


class TestIntervals:
    def test_they_are_drawn_where_there_are_any(self, models):
        chart = draw(models)
        (rule,) = layers(chart, "rule")
        assert rule["encoding"]["x"]["field"] == "x_low"
        points = parts(chart)["point"]
        for end in ("low", "high"):
            np.testing.assert_array_equal(points[f"x_{end}"].astype(float), models[f"tvd_{end}"])
        assert points["x_interval"].tolist() == ["0.25 to 0.35", "0.01 to 0.03", *"–––––"]
        assert not layers(draw(models.assign(tvd_high=math.nan)), "rule")

    def test_both_ways_and_no_line_of_a_tooltip_hides_another(self, models):
        chart = draw(models.assign(jsd_low=0.0, jsd_high=0.6))
        encoded = {tuple(sorted(rule["encoding"])) for rule in layers(chart, "rule")}
        assert encoded == {("color", "tooltip", axis, f"{axis}2") for axis in "xy"}
        titles = [line["title"] for line in layers(chart, "point")[0]["encoding"]["tooltip"]]
        assert titles == ["kind", "λ", "TVD", "TVD, range", "JSD", "JSD, range"]


class TestFront:
    def test_it_is_the_pareto_front_as_steps(self, models):
        chart = draw(models)
        front = pareto_front(models["tvd"], models["jsd"])
        assert front.tolist() == [True, True, False, True, False, False, False]
        steps = parts(chart)[FRONT]
        assert steps["x"].tolist() == [0.01, 0.02, 0.3, pytest.approx(0.42)]
        assert steps["y"].tolist() == [0.05, 0.3, 0.6, 0.6]
        (line,) = [layer for layer in layers(chart, "line") if layer["mark"].get("interpolate")]
        assert (line["mark"]["interpolate"], line["mark"]["color"]) == ("step-after", GREY)
        assert line["encoding"]["strokeDash"]["scale"]["domain"] == [FRONT]

    def test_equal_points_are_one_corner(self, models):
        chart = draw(pd.concat([models, models[6:].assign(tvd=0.3, jsd=0.6)]))
        assert len(parts(chart)[FRONT]) == 4

    @pytest.mark.slow
    def test_it_may_be_of_some_kinds_or_left_out(self, models):
        for kinds, expected in ((KINDS, {0.01, 0.02, 0.3}), (KINDS[1:], {0.02, 0.03, 0.05}), (["no"], set())):
            points = parts(draw(models, front=kinds))["point"]
            assert set(points.loc[points["front"], "x"]) == expected
        chart = draw(models, front=[])
        assert set(parts(chart)) == {"point"}
        assert "strokeDash" not in json.dumps(chart.to_dict()["layer"])


@pytest.mark.slow
def test_panels_have_their_own_front_and_axes(models):
    both = pd.concat([models.assign(data="sst"), models.assign(data="imdb", jsd=models["jsd"] / 2)[:5]])
    chart = draw(both, facet="data")
    assert parts(chart)[FRONT].groupby("facet")["y"].max().to_dict() == {"imdb": 0.3, "sst": 0.6}
    assert chart.to_dict()["facet"]["sort"] == ["imdb", "sst"]
    assert chart.to_dict()["columns"] == 2
    assert chart.to_dict()["resolve"]["axis"]["x"] == "independent"
    both.iloc[0, both.columns.get_loc("data")] = None
    assert "1 rows without a value" in draw(both, facet="data").description


@pytest.mark.parametrize("column", ["tvd", "jsd", "kind", "λ", "tvd_high"])
def test_a_missing_column_is_named(models, column):
    with pytest.raises(ValueError, match=f"no column {column}"):
        draw(models.drop(columns=column))


def test_what_cannot_be_drawn_is_refused(models):
    with pytest.raises(ValueError, match="no column elsewhere"):
        draw(models, facet="elsewhere")
    with pytest.raises(ValueError, match="7 kinds in kind: draw at most 6"):
        draw(models.assign(kind=list("abcdefg")))


@pytest.mark.slow
def test_it_renders_with_image_and_words(models):
    panels = pd.concat([models.assign(data=name) for name in ("sst", "imdb", "20news")])
    for chart in (draw(models), draw(panels, facet="data"), draw(models[6:]), draw(models, front=[])):
        renders(chart)
