"""Leave-one-out through a bidirectional recurrent layer without encoding each shorter text from scratch.

Without token t, the forward states before t and the backward states after t are those of the whole text.
The others are recomputed, all left-out tokens side by side: at step k the states of t = 1 … k − 1 move on
together by the input of position k, whose projection is computed once. That is T²/2 cells per direction in T
steps. Each state's other half is the whole text's, so only its own half goes through the scorer and head; and
because the softmax is taken as the states appear, nothing of size T² is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from attnlib.explain.projection import JointProjection, joint_projection
from attnlib.models.batches import Batch
from attnlib.models.classifier import AttentionModel
from attnlib.models.encoders import Recurrent

# Input gates [n, 1, G], state → state: [n, slots, H] or, for an LSTM, [n, slots, 2H] (hidden, cell)
Step = Callable[[Tensor, Tensor], Tensor]


class Pool(NamedTuple):
    """A softmax-weighted sum under way, one per text and left-out token."""

    largest: Tensor  # [n, T] largest score so far, -inf for none
    mass: Tensor  # [n, T] Σ exp(score − largest)
    total: Tensor  # [n, T, K] Σ exp(score − largest) · value

    def merge(self, other: Pool) -> Pool:
        """Both sums as one."""
        largest = torch.maximum(self.largest, other.largest)
        mine, theirs = (self.largest - largest).exp(), (other.largest - largest).exp()
        return Pool(
            largest,
            self.mass * mine + other.mass * theirs,
            self.total * mine.unsqueeze(2) + other.total * theirs.unsqueeze(2),
        )


def logits_by_shared_prefixes(model: AttentionModel, batch: Batch, query: Tensor | None) -> Tensor:
    """Logits [n, T, C] without each token, for texts of one length T ≥ 2."""
    encoder = model.encoder
    assert isinstance(encoder, Recurrent)
    embedded = model.embedding(batch.ids)  # [n, L, d]
    states, _ = encoder(embedded, batch.lengths, batch.mask)
    projection = joint_projection(model, query)
    half = encoder.rnn.hidden_size
    halves = slice(0, half), slice(half, None)
    # What the unchanged half of each state contributes, bias included.
    bias = projection.align(projection.bias, 1)
    unchanged = [projection.linear(states[..., part], part) + bias for part in halves]
    forward = sweep(encoder.rnn, "", embedded, projection, halves[0], unchanged[1])
    backward = sweep(encoder.rnn, "_reverse", embedded.flip(1), projection, halves[1], unchanged[0].flip(1))
    pool = forward.merge(Pool(*(part.flip(1) for part in backward)))
    return projection.logits(pool.total / pool.mass.unsqueeze(2))


def sweep(
    rnn: nn.LSTM | nn.GRU,
    suffix: str,
    embedded: Tensor,
    projection: JointProjection,
    part: slice,
    unchanged: Tensor,
) -> Pool:
    """One direction: pool, for each left-out token, the states at the token positions after it.

    embedded [n, L, d] and unchanged [n, L, A + K] are in the direction's own order. Slot 0 is the whole text,
    slot t the text without position t; slot t starts as a copy of slot 0 just before position t.
    """
    gates, step = recurrence(rnn, suffix, embedded)
    n, length = embedded.shape[:2]
    tokens = length - 2
    size = rnn.hidden_size * (2 if isinstance(rnn, nn.LSTM) else 1)
    slots = embedded.new_zeros(n, tokens + 1, size)
    largest = embedded.new_full((n, tokens), -torch.inf)
    mass = embedded.new_zeros(n, tokens)
    total = embedded.new_zeros(n, tokens, projection.weight.shape[-2] - projection.n_hidden)
    for k in range(length - 1):  # the last position, the end symbol, is never pooled
        before = slots[:, 0].clone()
        active = max(k, 1)  # slots 0 … k - 1 have begun
        slots[:, :active] = step(gates[:, k : k + 1], slots[:, :active])
        if k >= 2:
            changed = slots[:, 1:active, : rnn.hidden_size]
            scores, values = projection.split(projection.linear(changed, part) + unchanged[:, k : k + 1])
            done = slice(0, active - 1)
            now = torch.maximum(largest[:, done], scores)
            old, new = (largest[:, done] - now).exp(), (scores - now).exp()
            mass[:, done] = mass[:, done] * old + new
            total[:, done] = total[:, done] * old.unsqueeze(2) + new.unsqueeze(2) * values
            largest[:, done] = now
        if 1 <= k <= tokens:
            slots[:, k] = before
    return Pool(largest, mass, total)


def recurrence(rnn: nn.LSTM | nn.GRU, suffix: str, embedded: Tensor) -> tuple[Tensor, Step]:
    """All input gates [n, L, G] of one direction, and its step."""
    weight, bias, input_weight, input_bias = (
        getattr(rnn, f"{name}_l0{suffix}") for name in ("weight_hh", "bias_hh", "weight_ih", "bias_ih")
    )
    size = rnn.hidden_size

    def lstm(gates: Tensor, state: Tensor) -> Tensor:
        hidden, cell = state[..., :size], state[..., size:]
        entry, forget, new, exit_ = (hidden @ weight.T + gates).split(size, dim=-1)
        cell = forget.sigmoid() * cell + entry.sigmoid() * new.tanh()
        return torch.cat([exit_.sigmoid() * cell.tanh(), cell], dim=-1)

    def gru(gates: Tensor, state: Tensor) -> Tensor:
        own = state @ weight.T + bias
        reset, update = (own[..., : 2 * size] + gates[..., : 2 * size]).sigmoid().split(size, dim=-1)
        new = (gates[..., 2 * size :] + reset * own[..., 2 * size :]).tanh()
        return torch.lerp(new, state, update)

    gates = embedded @ input_weight.T + input_bias
    return (gates + bias, lstm) if isinstance(rnn, nn.LSTM) else (gates, gru)
