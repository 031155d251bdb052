"""What several kernels share: checks, margins, seeds, and blocks of texts of similar length."""

import bisect
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.checks import check_at_least
from attnlib.readout import Readout, unchecked


class Side(NamedTuple):
    """Candidates of `exact_adversary` on one side of each row's bound, flat: by row, by ascending margin."""

    row: Tensor  # [K]
    column: Tensor  # [K] in the sorted row
    distance: Tensor  # [K] to the bound, > 0
    alpha: Tensor  # [K]
    own: Tensor  # [K] α ln α
    size: Tensor  # [G] candidates per row
    start: Tensor  # [G] where the row's candidates begin


def check_linear(readout: Readout, kernel: str, two_classes: bool = False) -> None:
    """Refuse a head and classes that are not allowed: the result holds only for logits Σ p_t z_t + b.

    two_classes: refuse any other number of classes too.
    """
    if readout.head is not None:
        needed = "logits linear in the attention weights; this Readout has a head"
        raise ValueError(f"readout: {kernel} needs {needed}")
    if readout.allowed is not None:
        raise ValueError(
            f"readout: {kernel} needs texts that allow every class; in this Readout some are not. Where all "
            "texts allow the same ones, make a Readout of the scores and biases of these alone"
        )
    classes = len(readout.bias)
    if two_classes and classes != 2:
        raise ValueError(f"readout: {kernel} needs two classes, this Readout has {classes}")


def check_values(name: str, x: Tensor, mask: Tensor, wrong: Callable[[Tensor], Tensor]) -> None:
    """ValueError unless x has the shape of the mask [N, T] and no value on the mask is `wrong`."""
    if x.shape != mask.shape:
        raise ValueError(f"{name}: expected shape {list(mask.shape)} like the mask, got {list(x.shape)}")
    if len(bad := (wrong(x) & mask).nonzero()):
        row, token = bad[0].tolist()
        raise ValueError(f"{name}: row {row}, token {token} is {x[row, token].item()}")


def token_margins(readout: Readout) -> Tensor:
    """s_t = (z_t1 + b_1) − (z_t0 + b_0), the log-odds of class 1 if token t held all the attention.

    [N, T] float64, 0 off the mask. The margin under weights p is Σ_t p_t s_t. Raises ValueError for a head,
    for C ≠ 2 and where a class is not allowed.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.5], [[True] * 3])
    >>> kernels.token_margins(readout).tolist()
    [[2.5, 1.5, -3.5]]
    """
    check_linear(readout, "token_margins", two_classes=True)
    z, b = readout.scores, readout.bias.double()
    s = (z[..., 1].double() - z[..., 0].double()).add_(b[1] - b[0])
    return s.mul_(readout.mask)


def relative(texts: Readout) -> tuple[Tensor, Tensor]:
    """What is summed under weights, float64: scores [n, W, C'] and bias [C'].

    Of linear logits C − 1 differences: softmax does not see a constant added to all, so that class 0 is the
    reference. With a head, or where a class is not allowed, all of them.
    """
    scores, bias = texts.scores.double(), texts.bias.double()
    return (scores[..., 1:] - scores[..., :1], bias[1:] - bias[0]) if texts.linear else (scores, bias)


def seed_for(seed: int, length: int) -> np.random.SeedSequence:
    """Source of draws for rows of `length` tokens: the same in every batch and under any padding."""
    check_at_least("seed", seed, 0)
    return np.random.SeedSequence([int(seed), length])


def similar(lengths: Tensor, budget: int, equal: bool = False) -> Iterator[tuple[Tensor, int]]:
    """All rows in blocks of similar length [N] ≥ 1: yields (rows [n], the largest length of them).

    n · width ≤ `budget` (or n = 1), and width ≤ 3/2 of the shortest (or 48): little padding, and few blocks
    of short rows. equal: the lengths of a block are equal.
    """
    ordered, rows = lengths.sort(stable=True)
    values, start = ordered.tolist(), 0
    while start < len(values):
        limit = values[start] if equal else max(48, values[start] * 3 // 2)
        stop = min(bisect.bisect_right(values, limit), start + max(1, budget // values[start]))
        stop = min(stop, start + max(1, budget // values[stop - 1]))
        yield rows[start:stop], values[stop - 1]
        start = stop


def blocks(
    readout: Readout, budget: int, widths: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor, Readout]]:
    """All texts in blocks of similar length, their tokens first: little is padding, and memory is bounded.

    Yields rows [n], the columns [n, W] from which their tokens come, and a Readout of these texts with W
    columns; n · W ≤ `budget` as in `similar`. widths: [N] ≥ lengths, the W of each text, if all of a block
    shall have the same; what a Readout of fewer columns lacks is padding, and has no entry in `columns`.
    """
    lengths, columns = readout.lengths, token_columns(readout.mask)
    every = torch.arange(readout.mask.shape[1], device=readout.device)
    for rows, width in similar(lengths if widths is None else widths, budget, widths is not None):
        own = every[:width].expand(len(rows), -1) if columns is None else columns[rows, :width]
        block = arranged(readout, rows, width if columns is None else own)
        missing = width - block.mask.shape[1]
        if missing > 0:
            alpha, mask = pad(block.alpha, (0, missing)), pad(block.mask, (0, missing))
            block = unchecked(block, alpha=alpha, mask=mask, scores=pad(block.scores, (0, 0, 0, missing)))
        yield rows, own, block


def put(out: Tensor, rows: Tensor, columns: Tensor, values: Tensor) -> None:
    """out[rows, columns] = values [n, W, ...], for `rows` and `columns` as `blocks` yields them."""
    if columns.stride(0) == 0:  # one arange for all rows: whole pieces of rows, ten times faster
        out[:, : columns.shape[1]][rows] = values
    else:
        out[rows[:, None], columns] = values


def token_columns(mask: Tensor) -> Tensor | None:
    """Columns of each row, its tokens first and in order, [N, T]; None if they already stand so."""
    lengths = mask.sum(1, keepdim=True)
    if torch.equal(mask, torch.arange(mask.shape[1], device=mask.device) < lengths):
        return None
    return (~mask).to(torch.int8).sort(dim=1, stable=True).indices


def take(xs: Sequence[Tensor], rows: Tensor, columns: Tensor | int) -> list[Tensor]:
    """Of `rows` [n] of each x [N, T, ...] the `columns` [n, W], or the first so many, [n, W, ...]."""
    if isinstance(columns, int):
        return [x[:, :columns].index_select(0, rows) for x in xs]
    cells = (columns + rows[:, None] * xs[0].shape[1]).flatten()  # several times faster than x[rows, columns]
    return [x.flatten(0, 1).index_select(0, cells).unflatten(0, columns.shape) for x in xs]


def arranged(readout: Readout, rows: Tensor, columns: Tensor | int) -> Readout:
    """The texts `rows` [n] with only the columns [n, W], or the first so many: all tokens are among them."""
    alpha, scores, mask = take((readout.alpha, readout.scores, readout.mask), rows, columns)
    offset, allowed = (x if x is None else x[rows] for x in (readout.offset, readout.allowed))
    return unchecked(readout, alpha=alpha, scores=scores, mask=mask, offset=offset, allowed=allowed)
