"""Erasure: drop attention weights, renormalise the rest, and look at the output.

With S the tokens that remain, the pooled vector is Σ_S α_t z_t / Σ_S α_t. Both sums are built from the
remaining tokens themselves, in float64, never as 1 − Σ of the erased ones, which cancels when α is peaked.
Once no attention is left the pooled vector is 0 (the empty document) and the bias decides.

Serrano & Smith erase one token, the top-ranked i*, and compare with one other, r. Their code draws a rank and
uses it as a position, so that r may be i* and never is the first token; and nothing needs to be drawn, for
the mean over all r ≠ i* is as cheap.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from attnlib.checks import check_at_least, one_of
from attnlib.kernels._common import arranged, blocks, check_values, put, similar
from attnlib.kernels._decision import SCALE, flips_emptied, leads, sums, turned
from attnlib.kernels._draws import Names, text_keys, whole_numbers
from attnlib.kernels.divergence import unchecked_jsd
from attnlib.readout import Readout

WAYS = ("average", "drawn", "released")

_TOKENS, _NUMBERS = 1 << 17, 1 << 20  # scores held at a time by a sequence of erasures, and by single ones


def mean_over_flipped(result: Any, field: str) -> float:
    """Mean of a field [N] of a result over the texts that are `flipped`, NaN where there is none.

    Raises ValueError unless the field holds a number for each text.
    """
    fields = {name: x for name, x in result._asdict().items() if x.dim() == 1 and name != "flipped"}
    one_of("field", field, fields)
    return float(fields[field][result.flipped].double().mean())


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
        return mean_over_flipped(self, field)


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
        return mean_over_flipped(self, field)


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


def erase_each(readout: Readout) -> Tensor:
    """Class probabilities after each single erasure, [N, T, C] float64, NaN off the mask.

    Any head and any number of classes. Relative error of the pooled vector about T · 1e-16.
    (Serrano & Smith 2019, section 4.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.erase_each(readout)[0, :, 1].round(decimals=3).tolist()
    [0.182, 0.5, 0.841]
    """
    return _without_each(readout, lambda logits: logits.movedim(2, 0).softmax(0).movedim(0, 2))


def logits_without_each(readout: Readout) -> Tensor:
    """As `erase_each`, the logits: [N, T, C] float64, NaN off the mask."""
    return _without_each(readout, lambda logits: logits)


def _without_each(readout: Readout, output: Callable[[Tensor], Tensor]) -> Tensor:
    """`output` of the logits [n, W, C] after each single erasure, [N, T, C]; NaN off the mask."""
    n, t, c = readout.scores.shape
    classes = readout.decode(readout.bias.new_zeros(1, c), slice(1)).shape[1]
    out = readout.alpha.new_full((n, t, classes), torch.nan)
    for rows, columns, texts in blocks(readout, max(1, _TOKENS // c)):
        # classes first: sums and softmax then run along whole rows
        alpha, scores = texts.alpha * SCALE, texts.scores.movedim(2, 0).contiguous().double()
        mass = others(alpha)  # [n, W]
        pooled = torch.where(mass > 0, others(alpha * scores) / mass, 0.0)  # [C, n, W]
        found = output(texts.decode(pooled.movedim(0, 2)))
        put(out, rows, columns, torch.where(texts.mask[..., None], found, torch.nan))
    return out


def others(x: Tensor) -> Tensor:
    """Sum over the last dim of all entries but the one at hand: those before it plus those after it."""
    return _before(x) + _before(x.flip(-1)).flip(-1)


def _before(x: Tensor) -> Tensor:
    """Sum over the last dim of the entries before the one at hand."""
    out = torch.zeros_like(x)
    torch.cumsum(x[..., :-1], -1, out=out[..., 1:])
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

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> order = kernels.attention_order(readout)
    >>> kernels.erase_until_flip(readout, order).count.tolist()
    [1]
    """
    order = check_order(readout, order)
    y, lengths = readout.predictions(), readout.lengths
    leaves = flips_emptied(readout, y)  # [N]
    step = torch.empty_like(lengths)  # [N] position in `order` of the flipping token, −1 if none
    mass, emptied = torch.empty_like(readout.alpha[:, 0]), torch.empty_like(leaves)
    for rows, width in similar(lengths, max(1, _TOKENS // readout.scores.shape[2])):
        # [n, W] tokens from the last erased to the first: what stands before one is left when it goes
        tokens, inside = (x.flip(1) for x in read_order(readout, order, lengths, rows, width))
        texts = arranged(readout, rows, int(tokens.amax()) + 1)
        alpha = texts.alpha.mul_(SCALE)
        weights = alpha.gather(1, tokens).mul_(inside)
        rest = _before(weights)  # [n, W] attention left after each step
        if readout.head is None:
            lead, ahead, _ = leads(texts, alpha, y[rows])
            lead = lead.gather(2, tokens.expand(len(lead), -1, -1)).mul_(inside)
            flips = turned(sums(lead, _before), ahead).any(0)
        else:
            scores = texts.scores.gather(1, tokens[..., None].expand(-1, -1, texts.scores.shape[2]))
            pooled = (_before((weights[..., None] * scores.double()).movedim(2, 0)) / rest).movedim(0, 2)
            flips = texts.decode(pooled).argmax(2) != y[rows, None]
        flips = torch.where(rest > 0, flips, leaves[rows, None]) & inside
        at = torch.arange(1, width + 1, device=rows.device)
        last = (flips * at).amax(1, keepdim=True)  # [n, 1] where the flipping token stands, 0 if none
        step[rows] = torch.where(last > 0, width - last, -1)[:, 0]
        mass[rows] = weights.mul_(at >= last).sum(1) / SCALE
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


def read_order(
    readout: Readout, order: Tensor, lengths: Tensor, rows: Tensor, width: int
) -> tuple[Tensor, Tensor]:
    """The first `width` columns [n, W] of `order` for some rows, and which of them are read, [n, W] bool.

    lengths: [N] of the Readout. What is not read holds a row's first token once more. ValueError unless each
    row starts with a permutation of its tokens.
    """
    mask, lengths = readout.mask.index_select(0, rows), lengths.index_select(0, rows)
    inside = torch.arange(width, device=rows.device) < lengths[:, None]
    order = order[:, :width].index_select(0, rows).long()
    order = torch.where(inside, order, order[:, :1])
    low, high = order.aminmax()
    # as many entries as tokens: they are a permutation when they name every token and nothing else
    right = bool(low >= 0) and bool(high < mask.shape[1])
    if right:
        start = torch.arange(0, mask.numel(), mask.shape[1], device=rows.device)[:, None]
        named = torch.zeros_like(mask).flatten().index_fill_(0, (order + start).flatten(), True)
        right = not (named.view_as(mask) != mask).any()
    if not right:
        starts = [given[:length] for given, length in zip(order.tolist(), lengths.tolist(), strict=True)]
        bad = next(i for i, m in enumerate(mask) if sorted(starts[i]) != m.nonzero()[:, 0].tolist())
        shown = f"{starts[bad][:8]}{' …' if len(starts[bad]) > 8 else ''}"
        row = int(rows[bad])
        raise ValueError(f"order: row {row} does not start with a permutation of its tokens: {shown}")
    return order, inside


def single_erasure(
    readout: Readout, ranking_scores: Tensor, how: str = "average", seed: int = 0, ids: Names = None
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

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.single_erasure(readout, readout.alpha).flips_top.tolist()
    [True]
    """
    check_at_least("seed", seed, 0)
    one_of("how", how, WAYS)
    mask, lengths = readout.mask, readout.lengths
    scores = torch.as_tensor(ranking_scores, device=readout.device)
    check_values("ranking_scores", scores, mask, torch.isnan)
    top = scores.double().masked_fill(~mask, -torch.inf)
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


def _effects(readout: Readout) -> tuple[Tensor, Tensor]:
    """JS from the output [N, T] and whether the decision changes, 0 or 1 [N, T], float64; 0 off the mask."""
    js, flips = torch.zeros_like(readout.alpha), torch.zeros_like(readout.alpha)
    for rows, columns, texts in blocks(readout, max(1, _NUMBERS // readout.scores.shape[2])):
        before, after = texts.probabilities()[:, None], erase_each(texts)  # [n, 1, C], [n, W, C]
        after = torch.where(texts.mask[..., None], after, before)
        put(js, rows, columns, unchecked_jsd(after, before).clamp(min=0))
        put(flips, rows, columns, (_flips(texts, after) & texts.mask).double())
    return js, flips


def _flips(readout: Readout, after: Tensor) -> Tensor:
    """Whether the decision changes when each token goes [n, W]; `after`: the probabilities then [n, W, C]."""
    y = readout.predictions()
    if readout.head is not None:
        return after.argmax(2) != y[:, None]
    lead, ahead, _ = leads(readout, readout.alpha * SCALE, y)
    flips = turned(sums(lead, others), ahead).any(0)
    some = readout.alpha > 0
    return torch.where(some.sum(1, keepdim=True) > some.long(), flips, flips_emptied(readout, y)[:, None])


def flip_table(result: SingleErasure) -> Tensor:
    """Decision flips by i* and by r, in percent of the texts with two tokens or more, [2, 2] float64.

    Rows: erasing i* flips, does not; columns: erasing r flips, does not. Of an "average" the expected shares
    over r. NaN where no text has two tokens. (Serrano & Smith 2019, Table 2.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.flip_table(kernels.single_erasure(readout, readout.alpha)).tolist()
    [[50.0, 50.0], [0.0, 0.0]]
    """
    counted = ~result.flips_other.isnan()
    top, other = result.flips_top[counted].double(), result.flips_other[counted]
    by_top, by_other = torch.stack((top, 1 - top)), torch.stack((other, 1 - other))  # [2, n]
    return 100 * (by_top @ by_other.t()) / counted.sum()
