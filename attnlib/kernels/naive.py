"""Every kernel once more as its formula: a few lines of torch, one text after the other, all cases tried.

This is the specification. The kernels must agree with it, to rounding; it is slow where it tries every
permutation (T!) or every set of tokens (2^T), so use it on short texts.

>>> import torch
>>> from attnlib import Readout
>>> from attnlib.kernels import minimal_flip_set, naive
>>> alpha, scores = torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[[0.0, 2.0], [0.0, 1.0], [4.0, 0.0]]])
>>> readout = Readout(alpha, scores, torch.zeros(2), torch.ones(1, 3, dtype=torch.bool))
>>> bool(naive.minimal_flip_set(readout) == minimal_flip_set(readout).count)
True

Left out are those without a formula but for their draws or their steps (`search_adversary`, random weights
and orders), those that are one sort (the rankings), and Kendall's p-value, which is SciPy's.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from attnlib.kernels._common import token_margins
from attnlib.kernels.bounds import ClassRange, Reach
from attnlib.kernels.erasure import Flip
from attnlib.kernels.exact import margin_bounds
from attnlib.kernels.permutation import Moments, orders
from attnlib.readout import Readout


def texts(readout: Readout) -> Iterator[Readout]:
    """Each text as a Readout of its own, without padding."""
    for i in range(len(readout)):
        text, tokens = readout.select([i]), readout.mask[i]
        alpha, scores, mask = (x[:, tokens] for x in (text.alpha, text.scores, text.mask))
        yield replace(text, alpha=alpha, scores=scores, mask=mask)


# ---------------------------------------------------------------- divergences


def kl(p: Tensor, q: Tensor) -> Tensor:
    """Σ_t p_t ln(p_t / q_t), with 0 ln 0 = 0. (Kullback & Leibler 1951.)"""
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum(-1)


def jsd(p: Tensor, q: Tensor) -> Tensor:
    """½ KL(p‖m) + ½ KL(q‖m) with m = ½ (p + q). (Jain & Wallace 2019, section 4.2.)"""
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


def tvd(p: Tensor, q: Tensor) -> Tensor:
    """½ Σ_c |p_c − q_c|. (Jain & Wallace 2019, section 3.)"""
    return (p - q).abs().sum(-1) / 2


def conicity(states: Tensor, mask: Tensor) -> Tensor:
    """Mean over tokens of cos(h_t, mean of all h_u), [N]. (Mohankumar et al. 2020, section 3.)"""
    rows = []
    for text, real in zip(states, mask, strict=True):
        mean = text[real].mean(0)
        rows.append(torch.stack([h @ mean / (h.norm() * mean.norm()) for h in text[real]]).mean())
    return torch.stack(rows)


def kendall_tau(x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
    """τ_b = Σ sgn(x_i − x_j) sgn(y_i − y_j) / √(pairs that differ in x · in y) over pairs i < j, [N].

    (Kendall 1945.)
    """
    found = []
    for a, b, tokens in zip(x.double(), y.double(), mask, strict=True):
        i, j = torch.combinations(tokens.nonzero()[:, 0]).unbind(1)
        by_x, by_y = (a[i] - a[j]).sign(), (b[i] - b[j]).sign()
        differ = by_x.abs().sum() * by_y.abs().sum()
        found.append((by_x * by_y).sum() / differ.sqrt())
    return torch.stack(found)


# ---------------------------------------------------------------- moving attention


def permutations(text: Readout) -> Tensor:
    """The weights of one text in every order, [1, T!, T]."""
    return text.alpha[:, list(itertools.permutations(range(text.alpha.shape[1])))]


def permutation_test(readout: Readout, n_permutations: int = 100, seed: int = 0) -> Tensor:
    """med_p TVD(ŷ(α_π_p), ŷ(α)) over random permutations π_1, …, π_P of the tokens, [N].

    The draws are the kernel's. (Jain & Wallace 2019, Algorithm 2.)
    """
    found = []
    for text in texts(readout):
        drawn = orders(text.alpha.shape[1], n_permutations, seed).view(n_permutations, -1)  # [P, T]
        change = tvd(text.probabilities(text.alpha[:, drawn]), text.probabilities()[:, None])
        found.append(change.quantile(0.5))
    return torch.stack(found)


def permutation_range(readout: Readout) -> Tensor:
    """min_π and max_π ŷ_y(α_π) over all T! permutations π, y the predicted class, [N, 2]."""
    found = []
    for text in texts(readout):
        p = text.probabilities(permutations(text))[..., int(text.predictions())]
        found.append(torch.stack((p.min(), p.max())))
    return torch.stack(found)


def permutation_moments(readout: Readout) -> Moments:
    """Mean and variance of the log-odds Σ_t α_π(t) s_t over all T! permutations π; two classes."""
    margins = [text.logits(permutations(text)).diff(dim=2) for text in texts(readout)]  # [1, T!, 1] each
    return Moments(*torch.stack([torch.stack((m.mean(), m.var(correction=0))) for m in margins], 1))


def reach(readout: Readout) -> Reach:
    """Whether argmax ŷ(e_t) ≠ y for some t, min_t and max_t ŷ_y(e_t), and max_t TVD(ŷ(e_t), ŷ(α)).

    e_t is all attention on token t; no other attention does more: see the kernel. Any head for `can_flip`, as
    `flips_alone` has it.
    """
    found = []
    for text in texts(readout):
        y, alone = int(text.predictions()), text.logits(torch.eye(text.alpha.shape[1])[None])[0]  # [T, C]
        p = alone.softmax(1)[:, y]
        two = 1.0 if alone.shape[1] == 2 else torch.nan  # the last two are known for two classes only
        furthest = tvd(alone.softmax(1), text.probabilities()).max()
        found.append(((alone.argmax(1) != y).any(), p.min(), two * p.max(), two * furthest))
    return Reach(*(torch.stack(column) for column in zip(*found, strict=True)))


def class_range(readout: Readout) -> ClassRange:
    """min_t and max_t ŷ_c(e_t), and 1 / Σ_k exp(−max_t (l_tc − l_tk)), l_t = z_t + b, for each class c."""
    found = []
    for text in texts(readout):
        alone = text.decode(text.scores[0].double())  # [T, C]
        p, leads = alone.softmax(1), alone[:, :, None] - alone[:, None]  # [T, C, C]
        found.append((p.amin(0), p.amax(0), 1 / (-leads.amax(0)).exp().sum(1)))
    return ClassRange(*(torch.stack(column) for column in zip(*found, strict=True)))


def reach_of_heads(alpha: Tensor, scores: Tensor, bias: Tensor, mask: Tensor) -> Reach:
    """The same as `reach` of all attention of head h on token t_h, for all (t_1, …, t_H), [N]."""
    found = []
    for a, z, tokens in zip(alpha.double(), scores.double(), mask, strict=True):
        own = ((a[..., None] * z).sum((0, 1)) + bias).softmax(0)
        y, alone = int(own.argmax()), list(itertools.product(*z[:, tokens]))  # T^H combinations
        p = (torch.stack([sum(each) for each in alone]) + bias).softmax(1)
        two = 1.0 if len(bias) == 2 else torch.nan
        extremes = two * p[:, y].min(), two * p[:, y].max(), two * tvd(p, own).max()
        found.append(((p.argmax(1) != y).any(), *extremes))
    return Reach(*(torch.stack(column) for column in zip(*found, strict=True)))


def exact_adversary(readout: Readout, epsilon: float) -> Tensor:
    """max_p JSD(p, α) with |ŷ_1(p) − ŷ_1(α)| ≤ ε, [N]; two classes.

    That is l ≤ Σ_t p_t s_t ≤ u in the log-odds s_t of single tokens. JSD is convex in p, so the largest is at
    a vertex: a token with l ≤ s_i ≤ u, or a pair s_i < B < s_j mixed to hit B = l or u. All of them are
    tried, and α. (The problem of Jain & Wallace 2019, section 4.2.2.)
    """
    found = []
    for text in texts(readout):
        s = token_margins(text)[0]  # [T]
        one = torch.eye(len(s), dtype=torch.float64)  # [T, T]
        low, high = margin_bounds((text.alpha[0] * s).sum(), epsilon)
        slack = 1e-12 * (1 + s.abs().max())  # for rounding
        vertices = [text.alpha[0], *one[(s >= low - slack) & (s <= high + slack)]]
        for i, j in itertools.permutations(range(len(s)), 2):
            for bound in (low, high):
                if s[i] < bound < s[j]:
                    w = (bound - s[i]) / (s[j] - s[i])
                    vertices.append((1 - w) * one[i] + w * one[j])
        found.append(jsd(torch.stack(vertices), text.alpha).max())
    return torch.stack(found)


def adversary_ceiling(readout: Readout) -> Tensor:
    """max_t JSD(e_t, α), [N]: `upper` of `adversary_bounds`."""
    return torch.stack([jsd(torch.eye(t.alpha.shape[1]), t.alpha).max() for t in texts(readout)])


def output_gradient(readout: Readout) -> Tensor:
    """∂ ŷ_y / ∂ α_t by automatic differentiation, [N, T], NaN off the mask. (Serrano & Smith 2019, 5.1.)"""
    weights = readout.alpha.clone().requires_grad_()
    of_y = readout.probabilities(weights).gather(1, readout.predictions()[:, None])
    return torch.autograd.grad(of_y.sum(), weights)[0].masked_fill(~readout.mask, torch.nan)


# ---------------------------------------------------------------- erasure


def logits_without(text: Readout, erased: Tensor) -> Tensor:
    """Logits Σ_S α_t z_t / Σ_S α_t + b of one text, S the tokens not `erased` [T] bool; b without attention.

    (Serrano & Smith 2019, section 4.)
    """
    left = text.alpha.masked_fill(erased, 0.0)
    return text.logits(left / left.sum() if left.any() else left)[0]


def decision_without(text: Readout, erased: Tensor) -> int:
    """argmax of `logits_without`; for linear logits of Σ_S α_t (z_t + b), not divided: ties stay ties."""
    left = text.alpha.masked_fill(erased, 0.0)
    if text.linear and left.any():
        return int((left @ text.decode(text.scores[0])).argmax())
    return int(logits_without(text, erased).argmax())


def erase_each(readout: Readout) -> Tensor:
    """ŷ once token t has gone, [N, T, C], NaN off the mask. (Serrano & Smith 2019, section 4.)"""
    found = torch.full((*readout.mask.shape, readout.logits().shape[1]), torch.nan, dtype=torch.float64)
    for i, text in enumerate(texts(readout)):
        each = torch.eye(text.mask.shape[1], dtype=torch.bool)
        found[i, readout.mask[i]] = torch.stack([logits_without(text, t).softmax(0) for t in each])
    return found


def erase_until_flip(readout: Readout, order: Tensor) -> Flip:
    """The first k at which erasing the first k tokens of `order` changes the decision.

    (Serrano & Smith 2019, section 5.)
    """
    found = []
    for i, length in enumerate(readout.lengths.tolist()):
        text, erased = readout.select([i]), torch.zeros_like(readout.mask[i])
        row = (length, 1.0, 1.0, False, False)  # never
        for count, token in enumerate(order[i, :length].tolist(), 1):
            erased[token] = True
            if decision_without(text, erased) != int(text.predictions()):
                emptied = not bool(text.alpha[0, ~erased].any())
                row = (count, count / length, float(text.alpha[0, erased].sum()), True, emptied)
                break
        found.append(row)
    columns = torch.tensor(found, dtype=torch.float64).unbind(1)
    return Flip(columns[0].long(), columns[1], columns[2], columns[3].bool(), columns[4].bool())


def shapley(readout: Readout) -> Tensor:
    """Mean over all T! orders of what token t adds to the logits of those before it, [N, T, C].

    NaN off the mask. (Shapley 1953, for the game of `logits_without`.)
    """
    found = torch.full(readout.scores.shape, torch.nan, dtype=torch.float64)
    for i, text in enumerate(texts(readout)):
        place = torch.tensor(list(itertools.permutations(range(text.mask.shape[1]))))  # [T!, T] when t comes
        added = []
        for own in place.t():
            after, before = (text.alpha * sets for sets in (place <= own[:, None], place < own[:, None]))
            weights = [left / left.sum(1, keepdim=True).clamp(min=1e-300) for left in (after, before)]
            logits = [text.logits(p[None])[0] for p in weights]
            added.append((logits[0] - logits[1]).mean(0))
        found[i, readout.mask[i]] = torch.stack(added)
    return found


def flipping_sets(text: Readout) -> Tensor:
    """Of all 2^T sets R of tokens those with argmax Σ_{t∉R} α_t (z_t + b) ≠ y, Σ_{t∉R} α_t > 0, [S, T]."""
    sets = torch.tensor(list(itertools.product((False, True), repeat=text.mask.shape[1])))
    left = text.alpha * ~sets
    decisions = (left @ text.decode(text.scores[0])).argmax(1)
    return sets[(decisions != text.predictions()) & (left > 0).any(1)]


def minimal_flip_set(readout: Readout) -> Tensor:
    """min |R| over all `flipping_sets`, all tokens of a text without one, [N] int64.

    (Serrano & Smith 2019, section 5.)
    """
    sizes = [(flipping_sets(text).sum(1), text.lengths) for text in texts(readout)]
    return torch.stack([torch.cat(each).min() for each in sizes])


def minimal_flip_mass(readout: Readout) -> Tensor:
    """min Σ_R α_t over all `flipping_sets`, 1 in a text without one, [N]; the kernel bounds it."""
    whole = torch.ones(1, dtype=torch.float64)
    masses = [(text.alpha * flipping_sets(text)).sum(1) for text in texts(readout)]
    return torch.stack([torch.cat((each, whole)).min() for each in masses])


def single_erasure(readout: Readout, ranking_scores: Tensor) -> Tensor:
    """x_i* − mean of x_r over all r ≠ i*, for x the JSD, α, and flip of a single erasure, [N, 3].

    i* is the first token of the largest score. NaN in a text of one token. (Serrano & Smith 2019, section 4.)
    """
    found = []
    for text, scores, tokens in zip(texts(readout), ranking_scores, readout.mask, strict=True):
        each, y = torch.eye(text.mask.shape[1], dtype=torch.bool), int(text.predictions())
        js = jsd(erase_each(text)[0], text.probabilities())  # [T]
        flips = torch.tensor([decision_without(text, t) != y for t in each])
        x, top = torch.stack((js, text.alpha[0], flips.double()), 1), each[scores[tokens].argmax()]
        found.append((x[top] - x[~top].mean(0))[0])
    return torch.stack(found)
