"""What was promised (on two CPU threads), and what the authors' own code took."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.harness import Row


@dataclass(frozen=True)
class Target:
    """At least this ratio to the plain way; or at most so many seconds and MiB."""

    ratio: float | None = None
    seconds: float | None = None
    mib: float | None = None

    def __str__(self) -> str:
        parts = []
        if self.ratio is not None:
            parts.append(f"≥ {self.ratio:g}×")
        if self.seconds is not None:
            parts.append(f"≤ {self.seconds:g} s")
        if self.mib is not None:
            parts.append(f"{self.mib:g} MiB")
        return ", ".join(parts)

    def met(self, row: Row) -> bool | None:
        """Whether a row meets it; None where it could not be judged."""
        judged = []
        if self.ratio is not None:
            judged.append(None if row.ratio is None else row.ratio >= self.ratio)
        if self.seconds is not None:
            judged.append(row.ours_s <= self.seconds)
        if self.mib is not None:
            judged.append(None if row.peak_mib is None else row.peak_mib <= self.mib)
        if False in judged:
            return False
        return None if None in judged else True


# (kernel, size, variant)
TARGETS = {
    ("exact_adversary", "sst", ""): Target(ratio=5000),
    ("exact_adversary", "imdb", ""): Target(ratio=700),
    ("exact_adversary", "mimic", ""): Target(seconds=2, mib=512),
    ("exact_adversary", "mimic", "worst case"): Target(seconds=10, mib=512),
    ("permutation_test", "sst", ""): Target(ratio=50),
    ("permutation_test", "imdb", ""): Target(ratio=50),
    ("search_adversary", "sst", ""): Target(ratio=16),
    ("search_adversary", "imdb", ""): Target(ratio=5),
    ("erase_until_flip", "sst", "4 rankings"): Target(ratio=100),
    ("erase_until_flip", "imdb", "4 rankings"): Target(ratio=200),
    ("kendall_tau", "sst", ""): Target(ratio=50),
    ("kendall_tau", "imdb", ""): Target(ratio=8),
    ("leave_one_out", "sst", "bilstm"): Target(ratio=3),
    ("leave_one_out", "imdb", "bilstm"): Target(ratio=6),
}

# CPU seconds that Jain & Wallace's released code took on the SST test set, BiLSTM and additive attention
AUTHORS = {
    ("exact_adversary", "sst", ""): 94.6,
    ("search_adversary", "sst", ""): 94.6,
    ("permutation_test", "sst", ""): 11.8,
    ("leave_one_out", "sst", "bilstm"): 15.1,
    ("gradient", "sst", "bilstm"): 2.8,
}


def judge(row: Row, comparable: bool) -> None:
    """Fill in target, verdict and the authors' seconds; the verdict only for a whole run on a CPU."""
    key = (row.kernel, row.size, row.variant)
    row.authors_s = AUTHORS.get(key)
    target = TARGETS.get(key)
    if target is not None:
        row.target = str(target)
        row.met = target.met(row) if comparable else None
