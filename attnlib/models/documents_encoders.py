"""Encoders of document models, faster on a CPU than PyTorch's own layers, with equal results.

Called as those of `attnlib.models.encoders`: `encoder(items [N, L, d], lengths [N], mask [N, L])` gives
states [N, L, m] and a summary [N, m]. Padding never changes the states of a row.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from attnlib.models.encoders import BiGRU, Convolution

WIDTHS = (3, 5)
CONVOLUTION_DROPOUT = 0.3


class Dropout(nn.Module):
    """Each number is zero with probability `share`, else divided by 1 - share; nothing in evaluation.

    The share is rounded to 1/65,536: four draws come from one 64-bit random number, since drawing one number
    an element takes longer than most layers do.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, items: Tensor) -> Tensor:
        """The items with some of them dropped, same shape."""
        dropped = round(self.share * 65_536)
        if not self.training or dropped == 0:
            return items
        bits = torch.empty(-(-items.numel() // 4), dtype=torch.int64, device=items.device)
        bits = bits.random_(-(2**63), None).view(torch.int16)[: items.numel()].view(items.shape)
        return items * (bits >= dropped - 32_768) * (65_536 / (65_536 - dropped))


class Identity(nn.Module):
    """No encoder: the states are the items themselves."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.size = dimension

    def forward(self, items: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, d], and their sum [N, d]."""
        return items, (items * mask.unsqueeze(2)).sum(dim=1)


class DroppedConvolution(Convolution):
    """Convolutions of widths 3 and 5 behind a dropout of 0.3; padding is zero before and after them."""

    def __init__(self, dimension: int, filters: int) -> None:
        super().__init__(dimension, filters, WIDTHS)
        self.dropout = Dropout(CONVOLUTION_DROPOUT)

    def forward(self, items: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, filters·widths], zero off the mask, and summary."""
        items = self.dropout(items * mask.unsqueeze(2))
        # One matrix product for all filters and taps, whose shifted results are added up.
        weights = [layer.get_parameter("weight") for layer in self.convolutions]
        taps = torch.cat([weight.permute(2, 0, 1).flatten(0, 1) for weight in weights])
        products = (items @ taps.T).split(self.size // len(weights), dim=2)
        parts, first = [], 0
        for layer, width in zip(self.convolutions, self.widths, strict=True):
            total: Tensor = layer.get_parameter("bias")
            for tap in range(width):
                padded = nn.functional.pad(products[first + tap], (0, 0, width // 2, width // 2))
                total = total + padded[:, tap : tap + items.shape[1]]
            parts.append(total)
            first += width
        states = torch.cat(parts, dim=2).relu() * mask.unsqueeze(2)
        return states, states.amax(dim=1)


class DocumentGRU(BiGRU):
    """Bidirectional GRU with the released initial parameters.

    Input weights Xavier-uniform, recurrent ones orthogonal, input bias 0. The hidden bias comes from an
    initialiser made for an LSTM's four gates: it is 1 in the second quarter of the GRU's 3·hidden numbers
    (37 to 73 of 150, end of the reset and start of the update gate), else 0.
    """

    def __init__(self, dimension: int, hidden: int) -> None:
        super().__init__(dimension, hidden)
        for layer in (self.forwards, self.backwards):
            of_input, recurrent, bias, recurrent_bias = layer.all_weights[0]
            nn.init.xavier_uniform_(of_input)
            nn.init.orthogonal_(recurrent)
            nn.init.zeros_(bias)
            nn.init.zeros_(recurrent_bias)
            quarter = 3 * hidden // 4
            with torch.no_grad():
                recurrent_bias[quarter : 2 * quarter] = 1

    def forward(self, items: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, 2·hidden], zero on padding, and the last state of each direction [N, 2·hidden]."""
        if items.is_cuda:
            return super().forward(items, lengths, mask)
        both = zip(self.forwards.all_weights[0], self.backwards.all_weights[0], strict=True)
        inputs, weights, input_biases, biases = (torch.stack(pair) for pair in both)  # [2, ...] each
        n, length = mask.shape
        gates = (
            (items @ inputs.flatten(0, 1).T + input_biases.flatten())
            .view(n, length, 2, -1)
            .permute(1, 2, 0, 3)
        )  # [L, 2, N, 3H]
        # The second direction runs from the end: its time is turned round, and its padding comes first.
        gates = torch.stack([gates[:, 0], gates[:, 1].flip(0)], dim=1)
        real = torch.stack([mask.T, mask.T.flip(0)], dim=1).to(items.dtype).unsqueeze(3)  # [L, 2, N, 1]
        states = Recurrence.apply(gates, weights, biases, real)  # [L, 2, N, H]
        right, left = states[:, 0].transpose(0, 1), states[:, 1].flip(0).transpose(0, 1)
        last = right[torch.arange(n), lengths - 1]
        return torch.cat([right, left], dim=2), torch.cat([last, left[:, 0]], dim=1)


class Recurrence(torch.autograd.Function):
    """The GRU's recurrence, K directions in step, with the gradient written out.

    r, z = σ(x_rz + W_rz h + b_rz), n = tanh(x_n + r (W_n h + b_n)), h ← (1 - z) n + z h, and 0 on padding.
    """

    @staticmethod
    def forward(ctx: Any, gates: Tensor, weights: Tensor, bias: Tensor, real: Tensor) -> Tensor:
        """States [L, K, N, H]: gates x [L, K, N, 3H], W [K, 3H, H], b [K, 3H], real [L, K, N, 1] (1 or 0)."""
        length, directions, n, triple = gates.shape
        size = triple // 3
        switches = gates.new_empty(length, directions, n, 2 * size)  # r, z
        candidates = gates.new_empty(length, directions, n, size)  # n
        recurrent = gates.new_empty(length, directions, n, size)  # W_n h + b_n
        states = gates.new_zeros(length + 1, directions, n, size)
        turned, added = weights.transpose(1, 2), bias.unsqueeze(1)
        for t in range(length):
            h = torch.baddbmm(added, states[t], turned)
            recurrent[t] = h[..., 2 * size :]
            torch.add(gates[t, ..., : 2 * size], h[..., : 2 * size], out=switches[t]).sigmoid_()
            r, z = switches[t].split(size, dim=2)
            torch.addcmul(gates[t, ..., 2 * size :], r, recurrent[t], out=candidates[t]).tanh_()
            torch.lerp(candidates[t], states[t], z, out=states[t + 1]).mul_(real[t])
        ctx.save_for_backward(weights, real, switches, candidates, recurrent, states)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Gradients of gates, weights and bias."""
        (gradient,) = gradients
        weights, real, switches, candidates, recurrent, states = ctx.saved_tensors
        length, directions, n, size = candidates.shape
        r, z = switches.split(size, dim=3)
        before = states[:-1]
        # What a unit of gradient at a state passes on: to x_n, and to W h + b; all steps at once.
        to_candidate = (1 - z) * (1 - candidates * candidates) * real
        factors = torch.stack(
            [
                to_candidate * recurrent * r * (1 - r),
                (before - candidates) * z * (1 - z) * real,
                to_candidate * r,
            ],
            dim=3,
        )  # [L, K, N, 3, H]
        kept = z * real
        at_states = torch.empty_like(candidates)
        to_recurrent = torch.empty_like(factors)
        carried = torch.zeros_like(candidates[0])
        for t in range(length - 1, -1, -1):
            here = torch.add(gradient[t], carried, out=at_states[t])
            there = torch.mul(here.unsqueeze(2), factors[t], out=to_recurrent[t]).view(directions, n, -1)
            carried = torch.baddbmm(here * kept[t], there, weights)
        flat = to_recurrent.view(length, directions, n, 3 * size).transpose(0, 1).flatten(1, 2)
        to_weights = flat.transpose(1, 2) @ before.transpose(0, 1).flatten(1, 2)
        to_bias = flat.sum(dim=1)
        # The input's part of the candidate does not pass the reset gate; nothing else differs.
        to_gates = to_recurrent
        torch.mul(at_states, to_candidate, out=to_gates[:, :, :, 2])
        return to_gates.view(length, directions, n, 3 * size), to_weights, to_bias, None
