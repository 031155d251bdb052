"""The recorded results of all papers, and the names that their page has for data sets and models."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from attnbook.runs import grid, results
from attnbook.verdicts import cells, papers
from tests.attnbook.verdicts.four_papers import EMPTY


@pytest.fixture(scope="module")
def own():
    return papers.recorded()


@pytest.mark.slow
def test_nothing_is_planted_or_of_another_grid(own):
    for paper, table in own.items():
        assert not table["dataset"].str.startswith("planted").any()
        assert set(table["paper"]) <= {paper}
    assert set(own["jain_wallace"]["variant"]) <= {results.MAIN_VARIANT}


def test_the_citation_names_every_paper():
    references = yaml.safe_load((Path(__file__).parents[3] / "CITATION.cff").read_text())["references"]
    cited = set()
    for one in references:
        names = [author["family-names"] for author in one["authors"]]
        cited.add(f"{' & '.join(names) if len(names) == 2 else names[0] + ' et al.'} {one['year']}")
    assert cited == set(papers.PAPERS.values())


def test_every_paper_has_a_table_with_every_condition(own):
    for tables in (own, EMPTY):
        assert list(tables) == list(papers.PAPERS)
        for table in tables.values():
            assert {*cells.FURTHER, "search", "run"} <= set(table)
    assert all(table.empty for table in EMPTY.values())


def test_names():
    assert papers.dataset_name("20news_sports") == "20 Newsgroups"
    assert papers.dataset_name("another") == "another"
    assert papers.model_name("bilstm", "scaled_dot") == "BiLSTM, dot product"
    assert papers.model_name("HANrnn", "learned_query") == "HANrnn"


def test_every_data_set_of_the_grids_has_a_name():
    root = Path(__file__).parents[3]
    runs = grid.read(root / "config" / "paper.yaml", root)
    assert {parameters["dataset"] for parameters in runs.values()} <= set(papers.NAMES)


def recorded(*datasets):
    return pd.DataFrame({"dataset": datasets})


def test_a_stand_in_and_what_it_stands_for_go_by_one_label_that_says_so():
    found = papers.labels(["sst", "agnews", "snli"], recorded("agnews_subset"))
    assert found["agnews"] == found["agnews_subset"] == "AG News (part)"
    assert list(dict.fromkeys(found.values())) == ["SST", "AG News (part)", "SNLI"]


@pytest.mark.parametrize("datasets", [("agnews", "agnews_subset"), ("sst",)])
def test_a_stand_in_that_is_not_needed_or_not_there_has_no_label(datasets):
    assert papers.labels({"sst": "S", "agnews": "A"}, recorded(*datasets)) == {"sst": "S", "agnews": "A"}
