"""Tables: intervals, the schema, whole files."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from attnlib import results

RUN = dict(paper="p", experiment="e", dataset="d", encoder="bilstm", scorer="additive", seed=0)


def frame(n: int = 50) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame({"predicted": generator.choice(["no", "yes"], n), "jsd": generator.random(n)})


def test_bootstrap_interval_agrees_with_scipy():
    values = np.random.default_rng(1).exponential(size=300)
    expected = bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    assert results.bootstrap_mean(values) == pytest.approx(tuple(expected), abs=0.02)
    assert np.isnan(results.bootstrap_mean(np.ones(1))).all()


def test_summary_leaves_undefined_texts_out_and_counts_them():
    table = frame().assign(jsd=lambda f: f["jsd"].where(f.index > 4))
    summary = results.summarise(table, ["jsd"]).set_index("class")
    assert summary.loc["all", "n"] == 45
    assert summary.loc["all", "value"] == pytest.approx(table["jsd"].mean())
    assert summary.loc["no", "n"] + summary.loc["yes", "n"] == 45
    assert summary.loc["all", "low"] < summary.loc["all", "value"] < summary.loc["all", "high"]


def test_a_metric_without_any_value_is_nan_not_an_error():
    summary = results.summarise(frame().assign(jsd=np.nan), ["jsd"])
    assert summary["value"].isna().all()
    assert (summary["n"] == 0).all()


def test_the_schema_comes_first_and_gaps_are_refused():
    table = results.tidy(results.summarise(frame(), ["jsd"]), **RUN)
    assert tuple(table.columns[: len(results.COLUMNS)]) == results.COLUMNS
    with pytest.raises(ValueError, match="lacks the columns.*'scorer'"):
        results.validate(table.drop(columns="scorer"))
    with pytest.raises(ValueError, match="'dataset' is empty in row 1"):
        results.validate(table.assign(dataset=["d", None, "d"]))


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_files_come_back_as_written(tmp_path, name):
    table = results.tidy(results.summarise(frame(), ["jsd"]), **RUN)
    pd.testing.assert_frame_equal(results.read(results.write(table, tmp_path / name)), table)


def test_another_ending_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.csv or \.parquet"):
        results.write(frame(), tmp_path / "table.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_saved_with_where_it_came_from(tmp_path):
    table = results.tidy(results.summarise(frame(), ["jsd"]), **RUN)
    results.save_run(tmp_path / "run", frame(), table, results.provenance(parameters={"seed": 0}))
    origin = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert origin["parameters"] == {"seed": 0}
    assert {"commit", "versions", "device", "threads"} <= set(origin)
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "instances.parquet",
        "provenance.json",
        "summary.csv",
    ]
