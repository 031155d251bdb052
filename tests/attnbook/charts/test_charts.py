"""Charts: the numbers in a specification are those of the frame, and a figure without words is refused."""

import json
import math
import re
from itertools import pairwise
from types import SimpleNamespace

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert

from attnbook import charts
from attnbook.charts import vegalite
from attnbook.charts.colours import BY_WORD
from attnbook.charts.frames import figure, legend
from tests.attnbook.charts.drawn import marks, renders

WORDS = {"title": "t", "x_title": "x", "y_title": "y"}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 300
    numbers = {"tau": rng.uniform(-1, 1, n), "jsd": rng.uniform(0, 0.69, n)}
    return pd.DataFrame(numbers).assign(
        predicted=rng.choice(["negative", "positive"], n),
        max_attention=rng.uniform(0, 1, n),
        method=np.where(np.arange(n) % 2, "search", "exact"),
    )


def ecdf(frame, domain=(-1, 1), **options):
    return charts.ecdf(frame, "tau", title="t", x_title="τ", domain=domain, **options)


def violins(frame, **options):
    named = {"title": "t", "x_title": "JSD", "domain": (0, 0.7)}
    return charts.violins_by_max_attention(frame, "jsd", **named, **options)


def scatter(frame, x="tau"):
    return charts.scatter(frame, x, "jsd", **WORDS)


class TestDistribution:
    def test_shares_are_those_of_the_texts_at_or_below(self, frame):
        found = marks(ecdf(frame))
        for name, part in frame.groupby("predicted"):
            line = found[found["group"] == name]
            expected = [(part["tau"] <= x).mean() for x in np.linspace(-1, 1, 201)]
            np.testing.assert_allclose(line["share"], expected, atol=1e-4)

    def test_every_panel_and_group_ends_at_one_and_has_its_ticks(self, frame):
        chart = ecdf(frame, facet="method")
        shares = marks(chart).groupby(["facet", "group"])["share"].max()
        assert set(shares.index.get_level_values("facet")) == {"search", "exact"}
        assert (shares == 1).all()
        assert chart.to_dict()["resolve"]["axis"]["x"] == "independent"

    def test_the_ends_of_the_domain_belong_to_it_and_what_is_missing_is_left_out_and_said(self, frame):
        frame.loc[0, "tau"], frame.loc[1, "tau"], frame.loc[2:6, "tau"] = -1, 1 + 1e-9, math.nan
        chart = ecdf(frame)
        line = marks(chart)
        assert set(line.loc[line["x"] == 1, "share"]) == {1}
        assert chart.description == "t; 5 rows without a value left out"

    def test_what_cannot_be_drawn_is_refused(self, frame):
        with pytest.raises(ValueError, match=r"values of tau lie outside \[0, 1\]"):
            ecdf(frame, domain=(0, 1))
        with pytest.raises(ValueError, match="no column tau"):
            ecdf(frame.drop(columns="tau"))

    def test_many_classes_become_one_group(self, frame):
        chart = ecdf(frame.assign(predicted=np.arange(len(frame)) % 20))
        assert set(marks(chart)["group"]) == {"all texts"}


@pytest.mark.slow
def test_a_class_keeps_its_colour_when_another_is_absent(frame):
    frame["predicted"] = pd.Categorical(frame["predicted"], ["negative", "positive"])
    for chart in (ecdf(frame[frame["predicted"] == "positive"]), violins(frame), scatter(frame)):
        _, after = json.dumps(chart.to_dict()).split('"color": {"field": "group"', 1)
        scale = {"domain": ["negative", "positive"], "range": [BY_WORD["negative"], BY_WORD["positive"]]}
        assert after.split('"scale": ', 1)[1].startswith(json.dumps(scale))


class TestViolins:
    def test_texts_are_counted_in_their_bin(self, frame):
        frame["max_attention"] = np.resize([0, 0.2499, 0.25, 0.5, 0.75, 1], len(frame))
        found = marks(violins(frame.assign(predicted="a")))
        count = found[found["kind"] == "count"].set_index("bin")["n"]
        assert count.to_dict() == {"[0, .25)": 100, "[.25, .5)": 50, "[.5, .75)": 50, "[.75, 1]": 100}

    def test_quartiles_are_numpys_and_the_density_stays_in_the_domain(self, frame):
        found = marks(violins(frame.assign(max_attention=0.1, predicted="a")))
        quartiles = found[found["kind"] == "quartile"].iloc[0][["q25", "x", "q75"]].astype(float)
        np.testing.assert_allclose(quartiles, np.quantile(frame["jsd"], [0.25, 0.5, 0.75]), atol=1e-4)
        density = found[found["kind"] == "density"]
        assert density["x"].between(0, 0.7).all()
        np.testing.assert_allclose(density["low"] + density["high"], 0, atol=1e-3)

    @pytest.mark.parametrize("values", [[0.1, 0.2, 0.3, 0.4], [0.3] * 50])
    def test_few_or_equal_values_are_shown_as_points(self, values):
        found = marks(violins(pd.DataFrame({"jsd": values, "max_attention": 0.5, "predicted": "a"})))
        assert set(found["kind"]) == {"point", "count"}
        assert found.loc[found["kind"] == "point", "x"].tolist() == sorted(set(values))

    @pytest.mark.slow
    def test_never_more_rows_than_altair_allows(self, frame):
        many = frame.assign(predicted=np.arange(300) % 6, method=np.arange(300) // 75)
        assert len(marks(violins(many, facet="method"))) <= 5000


class TestScatter:
    def test_points_up_to_2000_texts_and_counts_above(self, frame):
        chart = scatter(frame)
        assert len(marks(chart)) == len(frame)
        counted = marks(scatter(pd.concat([frame] * 10)))
        assert len(counted) <= 48 * 48
        assert counted["count"].sum() == 10 * len(frame)

    def test_a_dot_in_a_column_name_is_a_dot(self, frame):
        spec = scatter(frame.rename(columns={"tau": "tau.b"}), "tau.b").to_dict()
        assert spec["layer"][0]["encoding"]["x"]["field"] == "tau\\.b"


def intervals(**columns):
    cells = {"encoder": ["a", "b"], "value": [0.2, 0.4], "low": [0.1, None], "high": [0.3, None]}
    options = {name: columns.pop(name) for name in ("bound", "group", "points") if name in columns}
    return charts.intervals(pd.DataFrame(cells | columns), "encoder", title="t", x_title="τ", **options)


class TestIntervals:
    def test_ours_the_papers_number_and_the_bound_are_separate_marks(self):
        found = marks(intervals(published=[0.25, None], least=[0, 0.5], bound="least"))
        assert found["source"].tolist() == ["ours", "ours", "published", "bound", "bound"]
        assert found["value"].tolist() == [0.2, 0.4, 0.25, 0, 0.5]
        alone = intervals()
        assert set(marks(alone)["source"]) == {"ours"}
        assert alone.description == "t"

    def test_data_sets_are_rings_in_the_row_and_colour_of_their_mean(self):
        points = pd.DataFrame({"encoder": ["a", "a", "b"], "value": [0.1, 0.3, 0.4]})
        found = marks(intervals(verdict=["holds", "open"], group="verdict", points=points))
        rings = found[found["source"] == "one data set"]
        assert rings["value"].tolist() == [0.1, 0.3, 0.4]
        assert rings["row"].tolist() == ["a", "a", "b"]
        assert rings["group"].tolist() == ["holds", "holds", "open"]

    def test_rows_keep_their_order_and_are_split_only_where_there_are_several_groups(self):
        spec = intervals(encoder=["b", "a"], verdict=["holds", "open"], group="verdict").to_dict()
        encoding = spec["layer"][0]["encoding"]
        assert encoding["y"]["sort"] == ["b", "a"]
        assert "yOffset" not in encoding
        both = intervals(encoder=["a", "a"], verdict=["holds", "open"], group="verdict").to_dict()
        assert "yOffset" in both["layer"][0]["encoding"]


class TestByEpoch:
    @staticmethod
    def chart(intervals=False, by="pair", **options):
        frame = pd.DataFrame({"epoch": [1, 2, 3] * 2, "tau": [0.1, 0.2, 0.3, 0.5, 0.4, None]})
        frame["pair"] = ["a"] * 3 + ["b"] * 3
        if intervals:
            frame = frame.assign(low=frame["tau"] - 0.05, high=frame["tau"] + 0.05)
        return charts.by_epoch(frame, "tau", by=by, title="t", y_title="τ", **options)

    def test_a_line_per_group_and_intervals_where_there_are_any(self):
        found = marks(self.chart(intervals=True))
        assert found[found["group"] == "b"]["value"].tolist() == [0.5, 0.4]
        np.testing.assert_allclose(found["high"] - found["low"], 0.1)
        assert marks(self.chart())["low"].isna().all()

    def test_the_selected_epoch_is_marked_and_the_axis_has_whole_epochs_only(self):
        chart = self.chart(selected=2)
        assert "1 rows without a value" in chart.description
        assert '"selected"' in json.dumps(chart.to_dict()["datasets"])
        assert chart.to_dict()["layer"][0]["encoding"]["x"]["axis"]["values"] == [1, 2, 3]

    def test_several_rows_for_one_epoch_of_a_line_are_refused(self):
        with pytest.raises(ValueError, match="epoch 1 of all texts has several rows"):
            self.chart(by=None)


class TestHeatmap:
    def test_tokens_keep_their_order_and_wrap(self):
        found = marks(charts.heatmap(["word"] * 40, {"a": [1 / 40] * 40}, title="t"))
        assert (found["right"] <= 91).all()
        assert found["line"].nunique() == 3
        assert found["position"].tolist() == list(range(40))

    @pytest.mark.parametrize(
        ("tokens", "seen"),
        [
            (["a", "word"], ["a", "word"]),
            (["不", "可思议", "的", "😍😍😍", "e\u0301te\u0301"] * 9, None),
            (["שלום", ",", "עולם", "!"], ["!", "עולם", ",", "שלום"]),
            (["مرحبا", "BERT", "2019", "model", "نص"], ["نص", "BERT", "2019", "model", "مرحبا"]),
            (["he", "said", "שלום", "עולם", "."], ["he", "said", "עולם", "שלום", "."]),
            (["...", "א"], ["א", "..."]),
            (["שלום"] * 40, None),
        ],
    )
    def test_no_token_covers_another_and_each_reads_from_its_side(self, tokens, seen):
        found = marks(charts.heatmap(tokens, {"a": np.ones(len(tokens))}, title="t"))
        assert found["left"].min() >= -0.5
        assert found["right"].max() <= 90.5
        for _, line in found.sort_values("left").groupby("line"):
            assert (line["left"].to_numpy()[1:] > line["right"].to_numpy()[:-1]).all()
            assert seen is None or line["token"].tolist() == seen

    @pytest.mark.parametrize(
        ("token", "cells"), [("word", 4), ("中文", 4), ("😍", 2), ("e\u0301", 1), ("ｆ", 2), ("\u0301", 1)]
    )
    def test_a_wide_letter_takes_two_cells_and_a_sign_on_another_none(self, token, cells):
        found = marks(charts.heatmap([token], {"a": [1.0]}, title="t"))
        assert (found["right"] - found["left"]).item() == pytest.approx(cells + 0.8)

    def test_rows_stand_one_below_the_other_with_weights_in_one_hue(self):
        rows = {"model": [0.2, 0.8], "search": [1, 0], "exact optimum": [0, 1]}
        chart = charts.heatmap(["not", "bad"], rows, title="t")
        assert marks(chart).groupby("block", sort=False)["line"].first().is_monotonic_increasing
        colour = chart.to_dict()["layer"][0]["encoding"]["color"]["scale"]
        assert colour == {"domain": [0, 1], "range": ["rgba(213,94,0,0)", "rgba(213,94,0,1)"]} | {
            "interpolate": "rgb"
        }

    @pytest.mark.parametrize(
        ("weights", "message"),
        [({}, "at least one"), ({"a": [1.0]}, "2 tokens"), ({"a": [1.0, math.nan]}, "non-finite")],
    )
    def test_bad_weights_are_refused(self, weights, message):
        with pytest.raises(ValueError, match=message):
            charts.heatmap(["a", "b"], weights, title="t")


@pytest.mark.slow
def test_every_chart_renders_with_image_and_words(frame):
    for chart in (
        ecdf(frame, facet="method"),
        violins(frame, facet="method"),
        scatter(frame),
        scatter(pd.concat([frame] * 10)),
        intervals(published=[0.25, None]),
        TestByEpoch.chart(intervals=True, selected=2),
        charts.heatmap(["not", "</script>"], {"a": [0.2, 0.8]}, title="t"),
    ):
        renders(chart)


@pytest.mark.slow
def test_an_open_jupyterlab_gets_the_type_it_draws(frame, monkeypatch):
    spec = ecdf(frame).to_dict()
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert vegalite.LAB_MIME not in vegalite.render(spec)
    monkeypatch.setenv("JPY_SESSION_NAME", "notebook.ipynb")
    assert vegalite.render(spec)[vegalite.LAB_MIME]["$schema"].endswith("v5.json")


def test_a_legend_has_as_many_names_in_a_row_as_fit_and_cuts_none_short():
    short = ["random", "attention", "gradient"]
    long = [*short, "attention × gradient", "input × gradient", "integrated gradients, released"]
    found = legend(long, room=560).to_dict()
    # Three columns are 20, 16 and 30 letters wide and fit into 560 pixels; four do not.
    assert (legend(short).to_dict()["columns"], found["columns"]) == (3, 3)
    assert found["labelLimit"] >= 30 * 6.2
    assert [legend(names, room=100).to_dict()["columns"] for names in (long, [])] == [1, 0]


def test_the_text_of_a_chart_is_its_title_and_never_long():
    blank = alt.Chart()
    assert figure(blank, "what it shows").description == "what it shows"
    long = figure(blank, "word " * 60, missing=7)
    assert len(long.description) <= 160
    assert long.description.endswith("… ; 7 rows without a value left out".replace("… ;", "…;"))


def test_a_chart_without_words_is_refused():
    spec = {"mark": "point", "data": {"values": []}}
    for missing, given in (("title", spec), ("description", spec | {"title": "t"})):
        with pytest.raises(ValueError, match=f"no {missing}"):
            vegalite.render(given)


@pytest.mark.slow
def test_enable_sets_renderer_and_theme(frame):
    before = alt.renderers.active, alt.theme.active
    try:
        charts.enable()
        # The page that draws the chart decides on the colours of text and background.
        assert "background" not in ecdf(frame)._repr_mimebundle_()[vegalite.MIME]["config"]
    finally:
        alt.renderers.enable(before[0])
        alt.theme.enable(before[1])


@pytest.mark.parametrize("width", [100, 170, 260, 560])
def test_labels_of_a_logarithmic_axis_do_not_touch(width):
    points = pd.DataFrame({"value": [1, 5, 20, 100]})
    chart = alt.Chart(points, width=width).mark_point().encode(x=alt.X("value").scale(type="log"))
    spec = chart.to_dict() | {"config": vegalite.theme()["config"]}
    svg = vl_convert.vegalite_to_svg(spec, vl_version=vegalite.VEGALITE_VERSION)
    labels = re.findall(r'translate\(([\d.]+),16\)"[^>]*opacity="1">([\d,]+)<', svg)
    ends = [(float(at) - 3.5 * len(text), float(at) + 3.5 * len(text)) for at, text in labels]
    assert len(labels) >= 5
    assert all(before[1] + 2 <= after[0] for before, after in pairwise(ends))


def test_a_page_of_the_book_holds_image_words_and_specification_and_leaves_other_outputs(frame):
    def nodes(inline=False, mime=vegalite.MIME):
        data = SimpleNamespace(mime_type=mime, content=ecdf(frame).to_dict())
        return vegalite.VegaLiteMime.handle_mime(SimpleNamespace(renderer=None), data, inline)

    (node,) = nodes()
    assert 'src="data:image/svg+xml' in node.astext()
    assert node.astext().count('aria-label="t"') == 1
    source = node.astext().split('<script type="application/json">')[1].split("</script>")[0]
    assert "title" not in json.loads(source)  # it is the caption
    assert "<figcaption>t</figcaption>" in node.astext()
    assert nodes(inline=True) is nodes(mime="text/plain") is None


@pytest.mark.slow
def test_the_line_under_a_chart_says_where_it_comes_from(frame):
    source = 'notebooks/a.py vectors=<b>&"c"'
    bundle = vegalite.render(ecdf(frame).to_dict(), source=source)
    assert bundle["text/plain"].endswith(source)
    page = vegalite.figure_html(bundle[vegalite.MIME])
    assert '<p class="chart-origin">notebooks/a.py vectors=&lt;b&gt;&amp;&quot;c&quot;</p>' in page
    assert "chart-origin" not in vegalite.figure_html(ecdf(frame).to_dict())


def test_growth_draws_one_panel_per_kernel_beside_the_expected_line():
    times = pd.DataFrame({"x": [1, 10, 100] * 2, "s": [1.0, 2, 20, 1, 3, 30], "kernel": [*"aaabbb"]})
    chart = charts.growth(times.assign(expected=times["x"] / 5), "x", "s", by="kernel", **WORDS)
    lines = marks(chart)
    assert set(lines["line"]) == {"measured", "expected slope"}
    assert lines[lines["line"] == "measured"]["value"].tolist() == times["s"].tolist()
    assert chart.to_dict()["spec"]["encoding"]["x"]["scale"]["type"] == "log"


def test_ratios_mark_the_target_where_there_is_one():
    table = pd.DataFrame({"kernel": ["a", "b"], "ratio": [5.0, 80], "size": "x", "target": [10.0, None]})
    named = {"by": "size", "target": "target", "title": "t", "x_title": "times faster"}
    chart = charts.ratios(table, "kernel", "ratio", **named)
    assert marks(chart)["ratio"].tolist() == [5, 80]
    assert len(chart.to_dict()["layer"]) == 2


def test_verdicts_stack_the_counts_in_the_order_given():
    counts = pd.DataFrame({"dataset": ["z", "a"], "holds": [3, 0], "differs": [1, 0], "not run": [0, 7]})
    kinds = ["holds", "differs", "not run"]
    chart = charts.verdicts(counts, "dataset", kinds, title="t", x_title="cells")
    found = marks(chart).pivot_table(index="dataset", columns="group", values="cells")
    assert found.loc[["z", "a"], kinds].to_numpy().tolist() == [[3, 1, 0], [0, 0, 7]]
    assert chart.to_dict()["encoding"]["y"]["sort"] == ["z", "a"]
