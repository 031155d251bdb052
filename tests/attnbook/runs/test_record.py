"""Recording a sweep: what is kept, that it stays the same, and what is refused."""

import gzip
import json
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from attnbook.__main__ import main
from attnbook.runs import record, results
from attnlib.tables import summaries
from tests.attnbook.made import ours, save

TAUS = ["tau_gradient", "tau_leave_one_out", "tau_gradient_leave_one_out"]


def texts(seed):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({name: generator.uniform(-1, 1, 40) for name in TAUS})
    return frame.assign(predicted=["no", "yes", "yes", "yes"] * 10, jsd=generator.uniform(0, 0.69, 40))


@cache
def tables(experiment, seed):
    """Instances of a run and their summary."""
    if experiment != "adversary":
        instances = texts(seed).drop(columns="jsd")
        return instances, summaries.summarise(instances, TAUS)
    methods = ("published search", "exact optimum")
    instances = texts(seed).drop(columns=TAUS)
    summary = summaries.summarise(instances, ["jsd"]).assign(epsilon=0.01)
    both = [pd.concat(table.assign(method=name) for name in methods) for table in (instances, summary)]
    return both[0], both[1].reset_index(drop=True)


def make(sweep, experiment="correlation", commit="0123456789ab", change=MappingProxyType({}), **run):
    """One complete run in a sweep's folder. change: other values, by column, in its instances or summary."""
    model = ours(0, experiment=experiment, variant="released", vectors="random, deviation 0.1", **run)
    of_run = model.drop(columns=["metric", "class", "value", "n"]).iloc[0].to_dict()
    instances, summary = tables(experiment, of_run["seed"])
    instances, summary = (
        t.assign(**change.get(k, {})) for k, t in (("instances", instances), ("summary", summary))
    )
    given = {"seed": int(of_run["seed"]), "vectors": "/home/me/vectors.txt", "output": str(sweep)}
    facts = {"parameters": given, "seconds": 12.3456, "commit": commit}
    return save(sweep, summary.assign(**of_run), instances, **facts)


@pytest.fixture
def record_of(tmp_path):
    """Records a sweep of this name, and returns the bytes of the whole record."""

    def kept(sweep="sweep"):
        record.record(tmp_path / sweep, tmp_path / "kept")
        return contents(tmp_path / "kept")

    return kept


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_sweep_becomes_a_table_per_experiment_and_a_second_call_changes_no_byte(tmp_path, record_of):
    for seed in (10, 2):
        make(tmp_path / "sweep", seed=seed)
        make(tmp_path / "sweep", "adversary", seed=seed)
    make(tmp_path / "sweep", paper="other")
    (tmp_path / "sweep" / "p" / "correlation" / "unfinished").mkdir()
    kept = record_of()
    names = {paper: {"correlation.csv", "runs.csv"} for paper in ("p", "other")}
    names["p"].add("adversary.csv")
    assert set(kept) == {f"{paper}/{name}" for paper in names for name in names[paper]}
    assert record_of() == kept
    old = results.recorded("p", "correlation", folder=tmp_path / "kept").drop(columns="origin")
    fresh = results.recorded("p", "correlation", tmp_path / "sweep", tmp_path / "none").drop(columns="origin")
    pd.testing.assert_frame_equal(old, fresh, rtol=1e-5, check_dtype=False)


@pytest.mark.slow
def test_a_long_table_is_packed_in_place_of_the_plain_one(tmp_path, record_of, monkeypatch):
    kept = tmp_path / "kept"
    make(tmp_path / "first", seed=0)
    alone = len(record_of("first")["p/correlation.csv"])
    make(tmp_path / "second", seed=1)
    monkeypatch.setattr(record, "PACKED_ABOVE", alone)
    both = record_of("second")
    assert sorted(both) == ["p/correlation.csv.gz", "p/runs.csv"]
    table = results.recorded("p", "correlation", folder=kept)
    assert table["seed"].value_counts().to_dict() == {0: 9, 1: 9}
    # Once packed, it stays so, and is read as any other.
    monkeypatch.undo()
    assert record_of("first") == both
    (kept / "p/correlation.csv").write_text("old")
    with pytest.raises(ValueError, match=r"correlation\.csv and .*correlation\.csv\.gz both exist"):
        results.recorded("p", "correlation", folder=kept)


@pytest.mark.slow
def test_the_order_of_recording_does_not_matter(tmp_path):
    for seed in (1, 0):
        for name in ("all", f"only {seed}"):
            make(tmp_path / name, seed=seed)
    for sweep, kept in (("all", "at once"), ("only 1", "one by one"), ("only 0", "one by one")):
        record.record(tmp_path / sweep, tmp_path / kept)
    assert contents(tmp_path / "at once") == contents(tmp_path / "one by one")


@pytest.mark.slow
def test_a_run_recorded_before_stays_and_the_same_run_is_replaced(tmp_path, record_of):
    for seed in (0, 1):
        make(tmp_path / "first", seed=seed)
    record_of("first")
    make(tmp_path / "second", seed=1, commit="fedcba987654", change={"summary": {"value": 0.25}})
    record_of("second")
    kept = results.recorded("p", "correlation", folder=tmp_path / "kept")
    assert (kept["value"] == 0.25).groupby(kept["seed"]).all().to_dict() == {0: False, 1: True}
    assert kept["seed"].value_counts().to_dict() == {0: 9, 1: 9}
    runs = pd.read_csv(tmp_path / "kept" / "p" / "runs.csv", dtype=str)
    assert runs["commit"].tolist() == ["0123456789ab", "fedcba987654"]
    assert set(runs["run"]) == set(kept["run"])


def test_where_a_run_came_from(tmp_path, record_of):
    make(tmp_path / "sweep", "adversary")
    record_of()
    (row,) = pd.read_csv(tmp_path / "kept/p/runs.csv", dtype=str).to_dict("records")
    assert row["run"] == results.recorded("p", "adversary", folder=tmp_path / "kept")["run"].iloc[0]
    assert (row["search"], row["epsilon"], row["seed"]) == ("published", "0.01", "0")
    assert (row["commit"], row["data"], row["seconds"]) == ("0123456789ab", "5c0d", "12.35")
    # Folders of one machine stay there.
    assert json.loads(row["parameters"]) == {"seed": 0, "vectors": "vectors.txt"}
    assert {"python", "torch", "numpy", "device", "threads", "date"} <= set(row)


def test_a_run_that_no_commit_holds_is_recorded_and_named(tmp_path, capsys):
    commits = ("0123456789ab", "0123456789ab+", "unknown")
    _, *named = [make(tmp_path / "sweep", seed=seed, commit=text) for seed, text in enumerate(commits)]
    main(["record", str(tmp_path / "sweep"), str(tmp_path / "kept")])
    said = capsys.readouterr()
    assert said.out.startswith("3 runs recorded")
    assert sorted(line.split(": ")[0] for line in said.err.splitlines()) == sorted(map(str, named))


def forget_sums(folder):
    """A run as it was saved before runs kept the sums of their tables."""
    path = folder / "provenance.json"
    facts = json.loads(path.read_text())
    del facts["tables"]
    path.write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("summary.csv", "paper,experiment\np,correlation\n", "lacks the columns"),
        ("summary.csv", "", "No columns"),
        ("provenance.json", "{", "provenance.json is missing or malformed"),
        ("provenance.json", None, "provenance.json is missing or malformed"),
        ("provenance.json", "{}", "'versions'"),
        ("provenance.json", '{"tables": 1}', "provenance.json is missing or malformed"),
        ("instances.parquet", "PAR", "instances.parquet is missing or malformed"),
        ("instances.parquet", None, "instances.parquet is missing or malformed"),
    ],
)
def test_a_malformed_run_is_refused_by_name_and_nothing_is_written(tmp_path, name, text, message):
    make(tmp_path / "sweep", "adversary")
    folder = make(tmp_path / "sweep")
    forget_sums(folder)
    (folder / name).unlink() if text is None else (folder / name).write_text(text)
    with pytest.raises(SystemExit, match=message) as error:
        main(["record", str(tmp_path / "sweep"), str(tmp_path / "kept")])
    assert str(folder / name) in str(error.value)
    assert not (tmp_path / "kept").exists()


def test_a_cut_table_is_refused_by_name(tmp_path, record_of):
    folder = make(tmp_path / "sweep")
    summary, texts = folder / "summary.csv", folder / "instances.parquet"
    lines, rows = summary.read_text().splitlines(keepends=True), pd.read_parquet(texts)
    whole = contents(folder)
    cut = f"summary.csv is missing, cut or changed .*{len(lines) - 1} rows.*run it again"
    for path, content, message in (
        # At the end of a line, and inside one; rows that are gone from a whole file.
        (summary, "".join(lines[:3]).encode(), cut),
        (summary, "".join(lines)[:-3].encode(), cut),
        (texts, rows[:-1].to_parquet(), "instances.parquet is missing, cut or changed .*40 rows"),
        (texts, None, "instances.parquet is missing, cut or changed"),
    ):
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            record_of()
        assert not (tmp_path / "kept").exists()
        path.write_bytes(whole[path.name])
    record_of()


def test_a_run_without_sums_is_recorded_as_before(tmp_path, record_of):
    folder = make(tmp_path / "sweep")
    before = record_of()
    forget_sums(folder)
    assert record_of() == before


def test_a_value_outside_its_axis_and_an_empty_sweep_are_refused(tmp_path, record_of):
    make(tmp_path / "sweep", change={"instances": {"tau_gradient": 2.0}})
    with pytest.raises(ValueError, match=r"instances.parquet .*'tau_gradient'.* outside \[-1, 1\]"):
        record_of()
    with pytest.raises(SystemExit, match="no complete run in .*nowhere: a run is a folder"):
        main(["record", str(tmp_path / "nowhere")])


@pytest.mark.slow
def test_a_broken_record_is_refused_and_kept_as_it_is(tmp_path, record_of, monkeypatch):
    make(tmp_path / "sweep")
    monkeypatch.setattr(record, "PACKED_ABOVE", 0)
    before = record_of()
    assert sorted(before) == ["p/correlation.csv.gz", "p/runs.csv.gz"]
    cases = []
    for name, packed in before.items():
        without = gzip.compress(gzip.decompress(packed).replace(b"seed", b"sead"))
        flipped = bytes([*packed[:40], packed[40] ^ 255, *packed[41:]])
        cases.append((name, without, f"{name}.*seed"))
        cases += [(name, damaged, name) for damaged in (packed[:-20], b"no gzip file", flipped)]
    for name, text, message in cases:
        path = tmp_path / "kept" / name
        path.write_bytes(text)
        with pytest.raises(ValueError, match=message):
            record_of()
        assert contents(tmp_path / "kept") == before | {name: text}
        path.write_bytes(before[name])


@pytest.mark.slow
def test_a_packed_table_stays_as_it_is_and_later_runs_lie_beside_it(tmp_path, record_of, monkeypatch):
    monkeypatch.setattr(record, "PACKED_ABOVE", 3000)
    for seed in range(6):
        make(tmp_path / "first", seed=seed)
    first = record_of("first")
    base = "p/correlation.csv.gz"
    assert base in first
    make(tmp_path / "second", seed=2, commit="fedcba987654")
    make(tmp_path / "second", seed=9)
    # The same numbers at another commit are no other rows.
    both = record_of("second")
    assert both[base] == first[base]
    later = pd.read_csv(tmp_path / "kept/p/correlation.later.csv")
    assert set(later["seed"]) == {9}
    make(tmp_path / "second", seed=2, change={"summary": {"value": 0.5}})
    record_of("second")
    table = results.recorded("p", "correlation", folder=tmp_path / "kept")
    assert sorted(set(table["seed"])) == [0, 1, 2, 3, 4, 5, 9]
    assert (table.loc[table["seed"] == 2, "value"] == 0.5).all()
    assert not table.duplicated(["seed", "metric", "class"]).any()
    kept = contents(tmp_path / "kept")
    assert record_of("second") == kept
    assert kept[base] == first[base]
