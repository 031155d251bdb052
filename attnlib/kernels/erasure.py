"""Erasure: drop attention weights, renormalise the rest, and look at the output.

With S the tokens that remain, the pooled vector is Σ_S α_t z_t / Σ_S α_t. Both sums are built from the
remaining tokens themselves, in float64, never as 1 − Σ of the erased ones, which cancels when α is peaked.
Once no attention is left the pooled vector is 0 (the empty document) and the bias decides.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from attnlib.kernels._common import check_linear, mean_where, similar, take, token_columns
from attnlib.kernels._decision import SCALE, flips_emptied, leads, sums, turned
from attnlib.readout import Readout

_TOKENS = 1 << 17  # tokens (times classes) held at a time


class Flip(NamedTuple):
    """Erasing in a given order until the decision changes, one entry per text.

    - `count`: [N] int64, erased tokens, the flipping one included. All tokens in a text that never flips.
    - `fraction`: [N] float64, count / number of tokens. 1 in a text that never flips.
    - `mass`: [N] float64, attention that the erased tokens held. 1 in a text that never flips.
    - `flipped`: [N] bool, whether the decision changes at all.
    - `emptied`: [N] bool, whether it does so only when no attention is left.

    `count.mean()` mixes in texts that never flip; `mean_over_flipped("count")` leaves them out.
    """

    count: Tensor  # type: ignore[assignment]
    fraction: Tensor
    mass: Tensor
    flipped: Tensor
    emptied: Tensor

    def mean_over_flipped(self, field: str) -> float:
        """Mean of a field over the texts that flip; NaN where there is none."""
        return mean_where(self, field, self.flipped)


class MinimalFlip(NamedTuple):
    """A smallest set of tokens whose erasure changes the decision, one entry per text.

    - `count`: [N] int64, size of the set. All tokens in a text that no set flips.
    - `fraction`: [N] float64, count / number of tokens. 1 in a text that no set flips.
    - `mass`: [N] float64, attention held by the set. 1 in a text that no set flips.
    - `flipped`: [N] bool, whether some set changes the decision and leaves some attention.
    - `emptied`: [N] bool, always False: the set leaves some attention.
    - `mask`: [N, T] bool, the set. Empty in a text that no set flips.

    `count.mean()` mixes in texts that no set flips; `mean_over_flipped("count")` leaves them out.
    """

    count: Tensor  # type: ignore[assignment]
    fraction: Tensor
    mass: Tensor
    flipped: Tensor
    emptied: Tensor
    mask: Tensor

    def mean_over_flipped(self, field: str) -> float:
        """Mean of a field over the texts that some set flips; NaN where there is none."""
        return mean_where(self, field, self.flipped)


def erase_each(readout: Readout) -> Tensor:
    """Class probabilities after each single erasure, [N, T, C] float64, NaN off the mask.

    Any head and any number of classes. Relative error of the pooled vector about T · 1e-16.
    (Serrano & Smith 2019, section 4.)
    """
    n, t = readout.mask.shape
    blocks = []
    step = max(1, _TOKENS // (t * readout.scores.shape[2]))
    for start in range(0, n, step):
        rows = torch.arange(start, min(start + step, n), device=readout.device)
        alpha = readout.alpha[rows] * SCALE  # [n, T]
        pooled = others(alpha[..., None] * readout.scores[rows].double())  # [n, T, C]
        mass = others(alpha[..., None])  # [n, T, 1]
        pooled = torch.where(mass > 0, pooled / mass, 0.0)
        p = readout.decode(pooled, rows).softmax(-1)
        blocks.append(p.masked_fill(~readout.mask[rows, :, None], torch.nan))
    return torch.cat(blocks)


def others(x: Tensor) -> Tensor:
    """Sum over dim 1 of all entries but the one at hand: exclusive prefix plus exclusive suffix sums."""
    out = torch.zeros_like(x)
    out[:, 1:] += x[:, :-1].cumsum(1)
    out[:, :-1] += x[:, 1:].flip(1).cumsum(1).flip(1)
    return out


def _before(x: Tensor) -> Tensor:
    """Sum over dim 1 of the entries before the one at hand."""
    out = torch.zeros_like(x)
    torch.cumsum(x[:, :-1], 1, out=out[:, 1:])
    return out


def erase_until_flip(readout: Readout, order: Tensor) -> Flip:
    """Erase tokens in `order`, one more at a time, until the predicted class changes.

    `order`: [N, T] integer columns, first erased first: a row with L tokens starts with a permutation of its
    L token columns, what follows is not read. After each step the rest is renormalised; when no attention is
    left (at the last token, or before it if only zero weights remain) the bias decides. Any head and any
    number of classes; ties go to the first class, as in `single_erasure` and `minimal_flip_set`. Sums of the
    remaining tokens in float64.

    In a text that never flips `count` is all tokens, so a mean needs `mean_over_flipped`.

    Raises ValueError when `order` is not [N, T], not integer, or not a permutation of a row's tokens.
    (Serrano & Smith 2019, section 5.)
    """
    order = check_order(readout, order)
    y, lengths = readout.predictions(), readout.lengths
    leaves = flips_emptied(readout, y)  # [N]
    step = torch.empty_like(lengths)  # [N] position in `order` of the flipping token, −1 if none
    mass, emptied = torch.empty_like(readout.alpha[:, 0]), torch.empty_like(leaves)
    for rows, width in similar(lengths, max(1, _TOKENS // readout.scores.shape[2])):
        # [n, W] tokens from the last erased to the first: what stands before one is left when it goes
        tokens, padding = last_first(order, readout.mask, rows, lengths[rows], width)
        above = int(tokens.max()) + 1
        alpha, scores = (x[:, :above].index_select(0, rows) for x in (readout.alpha, readout.scores))
        weights = alpha.mul_(SCALE).gather(1, tokens).masked_fill_(padding, 0.0)
        rest = _before(weights)  # [n, W] attention left after each step
        if readout.head is None:
            flips = torch.zeros_like(padding)
            allowed = None if readout.allowed is None else readout.allowed[rows]
            for lead, ahead in leads(readout, scores, alpha, y[rows], allowed):
                flips |= turned(sums(lead.gather(1, tokens).masked_fill_(padding, 0.0), _before), ahead)
        else:
            values = scores.gather(1, tokens[..., None].expand(-1, -1, scores.shape[2])).double()
            pooled = _before(weights[..., None] * values) / rest[..., None]
            flips = readout.decode(pooled, rows).argmax(2) != y[rows, None]
        flips = torch.where(rest > 0, flips, leaves[rows, None]).masked_fill_(padding, False)
        at = torch.arange(1, width + 1, device=rows.device)
        last = (flips * at).amax(1, keepdim=True)  # [n, 1] where the flipping token stands, 0 if none
        step[rows] = torch.where(last > 0, width - last, -1)[:, 0]
        mass[rows] = weights.masked_fill_(at < last, 0.0).sum(1) / SCALE
        emptied[rows] = (rest.gather(1, (last - 1).clamp(min=0)) == 0)[:, 0]
    flipped = step >= 0
    count = torch.where(flipped, step + 1, lengths)
    mass = torch.where(flipped, mass.clamp(max=1), 1.0)
    return Flip(count, count / lengths.double(), mass, flipped, emptied & flipped)


def check_order(readout: Readout, order: Tensor) -> Tensor:
    """`order` on the Readout's device. ValueError unless it is [N, T] and whole numbers."""
    order, mask = torch.as_tensor(order, device=readout.device), readout.mask
    if order.shape != mask.shape:
        raise ValueError(f"order: expected shape {list(mask.shape)} like alpha, got {list(order.shape)}")
    if order.dtype == torch.bool or order.is_floating_point() or order.is_complex():
        raise ValueError(f"order: expected integer token columns, got {order.dtype}")
    return order


def last_first(
    order: Tensor, mask: Tensor, rows: Tensor, lengths: Tensor, width: int
) -> tuple[Tensor, Tensor]:
    """Tokens of `rows` at the end of [n, W], the last of `order` first, and the padding before; checked."""
    order, mask = order[:, :width].index_select(0, rows).long(), mask.index_select(0, rows)
    padding = torch.arange(width, device=order.device) >= lengths[:, None]
    order = torch.where(padding, order[:, :1], order)
    low, high = order.aminmax()
    inside = bool(low >= 0) and bool(high < mask.shape[1])
    # as many entries as tokens: they are a permutation when they name every token and nothing else
    if not inside or not torch.equal(torch.zeros_like(mask).scatter_(1, order, True), mask):
        raise ValueError(_not_a_permutation(order, mask, rows))
    return order.flip(1), padding.flip(1)


def _not_a_permutation(order: Tensor, mask: Tensor, rows: Tensor) -> str:
    """What is wrong with the first row of `order` that does not start with a permutation of its tokens."""
    lengths = mask.sum(1).tolist()
    starts = [given[:length] for given, length in zip(order.tolist(), lengths, strict=True)]
    tokens = [row.nonzero()[:, 0].tolist() for row in mask]
    bad = next(i for i, given in enumerate(starts) if sorted(given) != tokens[i])
    shown = f"{starts[bad][:8]}{' …' if lengths[bad] > 8 else ''}"
    return f"order: row {int(rows[bad])} does not start with a permutation of its tokens: {shown}"


def minimal_flip_set(readout: Readout) -> MinimalFlip:
    """The smallest number of tokens whose erasure changes the decision, and such a set. Exact, any C.

    Erasing R and renormalising turns class y into c when Σ_{t∉R} α_t d_t < 0 (or = 0 if c comes before y, for
    argmax takes the first), with d_t the token's lead of y over c, bias included. That is linear in the set,
    so for each c the best R of any size are the tokens with the largest α_t d_t, and one sort finds the
    smallest. The rest must keep some attention. Of equally small sets the one for the lowest class is
    returned, and `mass` is that set's (the smallest *mass* is another problem, a knapsack). In a text that no
    set flips `count` is all tokens, so a mean needs `mean_over_flipped`.

    float64. Raises ValueError for a head and where a class is not allowed.
    (Serrano & Smith 2019, section 5, calls the exhaustive search exponential.)
    """
    check_linear(readout, "minimal_flip_set")
    y, lengths = readout.predictions(), readout.lengths
    columns = token_columns(readout.mask)
    count = torch.empty_like(lengths)
    chosen = torch.zeros_like(readout.mask)
    for rows, width in similar(lengths, max(1, _TOKENS // readout.scores.shape[2])):
        alpha, scores, mask = (
            take(x, columns, rows, width) for x in (readout.alpha, readout.scores, readout.mask)
        )
        fewest, best = _fewest(readout, alpha, scores, mask, y[rows])
        count[rows] = fewest
        at = torch.arange(width, device=rows.device) if columns is None else columns[rows, :width]
        chosen[rows[:, None], at] = best
    flipped = count <= lengths
    count = torch.where(flipped, count, lengths)
    mass = torch.where(flipped, (readout.alpha * chosen).sum(1), 1.0)
    nothing = torch.zeros_like(flipped)
    return MinimalFlip(count, count / lengths.double(), mass, flipped, nothing, chosen)


def _fewest(
    readout: Readout, alpha: Tensor, scores: Tensor, mask: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """Size of the smallest flipping set [n] (length + 1 if there is none), and the set [n, W] bool."""
    lengths = mask.sum(1)
    at = torch.arange(mask.shape[1], device=mask.device)
    fewest, towards = lengths + 1, torch.full_like(y, scores.shape[2])
    chosen = torch.zeros_like(mask)
    for shift, (lead, ahead) in enumerate(leads(readout, scores, alpha * SCALE, y), 1):
        # the m smallest leads remain, m = 1, 2, …; padding sorts to the end, and adds 0 there
        order = lead.masked_fill(~mask, torch.inf).sort(dim=1, stable=True).indices
        left = sums(lead.gather(1, order), lambda x: x.cumsum(1))  # [n, W]
        some = alpha.gather(1, order).cumsum(1) > 0
        flips = turned(left, ahead) & some & (at < lengths[:, None] - 1)
        remain = torch.where(flips, at + 1, 0).amax(1)  # [n] most tokens that may remain
        size = torch.where(remain > 0, lengths - remain, lengths + 1)
        c = (y + shift) % scores.shape[2]
        better = (size < fewest) | ((size == fewest) & (remain > 0) & (c < towards))
        fewest, towards = torch.where(better, size, fewest), torch.where(better, c, towards)
        erased = (at >= remain[:, None]) & (at < lengths[:, None])  # in sorted order
        here = torch.zeros_like(mask).scatter_(1, order, erased)
        chosen = torch.where(better[:, None], here, chosen)
    return fewest, chosen
