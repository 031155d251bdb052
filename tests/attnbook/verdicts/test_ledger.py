"""The ledger: verdicts against cases computed by hand, reasons, the published table itself, the page."""

import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attnbook.runs import results
from attnbook.verdicts import cells, ledger
from attnlib import data
from attnlib.tables import summaries

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "book/reference/jain_wallace.csv"
REASONS = ROOT / "book/reference/reasons_jain_wallace.csv"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

CELL = {"experiment": "e", "dataset": "d", "encoder": "bilstm", "scorer": "additive", "class": "all"}
NO_REASONS = pd.DataFrame(columns=[*ledger.REASON_KEYS, "reason"], dtype=str)


def published(*values: float, **columns: object) -> pd.DataFrame:
    """One published cell per value; the metric is "m" unless `columns` say otherwise."""
    about = {"metric": "m", "note": "blank there", "source": "s", "original": "o"}
    return pd.DataFrame({"value": values} | CELL | about | columns)


def ours(*values: float, **columns: object) -> pd.DataFrame:
    """One row of ours per value, a seed each."""
    row = {"paper": "p", "metric": "m", "seed": range(len(values))}
    return pd.DataFrame({"value": values} | CELL | row | columns)


def compare(own: pd.DataFrame, theirs: pd.DataFrame, reasons: pd.DataFrame = NO_REASONS) -> pd.Series:
    table = ledger.compare(own, theirs, reasons)
    assert len(table) == len(theirs)
    return table.iloc[0]


class TestVerdict:
    def test_the_interval_is_that_of_one_further_run(self):
        # Mean .5, s = .1, n = 3: t(2, .975) = 4.302653, so the half-width is 4.302653 · .1 · sqrt(4/3).
        row = compare(ours(0.4, 0.5, 0.6), published(0.9))
        assert row["n_seeds"] == 3
        assert row["ours"] == pytest.approx(0.5)
        assert row["deviation"] == pytest.approx(0.1)
        assert row["high"] - row["ours"] == pytest.approx(0.496828, abs=1e-6)
        assert row["ours"] - row["low"] == pytest.approx(0.496828, abs=1e-6)

    @pytest.mark.parametrize(
        ("value", "verdict"),
        # Seeds .49, .50, .51: half-width .0496828.
        [(0.5496, "holds"), (0.5498, "differs"), (0.4504, "holds"), (0.4502, "differs"), (0.5, "holds")],
    )
    def test_inside_holds_and_outside_differs(self, value, verdict):
        assert compare(ours(0.49, 0.5, 0.51), published(value))["verdict"] == verdict

    @pytest.mark.parametrize(("value", "verdict"), [(0.53, "holds"), (0.47, "holds"), (0.5301, "differs")])
    def test_within_the_tolerance_it_holds_however_close_the_seeds(self, value, verdict):
        assert compare(ours(0.5, 0.5, 0.5), published(value))["verdict"] == verdict

    @pytest.mark.parametrize(("value", "verdict"), [(0.53, "holds"), (0.54, "undecided")])
    def test_one_seed_decides_only_within_the_tolerance(self, value, verdict):
        row = compare(ours(0.5), published(value))
        assert row["verdict"] == verdict
        assert row["reason"] == ("" if verdict == "holds" else ledger.ONE_SEED)
        assert np.isnan(row["low"])

    def test_a_wide_interval_accepts_nothing_but_still_refuses(self):
        # The half-width is .497: more than .25.
        seeds = ours(0.4, 0.5, 0.6)
        assert compare(seeds, published(0.7))["verdict"] == "undecided"
        assert compare(seeds, published(0.7))["reason"] == ledger.WIDE
        assert compare(seeds, published(1.0))["verdict"] == "differs"
        assert compare(seeds, published(0.52))["verdict"] == "holds"

    def test_a_blank_is_undecided_for_the_reason_of_its_note(self):
        row = compare(ours(0.5, 0.5), published(np.nan))
        assert (row["verdict"], row["reason"]) == ("undecided", "blank there")

    def test_without_ours_it_is_not_run(self):
        for own in (ours(), ours(0.5, dataset="other"), ours(0.5, metric="other"), ours(0.5, encoder="o")):
            row = compare(own, published(0.5))
            assert (row["verdict"], row["n_seeds"], row["reason"]) == ("not run", 0, ledger.UNEXPLAINED)
        assert compare(ours(), published(np.nan))["verdict"] == "not run"

    def test_a_bin_without_texts_is_no_missing_run(self):
        own = ours(0.5, 0.6, bin="[0, .25)")
        row = compare(own, published(0.5, bin="[.75, 1]"))
        assert (row["verdict"], row["reason"]) == ("undecided", ledger.EMPTY)
        assert compare(ours(np.nan, np.nan), published(0.5))["reason"] == ledger.EMPTY

    def test_a_seed_without_a_value_does_not_count(self):
        row = compare(ours(0.5, np.nan), published(0.5))
        assert (row["n_seeds"], row["ours"]) == (1, 0.5)

    @pytest.mark.parametrize(
        ("metric", "value", "verdict"),
        [("n_test", 863, "holds"), ("n_test", 864, "differs"), ("mean_length", 862, "holds")],
    )
    def test_counts_have_no_interval(self, metric, value, verdict):
        row = compare(ours(863, 863, metric=metric), published(value, metric=metric))
        assert row["verdict"] == verdict
        assert np.isnan(row["low"])


class TestMatching:
    def test_conditions_select_and_empty_ones_do_not(self):
        own = pd.concat([ours(0.1, 0.1, epsilon=0.01), ours(0.9, 0.9, epsilon=0.05)])
        assert compare(own, published(0.5, epsilon=0.05))["ours"] == pytest.approx(0.9)
        assert compare(ours(0.3, 0.3), published(0.5, epsilon=np.nan))["ours"] == pytest.approx(0.3)

    def test_any_averages_over_models_within_a_seed(self):
        own = pd.concat([ours(4, 6, encoder="bilstm"), ours(6, 8, encoder="average")])
        row = compare(own, published(5, encoder=ledger.ANY))
        assert (row["ours"], row["n_seeds"]) == (6, 2)
        assert row["deviation"] == pytest.approx(np.sqrt(2))

    def test_two_results_of_a_seed_are_refused_by_name(self):
        own = pd.concat([ours(0.1, vectors="random"), ours(0.9, vectors="corpus")])
        with pytest.raises(ValueError, match="dataset d, .*seed 0.*choose variant and vectors"):
            compare(own, published(0.5))

    def test_a_stand_in_is_taken_only_for_what_is_not_at_hand(self):
        theirs, stands_for = published(0.5), {"d": "d_subset"}
        part = ours(0.1, dataset="d_subset")
        row = ledger.compare(part, theirs, NO_REASONS, stands_for).iloc[0]
        assert (row["dataset"], row["ours_dataset"], row["ours"]) == ("d", "d_subset", 0.1)
        both = pd.concat([part, ours(0.9)])
        row = ledger.compare(both, theirs, NO_REASONS, stands_for).iloc[0]
        assert (row["ours_dataset"], row["ours"]) == ("d", 0.9)


class TestReasons:
    def reasons(self, *rows: tuple[str, ...]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=[*ledger.REASON_KEYS, "reason"])

    def test_the_first_fitting_line_wins(self):
        why = self.reasons(
            ("tau_*", "*", "*", "*", "differs", "not this metric"),
            ("*", "x|d", "*", "*", "not run", "not this verdict"),
            ("*", "x|d", "bi*", "*", "differs", "first"),
            ("*", "*", "*", "*", "*", "second"),
        )
        assert compare(ours(0.1, 0.1), published(0.9), why)["reason"] == "first"
        assert compare(ours(0.1), published(0.9), why)["reason"] == "second"

    def test_what_holds_needs_none_and_the_rest_says_that_it_has_none(self):
        why = self.reasons(("*", "*", "*", "*", "*", "why"))
        assert compare(ours(0.5, 0.5), published(0.5), why)["reason"] == ""
        assert compare(ours(0.1, 0.1), published(0.5))["reason"] == ledger.UNEXPLAINED

    def test_a_further_column_is_a_condition_too(self):
        why = self.reasons(*[("*", "*", "*", "*", "*", words) for words in ("another", "this", "any")])
        theirs = published(0.9, method="attention × norm")
        own = ours(0.1, 0.1, method="attention × norm")
        table = compare(own, theirs, why.assign(method=["input*", "x|attention × *", "*"]))
        assert table["reason"] == "this"
        assert compare(ours(0.1, 0.1), published(0.9), why.assign(note=["a", "b", "*"]))["reason"] == "any"
        with pytest.raises(ValueError, match=r"conditions \['metod'\] are no columns"):
            compare(own, theirs, why.assign(metod="*"))

    def test_a_wrong_line_is_named(self, tmp_path):
        path = tmp_path / "reasons.csv"
        self.reasons(("*", "*", "*", "*", "differ", "r")).to_csv(path, index=False)
        with pytest.raises(ValueError, match=r"reasons\.csv: line 2: verdict 'differ'"):
            ledger.read_reasons(path)
        self.reasons(("*", "", "*", "*", "differs", "r")).to_csv(path, index=False)
        with pytest.raises(ValueError, match="line 2 has an empty cell"):
            ledger.read_reasons(path)


def test_totals_add_up():
    theirs = published(0.5, 0.9, np.nan, 0.2, dataset=["a", "a", "b", "c"])
    own = pd.concat([ours(0.5, 0.5, dataset=name) for name in "ab"])
    totals = ledger.totals(ledger.compare(own, theirs, NO_REASONS), "dataset").set_index("dataset")
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
        assert set(zip(reference["experiment"], reference["metric"], strict=True)) == set(
            cutting.METRICS.values()
        )
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

    def test_the_swapped_labels_are_right(self, reference):
        """A gap is the difference of the two correlations that it names, where all are given."""
        overall = reference[
            (reference["class"] == "all")
            & (reference["experiment"] == "correlation")
            & reference["source"].str.startswith("repo")
        ]
        cells = overall.pivot_table(
            index=["dataset", "encoder", "scorer"], columns="metric", values="value"
        ).dropna()
        assert len(cells) > 60
        for name in ("gradient", "leave_one_out"):
            gap = cells["tau_gradient_leave_one_out"] - cells[f"tau_{name}"]
            np.testing.assert_allclose(cells[f"gap_{name}"], gap, atol=2e-6)

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
        ours_of = {
            "sst": "sst",
            "20news_sports": "20news_sports",
            "agnews": "agnews_subset",
            "snli": "snli_subset",
        }
        for name, own in ours_of.items():
            assert data.load(own).class_names == cutting.CLASSES[name]


@pytest.fixture
def sst(reference, tmp_path):
    """Recorded runs of SST with three seeds, which are the published numbers moved by at most .01."""
    rows = reference[(reference["dataset"] == "sst") & reference["source"].str.startswith("repo")]
    rows = rows.assign(
        paper="jain_wallace",
        variant="released",
        vectors="imdb",
        encoder=rows["encoder"].replace(ledger.ANY, "bilstm"),
        scorer=rows["scorer"].replace(ledger.ANY, "additive"),
    ).drop(columns=["note", "source", "original"])
    moved = {0: -0.01, 1: 0.0, 2: 0.01}
    counted = rows["metric"].str.startswith("n_")
    own = pd.concat(
        rows.assign(seed=seed, run=str(seed), value=rows["value"] + by * ~counted)
        for seed, by in moved.items()
    )
    for experiment, part in own.groupby("experiment"):
        results.write(results.validate(part), tmp_path / f"recorded/jain_wallace/{experiment}.csv")
    return tmp_path / "recorded"


@pytest.mark.slow
def test_the_page_runs_with_results_and_without(sst, tmp_path):
    from attnbook.runs import run

    source = ROOT / "notebooks/jain_wallace/ledger.py"
    for name, folder in (("some", sst), ("none", tmp_path / "nowhere")):
        values = {"recorded": str(folder), "output": str(tmp_path / name)}
        run.run(source, tmp_path / f"{name}.ipynb", values)
    some, none = (results.read(tmp_path / name / "ledger.csv") for name in ("some", "none"))
    assert (none["verdict"] == "not run").all()
    here = some["dataset"] == "sst"
    assert set(some[here & some["source"].str.startswith("repo")]["verdict"]) == {"holds"}
    assert set(some[~here]["verdict"]) == {"not run"}
    page = (tmp_path / "none.ipynb").read_text()
    assert "Where these numbers come from" in page
    assert "No run is recorded yet" in page
    assert len(page) < 1.5e6


def test_every_linked_page_is_in_the_book():
    """The page links to every notebook beside it."""
    import yaml

    runs = yaml.safe_load((ROOT / "config/default.yaml").read_text())["book"]
    for path in (ROOT / "notebooks/jain_wallace").glob("*.py"):
        assert f"jain_wallace/{path.stem}" in runs


def small_ledger() -> str:
    """A ledger of 420 rows: 300 of data set a (100 of them blank there), 120 of b."""
    theirs = published(
        *np.linspace(0, 1, 420), dataset=["a"] * 300 + ["b"] * 120, encoder=["x", "y", "<z>"] * 140
    )
    theirs.loc[:99, "value"] = np.nan
    own = ours(0.5, 0.5, dataset="b", encoder="<z>")
    return ledger.to_html(ledger.compare(own, theirs, NO_REASONS), {"e": "e.html"}, "all & more")


def test_the_table_is_whole_and_escaped():
    page = small_ledger()
    assert page.count("<tr class=") == 420
    assert "<z>" not in page
    assert 'aria-label="all &amp; more"' in page
    assert '<td><a href="e.html">e</a>' in page
    assert page.count("<td>blank<") == 100
    assert page.split("<thead>")[1].split("</thead>")[0].count("<th") == 13


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("needs Chromium on PATH (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "Chromium is not on PATH, and CI is set: install it (Debian: apt-get install chromium)"
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser, tmp_path, request):
    """The small ledger in a browser; errors of the script fail the test."""
    assets = ROOT / "book/_assets"
    path = tmp_path / "ledger.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8><style>{(assets / 'book.css').read_text()}</style>"
        f"<script>{(assets / 'ledger.js').read_text()}</script>"
        f"<div class=cell_output>{small_ledger()}</div>"
    )
    context = browser.new_context(**getattr(request, "param", {}))
    opened, errors = context.new_page(), []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(path.as_uri())
    yield opened
    assert errors == []
    context.close()


def shown(page) -> int:
    return page.locator(".ledger tbody tr:visible").count()


def column(page, name: str) -> list[str]:
    """Texts of the visible cells of a column."""
    heads = page.locator(".ledger th").all_inner_texts()
    place = next(i for i, head in enumerate(heads) if head.startswith(name)) + 1
    return page.locator(f".ledger tbody tr:visible td:nth-child({place})").all_inner_texts()


@pytest.mark.slow
class TestInTheBrowser:
    def test_menus_and_words_filter(self, page):
        count = page.locator(".ledger-filter output")
        assert count.inner_text() == "420 of 420 numbers"
        page.get_by_label("data set").select_option("b")
        assert (count.inner_text(), shown(page)) == ("120 of 420 numbers", 120)
        page.get_by_label("encoder").select_option("<z>")
        assert (count.inner_text(), shown(page)) == ("40 of 420 numbers", 40)
        page.get_by_label("words").fill("DIFFERS 0.8")
        assert 0 < shown(page) < 40
        assert set(column(page, "verdict")) == {"differs"}
        page.get_by_role("button", name="reset").click()
        page.wait_for_function("document.querySelector('.ledger-filter output').value.startsWith('420')")

    def test_rows_come_in_steps(self, page):
        assert shown(page) == 200
        more = page.locator(".ledger-more")
        assert more.inner_text() == "show 200 more of 220"
        more.click()
        more.click()
        assert shown(page) == 420
        assert not more.is_visible()

    def test_heads_sort_by_keyboard_and_blanks_stay_below(self, page):
        page.get_by_label("data set").select_option("a")
        head = page.locator(".ledger th", has_text="published")
        head.locator("button").focus()
        for order in ("ascending", "descending"):
            page.keyboard.press("Enter")
            assert head.get_attribute("aria-sort") == order
            assert page.locator(".ledger th[aria-sort]").count() == 1
            found = [float(text) for text in column(page, "published")]
            assert found == sorted(found, reverse=order == "descending")
            assert len(found) == 200
        page.locator(".ledger-more").click()
        assert column(page, "published")[200:] == ["blank"] * 100

    def test_an_address_opens_it_filtered(self, page):
        page.goto(f"{page.url}#data+set=b&words=not+run")
        page.wait_for_function("document.querySelector('.ledger-filter output').value.startsWith('80')")
        assert page.get_by_label("data set").input_value() == "b"

    @pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
    def test_without_javascript_it_is_whole(self, page):
        assert shown(page) == 420
        assert page.locator("select").count() == 0
