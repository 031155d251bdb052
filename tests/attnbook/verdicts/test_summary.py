"""One page per paper: ours beside the published numbers, shaped for figures, recorded and fresh."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attnbook.runs import record, results
from attnbook.verdicts import cells as cell_table
from attnbook.verdicts import summary
from attnlib.tables import summaries
from tests.attnbook.verdicts.one_cell import MODEL, NAMES, beside, ours, theirs

ROOT = Path(__file__).parents[3]


class TestDifferences:
    def test_seed_by_seed_and_only_where_both_are(self):
        table = pd.concat([ours(0.5, 0.9, 0.7, encoder="average"), ours(0.1, 0.2)])
        found = summary.differences(table, "encoder", "average", "bilstm", "apart")
        assert found["value"].tolist() == pytest.approx([0.4, 0.7])
        assert found["encoder"].unique().tolist() == ["apart"]
        assert found.columns.tolist() == table.columns.tolist()

    def test_a_mean_of_differences_is_recognised(self):
        table = pd.concat(
            [theirs(v, metric=m) for m, v in (("gap", 0.2), ("a", 0.5), ("b", 0.3), ("c", 0.1))]
        )
        assert summary.residuals(table, "gap", "a", "b").tolist() == pytest.approx([0], abs=1e-12)
        assert summary.residuals(table, "gap", "a", "c").tolist() == pytest.approx([0.2])
        assert summary.residuals(table, "gap", "a", "none").empty

    def test_the_labels_of_the_authors_files_are_swapped(self):
        """What the page shows: the identity holds as we read the files, and not as they are labelled."""
        published = cell_table.read_published(ROOT / "book/reference/jain_wallace.csv")
        for gap, is_, says in (
            ("gap_leave_one_out", "tau_leave_one_out", "tau_gradient"),
            ("gap_gradient", "tau_gradient", "tau_leave_one_out"),
        ):
            errors = summary.residuals(cell_table.once(published), gap, "tau_gradient_leave_one_out", is_)
            assert len(errors) > 60
            assert errors.max() < 1e-5
            assert summary.residuals(published, gap, "tau_gradient_leave_one_out", says).max() > 0.1


@pytest.fixture
def cells():
    """Three data sets with two, seven and no classes."""
    parts = [ours(0.5, **{"class": name}) for name in ("all", "negative", "positive")]
    parts += [ours(0.5, dataset="agnews", **{"class": name}) for name in ("all", *"abcdefg")]
    return beside(pd.concat([*parts, ours(0.5, dataset="snli")]), theirs())


class TestClasses:
    ORDER = ("positive", "negative", *"abcdefg")

    def test_classes_have_a_place_and_too_many_are_all_texts(self, cells):
        found = summary.by_class(cells, self.ORDER).sort_values(["dataset", "place"])
        assert found["dataset"].tolist() == ["SST", "SST", "AG News", "SNLI"]
        assert found["class"].tolist() == ["positive", "negative", summary.ALL, summary.ALL]
        assert found["place"].tolist() == ["first class", "second class", summary.ALL, summary.ALL]

    def test_the_places_are_named(self, cells):
        assert summary.class_list(summary.by_class(cells, self.ORDER)) == "SST positive, negative"

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
        table = pd.DataFrame(
            {
                "dataset": pd.Categorical(["a", "b", "b"], ["b", "a"], ordered=True),
                "encoder": pd.Categorical(["x", "x", "y"], ["y", "x"], ordered=True),
                "value": [np.nan, 1, 2],
            }
        )
        found = summary.joined(table, ["dataset", "encoder"])
        assert found["panel"].cat.categories.tolist() == ["b, y", "b, x", "a, x"]
        assert summary.joined(table, ["dataset", "encoder"], present="value")["panel"].tolist() == [
            "b, y",
            "b, x",
        ]
        assert summary.joined(table[:0], ["dataset", "encoder"]).empty

    def test_another_metric_of_the_same_model_goes_alongside(self):
        own = [
            ours(0.5),
            ours(0.1, metric="m_uniform"),
            ours(0.3, metric="chance"),
            ours(0.4, encoder="average"),
            ours(0.9, metric="chance", bin="[0, .25)"),
            ours(0.9, metric="chance", method="search"),
        ]
        table = beside(pd.concat(own), theirs())
        found = summary.alongside(table, table, "baseline", "*_uniform").set_index(["encoder", "metric"])
        assert found.loc[("bilstm", "m"), "baseline"] == 0.1
        assert np.isnan(found.loc[("average", "m"), "baseline"])
        found = summary.alongside(table, table, "baseline", "chance")
        assert len(found) == len(table)
        assert found["baseline"].dropna().unique().tolist() == [0.3]

    def test_the_headline_is_the_first_measure_of_a_data_set(self):
        own = [
            ours(0.5, metric="accuracy"),
            ours(0.6, metric="f1"),
            ours(0.7, metric="accuracy", dataset="snli"),
        ]
        found = summary.headline(beside(pd.concat(own), theirs()), ["f1", "accuracy"])
        assert found[["dataset", "metric"]].to_numpy().tolist() == [["SST", "f1"], ["SNLI", "accuracy"]]

    def test_what_is_missing_is_named(self):
        assert summary.not_run("base", encoder="average") == (
            "Not run: there is no recorded result of the experiment *base*, encoder average."
        )


def test_quartiles_stand_side_by_side_where_we_have_them():
    bins = summaries.MAX_ATTENTION_LABELS
    own = pd.concat(
        [ours(v, metric=f"tvd_{q}", bin=bins[0]) for q, v in (("q25", 0.1), ("q50", 0.2), ("q75", 0.3))]
    )
    published = pd.concat(
        [
            theirs(0.5, metric="tvd_q50", bin=bins[1]),
            theirs(0.6, metric="tvd_q50", bin=bins[1], dataset="snli"),
        ]
    )
    found = summary.quartiles(summary.by_class(beside(own, published), []), "tvd").set_index("bin")
    assert found.loc[bins[0], ["q25", "q50", "q75", "n"]].tolist() == [0.1, 0.2, 0.3, 100]
    assert found.loc[bins[1], "published_q50"] == 0.5
    assert set(found["dataset"]) == {"SST"}


class TestTables:
    def test_sizes_of_classes_are_added_up(self):
        own = ours(1725, 1725, metric="n_test")
        published = theirs(863, 862, metric="n_test", encoder="any", **{"class": ["negative", "positive"]})
        found = summary.statistics(own, published, NAMES, {"n_test": "test", "mean_length": "length"})
        assert found.to_dict("index") == {"SST": {"test": "1,725 (1,725)", "length": "–"}}

    def test_lengths_have_a_decimal_where_there_is_one(self):
        own, published = ours(18.24, metric="mean_length"), theirs(19, metric="mean_length", encoder="any")
        found = summary.statistics(own, published, NAMES, {"mean_length": "length"})
        assert found["length"].tolist() == ["18.2 (19)"]

    def test_runs_on_other_data_are_refused(self):
        with pytest.raises(ValueError, match="n_test differs between runs"):
            summary.statistics(ours(1725, 1724, metric="n_test"), theirs(), NAMES, {"n_test": "test"})

    def test_numbers_are_given_with_theirs_in_brackets(self):
        table = beside(pd.concat([ours(0.5), ours(0.7, encoder="average")]), theirs(0.25))
        found = summary.wide(table, ["dataset"], "encoder", "{:.2f}")
        assert found.loc["SST"].to_dict() == {"average": "0.70", "bilstm": "0.50 (0.25)"}

    def test_means_over_the_data_sets_that_both_have(self):
        own = pd.concat([ours(0.2), ours(0.4, dataset="agnews")])
        published = pd.concat([theirs(0.1), theirs(0.5, dataset="snli")])
        (row,) = summary.shared_means(beside(own, published), "metric").to_dict("records")
        assert (row["ours"], row["theirs"]) == (pytest.approx(0.3), 0.3)
        assert (row["ours, shared"], row["theirs, shared"], row["shared"]) == (0.2, 0.1, 1)

    def test_rank_correlations_as_the_paper_prints_them(self):
        names = {"tau_gradient": -0.25, "tau_gradient_deviation": 0.1, "significant_gradient": 1.0}
        own = pd.concat([ours(value, metric=name) for name, value in names.items()])
        published = theirs(np.nan, 0.5, metric=["tau_gradient", "significant_gradient"])
        table = summary.correlation_table(
            beside(own, published), {"gradient": "g"}, {"bilstm": "B", "average": "A"}, []
        )
        assert table.to_dict() == {
            ("g", "B"): {
                ("SST", summary.ALL, "ours"): "−.25 ± .10, 1.00",
                ("SST", summary.ALL, "theirs"): "– ± –, .50",
            },
            ("g", "A"): {("SST", summary.ALL, "ours"): "–", ("SST", summary.ALL, "theirs"): "–"},
        }


def test_results_by_epoch_have_the_published_number_of_the_model():
    grid = [(vectors, epoch) for vectors in ("random", "corpus") for epoch in (1.0, 2.0)]
    found = pd.concat([ours(0.1 * e, 0.3 * e, vectors=v, epoch=e) for v, e in grid])
    table = summary.by_epoch(found, beside(ours(0.5), theirs(0.35)), NAMES)
    assert table[["vectors", "epoch"]].to_numpy().tolist() == [list(pair) for pair in grid]
    assert table["value"].tolist() == pytest.approx([0.2, 0.4, 0.2, 0.4])
    assert table["published"].unique().tolist() == [0.35]
    assert str(table["epoch"].iloc[0]) == "1"
    assert summary.by_epoch(found[:0], beside(ours(0.5), theirs(0.35)), NAMES).empty


# Fabricated runs, as the notebooks leave them.

METHODS = ("released search", "exact optimum", "uniform attention", "random attention")
CLASSES = ("negative", "positive")
BINNED = {f"{name}_q{percent}": percent / 100 for name in ("median_tvd", "jsd") for percent in (25, 50, 75)}


def texts(seed: int, n: int = 40, **columns: object) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({"predicted": np.resize(CLASSES, n)}).assign(**columns)
    taus = ("tau_gradient", "tau_leave_one_out", "tau_gradient_leave_one_out")
    values = ["jsd"] if "method" in columns else taus
    return frame.assign(**{name: generator.uniform(0, 0.69, n) for name in values})


def numbers(metrics: dict[str, float], **columns: object) -> pd.DataFrame:
    """Rows for all texts and both classes."""
    rows = [(metric, name, value) for metric, value in metrics.items() for name in ("all", *CLASSES)]
    return pd.DataFrame(rows, columns=["metric", "class", "value"]).assign(n=40, **columns)


def save(sweep: Path, experiment: str, table: pd.DataFrame, instances: pd.DataFrame, **run: object) -> None:
    run = {"paper": "jain_wallace", **MODEL, "seed": 0} | run
    settings = {"variant": "released", "vectors": "imdb"}
    given = {name: value for name, value in settings.items() if name not in table}
    vectors = table["vectors"].iloc[0] if "vectors" in table else "usual"
    folder = sweep / "jain_wallace" / experiment / ",".join(map(str, [*run.values(), vectors]))
    table = results.validate(table.assign(**given, experiment=experiment, **run))
    origin = results.provenance(parameters={}, settings={"data": "5c0d"}, seconds=1.0)
    results.save_run(folder, instances, table, origin | {"commit": "0123456789ab"})


def correlation(sweep: Path, tau: float, **run: object) -> None:
    taus = {"gradient": tau, "leave_one_out": tau, "gradient_leave_one_out": 0.8, "random": 0.0}
    metrics = {f"tau_{name}": value for name, value in taus.items()}
    metrics |= {f"tau_{name}_deviation": 0.1 for name in taus} | {f"significant_{name}": 0.5 for name in taus}
    metrics |= {f"gap_{name}": 0.8 - tau for name in ("gradient", "leave_one_out")}
    save(sweep, "correlation", numbers(metrics), texts(int(run.get("seed", 0))), **run)


def everything(sweep: Path) -> None:
    """Runs of every experiment, two seeds of two encoders each."""
    for seed in (0, 1):
        for encoder, tau in (("bilstm", 0.2), ("average", 0.6)):
            run = {"encoder": encoder, "seed": seed}
            correlation(sweep, tau, **run)
            sizes = {"n_train": 6355, "n_test": 1725, "n_vocabulary": 13826, "mean_length": 18.7}
            scores = {"accuracy": 0.8, "f1": 0.79, "f1_uniform": 0.7}
            save(sweep, "base", numbers(sizes | scores), texts(seed), **run)
            bins = [
                numbers({name: value for name, value in BINNED.items() if "tvd" in name}, bin=label)
                for label in summaries.MAX_ATTENTION_LABELS
            ]
            means = numbers({"median_tvd": 0.1, "random_tvd": 0.2, "uniform_tvd": 0.05, "largest_tvd": 0.6})
            save(sweep, "permutation", pd.concat([means, *bins]), texts(seed), **run)
            parts = [numbers({"jsd": 0.4, "at_least_0_595": 0.1, "feasible": 0.3}, method=m) for m in METHODS]
            parts += [
                numbers({"jsd_q25": 0.2, "jsd_q50": 0.4, "jsd_q75": 0.6}, method=METHODS[0], bin="[0, .25)")
            ]
            instances = pd.concat([texts(seed, method=method) for method in METHODS])
            save(sweep, "adversary", pd.concat(parts).assign(epsilon=0.05), instances, **run)
            for vectors in ("random, deviation 1", "corpus"):
                every = [
                    numbers({"tau_gradient": tau, "tau_leave_one_out": tau, "accuracy": 0.8}, epoch=epoch)
                    for epoch in (1, 2)
                ]
                every += [numbers({"selected": float(epoch == 2)}, epoch=epoch) for epoch in (1, 2)]
                table = pd.concat(every).query("`class` == 'all'").assign(vectors=vectors)
                save(sweep, "initialisation", table, texts(seed, epoch=1), **run)


class TestDistributions:
    @pytest.mark.slow
    def test_fresh_runs_take_precedence_and_one_seed_is_shown(self, tmp_path):
        for seed in (1, 2):
            correlation(tmp_path / "first", 0.2, seed=seed)
        record.record(tmp_path / "first", tmp_path / "kept")
        table = summary.distributions("jain_wallace", folder=tmp_path / "kept")
        assert set(table["seed"]) == {1}
        correlation(tmp_path / "second", 0.2, seed=3)
        same = summary.distributions("jain_wallace", tmp_path / "second", tmp_path / "kept")
        pd.testing.assert_frame_equal(same, table)
        correlation(tmp_path / "second", 0.2, seed=0)
        newer = summary.distributions("jain_wallace", tmp_path / "second", tmp_path / "kept")
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
        order = sorted(set(frame["predicted"]))
        lines = summary.histogram_lines(rows, order)
        groups = (
            frame.groupby("predicted")["tau_gradient"]
            if n_classes == 2
            else [(summary.ALL, frame["tau_gradient"])]
        )
        assert set(lines["class"]) == {name for name, _ in groups}
        for name, values in groups:
            count, edges = np.histogram(values, 30, (-1, 1))
            line = lines[lines["class"] == name]
            # The step that holds at the middle of each bin.
            at = np.searchsorted(line["start"], (edges[:-1] + edges[1:]) / 2) - 1
            np.testing.assert_allclose(line["share"].to_numpy()[at], count / len(values), atol=1e-9)
            assert line["start"].iloc[[0, -1]].tolist() == [-1, 1]
            assert line["share"].iloc[-1] == pytest.approx(count[-1] / len(values))
            assert (line["n"] == len(values)).all()


def run_page(tmp_path: Path, name: str, **values: object) -> str:
    from attnbook.runs import run

    output = tmp_path / f"{name}.ipynb"
    run.run(ROOT / "notebooks/jain_wallace/summary.py", output, values)
    return output.read_text()


def bar(page: str, source: str) -> list[float]:
    """What Figure 4 shows of SST."""
    outputs = [output for cell in json.loads(page)["cells"] for output in cell.get("outputs", [])]
    specs = [
        output["data"]["application/vnd.vegalite.v6+json"]
        for output in outputs
        if "image/png" in output.get("data", {})
    ]
    (spec,) = [spec for spec in specs if "minus τ with attention" in spec["title"]]
    (rows,) = spec["datasets"].values()
    here = [row for row in rows if row["dataset"] == "SST" and row["facet"].startswith("Figure 4")]
    return [row["x"] for row in here if row["source"] == source]


@pytest.mark.slow
def test_the_page_shows_recorded_results_and_fresh_ones_in_their_place(tmp_path):
    everything(tmp_path / "sweep")
    record.record(tmp_path / "sweep", tmp_path / "kept")
    page = run_page(tmp_path, "recorded", recorded=str(tmp_path / "kept"))
    assert "Not run" not in page
    assert bar(page, "ours") == pytest.approx([0.6])
    assert bar(page, "shuffled attention") == pytest.approx([0.8])
    assert "Runs of ours: 24, of which 0 are fresh" in page
    correlation(tmp_path / "new", 0.4, encoder="bilstm", seed=1)
    page = run_page(tmp_path, "fresh", recorded=str(tmp_path / "kept"), fresh=str(tmp_path / "new"))
    assert bar(page, "ours") == pytest.approx([0.5])
    assert bar(page, "one seed") == pytest.approx([0.6, 0.4])
    assert "Runs of ours: 24, of which 1 are fresh" in page


@pytest.mark.slow
def test_what_is_not_recorded_is_said_in_its_place(tmp_path):
    page = run_page(tmp_path, "none", recorded=str(tmp_path / "nowhere"))
    for experiment in ("base", "correlation", "permutation", "adversary", "initialisation"):
        assert f"Not run: there is no recorded result of the experiment *{experiment}*" in page
    assert "image/png" not in page
    assert "No run is recorded yet" in page
    assert "Traceback" not in page
