"""One page per paper: ours beside the published numbers, shaped for figures, recorded and fresh."""

import pandas as pd
import pytest

from attnbook.verdicts import cells as cell_table
from attnbook.verdicts import summary
from attnlib.tables import summaries
from tests.attnbook.made import ours
from tests.attnbook.verdicts.made import beside, theirs


def of_classes(*names, **columns):
    return pd.concat([ours(0.5, **columns, **{"class": name}) for name in names])


class TestDifferences:
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
    def test_the_headline_is_the_first_measure_of_a_data_set(self):
        own = [
            ours(0.5, metric="accuracy"),
            ours(0.6, metric="f1"),
            ours(0.7, metric="accuracy", dataset="snli"),
        ]
        found = summary.headline(beside(pd.concat(own), theirs()), ["f1", "accuracy"])
        assert found[["dataset", "metric"]].to_numpy().tolist() == [["SST", "f1"], ["SNLI", "accuracy"]]

    def test_quartiles_stand_side_by_side_where_we_have_them(self):
        first, second, *_ = summaries.MAX_ATTENTION_LABELS
        values = (("q25", 0.1), ("q50", 0.2), ("q75", 0.3))
        own = pd.concat([ours(value, metric=f"tvd_{name}", bin=first) for name, value in values])
        published = theirs(0.5, 0.6, metric="tvd_q50", bin=second, dataset=["sst", "snli"])
        found = summary.quartiles(summary.by_class(beside(own, published), []), "tvd").set_index("bin")
        assert found.loc[first, ["q25", "q50", "q75", "n"]].tolist() == [0.1, 0.2, 0.3, 100]
        assert found.loc[second, "published_q50"] == 0.5
        assert set(found["dataset"]) == {"SST"}
