"""The table of cells: reading, choosing, averages over seeds, and published numbers beside ours."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from attnbook.runs import results
from attnbook.verdicts import cells, summary
from tests.attnbook.verdicts.one_cell import NAMES, beside, ours, theirs


class TestOverSeeds:
    def test_mean_range_and_seeds(self):
        (row,) = cells.over_seeds(ours(0.1, 0.4, 0.4)).to_dict("records")
        assert row["value"] == pytest.approx(0.3)
        assert (row["low"], row["high"], row["each"]) == (0.1, 0.4, (0.1, 0.4, 0.4))
        assert (row["n_seeds"], row["n"]) == (3, 100)

    def test_one_seed_has_no_range(self):
        one, several = (cells.range_over_seeds(ours(*seeds)).iloc[0] for seeds in ((0.1,), (0.1, 0.4)))
        assert np.isnan(one["low"])
        assert np.isnan(one["high"])
        assert (one["value"], several["low"], several["high"]) == (0.1, 0.1, 0.4)

    def test_an_undefined_value_is_no_seed(self):
        (row,) = cells.over_seeds(ours(0.1, np.nan)).to_dict("records")
        assert (row["value"], row["n_seeds"]) == (0.1, 1)

    def test_the_same_number_twice_is_one(self):
        (row,) = cells.over_seeds(pd.concat([ours(0.1, 0.2), ours(0.1, 0.2)])).to_dict("records")
        assert row["each"] == (0.1, 0.2)

    def test_two_numbers_of_a_seed_are_refused_by_name(self):
        with pytest.raises(ValueError, match="metric m, seed 0.*choose variant and vectors"):
            cells.over_seeds(pd.concat([ours(0.1), ours(0.2)]))


class TestMeanInterval:
    def test_it_is_students(self):
        each = (0.1, 0.2, 0.4)
        both = pd.DataFrame({"value": [np.mean(each), 0.3], "each": [each, (0.3,)], "n_seeds": [3, 1]})
        found = cells.mean_interval(both)
        low, high = t.interval(0.95, 2, np.mean(each), np.std(each, ddof=1) / np.sqrt(3))
        assert found.loc[0, ["low", "high"]].tolist() == pytest.approx([low, high])
        assert found.loc[1, ["low", "high"]].isna().all()

    def test_a_number_that_only_the_paper_has_has_none(self):
        alone = pd.DataFrame({"value": [np.nan], "each": [np.nan], "n_seeds": [np.nan]})
        assert cells.mean_interval(alone)[["low", "high"]].isna().all(axis=None)


class TestBeside:
    def test_each_side_is_kept_without_the_other(self):
        own = pd.concat([ours(0.1, 0.3), ours(0.5, metric="tau_random")])
        table = beside(own, pd.concat([theirs(0.25), theirs(0.9, dataset="snli")]))
        found = table.set_index(["dataset", "metric"])[["value", "published"]]
        assert found.loc[("SST", "m")].tolist() == pytest.approx([0.2, 0.25])
        assert found.loc[("SST", "tau_random"), "published"] is np.nan or np.isnan(
            found.loc[("SST", "tau_random"), "published"]
        )
        assert np.isnan(found.loc[("SNLI", "m"), "value"])
        assert table["dataset"].cat.categories.tolist() == list(NAMES.values())

    def test_conditions_tell_numbers_apart(self):
        own = pd.concat([ours(0.1, epsilon=0.01, method="a"), ours(0.2, epsilon=0.05, method="a")])
        table = beside(own, theirs(0.3, epsilon=0.05, method="a")).set_index("epsilon")
        assert table["published"].isna().to_dict() == {0.01: True, 0.05: False}

    def test_without_ours_there_is_theirs(self):
        empty = cells.main_grid(cells.complete(pd.DataFrame()))
        table = beside(empty, theirs(0.3))
        assert table["published"].tolist() == [0.3]
        assert not summary.has_ours(table)

    def test_of_a_number_published_twice_the_exact_one_counts(self):
        twice = pd.concat([theirs(0.3, note="printed to two decimals"), theirs(0.3012)], ignore_index=True)
        assert beside(ours(), twice)["published"].tolist() == [0.3012]


class TestChoosing:
    def test_values_lists_and_labels(self):
        table = pd.concat([ours(0.1, metric=name, encoder=name) for name in ("a", "b", "c")])
        found = cells.select(table, metric={"c": "C", "a": "A"}, encoder=["b", "a"])
        assert found["metric"].tolist() == ["A"]
        assert found["metric"].cat.categories.tolist() == ["C", "A"]
        assert cells.select(table, metric="b", seed=0)["encoder"].tolist() == ["b"]

    def test_rows_of_unknown_data_sets_are_left_out_and_order_is_kept(self):
        table = pd.concat([ours(0.5, dataset=name) for name in ("snli", "planted", "sst")])
        found = cells.select(table, dataset=NAMES)["dataset"]
        assert found.tolist() == ["SNLI", "SST"]
        assert found.cat.categories.tolist() == list(NAMES.values())

    def test_the_main_grid_is_one_variant_and_the_usual_vectors(self):
        rows = [("released", "imdb"), ("released", "corpus"), ("published", "imdb")]
        table = pd.concat([ours(0.5, variant=variant, vectors=vectors) for variant, vectors in rows])
        assert len(cells.main_grid(table)) == 1
        assert len(cells.main_grid(table, ("released", "published"))) == 2
        empty = cells.main_grid(cells.complete(pd.DataFrame()))
        assert empty.empty
        assert {"class", "bin", "epsilon"} <= set(empty)


def test_spread_is_over_all_but_the_keys():
    rows = pd.DataFrame(
        {"dataset": ["b", "a", "b"], "seed": [0, 0, 1], "method": ["m", "m", "m"], "value": [1.0, 5.0, 2.0]}
    )
    found = cells.over_rows(rows, ["dataset", "method"])
    assert found[["dataset", "value", "low", "high"]].to_numpy().tolist() == [
        ["b", 1.5, 1, 2],
        ["a", 5, 5, 5],
    ]
    assert "published" not in found
    theirs = pd.DataFrame({"dataset": ["a", "c"], "method": ["m", "m"], "value": [4.0, 9.0]})
    beside = cells.over_rows(rows, ["dataset", "method"], theirs)
    assert beside["published"].fillna(-1).tolist() == [-1, 4]
    assert cells.over_rows(rows[:0], ["dataset", "method"], theirs).empty


def test_a_repeated_or_silent_number_is_named(tmp_path):
    path = tmp_path / "published.csv"
    theirs(0.5, 0.6, note="why", source="s", original="o").to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"published\.csv: line 3 repeats"):
        cells.read_published(path)
    theirs(np.nan, source="s", original="o").to_csv(path, index=False)
    with pytest.raises(ValueError, match="line 2 has neither a value nor a note"):
        cells.read_published(path)


def test_several_experiments_are_read_and_a_missing_one_is_empty(tmp_path):
    row = ours(0.5, 0.6, paper="p", experiment="base", run="r")
    results.write(results.validate(row), tmp_path / "p/base.csv")
    found = cells.recorded("p", ["base", "adversary"], folder=tmp_path)
    assert found["value"].tolist() == [0.5, 0.6]
    assert set(results.COLUMNS) <= set(cells.recorded("p", ["adversary"], folder=tmp_path))


def test_a_search_belongs_to_the_whole_run():
    table = pd.DataFrame(
        {
            "run": ["1", "1", "2", "2", "3"],
            "method": ["published search", "exact optimum", "uniform attention", "released search", None],
        }
    )
    found = cells.complete(table)["search"]
    assert found.fillna("none").tolist() == ["published", "published", "released", "released", "none"]
    empty = cells.complete(cells.recorded("nobody", ["correlation"], folder="nowhere"))
    assert empty.empty
    assert (empty["search"] + empty["dataset"]).empty
