"""The plain way: what a careful implementation of the papers does, without the Readout.

It is the authors' way, their loops on our models: batches of 32 through hidden states of 256 numbers, 500
steps of Adam for each batch, one pass of the decoder for every perturbation of the attention, one encoding
for every token left out, SciPy's τ text by text; no logging, no files. The yardstick for speed and agreement.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor

from attnlib.models import AttentionModel
from attnlib.models.batches import Batch
from benchmarks.sizes import States

RATE, START, PENALTY, MARGIN = 0.01, 3.0, 500.0, 0.01  # of Jain & Wallace's released adversary


def decode(states: States, weights: Tensor) -> Tensor:
    """One decoder pass: attention [n, T] or [n, k, T] → probabilities [n, (k,) K], K = 1 for two classes."""
    several = weights if weights.dim() == 3 else weights[:, None]
    context = several @ states.hidden  # [n, k, d]
    logits = torch.nn.functional.linear(context, states.weight, states.bias)
    out = logits.sigmoid() if logits.shape[-1] == 1 else logits.softmax(-1)
    return out if weights.dim() == 3 else out[:, 0]


def decisions(states: States, weights: Tensor) -> Tensor:
    """Predicted class of one decoder pass, [n] or [n, k]."""
    out = decode(states, weights)
    return (out[..., 0] > 0.5).long() if out.shape[-1] == 1 else out.argmax(-1)


def change(p: Tensor, q: Tensor) -> Tensor:
    """Total variation distance of outputs as `decode` gives them."""
    distance = (p - q).abs().sum(-1)
    return distance if p.shape[-1] == 1 else distance / 2


def permutation_test(states: States, n_permutations: int, generator: torch.Generator) -> Tensor:
    """Median TVD over random permutations of the weights among the tokens, [n]."""
    original = decode(states, states.alpha)
    distances = []
    for _ in range(n_permutations):
        keys = torch.rand(states.mask.shape, generator=generator).to(states.mask.device)
        order = keys.masked_fill(~states.mask, 2.0).argsort(dim=1)  # tokens first: padding stays in place
        distances.append(change(decode(states, states.alpha.gather(1, order)), original))
    ordered = torch.stack(distances, 1).sort(1).values
    return (ordered[:, (n_permutations - 1) // 2] + ordered[:, n_permutations // 2]) / 2


def _jsd(p: Tensor, q: Tensor) -> Tensor:
    """With 1e-10 inside the logarithms, as in the authors' code."""
    middle = ((p + q) / 2 + 1e-10).log()
    return 0.5 * (p * ((p + 1e-10).log() - middle) + q * ((q + 1e-10).log() - middle)).sum(-1)


def search_adversary(
    states: States, epsilon: float, n_steps: int, generator: torch.Generator, n_candidates: int = 5
) -> tuple[Tensor, Tensor]:
    """Jain & Wallace's released search: AMSGrad on k scores per token, gradients by autograd.

    Returns the JSD [n] and the weights [n, T] of the best candidate with TVD ≤ ε, or 0 and α.
    """
    mask, alpha = states.mask[:, None], states.alpha[:, None]
    original = decode(states, states.alpha)[:, None]
    start = START * torch.randn(len(mask), n_candidates, mask.shape[2], generator=generator)
    x = start.to(mask.device).requires_grad_()
    optimiser = torch.optim.Adam([x], lr=RATE, amsgrad=True)
    full = 1 if original.shape[-1] == 1 else 2  # the authors' hinge measures Σ|Δ|
    for _ in range(n_steps):
        optimiser.zero_grad()
        p = x.masked_fill(~mask, -torch.inf).softmax(-1)
        hinge = (full * change(decode(states, p), original) - MARGIN).relu()
        diversity = _jsd(p[:, :, None], p[:, None]).mean((1, 2))
        loss = (PENALTY * hinge - _jsd(p, alpha)).sum() - diversity.sum()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        p = x.masked_fill(~mask, -torch.inf).softmax(-1)
        p = torch.cat([alpha, p], 1)
        divergence = _jsd(p, alpha).masked_fill(change(decode(states, p), original) > epsilon, -torch.inf)
        divergence[:, 0] = 0
        best, which = divergence.max(1)
        return best, p[torch.arange(len(p), device=p.device), which]


def erase_each(states: States) -> Tensor:
    """Probabilities after each single erasure, [n, T, K]: one pass per position, for the whole batch."""
    columns = []
    for t in range(states.mask.shape[1]):
        weights = states.alpha.clone()
        weights[:, t] = 0
        columns.append(decode(states, weights / weights.sum(1, keepdim=True)))
    return torch.stack(columns, 1)


def erase_until_flip(states: States, order: Tensor) -> Tensor:
    """How many erasures in `order` [n, T] flip the decision, [n]; the number of tokens if none does.

    One pass per step over the texts not yet flipped. Finished texts leave the batch when half of it is
    finished, which costs less than copying the states at every flip.
    """
    original = decisions(states, states.alpha)
    lengths = states.mask.sum(1)
    count = lengths.clone()
    weights = states.alpha.clone()
    rows = torch.arange(len(count), device=count.device)  # texts still in the batch
    done = torch.zeros_like(rows, dtype=torch.bool)
    for step in range(order.shape[1]):
        weights.scatter_(1, order[:, step : step + 1], 0)
        # an empty document: nothing is pooled and the bias decides
        now = decisions(states, weights / weights.sum(1, keepdim=True).clamp(min=1e-30))
        flipped = (now != original) & ~done
        count[rows[flipped]] = step + 1
        done = done | flipped | (lengths <= step + 1)
        if done.all():
            break
        if 2 * int(done.sum()) >= len(done):
            keep = ~done
            rows, weights, order, original = rows[keep], weights[keep], order[keep], original[keep]
            lengths, done = lengths[keep], done[keep]
            states = States(
                states.hidden[keep], states.alpha[keep], states.mask[keep], states.weight, states.bias
            )
    return count


def minimal_flip_count(states: States) -> Tensor:
    """Fewest erasures that flip the decision and leave something, by trying all subsets, [n].

    The number of tokens where no proper subset does. 2^T decoder passes, so for short texts only.
    """
    t = states.mask.shape[1]
    numbers = torch.arange(1, 2**t - 1, device=states.mask.device)
    erased = (numbers[:, None] >> torch.arange(t, device=numbers.device)) & 1  # [S, T]
    original = decisions(states, states.alpha)
    count = states.mask.sum(1)
    for part in erased.split(1024):
        weights = states.alpha[:, None] * (1 - part)  # [n, S, T]
        mass = weights.sum(2, keepdim=True)
        flips = decisions(states, weights / mass.clamp(min=1e-30)) != original[:, None]
        size = (part * states.mask[:, None]).sum(2)
        count = torch.minimum(count, torch.where(flips & (mass[..., 0] > 0), size, t).amin(1))
    return count


def reach(states: States) -> Tensor:
    """Probabilities when a single token holds all the attention, [n, T, K]."""
    columns = []
    for t in range(states.mask.shape[1]):
        weights = torch.zeros_like(states.alpha)
        weights[:, t] = 1
        columns.append(decode(states, weights))
    return torch.stack(columns, 1)


def kendall_tau(x: np.ndarray, y: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """τ-b and p of each row, [n, 2]: SciPy in a loop."""
    rows = zip(x, y, lengths.tolist(), strict=True)
    return np.array([tuple(kendalltau(a[:length], b[:length])) for a, b, length in rows])


@torch.no_grad()
def leave_one_out(model: AttentionModel, batch: Batch, every: int = 1) -> Tensor:
    """TVD of the output without token t, [n, T] (0 beyond a text): delete, encode again, decode.

    One pass per position, which is removed from all texts of the batch at once. `every` > 1 leaves out
    every so manieth position only, for an estimate of the time; the others stay NaN.
    """
    original = model(batch).logits.softmax(1)
    result = torch.full((len(batch.ids), batch.ids.shape[1] - 2), torch.nan)
    for t in range(every // 2, result.shape[1], every):
        ids = torch.cat([batch.ids[:, : t + 1], batch.ids[:, t + 2 :]], 1)
        inside = t + 1 < batch.lengths - 1
        lengths = batch.lengths - inside.long()
        shorter = Batch(ids[:, : int(lengths.max())], lengths, batch.labels)
        distance = (model(shorter).logits.softmax(1) - original).abs().sum(1) / 2
        result[:, t] = torch.where(inside, distance, 0.0)
    return result
