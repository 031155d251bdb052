"""One dictionary of colours: each word once, each colour readable on both pages, none shared in a chart."""

from collections import Counter

import pandas as pd
import pytest

from attnbook import charts
from attnbook.charts import colours
from tests.attnbook.charts.drawn import colours_of

WHITE, DARK = "#ffffff", "#14181e"


def test_every_word_stands_once_and_strangers_get_colours_of_the_book():
    words = Counter(word for group in colours.GROUPS.values() for same in group.values() for word in same)
    assert max(words.values()) == 1
    assert set(colours.BY_WORD.values()) <= set(colours.SPARE)
    assert len(set(colours.SPARE)) == len(colours.SPARE)


def luminance(colour):
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(colour, ground):
    """Contrast of two colours (#rrggbb) as the guidelines for web pages define it, from 1 to 21."""
    low, high = sorted(map(luminance, (colour, ground)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast(WHITE, "#777777") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", colours.SPARE)
def test_every_colour_shows_on_a_white_and_on_a_dark_page(colour):
    assert contrast(colour, WHITE) >= 3
    assert contrast(colour, DARK) >= 3


# What charts of the book show together.
@pytest.mark.parametrize(
    "together",
    [
        ["random", "attention", "gradient", "product", "centred product", "greedy"],
        ["random", "attention", "attention × norm", "attention × gradient", "input × gradient"],
        ["integrated gradients", "integrated gradients, released", "random", "signed random"],
        ["trained adversary", "other seed", "uniform model", "published search", "exact optimum"],
        ["released search", "exact optimum", "uniform attention", "random attention", "other seeds"],
        ["BiLSTM", "convolution", "average"],
        ["negative", "positive", "all"],
        ["first class", "second class", "third class", "all texts"],
        ["deletion", "zeroing", "attention mask", "mean", "symbol"],
        ["holds", "points that way", "open", "points the other way", "differs", "not run"],
        ["negative", "my class", "another class"],
    ],
)
def test_what_stands_in_one_chart_differs(together):
    assert len(set(colours.palette(together))) == len(together)


def test_a_word_has_its_colour_wherever_it_stands():
    assert colours.palette(["gradient", "attention"]) == colours.palette(["attention", "gradient"])[::-1]
    with pytest.raises(ValueError, match="not enough colours for 19 groups"):
        colours.palette([f"group {i}" for i in range(19)])


def test_the_colours_of_charts_are_found_and_are_those_of_the_dictionary():
    names = ["attention", "gradient", "my own"]
    frame = pd.DataFrame({"method": names * 2, "share": [0.1, 0.2, 0.3] * 2, "epoch": [1] * 3 + [2] * 3})
    frame = frame.assign(value=frame["share"], panel="a", predicted=frame["method"], max_attention=0.1)
    frame = frame.assign(**{f"{name}_{end}": None for name in ("share", "value") for end in ("low", "high")})
    for quantile in ("p05", "p25", "median", "p75", "p95"):
        frame[quantile] = frame["share"]
    words = {"title": "t", "x_title": "x"}
    drawn = [
        charts.ecdf(frame, "share", by="method", domain=(0, 1), **words),
        charts.violins_by_max_attention(frame, "share", domain=(0, 1), **words),
        charts.by_epoch(frame, "share", by="method", title="t", y_title="y"),
        charts.dot_panels(frame, "epoch", by="method", by_title="method", panel="panel", **words),
        charts.boxes(frame, "epoch", by="method", by_title="method", **words),
        charts.intervals(frame, "epoch", group="method", **words),
        charts.scatter(frame, "share", "value", y_title="y", **words),
        charts.ratios(frame, "epoch", "share", by="method", **words),
        charts.line_panels(
            frame, "epoch", by="method", row="panel", column="panel", by_title="method", y_title="y", **words
        ),
        charts.trade_off(
            frame, "share", "value", by="method", curve="", order="epoch", front=[], y_title="y", **words
        ),
    ]
    found = colours_of(chart.to_dict() for chart in drawn)
    assert found == {name: {colour} for name, colour in zip(names, colours.palette(names), strict=True)}
