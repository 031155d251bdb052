"""The recorded results of all papers, and the names that their page has for data sets and models."""

import pandas as pd
import pytest
import yaml

from attnbook import PROJECT
from attnbook.runs import grid, results
from attnbook.verdicts import cells, papers
from tests.attnbook.verdicts.made import EMPTY


@pytest.mark.slow
def test_every_paper_has_a_table_with_every_condition_of_its_own_grid():
    own = papers.recorded()
    for found in (own, EMPTY):
        assert list(found) == list(papers.PAPERS)
        for table in found.values():
            assert {*cells.FURTHER, "search", "run"} <= set(table)
    assert all(table.empty for table in EMPTY.values())
    for paper, table in own.items():
        assert not table["dataset"].str.startswith("planted").any()
        assert set(table["paper"]) <= {paper}
    assert set(own["jain_wallace"]["variant"]) <= {results.MAIN_VARIANT}


def test_the_citation_names_every_paper():
    references = yaml.safe_load((PROJECT / "CITATION.cff").read_text())["references"]
    cited = set()
    for one in references:
        names = [author["family-names"] for author in one["authors"]]
        cited.add(f"{' & '.join(names) if len(names) == 2 else names[0] + ' et al.'} {one['year']}")
    assert cited == set(papers.PAPERS.values())


def test_names_of_models_and_of_every_data_set_of_the_grids():
    assert papers.dataset_name("20news_sports") == "20 Newsgroups"
    assert papers.dataset_name("another") == "another"
    assert papers.model_name("bilstm", "scaled_dot") == "BiLSTM, dot product"
    assert papers.model_name("HANrnn", "learned_query") == "HANrnn"
    runs = grid.read(PROJECT / "config" / "paper.yaml", PROJECT)
    assert {parameters["dataset"] for parameters in runs.values()} <= set(papers.NAMES)


def test_a_stand_in_and_what_it_stands_for_go_by_one_label_that_says_so():
    part = pd.DataFrame({"dataset": ["agnews_subset"]})
    found = papers.labels(["sst", "agnews", "snli"], part)
    assert found["agnews"] == found["agnews_subset"] == "AG News (part)"
    assert list(dict.fromkeys(found.values())) == ["SST", "AG News (part)", "SNLI"]
    # One that is not needed or not there has none.
    for known in (["agnews", "agnews_subset"], ["sst"]):
        labels = papers.labels({"sst": "S", "agnews": "A"}, pd.DataFrame({"dataset": known}))
        assert labels == {"sst": "S", "agnews": "A"}
