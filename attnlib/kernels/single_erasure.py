"""Erasing one token: what the top-ranked one does to the output, against another one.

Serrano & Smith compare the top token i* with one other, r. Their code draws a rank and uses it as a position,
so that r may be i* and never is the first token; and nothing needs to be drawn, for the mean over all r ≠ i*
is as cheap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from attnlib.checks import check_at_least
from attnlib.kernels._common import similar
from attnlib.kernels._decision import SCALE, flips_emptied, leads, sums, turned
from attnlib.kernels._draws import text_keys, whole_numbers
from attnlib.kernels.divergence import unchecked_jsd
from attnlib.kernels.erasure import erase_each, others
from attnlib.readout import Readout

WAYS = ("average", "drawn", "released")

_NUMBERS = 1 << 20  # probabilities held at a time


class SingleErasure(NamedTuple):
    """The top token i* against another, r, one entry per text. A text of one token has no r.

    - `delta_js`: [N] float64, JS(p, q_i*) − JS(p, q_r), nats; q is the output after the erasure. NaN in a
      text of one token.
    - `delta_attention`: [N] float64, α_i* − α_r. NaN in a text of one token.
    - `flips_top`: [N] bool, whether erasing i* changes the decision. False in a text of one token, so that
      its mean mixes those in; `flip_table` leaves them out.
    - `flips_other`: [N] float64, whether erasing r does, 0 or 1; "average": the share of the r that do. NaN
      in a text of one token.
    - `other`: [N] int64, column of r. −1 for "average" and in a text of one token.
    """

    delta_js: Tensor
    delta_attention: Tensor
    flips_top: Tensor
    flips_other: Tensor
    other: Tensor


def single_erasure(
    readout: Readout,
    ranking_scores: Tensor,
    how: str = "average",
    seed: int = 0,
    ids: Sequence[str] | Sequence[int] | None = None,
) -> SingleErasure:
    """Compare erasing the token i* with the largest score with erasing another token r of the same text.

    `ranking_scores`: [N, T] numbers, read on the mask only: attention, `output_gradient`, their product; i*
    is the first of the largest. `how` r is taken:

    - "average": delta_js, delta_attention and flips_other are exact means over all r ≠ i*; no draw.
    - "drawn", as the paper intends: r uniform over the tokens that are not i*.
    - "released", as the authors' code, which draws a rank and uses it as a position: r uniform over the
      tokens but the first, so that it may be i* and can never be the first token.

    The erased weight is set to 0, the others are renormalised; the only positive weight erased leaves the
    bias. Any head and any number of classes; whether the decision changes is what `erase_until_flip` says, of
    ties too. float64; JS is clamped at 0, where rounding may leave −1e-17.
    ids: names of the N texts, strings or whole numbers. A draw depends on the seed, the text's length and its
    id alone, not on the batch or the model; without ids texts of one length draw the same.

    Raises ValueError for an unknown `how`, scores of another shape or NaN on the mask, seed < 0, and ids of
    another number or kind.
    (Serrano & Smith 2019, section 4.)
    """
    check_at_least("seed", seed, 0)
    if how not in WAYS:
        raise ValueError(f"how: must be one of {', '.join(WAYS)}, got {how!r}")
    scores = _checked(readout, ranking_scores)
    mask, lengths = readout.mask, readout.lengths
    top = scores.masked_fill(~mask, -torch.inf)
    # a score of −inf is a score: the first of the tokens with the largest
    top = ((top == top.amax(1, keepdim=True)) & mask).to(torch.int8).argmax(1, keepdim=True)  # [N, 1]
    others = mask.scatter(1, top, False)  # [N, T]
    several = lengths > 1
    js, flips = _effects(readout)  # [N, T]
    values = torch.stack((js, readout.alpha, flips), 2)  # [N, T, 3]
    of_top = values.gather(1, top[..., None].expand(-1, -1, 3))[:, 0]  # [N, 3]
    if how == "average":
        other = torch.full_like(lengths, -1)
        of_other = values.masked_fill(~others[..., None], 0.0).sum(1) / (lengths - 1)[:, None]
    else:
        number = whole_numbers(text_keys(seed, lengths, ids), (lengths - 1).clamp(min=1))
        if how == "released":
            others = mask & (mask.cumsum(1) > 1)
        # the column of the token that has `number` of the possible ones before it
        other = ((others.cumsum(1) == number[:, None] + 1) & others).to(torch.int8).argmax(1)
        of_other = values.gather(1, other[:, None, None].expand(-1, -1, 3))[:, 0]
        other = other.masked_fill(~several, -1)
    of_other = of_other.masked_fill(~several[:, None], torch.nan)
    delta = of_top - of_other
    return SingleErasure(delta[:, 0], delta[:, 1], (of_top[:, 2] > 0) & several, of_other[:, 2], other)


def _checked(readout: Readout, ranking_scores: Tensor) -> Tensor:
    scores = torch.as_tensor(ranking_scores, device=readout.device)
    if scores.shape != readout.mask.shape:
        raise ValueError(
            f"ranking_scores: expected shape {list(readout.mask.shape)} like alpha, got {list(scores.shape)}"
        )
    scores = scores.double()
    bad = (scores.isnan() & readout.mask).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        raise ValueError(f"ranking_scores: row {row}, token {column} is nan")
    return scores


def _effects(readout: Readout) -> tuple[Tensor, Tensor]:
    """JS from the output [N, T] and whether the decision changes, 0 or 1 [N, T], float64; 0 off the mask."""
    js, flips = torch.zeros_like(readout.alpha), torch.zeros_like(readout.alpha)
    for rows, part in _parts(readout):
        mask = part.mask
        before, after = part.probabilities(), erase_each(part)  # [n, C], [n, W, C]
        after = torch.where(mask[..., None], after, before[:, None])
        js[rows, : mask.shape[1]] = unchecked_jsd(after, before[:, None]).clamp(min=0)
        flips[rows, : mask.shape[1]] = (_flips(part, after) & mask).double()
    return js, flips


def _flips(readout: Readout, after: Tensor) -> Tensor:
    """Whether the decision changes when each token goes [n, W]; `after`: the probabilities then [n, W, C]."""
    y = readout.predictions()
    if readout.head is not None:
        return after.argmax(2) != y[:, None]
    flips = torch.zeros_like(readout.mask)
    for lead, ahead in leads(readout, readout.scores, readout.alpha * SCALE, y, readout.allowed):
        flips |= turned(sums(lead, others), ahead)
    some = readout.alpha > 0
    return torch.where(some.sum(1, keepdim=True) > some.long(), flips, flips_emptied(readout, y)[:, None])


def _parts(readout: Readout) -> Iterator[tuple[Tensor, Readout]]:
    """The texts in blocks of similar width, without the columns of padding after the longest of a block."""
    at = torch.arange(1, readout.mask.shape[1] + 1, device=readout.device)
    ends = (readout.mask * at).amax(1)  # [N] columns up to the last token
    for rows, width in similar(ends, max(1, _NUMBERS // readout.scores.shape[2])):
        part = readout.select(rows)
        alpha, scores, mask = (x[:, :width] for x in (part.alpha, part.scores, part.mask))
        yield rows, replace(part, alpha=alpha, scores=scores, mask=mask)


def flip_table(result: SingleErasure) -> Tensor:
    """Decision flips by i* and by r, in percent of the texts with two tokens or more, [2, 2] float64.

    Rows: erasing i* flips, does not; columns: erasing r flips, does not. Of an "average" the expected shares
    over r. NaN where no text has two tokens. (Serrano & Smith 2019, Table 2.)
    """
    counted = ~result.flips_other.isnan()
    top, other = result.flips_top[counted].double(), result.flips_other[counted]
    by_top, by_other = torch.stack((top, 1 - top)), torch.stack((other, 1 - other))  # [2, n]
    return 100 * (by_top @ by_other.t()) / counted.sum()
