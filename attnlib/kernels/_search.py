"""The objective of the adversarial search, its gradient derived by hand, and the steps that Adam takes."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from attnlib.kernels.divergence import unchecked_tvd
from attnlib.readout import Readout

BETA1, BETA2, _EPS = 0.9, 0.999, 1e-8  # Adam's defaults
_FEW = 6  # up to so many columns of scores are summed one by one; more are faster as a matrix


class Variant(NamedTuple):
    amsgrad: bool
    diversity: Callable[[int], float]  # weight of each unordered pair of candidates, from k
    hinge: Callable[[int], float]  # factor on the penalty, from k
    threshold: float | None  # of the hinge; None: ε
    full_l1: bool  # the hinge measures Σ|Δ| for C > 2, twice the TVD


VARIANTS = {
    # f = Σ_i JSD(p_i, α) + 1/(k(k−1)) Σ_{i<j} JSD(p_i, p_j) − (λ/k) Σ_i max(0, TVD_i − ε), plain Adam
    "published": Variant(False, lambda k: 1 / (k * (k - 1)), lambda k: 1 / k, None, False),
    # f = Σ_i JSD(p_i, α) + mean over the k × k matrix of JSD(p_i, p_j) − λ Σ_i max(0, D_i − 0.01), AMSGrad
    "released": Variant(True, lambda k: 2 / k**2, lambda k: 1.0, 0.01, True),
}


class Terms(NamedTuple):
    """Weights of the terms of the gradient for k candidates."""

    delta: float  # of ln(p_i + p_j)
    own: float  # of −ln p_i
    full: float  # the hinge measures full · TVD
    threshold: float  # where the hinge begins
    factor: float  # on the hinge's gradient, doubled because g is halved at the end


class Task:
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
        variant: Variant,
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

    def terms(self, k: int) -> Terms:
        """The weights of the variant's terms for k candidates."""
        delta = self.variant.diversity(k) if k > 1 else 0.0
        full = 2.0 if self.variant.full_l1 and self.before.shape[1] > 2 else 1.0
        threshold = self.epsilon if self.variant.threshold is None else self.variant.threshold
        factor = 2 * self.penalty * self.variant.hinge(k) * full
        return Terms(delta, 1 + delta * (k - 1), full, threshold, factor)

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
    correction = [(1 - BETA2**step) ** 0.5 for step in range(1, n_steps + 1)]
    return [(learning_rate * c / (1 - BETA1 ** (i + 1)), _EPS * c) for i, c in enumerate(correction)]


def ascend(task: Task, x: Tensor, n_steps: int, learning_rate: float) -> None:
    """`n_steps` of Adam on the scores x [k, n, W], in place."""
    m, v = torch.zeros_like(x), torch.zeros_like(x)
    largest = torch.zeros_like(x) if task.variant.amsgrad else v
    for rate, eps in schedule(n_steps, learning_rate):
        g = task.gradient(x)
        m.lerp_(g, 1 - BETA1)
        v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
        if task.variant.amsgrad:
            torch.maximum(largest, v, out=largest)
        x.addcdiv_(m, largest.sqrt().add_(eps), value=-rate)
