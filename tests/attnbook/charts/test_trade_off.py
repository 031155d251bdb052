"""The chart of trade-offs: marks are the rows, the front is `pareto_front`'s, words say what is there."""

import base64
import json
import math

import numpy as np
import pandas as pd
import pytest

from attnbook import charts
from attnbook.charts import vegalite
from attnbook.charts.frames import COLOURS, GREY
from attnbook.charts.pareto import pareto_front
from attnbook.charts.trade_off import FRONT, SHAPES

KINDS = ["trained adversary", "other seed", "uniform model", "exact optimum"]


@pytest.fixture
def models():
    """Four adversaries, of which λ = 0.1 is beaten; two seeds; a uniform model; no exact optimum."""
    frame = pd.DataFrame(
        [
            (KINDS[0], 0.30, 0.60, 1, 0.25, 0.35),
            (KINDS[0], 0.02, 0.30, 0.001, 0.01, 0.03),
            (KINDS[0], 0.40, 0.55, 0.1, None, None),
            (KINDS[0], 0.01, 0.05, 0, None, None),
            (KINDS[1], 0.02, 0.10, None, None, None),
            (KINDS[1], 0.03, 0.12, None, None, None),
            (KINDS[2], 0.05, 0.20, None, None, None),
        ],
        columns=["kind", "tvd", "jsd", "λ", "tvd_low", "tvd_high"],
    )
    return frame.assign(kind=pd.Categorical(frame["kind"], KINDS), jsd_low=math.nan, jsd_high=math.nan)


def draw(frame, **options):
    given = {"by": "kind", "curve": KINDS[0], "order": "λ", "front": KINDS}
    words = {"title": "t", "x_title": "TVD", "y_title": "JSD"}
    return charts.trade_off(frame, "tvd", "jsd", **given | words | options)


def parts(chart):
    """The rows of a chart by what they are drawn as."""
    (rows,) = chart.to_dict()["datasets"].values()
    return dict(list(pd.DataFrame(rows).groupby("part")))


def layers(chart):
    """The layers of a chart, and of a panel where it has panels."""
    spec = chart.to_dict()
    return spec.get("spec", spec)["layer"]


def mark(chart, kind):
    return [layer for layer in layers(chart) if layer["mark"]["type"] == kind]


class TestPoints:
    def test_every_model_is_a_point_in_its_colour_and_shape(self, models):
        chart = draw(models)
        assert parts(chart)["point"]["x"].tolist() == models["tvd"].tolist()
        encoding = mark(chart, "point")[0]["encoding"]
        assert encoding["color"]["scale"] == {"domain": KINDS, "range": list(COLOURS[:4])}
        assert encoding["shape"]["scale"] == {"domain": KINDS, "range": list(SHAPES[:4])}
        assert len(SHAPES) == len(COLOURS)

    def test_an_empty_kind_keeps_its_colour_and_leaves_the_legend(self, models):
        chart = draw(models)
        assert mark(chart, "point")[0]["encoding"]["color"]["legend"]["values"] == KINDS[:3]
        assert "No point: exact optimum." in chart.description

    def test_nan_is_left_out_and_said(self, models):
        models.loc[0, "jsd"] = models.loc[4, "tvd"] = math.nan
        models.loc[6, "kind"] = None
        chart = draw(models)
        assert len(parts(chart)["point"]) == 4
        assert "3 rows without a value are left out." in chart.description
        assert "trained adversary: 3 points" in chart.description
        assert "No point: uniform model, exact optimum." in chart.description

    def test_a_single_point(self, models):
        chart = draw(models[6:])
        assert len(parts(chart)["point"]) == 1
        assert "uniform model: 1 point at 0.05 across and 0.2 up, on the front." in chart.description

    def test_a_point_at_the_origin_alone(self, models):
        chart = draw(models[6:].assign(tvd=0, jsd=0))
        assert chart.to_dict()["encoding"]["x"]["scale"]["domain"] == [0, 0.5]

    @pytest.mark.slow
    def test_axes_start_at_zero_unless_a_value_is_negative(self, models):
        scales = draw(models).to_dict()["encoding"]
        assert scales["x"]["scale"]["domain"] == [0, pytest.approx(0.42)]
        models.loc[0, "jsd"] = -0.1
        assert draw(models).to_dict()["encoding"]["y"]["scale"]["domain"][0] < -0.1

    def test_a_dot_in_a_column_name_is_a_dot(self, models):
        frame = models.rename(columns=lambda name: name.replace("tvd", "tvd.x[0]"))
        given = dict(by="kind", curve=KINDS[0], order="λ", front=KINDS)
        chart = charts.trade_off(frame, "tvd.x[0]", "jsd", title="t", x_title="TVD", y_title="JSD", **given)
        assert parts(chart)["point"]["x"].tolist() == models["tvd"].tolist()
        assert chart.to_dict()["encoding"]["x"]["field"] == "x"

    @pytest.mark.slow
    def test_rows_may_share_their_index(self, models):
        index = np.zeros(len(models), dtype=int)
        assert parts(draw(models.set_index(index)))["point"].equals(parts(draw(models))["point"])


class TestCurve:
    @pytest.mark.slow
    def test_its_points_are_joined_in_their_order(self, models):
        chart = draw(models)
        (line,) = [layer for layer in mark(chart, "line") if "order" in layer["encoding"]]
        assert line["mark"]["color"] == COLOURS[0]
        points = parts(chart)["point"]
        assert line["encoding"]["order"]["field"] == "rank"
        assert points["rank"].dropna().tolist() == [4, 2, 3, 1]
        assert points["order"].tolist() == ["1", "0.001", "0.1", "0", "–", "–", "–"]
        tooltip = mark(chart, "point")[0]["encoding"]["tooltip"]
        assert {"field": "order", "title": "λ", "type": "nominal"} in tooltip
        assert "joined in the order of λ from 0 to 1," in chart.description

    @pytest.mark.slow
    def test_its_ends_are_named_on_the_chart(self, models):
        chart = draw(models)
        points = parts(chart)["point"]
        assert points["first"].tolist() == ["", "", "", "λ = 0", "", "", ""]
        assert points["last"].tolist() == ["λ = 1", "", "", "", "", "", ""]
        shown = {layer["encoding"]["text"]["field"]: layer["transform"] for layer in mark(chart, "text")}
        assert {name: steps[-1]["filter"] for name, steps in shown.items()} == {
            "first": "datum.first != ''",
            "last": "datum.last != ''",
        }
        # One point is no curve.
        alone = parts(draw(models[3:]))["point"]
        assert set(alone["first"]) == set(alone["last"]) == {""}

    def test_a_point_without_an_order_stays_off_it(self, models):
        models.loc[3, "λ"] = math.nan
        chart = draw(models)
        assert parts(chart)["point"]["rank"].count() == 3
        assert "4 points" in chart.description
        assert "from 0.001 to 1" in chart.description

    def test_without_one(self, models):
        chart = draw(models, curve="no kind")
        assert not any("order" in layer["encoding"] for layer in layers(chart))
        assert "joined" not in chart.description
        assert "No point: exact optimum, no kind." in chart.description

    def test_an_order_in_words_for_a_kind_without_a_point(self, models):
        chart = draw(models[4:].assign(λ=None))
        assert "No point: trained adversary, exact optimum." in chart.description

    def test_two_points_at_one_place_are_refused(self, models):
        models.loc[0, "λ"] = 0.1
        with pytest.raises(ValueError, match="λ 0.1 of trained adversary has several rows"):
            draw(models)
        both = pd.concat([models[1:].assign(data="a"), models[:1].assign(data="b")])
        assert parts(draw(both, facet="data"))["point"]["rank"].count() == 4


class TestIntervals:
    def test_they_are_drawn_where_there_are_any(self, models):
        chart = draw(models)
        (rule,) = mark(chart, "rule")
        assert rule["encoding"]["x"]["field"] == "x_low"
        points = parts(chart)["point"]
        np.testing.assert_array_equal(points["x_low"].astype(float), models["tvd_low"])
        np.testing.assert_array_equal(points["x_high"].astype(float), models["tvd_high"])
        assert points["x_interval"].tolist() == ["0.25 to 0.35", "0.01 to 0.03", *"–––––"]

    def test_both_ways(self, models):
        chart = draw(models.assign(jsd_low=models["jsd"] - 0.01, jsd_high=models["jsd"] + 0.01))
        assert {tuple(sorted(rule["encoding"])) for rule in mark(chart, "rule")} == {
            ("color", "tooltip", "x", "x2"),
            ("color", "tooltip", "y", "y2"),
        }

    def test_no_line_of_a_tooltip_hides_another(self, models):
        chart = draw(models.assign(jsd_low=0.0, jsd_high=0.6))
        titles = [line["title"] for line in mark(chart, "point")[0]["encoding"]["tooltip"]]
        assert titles == ["kind", "λ", "TVD", "TVD, range", "JSD", "JSD, range"]

    def test_no_layer_without_a_whole_one(self, models):
        assert not mark(draw(models.assign(tvd_high=math.nan)), "rule")

    def test_the_axis_holds_them(self, models):
        models.loc[0, "tvd_high"] = 0.8
        assert draw(models).to_dict()["encoding"]["x"]["scale"]["domain"][1] > 0.8


class TestFront:
    def test_it_is_the_pareto_front_as_steps(self, models):
        chart = draw(models)
        front = pareto_front(models["tvd"], models["jsd"])
        assert front.tolist() == [True, True, False, True, False, False, False]
        steps = parts(chart)[FRONT]
        assert steps["x"].tolist() == [0.01, 0.02, 0.3, pytest.approx(0.42)]
        assert steps["y"].tolist() == [0.05, 0.3, 0.6, 0.6]
        (line,) = [layer for layer in mark(chart, "line") if layer["mark"].get("interpolate")]
        assert line["mark"]["interpolate"] == "step-after"
        assert line["mark"]["color"] == GREY
        assert line["encoding"]["strokeDash"]["scale"]["domain"] == [FRONT]
        assert "from 0 to 1, 3 on the front." in chart.description
        assert "other seed: 2 points at 0.02 to 0.03 across and 0.1 to 0.12 up, none on the front." in (
            chart.description
        )

    def test_equal_points_are_one_corner(self, models):
        chart = draw(pd.concat([models, models[6:].assign(tvd=0.3, jsd=0.6)]))
        assert len(parts(chart)[FRONT]) == 4
        assert "uniform model: 2 points at 0.05 to 0.3 across and 0.2 to 0.6 up, 1 on the front." in (
            chart.description
        )

    def test_it_may_be_left_out(self, models):
        chart = draw(models, front=[])
        assert set(parts(chart)) == {"point"}
        assert "front" not in chart.description
        assert "strokeDash" not in json.dumps(chart.to_dict()["layer"])


class TestPanels:
    @pytest.fixture
    def both(self, models):
        return pd.concat([models.assign(data="sst"), models.assign(data="imdb", jsd=models["jsd"] / 2)[:5]])

    @pytest.mark.slow
    def test_each_has_its_own_front_and_words(self, both):
        chart = draw(both, facet="data")
        steps = parts(chart)[FRONT]
        assert steps.groupby("facet")["y"].max().to_dict() == {"imdb": 0.3, "sst": 0.6}
        assert "imdb, trained adversary: 4 points" in chart.description
        assert "imdb, uniform model" not in chart.description
        assert chart.to_dict()["facet"]["sort"] == ["imdb", "sst"]
        assert chart.to_dict()["columns"] == 2

    @pytest.mark.slow
    def test_panels_of_an_uneven_grid_have_their_own_axes(self, both):
        assert "resolve" not in draw(both, facet="data").to_dict()
        three = pd.concat([both, both[:1].assign(data="other")])
        assert draw(three, facet="data").to_dict()["resolve"]["axis"]["x"] == "independent"
        assert "resolve" not in draw(both[:7], facet="data").to_dict()

    def test_a_row_without_a_panel_is_left_out_and_said(self, both):
        both.iloc[0, both.columns.get_loc("data")] = None
        assert "1 rows without a value" in draw(both, facet="data").description


class TestRefusals:
    @pytest.mark.parametrize("column", ["tvd", "jsd", "kind", "λ", "tvd_high"])
    def test_a_missing_column(self, models, column):
        with pytest.raises(ValueError, match=f"no column {column}"):
            draw(models.drop(columns=column))

    def test_a_missing_column_of_panels(self, models):
        with pytest.raises(ValueError, match="no column elsewhere"):
            draw(models, facet="elsewhere")

    def test_nothing_to_draw(self, models):
        with pytest.raises(ValueError, match="nothing to draw"):
            draw(models.assign(tvd=math.nan))

    def test_more_than_six_kinds(self, models):
        with pytest.raises(ValueError, match="7 kinds in kind: draw at most 6"):
            draw(models.assign(kind=list("abcdefg")))


@pytest.mark.slow
def test_it_renders_with_image_and_words(models):
    panels = pd.concat([models.assign(data=name) for name in ("sst", "imdb", "20news")])
    for chart in (draw(models), draw(panels, facet="data"), draw(models[6:]), draw(models, front=[])):
        bundle = vegalite.render(chart.to_dict())
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert bundle["text/plain"] == chart.description


@pytest.mark.slow
def test_the_front_can_be_of_some_kinds_only(models):
    def fronts(kinds):
        points = parts(draw(models, front=kinds))["point"]
        return set(points.loc[points["front"], "x"])

    assert fronts(KINDS) == {0.01, 0.02, 0.3}
    assert fronts(KINDS[1:]) == {0.02, 0.03, 0.05}
    assert fronts(["another"]) == set()


def test_no_word_is_nan(models):
    words = draw(models).data.select_dtypes(exclude="number")
    assert not words.map(lambda value: isinstance(value, float)).any(axis=None)
