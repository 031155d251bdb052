"""Goldens: does this tree give the numbers of an earlier commit, to the last digit?

`python -m tests.goldens COMMIT` checks that commit out beside this tree, runs one cheap run of every notebook
and takes the checksum of every corpus at hand, there and here, on this machine and in this hour. It prints
what is equal and what differs, and says where that is rounding alone (nine digits agree); it exits with 1
where something differs. Models are trained anew in both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from tests.test_notebooks import EXPERIMENTS, ROOT, small

ROUNDING = "rounding"
CHECKSUMS = """
import json, sys
from attnlib import data
found = {}
for names, load in ((data.names(), data.load), (data.scene_names(), data.load_scenes)):
    for name in names:
        try:
            found[name] = load(name).checksum
        except data.DataError:
            pass
json.dump(found, sys.stdout)
"""


def python(tree: Path, *words: str) -> str:
    """What this Python prints with the packages of a tree, offline and with a cache of the tree's own."""
    around = os.environ | {
        "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'book'}",
        "ATTNLIB_CACHE": str(tree / "build/goldens/cache"),
        "ATTNLIB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run([sys.executable, *words], cwd=tree, env=around, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{tree}: {' '.join(words)[:80]}: {done.stderr[-2000:]}")
    return done.stdout


def tables(tree: Path, name: str, parameters: dict) -> dict[str, pd.DataFrame]:
    """The tables of a run of a notebook in a tree, by file."""
    command = ["attnbook", "run"] if (tree / "book/attnbook").is_dir() else [f"attnlib.{'run'}"]
    folder = tree / "build/goldens" / name
    words = [word for key, value in parameters.items() for word in ("-p", key, json.dumps(value).strip('"'))]
    source, page = f"notebooks/{name}.py", f"{folder}.ipynb"
    python(tree, "-m", *command, source, page, *words, "-p", "output", str(folder))
    return {path.name: pd.read_csv(path) for path in folder.glob("*.csv")}


def difference(then: pd.DataFrame, now: pd.DataFrame) -> str:
    """How two tables differ, apart from times and the order of columns; empty where they do not.

    "rounding" where nine digits of every number agree.
    """
    sides = []
    for table in (then, now):
        timed = (
            table["metric"].str.endswith("seconds") if "metric" in table else pd.Series(False, table.index)
        )
        sides.append(table[~timed].sort_index(axis=1).reset_index(drop=True))
    try:
        pd.testing.assert_frame_equal(*sides, rtol=1e-9, atol=1e-12)
        return "" if sides[0].equals(sides[1]) else ROUNDING
    except AssertionError as error:
        return str(error)


def main(commit: str) -> int:
    """Compare this tree with a commit; the number of differences."""
    found = 0
    with tempfile.TemporaryDirectory(prefix="goldens-") as place:
        base = Path(place) / "base"
        subprocess.run(["git", "worktree", "add", "-q", "--detach", base, commit], cwd=ROOT, check=True)
        try:
            for source in EXPERIMENTS:
                name = source.relative_to(ROOT / "notebooks").with_suffix("").as_posix()
                then, now = (tables(tree, name, small(source) | {"seed": 3}) for tree in (base, ROOT))
                said = [f"{file}: {difference(then[file], now[file])}" for file in then if file in now]
                said = [line for line in said if not line.endswith(": ")]
                said += [f"{file} is on one side only" for file in then.keys() ^ now.keys()]
                found += bool(said)
                differs = any(not line.endswith(f": {ROUNDING}") for line in said)
                word = "differs" if differs else ROUNDING if said else "equal"
                print(f"{word:8} {name}", *said, sep="\n  ", flush=True)
            then, now = (json.loads(python(tree, "-c", CHECKSUMS)) for tree in (base, ROOT))
            for name in [*then, *(name for name in now if name not in then)]:
                same = then.get(name) == now.get(name)
                found += not same
                print(f"{'equal' if same else 'differs':8} corpus {name}", flush=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", base], cwd=ROOT, check=True)
    return found


if __name__ == "__main__":
    raise SystemExit(int(main(sys.argv[1]) > 0))
