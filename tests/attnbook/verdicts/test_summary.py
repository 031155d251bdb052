"""One page per paper: ours beside the published numbers, shaped for figures, recorded and fresh."""

import numpy as np
import pandas as pd
import pytest

from attnbook.runs import record
from attnbook.verdicts import cells as cell_table
from attnbook.verdicts import summary
from attnlib.tables import summaries
from tests.attnbook.made import MODEL, ours
from tests.attnbook.verdicts.made import NAMES, beside, theirs
from tests.attnbook.verdicts.pages import correlation, texts


def of_classes(*names, **columns):
    return pd.concat([ours(0.5, **columns, **{"class": name}) for name in names])


class TestDifferences:
    def test_seed_by_seed_and_only_where_both_are(self):
        table = pd.concat([ours(0.5, 0.9, 0.7, encoder="average"), ours(0.1, 0.2)])
        found = summary.differences(table, "encoder", "average", "bilstm", "apart")
        assert found["value"].tolist() == pytest.approx([0.4, 0.7])
        assert found["encoder"].unique().tolist() == ["apart"]
        assert found.columns.tolist() == table.columns.tolist()

    def test_a_mean_of_differences_is_recognised(self):
        values = {"gap": 0.2, "a": 0.5, "b": 0.3, "c": 0.1}
        table = theirs(*values.values(), metric=list(values))
        assert summary.residuals(table, "gap", "a", "b").tolist() == pytest.approx([0], abs=1e-12)
        assert summary.residuals(table, "gap", "a", "c").tolist() == pytest.approx([0.2])
        assert summary.residuals(table, "gap", "a", "none").empty

    @pytest.mark.parametrize("name", ["leave_one_out", "gradient"])
    def test_the_labels_of_the_authors_files_are_swapped(self, name):
        """What the page shows: the identity holds as we read the files, and not as they are labelled."""
        published = cell_table.read_published(cell_table.REFERENCE / "jain_wallace.csv")
        (other,) = {"leave_one_out", "gradient"} - {name}
        compared = (f"gap_{name}", "tau_gradient_leave_one_out")
        errors = summary.residuals(cell_table.once(published), *compared, f"tau_{name}")
        assert len(errors) > 60
        assert errors.max() < 2e-6
        assert summary.residuals(published, *compared, f"tau_{other}").max() > 0.1


class TestClasses:
    def test_classes_have_a_place_and_too_many_are_all_texts(self):
        own = [of_classes("all", "negative", "positive"), of_classes("all", *"abcdefg", dataset="agnews")]
        cells = beside(pd.concat([*own, ours(0.5, dataset="snli")]), theirs())
        found = summary.by_class(cells, ("positive", "negative", *"abcdefg"))
        rows = found.sort_values(["dataset", "place"])[["dataset", "class", "place"]].to_numpy().tolist()
        first, second = ["SST", "positive", "first class"], ["SST", "negative", "second class"]
        assert rows == [first, second, *([name, summary.ALL, summary.ALL] for name in ("AG News", "SNLI"))]

    def test_order_is_that_of_the_tables(self):
        tables = [theirs(0.1, 0.2, 0.3, **{"class": ["all", "b", "a"]}), ours(0.1, **{"class": "c"})]
        assert summary.classes(*tables) == ["b", "a", "c"]

    def test_a_model_that_predicts_few_of_many_classes_has_all_texts_only(self):
        rooms = ours(*range(5), dataset="babi2", **{"class": ["all", "hall", "attic", "garden", "office"]})
        order = summary.classes(theirs(0.1, **{"class": "a"}), rooms)
        assert order == ["a"]
        one = rooms[rooms["class"].isin(["all", "garden"])]
        found = summary.by_class(one.drop(columns="seed"), order)
        assert found[["class", "value"]].to_numpy().tolist() == [[summary.ALL, 0]]

    def test_the_last_class_is_the_positive_one(self):
        table = theirs(0.1, 0.2, metric="f1", **{"class": ["negative", "positive"]})
        found = summary.last_class(table, "f1")
        assert found[["class", "value"]].to_numpy().tolist() == [["all", 0.2]]


class TestChoosing:
    def test_joined_labels_keep_both_orders(self):
        table = pd.DataFrame({"dataset": [*"abb"], "encoder": [*"xxy"], "value": [np.nan, 1, 2]})
        for key, order in (("dataset", "ba"), ("encoder", "yx")):
            table[key] = pd.Categorical(table[key], [*order], ordered=True)
        keys, panels = ["dataset", "encoder"], ["b, y", "b, x", "a, x"]
        assert summary.joined(table, keys)["panel"].cat.categories.tolist() == panels
        assert summary.joined(table, keys, present="value")["panel"].tolist() == panels[:2]
        assert summary.joined(table[:0], keys).empty

    def test_the_headline_is_the_first_measure_of_a_data_set(self):
        own = [
            ours(0.5, metric="accuracy"),
            ours(0.6, metric="f1"),
            ours(0.7, metric="accuracy", dataset="snli"),
        ]
        found = summary.headline(beside(pd.concat(own), theirs()), ["f1", "accuracy"])
        assert found[["dataset", "metric"]].to_numpy().tolist() == [["SST", "f1"], ["SNLI", "accuracy"]]

    def test_what_is_missing_is_named(self):
        words = "Not run: there is no recorded result of the experiment *base*, encoder average."
        assert summary.not_run("base", encoder="average") == words

    def test_quartiles_stand_side_by_side_where_we_have_them(self):
        first, second, *_ = summaries.MAX_ATTENTION_LABELS
        values = (("q25", 0.1), ("q50", 0.2), ("q75", 0.3))
        own = pd.concat([ours(value, metric=f"tvd_{name}", bin=first) for name, value in values])
        published = theirs(0.5, 0.6, metric="tvd_q50", bin=second, dataset=["sst", "snli"])
        found = summary.quartiles(summary.by_class(beside(own, published), []), "tvd").set_index("bin")
        assert found.loc[first, ["q25", "q50", "q75", "n"]].tolist() == [0.1, 0.2, 0.3, 100]
        assert found.loc[second, "published_q50"] == 0.5
        assert set(found["dataset"]) == {"SST"}

    def test_results_by_epoch_have_the_published_number_of_the_model(self):
        grid = [(vectors, epoch) for vectors in ("random", "corpus") for epoch in (1.0, 2.0)]
        found = pd.concat([ours(0.1 * e, 0.3 * e, vectors=v, epoch=e) for v, e in grid])
        published = beside(ours(0.5), theirs(0.35))
        table = summary.by_epoch(found, published, NAMES)
        assert table[["vectors", "epoch"]].to_numpy().tolist() == [list(pair) for pair in grid]
        assert table["value"].tolist() == pytest.approx([0.2, 0.4, 0.2, 0.4])
        assert table["published"].unique().tolist() == [0.35]
        assert str(table["epoch"].iloc[0]) == "1"
        assert summary.by_epoch(found[:0], published, NAMES).empty


class TestTables:
    def test_sizes_of_classes_are_added_up_and_lengths_have_a_decimal_where_there_is_one(self):
        own = pd.concat([ours(1725, 1725, metric="n_test"), ours(18.24, metric="mean_length")])
        halves = theirs(863, 862, metric="n_test", encoder="any", **{"class": ["negative", "positive"]})
        published = pd.concat([halves, theirs(19, metric="mean_length", encoder="any")])
        columns = {"n_test": "test", "mean_length": "length"}
        found = summary.statistics(own, published, NAMES, columns)
        assert found.to_dict("index") == {"SST": {"test": "1,725 (1,725)", "length": "18.2 (19)"}}
        for length, of_theirs in (("–", halves), ("– (19)", published)):
            alone = summary.statistics(own[:2], of_theirs, NAMES, columns)
            assert alone["length"].tolist() == [length]
        with pytest.raises(ValueError, match="n_test differs between runs"):
            summary.statistics(ours(1725, 1724, metric="n_test"), theirs(), NAMES, {"n_test": "test"})

    def test_numbers_are_given_with_theirs_in_brackets(self):
        table = beside(pd.concat([ours(0.5), ours(0.7, encoder="average")]), theirs(0.25))
        found = summary.wide(table, ["dataset"], "encoder", "{:.2f}")
        assert found.loc["SST"].to_dict() == {"average": "0.70", "bilstm": "0.50 (0.25)"}


class TestDistributions:
    @pytest.mark.slow
    def test_fresh_runs_take_precedence_and_one_seed_is_shown(self, tmp_path):
        def shown(fresh=None):
            return summary.distributions("jain_wallace", fresh, tmp_path / "kept")

        for seed in (1, 2):
            correlation(tmp_path / "first", 0.2, seed=seed)
        record.record(tmp_path / "first", tmp_path / "kept")
        table = shown()
        assert set(table["seed"]) == {1}
        correlation(tmp_path / "second", 0.2, seed=3)
        pd.testing.assert_frame_equal(shown(tmp_path / "second"), table)
        correlation(tmp_path / "second", 0.2, seed=0)
        newer = shown(tmp_path / "second")
        assert set(newer["seed"]) == {0}
        expected = record.distributions(texts(0))
        assert newer["value"].tolist() == pytest.approx(expected["value"].tolist())

    def test_without_any_there_are_no_rows(self, tmp_path):
        table = summary.distributions("jain_wallace", fresh=tmp_path, folder=tmp_path)
        assert table.empty
        lines = summary.histogram_lines(cell_table.select(table, dataset=NAMES, metric="jsd_share"), [])
        assert {"start", "share", "place", "class"} <= set(lines)

    @pytest.mark.parametrize("n_classes", [2, 4])
    def test_steps_are_the_histogram(self, n_classes):
        frame = texts(0, 400)
        frame["predicted"] = np.resize([f"class {i}" for i in range(n_classes)], 400)
        rows = record.distributions(frame[["predicted", "tau_gradient"]]).assign(**MODEL)
        rows = cell_table.select(rows.reindex(columns=[*rows, "method", "epsilon"]), dataset=NAMES)
        lines = summary.histogram_lines(rows, sorted(set(frame["predicted"])))
        groups = frame.groupby("predicted" if n_classes == 2 else lambda row: summary.ALL)["tau_gradient"]
        assert set(lines["class"]) == set(groups.groups)
        for name, values in groups:
            count, edges = np.histogram(values, 30, (-1, 1))
            line = lines[lines["class"] == name]
            # The step that holds at the middle of each bin.
            at = np.searchsorted(line["start"], (edges[:-1] + edges[1:]) / 2) - 1
            np.testing.assert_allclose(line["share"].to_numpy()[at], count / len(values), atol=1e-9)
            assert line["start"].iloc[[0, -1]].tolist() == [-1, 1]
            assert line["share"].iloc[-1] == pytest.approx(count[-1] / len(values))
            assert (line["n"] == len(values)).all()
