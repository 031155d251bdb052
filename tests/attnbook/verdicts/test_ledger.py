"""The ledger: verdicts against cases computed by hand, reasons, the published table itself, the page."""

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
from tests.attnbook.verdicts.pages import execute

REFERENCE = cells.REFERENCE / "jain_wallace.csv"
REASONS = cells.REFERENCE / "reasons_jain_wallace.csv"


def compare(own, published, reasons=NO_REASONS):
    table = ledger.compare(own, published, reasons)
    assert len(table) == len(published)
    return table.iloc[0]


class TestVerdict:
    def test_the_interval_is_that_of_one_further_run(self):
        # Mean .5, s = .1, n = 3: t(2, .975) = 4.302653, so the half-width is 4.302653 · .1 · sqrt(4/3).
        row = compare(ours(0.4, 0.5, 0.6), theirs(0.9))
        half, found = 0.496828, row[["ours", "deviation", "low", "high", "n_seeds"]].tolist()
        assert found == pytest.approx([0.5, 0.1, 0.5 - half, 0.5 + half, 3], abs=1e-6)

    @pytest.mark.parametrize(
        ("own", "published", "verdict"),
        [
            # Seeds .49, .50, .51: half-width .0496828.
            *[((0.49, 0.5, 0.51), value, "holds") for value in (0.5496, 0.4504, 0.5)],
            *[((0.49, 0.5, 0.51), value, "differs") for value in (0.5498, 0.4502)],
            # Within the tolerance it holds however close the seeds.
            ((0.5, 0.5, 0.5), 0.53, "holds"),
            ((0.5, 0.5, 0.5), 0.47, "holds"),
            ((0.5, 0.5, 0.5), 0.5301, "differs"),
            # A half-width of .497, more than .25, accepts nothing but still refuses.
            ((0.4, 0.5, 0.6), 0.7, "undecided"),
            ((0.4, 0.5, 0.6), 1.0, "differs"),
            ((0.4, 0.5, 0.6), 0.52, "holds"),
            # One seed decides only within the tolerance.
            ((0.5,), 0.53, "holds"),
            ((0.5,), 0.54, "undecided"),
        ],
    )
    def test_inside_holds_and_outside_differs(self, own, published, verdict):
        row = compare(ours(*own), theirs(published))
        assert row["verdict"] == verdict
        why = {"holds": "", "differs": ledger.UNEXPLAINED}
        assert row["reason"] == why.get(verdict, ledger.WIDE if len(own) > 1 else ledger.ONE_SEED)
        assert np.isnan(row["low"]) == (len(own) == 1)

    def test_a_blank_is_undecided_for_the_reason_of_its_note(self):
        row = compare(ours(0.5, 0.5), theirs(np.nan, note="blank there"))
        assert (row["verdict"], row["reason"]) == ("undecided", "blank there")
        assert compare(ours(), theirs(np.nan))["verdict"] == "not run"

    def test_without_ours_it_is_not_run(self):
        for own in (ours(), ours(0.5, dataset="other"), ours(0.5, metric="other"), ours(0.5, encoder="o")):
            row = compare(own, theirs(0.5))
            assert (row["verdict"], row["n_seeds"], row["reason"]) == ("not run", 0, ledger.UNEXPLAINED)

    def test_a_bin_without_texts_is_no_missing_run_and_a_seed_without_a_value_does_not_count(self):
        row = compare(ours(0.5, 0.6, bin="[0, .25)"), theirs(0.5, bin="[.75, 1]"))
        assert (row["verdict"], row["reason"]) == ("undecided", ledger.EMPTY)
        assert compare(ours(np.nan, np.nan), theirs(0.5))["reason"] == ledger.EMPTY
        row = compare(ours(0.5, np.nan), theirs(0.5))
        assert (row["n_seeds"], row["ours"]) == (1, 0.5)

    @pytest.mark.parametrize(
        ("metric", "value", "verdict"),
        [("n_test", 863, "holds"), ("n_test", 864, "differs"), ("mean_length", 862, "holds")],
    )
    def test_counts_have_no_interval(self, metric, value, verdict):
        row = compare(ours(863, 863, metric=metric), theirs(value, metric=metric))
        assert row["verdict"] == verdict
        assert np.isnan(row["low"])


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
    return pd.DataFrame(rows, columns=[*ledger.REASON_KEYS, "reason"])


ANYTHING = reasons(("*", "*", "*", "*", "*", "why"))


class TestReasons:
    def test_the_first_fitting_line_wins(self):
        why = reasons(
            ("tau_*", "*", "*", "*", "differs", "not this metric"),
            ("*", "x|sst", "*", "*", "not run", "not this verdict"),
            ("*", "x|sst", "bi*", "*", "differs", "first"),
            ("*", "*", "*", "*", "*", "second"),
        )
        assert compare(ours(0.1, 0.1), theirs(0.9), why)["reason"] == "first"
        assert compare(ours(0.1), theirs(0.9), why)["reason"] == "second"
        # What holds needs none.
        assert compare(ours(0.5, 0.5), theirs(0.5), why)["reason"] == ""

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
        ):
            ANYTHING.assign(**wrong).to_csv(path, index=False)
            with pytest.raises(ValueError, match=message):
                ledger.read_reasons(path)


def test_totals_add_up():
    published = theirs(0.5, 0.9, np.nan, 0.2, dataset=[*"aabc"], note="blank there")
    own = pd.concat([ours(0.5, 0.5, dataset=name) for name in "ab"])
    totals = ledger.totals(ledger.compare(own, published, NO_REASONS), "dataset").set_index("dataset")
    assert totals.index.tolist() == ["a", "b", "c", "all"]
    assert totals.loc["a"].tolist() == [2, 2, 1, 1, 0, 0, 1]
    assert totals.loc["all"].tolist() == [4, 3, 1, 1, 1, 1, 2]


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
    def test_it_is_cut_from_the_table_of_all_numbers(self, cutting, data_folder, tmp_path):
        everything = data_folder.parent / "reference/jain_wallace.csv"
        if not everything.is_file():
            pytest.skip(f"needs the table of all numbers, {everything}")
        kept = cutting.cut(pd.read_csv(everything, dtype=str, keep_default_na=False))
        kept.to_csv(tmp_path / "cut.csv", index=False, lineterminator="\n")
        assert (tmp_path / "cut.csv").read_text() == REFERENCE.read_text()

    @pytest.mark.slow
    @pytest.mark.data("sst", "20news", "ag_news", "snli")
    def test_classes_are_those_of_the_corpora(self, cutting):
        at_hand = {"sst": "sst", "20news_sports": "20news_sports"}
        for name, own in (at_hand | {"agnews": "agnews_subset", "snli": "snli_subset"}).items():
            assert data.load(own).class_names == cutting.CLASSES[name]


@pytest.fixture
def sst(reference, tmp_path):
    """Recorded runs of SST with three seeds, which are the published numbers moved by at most .01."""
    rows = reference[(reference["dataset"] == "sst") & reference["source"].str.startswith("repo")]
    for key, usual in (("encoder", "bilstm"), ("scorer", "additive")):
        rows = rows.assign(**{key: rows[key].replace(ledger.ANY, usual)})
    rows = rows.drop(columns=["note", "source", "original"]).assign(paper="jain_wallace", variant="released")
    moved = 0.01 * ~rows["metric"].str.startswith("n_")
    seeds = [rows.assign(seed=s, run=str(s), value=rows["value"] + (s - 1) * moved) for s in range(3)]
    for experiment, part in pd.concat(seeds).assign(vectors="imdb").groupby("experiment"):
        results.write(results.validate(part), tmp_path / f"recorded/jain_wallace/{experiment}.csv")
    return tmp_path / "recorded"


@pytest.mark.slow
def test_the_page_runs_with_results_and_without(sst, tmp_path):
    pages, tables = {}, {}
    for name, folder in (("some", sst), ("none", tmp_path / "nowhere")):
        pages[name] = execute("jain_wallace/ledger", tmp_path / name, recorded=str(folder))
        tables[name] = results.read(tmp_path / name / "ledger.csv")
    some = tables["some"]
    assert (tables["none"]["verdict"] == "not run").all()
    here = some["dataset"] == "sst"
    assert set(some[here & some["source"].str.startswith("repo")]["verdict"]) == {"holds"}
    assert set(some[~here]["verdict"]) == {"not run"}
    for words in ("Where these numbers come from", "No run is recorded yet"):
        assert words in pages["none"].words
    assert len(pages["none"].whole) < 1.5e6


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
    assert page.split("<thead>")[1].split("</thead>")[0].count("<th") == 13
