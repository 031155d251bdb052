"""All papers in one ledger: nothing is lost or counted twice, and every number of ours can be made again."""

import pytest
import yaml

from attnbook import NOTEBOOKS, PROJECT
from attnbook.runs import results
from attnbook.verdicts import cells, ledger, ledgers
from tests.attnbook.made import ours, save
from tests.attnbook.verdicts.pages import execute

pytestmark = pytest.mark.slow  # reads the records of all papers


@pytest.fixture(scope="module")
def whole():
    return ledgers.everything()


def test_every_published_number_stands_there_once_and_what_is_not_run_has_a_reason(whole):
    table, each = whole
    papers = {compared.paper for compared in each.values()}
    files = {paper: cells.read_published(cells.REFERENCE / f"{paper}.csv") for paper in papers}
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


def test_totals_are_the_sums_of_the_papers_own_tables(whole):
    table, each = whole
    totals = ledgers.totals(table).set_index("part")
    for part, compared in each.items():
        verdict = compared.table["verdict"]
        counts = verdict.str.removeprefix(ledgers.PATTERN).value_counts()
        for name in ledger.VERDICTS:
            assert totals.loc[part, name] == counts.get(name, 0)
        assert totals.loc[part, "published"] == len(compared.published) == len(compared.table)
        assert totals.loc[part, "run"] == (verdict != "not run").sum()
        if not verdict.str.startswith(ledgers.PATTERN).any():
            own = ledger.totals(compared.table, "metric").iloc[-1].drop("metric")
            assert totals.loc[part, own.index].tolist() == own.tolist()
    assert (totals.drop(index="all").sum() == totals.loc["all"]).all()


def test_what_is_known_from_memory_is_marked(whole):
    table, _ = whole
    recalled = table["source"].str.contains("^(?:derived from )?recalled")
    of = table[recalled].groupby("part").size().to_dict()
    assert of == {"Serrano & Smith 2019": 40, "Wiegreffe & Pinter 2019": 82}
    assert (table["known"].eq(ledgers.UNVERIFIED) == recalled).all()
    assert set(table["known"]) <= set(ledgers.SOURCES.values())
    counted = ledgers.totals(table).set_index("part")["unverified"]
    assert counted[counted > 0].to_dict() == of | {"all": sum(of.values())}


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


@pytest.mark.parametrize(("product", "verdict"), [(0.2, "pattern holds"), (0.8, "pattern differs")])
def test_transformers_are_compared_by_pattern(product, verdict, tmp_path):
    """Recorded violation ratios on scenes: attention × gradient better than random scores, or worse."""
    values = {"random": 0.5, "attention": 0.48, "attention × gradient": product, "relevance": 1}
    run = {"paper": "violation", "experiment": "transformers", "metric": "violation", "dataset": "scenes"}
    run |= {"encoder": "visual_bert", "scorer": "self_attention", "operator": "mean", "target": "logit"}
    rows = [
        ours(value + seed / 100, method=method, seed=seed, run=f"r{seed}", **run)
        for method, value in values.items()
        for seed in (0, 1)
    ]
    results.write(results.validate(cells.stack(rows)), tmp_path / "violation/transformers.csv")
    compared = ledgers.compare("transformers", folder=tmp_path)
    table = compared.table
    assert len(table) == len(compared.published)
    own = cells.select(table, metric="violation", operator="mean", source="nb_mm").set_index("method")
    found = own.loc["attention × gradient", ["verdict", "ours", "n_seeds", "runs"]].tolist()
    assert found == [verdict, pytest.approx(product + 0.005), 2, "r0 r1"]
    assert own.loc["random", ["verdict", "reason"]].tolist() == ["undecided", ledgers.REFERENCE_METHOD]
    assert own.loc["rollout", "verdict"] == "not run"
    assert set(table[table["operator"] == "deletion"]["reason"]) == {ledgers.MASKED}
    assert table[table["metric"] == "accuracy"]["reason"].tolist() == [ledgers.NO_PATTERN]
    everything, _ = ledgers.everything(folder=tmp_path)
    counted = ledgers.totals(everything).set_index("part").loc["Liu et al. 2022, transformers (patterns)"]
    assert counted[verdict.removeprefix(ledgers.PATTERN)] == (table["verdict"] == verdict).sum() > 0


def test_the_table_of_all_papers_links_to_notebooks(whole):
    table = whole[0].drop_duplicates("notebook")
    pages = {name: f"../{name}.html" for name in table["notebook"]}

    def page(rows):
        return ledger.to_html(rows, pages, "all", ledgers.SHOWN)

    for name in table["notebook"]:
        assert f'<td><a href="../{name}.html">{name}</a>' in page(table)
    assert page(table).count("<th ") == len(ledgers.SHOWN)
    assert "recalled, unverified" in page(cells.select(whole[0], paper="serrano_smith"))
    assert '<tr class="differs">' in page(table.head(1).assign(verdict="pattern differs"))


def test_the_page_runs_with_results_and_without(tmp_path):
    none, _ = ledgers.everything(folder=tmp_path)
    assert set(none["verdict"]) == {"not run"}
    assert set(none["parameters"]) == {""}
    assert ledgers.totals(none).iloc[-1]["run"] == 0
    for name, values in (("some", {}), ("none", {"recorded": str(tmp_path / "nowhere")})):
        page = execute("beyond/ledger", tmp_path / name, **values)
        table = results.read(tmp_path / name / "ledger.csv")
        assert len(table) == len(none)
        assert (table["verdict"] == "not run").all() == (name == "none")
        assert "Where these numbers come from" in page.words
        assert len(page.whole) < 3e6
