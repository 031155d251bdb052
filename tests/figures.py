"""How much was tried of what may be damaged or hostile, and what became of it: `python -m tests.figures 200`.

The seeded trials that the tests make, more of them: so many for every data set, kind of archive and kind of
kept file. Ends with status 1 if anything was wrong or not refused by name.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests import test_damage
from tests.data import test_archives
from tests.data.sets import test_hostile_files

TRIED = {
    f"{len(test_hostile_files.WRITERS)} loaders, mutated files": (
        test_hostile_files.tried,
        test_hostile_files.WRITERS,
    ),
    "archives, damaged": (test_archives.tried, test_archives.KINDS),
    **{f"{kind}: flips, cuts, other files": (test_damage.tried, [kind]) for kind in test_damage.KINDS},
    "tables and cache, kill -9": (
        lambda _, folder, times: test_damage.killed(folder / "killed", times),
        ["all"],
    ),
}
OUTCOMES = ("right", "refused", "unnamed", "wrong")


def main(times: int) -> int:
    """Print a table of what was tried so many times each; how many rows have something wrong."""
    os.environ["ATTNLIB_DATA_URL"] = "http://127.0.0.1:9/nobody"
    failed = 0
    print(f"| test | tried | {' | '.join(OUTCOMES)} |\n|---|--:|{'--:|' * len(OUTCOMES)}")
    for name, (tried, kinds) in TRIED.items():
        found: Counter[str] = Counter()
        for kind in kinds:
            with tempfile.TemporaryDirectory() as place:
                os.environ |= {"ATTNLIB_DATA": place, "ATTNLIB_CACHE": f"{place}/cache"}
                found += tried(kind, Path(place), times)
        counts = [sum(n for outcome, n in found.items() if outcome.startswith(begin)) for begin in OUTCOMES]
        print(f"| {name} | {found.total()} | {' | '.join(map(str, counts))} |", flush=True)
        for outcome in found.keys() - {"right", "refused"}:
            print(f"{name}: {outcome}", file=sys.stderr)
        failed += any(counts[2:])
    return failed


if __name__ == "__main__":
    raise SystemExit(bool(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)))
