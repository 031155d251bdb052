"""Charts: the numbers in a specification are those of the frame, and a figure without words is refused."""

import base64
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
from attnbook.charts.frames import COLOURS, legend


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 300
    return pd.DataFrame(
        {
            "text": [f"text {i}" for i in range(n)],
            "predicted": rng.choice(["negative", "positive"], n),
            "max_attention": rng.uniform(0, 1, n),
            "tau": rng.uniform(-1, 1, n),
            "jsd": rng.uniform(0, 0.69, n),
            "method": np.where(np.arange(n) % 2, "search", "exact"),
        }
    )


def rows(chart):
    """Return the rows of a chart's largest data set."""
    return max(chart.to_dict()["datasets"].values(), key=len)


def histogram(frame, **options):
    return charts.histogram(frame, "tau", **{"title": "t", "x_title": "τ", "domain": (-1, 1)} | options)


def violins(frame, **options):
    return charts.violins_by_max_attention(
        frame, "jsd", **{"title": "t", "x_title": "JSD", "domain": (0, 0.7)} | options
    )


def scatter(frame, **options):
    return charts.scatter(frame, "tau", "jsd", **{"title": "t", "x_title": "τ", "y_title": "JSD"} | options)


class TestHistogram:
    def test_counts_are_numpys(self, frame):
        found = pd.DataFrame(rows(histogram(frame, bins=10)))
        for name, part in frame.groupby("predicted"):
            expected, _ = np.histogram(part["tau"], 10, (-1, 1))
            bins = found[found["group"] == name]
            assert bins["count"].tolist() == expected[expected > 0].tolist()
            assert bins["share"].sum() == pytest.approx(1)

    def test_facets_are_normalised_each(self, frame):
        found = pd.DataFrame(rows(histogram(frame, facet="method")))
        assert set(found["facet"]) == {"search", "exact"}
        np.testing.assert_allclose(found.groupby(["facet", "group"])["share"].sum(), 1)

    def test_the_ends_of_the_domain_belong_to_it(self, frame):
        frame.loc[0, "tau"], frame.loc[1, "tau"] = -1, 1 + 1e-9
        assert sum(row["count"] for row in rows(histogram(frame))) == len(frame)

    def test_a_value_outside_the_domain_is_refused(self, frame):
        with pytest.raises(ValueError, match=r"values of tau lie outside \[0, 1\]"):
            histogram(frame, domain=(0, 1))

    def test_missing_values_are_left_out_and_said(self, frame):
        frame.loc[:4, "tau"] = math.nan
        chart = histogram(frame)
        assert sum(row["count"] for row in rows(chart)) == len(frame) - 5
        assert "5 rows without a value" in chart.description

    def test_nothing_to_draw_is_refused(self, frame):
        with pytest.raises(ValueError, match="nothing to draw"):
            histogram(frame.assign(tau=math.nan))
        with pytest.raises(ValueError, match="no column tau"):
            histogram(frame.drop(columns="tau"))

    def test_many_classes_become_one_group(self, frame):
        chart = histogram(frame.assign(predicted=np.arange(len(frame)) % 20))
        assert {row["group"] for row in rows(chart)} == {"all texts"}


def colour_scale(chart):
    spec = json.dumps(chart.to_dict())
    decoder = json.JSONDecoder()
    at = spec.index('"color": {"field": "group"')
    return decoder.raw_decode(spec, at + len('"color": '))[0]["scale"]


@pytest.mark.slow
def test_a_class_keeps_its_colour_when_another_is_absent(frame):
    frame["predicted"] = pd.Categorical(frame["predicted"], ["negative", "positive"])
    for chart in (histogram(frame[frame["predicted"] == "positive"]), violins(frame), scatter(frame)):
        assert colour_scale(chart) == {"domain": ["negative", "positive"], "range": list(COLOURS[:2])}


class TestViolins:
    def test_texts_are_counted_in_their_bin(self, frame):
        frame["max_attention"] = np.resize([0, 0.2499, 0.25, 0.5, 0.75, 1], len(frame))
        found = pd.DataFrame(rows(violins(frame.assign(predicted="a"))))
        count = found[found["kind"] == "count"].set_index("bin")["n"]
        assert count.to_dict() == {"[0, .25)": 100, "[.25, .5)": 50, "[.5, .75)": 50, "[.75, 1]": 100}

    def test_quartiles_are_numpys_and_the_density_stays_in_the_domain(self, frame):
        found = pd.DataFrame(rows(violins(frame.assign(max_attention=0.1, predicted="a"))))
        quartiles = found[found["kind"] == "quartile"].iloc[0]
        np.testing.assert_allclose(
            quartiles[["q25", "x", "q75"]].astype(float),
            np.quantile(frame["jsd"], [0.25, 0.5, 0.75]),
            atol=1e-4,
        )
        density = found[found["kind"] == "density"]
        assert density["x"].between(0, 0.7).all()
        np.testing.assert_allclose(density["low"] + density["high"], 0, atol=1e-3)

    @pytest.mark.parametrize("values", [[0.1, 0.2, 0.3, 0.4], [0.3] * 50])
    def test_few_or_equal_values_are_shown_as_points(self, values):
        frame = pd.DataFrame({"jsd": values, "max_attention": 0.5, "predicted": "a"})
        found = pd.DataFrame(rows(violins(frame)))
        assert set(found["kind"]) == {"point", "count"}
        assert found.loc[found["kind"] == "point", "x"].tolist() == sorted(set(values))

    @pytest.mark.slow
    def test_never_more_rows_than_altair_allows(self, frame):
        frame["predicted"] = np.arange(len(frame)) % 6
        frame["method"] = np.arange(len(frame)) // 75
        assert len(rows(violins(frame, facet="method"))) <= 5000


class TestScatter:
    def test_points_up_to_2000_texts(self, frame):
        chart = scatter(frame)
        assert len(rows(chart)) == len(frame)
        correlation = frame["tau"].corr(frame["jsd"])
        assert f"Pearson correlation {correlation:.2f}." in chart.description

    def test_counts_above(self, frame):
        found = rows(scatter(pd.concat([frame] * 10)))
        assert len(found) <= 48 * 48
        assert sum(row["count"] for row in found) == 10 * len(frame)

    def test_a_dot_in_a_column_name_is_a_dot(self, frame):
        spec = charts.scatter(
            frame.rename(columns={"tau": "tau.b"}), "tau.b", "jsd", title="t", x_title="x", y_title="y"
        ).to_dict()
        assert spec["layer"][0]["encoding"]["x"]["field"] == "tau\\.b"


class TestDotIntervals:
    def chart(self, **columns):
        frame = pd.DataFrame(
            {"encoder": ["a", "b"], "value": [0.2, 0.4], "low": [0.1, None], "high": [0.3, None]}
        )
        return charts.dot_intervals(frame.assign(**columns), "encoder", title="t", x_title="τ")

    def test_ours_and_the_papers_number_are_separate_marks(self):
        found = pd.DataFrame(rows(self.chart(published=[0.25, None])))
        assert found["source"].tolist() == ["this run", "this run", "published"]
        assert found["value"].tolist() == [0.2, 0.4, 0.25]

    def test_without_the_paper(self):
        chart = self.chart()
        assert {row["source"] for row in rows(chart)} == {"this run"}
        assert "a: 0.2 (0.1 to 0.3). b: 0.4." in chart.description


class TestByEpoch:
    def chart(self, intervals=False, **options):
        frame = pd.DataFrame(
            {"epoch": [1, 2, 3] * 2, "tau": [0.1, 0.2, 0.3, 0.5, 0.4, None], "pair": ["a"] * 3 + ["b"] * 3}
        )
        if intervals:
            frame = frame.assign(low=frame["tau"] - 0.05, high=frame["tau"] + 0.05)
        return charts.by_epoch(frame, "tau", **{"by": "pair", "title": "t", "y_title": "τ"} | options)

    def test_a_line_per_group_and_intervals_where_there_are_any(self):
        found = pd.DataFrame(rows(self.chart(intervals=True)))
        assert found[found["group"] == "b"]["value"].tolist() == [0.5, 0.4]
        np.testing.assert_allclose(found["high"] - found["low"], 0.1)
        assert pd.DataFrame(rows(self.chart()))["low"].isna().all()

    def test_the_words_tell_the_ends_and_the_selected_epoch(self):
        words = self.chart(selected=2).description
        assert "a: 0.1 after epoch 1, 0.2 after epoch 2 (selected), 0.3 after epoch 3." in words
        assert "b: 0.5 after epoch 1, 0.4 after epoch 2 (selected)." in words
        assert "1 rows without a value" in words
        assert '"selected"' in json.dumps(self.chart(selected=2).to_dict()["datasets"])

    def test_the_axis_has_whole_epochs_only(self):
        axis = self.chart().to_dict()["layer"][0]["encoding"]["x"]["axis"]
        assert axis["values"] == [1, 2, 3]

    def test_several_rows_for_one_epoch_of_a_line_are_refused(self):
        with pytest.raises(ValueError, match="epoch 1 of all texts has several rows"):
            self.chart(by=None)


class TestHeatmap:
    def test_tokens_keep_their_order_and_wrap(self):
        tokens = ["word"] * 40
        found = pd.DataFrame(rows(charts.heatmap(tokens, {"a": [1 / 40] * 40}, title="t")))
        assert (found["right"] <= 91).all()
        assert found["line"].nunique() == 3
        assert found["position"].tolist() == list(range(40))

    def test_description_names_the_heaviest(self):
        chart = charts.heatmap(["not", "bad"], {"original": [0.2, 0.8], "other": [1, 0]}, title="t")
        assert "original: most weight on “bad” (0.80)" in chart.description

    @pytest.mark.parametrize(
        ("rows_", "message"),
        [({}, "at least one"), ({"a": [1.0]}, "2 tokens"), ({"a": [1.0, math.nan]}, "non-finite")],
    )
    def test_bad_weights_are_refused(self, rows_, message):
        with pytest.raises(ValueError, match=message):
            charts.heatmap(["a", "b"], rows_, title="t")


def all_charts(frame):
    return [
        histogram(frame, facet="method"),
        violins(frame, facet="method"),
        scatter(frame),
        scatter(pd.concat([frame] * 10)),
        TestDotIntervals().chart(published=[0.25, None]),
        TestByEpoch().chart(intervals=True, selected=2),
        charts.heatmap(["not", "</script>"], {"a": [0.2, 0.8]}, title="t"),
    ]


@pytest.mark.slow
def test_every_chart_renders_with_image_and_words(frame):
    for chart in all_charts(frame):
        bundle = vegalite.render(chart.to_dict())
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert bundle["text/plain"] == chart.description
        assert bundle[vegalite.MIME]["title"]
        assert len(rows(chart)) <= 5000


@pytest.mark.slow
def test_an_open_jupyterlab_gets_the_type_it_draws(frame, monkeypatch):
    spec = histogram(frame).to_dict()
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert vegalite.LAB_MIME not in vegalite.render(spec)
    monkeypatch.setenv("JPY_SESSION_NAME", "notebook.ipynb")
    assert vegalite.render(spec)[vegalite.LAB_MIME]["$schema"].endswith("v5.json")


def test_a_legend_has_as_many_names_in_a_row_as_fit_and_cuts_none_short():
    short = ["random", "attention", "gradient"]
    assert legend(short).to_dict()["columns"] == 3
    long = [*short, "attention × gradient", "input × gradient", "integrated gradients, released"]
    found = legend(long).to_dict()
    # Three columns are 20, 16 and 30 letters wide and fit into 560 pixels; four do not.
    assert found["columns"] == 3
    assert found["labelLimit"] >= 30 * 6.2
    assert legend(long, room=100).to_dict()["columns"] == 1
    assert legend([], room=100).to_dict()["columns"] == 0


def test_a_chart_without_words_is_refused():
    spec = {"mark": "point", "data": {"values": []}}
    with pytest.raises(ValueError, match="no title"):
        vegalite.render(spec)
    with pytest.raises(ValueError, match="no description"):
        vegalite.render(spec | {"title": "t"})


@pytest.mark.slow
def test_enable_sets_renderer_and_theme(frame):
    before = alt.renderers.active, alt.theme.active
    try:
        charts.enable()
        bundle = histogram(frame)._repr_mimebundle_()
        assert vegalite.MIME in bundle
        # The page that draws the chart decides on the colours of text and background.
        assert "background" not in bundle[vegalite.MIME]["config"]
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


class TestPage:
    def nodes(self, frame, inline=False, mime=vegalite.MIME):
        content = histogram(frame).to_dict()
        return vegalite.VegaLiteMime.handle_mime(
            None, SimpleNamespace(mime_type=mime, content=content), inline
        )

    def test_html_holds_image_words_and_specification(self, frame):
        (node,) = self.nodes(frame)
        page = node.astext()
        assert 'src="data:image/svg+xml;base64,' in page
        assert 'alt="Histogram of τ.' in page
        source = page.split('<script type="application/json">')[1].split("</script>")[0]
        assert json.loads(source)["title"] == "t"

    def test_other_outputs_are_left_to_others(self, frame):
        assert self.nodes(frame, inline=True) is None
        assert self.nodes(frame, mime="text/plain") is None

    def test_a_token_cannot_end_the_script(self):
        page = vegalite.figure_html(
            charts.heatmap(["</script>", '"<b>'], {"a": [0.2, 0.8]}, title="t").to_dict()
        )
        assert page.count("</script>") == 1
        assert "<b>" not in page.split("<script")[0]


@pytest.mark.slow
def test_the_line_under_a_chart_says_where_it_comes_from(frame):
    source = 'notebooks/a.py vectors=<b>&"c"'
    bundle = vegalite.render(histogram(frame).to_dict(), source=source)
    assert bundle["text/plain"].endswith(source)
    page = vegalite.figure_html(bundle[vegalite.MIME])
    line = '<p class="chart-source">notebooks/a.py vectors=&lt;b&gt;&amp;&quot;c&quot;</p>'
    assert page.rstrip().endswith(line)
    assert "chart-source" not in vegalite.figure_html(histogram(frame).to_dict())


def test_growth_draws_one_panel_per_kernel_beside_the_expected_line():
    times = pd.DataFrame(
        {"x": [1, 10, 100] * 2, "s": [1.0, 2, 20, 1, 3, 30], "kernel": ["a"] * 3 + ["b"] * 3}
    )
    times["expected"] = times["x"] / 5
    chart = charts.growth(times, "x", "s", by="kernel", title="t", x_title="T", y_title="s")
    lines = pd.DataFrame(rows(chart))
    assert set(lines["line"]) == {"measured", "expected slope"}
    assert lines[lines["line"] == "measured"]["value"].tolist() == times["s"].tolist()
    assert chart.to_dict()["spec"]["encoding"]["x"]["scale"]["type"] == "log"
    assert "a: from 1 s at 1 to 20 s at 100." in chart.description


def test_ratios_mark_the_target_where_there_is_one():
    table = pd.DataFrame(
        {"kernel": ["a", "b"], "ratio": [5.0, 80], "size": ["x", "x"], "target": [10.0, None]}
    )
    chart = charts.ratios(
        table, "kernel", "ratio", by="size", target="target", title="t", x_title="times faster"
    )
    assert [row["ratio"] for row in rows(chart)] == [5, 80]
    assert len(chart.to_dict()["layer"]) == 2
    assert "b, x: 80 times." in chart.description


def test_verdicts_stack_the_counts_in_the_order_given():
    counts = pd.DataFrame({"dataset": ["z", "a"], "holds": [3, 0], "differs": [1, 0], "not run": [0, 7]})
    kinds = ["holds", "differs", "not run"]
    chart = charts.verdicts(counts, "dataset", kinds, title="t", x_title="cells")
    found = pd.DataFrame(rows(chart)).pivot_table(index="dataset", columns="verdict", values="cells")
    assert found.loc["z", kinds].tolist() == [3, 1, 0]
    assert found.loc["a", kinds].tolist() == [0, 0, 7]
    assert chart.to_dict()["encoding"]["y"]["sort"] == ["z", "a"]
    assert "z: 3 holds, 1 differs, 0 not run. a: " in chart.description
    with pytest.raises(ValueError, match="at most 4 kinds"):
        charts.verdicts(counts, "dataset", list("abcde"), title="t", x_title="cells")
