"""Charts in panels: the marks are the numbers of the frame, and nothing is left out unsaid."""

import json

import numpy as np
import pandas as pd
import pytest

from attnbook import charts
from attnlib.tables.summaries import MAX_ATTENTION_LABELS
from tests.attnbook.charts.drawn import marks, renders

MODELS = ["bilstm", "average"]


@pytest.fixture
def frame():
    """Two data sets and encoders; of the last cell there is a published number only."""
    rows = [
        ("b", "bilstm", 0.1, 0.05, 0.15, (0.05, 0.15), 0.12),
        ("b", "average", 0.2, 0.2, 0.2, (0.2,), np.nan),
        ("a", "bilstm", 0.3, 0.25, 0.35, (0.25, 0.35), 0.4),
        ("a", "average", np.nan, np.nan, np.nan, np.nan, 0.5),
    ]
    names = ["dataset", "encoder", "value", "low", "high", "each", "published"]
    table = pd.DataFrame(rows, columns=names)
    dataset = pd.Categorical(table["dataset"], ["b", "a", "unused"], ordered=True)
    encoder = pd.Categorical(table["encoder"], MODELS, ordered=True)
    return table.assign(dataset=dataset, encoder=encoder, metric="m")


def of(table, source, column="x"):
    return table.loc[table["source"] == source, column].tolist()


def dots(frame, **options):
    words = {"title": "t", "x_title": "τ", "by_title": "encoder"}
    return charts.dot_panels(frame, "dataset", by="encoder", panel="metric", **words, **options)


def row_labels(spec):
    """The widths at which names of rows are cut."""
    axes = [layer["encoding"].get("y", {}).get("axis", {}) for layer in spec["layer"]]
    return {axis["labelLimit"] for axis in axes if "labelLimit" in axis}


class TestDots:
    def test_ours_and_theirs_are_separate_marks(self, frame):
        found = marks(dots(frame))
        assert of(found, "ours") == [0.1, 0.2, 0.3]
        assert of(found, "theirs") == [0.12, 0.4, 0.5]
        assert of(found, "ours", "low") == [0.05, 0.2, 0.25]
        assert found.loc[found["source"] != "ours", "low"].isna().all()

    def test_without_published_numbers_and_ranges_a_frame_need_not_have_their_columns(self, frame):
        alone = dots(frame.drop(columns=["published", "low", "high"]))
        assert of(marks(alone), "ours") == [0.1, 0.2, 0.3]
        assert set(marks(alone)["source"]) == {"ours"}

    def test_the_legend_has_what_is_there_and_orders_are_those_of_the_categories(self, frame):
        spec = json.dumps(dots(frame).to_dict())
        for order in (
            '"domain": ["ours", "theirs"]',
            '"sort": ["b", "a"]',
            '"domain": ["bilstm", "average"]',
        ):
            assert order in spec
        assert '"domain": ["ours"]' in json.dumps(dots(frame.assign(published=np.nan)).to_dict())

    def test_a_row_without_a_category_is_left_out_and_said(self, frame):
        frame.loc[0, "encoder"] = None
        chart = dots(frame)
        assert of(marks(chart), "ours") == [0.2, 0.3]
        assert "1 rows without a value" in chart.description

    @pytest.mark.parametrize(
        ("options", "scale"),
        [
            ({}, None),
            ({"domain": (0, 1)}, {"domain": [0, 1], "nice": False}),
            ({"logarithmic": True}, {"type": "log"}),
        ],
    )
    def test_both_marks_share_the_axis_that_is_asked_for(self, frame, options, scale):
        layers = dots(frame, **options).to_dict()["spec"]["layer"]
        assert [layer["encoding"]["x"].get("scale") for layer in layers] == [scale] * 2

    def test_without_groups_there_is_one_dot_a_row_and_no_legend(self, frame):
        chart = charts.dot_panels(frame, "dataset", panel="encoder", title="t", x_title="τ")
        assert set(marks(chart)["group"]) == {"all texts"}
        assert of(marks(chart), "ours") == [0.1, 0.2, 0.3]
        assert chart.to_dict()["spec"]["layer"][0]["encoding"]["color"]["legend"] is None

    def test_long_names_of_rows_are_not_cut_and_take_their_room_from_the_panels(self, frame):
        long = frame.assign(dataset=frame["dataset"].cat.rename_categories(lambda name: name + 40 * "x"))
        plain, wide = (dots(each).to_dict()["spec"] for each in (frame, long))
        assert row_labels(plain) == {60}
        assert min(row_labels(wide)) > 6 * 40
        assert 0 < wide["width"] < plain["width"]


@pytest.fixture
def quartiles():
    rows = [
        ("first class", MAX_ATTENTION_LABELS[0], 0.1, 0.2, 0.3, 7),
        ("first class", MAX_ATTENTION_LABELS[3], np.nan, np.nan, np.nan, np.nan),
        ("second class", MAX_ATTENTION_LABELS[0], 0.3, 0.4, 0.5, 9),
    ]
    table = pd.DataFrame(rows, columns=["place", "bin", "q25", "q50", "q75", "n"])
    table = table.assign(dataset="a", place=table["place"].astype("category"))
    theirs = table[["q25", "q50", "q75"]].add_prefix("published_")
    theirs.iloc[1] = [0.6, 0.7, 0.8]
    return pd.concat([table, theirs], axis=1)


def boxes(quartiles, domain=(0, 1)):
    baselines = pd.DataFrame({"place": ["first class", "second class"], "value": [0.9, 0.95]})
    options = dict(by="place", panel="dataset", title="t", x_title="TVD", by_title="class", domain=domain)
    return charts.quartile_panels(quartiles, baselines.assign(dataset="a", name="uniform"), **options)


class TestQuartiles:
    def test_ours_stand_above_theirs_and_the_baseline_below_the_bins(self, quartiles):
        chart = boxes(quartiles)
        found = marks(chart)
        assert of(found, "ours", "q50") == [0.2, 0.4, 0.9, 0.95]
        assert of(found, "theirs", "q50") == [0.2, 0.7, 0.4]
        lowest_bin = found[found["bin"] == MAX_ATTENTION_LABELS[0]].sort_values("y")
        assert lowest_bin["source"].tolist() == ["ours", "theirs"] * 2
        assert lowest_bin["group"].tolist() == ["first class"] * 2 + ["second class"] * 2
        assert found.loc[found["bin"] == "uniform", "y"].min() > lowest_bin["y"].max()
        assert found.loc[found["bin"] == "uniform", "q25"].isna().all()

    def test_a_value_outside_the_axis_is_refused(self, quartiles):
        with pytest.raises(ValueError, match=r"values of q25 lie outside \[0, 0.5\]"):
            boxes(quartiles, (0, 0.5))
        quartiles.loc[2, "q75"] = 1.5
        with pytest.raises(ValueError, match=r"values of q75 lie outside \[0, 1\]"):
            boxes(quartiles)


@pytest.fixture
def epochs():
    names = ["vectors", "metric", "encoder", "epoch"]
    grid = pd.MultiIndex.from_product([["random", "corpus"], ["τ", "accuracy"], MODELS, [1, 2]], names=names)
    table = grid.to_frame(index=False)
    table["value"] = np.arange(len(table)) / 20
    table["published"] = table["metric"].map({"τ": 0.35})
    return table.assign(low=table["value"] - 0.01, high=table["value"] + 0.01)


def lines(epochs):
    named = dict(by="vectors", row="metric", column="encoder")
    words = dict(title="t", x_title="epoch", y_title="mean", by_title="vectors")
    return charts.line_panels(epochs, "epoch", **named, **words)


def test_without_columns_for_panels_there_is_one(frame, epochs):
    words = {"title": "t", "x_title": "x"}
    assert "facet" not in charts.dot_panels(frame, "dataset", **words).to_dict()
    few = epochs[(epochs["metric"] == "τ") & (epochs["encoder"] == "bilstm")]
    lines = charts.line_panels(few, "epoch", by="vectors", y_title="y", by_title="v", **words)
    (panel,) = lines.to_dict()["concat"]
    assert panel["title"]["text"] == ""


@pytest.mark.slow
def test_lines_have_a_panel_per_row_and_column_in_order_and_levels_where_they_are_known(epochs):
    spec = lines(epochs).to_dict()
    panels = spec["concat"]
    titles = [panel["title"]["text"] for panel in panels]
    assert titles == ["accuracy, average", "accuracy, bilstm", "τ, average", "τ, bilstm"]
    values = spec["datasets"][panels[3]["layer"][0]["data"]["name"]]
    here = epochs[(epochs["metric"] == "τ") & (epochs["encoder"] == "bilstm")]
    assert [row["value"] for row in values] == here["value"].tolist()
    assert panels[0]["layer"][0]["encoding"]["tooltip"][2]["title"] == "vectors"
    levels = [panel["layer"][2:] and spec["datasets"][panel["layer"][-1]["data"]["name"]] for panel in panels]
    assert levels == [[]] * 2 + [[{"name": "theirs", "value": 0.35}]] * 2
    # All panels have one scale.
    scales = [panel["layer"][1]["encoding"]["y"]["scale"]["domain"] for panel in panels]
    assert all(scale == scales[0] for scale in scales)


@pytest.mark.slow
def test_every_chart_renders_with_image_and_words(frame, quartiles, epochs):
    for chart in (dots(frame), boxes(quartiles), lines(epochs)):
        renders(chart)
