"""The table of cells: reading, choosing, averages over seeds, and published numbers beside ours."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from attnbook.runs import results
from attnbook.verdicts import cells
from tests.attnbook.made import ours
from tests.attnbook.verdicts.made import NAMES, beside, theirs

EMPTY = cells.complete(pd.DataFrame())


class TestOverSeeds:
    @pytest.mark.parametrize(
        "own",
        [ours(0.1, 0.4, 0.4), ours(0.1, 0.4, 0.4, np.nan), pd.concat([ours(0.1, 0.4, 0.4)] * 2)],
        ids=["seeds", "an undefined value is no seed", "the same number twice is one"],
    )
    def test_mean_and_range(self, own):
        (row,) = cells.over_seeds(own).to_dict("records")
        assert row["value"] == pytest.approx(0.3)
        assert (row["low"], row["high"], row["each"]) == (0.1, 0.4, (0.1, 0.4, 0.4))
        assert (row["n_seeds"], row["n"]) == (3, 100)

    def test_one_seed_has_no_range(self):
        for seeds, ends in (((0.1,), [np.nan] * 2), ((0.1, 0.4), [0.1, 0.4])):
            found = cells.range_over_seeds(ours(*seeds)).iloc[0]
            np.testing.assert_array_equal(found[["low", "high"]].astype(float), ends)

    def test_two_numbers_of_a_seed_are_refused_by_name(self):
        with pytest.raises(ValueError, match="metric m, seed 0.*choose variant and vectors"):
            cells.over_seeds(pd.concat([ours(0.1), ours(0.2)]))


def test_the_interval_of_a_mean_is_students_and_needs_two_seeds():
    each = (0.1, 0.2, 0.4)
    table = pd.DataFrame({"value": [np.mean(each), 0.3, np.nan], "each": [each, (0.3,), np.nan]})
    found = cells.mean_interval(table)
    low, high = t.interval(0.95, 2, np.mean(each), np.std(each, ddof=1) / np.sqrt(3))
    assert found.loc[0, ["low", "high"]].tolist() == pytest.approx([low, high])
    assert found.loc[1:, ["low", "high"]].isna().all(axis=None)


class TestBeside:
    def test_each_side_is_kept_without_the_other(self):
        own = pd.concat([ours(0.1, 0.3), ours(0.5, metric="other")])
        table = beside(own, pd.concat([theirs(0.25), theirs(0.9, dataset="snli")]))
        found = table.set_index(["dataset", "metric"])[["value", "published"]].fillna(-1)
        expected = {("SST", "m"): [0.2, 0.25], ("SST", "other"): [0.5, -1], ("SNLI", "m"): [-1, 0.9]}
        for cell, both in expected.items():
            assert found.loc[cell].tolist() == pytest.approx(both)
        assert table["dataset"].cat.categories.tolist() == list(NAMES.values())

    def test_conditions_tell_numbers_apart(self):
        own = pd.concat([ours(0.1, epsilon=0.01, method="a"), ours(0.2, epsilon=0.05, method="a")])
        table = beside(own, theirs(0.3, epsilon=0.05, method="a")).set_index("epsilon")
        assert table["published"].isna().to_dict() == {0.01: True, 0.05: False}

    def test_without_ours_there_is_theirs(self):
        table = beside(cells.main_grid(EMPTY), theirs(0.3))
        assert table["published"].tolist() == [0.3]

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
        table = pd.concat([ours(0.5, dataset=name) for name in ("snli", "planted", "sst")])
        found = cells.select(table, dataset=NAMES)["dataset"]
        assert found.tolist() == ["SNLI", "SST"]
        assert found.cat.categories.tolist() == list(NAMES.values())

    def test_the_main_grid_is_one_variant_and_the_usual_vectors(self):
        grid = [("released", "imdb"), ("released", "corpus"), ("published", "imdb")]
        table = pd.concat([ours(0.5, variant=variant, vectors=vectors) for variant, vectors in grid])
        assert len(cells.main_grid(table)) == 1
        assert len(cells.main_grid(table, ("released", "published"))) == 2
        assert cells.main_grid(EMPTY).empty
        assert {"class", "bin", "epsilon"} <= set(cells.main_grid(EMPTY))


def test_spread_is_over_all_but_the_keys():
    found = [("b", 0, 1.0), ("a", 0, 5.0), ("b", 1, 2.0)]
    own = pd.DataFrame(found, columns=["dataset", "seed", "value"]).assign(method="m")
    table = cells.over_rows(own, ["dataset", "method"])
    found = table[["dataset", "value", "low", "high"]].to_numpy().tolist()
    assert found == [["b", 1.5, 1, 2], ["a", 5, 5, 5]]
    assert "published" not in table
    published = pd.DataFrame({"dataset": ["a", "c"], "method": "m", "value": [4.0, 9.0]})
    table = cells.over_rows(own, ["dataset", "method"], published)
    assert table["published"].fillna(-1).tolist() == [-1, 4]
    assert cells.over_rows(own[:0], ["dataset", "method"], published).empty


def test_a_repeated_or_silent_number_is_named(tmp_path):
    path = tmp_path / "published.csv"
    theirs(0.5, 0.6, note="why").to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"published\.csv: line 3 repeats"):
        cells.read_published(path)
    theirs(np.nan).to_csv(path, index=False)
    with pytest.raises(ValueError, match="line 2 has neither a value nor a note"):
        cells.read_published(path)
    theirs(0.5, checked_in=None).to_csv(path, index=False)
    with pytest.raises(ValueError, match="line 2 does not say where it was checked"):
        cells.read_published(path)
    theirs(0.5).to_csv(path, index=False)
    assert cells.read_published(path)["checked_in"].tolist() == ["files"]


def test_several_experiments_are_read_and_a_missing_one_is_empty(tmp_path):
    results.write(results.validate(ours(0.5, 0.6, run="r")), tmp_path / "p/e.csv")
    found = cells.recorded("p", ["e", "adversary"], folder=tmp_path)
    assert found["value"].tolist() == [0.5, 0.6]
    none = cells.recorded("p", ["adversary"], folder=tmp_path)
    assert none.empty
    assert set(results.COLUMNS) <= set(none)
    assert (none["search"] + none["dataset"]).empty


def test_a_search_belongs_to_the_whole_run():
    methods = ["published search", "exact optimum", "uniform attention", "released search", None]
    found = cells.complete(pd.DataFrame({"run": [*"11223"], "method": methods}))["search"]
    assert found.fillna("none").tolist() == ["published", "published", "released", "released", "none"]
