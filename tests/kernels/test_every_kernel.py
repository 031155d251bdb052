"""What holds for every kernel: formula, shapes, padding, batches, blocks, bounds of numbers, refusals."""

import inspect
import math
import re
import sys
import typing
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from attnlib import Readout, kernels
from attnlib.faithfulness import Violation
from attnlib.kernels import naive
from attnlib.tables.replay import FirstFlipCheck
from tests.kernels.cases import allowing, alone, make, spread_out, with_head

PUBLIC = {name: getattr(kernels, name) for name in kernels.__all__}
ANY, HEAD, LINEAR, TWO = "any", "a head", "linear", "two classes"  # what a kernel asks of a Readout
QUICK = {"n_steps": 12, "learning_rate": 0.05, "seed": 9}


def in_order(kernel):
    return lambda r: kernel(r, kernels.attention_order(r))


# name: what it asks, the shapes of what it returns, the call. After a shape b: bool, i: int64, c: int64
# columns of tokens; float64 otherwise.
TABLE = {
    "adversary_bounds": (LINEAR, "N N", lambda r: kernels.adversary_bounds(r, 0.1, 2, 12, seed=5)),
    "attention_order": (ANY, "NTc", kernels.attention_order),
    "centred_product_order": (LINEAR, "NTc", kernels.centred_product_order),
    "class_range": (LINEAR, "NC NC NC", kernels.class_range),
    "erase_each": (ANY, "NTC", kernels.erase_each),
    "erase_until_flip": (ANY, "Ni N N Nb Nb", in_order(kernels.erase_until_flip)),
    "exact_adversary": (TWO, "N NT N", lambda r: kernels.exact_adversary(r, 0.03)),
    "exchanged_logits": (HEAD, "NC", kernels.exchanged_logits),
    "flips_alone": (ANY, "Nb", kernels.flips_alone),
    "gradient_order": (LINEAR, "NTc", kernels.gradient_order),
    "greedy_order": (LINEAR, "NTc", kernels.greedy_order),
    "kendall_tau": (ANY, "N N", lambda r: kernels.kendall_tau(r.alpha, r.scores[..., 1], r.mask)),
    "minimal_flip_mass": (LINEAR, "N N Nb", kernels.minimal_flip_mass),
    "minimal_flip_set": (LINEAR, "Ni N N Nb Nb NTb", kernels.minimal_flip_set),
    "output_gradient": (LINEAR, "NT", kernels.output_gradient),
    "permutation_moments": (TWO, "N N", kernels.permutation_moments),
    "permutation_range": (TWO, "N2", kernels.permutation_range),
    "permutation_test": (ANY, "N", lambda r: kernels.permutation_test(r, 20, seed=3)),
    "permutation_test, odd": (ANY, "N", lambda r: kernels.permutation_test(r, 7, seed=3)),
    "product_order": (LINEAR, "NTc", kernels.product_order),
    "random_attention_test": (ANY, "N", lambda r: kernels.random_attention_test(r, 10, seed=1)),
    "random_orders": (ANY, "3NTc", lambda r: kernels.random_orders(r, 3, seed=4)),
    "random_scores": (ANY, "NT", lambda r: kernels.random_scores(r, seed=2)),
    "random_weights": (ANY, "NT", lambda r: kernels.random_weights(r, seed=1)),
    "reach": (LINEAR, "Nb N N N", kernels.reach),
    "search_adversary": (ANY, "N NT N", lambda r: kernels.search_adversary(r, 0.05, **QUICK)),
    "shapley": (LINEAR, "NTC NTC", kernels.shapley),
    "shapley, sampled": (LINEAR, "NTC NTC", lambda r: kernels.shapley(r, 20, 5, exact_up_to=4)),
    "shuffled_weights": (ANY, "NT", lambda r: kernels.shuffled_weights(r, seed=1)),
    "single_erasure, average": (ANY, "N N Nb N Nc", lambda r: kernels.single_erasure(r, r.alpha)),
    "single_erasure, drawn": (ANY, "N N Nb N Nc", lambda r: kernels.single_erasure(r, r.alpha, "drawn", 7)),
    "single_erasure, released": (
        ANY,
        "N N Nb N Nc",
        lambda r: kernels.single_erasure(r, r.alpha, "released"),
    ),
    "token_margins": (TWO, "NT", kernels.token_margins),
    "uniform_weights": (ANY, "NT", kernels.uniform_weights),
}
# Not of a Readout alone.
OTHERS = {"conicity", "flip_table", "jsd", "kl", "reach_of_heads", "tvd"}
DTYPES = {"b": torch.bool, "i": torch.int64, "c": torch.int64}

FORMULAS = {  # for all that a kernel returns, or the first of it
    "class_range": naive.class_range,
    "erase_each": naive.erase_each,
    "erase_until_flip": in_order(naive.erase_until_flip),
    "exact_adversary": lambda r: naive.exact_adversary(r, 0.03),
    "flips_alone": naive.reach,
    "kendall_tau": lambda r: naive.kendall_tau(r.alpha, r.scores[..., 1], r.mask),
    "minimal_flip_set": naive.minimal_flip_set,
    "output_gradient": naive.output_gradient,
    "permutation_moments": naive.permutation_moments,
    "permutation_range": naive.permutation_range,
    "permutation_test": lambda r: naive.permutation_test(r, 20, seed=3),
    "permutation_test, odd": lambda r: naive.permutation_test(r, 7, seed=3),
    "reach": naive.reach,
    "shapley": naive.shapley,
}

READOUTS = {
    "two classes": make(16, 9, 2, seed=30, scale=1.0),
    "ties": make(16, 9, 2, seed=31, ties=True),
    "five classes": make(16, 9, 5, seed=32, scale=1.0, dtype=torch.float32),
    "head": with_head(16, 9),
    "allowed": allowing(make(16, 9, 6, seed=33, scale=1.0), least=3),
}


def takes(name, readout):
    linear, two = readout.linear, len(readout.bias) == 2
    return {ANY: True, HEAD: readout.offset is not None, LINEAR: linear, TWO: linear and two}[TABLE[name][0]]


PAIRS = [(name, kind) for name in TABLE for kind, readout in READOUTS.items() if takes(name, readout)]


def results(name, readout):
    """Each tensor that a kernel returns, and its shape in letters."""
    found = TABLE[name][2](readout)
    return zip(found if isinstance(found, tuple) else (found,), TABLE[name][1].split(), strict=True)


@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if pair[0] in FORMULAS])
def test_a_kernel_is_its_formula(name, kind):
    readout = READOUTS[kind].select(READOUTS[kind].lengths <= 6)  # with one token, too
    expected = FORMULAS[name](readout)
    expected = expected if isinstance(expected, tuple) else (expected,)
    tolerance = dict(rtol=1e-12, atol=1e-15) if readout.head is None else dict(rtol=1e-5, atol=1e-6)
    for (found, _), formula in zip(results(name, readout), expected, strict=False):
        torch.testing.assert_close(found, formula, **tolerance, equal_nan=True)


def on_the_tokens(name, readout, columns=None):
    """Results with 0 off the mask; of a Readout that was spread out, in the columns it had before."""
    out, t = [], readout.mask.shape[1] if columns is None else len(columns)
    mask = readout.mask if columns is None else readout.mask[:, columns]
    for x, shape in results(name, readout):
        inside = torch.arange(t) < readout.lengths[:, None] if shape.endswith("c") else mask
        if columns is not None and shape.endswith("c"):
            before = torch.full((readout.mask.shape[1],), -1).index_put((columns,), torch.arange(t))
            x = before[x[..., :t] if "T" in shape else x]
        elif columns is not None and "T" in shape:
            x = x.index_select(shape.index("T"), columns)
        out.append(x.masked_fill(~(inside[..., None] if "TC" in shape else inside), 0) if "T" in shape else x)
    return out


def test_the_table_is_whole():
    assert {name.partition(",")[0] for name in TABLE} | OTHERS == set(PUBLIC)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize(("n", "t", "c"), [(1, 1, 2), (5, 7, 2), (4, 9, 3), (2, 6, 5)])
def test_shapes_and_dtypes(name, n, t, c):
    head = TABLE[name][0] == HEAD
    readout = with_head(max(n, 2), t, classes=c) if head else make(n, t, c, seed=1)
    if not takes(name, readout):
        pytest.skip("two classes only")
    sizes = {"N": len(readout), "T": t, "C": c, "2": 2, "3": 3}
    for x, shape in results(name, readout):
        assert x.shape == tuple(sizes[letter] for letter in shape.rstrip("bic"))
        assert x.dtype == DTYPES.get(shape[-1], torch.float64)
        assert x.device == readout.device


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_padding_batch_and_blocks_do_not_matter(name, kind, monkeypatch):
    readout = READOUTS[kind]
    found = on_the_tokens(name, readout)
    rows = torch.tensor([3, 7])
    wide, columns = spread_out(readout)  # NaN-poisoned
    others = [(found, on_the_tokens(name, wide, columns))]
    if name != "exchanged_logits":  # what stands in for a text is another one in the batch
        shapes = TABLE[name][1].split()
        picked = [x.index_select(s.index("N"), rows) for x, s in zip(found, shapes, strict=True)]
        others.append((picked, on_the_tokens(name, readout.select(rows))))
    for module in [m for path, m in sys.modules.items() if path.startswith("attnlib.kernels.")]:
        for budget in ("_BUDGET", "_TOKENS", "_NUMBERS", "_BLOCK", "_PAIRS"):
            monkeypatch.setattr(module, budget, 40) if hasattr(module, budget) else None
    others.append((found, on_the_tokens(name, readout)))
    single = readout.head is not None or name in ("search_adversary", "adversary_bounds")  # float32
    for expected, again in others:
        for a, b in zip(expected, again, strict=True):
            torch.testing.assert_close(b, a, rtol=0, atol=1e-6 if single else 1e-13, equal_nan=True)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[1].endswith("NTc")])
def test_an_order_is_one_of_all_columns_the_tokens_first(name):
    for readout in (READOUTS["two classes"], READOUTS["ties"], spread_out(READOUTS["five classes"])[0]):
        columns = torch.arange(readout.mask.shape[1])
        for order in TABLE[name][2](readout).view(-1, *readout.mask.shape):
            assert torch.equal(order.sort(1).values, columns.expand_as(order))
            assert torch.equal(readout.mask.gather(1, order), columns < readout.lengths[:, None])


# three classes or more: the released search measures two by another distance
MANY = {"linear": make(12, 7, 6, seed=1, scale=1.0), "head": with_head(12, 7, classes=6)}
MANY["ties"] = make(24, 6, 5, seed=3, ties=True)
OF_ANY = ["erase_each", "erase_until_flip", "flips_alone", "permutation_test", "search_adversary"]


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.parametrize("name", [*OF_ANY, "single_erasure, drawn"])
def test_classes_that_are_not_allowed_are_as_if_they_did_not_exist(name, kind):
    readout = allowing(MANY[kind], least=3)
    found = on_the_tokens(name, readout)
    for i in range(len(readout)):
        for x, single in zip(found, on_the_tokens(name, alone(readout, i)), strict=True):
            here = x[i] if name != "erase_each" else x[i][:, readout.allowed[i]]
            if name == "erase_each":
                assert (x[i][:, ~readout.allowed[i]] == 0).all()
            tolerance = 1e-4 if name == "search_adversary" else 1e-7  # near the hinge paths part
            torch.testing.assert_close(here, single[0], rtol=0, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.parametrize("name", ["erase_each", "erase_until_flip", "flips_alone", "single_erasure, drawn"])
def test_all_classes_allowed_is_as_if_nothing_had_been_said(name, kind):
    n, classes = MANY[kind].logits().shape
    whole = replace(MANY[kind], allowed=torch.ones(n, classes, dtype=torch.bool))
    for found, expected in zip(on_the_tokens(name, whole), on_the_tokens(name, MANY[kind]), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def test_one_allowed_class_is_predicted_whatever_happens():
    r = with_head(9, 6)
    r = replace(r, allowed=torch.nn.functional.one_hot(torch.arange(9) % 3, 3).bool())
    assert torch.equal(r.predictions(), torch.arange(9) % 3)
    assert (kernels.erase_each(r)[r.mask].sort(1).values == torch.tensor([0.0, 0.0, 1.0])).all()
    searched = kernels.search_adversary(r, 0.05, n_steps=40, learning_rate=0.05)
    assert (kernels.permutation_test(r, 9) == 0).all()
    assert (searched.tvd == 0).all()
    assert (searched.jsd > 0).any()  # every attention is as good
    erased = kernels.erase_until_flip(r, r.mask.sort(dim=1, descending=True, stable=True).indices)
    assert (erased.mass == 1).all()
    assert torch.equal(erased.count, r.lengths)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[0] in (LINEAR, TWO)])
def test_what_needs_linear_logits_says_so(name):
    refused = {"logits linear in the attention weights": with_head(2, 3)}
    refused["texts that allow every class"] = allowing(make(4, 5))
    if TABLE[name][0] == TWO:
        refused["two classes, this Readout has 3"] = make(2, 3, 3)
    for needed, readout in refused.items():
        with pytest.raises(ValueError, match=f"readout: {name.partition(',')[0]} needs {needed}"):
            TABLE[name][2](readout)


RETURNED = {typing.get_type_hints(kernel).get("return") for kernel in PUBLIC.values()}
RETURNED |= {FirstFlipCheck, Violation}
RESULTS = sorted((kind for kind in RETURNED if hasattr(kind, "_fields")), key=str)


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.__name__)
def test_the_docstring_names_every_field(kind):
    named = re.findall(r"^- `(\w+)`: ", kind.__doc__.replace("\n    ", "\n"), re.MULTILINE)
    assert tuple(named) == kind._fields


# ---------------------------------------------------------------- numbers have bounds

GIVEN = {"readout": make(4, 3, seed=1), "epsilon": 0.1, "n": 2, "ranking_scores": make(4, 3, seed=1).alpha}
WRONG = [math.nan, math.inf, -math.inf, -1, True, "1", None, np.float32("nan"), torch.tensor(0.5), [1]]
OUTSIDE = {"epsilon": [1.0000001, 2], "learning_rate": [0, 1e7], "penalty": [1e300]}
OUTSIDE |= {"seed": [2.5], "n_steps": [10.0]}
NUMBERS = [
    (name, parameter.name)
    for name, kernel in PUBLIC.items()
    for parameter in inspect.signature(kernel).parameters.values()
    if parameter.annotation in (int, float)
]


def call(name, **given):
    parameters = inspect.signature(PUBLIC[name]).parameters.values()
    needed = {p.name: GIVEN[p.name] for p in parameters if p.default is p.empty}
    return PUBLIC[name](**needed | given)


def test_the_numbers_of_all_kernels():
    named = "epsilon exact_up_to learning_rate n n_candidates n_draws n_permutations n_steps penalty seed"
    assert {parameter for _, parameter in NUMBERS} == set(named.split())
    assert len(NUMBERS) >= 17


@pytest.mark.parametrize(("name", "parameter"), NUMBERS)
def test_a_wrong_number_is_refused_by_name(name, parameter):
    for value in WRONG + OUTSIDE.get(parameter, [0, 2.5]):
        with pytest.raises(ValueError, match=f"{parameter}: must be a .*number"):
            call(name, **{parameter: value})


@pytest.mark.parametrize("epsilon", [0, 1, np.float32(0.25), np.float64(0.25), Fraction(1, 4)])
def test_numbers_of_any_kind_are_taken(epsilon):
    found = call("exact_adversary", epsilon=epsilon)
    assert torch.equal(found.jsd, call("exact_adversary", epsilon=float(epsilon)).jsd)
    call("search_adversary", n_steps=np.int64(2), seed=np.uint8(3), penalty=np.float32(3), learning_rate=1)


def large(size, dtype, classes=2, share=1.0, bias=1.0):
    """Texts of two tokens or more, of whose scores a share is ± size."""
    r = make(9, 6, classes, seed=7, shortest=2)
    chosen = torch.rand(r.scores.shape, generator=torch.Generator().manual_seed(1)) < share
    scores = torch.where(chosen, r.scores.sign() * size, r.scores).to(dtype)
    return Readout(r.alpha, scores, torch.tensor([0.0, bias, 0.0][:classes], dtype=dtype), r.mask)


LARGEST = {
    "float64": large(1e30, torch.float64),
    "float32": large(0.999e30, torch.float32),
    "bfloat16": large(0.99e30, torch.bfloat16),
    "among ordinary ones": large(1e30, torch.float64, share=0.3),
    "biases, too": large(1e30, torch.float64, bias=1e30),
    "three classes": large(1e30, torch.float32, classes=3, share=0.5, bias=-0.999e30),
    "1e17": large(1e17, torch.float32),
}


@pytest.mark.parametrize("size", LARGEST)
def test_every_kernel_is_finite_at_the_bound(size):
    r = LARGEST[size]
    names = [name for name in TABLE if takes(name, r) and name != "kendall_tau"]  # NaN where all are equal
    found = {name: on_the_tokens(name, r) for name in names}
    if len(r.bias) > 2:
        found["reach"] = found["reach"][:2]  # the others are NaN
        found["allowed"] = kernels.search_adversary(allowing(r, least=2), 0.05, n_steps=4)
    extreme = dict(penalty=1e6, learning_rate=1e6, variant="released")
    found["released"] = kernels.search_adversary(r, 0.05, n_steps=4, **extreme)
    assert all(x.double().isfinite().all() for each in found.values() for x in each)


def test_the_scores_of_a_class_that_is_not_allowed_are_not_read():
    clean = make(10, 6, 4, seed=5)
    allowed = torch.tensor([True, True, False, True]).expand(10, -1)
    expected = replace(clean, allowed=allowed)
    names = [name for name in TABLE if takes(name, expected) and name != "kendall_tau"]
    for value in (1e30, 1e300, math.nan, -math.inf):
        scores = clean.scores.clone()
        scores[..., 2] = value
        found = replace(clean, scores=scores, allowed=allowed)
        for name in names:
            for here, there in zip(on_the_tokens(name, found), on_the_tokens(name, expected), strict=True):
                torch.testing.assert_close(here, there, rtol=0, atol=0, equal_nan=True)
