"""All papers in one ledger: nothing is lost or counted twice, and every number of ours can be made again."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from attnbook.runs import results
from attnbook.verdicts import cells, ledger, ledgers

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.slow  # reads the records of all papers


@pytest.fixture(scope="module")
def whole():
    return ledgers.everything()


def test_every_published_number_stands_there_once(whole):
    table, each = whole
    files = {paper: cells.read_published(ROOT / f"book/reference/{paper}.csv") for paper in each_paper(each)}
    assert table.groupby("paper").size().to_dict() == {paper: len(file) for paper, file in files.items()}
    assert list(table) == list(ledgers.COMMON)
    cell = ["part", "experiment", "dataset", "encoder", "scorer", "metric", "method", "condition", "source"]
    assert not table.duplicated([*cell]).any()
    for paper, file in files.items():
        own = table[table["paper"] == paper]
        assert sorted(own["value"].dropna()) == sorted(file["value"].dropna())


def each_paper(each):
    return {compared.paper for compared in each.values()}


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


def test_every_number_not_run_has_a_reason_that_is_counted(whole):
    table, _ = whole
    counts = ledgers.reason_counts(table, ["not run"])
    missing = table[table["verdict"] == "not run"]
    assert counts["cells"].sum() == len(missing)
    assert not missing["reason"].isin(["", ledger.UNEXPLAINED]).any()


def test_what_is_known_from_memory_is_marked(whole):
    table, _ = whole
    recalled = table["source"].str.contains("^(?:derived from )?recalled")
    of = table[recalled].groupby("part").size().to_dict()
    assert of == {"Serrano & Smith 2019": 40, "Wiegreffe & Pinter 2019": 82}
    assert set(table[recalled]["known"]) == {ledgers.UNVERIFIED}
    assert not table[~recalled]["known"].eq(ledgers.UNVERIFIED).any()
    assert set(table["known"]) <= set(ledgers.SOURCES.values())
    counted = ledgers.totals(table).set_index("part")["unverified"]
    assert counted[counted > 0].to_dict() == of | {"all": sum(of.values())}


def test_every_number_of_ours_names_its_parameters_and_a_page_of_the_book(whole):
    table, _ = whole
    ours = table[table["ours"].notna()]
    assert len(ours) > 1000
    assert (ours["parameters"] != "").all()
    assert (table[table["ours"].isna()]["n_seeds"] == 0).all()
    pages = yaml.safe_load((ROOT / "config/default.yaml").read_text())["book"]
    assert set(table["notebook"]) <= set(pages)
    for name in set(table["notebook"]):
        assert (ROOT / "notebooks" / f"{name}.py").is_file()
    for row in ours.drop_duplicates("notebook").to_dict("records"):
        assert len(row["runs"].split()) >= row["n_seeds"]
        assert f"dataset={row['ours_dataset']}" in row["parameters"]


@pytest.mark.slow
def test_without_results_nothing_is_run(tmp_path):
    table, _ = ledgers.everything(folder=tmp_path)
    assert set(table["verdict"]) == {"not run"}
    assert set(table["parameters"]) == {""}
    assert ledgers.totals(table).iloc[-1]["run"] == 0


def test_parameters_in_words_are_those_that_the_notebook_has_not_itself():
    usual = {"dataset": "planted", "encoder": "bilstm", "seed": 0, "limit": None, "device": "cpu"}
    given = [usual | {"seed": seed, "limit": 100, "output": "here"} for seed in (10, 2)]
    assert ledgers.in_words(given, usual) == "dataset=planted seed=2|10 limit=100"
    assert ledgers.in_words([usual | {"limit": None}], usual | {"limit": 500}) == (
        "dataset=planted seed=0 limit=null"
    )
    assert ledgers.in_words([], usual) == ""


def test_parameters_of_fresh_runs_go_before_recorded_ones(tmp_path):
    run = dict(paper="p", experiment="e", dataset="d", encoder="x", scorer="y", seed=0)
    summary = results.validate(pd.DataFrame({"metric": ["m"], "class": "all", "value": 0.5}).assign(**run))
    origin = results.provenance(parameters={"seed": 0, "limit": 5})
    results.save_run(tmp_path / "sweep/p/e/a", summary, summary, origin)
    (found,) = ledgers.parameters("p", fresh=tmp_path / "sweep", folder=tmp_path).values()
    assert found == {"seed": 0, "limit": 5}


def stock_runs(folder: Path, better: bool) -> None:
    """Recorded violation ratios on scenes: attention × gradient better than random scores, or worse."""
    values = {
        "random": 0.5,
        "attention": 0.48,
        "attention × gradient": 0.2 if better else 0.8,
        "relevance": 1,
    }
    rows = pd.DataFrame(
        [
            {
                "metric": "violation",
                "method": method,
                "value": value + seed / 100,
                "seed": seed,
                "run": f"r{seed}",
            }
            for method, value in values.items()
            for seed in (0, 1)
        ]
    )
    rows = rows.assign(paper="violation", experiment="transformers", dataset="scenes", encoder="visual_bert")
    rows = rows.assign(scorer="self_attention", operator="mean", target="logit", **{"class": "all"})
    results.write(results.validate(rows), folder / "violation/transformers.csv")


@pytest.mark.slow
@pytest.mark.parametrize(("better", "verdict"), [(True, "pattern holds"), (False, "pattern differs")])
def test_transformers_are_compared_by_pattern(better, verdict, tmp_path):
    stock_runs(tmp_path, better)
    compared = ledgers.compare("transformers", folder=tmp_path)
    table = compared.table
    assert len(table) == len(compared.published)
    own = table[
        (table["metric"] == "violation") & (table["operator"] == "mean") & (table["source"] == "nb_mm")
    ]
    own = own.set_index("method")
    assert own.loc["attention × gradient", "verdict"] == verdict
    assert own.loc["attention × gradient", ["ours", "n_seeds", "runs"]].tolist() == [
        pytest.approx(0.205 if better else 0.805),
        2,
        "r0 r1",
    ]
    assert own.loc["random", ["verdict", "reason"]].tolist() == ["undecided", ledgers.REFERENCE_METHOD]
    assert own.loc["rollout", "verdict"] == "not run"
    assert set(table[table["operator"] == "deletion"]["reason"]) == {ledgers.MASKED}
    assert table[table["metric"] == "accuracy"]["reason"].tolist() == [ledgers.NO_PATTERN]
    everything, _ = ledgers.everything(folder=tmp_path)
    counted = ledgers.totals(everything).set_index("part").loc["Liu et al. 2022, transformers (patterns)"]
    assert counted["holds" if better else "differs"] == (table["verdict"] == verdict).sum() > 0


def test_the_table_of_all_papers_links_to_notebooks(whole):
    table = whole[0].drop_duplicates("notebook")
    pages = {name: f"../{name}.html" for name in table["notebook"]}
    page = ledger.to_html(table, pages, "all", ledgers.SHOWN)
    for name in table["notebook"]:
        assert f'<td><a href="../{name}.html">{name}</a>' in page
    assert page.count("<th ") == len(ledgers.SHOWN)
    assert "recalled, unverified" in ledger.to_html(
        whole[0][whole[0]["paper"] == "serrano_smith"], pages, "all", ledgers.SHOWN
    )
    patterns = table.head(1).assign(verdict="pattern differs")
    assert '<tr class="differs">' in ledger.to_html(patterns, pages, "all", ledgers.SHOWN)


@pytest.mark.slow
def test_the_page_runs_with_results_and_without(tmp_path):
    from attnbook.runs import run

    for name, values in (("some", {}), ("none", {"recorded": str(tmp_path / "nowhere")})):
        values["output"] = str(tmp_path / name)
        run.run(ROOT / "notebooks/beyond/ledger.py", tmp_path / f"{name}.ipynb", values)
        table = results.read(tmp_path / name / "ledger.csv")
        assert len(table) == len(ledgers.everything(folder=tmp_path)[0])
        assert (table["verdict"] == "not run").all() == (name == "none")
        text = json.dumps(json.loads((tmp_path / f"{name}.ipynb").read_text()))
        assert "Where these numbers come from" in text
        assert len(text) < 3e6
