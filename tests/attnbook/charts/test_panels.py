"""Charts in panels: the marks are the numbers of the frame, and nothing is left out unsaid."""

import base64
import json

import numpy as np
import pandas as pd
import pytest

from attnbook import charts
from attnbook.charts import vegalite
from attnlib.tables.summaries import MAX_ATTENTION_LABELS

MODELS = ["bilstm", "average"]


@pytest.fixture
def frame():
    """Two data sets and encoders; of the last cell there is a published number only."""
    return pd.DataFrame(
        {
            "dataset": pd.Categorical(["b", "b", "a", "a"], ["b", "a", "unused"], ordered=True),
            "encoder": pd.Categorical(MODELS * 2, MODELS, ordered=True),
            "metric": "m",
            "value": [0.1, 0.2, 0.3, np.nan],
            "low": [0.05, 0.2, 0.25, np.nan],
            "high": [0.15, 0.2, 0.35, np.nan],
            "each": [(0.05, 0.15), (0.2,), (0.25, 0.35), np.nan],
            "published": [0.12, np.nan, 0.4, 0.5],
            "chance": [0.0, 0.01, np.nan, np.nan],
        }
    )


def marks(chart):
    """The rows of a chart's largest data set."""
    return pd.DataFrame(max(chart.to_dict()["datasets"].values(), key=len))


def of(table, source, column="x"):
    return table.loc[table["source"] == source, column].tolist()


def dots(frame, **options):
    return charts.dot_panels(
        frame, "dataset", by="encoder", panel="metric", title="t", x_title="τ", by_title="encoder", **options
    )


def bars(frame, **options):
    return charts.bar_panels(frame, "dataset", panel="encoder", title="t", x_title="τ", **options)


def row_labels(spec):
    """The widths at which names of rows are cut."""
    axes = [layer["encoding"].get("y", {}).get("axis", {}) for layer in spec["layer"]]
    return {axis["labelLimit"] for axis in axes if "labelLimit" in axis}


class TestDots:
    def test_ours_theirs_and_the_baseline_are_separate_marks(self, frame):
        found = marks(dots(frame, baseline=("chance", "shuffled")))
        assert of(found, "ours") == [0.1, 0.2, 0.3]
        assert of(found, "theirs") == [0.12, 0.4, 0.5]
        assert of(found, "shuffled") == [0, 0.01]
        assert of(found, "ours", "low") == [0.05, 0.2, 0.25]
        assert found.loc[found["source"] != "ours", "low"].isna().all()

    def test_without_published_numbers_and_ranges_a_frame_need_not_have_their_columns(self, frame):
        alone = dots(frame.drop(columns=["published", "low", "high"]))
        assert of(marks(alone), "ours") == [0.1, 0.2, 0.3]
        assert set(marks(alone)["source"]) == {"ours"}

    def test_the_legend_has_what_is_there(self, frame):
        assert '"domain": ["ours", "theirs"]' in json.dumps(dots(frame).to_dict())
        alone = json.dumps(dots(frame.assign(published=np.nan)).to_dict())
        assert '"domain": ["ours"]' in alone

    def test_rows_and_colours_keep_the_order_of_the_categories(self, frame):
        spec = json.dumps(dots(frame).to_dict())
        assert '"sort": ["b", "a"]' in spec
        assert '"domain": ["bilstm", "average"]' in spec

    def test_a_row_without_a_category_is_left_out_and_said(self, frame):
        frame.loc[0, "encoder"] = None
        chart = dots(frame)
        assert of(marks(chart), "ours") == [0.2, 0.3]
        assert "1 rows without a value" in chart.description

    def test_both_marks_share_the_axis_that_is_asked_for(self, frame):
        for options, expected in (
            ({}, None),
            ({"domain": (0, 1)}, {"domain": [0, 1], "nice": False}),
            ({"logarithmic": True}, {"type": "log"}),
        ):
            layers = dots(frame, **options).to_dict()["spec"]["layer"]
            assert [layer["encoding"]["x"].get("scale") for layer in layers] == [expected] * 2

    def test_the_words_are_the_means(self, frame):
        words = dots(frame).description
        assert "m, bilstm: mean of ours 0.20 over 2 rows, of theirs 0.26 over 2." in words
        assert "m, average: mean of ours 0.20 over 1 rows, of theirs 0.50 over 1." in words

    @pytest.mark.parametrize("draw", [dots, bars])
    def test_long_names_of_rows_are_not_cut_and_take_their_room_from_the_panels(self, frame, draw):
        long = frame.assign(dataset=frame["dataset"].cat.rename_categories(lambda name: name + 40 * "x"))
        plain, wide = (draw(each).to_dict()["spec"] for each in (frame, long))
        assert row_labels(plain) == {200}
        assert min(row_labels(wide)) > 6 * 40
        assert 0 < wide["width"] < plain["width"]


class TestBars:
    def test_every_seed_has_a_dot(self, frame):
        found = marks(bars(frame))
        assert of(found, "ours") == [0.1, 0.2, 0.3]
        assert of(found, "one seed") == [0.05, 0.15, 0.2, 0.25, 0.35]
        assert of(found, "theirs") == [0.12, 0.4, 0.5]

    def test_bars_are_ours_and_a_rule_is_the_mean_of_its_side(self, frame):
        spec = bars(frame).to_dict()
        (bar,) = [layer for layer in spec["spec"]["layer"] if layer["mark"]["type"] == "bar"]
        assert bar["transform"] == [{"filter": "(datum.source === 'ours')"}]
        (rule,) = [layer for layer in spec["spec"]["layer"] if layer["mark"]["type"] == "rule"]
        assert rule["encoding"]["x"]["aggregate"] == "mean"
        assert "dataset" not in json.dumps(rule["encoding"])

    def test_the_words_name_every_row(self, frame):
        words = bars(frame).description
        assert "average: mean of ours 0.20 over 1 rows, of theirs 0.50 over 1" in words
        assert "ours, in brackets theirs: b 0.20 (–), a – (0.50)." in words


@pytest.fixture
def quartiles():
    table = pd.DataFrame(
        {
            "dataset": ["a"] * 3,
            "place": pd.Categorical(["first class", "first class", "second class"]),
            "bin": [MAX_ATTENTION_LABELS[0], MAX_ATTENTION_LABELS[3], MAX_ATTENTION_LABELS[0]],
            "q25": [0.1, np.nan, 0.3],
            "q50": [0.2, np.nan, 0.4],
            "q75": [0.3, np.nan, 0.5],
            "n": [7, np.nan, 9],
        }
    )
    theirs = table[["q25", "q50", "q75"]].add_prefix("published_")
    theirs.iloc[1] = [0.6, 0.7, 0.8]
    return pd.concat([table, theirs], axis=1)


@pytest.fixture
def baselines():
    return pd.DataFrame(
        {"dataset": "a", "place": ["first class", "second class"], "name": "uniform", "value": [0.9, 0.95]}
    )


def boxes(quartiles, baselines, domain=(0, 1)):
    options = dict(by="place", panel="dataset", title="t", x_title="TVD", by_title="class", domain=domain)
    return charts.quartile_panels(quartiles, baselines, **options)


class TestQuartiles:
    def test_ours_stand_above_theirs_and_the_baseline_below_the_bins(self, quartiles, baselines):
        found = marks(boxes(quartiles, baselines))
        assert of(found, "ours", "q50") == [0.2, 0.4, 0.9, 0.95]
        assert of(found, "theirs", "q50") == [0.2, 0.7, 0.4]
        lowest_bin = found[found["bin"] == MAX_ATTENTION_LABELS[0]].sort_values("y")
        assert lowest_bin["source"].tolist() == ["ours", "theirs"] * 2
        assert lowest_bin["group"].tolist() == ["first class"] * 2 + ["second class"] * 2
        assert found.loc[found["bin"] == "uniform", "y"].min() > lowest_bin["y"].max()
        assert found.loc[found["bin"] == "uniform", "q25"].isna().all()

    def test_a_value_outside_the_axis_is_refused(self, quartiles, baselines):
        with pytest.raises(ValueError, match=r"values of q25 lie outside \[0, 0.5\]"):
            boxes(quartiles, baselines, (0, 0.5))
        quartiles.loc[2, "q75"] = 1.5
        with pytest.raises(ValueError, match=r"values of q75 lie outside \[0, 1\]"):
            boxes(quartiles, baselines)

    def test_the_words_are_the_medians(self, quartiles, baselines):
        words = boxes(quartiles, baselines).description
        assert "a, first class: medians of ours 0.20 to 0.20, of theirs 0.20 to 0.70." in words


@pytest.fixture
def steps():
    parts = {"first class": [0.5, 0.0, 0.5], "second class": [0.25, 0.75, 0.75]}
    return pd.concat(
        pd.DataFrame({"panel": "a", "place": place, "start": [0.0, 0.5, 1.0], "share": share})
        for place, share in parts.items()
    )


def histograms(steps, marked=None, **options):
    nothing = pd.DataFrame(columns=["panel", "place", "x", "source"])
    marked = nothing if marked is None else marked
    words = dict(title="t", x_title="τ", by_title="class")
    return charts.histogram_panels(
        steps, marked, by="place", panel="panel", domain=(0, 1), **words, **options
    )


class TestHistograms:
    def test_the_steps_are_those_of_the_frame(self, steps):
        found = marks(histograms(steps))
        pd.testing.assert_frame_equal(
            found[["start", "share"]], steps[["start", "share"]].reset_index(drop=True)
        )
        assert found["group"].tolist() == steps["place"].tolist()

    def test_marked_numbers_of_other_panels_are_no_marks(self, steps):
        marked = pd.DataFrame(
            {"panel": ["a", "b", "a"], "place": "first class", "x": [0.3, 0.4, np.nan], "source": "theirs"}
        )
        assert of(marks(histograms(steps, marked)), "theirs") == [0.3]

    def test_the_top_is_the_end_of_the_axis(self, steps):
        area = histograms(steps, top=0.3).to_dict()["spec"]["layer"][0]
        assert area["encoding"]["y"]["scale"]["domain"] == [0, 0.3]
        assert area["mark"]["clip"]


@pytest.fixture
def epochs():
    grid = [
        (v, m, e, t) for v in ("random", "corpus") for m in ("τ", "accuracy") for e in MODELS for t in (1, 2)
    ]
    table = pd.DataFrame(grid, columns=["vectors", "metric", "encoder", "epoch"])
    table["value"] = np.arange(len(table)) / 20
    table["published"] = table["metric"].map({"τ": 0.35})
    return table.assign(low=table["value"] - 0.01, high=table["value"] + 0.01, chance=0.0)


def lines(epochs):
    words = dict(title="t", x_title="epoch", y_title="mean", by_title="vectors")
    return charts.line_panels(
        epochs,
        "epoch",
        by="vectors",
        row="metric",
        column="encoder",
        baseline=("chance", "shuffled"),
        **words,
    )


class TestLines:
    @pytest.mark.slow
    def test_there_is_a_panel_per_row_and_column_in_order(self, epochs):
        spec = lines(epochs).to_dict()
        titles = [panel["title"]["text"] for panel in spec["concat"]]
        assert titles == ["accuracy, average", "accuracy, bilstm", "τ, average", "τ, bilstm"]
        values = spec["datasets"][spec["concat"][3]["layer"][0]["data"]["name"]]
        here = epochs[(epochs["metric"] == "τ") & (epochs["encoder"] == "bilstm")]
        assert [row["value"] for row in values] == here["value"].tolist()
        tooltip = spec["concat"][0]["layer"][0]["encoding"]["tooltip"]
        assert tooltip[0]["title"] == "vectors"

    @pytest.mark.slow
    def test_levels_are_drawn_where_they_are_known(self, epochs):
        spec = lines(epochs).to_dict()
        named = [
            [row["name"] for row in spec["datasets"][panel["layer"][-1]["data"]["name"]]]
            for panel in spec["concat"]
        ]
        assert named == [["shuffled"]] * 2 + [["theirs", "shuffled"]] * 2

    @pytest.mark.slow
    def test_panels_in_a_row_share_their_axis(self, epochs):
        domains = [
            panel["layer"][1]["encoding"]["y"]["scale"]["domain"]
            for panel in lines(epochs).to_dict()["concat"]
        ]
        assert domains[0] == domains[1] != domains[2] == domains[3]


@pytest.mark.slow
def test_every_chart_renders_with_image_and_words(frame, quartiles, baselines, steps, epochs):
    drawn = [dots(frame), bars(frame), boxes(quartiles, baselines), histograms(steps), lines(epochs)]
    for chart in drawn:
        bundle = vegalite.render(chart.to_dict())
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert bundle["text/plain"] == chart.description
