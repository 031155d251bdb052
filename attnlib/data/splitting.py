"""Which texts make train, dev and test: seeded random splits and filters by length.

The splits draw the same rows as scikit-learn's ``train_test_split``, with which the papers' authors made
theirs, from numpy's frozen RandomState stream: a seed names the same texts for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from attnlib.data.corpus import Split


def random_split(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (kept, held out) row numbers, each ascending; ``ceil(share · n)`` of the n rows are held out.

    Raises ValueError if either part would be empty.
    """
    n_held = _held_out(n, share)
    order = np.random.RandomState(seed).permutation(n)
    return np.sort(order[n_held:]), np.sort(order[:n_held])


def stratified_split(labels: Sequence[int] | np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return the row numbers, kept part first and held-out part after it, in the order drawn.

    The last ``ceil(share · n)`` rows are held out; both parts have the classes in proportion. The order is
    that of ``train_test_split(stratify=labels)``: a second split of the kept rows depends on it. Raises
    ValueError if a part would be empty or a class has fewer than two rows.
    """
    labels = np.asarray(labels)
    classes, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    n_held = _held_out(len(labels), share)
    if counts.min() < 2:
        rare = classes[counts.argmin()]
        raise ValueError(
            f"class {rare} has {counts.min()} text(s); a split by class needs at least 2 of each"
        )
    draw = np.random.RandomState(seed)
    n_kept = _proportional(counts, len(labels) - n_held, draw)
    n_out = _proportional(counts - n_kept, n_held, draw)
    kept: list[int] = []
    held: list[int] = []
    for number in range(len(classes)):
        rows = np.flatnonzero(numbers == number)[draw.permutation(counts[number])]
        kept += rows[: n_kept[number]].tolist()
        held += rows[n_kept[number] : n_kept[number] + n_out[number]].tolist()
    return np.concatenate([draw.permutation(kept), draw.permutation(held)]).astype(np.int64)


def three_way(
    labels: Sequence[int] | np.ndarray,
    test: tuple[float, int],
    dev: tuple[float, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ascending row numbers of train, dev and test, drawn by class: test first, then dev of the rest.

    test, dev: (share, seed).
    """
    labels = np.asarray(labels)
    order = stratified_split(labels, *test)
    n_test = _held_out(len(labels), test[0])
    rest = order[:-n_test]
    again = rest[stratified_split(labels[rest], *dev)]
    n_dev = _held_out(len(rest), dev[0])
    return np.sort(again[:-n_dev]), np.sort(again[-n_dev:]), np.sort(order[-n_test:])


def filter_by_length(split: Split, minimum: int | None = None, maximum: int | None = None) -> Split:
    """Keep texts with ``minimum < T < maximum`` tokens; None is the split's own shortest or longest.

    Strict on both ends, so with None the shortest or longest texts of the split are dropped. Source: the
    released code; the paper does not say it.
    """
    lengths = split.lengths
    if not lengths.size:
        return split
    low = lengths.min() if minimum is None else minimum
    high = lengths.max() if maximum is None else maximum
    return split.select((lengths > low) & (lengths < high))


def _held_out(n: int, share: float) -> int:
    held = math.ceil(share * n)
    if not 0 < held < n:
        raise ValueError(f"cannot hold {share:.0%} out of {n} text(s): one part would be empty")
    return held


def _proportional(counts: np.ndarray, n: int, draw: np.random.RandomState) -> np.ndarray:
    """Return how many of each class make a sample of n in proportion; ties for the last ones are drawn."""
    exact = counts / counts.sum() * n
    taken = np.floor(exact)
    rests = exact - taken
    left = int(n - taken.sum())
    for rest in np.unique(rests)[::-1]:
        if left <= 0:
            break
        tied = np.flatnonzero(rests == rest)
        some = draw.choice(tied, size=min(len(tied), left), replace=False)
        taken[some] += 1
        left -= len(some)
    return taken.astype(np.int64)
