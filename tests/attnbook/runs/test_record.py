"""Recording a sweep: what is kept, that it stays the same, and what is refused."""

import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attnbook.__main__ import main
from attnbook.runs import record, results
from attnlib.tables import summaries

TAUS = ("tau_gradient", "tau_leave_one_out", "tau_gradient_leave_one_out")


def texts(seed: int, n: int = 40) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({name: generator.uniform(-1, 1, n) for name in TAUS})
    return frame.assign(predicted=["no", "yes", "yes", "yes"] * (n // 4), jsd=generator.uniform(0, 0.69, n))


@cache
def tables(experiment: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Instances of a run and their summary."""
    if experiment != "adversary":
        instances = texts(seed).drop(columns="jsd")
        return instances, summaries.summarise(instances, [*TAUS])
    methods = ("published search", "exact optimum")
    instances = pd.concat(texts(seed).drop(columns=[*TAUS]).assign(method=method) for method in methods)
    parts = [
        summaries.summarise(part, ["jsd"]).assign(method=method, epsilon=0.01)
        for method, part in instances.groupby("method")
    ]
    return instances, pd.concat(parts, ignore_index=True)


provenance = cache(results.provenance)


def make(sweep: Path, experiment: str = "correlation", commit: str = "0123456789ab", **run) -> Path:
    """One complete run in a sweep's folder."""
    run = dict(paper="p", dataset="sst", encoder="bilstm", scorer="additive", seed=0) | run
    instances, summary = tables(experiment, run["seed"])
    folder = sweep / run["paper"] / experiment / ",".join(f"{k}={v}" for k, v in run.items())
    parameters = {"seed": run["seed"], "vectors": "/home/me/vectors.txt", "output": str(folder)}
    origin = provenance() | {"parameters": parameters, "settings": {"data": "5c0d"}, "seconds": 12.3456}
    extras = {"variant": "released", "vectors": "random, deviation 0.1", "experiment": experiment}
    results.save_run(
        folder, instances, results.validate(summary.assign(**extras, **run)), origin | {"commit": commit}
    )
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_sweep_becomes_four_tables(tmp_path):
    for seed in (0, 1):
        make(tmp_path / "sweep", seed=seed)
    make(tmp_path / "sweep", "adversary")
    make(tmp_path / "sweep", paper="other")
    (tmp_path / "sweep" / "p" / "correlation" / "unfinished").mkdir()
    assert len(record.record(tmp_path / "sweep", tmp_path / "kept")) == 4
    assert sorted(contents(tmp_path / "kept")) == [
        "other/correlation.csv",
        "other/distributions.csv.gz",
        "other/runs.csv",
        "p/adversary.csv",
        "p/correlation.csv",
        "p/distributions.csv.gz",
        "p/runs.csv",
    ]
    kept = results.recorded("p", "correlation", folder=tmp_path / "kept")
    fresh = results.recorded("p", "correlation", fresh=tmp_path / "sweep", folder=tmp_path / "none")
    pd.testing.assert_frame_equal(
        kept.drop(columns="origin"), fresh.drop(columns="origin"), rtol=1e-5, check_dtype=False
    )


@pytest.mark.slow
def test_a_second_call_changes_no_byte(tmp_path):
    for seed in (10, 2):
        make(tmp_path / "sweep", seed=seed)
        make(tmp_path / "sweep", "adversary", seed=seed)
    record.record(tmp_path / "sweep", tmp_path / "kept")
    before = contents(tmp_path / "kept")
    record.record(tmp_path / "sweep", tmp_path / "kept")
    assert contents(tmp_path / "kept") == before
    packed = gzip.decompress(before["p/distributions.csv.gz"])
    assert b"0.6666666" not in packed
    assert b"0.666667" in packed


@pytest.mark.slow
def test_a_long_table_is_packed_in_place_of_the_plain_one(tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    make(tmp_path / "first", seed=0)
    record.record(tmp_path / "first", kept)
    alone = (kept / "p/correlation.csv").stat().st_size
    make(tmp_path / "second", seed=1)
    monkeypatch.setattr(record, "PACKED_ABOVE", alone)
    record.record(tmp_path / "second", kept)
    assert sorted(contents(kept)) == ["p/correlation.csv.gz", "p/distributions.csv.gz", "p/runs.csv"]
    table = results.recorded("p", "correlation", folder=kept)
    assert table["seed"].value_counts().to_dict() == {0: 9, 1: 9}
    # Once packed, it stays so, and is read as any other.
    monkeypatch.undo()
    before = contents(kept)
    record.record(tmp_path / "first", kept)
    assert contents(kept) == before
    (kept / "p/correlation.csv").write_text("old")
    with pytest.raises(ValueError, match=r"correlation\.csv and .*correlation\.csv\.gz both exist"):
        results.recorded("p", "correlation", folder=kept)


@pytest.mark.slow
def test_the_order_of_recording_does_not_matter(tmp_path):
    for seed in (1, 0):
        for name in ("all", f"only {seed}"):
            make(tmp_path / name, seed=seed)
    record.record(tmp_path / "all", tmp_path / "at once")
    for seed in (1, 0):
        record.record(tmp_path / f"only {seed}", tmp_path / "one by one")
    dates = "p/runs.csv"  # of runs that were made at different times
    once, by_one = contents(tmp_path / "at once"), contents(tmp_path / "one by one")
    assert once.pop(dates).count(b"\n") == by_one.pop(dates).count(b"\n") == 3
    assert once == by_one


@pytest.mark.slow
def test_a_run_recorded_before_stays_and_the_same_run_is_replaced(tmp_path):
    for seed in (0, 1):
        make(tmp_path / "first", seed=seed)
    record.record(tmp_path / "first", tmp_path / "kept")
    folder = make(tmp_path / "second", seed=1, commit="fedcba987654")
    results.write(results.read(folder / "summary.csv").assign(value=0.25), folder / "summary.csv")
    record.record(tmp_path / "second", tmp_path / "kept")
    kept = results.recorded("p", "correlation", folder=tmp_path / "kept")
    assert (kept["value"] == 0.25).groupby(kept["seed"]).all().to_dict() == {0: False, 1: True}
    assert kept["seed"].value_counts().to_dict() == {0: 9, 1: 9}
    runs = pd.read_csv(tmp_path / "kept" / "p" / "runs.csv", dtype=str)
    assert runs["commit"].tolist() == ["0123456789ab", "fedcba987654"]
    assert set(runs["run"]) == set(kept["run"])


@pytest.mark.slow
def test_distributions_are_of_the_lowest_seed(tmp_path):
    make(tmp_path / "first", seed=1)
    make(tmp_path / "first", seed=2, encoder="average")
    record.record(tmp_path / "first", tmp_path / "kept")
    path = tmp_path / "kept" / "p" / record.DISTRIBUTIONS
    assert results.read(path).groupby("encoder")["seed"].unique().to_dict() == {"bilstm": [1], "average": [2]}
    for seed in (0, 3):
        make(tmp_path / "second", seed=seed)
    record.record(tmp_path / "second", tmp_path / "kept")
    assert results.read(path).groupby("encoder")["seed"].unique().to_dict() == {"bilstm": [0], "average": [2]}


def test_distributions_are_the_histograms_of_the_pages(tmp_path):
    make(tmp_path / "sweep")
    make(tmp_path / "sweep", "adversary")
    record.record(tmp_path / "sweep", tmp_path / "kept")
    table = results.read_recorded(tmp_path / "kept" / "p" / record.DISTRIBUTIONS)
    assert set(table["metric"]) == {*(f"{name}_share" for name in TAUS), "jsd_share"}
    groups = table.groupby(["metric", "method", "class"], dropna=False)
    assert np.allclose(groups["value"].sum(), 1, atol=1e-4)
    assert groups.ngroups == 3 * 2 + 2 * 2
    assert (table["value"] > 0).all()
    frame = texts(0)
    values = frame["jsd"][frame["predicted"] == "yes"]
    count, edges = np.histogram(values, np.linspace(0, 0.7, 41))
    part = table[(table["method"] == "published search") & (table["class"] == "yes")]
    assert part["low"].tolist() == pytest.approx(edges[:-1][count > 0], abs=1e-5)
    assert (part["value"] * part["n"]).tolist() == pytest.approx(count[count > 0], abs=1e-3)
    assert part["n"].unique().tolist() == [30]
    assert part["epsilon"].unique().tolist() == [0.01]


@pytest.mark.parametrize(("n_classes", "expected"), [(6, list("012345")), (7, ["all"])])
def test_many_classes_are_one(n_classes, expected):
    table = record.distributions(texts(0).assign(predicted=[str(i % n_classes) for i in range(40)]))
    assert sorted(set(table["class"])) == expected


def test_a_histogram_leaves_undefined_values_out_and_closes_the_last_bin():
    table = record.histogram(np.array([-1.0, 0.0, 1.0, 1.0 + 1e-9, np.nan]), -1, 1, 4)
    assert table[["low", "high", "value", "n"]].to_numpy().tolist() == [
        [-1, -0.5, 0.25, 4],
        [0, 0.5, 0.25, 4],
        [0.5, 1, 0.5, 4],
    ]
    assert record.histogram(np.array([np.nan]), -1, 1, 4).empty
    with pytest.raises(ValueError, match=r"1 values lie outside \[-1, 1\], such as 1.5"):
        record.histogram(np.array([0.0, 1.5]), -1, 1, 4)


def test_where_a_run_came_from(tmp_path):
    make(tmp_path / "sweep", "adversary")
    record.record(tmp_path / "sweep", tmp_path / "kept")
    (row,) = pd.read_csv(tmp_path / "kept/p/runs.csv", dtype=str).to_dict("records")
    assert row["run"] == results.recorded("p", "adversary", folder=tmp_path / "kept")["run"].iloc[0]
    assert (row["search"], row["epsilon"], row["seed"]) == ("published", "0.01", "0")
    assert (row["commit"], row["data"], row["seconds"]) == ("0123456789ab", "5c0d", "12.35")
    # Folders of one machine stay there.
    assert json.loads(row["parameters"]) == {"seed": 0, "vectors": "vectors.txt"}
    assert {"python", "torch", "numpy", "device", "threads", "date"} <= set(row)


def test_a_run_that_no_commit_holds_is_recorded_and_named(tmp_path, capsys):
    make(tmp_path / "sweep")
    dirty = make(tmp_path / "sweep", seed=1, commit="0123456789ab+")
    unknown = make(tmp_path / "sweep", seed=2, commit="unknown")
    main(["record", str(tmp_path / "sweep"), str(tmp_path / "kept")])
    said = capsys.readouterr()
    assert said.out.startswith("3 runs recorded")
    assert [line.split(": ")[0] for line in said.err.splitlines()] == [str(dirty), str(unknown)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("summary.csv", "paper,experiment\np,correlation\n", "lacks the columns"),
        ("summary.csv", "", "No columns"),
        ("provenance.json", "{", "provenance.json is missing or malformed"),
        ("provenance.json", None, "provenance.json is missing or malformed"),
        ("provenance.json", "{}", "'versions'"),
        ("instances.parquet", "PAR", "instances.parquet is missing or malformed"),
        ("instances.parquet", None, "instances.parquet is missing or malformed"),
    ],
)
def test_a_malformed_run_is_refused_by_name_and_nothing_is_written(tmp_path, name, text, message):
    make(tmp_path / "sweep", "adversary")
    folder = make(tmp_path / "sweep")
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.raises(SystemExit, match=message) as error:
        main(["record", str(tmp_path / "sweep"), str(tmp_path / "kept")])
    assert str(folder / name) in str(error.value)
    assert not (tmp_path / "kept").exists()


def test_a_value_outside_its_axis_is_refused(tmp_path):
    folder = make(tmp_path / "sweep")
    instances = results.read(folder / "instances.parquet").assign(tau_gradient=2.0)
    results.write(instances, folder / "instances.parquet")
    with pytest.raises(ValueError, match=r"instances.parquet .*'tau_gradient'.* outside \[-1, 1\]"):
        record.record(tmp_path / "sweep", tmp_path / "kept")


def test_a_broken_record_is_refused_and_kept_as_it_is(tmp_path):
    make(tmp_path / "sweep")
    record.record(tmp_path / "sweep", tmp_path / "kept")
    for name in ("correlation.csv", record.DISTRIBUTIONS, "runs.csv"):
        path = tmp_path / "kept" / "p" / name
        before = path.read_bytes()
        packed = path.suffix == ".gz"
        text = (gzip.decompress(before) if packed else before).replace(b"seed", b"sead")
        path.write_bytes(gzip.compress(text) if packed else text)
        broken = contents(tmp_path / "kept")
        with pytest.raises(ValueError, match=f"{name}.*seed"):
            record.record(tmp_path / "sweep", tmp_path / "kept")
        assert contents(tmp_path / "kept") == broken
        path.write_bytes(before)


@pytest.mark.slow
def test_damaged_distributions_are_named(tmp_path):
    make(tmp_path / "sweep")
    record.record(tmp_path / "sweep", tmp_path / "kept")
    path = tmp_path / "kept" / "p" / record.DISTRIBUTIONS
    whole = path.read_bytes()
    flipped = bytes([*whole[:40], whole[40] ^ 255, *whole[41:]])
    for damaged in (whole[:-20], b"no gzip file", flipped):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"{record.DISTRIBUTIONS} is damaged"):
            record.record(tmp_path / "sweep", tmp_path / "kept")
        assert path.read_bytes() == damaged


def test_an_empty_sweep_says_what_a_run_is(tmp_path):
    with pytest.raises(SystemExit, match="no complete run in .*nowhere: a run is a folder"):
        main(["record", str(tmp_path / "nowhere")])
