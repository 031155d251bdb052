"""What was promised (on two CPU threads), and what the authors' own code took."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.harness import Row


@dataclass(frozen=True)
class Target:
    """At most so many times the floor of the same run; at most so many MiB or CPU seconds."""

    floor: float | None = None
    mib: float | None = None
    cpu_s: float | None = None

    def __str__(self) -> str:
        given = {"≤ {:g} × floor": self.floor, "{:g} MiB": self.mib, "≤ {:g} CPU s": self.cpu_s}
        return ", ".join(form.format(value) for form, value in given.items() if value is not None)

    def met(self, row: Row) -> bool | None:
        """Whether a row meets it; None where it could not be judged."""
        pairs = (self.floor, row.over_floor), (self.mib, row.peak_mib), (self.cpu_s, row.ours_cpu_s)
        judged = [None if found is None else found <= most for most, found in pairs if most is not None]
        if False in judged:
            return False
        return None if None in judged else True


# (kernel, size, variant). The goals are distances to the floor: ratios to a plain way move with the machine.
TARGETS = {
    ("exact_adversary", "sst", ""): Target(4),
    ("exact_adversary", "imdb", ""): Target(3.5),
    ("exact_adversary", "mimic", ""): Target(6, mib=512),
    ("exact_adversary", "mimic", "worst case"): Target(6, mib=512),
    ("erase_until_flip", "sst", "4 rankings"): Target(8),
    ("erase_until_flip", "imdb", "4 rankings"): Target(5),
    ("erase_until_flip", "qa", "4 rankings"): Target(12),
    ("erase_each", "sst", ""): Target(10),
    ("erase_each", "imdb", ""): Target(10),
    ("erase_each", "han", ""): Target(10),
    ("reach", "sst", ""): Target(10),
    ("reach", "imdb", ""): Target(10),
    ("reach", "han", ""): Target(10),
    ("minimal_flip_set", "sst", ""): Target(5),
    ("minimal_flip_set", "imdb", ""): Target(5),
    ("minimal_flip_set", "qa", ""): Target(5),
    ("permutation_test", "sst", ""): Target(1.7),
    ("permutation_test", "imdb", ""): Target(1.4),
    ("permutation_test", "qa", ""): Target(4),
    ("permutation_test", "mimic", ""): Target(3),
    ("search_adversary", "sst", ""): Target(2.8),
    ("search_adversary", "imdb", ""): Target(2.4),
    ("kendall_tau", "sst", ""): Target(4.5),
    ("kendall_tau", "imdb", ""): Target(2.6),
    ("leave_one_out", "sst", "bilstm"): Target(2.2),
    ("leave_one_out", "imdb", "bilstm"): Target(1.9),
    ("leave_one_out", "sst", "convolution"): Target(4),
    ("leave_one_out", "sst", "average"): Target(4),
    ("battery", "sst", "no search"): Target(cpu_s=0.5),
    ("training", "sst", "bilstm, an epoch"): Target(cpu_s=9),
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
