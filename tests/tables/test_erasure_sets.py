"""Measures over texts: worked by hand on five texts, and on Readouts from the kernels."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from attnbook.runs import results
from attnlib import kernels
from attnlib.kernels import erase_until_flip, minimal_flip_set, random_orders
from attnlib.kernels.erasure import Flip, MinimalFlip
from attnlib.tables import erasure_sets
from tests.kernels.cases import make


def flip(counts, items=(4, 4, 2, 10, 1), never=(), emptied=()):
    """A result of erase_until_flip: counts per text; texts that never flip, or only when nothing is left."""
    n = torch.tensor(items)
    none, empty = (torch.tensor([i in rows for i in range(len(items))]) for rows in (never, emptied))
    flipped = ~none
    count = torch.where(flipped, torch.tensor(counts), n)
    fraction = count / n.double()
    mass = torch.where(flipped, fraction**2, 1.0)
    return Flip(count, fraction, mass, flipped, empty)


# Texts of 4, 4, 2, 10 and 1 tokens; the last is left out everywhere.
FLIPS = {
    "attention": flip([1, 3, 2, 10, 1], emptied=(2,), never=(3,)),
    "gradient": flip([2, 3, 1, 5, 1]),
    "random": [flip([4, 2, 2, 9, 1], never=(0,)), flip([1, 3, 1, 7, 1])],
}
MINIMUM = MinimalFlip(*flip([1, 2, 2, 4, 1], never=(2, 4)), torch.zeros(5, 10, dtype=torch.bool))


@pytest.fixture
def rows():
    return erasure_sets.frame(FLIPS, MINIMUM)


def cell(table, metric, method, column="value", **where):
    found = table[(table["metric"] == metric) & (table["method"] == method)]
    for name, value in where.items():
        found = found[found[name] == value]
    return found[column].item()


def test_the_frame(rows):
    assert len(rows) == 20
    attention = rows[rows["method"] == "attention"]
    assert attention["items"].tolist() == [4, 4, 2, 10, 1]
    assert attention["count"].tolist() == [1, 3, 2, 10, 1]
    assert attention["fraction"].tolist() == [0.25, 0.75, 1, 1, 1]
    assert attention["mass"].tolist() == [0.0625, 0.5625, 1, 1, 1]
    assert attention["flipped"].tolist() == [True, True, True, False, True]
    assert attention["emptied"].tolist() == [False, False, True, False, False]
    assert attention["single"].tolist() == [False] * 4 + [True]
    assert attention["excess"].tolist() == pytest.approx([1, 1.5, math.nan, 2.5, math.nan], nan_ok=True)
    assert rows[rows["method"] == "random"]["order"].tolist() == [0] * 5 + [1] * 5


def test_an_early_empty_document_counts_as_everything():
    # zero weights remain after the third of five tokens: nothing is left all the same
    early = erasure_sets.frame({"a": flip([3, 1], items=(5, 5), emptied=(0,))})
    assert early["count"].tolist() == [5, 1]
    assert early["fraction"].tolist() == [1, 0.2]
    assert early["mass"].tolist() == pytest.approx([1, 0.04])


def test_supports(rows):
    table = erasure_sets.removed(rows)
    # own: as the paper, whatever each ranking flips
    assert cell(table, "fraction_own", "attention") == pytest.approx((0.25 + 0.75 + 1) / 3)
    assert cell(table, "fraction_own", "attention", "n") == 3
    assert cell(table, "fraction_own", "gradient") == pytest.approx((0.5 + 0.75 + 0.5 + 0.5) / 4)
    # random: means over the orders that flip, .25, (.5 + .75)/2, (1 + .5)/2, (.9 + .7)/2
    assert cell(table, "fraction_own", "random") == pytest.approx((0.25 + 0.625 + 0.75 + 0.8) / 4)
    # common: texts 1 and 2 (attention never flips 3, an order of random not 0)
    assert cell(table, "fraction_common", "attention") == pytest.approx((0.75 + 1) / 2)
    assert cell(table, "fraction_common", "gradient") == pytest.approx((0.75 + 0.5) / 2)
    assert cell(table, "fraction_common", "random") == pytest.approx((0.625 + 0.75) / 2)
    # all: 1 where it never flips
    assert cell(table, "fraction_all", "attention") == pytest.approx((0.25 + 0.75 + 1 + 1) / 4)
    assert cell(table, "fraction_all", "random") == pytest.approx((0.625 + 0.625 + 0.75 + 0.8) / 4)
    assert cell(table, "mass_all", "attention") == pytest.approx((0.0625 + 0.5625 + 1 + 1) / 4)
    assert (table.loc[table["metric"] == "fraction_all", "n"] == 4).all()
    low, high = (cell(table, "fraction_all", "attention", column) for column in ("low", "high"))
    assert low < 0.75 < high


def test_quantiles_and_the_spread_of_orders(rows):
    table = erasure_sets.removed(rows)
    expected = np.quantile([0.25, 0.75, 1, 1], [0.05, 0.25, 0.5, 0.75, 0.95])
    for name, value in zip(("p05", "p25", "median", "p75", "p95"), expected, strict=True):
        assert cell(table, f"fraction_all_{name}", "attention") == pytest.approx(value)
    # all texts and orders together
    pooled = [1, 0.5, 1, 0.9, 0.25, 0.75, 0.5, 0.7]
    assert cell(table, "fraction_all_median", "random") == pytest.approx(np.median(pooled))
    assert cell(table, "fraction_all_lowest_order", "random") == pytest.approx(np.mean(pooled[4:]))
    assert cell(table, "fraction_all_highest_order", "random") == pytest.approx(np.mean(pooled[:4]))
    assert not ((table["method"] == "attention") & table["metric"].str.endswith("_order")).any()


def test_outcomes(rows):
    table = erasure_sets.outcomes(rows)
    assert cell(table, "never_flips", "attention") == 0.25
    assert cell(table, "never_flips", "gradient") == 0
    assert cell(table, "never_flips", "random") == pytest.approx(0.5 / 4)
    assert cell(table, "needs_empty_document", "attention") == pytest.approx(1 / 3)
    assert cell(table, "needs_empty_document", "attention", "n") == 3
    assert cell(table, "needs_empty_document", "random") == 0


def test_head_to_head(rows):
    table = erasure_sets.head_to_head(rows)
    # counts 1, 3, 2, ∞ against 2, 3, 1, 5
    assert cell(table, "wins", "attention", against="gradient") == 0.25
    assert cell(table, "wins", "gradient", against="attention") == 0.5
    assert cell(table, "ties", "attention", against="gradient") == 0.25
    # against 2 orders: text 0: wins against ∞, tie with 1; text 1: 3 against 2 and 3; text 2: 2 against 2
    # and 1; text 3: loses twice
    assert cell(table, "wins", "attention", against="random") == pytest.approx((0.5 + 0 + 0 + 0) / 4)
    assert cell(table, "ties", "attention", against="random") == pytest.approx((0.5 + 0.5 + 0.5 + 0) / 4)
    assert cell(table, "wins", "random", against="attention") == pytest.approx((0 + 0.5 + 0.5 + 1) / 4)
    assert len(table) == 2 * 6


def test_texts_that_neither_flips_are_left_out():
    one, other = flip([1, 2, 1], (4, 4, 4), never=(0, 1)), flip([1, 1, 1], (4, 4, 4), never=(0,))
    table = erasure_sets.head_to_head(erasure_sets.frame({"a": one, "b": other}))
    assert cell(table, "wins", "b", "n", against="a") == 2
    assert cell(table, "wins", "b", against="a") == 0.5
    assert cell(table, "ties", "b", against="a") == 0.5
    nothing = erasure_sets.frame({"a": flip([1], (3,), never=(0,)), "b": flip([1], (3,), never=(0,))})
    for table in (erasure_sets.head_to_head(nothing), erasure_sets.removed(nothing)):
        empty = table[table["n"] == 0]
        assert len(empty)
        assert empty["value"].isna().all()


def test_excess(rows):
    table = erasure_sets.excess(rows)
    # 1/1, 3/2, 10/4: the third text has no minimum, the fourth is never flipped by attention
    assert cell(table, "excess", "attention") == pytest.approx((1 + 1.5 + 2.5) / 3)
    assert cell(table, "excess_median", "attention") == 1.5
    assert cell(table, "optimal", "attention") == pytest.approx(1 / 3)
    assert cell(table, "excess", "random") == pytest.approx(((4 + 1) / 2 + (1 + 1.5) / 2 + (9 + 7) / 8) / 3)
    assert cell(table, "optimal", "random") == pytest.approx((0.5 + 0.5 + 0) / 3)
    with pytest.raises(ValueError, match="no column 'excess'"):
        erasure_sets.excess(erasure_sets.frame(FLIPS))


def test_the_summary_fits_the_schema(rows):
    table = erasure_sets.summary(rows)
    run = dict(paper="serrano_smith", experiment="sets", dataset="toy", encoder="HANrnn", scorer="additive")
    tidy = results.validate(table.assign(**run, seed=0))
    assert not tidy.duplicated(["metric", "method", "against"]).any()
    assert set(tidy["class"]) == {"all"}
    assert tidy["value"].notna().all()


@pytest.fixture(scope="module")
def run():
    readout = make(150, 14, 3, seed=7, scale=1.0)
    names = ("attention", "gradient", "product", "greedy")
    orders = {name: getattr(kernels, f"{name}_order")(readout) for name in names}
    return readout, orders, {name: erase_until_flip(readout, order) for name, order in orders.items()}


@pytest.mark.slow
def test_a_run_from_the_kernels(run):
    readout, _, flips = run
    drawn = [erase_until_flip(readout, order) for order in random_orders(readout, 3, seed=1)]
    minimum = minimal_flip_set(readout)
    rows = erasure_sets.frame({**flips, "random": drawn, "minimum": minimum}, minimum)
    assert rows["items"].to_numpy().reshape(-1, 150)[-1].tolist() == readout.lengths.tolist()
    table = erasure_sets.summary(rows)
    assert cell(table, "optimal", "minimum") == 1
    assert cell(table, "excess", "minimum") == 1
    assert (rows["excess"].dropna() >= 1).all()
    for method in flips:
        assert cell(table, "wins", method, against="minimum") <= (rows["minimum"].isna()).mean()
        assert cell(table, "fraction_all", method) < cell(table, "fraction_all", "random")
    own = cell(table, "fraction_own", "attention")
    several = readout.lengths > 1
    expected = flips["attention"].fraction[flips["attention"].flipped & several].mean().item()
    assert own == pytest.approx(expected)  # no zero weights here: an empty document is all of it


def test_the_checks(run):
    readout, orders, flips = run
    minimum = minimal_flip_set(readout)
    table = erasure_sets.checks(readout, orders, flips, minimum)
    assert len(table) == 4 * 6
    assert (table["value"] == 0).all()
    assert (table["n"] == 150).all()
    # a planted error is found
    broken = flips | {"product": flips["product"]._replace(count=flips["product"].count - 1)}
    table = erasure_sets.checks(readout, orders, broken, minimum)
    assert cell(table, "differs_float64", "product") == flips["product"].flipped.sum().item()
    assert cell(table, "below_minimum", "product") > 10
    assert cell(table, "below_minimum", "greedy") == 0
    # one that says there is no minimum
    none = minimum._replace(flipped=torch.zeros_like(minimum.flipped), count=readout.lengths)
    real = (flips["greedy"].flipped & ~flips["greedy"].emptied).sum().item()
    assert cell(erasure_sets.checks(readout, orders, flips, none), "below_minimum", "greedy") == real
    with pytest.raises(ValueError, match="flips: expected the rankings"):
        erasure_sets.checks(readout, orders, {"attention": flips["attention"]}, minimum)


BAD = [
    ({}, "no ranking"),
    ({"random": []}, "the ranking 'random' has no order"),
    ({"b": flip([1, 2], (4, 4))}, "the ranking 'b' has 2 texts, the first ranking 5"),
    ({"b": flip([1, 2, 1, 3, 1], (4, 5, 2, 10, 1))}, "'b' has 5 tokens in text 1, the first ranking 4"),
]


@pytest.mark.parametrize(("flips", "message"), BAD)
def test_what_is_refused(flips, message):
    with pytest.raises(ValueError, match=f"flips: .*{message}"):
        erasure_sets.frame({"a": FLIPS["gradient"], **flips} if "b" in flips else flips)
    with pytest.raises(ValueError, match="unknown support 'some': known are own, common, all"):
        erasure_sets.supported(pd.DataFrame(), "some")


def architectures(**fractions):
    """Fractions of two documents by attention, product and minimum, the same for both, per architecture."""
    found = []
    for encoder, values in fractions.items():
        for method, value in zip(("attention", "product", "minimum"), values, strict=True):
            found += [(encoder, text, method, value) for text in ("d1", "d2")]
    return pd.DataFrame(found, columns=["encoder", "text", "method", "fraction"])


def test_an_encoder_that_hardens_every_order_is_told_from_one_that_hardens_attentions():
    rows = architectures(
        HANnoenc=(0.4, 0.3, 0.3), HANrnn=(0.8, 0.7, 0.7), FLANnoenc=(0.2, 0.1, 0.1), FLANconv=(0.6, 0.1, 0.1)
    )
    found = erasure_sets.effect_of_encoder(rows).set_index(["encoder", "metric", "against"])["value"]
    raw = found.xs("encoder_effect", level="metric")
    beyond = found.xs("encoder_effect_beyond", level="metric")
    # The raw difference is the same; of the first nothing is attention's own, of the second all.
    assert raw.to_numpy() == pytest.approx([0.4, 0.4])
    assert beyond["HANrnn"].to_numpy() == pytest.approx([0.0, 0.0])
    assert beyond["FLANconv"].to_numpy() == pytest.approx([0.4, 0.4])


def test_an_encoder_without_its_counterpart_has_no_effect():
    rows = architectures(HANrnn=(0.8, 0.7, 0.7), FLANnoenc=(0.2, 0.1, 0.1))
    found = erasure_sets.effect_of_encoder(rows)
    assert found.empty
    assert {"metric", "encoder", "against", "value", "low", "high", "n"} <= {*found}
