"""The adversarial search of Jain & Wallace, with its gradient derived by hand."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.checks import check_at_least, check_number
from attnlib.kernels._common import (
    check_epsilon,
    groups,
    pack,
    padded_width,
    token_columns,
    torch_generator,
)
from attnlib.kernels.divergence import unchecked_jsd, unchecked_tvd
from attnlib.kernels.triton import use_triton
from attnlib.readout import Readout

_BUDGET = 1 << 17  # candidate weights optimised at a time: the working set stays near the cache
_FEW = 6  # up to so many columns of scores are summed one by one; more are faster as a matrix
_TRITON_BUDGET = 1 << 22  # the same where a Triton kernel runs: many texts at once
_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8  # Adam's defaults
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


def finish(readout: Readout, weights: Tensor) -> Adversary:
    """An Adversary whose figures are computed from the weights it returns."""
    moved = unchecked_tvd(readout.probabilities(weights), readout.probabilities())
    return Adversary(unchecked_jsd(weights, readout.alpha), weights, moved)


class _Variant(NamedTuple):
    amsgrad: bool
    diversity: Callable[[int], float]  # weight of each unordered pair of candidates, from k
    hinge: Callable[[int], float]  # factor on the penalty, from k
    threshold: float | None  # of the hinge; None: ε
    full_l1: bool  # the hinge measures Σ|Δ| for C > 2, twice the TVD


_VARIANTS = {
    # f = Σ_i JSD(p_i, α) + 1/(k(k−1)) Σ_{i<j} JSD(p_i, p_j) − (λ/k) Σ_i max(0, TVD_i − ε), plain Adam
    "published": _Variant(False, lambda k: 1 / (k * (k - 1)), lambda k: 1 / k, None, False),
    # f = Σ_i JSD(p_i, α) + mean over the k × k matrix of JSD(p_i, p_j) − λ Σ_i max(0, D_i − 0.01), AMSGrad
    "released": _Variant(True, lambda k: 2 / k**2, lambda k: 1.0, 0.01, True),
}


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
    """
    epsilon = check_epsilon(epsilon)
    check_at_least("n_candidates", n_candidates, 1)
    check_at_least("n_steps", n_steps, 0)
    check_at_least("seed", seed, 0)
    learning_rate = check_number("learning_rate", learning_rate, 0, _MOST, above=True)
    penalty = check_number("penalty", penalty, 0, _MOST, above=True)
    if variant not in _VARIANTS:
        raise ValueError(f"variant: must be one of {', '.join(_VARIANTS)}, got {variant!r}")
    columns = token_columns(readout.mask)
    before = readout.probabilities()  # [N, C]
    weights = readout.alpha.clone()
    # 500 steps of small operations: few wide groups cost less than many that fit
    width_of_row, budget, longest = padded_width(readout.lengths, step=16), _BUDGET, 0
    if readout.linear and use_triton(readout.alpha):
        from attnlib.kernels.triton import search

        longest, budget = search.longest(n_candidates), _TRITON_BUDGET
        width_of_row = search.padded_width(readout.lengths, longest, width_of_row)
    for width, rows in groups(width_of_row, max(1, budget // n_candidates)):
        alpha, scores, mask = pack(readout, columns, rows, width)
        task = _Task(readout, rows, alpha, scores, before[rows], penalty, epsilon, _VARIANTS[variant])
        x = _starts(mask, n_candidates, seed)  # [k, n, W]
        ascend = search.ascend if width <= longest else _ascend
        ascend(task, x, n_steps, learning_rate)
        found = _select(task, x.double().softmax(2))[:, : readout.mask.shape[1]]  # [n, ≤ W]
        if columns is None:
            weights[rows, : found.shape[1]] = found
        else:
            weights[rows[:, None], columns[rows, :width]] = found
    return finish(readout, weights)


def _starts(mask: Tensor, n_candidates: int, seed: int) -> Tensor:
    """Initial scores [k, n, W], −inf on padding; rows of one length start alike."""
    lengths = mask.sum(1)
    x = torch.full((n_candidates, *mask.shape), -torch.inf, device=mask.device)
    for length in lengths.unique().tolist():
        draw = 3 * torch.randn(n_candidates, length, generator=torch_generator(seed, length))
        x[:, lengths == length, :length] = draw.to(mask.device)[:, None]
    return x


class _Terms(NamedTuple):
    """Weights of the terms of the gradient for k candidates."""

    delta: float  # of ln(p_i + p_j)
    own: float  # of −ln p_i
    full: float  # the hinge measures full · TVD
    threshold: float  # where the hinge begins
    factor: float  # on the hinge's gradient, doubled because g is halved at the end


class _Task:
    """The objective for n texts of one padded width W, and its gradient."""

    def __init__(
        self,
        readout: Readout,
        rows: Tensor,  # [n]
        alpha: Tensor,  # [n, W]
        scores: Tensor,  # [n, W, C]
        before: Tensor,  # [n, C] original probabilities
        penalty: float,
        epsilon: float,
        variant: _Variant,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.readout, self.rows, self.epsilon, self.variant = readout, rows, epsilon, variant
        self.penalty = penalty
        self.exact_alpha, self.exact_scores, self.exact_before = alpha, scores.double(), before
        self.alpha, self.before = alpha.to(dtype), before.to(dtype)
        if readout.linear:
            # softmax does not see a constant added to all logits: class 0 is the reference
            bias = readout.bias.double()
            columns = self.exact_scores[..., 1:] - self.exact_scores[..., :1]  # [n, W, C − 1]
            self.bias = (bias[1:] - bias[0]).to(dtype)
        else:
            columns = self.exact_scores
        self.columns = columns.to(dtype).contiguous()  # [n, W, columns]
        few = columns.shape[2] <= _FEW
        self.apart = [c.contiguous() for c in self.columns.unbind(2)] if few else []  # each [n, W]

    def terms(self, k: int) -> _Terms:
        """The weights of the variant's terms for k candidates."""
        delta = self.variant.diversity(k) if k > 1 else 0.0
        full = 2.0 if self.variant.full_l1 and self.before.shape[1] > 2 else 1.0
        threshold = self.epsilon if self.variant.threshold is None else self.variant.threshold
        factor = 2 * self.penalty * self.variant.hinge(k) * full
        return _Terms(delta, 1 + delta * (k - 1), full, threshold, factor)

    def output_gradient(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """TVD to the original output [k, n], and its gradient by the pooled columns [k, n, columns]."""
        if not self.readout.linear:
            with torch.enable_grad():
                pooled = pooled.transpose(0, 1).detach().requires_grad_()  # [n, k, C']
                after = self.readout.decode(pooled, self.rows).softmax(-1)
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
        k = x.shape[0]
        log_p = x.log_softmax(2).clamp_(min=-80)  # finite everywhere; e^−80 counts as 0
        p = log_p.exp()
        g = (p + self.alpha).log_()
        terms = self.terms(k)
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


def schedule(n_steps: int, learning_rate: float) -> list[tuple[float, float]]:
    """(rate, eps) of each step: x −= rate · m / (√v + eps) is Adam, its bias corrections moved into scalars.

    Adam as published takes learning_rate · (m / (1 − β1^t)) / (√(v / (1 − β2^t)) + eps).
    """
    correction = [(1 - _BETA2**step) ** 0.5 for step in range(1, n_steps + 1)]
    return [(learning_rate * c / (1 - _BETA1 ** (i + 1)), _EPS * c) for i, c in enumerate(correction)]


def _ascend(task: _Task, x: Tensor, n_steps: int, learning_rate: float) -> None:
    """`n_steps` of Adam on the scores x [k, n, W], in place."""
    m, v = torch.zeros_like(x), torch.zeros_like(x)
    largest = torch.zeros_like(x) if task.variant.amsgrad else v
    for rate, eps in schedule(n_steps, learning_rate):
        g = task.gradient(x)
        m.lerp_(g, 1 - _BETA1)
        v.mul_(_BETA2).addcmul_(g, g, value=1 - _BETA2)
        if task.variant.amsgrad:
            torch.maximum(largest, v, out=largest)
        x.addcdiv_(m, largest.sqrt().add_(eps), value=-rate)


def _select(task: _Task, weights: Tensor) -> Tensor:
    """Of the candidates [k, n, W] and α, the one with TVD ≤ ε and the largest JSD, [n, W], in float64."""
    candidates = torch.cat((task.exact_alpha[None], weights))  # [k + 1, n, W]
    pooled = candidates.transpose(0, 1) @ task.exact_scores  # [n, k + 1, C]
    after = task.readout.decode(pooled, task.rows).softmax(-1)
    moved = unchecked_tvd(after, task.exact_before[:, None])  # [n, k + 1]
    divergence = unchecked_jsd(candidates, task.exact_alpha).t()
    divergence = divergence.masked_fill(moved > task.epsilon, -torch.inf)
    divergence[:, 0] = 0.0  # α is feasible whatever the rounding
    best = divergence.argmax(1)
    return candidates[best, torch.arange(len(best), device=best.device)]
