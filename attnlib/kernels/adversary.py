"""The adversarial search of Jain & Wallace: its objective, the gradient derived by hand, and Adam's steps."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.checks import check_at_least, check_number, one_of
from attnlib.kernels._common import blocks, put, relative, seed_for, similar
from attnlib.kernels.divergence import unchecked_jsd, unchecked_tvd
from attnlib.kernels.triton import use_triton
from attnlib.readout import Readout

VARIANTS = ("published", "released")
_EPS = 1e-8  # Adam's default

_FEW = 6  # up to so many columns of scores are summed one by one; more are faster as a matrix
_BUDGET = 1 << 17  # candidate weights optimised at a time: the working set stays near the cache
_TRITON_BUDGET = 1 << 22  # the same where a Triton kernel runs: many texts at once
_MOST = 1e6  # of learning rate and penalty: a Readout's largest score times this is still a float32


class Adversary(NamedTuple):
    """Adversarial attention, one entry per text, float64.

    - `jsd`: [N] Jensen–Shannon divergence between `weights` and alpha, nats. 0 where nothing but alpha keeps
      the output within ε, or was found: a mean counts such a text as one whose attention cannot be changed.
    - `weights`: [N, T]. Alpha itself where `jsd` is 0 for that reason.
    - `tvd`: [N] total variation distance between the outputs under `weights` and under alpha.
    """

    jsd: Tensor
    weights: Tensor
    tvd: Tensor


def search_adversary(
    readout: Readout,
    epsilon: float,
    n_candidates: int = 5,
    n_steps: int = 500,
    learning_rate: float = 0.01,
    penalty: float = 500.0,
    seed: int = 0,
    *,
    variant: str = "published",
) -> Adversary:
    """Search by gradient for weights far from α (JSD, nats) whose output is within ε of the original (TVD).

    k candidates per text start at softmax(3 · N(0, 1)) over the tokens and take `n_steps` Adam steps on their
    scores. The last iterates compete, with α itself beside them: those with TVD > ε are dropped and the
    largest JSD is kept, so a search that finds nothing returns α and 0. `variant`:

    - "published": maximises Σ_i JSD(p_i, α) + 1/(k(k−1)) Σ_{i<j} JSD(p_i, p_j) − (λ/k) Σ_i max(0, TVD_i − ε).
    - "released", as the authors' code: AMSGrad; the diversity is the mean of the k × k matrix; the hinge is
      λ · max(0, D_i − 0.01) whatever ε is, with D the TVD for two classes and twice the TVD for more.

    Any number of classes; with a head, or where not all classes are allowed, the output's gradient comes from
    autograd. The steps run in float32 with gradients derived by hand, the choice and the returned figures in
    float64. Starts depend on the seed and the row's length only. Returned tvd ≤ ε + 1e-12.

    Raises ValueError for ε outside [0, 1], counts below 1 (n_steps below 0), a rate or penalty that is not
    > 0 and ≤ 1e6, seed < 0, an unknown variant. (Jain & Wallace 2019, Algorithm 3.)

    >>> from attnlib import Readout, kernels
    >>> readout = Readout([[0.5, 0.25, 0.25]], [[[0, 2.0], [0, 1], [4, 0]]], [0.0, 0.0], [[True] * 3])
    >>> found = kernels.search_adversary(readout, 0.1, n_steps=50)
    >>> bool(found.tvd <= 0.1)
    True
    """
    epsilon = check_number("epsilon", epsilon, 0, 1)
    check_at_least("n_candidates", n_candidates, 1)
    check_at_least("n_steps", n_steps, 0)
    check_at_least("seed", seed, 0)
    learning_rate = check_number("learning_rate", learning_rate, 0, _MOST, above=True)
    penalty = check_number("penalty", penalty, 0, _MOST, above=True)
    one_of("variant", variant, VARIANTS)
    before = readout.probabilities()  # [N, C]
    weights = readout.alpha.clone()
    terms = weigh_terms(variant, n_candidates, before.shape[1], penalty, epsilon)
    # 500 steps of small operations: few wide groups cost less than many that fit
    widths, budget, longest = padded_width(readout.lengths), _BUDGET, 0
    if readout.linear and use_triton(readout.alpha):
        from attnlib.kernels.triton import search

        longest, budget = search.longest(n_candidates), _TRITON_BUDGET
        widths = search.padded_width(readout.lengths, longest, widths)
    rates = schedule(n_steps, learning_rate, terms)
    for rows, columns, texts in blocks(readout, max(1, budget // n_candidates), widths):
        task = Task(texts, before[rows], terms)
        x = _starts(texts.mask, n_candidates, seed)  # [k, n, W]
        steps = search.ascend if x.shape[2] <= longest else ascend
        steps(task, x, rates)
        found = _select(task, x.double().softmax(2), epsilon)  # [n, W]
        put(weights, rows, columns, found[:, : columns.shape[1]])
    moved = unchecked_tvd(readout.probabilities(weights), before)
    return Adversary(unchecked_jsd(weights, readout.alpha), weights, moved)


def padded_width(lengths: Tensor) -> Tensor:
    """A larger width, a function of the length alone: at most 1/8 longer, or up to a multiple of 16."""
    exponent = torch.frexp(lengths.double()).exponent - 4  # of an eighth of the largest power of two ≤ length
    steps = torch.pow(2, exponent.double()).long().clamp(min=16)
    return (lengths + steps - 1) // steps * steps


def _starts(mask: Tensor, n_candidates: int, seed: int) -> Tensor:
    """Initial scores [k, n, W], −inf on padding; rows of one length start alike."""
    x = torch.full((n_candidates, *mask.shape), -torch.inf, device=mask.device)
    for rows, length in similar(mask.sum(1), mask.numel(), equal=True):
        state = int(seed_for(seed, length).generate_state(1, np.uint64)[0] >> 1)
        draw = 3 * torch.randn(n_candidates, length, generator=torch.Generator().manual_seed(state))
        x[:, rows, :length] = draw.to(mask.device)[:, None]
    return x


class Terms(NamedTuple):
    """Weights of the terms of the gradient for k candidates."""

    delta: float  # of ln(p_i + p_j)
    own: float  # of −ln p_i
    full: float  # the hinge measures full · TVD
    threshold: float  # where the hinge begins
    factor: float  # on the hinge's gradient, doubled because g is halved at the end
    amsgrad: bool  # whether Adam divides by the largest second moment so far
    beta1: float = 0.9  # Adam's defaults
    beta2: float = 0.999


def weigh_terms(variant: str, k: int, classes: int, penalty: float, epsilon: float) -> Terms:
    """The weights that a variant gives to the terms, for k candidates."""
    if variant == "published":
        # f = Σ_i JSD(p_i, α) + 1/(k(k−1)) Σ_{i<j} JSD(p_i, p_j) − (λ/k) Σ_i max(0, TVD_i − ε), plain Adam
        pair, hinge, full, threshold = 1 / max(1, k * (k - 1)), 1 / k, 1.0, epsilon
    else:
        # f = Σ_i JSD(p_i, α) + mean over the k × k matrix of JSD(p_i, p_j) − λ Σ_i max(0, D_i − 0.01),
        # AMSGrad; D is Σ|Δ| for C > 2, twice the TVD
        pair, hinge, full, threshold = 2 / k**2, 1.0, 2.0 if classes > 2 else 1.0, 0.01
    delta = pair if k > 1 else 0.0
    factor = 2 * penalty * hinge * full
    return Terms(delta, 1 + delta * (k - 1), full, threshold, factor, variant == "released")


class Task:
    """The objective for n texts of one padded width W, and its gradient."""

    def __init__(
        self, texts: Readout, before: Tensor, terms: Terms, dtype: torch.dtype = torch.float32
    ) -> None:
        """`before`: [n, C] float64, the original probabilities."""
        self.texts, self.exact_before, self.terms = texts, before, terms
        self.alpha, self.before = texts.alpha.to(dtype), before.to(dtype)
        self.columns, self.bias = (x.to(dtype).contiguous() for x in relative(texts))  # [n, W, columns]
        few = self.columns.shape[2] <= _FEW
        self.apart = [c.contiguous() for c in self.columns.unbind(2)] if few else []  # each [n, W]

    def output_gradient(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """TVD to the original output [k, n], and its gradient by the pooled columns [k, n, columns]."""
        if not self.texts.linear:
            with torch.enable_grad():
                pooled = pooled.transpose(0, 1).detach().requires_grad_()  # [n, k, C']
                after = self.texts.decode(pooled).softmax(-1)
                distance = unchecked_tvd(after, self.exact_before[:, None])
                (gradient,) = torch.autograd.grad(distance.sum(), pooled)
            return distance.detach().t().to(pooled.dtype), gradient.transpose(0, 1)
        after = pad(pooled + self.bias, (1, 0)).softmax(2)  # [k, n, C]
        change = after - self.before
        sign = change.sign()
        gradient = after * (sign - (after * sign).sum(2, keepdim=True)) / 2
        return change.abs().sum(2) / 2, gradient[..., 1:]

    def gradient(self, x: Tensor) -> Tensor:
        """Gradient of the loss (−f) by the scores x [k, n, W], −inf on padding.

        By p_i the loss has, up to a constant that softmax does not see, the gradient ½ g_i + hinge, with
        g_i = ln(p_i + α) − ln p_i + δ Σ_{j≠i} [ln(p_i + p_j) − ln p_i] and δ the weight of a pair; through
        the softmax it becomes p_i (g − Σ p_i g).
        """
        k, terms = x.shape[0], self.terms
        log_p = x.log_softmax(2).clamp_(min=-80)  # finite everywhere; e^−80 counts as 0
        p = log_p.exp()
        g = (p + self.alpha).log_()
        for shift in range(1, k // 2 + 1):
            pair = (p + p.roll(shift, 0)).log_()  # candidates i and i − shift
            g.add_(pair, alpha=terms.delta)
            if 2 * shift != k:
                g.add_(pair.roll(-shift, 0), alpha=terms.delta)
        g.sub_(log_p, alpha=terms.own)

        if self.apart:
            pooled = torch.stack([(p * c).sum(2) for c in self.apart], 2)  # [k, n, columns]
        else:
            pooled = (p.transpose(0, 1) @ self.columns).transpose(0, 1)
        distance, by_pooled = self.output_gradient(pooled)
        idle = terms.full * distance <= terms.threshold
        by_pooled = (terms.factor * by_pooled).masked_fill_(idle[..., None], 0.0)
        if self.apart:
            for c, by in zip(self.apart, by_pooled.unbind(2), strict=True):
                g.addcmul_(by[..., None], c)
        else:
            g += (by_pooled.transpose(0, 1) @ self.columns.mT).transpose(0, 1)
        return g.sub_((p * g).sum(2, keepdim=True)).mul_(p).mul_(0.5)


def schedule(n_steps: int, learning_rate: float, terms: Terms) -> list[tuple[float, float]]:
    """(rate, eps) of each step: x −= rate · m / (√v + eps) is Adam, its bias corrections moved into scalars.

    Adam as published takes learning_rate · (m / (1 − β1^t)) / (√(v / (1 − β2^t)) + eps).
    """
    correction = [(1 - terms.beta2**step) ** 0.5 for step in range(1, n_steps + 1)]
    return [(learning_rate * c / (1 - terms.beta1**t), _EPS * c) for t, c in enumerate(correction, 1)]


def ascend(task: Task, x: Tensor, rates: list[tuple[float, float]]) -> None:
    """Adam's steps on the scores x [k, n, W], in place; `rates` as `schedule` has them."""
    m, v, terms = torch.zeros_like(x), torch.zeros_like(x), task.terms
    largest = torch.zeros_like(x) if terms.amsgrad else v
    for rate, eps in rates:
        g = task.gradient(x)
        m.lerp_(g, 1 - terms.beta1)
        v.mul_(terms.beta2).addcmul_(g, g, value=1 - terms.beta2)
        if terms.amsgrad:
            torch.maximum(largest, v, out=largest)
        x.addcdiv_(m, largest.sqrt().add_(eps), value=-rate)


def _select(task: Task, weights: Tensor, epsilon: float) -> Tensor:
    """Of the candidates [k, n, W] and α, the one with TVD ≤ ε and the largest JSD, [n, W], in float64."""
    alpha = task.texts.alpha
    candidates = torch.cat((alpha[None], weights))  # [k + 1, n, W]
    pooled = candidates.transpose(0, 1) @ task.texts.scores.double()  # [n, k + 1, C]
    moved = unchecked_tvd(task.texts.decode(pooled).softmax(-1), task.exact_before[:, None])  # [n, k + 1]
    divergence = unchecked_jsd(candidates, alpha).t().masked_fill(moved > epsilon, -torch.inf)
    divergence[:, 0] = 0.0  # α is feasible whatever the rounding
    best = divergence.argmax(1)
    return candidates[best, torch.arange(len(best), device=best.device)]
