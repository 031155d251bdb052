"""Every number that a public kernel takes has bounds, and so have the numbers of a Readout."""

import inspect
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from attnlib import Readout, kernels
from tests.kernels.cases import allowing, make, with_head

READOUT = make(4, 3, seed=1)
GIVEN = {"readout": READOUT, "epsilon": 0.1, "n": 2, "ranking_scores": READOUT.alpha}
WRONG = [math.nan, math.inf, -math.inf, -1, True, "1", None, np.float32("nan"), torch.tensor(0.5), [1]]


def numeric():
    """(kernel, parameter) for every whole or real number that a public kernel takes."""
    found = []
    for name in kernels.__all__:
        for parameter in inspect.signature(getattr(kernels, name)).parameters.values():
            if parameter.annotation in (int, float):
                found.append((name, parameter.name))
    return found


def call(name, **given):
    function = getattr(kernels, name)
    needed = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
    ]
    return function(**{**{key: GIVEN[key] for key in needed}, **given})


def test_the_numbers_of_all_kernels():
    found = numeric()
    assert {parameter for _, parameter in found} == {
        "epsilon",
        "learning_rate",
        "n",
        "n_candidates",
        "n_draws",
        "n_permutations",
        "n_steps",
        "penalty",
        "seed",
    }
    assert len(found) >= 17


@pytest.mark.parametrize(("name", "parameter"), numeric())
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_wrong_number_is_refused_by_name(name, parameter, value):
    with pytest.raises(ValueError, match=f"{parameter}: must be a .*number"):
        call(name, **{parameter: value})


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("exact_adversary", "epsilon", 1.0000001),
        ("search_adversary", "epsilon", 2),
        ("search_adversary", "learning_rate", 1e7),
        ("search_adversary", "learning_rate", 0),
        ("search_adversary", "penalty", 1e300),
        ("search_adversary", "n_candidates", 0),
        ("permutation_test", "n_permutations", 10.0),
        ("random_orders", "n", 0),
        ("random_attention_test", "n_draws", 2.5),
    ],
)
def test_out_of_bounds(name, parameter, value):
    with pytest.raises(ValueError, match=f"{parameter}: must be a .*number"):
        call(name, **{parameter: value})


@pytest.mark.parametrize("epsilon", [0, 1, np.float32(0.25), np.float64(0.25), Fraction(1, 4)])
def test_numbers_of_any_kind_are_taken(epsilon):
    found = call("exact_adversary", epsilon=epsilon)
    assert torch.equal(found.jsd, call("exact_adversary", epsilon=float(epsilon)).jsd)
    call("search_adversary", n_steps=np.int64(2), seed=np.uint8(3), penalty=np.float32(3), learning_rate=1)


# ---------------------------------------------------------------- how large scores may be

LARGEST = {
    "float64": lambda: scores_of(1e30, torch.float64),
    "float32": lambda: scores_of(0.999e30, torch.float32),
    "bfloat16": lambda: scores_of(0.99e30, torch.bfloat16),
    "among ordinary ones": lambda: scores_of(1e30, torch.float64, share=0.3),
    "biases, too": lambda: scores_of(1e30, torch.float64, bias=1e30),
    "three classes": lambda: scores_of(1e30, torch.float32, classes=3, share=0.5, bias=-0.999e30),
    "1e17": lambda: scores_of(1e17, torch.float32),
}


def scores_of(size, dtype, classes=2, share=1.0, bias=1.0):
    r = make(9, 6, classes, seed=7)
    g = torch.Generator().manual_seed(1)
    large = torch.rand(r.scores.shape, generator=g) < share
    scores = torch.where(large, r.scores.sign() * size, r.scores).to(dtype)
    return Readout(r.alpha, scores, torch.tensor([0.0, bias, 0.0][:classes], dtype=dtype), r.mask)


@pytest.mark.parametrize("name", LARGEST)
def test_every_kernel_is_finite_at_the_bound(name):
    r = LARGEST[name]()
    order = kernels.attention_order(r)
    found = [
        r.probabilities(),
        kernels.erase_each(r)[r.mask],
        *kernels.erase_until_flip(r, order),
        *kernels.minimal_flip_set(r),
        *kernels.minimal_flip_mass(r),
        *kernels.reach(r)[:2],
        kernels.single_erasure(r, r.alpha).delta_js[r.lengths > 1],
        *kernels.search_adversary(r, 0.05, n_steps=4),
        *kernels.search_adversary(r, 0.05, n_steps=4, penalty=1e6, learning_rate=1e6, variant="released"),
        *kernels.adversary_bounds(r, 0.05, n_steps=2),
        kernels.permutation_test(r, 5),
        kernels.random_attention_test(r, 5),
        kernels.output_gradient(r)[r.mask],
        torch.tensor(kernels.check_first_flip(r, order, kernels.erase_until_flip(r, order))),
    ]
    if r.scores.shape[2] == 2:
        found += [
            *kernels.exact_adversary(r, 0.05),
            kernels.permutation_range(r),
            *kernels.permutation_moments(r),
        ]
    else:
        found += [*kernels.search_adversary(allowing(r, least=2), 0.05, n_steps=4)]
    assert all(x.double().isfinite().all() for x in found)


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("scores", (2, 1, 0), 1.1e30, r"scores: row 2, token 1 is beyond ±1e\+30 \(\[1\.1e\+30"),
        ("scores", (0, 0, 1), -1e39, r"scores: row 0, token 0 is beyond ±1e\+30"),
        ("scores", (0, 2, 1), 1.7e308, r"scores: row 0, token 2 is beyond ±1e\+30"),
        ("scores", (3, 0, 1), math.inf, "scores: row 3, token 0 is not finite"),
        ("bias", 1, -2e30, r"bias: class 1 is -2e\+30, beyond ±1e\+30"),
        ("bias", 0, math.nan, "bias: class 0 is nan, not finite"),
        ("offset", (2, 3), 1e300, r"offset: row 2, column 3 is 1e\+300, beyond ±1e\+30"),
        ("offset", (1, 0), -math.inf, "offset: row 1, column 0 is -inf, not finite"),
    ],
)
def test_larger_numbers_are_refused_by_row_and_token(name, index, value, message):
    r = with_head(4, 3)
    given = {key: getattr(r, key).double() for key in ("scores", "bias", "offset")}
    given[name][index] = value
    mask = torch.ones(4, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=message):
        Readout(r.alpha, given["scores"], given["bias"], mask, r.head, given["offset"])


@pytest.mark.parametrize("value", [math.inf, math.nan, 1e38])
def test_every_dtype_has_the_bound(value):
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        scores = READOUT.scores.to(dtype)
        scores[0, 1, 1] = value  # in half precision 1e38 is infinite
        with pytest.raises(ValueError, match="scores: row 0, token 1 is"):
            Readout(READOUT.alpha, scores, READOUT.bias, READOUT.mask)


def test_the_scores_of_a_class_that_is_not_allowed_are_not_read():
    r = make(5, 4, 4, seed=2)
    allowed = torch.tensor([[True, True, False, True]] * 5)
    expected = Readout(r.alpha, r.scores, r.bias, r.mask, allowed=allowed)
    for value in (1e300, math.nan, -math.inf):
        scores = r.scores.clone()
        scores[..., 2] = value
        found = Readout(r.alpha, scores, r.bias, r.mask, allowed=allowed)
        assert torch.equal(found.scores, expected.scores)
        assert torch.equal(found.probabilities(), expected.probabilities())
        assert kernels.search_adversary(found, 0.1, n_steps=3).weights.isfinite().all()
        scores[3, 0, 1] = value
        with pytest.raises(ValueError, match="scores: row 3, token 0 is"):
            Readout(r.alpha, scores, r.bias, r.mask, allowed=allowed)
