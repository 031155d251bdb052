"""The benchmarks run, their record has its fields, and ours agrees with the plain way."""

import json
import math
from types import SimpleNamespace

import pytest
import torch

from benchmarks import floors, plain, report, run, scaling, sizes
from benchmarks.cases import CASES
from benchmarks.harness import Settings
from benchmarks.targets import AUTHORS, TARGETS, Target

TINY = Settings(texts=1e-3, tokens=0.1, steps=20, batches=1, scaling=1 << 10)

ROW = {
    "kernel", "size", "variant", "texts", "tokens", "classes", "ours_s", "ours_low_s", "ours_high_s",
    "ours_cpu_s", "ours_texts", "repeats", "peak_mib", "plain_s", "plain_texts", "plain_note", "ratio",
    "ratio_low", "ratio_high", "extrapolated", "agreement", "agreement_value", "agrees", "floor_s", "floor",
    "over_floor", "library", "library_s", "target", "met", "authors_s", "extra",
}  # fmt: skip


@pytest.mark.slow
def test_every_kernel_on_tiny_sizes(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run, "QUICK", TINY)
    path = tmp_path / "record.json"
    threads = torch.get_num_threads()
    try:
        assert run.main(["--quick", "--threads", "1", "--seed", "3", "--out", str(path)]) == 0
    finally:
        torch.set_num_threads(threads)
    record = json.loads(path.read_text(encoding="utf-8"))
    named = "schema device date commit versions seed quick rates rows scaling"
    assert set(named.split()) <= set(record)
    assert record["seed"] == 3
    assert record["device"]["threads"] == 1
    assert set(record["rates"]) == set(floors.UNITS)
    assert all(value > 0 for value in record["rates"].values())
    assert {row["kernel"] for row in record["rows"]} == set(CASES)
    keys = {(row["kernel"], row["size"], row["variant"]) for row in record["rows"]}
    assert set(TARGETS) <= keys
    for row in record["rows"]:
        assert set(row) == ROW
        assert row["agrees"], row
        assert 0 < row["ours_low_s"] <= row["ours_s"] <= row["ours_high_s"]
        assert row["ours_cpu_s"] > 0
        assert (row["floor_s"] is None) == (row["kernel"] in ("battery", "training"))
        if row["ratio"] is not None:
            assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        assert row["met"] is None  # a quick run judges nothing
    assert {s["over"] for s in record["scaling"]} == {"T", "N", "C", "P"}
    assert all(len(s["x"]) == len(s["seconds"]) for s in record["scaling"])
    printed = capsys.readouterr().out
    assert "≤ 3.5 × floor" in printed
    assert {row["library"] for row in record["rows"] if row["library_s"]} == {
        "scipy.stats.kendalltau(axis=1)",
        "captum.attr.FeatureAblation",
    }
    assert report.NOT_MEASURED in printed
    assert set(AUTHORS) - keys == {("gradient", "sst", "bilstm")}


def test_states_carry_the_scores():
    for name in ("sst", "qa"):
        w = sizes.workload(sizes.SIZES[name].scaled(0.02, 0.3), seed=1)
        rows = w.batches()[1]
        states = w.states(rows)
        expected = w.readout.select(rows).probabilities()
        found = plain.decode(states, states.alpha)
        if name == "sst":
            expected = expected[:, 1:]
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)


def test_workloads_depend_on_the_seed_alone():
    size = sizes.SIZES["sst"].scaled(0.02, 0.3)
    one, two, other = (sizes.workload(size, seed).readout.alpha for seed in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_batches_are_spread_over_the_lengths():
    w = sizes.workload(sizes.SIZES["sst"].scaled(0.2, 0.3))
    assert sum(rows.stop - rows.start for rows in w.batches()) == len(w)
    starts = [rows.start for rows in w.batches(3)]
    assert starts == sorted(set(starts))


def test_floor_is_the_larger_of_computing_and_moving():
    rates = dict.fromkeys(floors.UNITS, 10.0)
    assert floors.Work(gemm_f32=20, exp_f64=10, copy=25).seconds(rates) == pytest.approx(3)
    assert floors.Work(gemm_f32=20, copy=25).seconds(rates) == pytest.approx(2.5)


def test_the_formulas_of_the_floors_are_those_of_the_goals():
    """A goal is a distance to a floor: whoever changes a formula sets the goals, and this line, anew."""
    assert floors.checksum() == "039497fcf7f4a480"


@pytest.mark.parametrize(
    ("target", "found", "met"),
    [
        (Target(4), (3.9, None, 1), True),
        (Target(4), (4.1, None, 1), False),
        (Target(4, mib=512), (3.9, None, 1), None),
        (Target(4, mib=512), (4.1, None, 1), False),
        (Target(cpu_s=9), (None, None, 8), True),
    ],
)
def test_a_goal_is_judged_by_what_was_measured(target, found, met):
    row = SimpleNamespace(**dict(zip(("over_floor", "peak_mib", "ours_cpu_s"), found, strict=True)))
    assert target.met(row) is met


def test_slope_of_a_power():
    assert scaling.slope([1, 2, 4], [3, 12, 48]) == pytest.approx(2)


def test_records_without_numbers_and_names_of_files():
    assert run.finite({"a": [math.nan, 1.0, {"b": math.inf}]}) == {"a": [None, 1.0, {"b": None}]}
    assert run.slug(dict(kind="cpu", name="AMD EPYC (x)", threads=2)) == "cpu-amd-epyc-x-2-threads"
    assert run.slug(dict(kind="cuda", name="NVIDIA H100 80GB", threads=2)) == "nvidia-h100-80gb"
