"""All papers in one ledger: nothing is lost or counted twice, and every number of ours can be made again."""

import re
from collections import Counter

import pytest
import yaml

from attnbook import BOOK, NOTEBOOKS, PROJECT
from attnbook.runs import results
from attnbook.verdicts import cells, ledger, ledgers, papers, together
from attnlib.kernels import exact_adversary, search_adversary
from attnlib.prepare.flat import prepare
from tests.attnbook.made import ours, save
from tests.attnbook.verdicts.pages import execute

pytestmark = pytest.mark.slow  # reads the records of all papers


# Of the others no published result could be checked against the paper, its released files or code.
PAPERS_WITH_RESULTS = ("jain_wallace", "violation")


@pytest.fixture(scope="module")
def whole():
    return ledgers.everything()


def test_every_published_number_stands_there_once_and_what_is_not_run_has_a_reason(whole):
    table, each = whole
    assert [compared.paper for compared in each.values()] == list(papers.PAPERS)
    files = {paper: cells.read_published(cells.REFERENCE / f"{paper}.csv") for paper in papers.PAPERS}
    files["violation"] = files["violation"][files["violation"]["experiment"] != "transformers"]
    assert table.groupby("paper").size().to_dict() == {paper: len(file) for paper, file in files.items()}
    assert list(table) == list(ledgers.COMMON)
    cell = ["part", "experiment", "dataset", "encoder", "scorer", "metric", "method", "condition", "source"]
    assert not table.duplicated(cell).any()
    for paper, file in files.items():
        own = table[table["paper"] == paper]
        assert sorted(own["value"].dropna()) == sorted(file["value"].dropna())
    missing = table[table["verdict"] == "not run"]
    assert not missing["reason"].isin(["", ledger.UNEXPLAINED]).any()
    assert ledgers.reason_counts(table, ["not run"])["cells"].sum() == len(missing)


def test_every_difference_has_a_reason_of_a_kind(whole):
    table, each = whole
    apart = table[table["verdict"].isin(["differs", "unequal"])]
    assert set(apart["kind"]) <= set(ledger.KINDS)
    assert not apart["reason"].isin(["", ledger.UNEXPLAINED]).any()
    assert not apart["reason"].str.contains("likely").any()
    for compared in each.values():
        own = compared.table[compared.table["verdict"] == "differs"]
        assert (own.loc[own["kind"] == "shown", "closed_by"] != "").all()


def test_totals_are_the_sums_of_the_papers_own_tables(whole):
    table, each = whole
    totals, checks = (count(table, "part").set_index("part") for count in (ledger.totals, ledger.checks))
    for counts in (totals, checks):
        assert (counts.drop(index="all").sum() == counts.loc["all"]).all()
    for part, compared in each.items():
        assert checks.loc[part].tolist() == ledger.checks(compared.table, "metric").iloc[-1, 1:].tolist()
        own = ledger.totals(compared.table, "metric").iloc[-1, 1:]
        assert (own["published"] > 0) == (part in totals.index) == (compared.paper in PAPERS_WITH_RESULTS)
        if part in totals.index:
            assert totals.loc[part].tolist() == own.tolist()
        assert own["published"] + checks.loc[part, "published"] == len(compared.published)
    assert totals["published"].equals(totals[list(ledger.VERDICTS)].sum(axis=1))
    assert totals["differs"].equals(totals[list(ledger.KINDS)].sum(axis=1))


def test_every_number_says_where_it_was_checked_and_none_is_from_memory(whole):
    for paper in papers.PAPERS:
        published = cells.read_table(cells.REFERENCE / f"{paper}.csv", ())
        assert published["checked_in"].notna().all()
        assert not published["source"].str.contains("recalled").any()
        assert not published["note"].astype(str).str.contains("unverified").any()
    assert whole[0]["checked_in"].notna().all()


def test_the_readme_says_what_was_found(whole):
    """Its figures are those of the record: numbers compared, verdicts, and what it tells of SST."""
    told = " ".join((PROJECT / "README.md").read_text().split())
    compared = ledger.totals(whole[0], "part").iloc[-1]["compared"]
    assert f"{compared:,} published numbers have one of ours beside them" in told
    words = Counter(one.judged.verdict for one in together.findings(papers.recorded()))
    claims = (
        f"of {words.total()} claims {words['holds']} hold, {words['points that way']} point that way, "
        f"{words['points the other way']} points the other way and {words['open']} are open"
    )
    assert claims in told
    where = {"dataset": "sst", "encoder": "bilstm", "scorer": "additive", "class": "all"}
    found = cells.main_grid(cells.recorded("jain_wallace", ["adversary", "permutation"]))
    found = cells.select(found, **where)
    jsd = cells.select(found, metric="jsd", epsilon=0.01).groupby("method")["value"].mean()
    assert (
        f"(JSD {jsd['exact optimum']:.3f} against {jsd['published search']:.3f})".replace("0.", ".") in told
    )
    inert = 1 - cells.select(found, metric="can_flip", seed=0)["value"].mean()
    assert f"On {inert:.0%} of".replace("%", " %") in told


def test_the_readmes_picture_shows_the_weights_of_the_run(monkeypatch):
    monkeypatch.setenv("ATTNLIB_READOUTS", str(BOOK / "readouts"))
    run = prepare("sst", vectors="imdb", recorded="only").readable()
    at = run.ids.index("sentences/24")
    readout, words = run.readout.select([at]), run.words[at]
    attentions = (
        readout.alpha,
        search_adversary(readout, 0.01).weights,
        exact_adversary(readout, 0.01).weights,
    )
    picture = (BOOK / "_assets/three_attentions.svg").read_text()
    drawn = [float(weight) for weight in re.findall(r'fill-opacity="([\d.]+)"', picture)]
    expected = [float(weight) for weights in attentions for weight in weights[0, : len(words)]]
    assert drawn == pytest.approx(expected, abs=0.006)
    assert re.findall(r"<text[^>]*>([a-z]+)</text></g>", picture) == list(words) * 3


def test_every_number_of_ours_names_its_parameters_and_a_page_of_the_book(whole):
    table, _ = whole
    found = table[table["ours"].notna()]
    assert len(found) > 1000
    assert (found["parameters"] != "").all()
    assert (table[table["ours"].isna()]["n_seeds"] == 0).all()
    names = set(table["notebook"])
    assert names <= set(yaml.safe_load((PROJECT / "config/default.yaml").read_text())["book"])
    assert all((NOTEBOOKS / f"{name}.py").is_file() for name in names)
    for row in found.drop_duplicates("notebook").to_dict("records"):
        assert len(row["runs"].split()) >= row["n_seeds"]
        assert f"dataset={row['ours_dataset']}" in row["parameters"]


def test_parameters_in_words_are_those_that_the_notebook_has_not_itself():
    usual = {"dataset": "planted", "encoder": "bilstm", "seed": 0, "limit": None, "device": "cpu"}
    given = [usual | {"seed": seed, "limit": 100, "output": "here"} for seed in (10, 2)]
    assert ledgers.in_words(given, usual) == "dataset=planted seed=2|10 limit=100"
    words = ledgers.in_words([usual], usual | {"limit": 500})
    assert words == "dataset=planted seed=0 limit=null"
    assert ledgers.in_words([], usual) == ""


def test_parameters_of_fresh_runs_go_before_recorded_ones(tmp_path):
    save(tmp_path / "sweep", ours(0.5), parameters={"seed": 0, "limit": 5})
    (found,) = ledgers.parameters("p", fresh=tmp_path / "sweep", folder=tmp_path).values()
    assert found == {"seed": 0, "limit": 5}


def test_the_table_of_all_papers_links_to_notebooks(whole):
    table = whole[0].drop_duplicates("notebook")
    pages = {name: f"../{name}.html" for name in table["notebook"]}

    def page(rows):
        return ledger.to_html(rows, pages, "all", ledgers.SHOWN)

    for name in table["notebook"]:
        assert f'<td><a href="../{name}.html">{name}</a>' in page(table)
    assert page(table).count("<th ") == len(ledgers.SHOWN)
    assert "released configurations" in page(cells.select(whole[0], paper="serrano_smith"))
    assert '<tr class="not-run">' in page(table.head(1).assign(verdict="not run"))


def test_the_page_runs_with_results_and_without(tmp_path):
    none, _ = ledgers.everything(folder=tmp_path)
    assert set(none["verdict"]) == {"not run"}
    assert set(none["parameters"]) == {""}
    assert ledger.totals(none, "part").iloc[-1]["compared"] == 0
    for name, values in (("some", {}), ("none", {"recorded": str(tmp_path / "nowhere")})):
        page = execute("beyond/ledger", tmp_path / name, **values)
        table = results.read(tmp_path / name / "ledger.csv")
        assert len(table) == len(none)
        assert (table["verdict"] == "not run").all() == (name == "none")
        assert "Where these numbers come from" in page.words
        assert len(page.whole) < 3e6
