"""What several kernels share: checks, seeded draws, margins and rows grouped by length."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.readout import Readout


def check_linear(readout: Readout, kernel: str) -> None:
    """Refuse a Readout with a head: the kernel's result holds only when logits are linear in the weights."""
    if readout.head is not None:
        raise ValueError(
            f"readout: {kernel} needs logits linear in the attention weights; this Readout has a head"
        )


def check_two_classes(readout: Readout, kernel: str) -> None:
    """Refuse a head, and any number of classes but two."""
    check_linear(readout, kernel)
    classes = readout.scores.shape[2]
    if classes != 2:
        raise ValueError(f"readout: {kernel} needs two classes, this Readout has {classes}")


def check_epsilon(epsilon: float) -> float:
    """ε must be a number in [0, 1]."""
    if not (isinstance(epsilon, (int, float)) and 0 <= epsilon <= 1):
        raise ValueError(f"epsilon: must be a number in [0, 1], got {epsilon!r}")
    return float(epsilon)


def check_at_least(name: str, value: int, least: int) -> None:
    """A count must be a whole number ≥ `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name}: must be a whole number ≥ {least}, got {value!r}")


def check_positive(name: str, value: float) -> None:
    """A finite number > 0."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name}: must be a finite number > 0, got {value!r}")


def token_margins(readout: Readout) -> Tensor:
    """s_t = (z_t1 + b_1) − (z_t0 + b_0), the log-odds of class 1 if token t held all the attention.

    [N, T] float64, 0 off the mask. The margin under weights p is Σ_t p_t s_t.
    """
    z, b = readout.scores, readout.bias.double()
    s = (z[..., 1].double() - z[..., 0].double()) + (b[1] - b[0])
    return s.masked_fill(~readout.mask, 0.0)


def seed_for(seed: int, length: int) -> np.random.SeedSequence:
    """Source of draws for rows of `length` tokens: the same in every batch and under any padding."""
    check_at_least("seed", seed, 0)
    return np.random.SeedSequence([int(seed), length])


def torch_generator(seed: int, length: int) -> torch.Generator:
    """CPU generator tied to the seed and the row's length."""
    state = int(seed_for(seed, length).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(state)


def token_columns(mask: Tensor) -> Tensor | None:
    """Columns of each row, its tokens first and in order, [N, T]; None if they already stand so."""
    t = mask.shape[1]
    lengths = mask.sum(1)  # [N]
    if torch.equal(mask, torch.arange(t, device=mask.device) < lengths[:, None]):
        return None
    return (~mask).to(torch.int8).sort(dim=1, stable=True).indices


def pack(readout: Readout, columns: Tensor | None, rows: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """The first `width` token columns of `rows`: alpha [n, width], scores [n, width, C], mask [n, width].

    `columns`: as `token_columns` returns it. Missing columns are filled with padding.
    """
    if columns is None:
        alpha, scores, mask = (x[rows, :width] for x in (readout.alpha, readout.scores, readout.mask))
    else:
        row, at = rows[:, None], columns[rows, :width]  # at: [n, ≤ width]
        alpha, scores, mask = (x[row, at] for x in (readout.alpha, readout.scores, readout.mask))
    missing = width - mask.shape[1]
    if missing > 0:
        alpha, mask = pad(alpha, (0, missing)), pad(mask, (0, missing))
        scores = pad(scores, (0, 0, 0, missing))
    return alpha, scores, mask


def groups(key: Tensor, budget: int) -> Iterator[tuple[int, Tensor]]:
    """Rows with the same `key` [N], in blocks of n rows with n · key ≤ `budget`: yields (key, rows [n])."""
    ordered, rows = key.sort(stable=True)
    values, counts = ordered.unique_consecutive(return_counts=True)
    start = 0
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        step = max(1, budget // value)
        for first in range(start, start + count, step):
            yield value, rows[first : min(first + step, start + count)]
        start += count
