"""The ledger: verdicts against cases computed by hand, reasons, the published table itself, the page."""

import gzip
import importlib.util

import numpy as np
import pandas as pd
import pytest
import yaml

from attnbook import NOTEBOOKS, PROJECT
from attnbook.runs import results
from attnbook.verdicts import cells, ledger
from attnlib import data
from attnlib.tables import summaries
from tests.attnbook.made import ours
from tests.attnbook.verdicts.made import NO_REASONS, small_ledger, theirs

REFERENCE = cells.REFERENCE / "jain_wallace.csv"
REASONS = cells.REFERENCE / "reasons_jain_wallace.csv"


def compare(own, published, reasons=NO_REASONS):
    table = ledger.compare(own, published, reasons)
    assert len(table) == len(published)
    return table.iloc[0]


def many(spread, n_cells=60, n_seeds=2, seed=0, **columns):
    """Seeds of ours of many cells of one metric and encoder, and one further run of each."""
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0.3, 0.7, n_cells)
    runs = truth + spread * generator.standard_normal((n_seeds + 1, n_cells))
    names = [f"d{i}" for i in range(n_cells)]
    own = [ours(*runs[1:, i], dataset=name, **columns) for i, name in enumerate(names)]
    return pd.concat(own), theirs(*runs[0], dataset=names, **columns)


class TestVerdict:
    def test_the_interval_is_that_of_one_further_run(self):
        # Mean .5, s = .1, n = 3: t(2, .975) = 4.302653, so the half-width is 4.302653 · .1 · sqrt(4/3).
        row = compare(ours(0.4, 0.5, 0.6), theirs(0.9))
        half, found = 0.496828, row[["ours", "deviation", "low", "high", "n_seeds"]].tolist()
        assert found == pytest.approx([0.5, 0.1, 0.5 - half, 0.5 + half, 3], abs=1e-6)

    def test_the_variance_is_pooled_over_the_cells_of_one_metric_and_encoder(self):
        # Deviations .1 with 2 degrees of freedom and .04 √2 with 1: s² = (.02 + .0032) / 3; t(3) = 3.182446.
        own = [ours(0.4, 0.5, 0.6), ours(0.46, 0.54, dataset="b"), ours(0.5, dataset="c")]
        own.append(ours(0.0, 1.0, dataset="b", encoder="another"))
        table = ledger.compare(pd.concat(own), theirs(0.5, 0.5, 0.5, dataset=["sst", "b", "c"]), NO_REASONS)
        deviation = np.sqrt(0.0232 / 3)
        half = 3.182446 * deviation * np.sqrt(1 + 1 / np.array([3, 2, 1]))
        assert ((table["high"] - table["low"]) / 2).tolist() == pytest.approx(half.tolist(), abs=1e-6)

    @pytest.mark.parametrize(
        ("own", "published", "verdict"),
        [
            # Seeds .49, .50, .51: half-width .0496828.
            *[((0.49, 0.5, 0.51), value, "compatible") for value in (0.5496, 0.4504, 0.5)],
            *[((0.49, 0.5, 0.51), value, "differs") for value in (0.5498, 0.4502)],
            # .03 is no difference however close the seeds; of small numbers it is 30 % of the larger.
            ((0.5, 0.5, 0.5), 0.53, "compatible"),
            ((0.5, 0.5, 0.5), 0.47, "compatible"),
            ((0.5, 0.5, 0.5), 0.5301, "differs"),
            ((0.01, 0.01), 0.013, "compatible"),
            ((0.01, 0.01), 0.016, "differs"),
            ((0.04, 0.04), 0.028, "compatible"),
            ((0.04, 0.04), 0.0279, "differs"),
            # A half-width of .497, more than .25, accepts nothing but still refuses.
            ((0.4, 0.5, 0.6), 0.7, "undecided"),
            ((0.4, 0.5, 0.6), 0.52, "undecided"),
            ((0.4, 0.5, 0.6), 1.0, "differs"),
            # Where no cell has two runs nothing is known of the spread.
            ((0.5,), 0.51, "undecided"),
        ],
    )
    def test_inside_is_compatible_and_outside_differs(self, own, published, verdict):
        row = compare(ours(*own), theirs(published))
        assert row["verdict"] == verdict
        why = {"compatible": "", "differs": ledger.UNEXPLAINED}
        assert row["reason"] == why.get(verdict, ledger.WIDE if len(own) > 1 else ledger.ONE_SEED)
        assert np.isnan(row["low"]) == (len(own) == 1)

    @pytest.mark.parametrize(
        ("metric", "value", "verdict"),
        [
            # No ratio of correlations, and what is read off a figure is known to .01.
            ("tau_gradient", 0.03, "compatible"),
            ("tau_gradient", 0.041, "differs"),
            ("jsd_q50", 0.018, "compatible"),
            ("jsd_q50", 0.021, "differs"),
            ("n_flips_like_this", 0.01, "equal"),
        ],
    )
    def test_a_metric_has_its_own_bounds(self, metric, value, verdict):
        assert compare(ours(0.01, 0.01, metric=metric), theirs(value, metric=metric))["verdict"] == verdict

    def test_the_width_that_decides_nothing_is_the_metrics_own(self):
        # Half-width .137.
        for metric, verdict in (("accuracy", "undecided"), ("jsd", "compatible"), ("f1", "compatible")):
            row = compare(ours(0.475, 0.5, 0.53, metric=metric), theirs(0.5, metric=metric))
            assert row["verdict"] == verdict

    def test_of_true_further_runs_few_differ_and_of_others_most(self):
        """The rate at which a further run of ours is called different, by simulation."""
        rates = {}
        for n_seeds in (2, 3):
            verdicts, shifted = [], []
            for seed in range(8):
                own, further = many(0.06, n_seeds=n_seeds, seed=seed)
                verdicts += ledger.compare(own, further, NO_REASONS)["verdict"].tolist()
                away = further.assign(value=further["value"] + 0.3)
                shifted += ledger.compare(own, away, NO_REASONS)["verdict"].tolist()
            assert set(verdicts) == {"compatible", "differs"}
            rates[n_seeds] = verdicts.count("differs") / len(verdicts)
            assert shifted.count("differs") / len(shifted) > 0.9
        assert rates == pytest.approx({2: 0.05, 3: 0.05}, abs=0.02)
        # What is no difference worth naming makes the rate smaller where seeds are close.
        own, further = many(0.005)
        assert (ledger.compare(own, further, NO_REASONS)["verdict"] == "compatible").all()

    def test_without_a_number_on_either_side_it_is_not_run(self):
        row = compare(ours(0.5, 0.5), theirs(np.nan, note="blank there"))
        assert (row["verdict"], row["reason"]) == ("not run", "blank there")
        for own in (ours(), ours(0.5, dataset="other"), ours(0.5, metric="other"), ours(0.5, encoder="o")):
            row = compare(own, theirs(0.5))
            assert (row["verdict"], row["n_seeds"], row["reason"]) == ("not run", 0, ledger.UNEXPLAINED)

    def test_a_bin_without_texts_is_no_missing_run_and_a_seed_without_a_value_does_not_count(self):
        row = compare(ours(0.5, 0.6, bin="[0, .25)"), theirs(0.5, bin="[.75, 1]"), ANYTHING)
        assert (row["verdict"], row["reason"]) == ("not run", ledger.EMPTY)
        assert compare(ours(np.nan, np.nan), theirs(0.5))["reason"] == ledger.EMPTY
        row = compare(ours(0.5, np.nan), theirs(0.5))
        assert (row["n_seeds"], row["ours"]) == (1, 0.5)

    @pytest.mark.parametrize(
        ("metric", "value", "verdict"),
        [("n_test", 863, "equal"), ("n_test", 864, "unequal"), ("mean_length", 862, "equal")],
    )
    def test_sizes_of_the_data_are_checks(self, metric, value, verdict):
        row = compare(ours(863, 863, metric=metric), theirs(value, metric=metric))
        assert row["verdict"] == verdict
        assert np.isnan(row["low"])


class TestPlacebo:
    def test_where_cells_differ_the_right_numbers_have_a_lift(self):
        names = [f"c{i}" for i in range(5)]
        own = pd.concat([ours(0.1 + i / 5, 0.11 + i / 5, bin=name) for i, name in enumerate(names)])
        published = theirs(*(0.1 + np.arange(5) / 5), bin=names)
        found = ledger.placebo(ledger.compare(own, published, NO_REASONS))
        assert found["metric"].tolist() == ["m", "all"]
        row = found.iloc[0]
        assert (row["decided"], row["compatible"], row["informative"]) == (5, 1, True)
        # One in five stays in its place.
        assert row["placebo"] == pytest.approx(0.2, abs=0.04)
        assert row["lift"] == row["compatible"] - row["placebo"]
        assert ledger.placebo(ledger.compare(own, published, NO_REASONS)).equals(found)

    def test_where_cells_are_alike_or_alone_there_is_none(self):
        alike = many(0.01)
        own = alike[0].assign(value=0.5 + alike[0]["value"] / 100)
        published = alike[1].assign(value=0.5 + alike[1]["value"] / 100, dataset="d0")
        for table in (
            ledger.compare(*alike, NO_REASONS),
            ledger.compare(own, published.assign(source=range(60)), NO_REASONS),
        ):
            found = ledger.placebo(table).iloc[0]
            assert (found["lift"], found["informative"]) == (0, False)

    def test_what_is_not_decided_is_left_out(self):
        found = ledger.placebo(ledger.compare(ours(0.4, 0.6), theirs(0.5), NO_REASONS))
        assert found["metric"].tolist() == ["all"]
        assert found["decided"].tolist() == [0]


class TestMatching:
    def test_conditions_select_and_empty_ones_do_not(self):
        own = pd.concat([ours(0.1, 0.1, epsilon=0.01), ours(0.9, 0.9, epsilon=0.05)])
        assert compare(own, theirs(0.5, epsilon=0.05))["ours"] == pytest.approx(0.9)
        assert compare(ours(0.3, 0.3), theirs(0.5, epsilon=np.nan))["ours"] == pytest.approx(0.3)

    def test_any_averages_over_models_within_a_seed(self):
        own = pd.concat([ours(4, 6, encoder="bilstm"), ours(6, 8, encoder="average")])
        row = compare(own, theirs(5, encoder=ledger.ANY))
        assert row[["ours", "n_seeds", "deviation"]].tolist() == [6, 2, pytest.approx(np.sqrt(2))]

    def test_two_results_of_a_seed_are_refused_by_name(self):
        own = pd.concat([ours(0.1, vectors="random"), ours(0.9, vectors="corpus")])
        with pytest.raises(ValueError, match="dataset sst, .*seed 0.*choose variant and vectors"):
            compare(own, theirs(0.5))

    def test_a_stand_in_is_taken_only_for_what_is_not_at_hand(self):
        part = ours(0.1, dataset="part")
        for own, name, value in ((part, "part", 0.1), (pd.concat([part, ours(0.9)]), "sst", 0.9)):
            row = ledger.compare(own, theirs(0.5), NO_REASONS, {"sst": "part"}).iloc[0]
            assert (row["dataset"], row["ours_dataset"], row["ours"]) == ("sst", name, value)


def reasons(*rows):
    return pd.DataFrame(rows, columns=[*ledger.REASON_KEYS, "reason"]).assign(kind="known")


ANYTHING = reasons(("*", "*", "*", "*", "*", "why"))


class TestReasons:
    def test_the_first_fitting_line_wins(self):
        why = reasons(
            ("tau_*", "*", "*", "*", "differs", "not this metric"),
            ("*", "x|sst", "*", "*", "not run", "not this verdict"),
            ("*", "x|sst", "bi*", "*", "differs", "first"),
            ("*", "*", "*", "*", "*", "second"),
        )
        assert compare(ours(0.1, 0.1), theirs(0.9), why)[["kind", "reason"]].tolist() == ["known", "first"]
        # What the numbers themselves say comes first.
        assert compare(ours(0.1), theirs(0.9), why)[["kind", "reason"]].tolist() == ["", ledger.ONE_SEED]
        # What is compatible needs none.
        assert compare(ours(0.5, 0.5), theirs(0.5), why)[["kind", "reason"]].tolist() == ["", ""]

    def test_a_further_column_is_a_condition_too(self):
        why = pd.concat([ANYTHING.assign(reason=words) for words in ("another", "this", "any")])
        own, published = (rows.assign(method="attention × norm") for rows in (ours(0.1, 0.1), theirs(0.9)))
        table = compare(own, published, why.assign(method=["input*", "x|attention × *", "*"]))
        assert table["reason"] == "this"
        assert compare(ours(0.1, 0.1), theirs(0.9), why.assign(note=["a", "b", "*"]))["reason"] == "any"
        with pytest.raises(ValueError, match=r"conditions \['metod'\] are no columns"):
            compare(own, published, why.assign(metod="*"))

    def test_a_wrong_line_is_named(self, tmp_path):
        path = tmp_path / "reasons.csv"
        for wrong, message in (
            ({"verdict": "differ"}, r"reasons\.csv: line 2: verdict 'differ'"),
            ({"dataset": ""}, "line 2 has an empty cell"),
            ({"kind": "likely"}, "line 2: kind 'likely' is none of"),
        ):
            ANYTHING.assign(**wrong).to_csv(path, index=False)
            with pytest.raises(ValueError, match=message):
                ledger.read_reasons(path)


class TestClosing:
    """Which settings close at least half of the gap between a published number and ours."""

    def close(self, other, published=0.9):
        others = {"wide": ours(*other, vectors="wide"), "seed 1": ours(0.12)}
        why = reasons(*[("*", "*", "*", "*", "differs", words) for words in ("vectors", "another")])
        why = why.assign(closed_by=["*wide;*", "*"], kind=["shown", "untested"])
        return ledger.compare(ours(0.1, 0.1), theirs(published), why, others=others).iloc[0]

    def test_a_run_that_closes_half_shows_the_reason(self):
        # From .1 to .9: half of the way is .5.
        for value, closed, kind in ((0.51, "wide;", "shown"), (0.49, "", "untested"), (1.31, "", "untested")):
            row = self.close([value, value])
            assert row[["closed_by", "kind"]].tolist() == [closed, kind]
        assert self.close([0.51], published=0.1)[["closed_by", "kind"]].tolist() == ["", ""]

    def test_it_may_cancel_between_the_classes(self):
        names, values = ["all", "no", "yes"], (0.5, 0.2, 0.8)
        own = [ours(v, v, **{"class": name}) for name, v in zip(names, values, strict=True)]
        # Gaps of .5 and −.5; .5 and −.1, of which .4 / .6 is left; .5 and none; twice the same sign.
        for first, second, closed in ((0.7, 0.3, "classes;"), (0.7, 0.7, ""), (0.7, 0.8, ""), (0.7, 1.0, "")):
            published = theirs(0.9, first, second, **{"class": names})
            table = ledger.compare(pd.concat(own), published, NO_REASONS)
            assert table["closed_by"].tolist()[:2] == ["", closed]
        # Without a number of one class nothing is known of the other.
        table = ledger.compare(pd.concat(own[:2]), theirs(0.7, 0.3, **{"class": names[1:]}), NO_REASONS)
        assert table["closed_by"].tolist() == ["", ""]


def test_totals_are_of_verdicts_and_checks_are_counted_apart():
    metrics = [*"mmmm", "n_test", "n_test"]
    published = theirs(0.5, 0.9, np.nan, 0.2, 10, 11, dataset=[*"aabcab"], metric=metrics, note="blank there")
    own = [ours(0.5, 0.5, dataset=name) for name in "ab"]
    own += [ours(10, 10, dataset=name, metric="n_test") for name in "ab"]
    table = ledger.compare(pd.concat(own), published, ANYTHING)
    totals = ledger.totals(table, "dataset").set_index("dataset")
    heads = ["published", "compared", *ledger.VERDICTS, *ledger.KINDS]
    assert list(totals) == heads
    assert totals.index.tolist() == ["a", "b", "c", "all"]
    assert totals.loc["a"].tolist() == [2, 2, 1, 1, 0, 0, 0, 1, 0]
    assert totals.loc["all"].tolist() == [4, 2, 1, 1, 0, 2, 0, 1, 0]
    checks = ledger.checks(table, "dataset").set_index("dataset")
    assert checks.loc["all"].to_dict() == {"published": 2, "equal": 1, "unequal": 1, "not run": 0}
    assert checks.index.tolist() == ["a", "b", "all"]


@pytest.fixture(scope="module")
def reference():
    return cells.read_published(REFERENCE)


@pytest.fixture(scope="module")
def cutting():
    """The script beside the published table."""
    spec = importlib.util.spec_from_file_location("cutting", REFERENCE.with_suffix(".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestReference:
    def test_every_row_is_in_our_terms(self, reference, cutting):
        assert list(reference) == cutting.COLUMNS
        assert set(reference["dataset"]) == set(cutting.DATASETS.values())
        assert set(reference["dataset"]) <= set(data.names())
        measured = zip(reference["experiment"], reference["metric"], strict=True)
        assert set(measured) == set(cutting.METRICS.values())
        assert set(reference["encoder"]) == {"bilstm", "average", "convolution", ledger.ANY}
        assert set(reference["scorer"]) == {"additive", "scaled_dot", ledger.ANY}
        assert set(reference["bin"].dropna()) == set(summaries.MAX_ATTENTION_LABELS)
        for name, part in reference.groupby("dataset"):
            assert set(part["class"]) <= {"all", *cutting.CLASSES.get(name, ())}

    def test_values_are_on_their_scales(self, reference):
        signed = reference["metric"].str.match("tau_|gap_")
        counted = reference["metric"].str.match("n_|mean_length")
        values = reference["value"]
        assert values[signed].dropna().between(-1, 1).all()
        assert values[~signed & ~counted].dropna().between(0, 1).all()
        assert (values[counted] % 1 == 0).all()
        assert values.isna().sum() == (reference["note"].str.startswith("blank", na=False)).sum() > 0

    def test_every_number_not_run_has_a_reason(self, reference):
        none = cells.recorded("jain_wallace", reference["experiment"].unique(), folder="nowhere")
        table = ledger.compare(none, reference, ledger.read_reasons(REASONS))
        assert (table["verdict"] == "not run").all()
        assert not table["reason"].isin(["", ledger.UNEXPLAINED]).any()

    @pytest.mark.data("sst")
    def test_it_is_cut_from_the_table_of_all_numbers(self, cutting, data_folder):
        everything = data_folder.parent / "reference/jain_wallace.csv"
        if not everything.is_file():
            pytest.skip(f"needs the table of all numbers, {everything}")
        kept = cutting.cut(pd.read_csv(everything, dtype=str, keep_default_na=False))
        text = kept.to_csv(index=False, lineterminator="\n")
        packed = results.as_it_lies(REFERENCE)
        assert text == gzip.decompress(packed.read_bytes()).decode()

    @pytest.mark.slow
    @pytest.mark.data("sst", "20news", "ag_news", "snli")
    def test_classes_are_those_of_the_corpora(self, cutting):
        at_hand = {"sst": "sst", "20news_sports": "20news_sports"}
        for name, own in (at_hand | {"agnews": "agnews_subset", "snli": "snli_subset"}).items():
            assert data.load(own).class_names == cutting.CLASSES[name]


def test_every_linked_page_is_in_the_book():
    """The page links to every notebook beside it."""
    runs = yaml.safe_load((PROJECT / "config/default.yaml").read_text())["book"]
    assert {f"jain_wallace/{path.stem}" for path in (NOTEBOOKS / "jain_wallace").glob("*.py")} <= set(runs)


def test_the_table_is_whole_and_escaped():
    page = small_ledger()
    assert page.count("<tr class=") == 420
    assert "<z>" not in page
    assert 'aria-label="all &amp; more"' in page
    assert '<td><a href="e.html">e</a>' in page
    assert page.count("<td>blank<") == 100
    assert page.split("<thead>")[1].split("</thead>")[0].count("<th") == 14
