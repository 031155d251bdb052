"""What Snakemake costs a sweep of tiny runs: `python -m benchmarks.sweep` (half an hour on two cores).

The runs are real ones of two notebooks, the command is that of `make sweep`. How long a job takes is seen
from outside: when its process appears among Snakemake's and when it goes. What the cores did besides is
overhead: reading the Snakefile, planning, what comes between a job and the next, and the end, where a core
has nothing left to do. A run's start-up is that of a notebook that does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attnlib.cache import check_output
from benchmarks.run import commit

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CORES = 2
NOTEBOOKS = ("jain_wallace/permutation", "violation/evidence")
PER_MODEL = 5  # runs of a notebook that share a model
EMPTY = '# %% tags=["parameters"]\nseed: int = 0\n\n# %%\nprint(seed)\n'
NAP = 0.02  # seconds between two looks at the processes
TICKS = os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `python -m benchmarks.sweep`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200, help="a multiple of 10 (default: 200)")
    parser.add_argument("--out", type=Path, help="save the record here")
    options = parser.parse_args(arguments)
    try:
        if options.out:
            check_output(options.out, "--out", "sweep.json")
    except ValueError as error:
        parser.error(str(error))
    if options.runs < 20 or options.runs % 10:
        parser.error(f"--runs is {options.runs}: give a multiple of 10")
    with tempfile.TemporaryDirectory() as folder:
        record = measure(options.runs, Path(folder))
    text = json.dumps(record, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n")


def measure(runs: int, folder: Path) -> dict[str, Any]:
    """Sweep so many tiny runs in a folder, and tell what they took and what Snakemake took.

    wall_s, cpu_s: of it all. jobs_s: sum over jobs of their wall time; jobs_cpu_s: their processor time.
    startup_s, startup_cpu_s: of one run that does nothing, beside another. idle_s: time of the cores on which
    no job ran; between_s: that part of it between the first job's start and the last one's. own_cpu_s:
    processor time of Snakemake itself; threads: the most it had. *_share: of the jobs' time beyond start-up.
    """
    project(folder, runs)
    startup, startup_cpu = startup_of_a_run(folder)
    command = [BIN / "snakemake", "--profile", "profiles/local", "--cores", str(CORES)]
    began, before = time.time(), children_cpu()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--configfile", "config/trial.yaml", "--", "sweep"],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        spans, own, threads = watch(process)
    wall, cpu = time.time() - began, children_cpu() - before
    if process.returncode:
        raise RuntimeError(f"the sweep failed: {(folder / 'log').read_text()[-4000:]}")
    jobs = sum(end - start for start, end in spans)
    first, last = min(start for start, _ in spans), max(start for start, _ in spans)
    within = sum(min(end, last) - start for start, end in spans)
    beyond, beyond_cpu = jobs - runs * startup, cpu - own - runs * startup_cpu
    idle, between = CORES * wall - jobs, CORES * (last - first) - within
    return {
        "runs": runs,
        "jobs": len(spans),
        "cores": CORES,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "python": platform.python_version(),
        "load": os.getloadavg()[2],
        "wall_s": wall,
        "cpu_s": cpu,
        "jobs_s": jobs,
        "jobs_cpu_s": cpu - own,
        "startup_s": startup,
        "startup_cpu_s": startup_cpu,
        "idle_s": idle,
        "between_s": between,
        "own_cpu_s": own,
        "threads": threads,
        "idle_share": idle / beyond,
        "between_share": between / beyond,
        "own_cpu_share": own / beyond_cpu,
    }


def project(folder: Path, runs: int) -> None:
    """What a sweep needs, in a folder: copies, so that work on the sources meanwhile changes nothing."""
    for name in ("attnlib", "notebooks", "profiles", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "book").symlink_to(ROOT / "book")
    models = runs // (len(NOTEBOOKS) * PER_MODEL)
    parameters = {
        "dataset": ["planted"],
        "encoder": ["average"],
        "epochs": [1],
        "seed": list(range(models)),
        "limit": list(range(20, 20 + PER_MODEL)),
    }
    grid = {"sweep": [{"notebooks": NOTEBOOKS, "parameters": parameters}]}
    # JSON is YAML.
    (folder / "config/trial.yaml").write_text(json.dumps(grid))


def startup_of_a_run(folder: Path, repeats: int = 3) -> tuple[float, float]:
    """Wall and processor seconds of the run of a notebook that does nothing, one on each core."""
    (folder / "empty.py").write_text(EMPTY)
    walls, before = [], children_cpu()
    for repeat in range(repeats + 1):
        if repeat == 1:  # the first one compiles modules
            walls, before = [], children_cpu()
        began = time.time()
        words = [BIN / "python", "-m", "attnbook", "run", "empty.py"]
        started = [
            subprocess.Popen([*words, f"empty{i}.ipynb"], cwd=folder, stderr=subprocess.DEVNULL)
            for i in range(CORES)
        ]
        for process in started:
            if process.wait():
                raise RuntimeError("a notebook that does nothing fails: try attnbook run")
        walls.append(time.time() - began)
    return min(walls), (children_cpu() - before) / (repeats * CORES)


def watch(process: subprocess.Popen[bytes]) -> tuple[list[tuple[float, float]], float, int]:
    """Start and end of each job of a Snakemake at work, its own processor seconds, and its most threads."""
    spans: dict[int, tuple[float, float]] = {}
    own, threads = 0.0, 0
    while process.poll() is None:
        now = time.time()
        if found := cpu_and_threads(process.pid):
            own, threads = found[0], max(threads, found[1])
        for child in children_of(process.pid):
            if child in spans or is_job(child):
                spans[child] = (spans.get(child, (now, now))[0], now)
        time.sleep(NAP)
    return list(spans.values()), own, threads


def children_of(pid: int) -> list[int]:
    """The processes that a process started by any of its threads, and that go on."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in path.read_text().split()]
        except OSError:
            continue  # the thread ended
    return found


def is_job(pid: int) -> bool:
    """Whether a process is the shell of a training or a run, and no helper of Snakemake."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"-m attnbook run" in words or b"-m attnbook train" in words


def cpu_and_threads(pid: int) -> tuple[float, int] | None:
    """Processor seconds of a process without its children's, and its threads; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS, int(fields[17])


def children_cpu() -> float:
    """Processor seconds of all that this process has started and that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
