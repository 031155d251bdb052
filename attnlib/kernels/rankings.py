"""Rankings of a text's tokens: in which order `erase_until_flip` erases them.

Every order is [N, T] int64 token columns, a text's tokens first and the columns off the mask after them; ties
keep the order of the text.
"""

import torch
from torch import Tensor

from attnlib.checks import check_at_least
from attnlib.kernels._common import blocks, check_linear, put
from attnlib.kernels._decision import leads
from attnlib.kernels._draws import Names, text_keys, token_keys
from attnlib.readout import Readout, unchecked

_NUMBERS = 1 << 17  # leads held at a time by the greedy ranking
_CERTAIN = 1e-9  # of the text's scale: a decision that turned by more has turned whatever the rounding


def output_gradient(readout: Readout) -> Tensor:
    """∂ p_y / ∂ α_t at the model's weights, p_y the probability of the predicted class, [N, T] float64.

    The weights are free variables (no renormalisation) and the scores constant. With linear logits
    g_t = p_y (z_ty − Σ_c p_c z_tc) = p_y (1 − p_y) Σ_{c≠y} q_c (z_ty − z_tc), q_c = p_c / (1 − p_y): the last
    form, used here, does not cancel when p_y is near 1. NaN off the mask.

    Raises ValueError for a head and where a class is not allowed.
    (Serrano & Smith 2019, section 5.1.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.25, 0.5, 0.25]], [[[0, 3.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.output_gradient(readout).round(decimals=3).tolist()
    [[0.738, 0.246, -0.985]]
    """
    direction = _direction(readout, "output_gradient")
    logits = readout.logits()
    y = logits.argmax(1, keepdim=True)
    total = logits.logsumexp(1, keepdim=True)
    others = logits.scatter(1, y, -torch.inf).logsumexp(1, keepdim=True)
    factor = ((logits.gather(1, y) - total) + (others - total)).exp()  # [N, 1] p_y (1 − p_y)
    return (factor * direction).masked_fill(~readout.mask, torch.nan)


def _direction(readout: Readout, kernel: str) -> Tensor:
    """The gradient over p_y (1 − p_y): Σ_{c≠y} q_c (z_ty − z_tc) [N, T] float64, 0 off the mask."""
    check_linear(readout, kernel)
    logits, out = readout.logits(), torch.zeros_like(readout.alpha)
    y = logits.argmax(1)
    q = logits.scatter(1, y[:, None], -torch.inf).softmax(1)  # [N, C], 0 for y
    unbiased = unchecked(readout, bias=torch.zeros_like(readout.bias))
    for rows, columns, texts in blocks(unbiased, max(1, _NUMBERS // q.shape[1])):
        lead, _, other = leads(texts, torch.ones_like(texts.alpha), y[rows])
        put(out, rows, columns, (lead * q[rows].gather(1, other.t()).t()[..., None]).sum(0) * texts.mask)
    return out


def _descending(score: Tensor, mask: Tensor) -> Tensor:
    """Columns by descending score [N, T], those off the mask last."""
    # + 0.0: a sort on CUDA tells −0 from 0
    return (score + 0.0).masked_fill(~mask, -torch.inf).sort(dim=1, descending=True, stable=True).indices


def attention_order(readout: Readout) -> Tensor:
    """Tokens by descending attention. Any head. (Serrano & Smith 2019, section 5.1.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.25, 0.5, 0.25]], [[[0, 3.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.attention_order(readout).tolist()
    [[1, 0, 2]]
    """
    return _descending(readout.alpha, readout.mask)


def gradient_order(readout: Readout) -> Tensor:
    """Tokens by descending `output_gradient`, signed and not renewed after an erasure.

    Where the gradient itself underflows (p_y = 1) its direction still ranks. Raises ValueError as
    `output_gradient` does. (Serrano & Smith 2019, section 5.1.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.25, 0.5, 0.25]], [[[0, 3.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.gradient_order(readout).tolist()
    [[0, 1, 2]]
    """
    return _descending(_direction(readout, "gradient_order"), readout.mask)


def product_order(readout: Readout) -> Tensor:
    """Tokens by descending α_t g_t, g the `output_gradient`, signed.

    Two classes: g is proportional to the difference of the scores, so this is the order that finds the
    smallest flipping set (see `minimal_flip_set`) but for the bias. Raises ValueError as `output_gradient`
    does. (Serrano & Smith 2019, section 5.1.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.25, 0.5, 0.25]], [[[0, 3.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.product_order(readout).tolist()
    [[0, 1, 2]]
    """
    return _descending(readout.alpha * _direction(readout, "product_order"), readout.mask)


def centred_product_order(readout: Readout) -> Tensor:
    """Tokens by descending α_t (g_t − ḡ), ḡ = Σ α g: what erasing each alone takes from p_y, to first order.

    Erasing t and renormalising moves the weights by −α_t/(1 − α_t) (e_t − α), and p_y to first order by
    −α_t/(1 − α_t) (g_t − ḡ); the factor α_t of that is kept, as in `product_order`. Raises ValueError as
    `output_gradient` does.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.25, 0.5, 0.25]], [[[0, 3.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.centred_product_order(readout).tolist()
    [[0, 1, 2]]
    """
    g = _direction(readout, "centred_product_order")
    mean = (readout.alpha * g).sum(1, keepdim=True)
    return _descending(readout.alpha * (g - mean), readout.mask)


def random_orders(readout: Readout, n: int, seed: int = 0, ids: Names = None) -> Tensor:
    """n uniformly random orders of each text, [n, N, T] int64. Any head.

    ids: names of the N texts, strings or whole numbers. An order depends on the seed, the text's length and
    its id alone: not on the batch, the padding, the model or n; without ids texts of one length share their
    orders. Raises ValueError when n < 1 or seed < 0, and for ids of another number or kind. (Serrano & Smith
    2019, section 5.1.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.25, 0.5, 0.25]], [[[0, 3.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.random_orders(readout, 2, seed=1).tolist()
    [[[1, 2, 0]], [[0, 2, 1]]]
    """
    check_at_least("n", n, 1)
    keys = text_keys(seed, readout.lengths, ids)
    drawn = (token_keys(keys, readout.mask, draw) for draw in range(n))
    return torch.stack([numbers.sort(dim=1, stable=True).indices for numbers in drawn])


def greedy_order(readout: Readout, until_flip: bool = False) -> Tensor:
    """Tokens in the order of a greedy erasure: the next is the one whose erasure lowers p_y most.

    After each erasure all remaining tokens are tried again, y staying the class predicted at first; ties, and
    tokens that are left when no attention is, keep the order of the text. `until_flip`: once the decision has
    changed the rest is not ranked and keeps its order too; `erase_until_flip` finds the same, sooner.

    O(T² C) for each text. Leads of y over the other classes are updated in float64, the remaining sums made
    anew in every step and without the heaviest token, so that nothing cancels when attention is peaked.

    Raises ValueError for a head and where a class is not allowed.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.25, 0.5, 0.25]], [[[0, 3.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.greedy_order(readout).tolist()
    [[0, 1, 2]]
    """
    check_linear(readout, "greedy_order")
    y, mask, classes = readout.predictions(), readout.mask, len(readout.bias)
    out = _descending(torch.zeros_like(readout.alpha), mask)  # the tokens in the order of the text
    for rows, columns, texts in blocks(readout, max(1, _NUMBERS // (classes - 1))):
        nothing = unchecked(texts, scores=texts.scores.new_zeros(len(rows), 1, classes))
        w = leads(texts, texts.alpha, y[rows])[0]
        empty = leads(nothing, torch.ones_like(texts.alpha[:, :1]), y[rows])[0]  # in the empty document
        rank = _greedy_rank(w, texts.alpha.clone(), texts.mask, empty, until_flip)
        out[rows, : rank.shape[1]] = columns.gather(1, rank.argsort(dim=1, stable=True))
    return out


def _greedy_rank(w: Tensor, a: Tensor, mask: Tensor, empty: Tensor, until_flip: bool) -> Tensor:
    """When each token is erased [n, W]; tokens that are not ranked have their column + W.

    `w`: [K, n, W] what each token adds to the lead of y over each other class, 0 off the mask; `a`: [n, W]
    weights; `empty`: [K, n, 1] leads when nothing is left. `w` and `a` are overwritten.
    """
    n, width = mask.shape
    at = torch.arange(width, device=mask.device)
    rank = (at + width).expand(n, width).clone()
    texts = torch.arange(n, device=mask.device)  # those still at work, and the columns of their tokens
    place, gone = at.expand(n, width), ~mask
    certain = _CERTAIN * w.abs().sum(2)  # [K, n]
    busy, pack = torch.ones_like(texts, dtype=torch.bool), 1
    for step in range(width):
        most, heavy = a.max(1, keepdim=True)  # [m, 1]
        heaviest = heavy.expand(len(w), -1, -1)  # [K, m, 1]
        own = w.gather(2, heaviest)
        rest = w.scatter_(2, heaviest, 0.0).sum(2, keepdim=True)  # without the heaviest
        total = rest + own
        busy = busy & (most[:, 0] > 0)
        if until_flip:
            busy &= (total[..., 0] >= -certain).all(0)
        if not busy.any():
            break
        weight = a.scatter(1, heavy, 0.0).sum(1, keepdim=True)  # [m, 1] the attention of the others
        left = (weight - a).add_(most).scatter_(1, heavy, weight)  # [m, W] when each is erased
        lead = total - w
        lead.scatter_(2, heaviest, rest)
        w.scatter_(2, heaviest, own)
        lead /= left
        lead = torch.where(left > 0, lead, empty)
        key = _falling(lead).masked_fill_(gone, -torch.inf)
        pick = key.argmax(1, keepdim=True)  # [m, 1] the first of equals
        now = texts[busy]
        rank[now, place.gather(1, pick)[busy, 0]] = step
        gone.scatter_(1, pick, True)
        a.scatter_(1, pick, 0.0)
        w.scatter_(2, pick.expand(len(w), -1, -1), 0.0)
        pack -= 1
        if pack <= 0:  # texts that are done and tokens that are gone move out
            stay = busy.nonzero()[:, 0]
            gone, busy = gone[stay], busy[stay]
            columns = gone.to(torch.int8).sort(dim=1, stable=True).indices
            columns = columns[:, : max(1, int((~gone).sum(1).max()))]
            texts, certain, empty = texts[stay], certain[:, stay], empty[:, stay]
            gone, a, place = (x.gather(1, columns) for x in (gone, a[stay], place[stay]))
            w = w[:, stay].gather(2, columns.expand(len(w), -1, -1))
            pack = max(1, columns.shape[1] // 8)
    return rank


def _falling(lead: Tensor) -> Tensor:
    """ln Σ_c exp(−lead_c) of leads [K, n, W], which rises as p_y falls; `lead` is overwritten."""
    if len(lead) == 1:
        return lead[0].neg_()
    lowest = lead.amin(0)
    return lead.sub_(lowest).neg_().exp_().sum(0).log_().sub_(lowest)
