"""What any attention at all could do: reach of a decision, and bounds on the adversarial optimum."""

from typing import NamedTuple

import torch
from torch import Tensor

from attnlib.checks import check_number
from attnlib.kernels._common import blocks, check_linear, similar
from attnlib.kernels._decision import leads, turned
from attnlib.kernels.adversary import search_adversary
from attnlib.kernels.divergence import unchecked_jsd, unchecked_tvd
from attnlib.kernels.exact import exact_adversary
from attnlib.readout import Readout, of_heads

_EACH = 4  # tokens with the least attention, and as many more with the closest output, form pairs
_GRID = 17  # mixtures tried per pair
_ROUNDS = 30  # of narrowing, for the closest output and for the ends of the feasible weights
_BUDGET = 1 << 20  # numbers held at a time

_NUMBERS, _TOKENS = 1 << 22, 1 << 17  # scores held at a time by `flips_alone`, and by `reach`
_STILL = 1e-9  # a change of the output up to this is none


class Bounds(NamedTuple):
    """What the largest feasible JSD lies between, one entry per text, float64, nats.

    - `lower`: [N] reached by weights that were found. 0 where none but alpha was.
    - `upper`: [N] largest JSD of any attention at all, whatever it does to the output.
    """

    lower: Tensor
    upper: Tensor


def adversary_bounds(
    readout: Readout, epsilon: float, n_candidates: int = 5, n_steps: int = 500, seed: int = 0
) -> Bounds:
    """Bounds on the largest JSD from α at which the output moves by at most ε (TVD), any C.

    `upper` is the JSD of the best single token, feasible or not (JSD is convex, so no attention is further
    away). `lower` is the best of α itself (0), `search_adversary` (with the given n_candidates, n_steps and
    seed) and feasible mixtures of two tokens: for two classes all of them, which is the exact optimum; for
    more, those among the 4 tokens with the least attention and the 4 others with the closest output, around
    the mixing weight that moves the output least. With C > 2 a pair's feasible weights may form several
    intervals and interior points can win, so the optimum itself is not known.

    Raises ValueError for a head, where a class is not allowed, for ε outside [0, 1] and as `search_adversary`
    does.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> bounds = kernels.adversary_bounds(readout, 0.1, n_steps=50)
    >>> bounds.upper.round(decimals=3).tolist()
    [0.38]
    """
    check_linear(readout, "adversary_bounds")
    epsilon = check_number("epsilon", epsilon, 0, 1)
    least = readout.alpha.masked_fill(~readout.mask, torch.inf).amin(1)  # [N]
    # a token of weight a, alone: JSD between (1, 0) and (a, 1 − a)
    rest = readout.alpha.sum(1) - least
    upper = unchecked_jsd(least.new_tensor([1.0, 0.0]), torch.stack((least, rest), 1))
    lower = search_adversary(readout, epsilon, n_candidates, n_steps, seed=seed).jsd
    two = len(readout.bias) == 2
    lower = lower.maximum(exact_adversary(readout, epsilon).jsd if two else _pairs(readout, epsilon))
    return Bounds(lower, torch.maximum(upper, lower))


def _pairs(readout: Readout, epsilon: float) -> Tensor:
    """Largest JSD found among feasible mixtures of two tokens, 0 if none is feasible, [N]."""
    before, b = readout.probabilities(), readout.bias.double()
    out = torch.zeros_like(readout.alpha[:, 0])
    per_row = max(readout.mask.shape[1], (2 * _EACH) ** 2 // 2 * _GRID) * len(b)
    held = 2 * _EACH * max(1, _BUDGET // per_row)
    for rows, k in similar(readout.lengths.clamp(max=2 * _EACH), held, equal=True):
        if k == 1:
            continue  # one token: α itself
        alpha = readout.alpha[rows].masked_fill(~readout.mask[rows], torch.inf)  # [n, T]
        alone = (readout.scores[rows].double() + b).softmax(2)
        distance = unchecked_tvd(alone, before[rows, None]).masked_fill(~readout.mask[rows], torch.inf)
        few = alpha.topk(min(_EACH, k), largest=False).indices
        near = distance.scatter(1, few, torch.inf).topk(k - few.shape[1], largest=False).indices
        tokens = torch.cat((few, near), 1)  # [n, k]
        i, j = torch.combinations(torch.arange(k, device=rows.device), 2).unbind(1)  # [P]
        z = readout.scores[rows[:, None], tokens].double() + b  # [n, k, C]
        a = alpha.gather(1, tokens)
        out[rows] = _mixtures(z[:, i], z[:, j], a[:, i], a[:, j], before[rows, None], epsilon).amax(1)
    return out


def _mixtures(zi: Tensor, zj: Tensor, ai: Tensor, aj: Tensor, before: Tensor, epsilon: float) -> Tensor:
    """Largest JSD found among the feasible mixtures of each pair, 0 if none is, [n, P].

    `zi`, `zj`: [n, P, C] logits of the two tokens, `ai`, `aj`: [n, P] their α, `before`: [n, 1, C].
    """

    def moved(w: Tensor) -> Tensor:  # TVD for weights w [n, P, K] on the second token
        w = w[..., None]
        mixed = (1 - w) * zi[:, :, None] + w * zj[:, :, None]
        return unchecked_tvd(mixed.softmax(-1), before[:, None])

    ai, aj = ai[..., None], aj[..., None]
    grid = torch.linspace(0, 1, _GRID, dtype=ai.dtype, device=ai.device)
    at = moved(grid.expand(*zi.shape[:2], -1)).argmin(2, keepdim=True)
    left, right = grid[(at - 1).clamp(min=0)], grid[(at + 1).clamp(max=_GRID - 1)]
    for _ in range(_ROUNDS):  # ternary search for the mixture that moves the output least
        third = (right - left) / 3
        lower = moved(left + third) < moved(right - third)
        left, right = torch.where(lower, left, left + third), torch.where(lower, right - third, right)
    half = (left + right) / 2
    middle = torch.where(moved(grid[at]) <= moved(half), grid[at], half)
    feasible = moved(middle) <= epsilon

    best = torch.zeros_like(ai[..., 0])
    rest = (1 - ai - aj).clamp(min=0)
    for end in (0.0, 1.0):  # JSD is convex in w: it is largest at an end of the feasible weights
        inside, outside = middle, torch.full_like(middle, end)
        inside = torch.where(moved(outside) <= epsilon, outside, inside)
        for _ in range(_ROUNDS):
            half = (inside + outside) / 2
            ok = moved(half) <= epsilon
            inside, outside = torch.where(ok, half, inside), torch.where(ok, outside, half)
        p = torch.cat((1 - inside, inside, torch.zeros_like(inside)), 2)
        best = torch.maximum(best, unchecked_jsd(p, torch.cat((ai, aj, rest), 2)))
    return best.masked_fill(~feasible[..., 0], 0.0)


class Reach(NamedTuple):
    """Result of `reach`, one entry per text.

    - `can_flip`: [N] bool, whether some attention predicts another class. Where none does, attention may
      still move the probability, and far: that is what `largest_tvd` says.
    - `lowest`: [N] float64, lowest probability of the predicted class over all attentions. Of several heads
      NaN unless there are two classes.
    - `highest`: [N] float64, the highest one. NaN unless there are two classes.
    - `largest_tvd`: [N] float64, largest TVD between the output under any attention and the model's own. NaN
      unless there are two classes.
    """

    can_flip: Tensor
    lowest: Tensor
    highest: Tensor
    largest_tvd: Tensor

    def share(self, moved: Tensor) -> Tensor:
        """A change of the output (TVD) `moved` [N] as a share of the largest that any attention makes, [N].

        NaN where no attention moves the output by more than 1e-9, and unless there are two classes.
        """
        return moved / self.largest_tvd.where(self.largest_tvd > _STILL, torch.nan)


class ClassRange(NamedTuple):
    """How probable attention can make each class, one entry per text and class, float64.

    - `lowest`: [N, C] over all attentions, exact.
    - `reached`: [N, C] the highest with all attention on one token. For two classes the highest over all.
    - `ceiling`: [N, C] no attention makes the class more probable. For two classes the same as `reached`.
    """

    lowest: Tensor
    reached: Tensor
    ceiling: Tensor


def class_range(readout: Readout) -> ClassRange:
    """The range of every class's probability over all attentions: exact below, for C > 2 bounded above.

    A probability is 1/Σ_c exp(l_c − l_y), and the sum convex in the weights: it is largest, and the
    probability lowest, at a single token. Its smallest value is a convex programme, which is not solved: the
    highest probability is at least that of the best single token, and at most what each lead l_y − l_c gives
    at its own best token.

    float64. Raises ValueError for a head and where a class is not allowed.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.5]], [[[0, 2.0, 1], [1, 0, 2]]], [0.0, 0.0, 0.0], [[True] * 2])
    >>> kernels.class_range(readout).lowest.round(decimals=3).tolist()
    [[0.09, 0.09, 0.245]]
    """
    check_linear(readout, "class_range")
    classes = len(readout.bias)
    lowest, reached, ceiling = (readout.alpha.new_empty(len(readout), classes) for _ in range(3))
    for rows, _, texts in blocks(readout, max(1, _TOKENS // classes)):
        for c in range(classes):
            lead, _, mask = _single_tokens(texts, torch.full_like(rows, c))
            p = _probability(lead)
            lowest[rows, c] = torch.where(mask, p, torch.inf).amin(1)
            reached[rows, c] = torch.where(mask, p, -torch.inf).amax(1)
            ceiling[rows, c] = _probability(torch.where(mask, lead, -torch.inf).amax(2))
    return ClassRange(lowest, reached, ceiling.maximum(reached))


def _single_tokens(texts: Readout, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where one token holds all the attention: leads of class y [n], who wins ties, and the mask, as `leads`.

    Of two classes the probability goes with the lead, so that its two ends stand for all tokens, W = 2.
    """
    (lead, ahead, _), mask = leads(texts, torch.ones_like(texts.alpha), y), texts.mask
    if len(lead) == 1:
        ends = torch.where(mask, lead, torch.inf).amin(2), torch.where(mask, lead, -torch.inf).amax(2)
        lead, mask = torch.stack(ends, 2), mask.new_ones(len(mask), 2)
    return lead, ahead, mask


def _probability(lead: Tensor) -> Tensor:
    """Probability of a class from its leads over all others, [C − 1, ...] to [...]."""
    return 1 / (1 + (-lead).exp_().sum(0))


def reach(readout: Readout) -> Reach:
    """Whether any attention weights can change the decision, and how far they can move its probability.

    The logits are a mean of the tokens' own logits z_t + b, so if every token alone predicts y then so does
    every mixture: some attention flips the decision iff some single token does. The probability of y is
    1/Σ_c exp(l_c − l_y) with a sum that is convex in the weights, so it is lowest at a single token for any
    number of classes; for two classes it is monotone in a linear margin and highest at one too.

    float64. Raises ValueError for a head and where a class is not allowed (the argument needs linear logits).

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> reach = kernels.reach(readout)
    >>> reach.can_flip.tolist(), reach.lowest.round(decimals=3).tolist()
    ([True], [0.018])
    """
    check_linear(readout, "reach")
    logits, b = readout.logits(), readout.bias
    y, can_flip = logits.argmax(1), torch.empty_like(readout.mask[:, 0])
    lowest, highest = torch.full((2, len(y)), torch.nan, dtype=torch.float64, device=y.device)
    for rows, _, texts in blocks(readout, max(1, _TOKENS // len(b))):
        lead, ahead, mask = _single_tokens(texts, y[rows])
        can_flip[rows] = (turned(lead, ahead).any(0) & mask).any(1)
        p = _probability(lead)
        lowest[rows] = torch.where(mask, p, torch.inf).amin(1)
        if len(b) == 2:
            highest[rows] = p.amax(1)
    predicted = logits.softmax(1).amax(1)
    largest = (predicted - lowest).maximum(highest - predicted)
    return Reach(can_flip, lowest, highest, largest)


def reach_of_heads(alpha: Tensor, scores: Tensor, bias: Tensor, mask: Tensor) -> Reach:
    """`reach` where each of H heads may attend as it likes: what all of them together can do.

    alpha: [N, H, T], scores: [N, H, T, C], as `Readout.of_head` takes them, bias: [C], mask: [N, T]. The lead
    of a class over the predicted one is a sum over heads, each linear in its weights, so its largest value is
    the sum of the largest over tokens: `can_flip` is exact for any C. For two classes the probability goes
    with the lead; for more, its lowest is at one of T^H combinations of tokens, so `lowest` is NaN as well.

    >>> import torch
    >>> from attnlib import kernels
    >>> alpha = torch.tensor([[[0.5, 0.5], [0.5, 0.5]]])
    >>> scores = torch.tensor([[[[0.0, 3.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, -4.0]]]])
    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> kernels.reach_of_heads(alpha, scores, torch.zeros(2), mask).can_flip  # 2 − 4 < 0
    tensor([True])
    """
    heads = of_heads(alpha, scores, bias, mask)
    b, out = heads[0].bias.double(), ~heads[0].mask[..., None]
    logits = sum((head.pooled() for head in heads), b.expand(len(heads[0]), -1))
    y = logits.argmax(1, keepdim=True)  # [N, 1]
    most = least = b - b[y]  # [N, C] lead over y
    for head in heads:
        z = head.scores.double()
        lead = z - z.gather(2, y[..., None].expand(-1, z.shape[1], 1))
        most = most + lead.masked_fill(out, -torch.inf).amax(1)
        least = least + lead.masked_fill(out, torch.inf).amin(1)
    first = torch.arange(len(b), device=b.device) < y  # on ties
    # Of two classes the lead of y over itself is 0: the sum is that of the other.
    lowest, highest = (-most.sum(1)).sigmoid(), (-least.sum(1)).sigmoid()
    if len(b) != 2:
        lowest = highest = torch.full_like(lowest, torch.nan)
    predicted = logits.softmax(1).amax(1)
    largest = (predicted - lowest).maximum(highest - predicted)
    return Reach(((most > 0) | ((most == 0) & first)).any(1), lowest, highest, largest)


def flips_alone(readout: Readout) -> Tensor:
    """Whether some token, given all the attention, predicts another class, [N] bool; any head.

    For linear logits this is `reach(readout).can_flip`; for a head with hidden layers a mixture may flip
    where no single token does, so it is a lower bound.

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> kernels.flips_alone(readout).tolist()
    [True]
    """
    y, (n, t, c) = readout.predictions(), readout.scores.shape
    flips = torch.zeros_like(readout.mask[:, 0])
    for rows in torch.arange(n, device=readout.device).split(max(1, _NUMBERS // (t * c))):
        texts = readout.select(rows)
        alone = texts.decode(texts.scores.double()).argmax(-1)  # [n, T]
        flips[rows] = ((alone != y[rows, None]) & texts.mask).any(1)
    return flips
