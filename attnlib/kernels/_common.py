"""What several kernels share: checks, seeded draws, margins and rows grouped by length."""

import bisect
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.checks import check_at_least, check_number
from attnlib.readout import Readout


class Side(NamedTuple):
    """Candidates of `exact_adversary` on one side of each row's bound, flat: by row, by ascending margin."""

    row: Tensor  # [K]
    column: Tensor  # [K] in the sorted row
    distance: Tensor  # [K] to the bound, > 0
    alpha: Tensor  # [K]
    own: Tensor  # [K] α ln α
    size: Tensor  # [G] candidates per row
    start: Tensor  # [G] where the row's candidates begin


def check_linear(readout: Readout, kernel: str) -> None:
    """Refuse a head and classes that are not allowed: the result holds only for logits Σ p_t z_t + b."""
    if readout.head is not None:
        raise ValueError(
            f"readout: {kernel} needs logits linear in the attention weights; this Readout has a head"
        )
    if readout.allowed is not None:
        raise ValueError(
            f"readout: {kernel} needs texts that allow every class; in this Readout some are not. Where all "
            "texts allow the same ones, make a Readout of the scores and biases of these alone"
        )


def check_two_classes(readout: Readout, kernel: str) -> None:
    """Refuse what `check_linear` refuses, and any number of classes but two."""
    check_linear(readout, kernel)
    classes = readout.scores.shape[2]
    if classes != 2:
        raise ValueError(f"readout: {kernel} needs two classes, this Readout has {classes}")


def check_epsilon(epsilon: float) -> float:
    """ε as a float; ValueError unless it is a number in [0, 1]."""
    return check_number("epsilon", epsilon, 0, 1)


def mean_where(result: Any, field: str, which: Tensor) -> float:
    """Mean of a field [N] of a result over the texts `which` [N], NaN where there is none.

    Raises ValueError unless the field holds a number for each text.
    """
    named = {name: x for name, x in result._asdict().items() if x.dim() == 1 and x is not which}
    if field not in named:
        raise ValueError(f"field: must be one of {', '.join(named)}, got {field!r}")
    return float(named[field][which].double().mean())


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


def padded_width(lengths: Tensor, step: int = 4) -> Tensor:
    """A larger width, a function of the length alone: at most 1/8 longer, or up to a multiple of `step`.

    `step`: a power of two.
    """
    exponent = torch.frexp(lengths.double()).exponent - 4  # of an eighth of the largest power of two ≤ length
    steps = torch.pow(2, exponent.double()).long().clamp(min=step)
    return (lengths + steps - 1) // steps * steps


def token_columns(mask: Tensor) -> Tensor | None:
    """Columns of each row, its tokens first and in order, [N, T]; None if they already stand so."""
    t = mask.shape[1]
    lengths = mask.sum(1)  # [N]
    if torch.equal(mask, torch.arange(t, device=mask.device) < lengths[:, None]):
        return None
    return (~mask).to(torch.int8).sort(dim=1, stable=True).indices


def take(x: Tensor, columns: Tensor | None, rows: Tensor, width: int) -> Tensor:
    """The first `width` token columns of `rows` of x [N, T, ...]; `columns` as `token_columns` returns it."""
    return x[rows, :width] if columns is None else x[rows[:, None], columns[rows, :width]]


def pack(readout: Readout, columns: Tensor | None, rows: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens of `rows` moved to the front: alpha [n, width], scores [n, width, C], mask [n, width].

    Where the Readout is narrower than `width`, padding is added.
    """
    alpha, scores, mask = (
        take(x, columns, rows, width) for x in (readout.alpha, readout.scores, readout.mask)
    )
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


def similar(lengths: Tensor, budget: int) -> Iterator[tuple[Tensor, int]]:
    """All rows in blocks of similar length: yields (rows [n], width), the width of the longest of them.

    n · width ≤ `budget` (or n = 1), and width ≤ 3/2 of the shortest (or 48): little padding, and few blocks
    of short rows.
    """
    ordered, rows = lengths.sort(stable=True)
    values, start = ordered.tolist(), 0
    while start < len(values):
        limit = max(48, values[start] * 3 // 2)
        stop = min(bisect.bisect_right(values, limit), start + max(1, budget // values[start]))
        stop = min(stop, start + max(1, budget // values[stop - 1]))
        yield rows[start:stop], values[stop - 1]
        start = stop
