"""Measure the kernels beside the plain way, print the tables and save the record.

    python -m benchmarks.run                          # everything, under ten minutes
    python -m benchmarks.run --quick                  # small sizes, about a minute
    python -m benchmarks.run --only exact_adversary
    python -m benchmarks.run --device cuda

The record goes to benchmarks/results/<device>.json. A partial or quick run is printed, and saved only with
--out.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from attnlib.cache import check_output
from benchmarks import floors, report, scaling, targets
from benchmarks.cases import CASES
from benchmarks.harness import Bench, Settings

RESULTS = Path(__file__).parent / "results"
SCHEMA = 2
THREADS = 2  # the targets are for two
QUICK = Settings(texts=1 / 16, tokens=1 / 2, steps=50, batches=1, scaling=1 << 13, seconds=0.1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 1 if some agreement does not hold."""
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    base = QUICK if options.quick else Settings()
    settings = Settings(**asdict(base) | dict(device=options.device, seed=options.seed))
    record = measure(settings, options.only, options.quick)
    print(report.text(record, report.read(RESULTS) if RESULTS.is_dir() else []))
    path = options.out
    if path is None and not options.quick and options.only is None:
        path = RESULTS / f"{slug(record['device'])}.json"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            finite(record), indent=0, separators=(",", ":"), ensure_ascii=False
        )  # a number a line
        path.write_text(text + "\n", encoding="utf-8")
        print(f"saved as {path}")
    return 0 if all(row["agrees"] for row in record["rows"]) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, about a minute; not saved")
    parser.add_argument("--only", choices=CASES, help="one kernel; not saved")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=THREADS, help="CPU threads (default: 2)")
    parser.add_argument("--out", type=Path, help="save here, whatever was measured")
    options = parser.parse_args(arguments)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("--device cuda: no CUDA device is available")
    try:
        if options.out:
            check_output(options.out, "--out", "record.json")
    except ValueError as error:
        parser.error(str(error))
    if options.threads < 1:
        parser.error("--threads: must be at least 1")
    return options


def measure(settings: Settings, only: str | None = None, quick: bool = False) -> dict[str, Any]:
    """The whole record."""
    start = time.perf_counter()
    bench = Bench(settings)
    _say("rates of this device")
    bench.rates = floors.measure_rates(settings.device)
    for name, case in CASES.items():
        if only is not None and name != only:
            continue
        for size, batches in case.batches.items():
            began = time.perf_counter()
            case.measure(bench, bench.workload(size), batches)
            _say(f"{name}, {size}: {time.perf_counter() - began:.1f} s")
    used = [bench.size(size) for size in dict.fromkeys(row.size for row in bench.rows)]
    began = time.perf_counter()
    slopes = scaling.measure(bench, only)
    _say(f"scaling: {time.perf_counter() - began:.1f} s")
    for row in bench.rows:
        targets.judge(row, comparable=not quick and settings.device == "cpu")
    return {
        "schema": SCHEMA,
        "device": device(settings.device),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "versions": versions(),
        "seed": settings.seed,
        "quick": quick,
        "only": only,
        "settings": asdict(settings),
        "seconds": time.perf_counter() - start,
        "sizes": report.sizes(used),
        "floors": floors.checksum(),
        "rates": bench.rates,
        "rows": [asdict(row) for row in bench.rows],
        "scaling": slopes,
    }


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def device(name: str) -> dict[str, Any]:
    """Kind, model and threads."""
    if name.startswith("cuda"):
        return dict(kind="cuda", name=torch.cuda.get_device_name(name), threads=torch.get_num_threads())
    model = platform.processor() or platform.machine()
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        model = found.group(1) if found else model
    except OSError:
        pass  # not Linux
    return dict(kind="cpu", name=model.strip(), threads=torch.get_num_threads())


def slug(device: dict[str, Any]) -> str:
    """A file name for a device, such as cpu-amd-epyc-2-threads."""
    name = re.sub(r"[^a-z0-9]+", "-", device["name"].lower()).strip("-")
    return name if device["kind"] == "cuda" else f"cpu-{name}-{device['threads']}-threads"


def commit() -> str | None:
    """The commit that was measured, with a + when the working tree differs; None outside a repository."""
    try:
        root = Path(__file__).parent
        run = [
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout
            for words in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--", "../attnlib", ".", ":!results"],
            )
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return run[0].strip() + ("+" if run[1].strip() else "")


def versions() -> dict[str, str]:
    """Of Python and of what the numbers depend on; packages that are not installed are left out."""
    found = {"python": platform.python_version()}
    for package in ("attnlib", "torch", "numpy", "scipy", "triton"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def finite(value: Any) -> Any:
    """Numbers to five digits, more than any time has; NaN and infinity as None, which JSON can hold."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    if not isinstance(value, float):
        return value
    return float(f"{value:.5g}") if math.isfinite(value) else None


if __name__ == "__main__":
    sys.exit(main())
