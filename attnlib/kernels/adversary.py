"""The adversarial search of Jain & Wallace."""

from typing import NamedTuple

import torch
from torch import Tensor

from attnlib.checks import check_at_least, check_number
from attnlib.kernels._common import (
    check_epsilon,
    groups,
    pack,
    padded_width,
    token_columns,
    torch_generator,
)
from attnlib.kernels._search import VARIANTS, Task, ascend
from attnlib.kernels.divergence import unchecked_jsd, unchecked_tvd
from attnlib.kernels.triton import use_triton
from attnlib.readout import Readout

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


def finish(readout: Readout, weights: Tensor) -> Adversary:
    """An Adversary whose figures are computed from the weights it returns."""
    moved = unchecked_tvd(readout.probabilities(weights), readout.probabilities())
    return Adversary(unchecked_jsd(weights, readout.alpha), weights, moved)


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
    if variant not in VARIANTS:
        raise ValueError(f"variant: must be one of {', '.join(VARIANTS)}, got {variant!r}")
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
        task = Task(readout, rows, alpha, scores, before[rows], penalty, epsilon, VARIANTS[variant])
        x = _starts(mask, n_candidates, seed)  # [k, n, W]
        steps = search.ascend if width <= longest else ascend
        steps(task, x, n_steps, learning_rate)
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


def _select(task: Task, weights: Tensor) -> Tensor:
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
