"""The recurrence of `attnlib.models.gru` against torch's own, and its gradient against finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from attnlib.models.encoders import BiGRU
from attnlib.models.gru import states_of


def layers_and_inputs(n: int, length: int, k: int = 2) -> tuple[list[nn.GRU], list[Tensor]]:
    """K random layers of 5 → 3 and an input [n, length, 5] for each."""
    torch.manual_seed(10 * n + length)
    layers = [nn.GRU(5, 3, batch_first=True).double() for _ in range(k)]
    inputs = [torch.randn(n, length, 5, dtype=torch.float64).requires_grad_() for _ in range(k)]
    return layers, inputs


def value_and_gradients(states: list[Tensor], layers: list[nn.GRU], inputs: list[Tensor]) -> list[Tensor]:
    """The states, and the gradients of a fixed random sum of them by all inputs and parameters."""
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(each.shape, generator=generator, dtype=each.dtype) for each in states]
    total = sum((each * weights).sum() for each, weights in zip(states, drawn, strict=True))
    sources = [*inputs, *(parameter for layer in layers for parameter in layer.parameters())]
    return [*states, *torch.autograd.grad(total, sources)]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(("n", "length"), [(1, 1), (1, 7), (4, 1), (3, 13), (17, 2)])
def test_states_and_gradients_are_those_of_torch(n: int, length: int, k: int) -> None:
    layers, inputs = layers_and_inputs(n, length, k)
    ours = value_and_gradients(states_of(layers, inputs), layers, inputs)
    layer_by_layer = [layer(each)[0] for layer, each in zip(layers, inputs, strict=True)]
    theirs = value_and_gradients(layer_by_layer, layers, inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-13)


def test_saturated_gates_keep_the_first_state_and_its_gradient() -> None:
    layers, inputs = layers_and_inputs(2, 50, k=1)
    with torch.no_grad():
        for parameter in layers[0].parameters():
            parameter.zero_()
        layers[0].bias_ih_l0[3:6] = 800.0  # the update gate: all of the state before, which is zero
    states = states_of(layers, inputs)[0]
    assert (states == 0).all()
    gradient = torch.autograd.grad(states.sum(), inputs[0])[0]
    assert (gradient == 0).all()  # and not NaN


def test_a_text_that_is_not_a_number_spoils_no_other() -> None:
    layers, inputs = layers_and_inputs(3, 6)
    clean = states_of(layers, inputs)
    nan = torch.tensor([0.0, torch.nan, 0.0]).view(3, 1, 1)
    poisoned = [each + nan for each in inputs]
    for states, expected in zip(states_of(layers, poisoned), clean, strict=True):
        assert states[1].isnan().all()
        assert torch.equal(states[[0, 2]], expected[[0, 2]])


def test_the_encoder_reads_both_ways_and_no_padding() -> None:
    torch.manual_seed(0)
    encoder = BiGRU(5, 3).double()
    lengths = torch.tensor([1, 4, 9])
    embedded = torch.randn(3, 9, 5, dtype=torch.float64)
    mask = torch.arange(9) < lengths.unsqueeze(1)
    states, summary = encoder(embedded.masked_fill(~mask.unsqueeze(2), 1e6), lengths, mask)
    for row, length in enumerate(lengths.tolist()):
        text = embedded[row : row + 1, :length]
        right, left = encoder.forwards(text)[0][0], encoder.backwards(text.flip(1))[0][0].flip(0)
        torch.testing.assert_close(states[row, :length], torch.cat([right, left], dim=1))
        torch.testing.assert_close(summary[row], torch.cat([right[-1], left[0]]))
        assert (states[row, length:] == 0).all()
