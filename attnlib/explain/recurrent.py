"""Leave-one-out through a bidirectional recurrent layer without encoding each shorter text from scratch.

Also, for other sets of tokens than one, the plain recurrence over words whose projections are computed once.

Without token t, the forward states before t and the backward states after t are those of the whole text.
The others are recomputed, all left-out tokens side by side: at step k the states of t = 1 … k − 1 move on
together by the input of position k, whose projection is computed once. That is T²/2 cells per direction in T
steps. Each state's other half is the whole text's, so only its own half goes through the scorer and head; and
because the softmax is taken as the states appear, nothing of size T² is kept.

Left-out tokens are the first axis of every tensor of the sweep: those under way at step k are then one
contiguous block, which products and in-place functions pass over without a copy. tanh x is computed as
2σ(2x) − 1, with the factor 2 put into the weights where that is possible, because torch takes three times as
long for a tanh as for a sigmoid; the rounding this adds is 1e-7.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from attnlib.explain.projection import JointProjection, joint_projection
from attnlib.models.batches import Batch
from attnlib.models.classifier import AttentionModel, Output
from attnlib.models.encoders import Recurrent

# Moves the first `active` slots on by a position's inputs [n, G] (`input_gates`), in place
Step = Callable[[Tensor, int], None]


class Pool(NamedTuple):
    """A softmax-weighted sum under way, one per left-out token and text."""

    largest: Tensor  # [T, n] largest score so far, -inf for none
    mass: Tensor  # [T, n] Σ exp(score − largest)
    total: Tensor  # [T, n, K] Σ exp(score − largest) · value

    def merge(self, other: "Pool") -> "Pool":
        """Both sums as one."""
        largest = torch.maximum(self.largest, other.largest)
        mine, theirs = (self.largest - largest).exp(), (other.largest - largest).exp()
        total = self.total * mine.unsqueeze(2) + other.total * theirs.unsqueeze(2)
        return Pool(largest, self.mass * mine + other.mass * theirs, total)


def logits_by_shared_prefixes(model: AttentionModel, batch: Batch, output: Output) -> Tensor:
    """Logits [n, T, C] without each token, for texts of one length T ≥ 2; `output` is the whole text's."""
    encoder = model.encoder
    assert isinstance(encoder, Recurrent)
    embedded = model.embedding(batch.ids)  # [n, L, d]
    projection = joint_projection(model, output.query)
    half = encoder.forwards.hidden_size
    left, right = slice(0, half), slice(half, None)
    # What the unchanged half of each state contributes, bias included.
    before, after = (projection(output.states[..., part], part) for part in (left, right))
    forward = sweep(encoder.forwards, embedded, projection, left, after)
    backward = sweep(encoder.backwards, embedded.flip(1), projection, right, before.flip(1))
    pool = forward.merge(Pool(*(part.flip(0) for part in backward)))
    return projection.logits((pool.total / pool.mass.unsqueeze(2)).transpose(0, 1))


def sweep(
    rnn: nn.LSTM | nn.GRU, embedded: Tensor, projection: JointProjection, part: slice, unchanged: Tensor
) -> Pool:
    """One direction: pool, for each left-out token, the states at the token positions after it.

    embedded [n, L, d] and unchanged [n, L, A + K] are in the direction's own order. Slot 0 is the whole text,
    slot t the text without position t; slot t starts as a copy of slot 0 just before position t.
    """
    n, length = embedded.shape[:2]
    tokens = length - 2
    state = initial(rnn, tokens + 1, n)
    gates = input_gates(rnn, embedded.transpose(0, 1))  # [L, n, G]
    step = recurrence(rnn, state)
    unchanged = unchanged.transpose(0, 1).contiguous()  # [L, n, A + K]
    weight = projection.weight[..., part].mT.contiguous()  # [H, A + K] or [n, H, A + K]
    size = projection.weight.shape[-2] - projection.n_hidden
    zeros = embedded.new_zeros
    pool = Pool(embedded.new_full((tokens, n), -torch.inf), zeros(tokens, n), zeros(tokens, n, size))
    for k in range(length - 1):  # the last position, the end symbol, is never pooled
        if 1 <= k <= tokens:
            for slots in state:
                slots[k] = slots[0]
        step(gates[k], max(k, 1))  # slots 0 … k - 1 have begun
        if k >= 2:
            changed = state[0][1:k]
            if weight.dim() == 2:
                projected = changed @ weight
            else:  # one matrix per text
                projected = (changed.transpose(0, 1) @ weight).transpose(0, 1)
            scores, values = projection.split(projected.add_(unchanged[k]))
            begun = Pool(*(whole[: k - 1] for whole in pool))
            merged = begun.merge(Pool(scores, torch.ones_like(scores), values))
            for whole, now in zip(begun, merged, strict=True):
                whole.copy_(now)
    return pool


def initial(rnn: nn.LSTM | nn.GRU, slots: int, n: int) -> list[Tensor]:
    """The state of texts not begun, [slots, n, H]: hidden, and for an LSTM the cell."""
    like = rnn.get_parameter("bias_ih_l0")
    return [like.new_zeros(slots, n, rnn.hidden_size) for _ in range(1 + isinstance(rnn, nn.LSTM))]


def doubled(rnn: nn.LSTM | nn.GRU) -> Tensor:
    """Factor of each gate [G]: 2 for the candidate's rows, whose tanh becomes a sigmoid, else 1."""
    factor = torch.ones_like(rnn.get_parameter("bias_ih_l0"))
    factor[2 * rnn.hidden_size : 3 * rnn.hidden_size] = 2
    return factor


def input_gates(rnn: nn.LSTM | nn.GRU, embedded: Tensor) -> Tensor:
    """What embeddings [..., d] add to the gates [..., G] of one direction, biases that may join them too."""
    bias: Tensor = rnn.get_parameter("bias_ih_l0")
    if isinstance(rnn, nn.LSTM):
        bias = bias + rnn.get_parameter("bias_hh_l0")
    return (embedded @ rnn.get_parameter("weight_ih_l0").T + bias) * doubled(rnn)


def recurrence(rnn: nn.LSTM | nn.GRU, state: list[Tensor]) -> Step:
    """The step of one direction over the slots of a state (`initial`)."""
    hidden, *cell = state
    size, factor = rnn.hidden_size, doubled(rnn)
    product = (rnn.get_parameter("weight_hh_l0") * factor.unsqueeze(1)).T.contiguous()  # [H, G]
    bias = rnn.get_parameter("bias_hh_l0") * factor
    slots, n = hidden.shape[:2]
    given = hidden.new_empty(slots, n, len(bias))

    def lstm(inputs: Tensor, active: int) -> None:
        given[:active] = inputs
        gates = given[:active].flatten(0, 1).addmm_(hidden[:active].flatten(0, 1), product).sigmoid_()
        entry, forget, new, exit_ = gates.view(active, n, -1).split(size, dim=-1)
        now = cell[0][:active]
        now.mul_(forget).addcmul_(entry, new, value=2).sub_(entry)  # f c + i (2σ − 1)
        out = torch.mul(now, 2, out=hidden[:active]).sigmoid_().mul_(2).sub_(1)  # tanh c
        out.mul_(exit_)

    def gru(inputs: Tensor, active: int) -> None:
        now = given[:active].copy_(inputs)
        states = torch.addmm(bias, hidden[:active].flatten(0, 1), product).view(active, n, -1)
        both = (states[..., : 2 * size] + now[..., : 2 * size]).sigmoid_()
        reset, update = both.split(size, dim=-1)
        new = torch.addcmul(now[..., 2 * size :], reset, states[..., 2 * size :])
        new.sigmoid_().mul_(2).sub_(1)
        torch.lerp(new, hidden[:active], update, out=hidden[:active])

    return lstm if isinstance(rnn, nn.LSTM) else gru


def states_of_words(encoder: Recurrent, table: tuple[Tensor, Tensor], ids: Tensor, lengths: Tensor) -> Tensor:
    """The states [n, L, 2H] of texts given as rows of a table of words, ids [n, L]; zero beyond each text.

    table: `input_gates` of each direction for every word, [words, G]. Where many texts share few words this
    leaves the recurrence alone to be computed: for 300-d vectors and 128 units a third of the work.
    """
    n, length = ids.shape
    lengths = lengths.to(ids.device)
    real = torch.arange(length, device=ids.device).unsqueeze(1) < lengths  # [L, n]
    shortest = int(lengths.min())
    states = table[0].new_empty(n, length, 2 * encoder.forwards.hidden_size)
    half = encoder.forwards.hidden_size
    for rnn, gates, found, order in (
        (encoder.forwards, table[0], states[..., :half], range(length)),
        (encoder.backwards, table[1], states[..., half:], range(length)[::-1]),
    ):
        state = initial(rnn, 1, n)
        step = recurrence(rnn, state)
        for position in order:
            step(gates[ids[:, position]], 1)
            if position >= shortest:  # some texts have ended, or, backwards, not begun
                for slots in state:
                    slots.mul_(real[position].unsqueeze(1))
            found[:, position] = state[0][0]
    return states
