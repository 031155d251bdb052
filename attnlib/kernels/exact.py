"""The optimum that the adversarial search looks for, exactly, for two classes.

Weights p maximise JSD(p, α) subject to |σ(m(p)) − σ(m(α))| ≤ ε, where m(p) = Σ_t p_t s_t and s_t is the
log-odds of class 1 if token t held all the attention. The constraint is l ≤ m(p) ≤ u, so the feasible set is
a polytope; JSD is convex in p, so the maximum is at a vertex; and a vertex has at most two tokens:

- one token i with l ≤ s_i ≤ u, or
- two tokens s_i < B < s_j with a bound B ∈ {l, u}, mixed to hit it: weight w = (B − s_i)/(s_j − s_i) on j.

With h(w, a) = ½ [w ln 2 + w ln w + a ln a − (w + a) ln(w + a)], which decreases in a and is convex in w,
the JSD of the pair is ½ ln 2 + h(1 − w, α_i) + h(w, α_j).

*Which tokens can matter.* Fix B and the partner i, and let j range over the tokens above B. Take three of
them, near, middle and far by distance to B. Then w_near ≥ w_mid ≥ w_far, and by convexity
JSD(w_mid, α_mid) ≤ max of JSD(w_near, α_mid), JSD(w_far, α_mid). If α_near ≤ α_mid and α_far ≤ α_mid, each
end is at most the JSD of the near or far pair itself. So a token is superfluous as soon as a nearer and a
farther token on its side both have no more attention: what remains are the strict running minima of α from
near to far and from far to near, about 2 ln T tokens a side instead of T. (A lower α from the near side
alone is not enough: the far end of the interval may be the better one.)

When α rises with the distance every token is a running minimum. Then the same convexity, applied to blocks
of neighbours with their smallest α, bounds a whole block of pairs and discards it unseen if an evaluated
pair is better.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad, softplus

from attnlib.checks import check_number
from attnlib.kernels._common import Side, blocks, check_linear, put, token_margins
from attnlib.kernels.adversary import Adversary
from attnlib.kernels.divergence import unchecked_jsd
from attnlib.kernels.triton import use_triton
from attnlib.readout import Readout

_SLACK = 1e-12  # of the scale of the margins: rounding allowed when a token is tested against the bounds
_TOKENS = 1 << 16  # tokens searched at a time
_TRITON_TOKENS = 1 << 20  # the same where a Triton kernel runs
_PAIRS = 1 << 19  # pairs evaluated at a time
_SMALL = 1 << 12  # a group with more pairs than this is searched by blocks
_BLOCK = 32  # candidates per block
_STEP = 512  # pairs of blocks evaluated at a time, at most


def exact_adversary(readout: Readout, epsilon: float) -> Adversary:
    """Weights that differ most from α (largest JSD, nats) while the output moves by at most ε (TVD).

    The exact optimum of the problem that `search_adversary` approximates, for two classes and linear logits.
    The weights have at most two non-zero entries. `tvd` is at most ε + 1e-12 · (1 + max|s|). Where several
    vertices tie, a single token is preferred, then the pair with the lowest margins. At ε = 0 *exact*
    means equal margins, not equal outputs. Where the output is 0 or 1 in float64 (a margin beyond ±37) it
    would not show a move: `search_adversary`, which looks at outputs, may find more.
    float64 and backward-stable: the result is the optimum for margins that differ from those given by their
    rounding. So `jsd` is within 1e-13 of the optimum, except where the margins of two tokens nearly agree and
    their last digits tell how the two are mixed: the largest error found was 4.6e-8, for margins 1e-9 apart
    and ε = 0.

    Raises ValueError for a head, for C ≠ 2, where a class is not allowed, and for ε outside [0, 1].
    (The constrained problem of Jain & Wallace 2019, section 4.2.2.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> found = kernels.exact_adversary(readout, 0.1)
    >>> found.weights[0].round(decimals=3).tolist()
    [0.0, 0.935, 0.065]
    """
    check_linear(readout, "exact_adversary", two_classes=True)
    epsilon = check_number("epsilon", epsilon, 0, 1)
    weights = torch.zeros_like(readout.alpha)
    jsd, tvd = torch.empty_like(weights[:, 0]), torch.empty_like(weights[:, 0])
    for rows, columns, texts in blocks(readout, _TRITON_TOKENS if use_triton(weights) else _TOKENS):
        alpha, s = texts.alpha, token_margins(texts)  # [n, W]
        m = (alpha * s).sum(1)  # [n]
        found = _result(alpha, s, m, *_best_vertex(s, alpha, texts.mask, m, epsilon))
        jsd[rows], tvd[rows] = found.jsd, found.tvd
        put(weights, rows, columns, found.weights)
    return Adversary(jsd, weights, tvd)


def _result(alpha: Tensor, s: Tensor, m: Tensor, pair: Tensor, w: Tensor) -> Adversary:
    """Weights 1 − w and w on the pair [N, 2] (a single token twice, w = 1), or α itself where w is NaN."""
    p = torch.stack((1 - w, w), 1)
    weights = torch.zeros_like(alpha).scatter_add_(1, pair, p)
    # all other tokens together add α ln 2 / 2 to the JSD, as one token of their total weight would
    others = alpha.scatter(1, pair, 0.0).sum(1)
    q = alpha.gather(1, pair).masked_fill(p == 0, 0.0)
    divergence = unchecked_jsd(pad(p, (0, 1)), torch.cat((q, others[:, None]), 1))
    moved = ((p * s.gather(1, pair)).sum(1).sigmoid() - m.sigmoid()).abs()
    none = w.isnan()
    weights = torch.where(none[:, None], alpha, weights)
    return Adversary(divergence.masked_fill(none, 0.0), weights, moved.masked_fill(none, 0.0))


def _best_vertex(s: Tensor, alpha: Tensor, mask: Tensor, m: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """The two tokens of the best vertex [n, 2], and the weight of the second [n], NaN where none is found.

    `s`, `alpha`, `mask`: [n, W]; `m`: [n] the margins under α.
    """
    low, high = margin_bounds(m, epsilon)  # [n]
    slack = _SLACK * (1 + s.abs().amax(1))
    # single tokens: JSD decreases in α, so the feasible one with the smallest α
    outside = (s < (low - slack)[:, None]) | (s > (high + slack)[:, None])
    alpha = alpha.masked_fill(~mask, torch.inf)
    least, single = alpha.masked_fill(outside, torch.inf).min(1)
    none = least.isinf()
    best = math.log(2) + (torch.xlogy(least, least) - torch.xlogy(1 + least, 1 + least)) / 2
    best = best.masked_fill(none, -torch.inf)
    alone = torch.ones_like(m).masked_fill(none, torch.nan)

    s, order = s.masked_fill(~mask, torch.inf).sort(dim=1, stable=True)
    a = alpha.gather(1, order)  # [n, W]; padding has s = α = +inf
    far = _records(a), _records(a.flip(1)).flip(1)  # running minima seen from either end
    bounds = torch.stack((low, high) if epsilon > 0 else (low,))  # [B, n]
    value, i, j, w = _best_pair(s, a, far, bounds)  # [B, n] each
    value, at = value.max(0, keepdim=True)  # the first of equals
    i, j, w = (x.gather(0, at)[0] for x in (i, j, w))
    better, pair = value[0] > best, order.gather(1, torch.stack((i, j), 1))
    return torch.where(better[:, None], pair, single[:, None]), torch.where(better, w, alone)


def margin_bounds(m: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Margins l ≤ m ≤ u whose probabilities are ε away from σ(m), −inf and +inf where that leaves [0, 1].

    `m`: [N] float64. Nothing cancels: with y = σ(m), u = m + log1p(ε/y) − log1p(−ε/(1 − y)), the first
    logarithm as softplus(ln ε − ln y); l is the same at −m.
    """
    if epsilon == 0:
        return m, m

    def above(m: Tensor) -> Tensor:
        room = (-m).sigmoid()  # 1 − y
        u = m + softplus(math.log(epsilon) - logsigmoid(m), threshold=700) - torch.log1p(-epsilon / room)
        return torch.where(epsilon < room, u, torch.inf)

    return -above(-m), above(m)


def _value(near: Tensor, far: Tensor, a_near: Tensor, a_far: Tensor, own: Tensor) -> Tensor:
    """JSD of a pair from the distances > 0 of its lower and upper token to the bound, and their α.

    `own`: a ln a of the two together, which depends on the tokens and not on how they are mixed.
    """
    span = near + far
    w, v = near / span, far / span  # weights of the upper and the lower token
    lower, upper = v + a_near, w + a_far
    pair = w * w.log() + v * v.log() - lower * lower.log() - upper * upper.log()
    return math.log(2) + (pair + own) / 2


def _records(a: Tensor) -> Tensor:
    """Strict running minima along the last dim, from the left."""
    record = a < torch.inf
    record[..., 1:] &= a[..., 1:] < a.cummin(-1).values[..., :-1]
    return record


def _side(candidates: Tensor, s: Tensor, a: Tensor, bound: Tensor) -> Side:
    """`candidates`: [B, n, T]; `s`, `a`: [n, T]; `bound`: [B, n]. The G = B · n rows go bound by bound."""
    cell = candidates.flatten().nonzero()[:, 0]
    row, column = cell // s.shape[1], cell % s.shape[1]
    size = candidates.sum(2).flatten()
    alpha, margin = (x.flatten().index_select(0, cell % s.numel()) for x in (a, s))
    distance = (margin - bound.flatten().index_select(0, row)).abs()
    return Side(row, column, distance, alpha, torch.xlogy(alpha, alpha), size, size.cumsum(0) - size)


def _best_pair(
    s: Tensor, a: Tensor, far: tuple[Tensor, Tensor], bound: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The best pair that hits each bound: JSD (−inf if none), the two columns, the upper weight, [B, n] each.

    `s`: [n, T] ascending margins, `a`: [n, T] their α, both +inf on padding; `far`: running minima of α from
    the left and from the right; `bound`: [B, n], some bounds for each row.
    """
    b = bound[..., None]
    below, above = s < b, (s > b) & (a < torch.inf)  # [B, n, T]
    near_below = _records(torch.where(below, a, torch.inf).flip(2)).flip(2)
    near_above = _records(torch.where(above, a, torch.inf))
    low = _side(below & (far[0] | near_below), s, a, bound)
    up = _side(above & (far[1] | near_above), s, a, bound)

    if use_triton(s):
        from attnlib.kernels.triton.exact import MOST_PAIRS as most
        from attnlib.kernels.triton.exact import best_pairs
    else:
        most, best_pairs = _SMALL, _try_all
    value, i, j = best_pairs(low, up)  # [G], G = B · n; positions in low and up
    for g in (low.size * up.size > most).nonzero()[:, 0].tolist():
        at_low, at_up = (slice(int(x.start[g]), int(x.start[g] + x.size[g])) for x in (low, up))
        found = _search_blocks(low.distance[at_low], up.distance[at_up], low.alpha[at_low], up.alpha[at_up])
        value[g], i[g], j[g] = found[0], at_low.start + found[1], at_up.start + found[2]

    # rows without a pair point at any candidate: their value is −inf, so nothing of it is used
    w = torch.zeros_like(value)
    if len(low.row) and len(up.row):
        i, j = i.clamp(max=len(low.row) - 1), j.clamp(max=len(up.row) - 1)
        near, beyond = low.distance.index_select(0, i), up.distance.index_select(0, j)
        w = near / (near + beyond)
        i, j = low.column.index_select(0, i), up.column.index_select(0, j)
    value, i, j, w = (x.view_as(bound) for x in (value, i, j, w))
    return value, i, j, w


def _try_all(low: Side, up: Side) -> tuple[Tensor, Tensor, Tensor]:
    """JSD of the best pair of each row [G], and the flat positions of its two tokens, [G] each.

    −inf, 0 and 0 for rows without a pair and for those with more than _SMALL.
    """
    tries = torch.where(low.size * up.size <= _SMALL, up.size, 0)  # upper candidates per lower one
    i, j = torch.zeros_like(tries), torch.zeros_like(tries)
    value = torch.full_like(tries, -torch.inf, dtype=low.alpha.dtype)
    # rows in chunks of about _PAIRS pairs
    chunk = ((low.size * tries).cumsum(0) - 1).clamp(min=0) // _PAIRS
    last = 0
    for count in chunk.unique_consecutive(return_counts=True)[1].tolist():
        first, last = last, last + count
        begin, end = int(low.start[first]), int(low.start[last - 1] + low.size[last - 1])
        row = low.row[begin:end]
        repeats = tries.index_select(0, row)
        at_low = torch.arange(begin, end, device=row.device).repeat_interleave(repeats)  # [P]
        shift = up.start.index_select(0, row) - (repeats.cumsum(0) - repeats)
        at_up = torch.arange(len(at_low), device=row.device) + shift.index_select(0, at_low - begin)
        near, a_near, own_near = (x.index_select(0, at_low) for x in (low.distance, low.alpha, low.own))
        far, a_far, own_far = (x.index_select(0, at_up) for x in (up.distance, up.alpha, up.own))
        v = _value(near, far, a_near, a_far, own_near + own_far)
        row = low.row.index_select(0, at_low)
        value.scatter_reduce_(0, row, v, "amax")
        wins = (v == value.index_select(0, row)).nonzero()[:, 0]
        won = torch.full_like(i, len(v)).scatter_reduce_(0, row[wins], wins, "amin")  # the first of equals
        found = (won < len(v)).nonzero()[:, 0]
        i[found], j[found] = at_low[won[found]], at_up[won[found]]
    return value, i, j


def _search_blocks(near: Tensor, far: Tensor, a_near: Tensor, a_far: Tensor) -> tuple[float, int, int]:
    """The best pair of one row with many candidates: JSD and the positions of the two.

    `near`, `a_near`: [n] distances and α of the lower candidates; `far`, `a_far`: [m] of the upper ones.
    A block pair is evaluated only if its bound is above the best pair known, most promising first.
    """
    low, up = _blocks(near), _blocks(far)  # [n/32, 32] positions
    d_low, d_up, a_low, a_up = near[low], far[up], a_near[low], a_far[up]
    own_low, own_up = torch.xlogy(a_low, a_low), torch.xlogy(a_up, a_up)
    a_least, b_least = a_low.amin(1)[:, None], a_up.amin(1)
    own_least = torch.xlogy(a_least, a_least) + torch.xlogy(b_least, b_least)
    corners = (d_low.amax(1), d_up.amin(1)), (d_low.amin(1), d_up.amax(1))
    limits = (_value(x[:, None], y, a_least, b_least, own_least).flatten() for x, y in corners)
    limit, blocks = torch.maximum(*limits).sort(descending=True)  # [n/32 · m/32]
    top, i, j, start, step = -math.inf, 0, 0, 0, 1
    while start < (stop := int((limit > top).sum())):
        block = blocks[start : min(start + step, stop)]
        x, y = block // len(up), block % len(up)
        own = own_low[x][:, :, None] + own_up[y][:, None]
        v = _value(d_low[x][:, :, None], d_up[y][:, None], a_low[x][:, :, None], a_up[y][:, None], own)
        best, at = v.flatten().max(0)
        if best > top:
            b, cell = divmod(int(at), _BLOCK**2)
            b, c = int(x[b]), int(y[b])
            top, i, j = float(best), int(low[b, cell // _BLOCK]), int(up[c, cell % _BLOCK])
        start, step = start + step, min(2 * step, _STEP)
    return top, i, j


def _blocks(x: Tensor) -> Tensor:
    """Positions 0 … n − 1 of x [n] in rows of 32, the last row filled up with n − 1."""
    n = len(x)
    return torch.arange(-(-n // _BLOCK) * _BLOCK, device=x.device).clamp(max=n - 1).view(-1, _BLOCK)
