"""Explanations from attention maps against worked examples and loops."""

import numpy as np
import pytest
import torch

from attnlib.explain.transformers import maps, methods
from attnlib.explain.transformers.passes import Map

ROW = torch.tensor([0])


def random_maps(layers, n=3, heads=2, queries=4, keys=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, heads, queries, keys, generator=generator).softmax(-1) for _ in range(layers)]


def noise(like, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(layer.shape, generator=generator) for layer in like]


def test_rollout_of_uniform_attention_is_uniform_beside_the_row_s_own():
    uniform = [torch.full((1, 1, 3, 3), 1 / 3)] * 2
    found = maps.rollout(uniform, ROW)
    # (U + I)/2 twice: U/2 + U/4 + I/4 = 3/4 U + 1/4 I.
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.25, 0.25]]))
    torch.testing.assert_close(maps.rollout(uniform * 30, ROW), torch.full((1, 3), 1 / 3))


def test_generic_attribution_of_three_tokens_by_hand():
    # One head, two layers; only the first row of the last layer and what it points at matters.
    first = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.2, 0.3, 0.5]]).view(1, 1, 3, 3)
    last = torch.tensor([[0.2, 0.6, 0.2], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).view(1, 1, 3, 3)
    one = torch.ones(1, 1, 3, 3)
    slope = torch.tensor([[1.0, 2.0, -5.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]).view(1, 1, 3, 3)
    # R₁ = I + A₁ = [[2, 0, 0], [0, 1.5, .5], [.2, .3, 1.5]]
    # Row 0 of R₂ = R₁[0] + .2 R₁[0] + 1.2 R₁[1] + 0 R₁[2] = [2.4, 1.8, .6]
    layers = [first * one, last * slope]
    found = maps.attribution(layers)[:, 0]
    torch.testing.assert_close(found, torch.tensor([[2.4, 1.8, 0.6]]))
    # Without the clamp the last product is −1: R₁[2] is taken away once.
    signed = maps.attribution(layers, clamp=False)[:, 0]
    torch.testing.assert_close(signed, torch.tensor([[2.2, 1.5, -0.9]]))


def test_what_each_attribution_goes_through():
    (weights,) = random_maps(1)
    gradient, relevance = noise([weights])[0], noise([weights], seed=2)[0]
    layer = Map("layer", weights, weights, gradient=gradient, relevance=relevance)
    for method, expected in (
        ("transformer attribution", gradient * relevance),
        ("generic attribution", weights * gradient),
    ):
        assert torch.equal(methods.OF_A_MAP[method](layer), expected)


def test_attribution_is_the_product_of_factors():
    layers, joint = noise(random_maps(3)), torch.eye(4).repeat(3, 1, 1)
    for layer in layers:
        joint = (torch.eye(4) + layer.clamp(min=0).mean(1)) @ joint
    torch.testing.assert_close(maps.attribution(layers), joint)


def test_norm_of_the_transformed_value_by_loops():
    weights, values, output = random_maps(1)[0], torch.randn(3, 4, 6), torch.randn(7, 6)
    joint = maps.attention_times_norm(weights, values, output)
    alone = maps.attention_times_norm(weights, values, output, joint=False)
    assert joint.shape == (3, 1, 4, 4)
    assert alone.shape == (3, 2, 4, 4)
    for n, query, key in np.ndindex(3, 4, 4):
        parts = weights[n, :, query, key, None] * values[n, key].view(2, 3)
        each = [output[:, :3] @ parts[0], output[:, 3:] @ parts[1]]
        expected = torch.stack([part.norm() for part in each])
        torch.testing.assert_close(alone[n, :, query, key], expected, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(joint[n, 0, query, key], sum(each).norm(), rtol=1e-5, atol=1e-6)


def test_single_layers_by_loops():
    layers, row = noise(random_maps(3)), torch.tensor([1, 0, 3])
    at = torch.arange(3)
    torch.testing.assert_close(maps.single_layer(layers, row), layers[2].mean(1)[at, row])
    torch.testing.assert_close(maps.single_layer(layers, row, heads=1, layers=0), layers[0][at, 1, row])
    found = maps.single_layer(layers, row, heads="max", layers="mean", clamp=True)
    expected = sum(layer.clamp(min=0).amax(1)[at, row] for layer in layers) / 3
    torch.testing.assert_close(found, expected)
    # A query of its own with weight 1 is the row; even weights are the mean of all.
    one = torch.nn.functional.one_hot(row, 4)
    torch.testing.assert_close(maps.single_layer(layers, one), maps.single_layer(layers, row))
    even = torch.full((3, 4), 0.25)
    torch.testing.assert_close(maps.single_layer(layers, even), layers[2].mean(1).mean(1))
    with pytest.raises(ValueError, match="heads is 2: there are 2, from 0 to 1"):
        maps.single_layer(layers, row, heads=2)
    with pytest.raises(ValueError, match="layers is 3: there are 3, from 0 to 2"):
        maps.single_layer(layers, row, layers=3)


@pytest.mark.parametrize("clamp", [True, False])
def test_two_streams_that_never_meet_are_two_models(clamp):
    text, image = noise(random_maps(2)), noise(random_maps(2, queries=5, keys=5))
    steps = [{("text", "text"): layer} for layer in text] + [{("image", "image"): layer} for layer in image]
    found = maps.two_stream_attribution(steps, {"text": 4, "image": 5}, clamp)
    torch.testing.assert_close(found["text", "text"], maps.attribution(text, clamp))
    torch.testing.assert_close(found["image", "image"], maps.attribution(image, clamp))
    assert (found["text", "image"] == 0).all()


def test_one_cross_attention_hands_on_what_it_weighs():
    cross = torch.rand(1, 2, 3, 4)
    found = maps.two_stream_attribution([{("text", "image"): cross}], {"text": 3, "image": 4})
    # Both streams are the identity before it, whose off-identity part is empty.
    torch.testing.assert_close(found["text", "image"], cross.mean(1))
    torch.testing.assert_close(found["text", "text"], torch.eye(3)[None])


def test_both_directions_of_a_cross_attention_use_what_was_before():
    sizes = {"text": 3, "image": 4}
    own = [{(s, s): torch.rand(1, 1, n, n)} for s, n in sizes.items()]
    there, back = torch.rand(1, 1, 3, 4), torch.rand(1, 1, 4, 3)
    before = maps.two_stream_attribution(own, sizes)
    found = maps.two_stream_attribution([*own, {("text", "image"): there, ("image", "text"): back}], sizes)
    left = maps.normalised(before["text", "text"]).mT
    expected = left @ there[:, 0] @ maps.normalised(before["image", "image"])
    torch.testing.assert_close(found["text", "image"], expected)
    reverse = maps.two_stream_attribution([*own, {("image", "text"): back, ("text", "image"): there}], sizes)
    torch.testing.assert_close(found["image", "text"], reverse["image", "text"])


OF_WHICH = {
    "single layer": lambda layers, heads: maps.single_layer(layers, ROW, heads),
    "rollout": lambda layers, heads: maps.rollout(layers, ROW, heads=heads),
    "attribution": lambda layers, heads: maps.attribution(layers, heads=heads),
    "two streams": lambda layers, heads: maps.two_stream_attribution(
        [{("text", "text"): layers[0]}], {"text": 4}, heads=heads
    ),
    "layers": lambda layers, which: maps.single_layer(layers, ROW, layers=which),
}


@pytest.mark.parametrize("of", OF_WHICH)
@pytest.mark.parametrize(
    "value", ["avg", "MEAN", "0", "", None, 0.0, 1.5, True, np.bool_(False), (0,), np.nan]
)
def test_heads_and_layers_that_are_none_are_refused(of, value):
    which, first = ("layers", "last") if of == "layers" else ("heads", "mean")
    other = "mean" if of == "layers" else "max"
    with pytest.raises(ValueError, match=f"unknown {which} .*: give '{first}', '{other}' or a whole number"):
        OF_WHICH[of](random_maps(2, n=1), value)
