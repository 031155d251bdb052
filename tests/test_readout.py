import subprocess
import sys

import numpy as np
import pytest
import torch

import attnlib
from attnlib import Readout
from tests.kernels.cases import allowing, alone, make, with_head


def parts(c=2):
    r = make(3, 4, c, seed=1, shortest=4)
    return {"alpha": r.alpha, "scores": r.scores, "bias": r.bias, "mask": r.mask}


def test_logits_are_the_definition(monkeypatch):
    r = make(5, 7, 3, seed=2)
    p = torch.rand(5, 7, dtype=torch.float64)
    expected = torch.stack([sum(p[i, t] * r.scores[i, t] for t in range(7)) + r.bias for i in range(5)])
    torch.testing.assert_close(r.logits(p), expected, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(r.probabilities(p), expected.softmax(1), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(r.logits(), r.logits(r.alpha))
    several = torch.rand(5, 4, 7)
    assert r.logits(several).shape == (5, 4, 3)
    torch.testing.assert_close(r.logits(several)[:, 2], r.logits(several[:, 2]))
    assert r.logits().dtype == torch.float64
    whole = r.logits()
    monkeypatch.setattr("attnlib.readout._BLOCK_ELEMENTS", 30)
    assert torch.equal(r.logits(), whole)


def test_prediction_is_the_first_on_ties():
    given = parts()
    r = Readout(given["alpha"], torch.zeros(3, 4, 3), torch.tensor([0.0, 1.0, 1.0]), given["mask"])
    assert r.predictions().tolist() == [1, 1, 1]


def test_dtypes_and_renormalisation_within_tolerance_only():
    given = parts()
    alpha, given["scores"] = given["alpha"], given["scores"].half()
    r = Readout(**given | {"alpha": (alpha * (1 + 0.9e-4)).float()})
    assert (r.alpha.dtype, r.scores.dtype) == (torch.float64, torch.float16)
    assert (r.alpha.sum(1) - 1).abs().max() < 1e-15
    with pytest.raises(ValueError, match="row 0 sums to"):
        Readout(**given | {"alpha": alpha * (1 + 1.2e-4)})


def arguments(head):
    """Everything that a Readout takes, in the dtypes it keeps; with a head also an offset."""
    r = with_head(4, 3) if head else make(4, 3, 3, seed=5, shortest=2)
    given = {"alpha": r.alpha, "scores": r.scores, "bias": r.bias, "mask": r.mask}
    given["allowed"] = allowing(r, least=2).allowed
    return {name: x.clone() for name, x in (given | ({"offset": r.offset} if head else {})).items()}


def spoil(x):
    """Write other values into a tensor or an array, in place."""
    x = x.detach() if isinstance(x, torch.Tensor) else torch.from_numpy(x)
    x.copy_(~x if x.dtype == torch.bool else x.flip(0) * 3 + 1)


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("kind", ["tensor", "numpy", "parameter", "view"])
def test_what_becomes_of_the_arguments_changes_nothing(kind, head):
    given = arguments(head)
    if kind == "numpy":
        given = {name: x.numpy() for name, x in given.items()}
    elif kind == "parameter":
        given = {n: torch.nn.Parameter(x) if x.is_floating_point() else x for n, x in given.items()}
    elif kind == "view":
        given = {name: torch.stack((x, x))[1] for name, x in given.items()}
    rule = with_head(4, 3).head if head else None
    r = Readout(**given, head=rule)
    before = {name: getattr(r, name).clone() for name in given}
    logits, part = r.logits().clone(), r.select([1, 0]).logits().clone()
    for name, x in given.items():
        spoil(x)
        assert torch.equal(getattr(r, name), before[name]), name
    assert torch.equal(r.logits(), logits)
    assert torch.equal(r.select([1, 0]).logits(), part)
    for index in (slice(0, 2), slice(None), [0, 1], torch.tensor([True, True, False, False])):
        chosen = r.select(index)
        for name in given:
            spoil(getattr(chosen, name))
    assert torch.equal(r.logits(), logits)  # a selection is a copy
    assert not any(getattr(r, name).requires_grad for name in given)


def test_head_and_offset():
    r = with_head(3, 5)
    pooled = r.pooled().float() + r.bias + r.offset
    torch.testing.assert_close(r.logits(), r.head(pooled).double())
    several = torch.stack((r.alpha, r.alpha.flip(1)), 1)
    torch.testing.assert_close(r.logits(several)[:, 0], r.logits())


@pytest.mark.parametrize("everything", [make(8, 5, 4, seed=4), with_head(8, 5)])
def test_a_class_that_is_not_allowed_is_never_predicted(everything):
    r = allowing(everything, least=2)
    assert everything.linear == (everything.head is None)
    assert not r.linear
    several = torch.rand(8, 3, 5, dtype=torch.float64)
    for weights in (None, several):
        logits, whole = r.logits(weights), everything.logits(weights)
        allowed = r.allowed if weights is None else r.allowed[:, None].expand_as(logits)
        assert torch.equal(logits, whole.masked_fill(~allowed, -torch.inf))
        p = r.probabilities(weights)
        assert (p[~allowed] == 0).all()
        torch.testing.assert_close(p.sum(-1), torch.ones_like(p[..., 0]))
    for i in range(8):
        torch.testing.assert_close(r.probabilities()[i, r.allowed[i]], alone(r, i).probabilities()[0])
    assert r.allowed[torch.arange(8), r.predictions()].all()
    assert not torch.equal(r.predictions(), everything.predictions())
    assert torch.equal(r.select([2, 0]).to("cpu").logits(), r.logits()[[2, 0]])
    assert r.to("meta").alpha.device.type == "meta"


def test_a_class_that_is_not_allowed_may_have_any_score():
    given = parts(c=3)
    given["scores"][..., 2] = 1e300
    allowed = torch.tensor([[True, True, False]] * 3)
    p = Readout(**given, allowed=allowed).probabilities()
    given["scores"][2, 0, 1] = torch.nan
    with pytest.raises(ValueError, match="scores: row 2, token 0 is"):
        Readout(**given, allowed=allowed)
    torch.testing.assert_close(p[:, :2], make(3, 4, 3, seed=1, shortest=4).logits()[:, :2].softmax(1))
    bad = Readout(
        **parts(), head=lambda pooled: pooled[..., [0, 1, 1]] / torch.tensor([1, 1, 0]), allowed=allowed
    )
    assert bad.probabilities().isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_head_of_several_is_the_whole_model(dtype):
    heads, g = [make(6, 5, 3, seed=0), make(6, 5, 3, seed=0, peak=0.1)], torch.Generator().manual_seed(0)
    alpha, mask, bias = torch.stack([r.alpha for r in heads], 1), heads[0].mask, heads[0].bias.to(dtype)
    scores = torch.randn(6, 2, 5, 3, generator=g).to(dtype)
    for head in range(2):
        r = Readout.of_head(alpha, scores, bias, mask, np.int64(head))
        weights = alpha.clone()
        for moved in (alpha[:, head], alpha[:, 1 - head]):
            weights[:, head] = moved
            expected = (weights[..., None] * scores).sum((1, 2)) + bias
            torch.testing.assert_close(r.logits(moved), expected, rtol=0, atol=1e-6)
    for given, message in (
        ((alpha, scores, bias, mask, 2), "head is 2: there are 2, from 0 to 1"),
        ((alpha, scores[:, 0], bias, mask, 0), r"expected alpha \[N, H, T\] and scores"),
        ((alpha * torch.tensor([[1], [2]]), scores, bias, mask, 0), "head 1: alpha: row 0 sums to 2"),
    ):
        with pytest.raises(ValueError, match=message):
            Readout.of_head(*given)


def test_select():
    r = make(6, 5)
    for index in (slice(1, 4), [3, 1], r.predictions() == r.predictions()[0], np.array([5])):
        chosen = r.select(index)
        assert torch.equal(chosen.alpha, r.alpha[index])
        assert torch.equal(chosen.scores, r.scores[index])
    for nothing in ([], slice(3, 3), torch.zeros(6, dtype=torch.bool), 2, r.mask):
        with pytest.raises(ValueError, match="index: must pick at least one text"):
            r.select(nothing)


def test_save_and_load_bit_for_bit(tmp_path):
    plain = make(50, 40, 3, dtype=torch.float32)
    for r in (allowing(plain), plain):
        r.save(tmp_path / "r.safetensors")
        back = Readout.load(tmp_path / "r.safetensors")
        for name in ("alpha", "scores", "bias", "mask"):
            assert torch.equal(getattr(back, name), getattr(r, name))
            assert getattr(back, name).dtype == getattr(r, name).dtype
        assert (back.allowed is None) if r.allowed is None else torch.equal(back.allowed, r.allowed)
    assert [p.name for p in tmp_path.iterdir()] == ["r.safetensors"]


def test_load_refuses_what_is_not_a_readout(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Readout at"):
        Readout.load(tmp_path / "missing")
    path = tmp_path / "r.safetensors"
    make(20, 9).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="is not a Readout"):
        Readout.load(path)
    from safetensors.torch import save_file

    save_file({"alpha": torch.ones(1, 1)}, path)
    with pytest.raises(ValueError, match="is not a Readout"):
        Readout.load(path)


def test_a_head_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="head: a Readout with a head cannot be saved"):
        with_head(2, 3).save(tmp_path / "r")
    assert not list(tmp_path.iterdir())


# The argument, where it gets another value (None: in all), the value, the message; a head where it is named.
NAN, INF = float("nan"), float("inf")
BAD = [
    ("alpha", (1, 2), NAN, r"row 1, token 2 is not finite \(nan\)"),
    ("alpha", (0, 3), INF, r"row 0, token 3 is not finite \(inf\)"),
    ("alpha", (2, 1), -0.25, r"row 2, token 1 is negative \(-0.25\)"),
    ("alpha", 1, 0.26, "row 1 sums to 1.04, not 1"),
    ("mask", 1, False, "row 1 has no token"),
    ("scores", (1, 3, 0), NAN, r"row 1, token 3 is not finite \(\[nan"),
    ("scores", (0, 0, 1), -INF, "row 0, token 0 is not finite"),
    ("scores", (0, 2, 1), -1.7e308, r"row 0, token 2 is beyond ±1e\+30"),
    ("scores", (2, 1, 0), 1.1e30, r"row 2, token 1 is beyond ±1e\+30 \(\[1\.1e\+30"),
    ("bias", 1, INF, r"class 1 is not finite \(inf\)"),
    ("bias", 1, -2e30, r"class 1 is beyond ±1e\+30 \(-2e\+30\)"),
    ("alpha", None, torch.ones(3), r"expected \[N, T\] .* got shape \[3\]"),
    ("alpha", None, torch.ones(3, 2, 4), r"expected \[N, T\].*of_head\(.*reach_of_heads"),
    ("alpha", None, torch.ones(0, 4), r"expected \[N, T\] with N, T ≥ 1"),
    ("alpha", None, torch.ones(3, 4, dtype=torch.int64), "expected a floating dtype"),
    ("scores", None, torch.ones(3, 5, 2), r"expected \[3, 4, C\]"),
    ("scores", None, torch.ones(3, 4, 1), "1 classes; at least 2 are needed. A sigmoid output"),
    ("bias", None, torch.ones(3), r"expected \[2\]"),
    ("mask", None, torch.ones(3, 5, dtype=torch.bool), r"expected \[3, 4\]"),
    ("mask", None, torch.ones(3, 4), "expected bool"),
    ("offset", None, torch.ones(3, 2), "only meaningful with a head"),
    ("allowed", None, torch.ones(3, 3, dtype=torch.bool), r"expected \[3, 2\], got shape \[3, 3\]"),
    ("allowed", None, torch.ones(3, dtype=torch.bool), r"expected \[3, 2\], got shape \[3\]"),
    ("allowed", None, torch.ones(3, 2), "expected bool .* got torch.float32"),
    ("allowed", 2, False, "row 2 has no class that may be predicted"),
    ("offset of a head", None, torch.ones(3, 4), r"expected \[3, 2\]"),
    ("offset of a head", (2, 1), NAN, "row 2, column 1 is not finite"),
    ("offset of a head", (2, 1), -1e38, r"row 2, column 1 is beyond ±1e\+30 \(-\d"),
    ("allowed of a head", None, torch.ones(2, 5).bool(), r"expected \[3, classes\], got shape \[2, 5"),
    *((name, None, None, "is None; give a tensor") for name in ("alpha", "scores", "bias", "mask")),
]


@pytest.mark.parametrize(("name", "index", "value", "message"), BAD)
def test_what_is_wrong_is_named_with_its_row(name, index, value, message):
    name, _, headed = name.partition(" of ")
    right = parts() | {"offset": torch.zeros(3, 2), "allowed": torch.ones(3, 2).bool()}
    if index is not None:
        right[name][index] = value
        value = right[name]
    given = parts() | {name: value} | ({"head": torch.tanh} if headed else {})
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        Readout(**given)


@pytest.mark.parametrize("value", [INF, NAN, 1e38])
def test_every_dtype_has_the_bound(value):
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        given = parts()
        given["scores"] = given["scores"].to(dtype)
        given["scores"][0, 1, 1] = value  # in half precision 1e38 is infinite
        with pytest.raises(ValueError, match="scores: row 0, token 1 is"):
            Readout(**given)


def test_weight_off_the_mask_and_a_head_of_other_classes_are_named():
    given = parts()
    given["mask"][2, 1] = False
    with pytest.raises(ValueError, match=r"alpha: row 2, token 1 has weight .* off the mask"):
        Readout(**given)
    some = torch.ones(3, 5, dtype=torch.bool)
    with pytest.raises(ValueError, match="allowed: 5 classes, but the head gives 2 logits"):
        Readout(**parts(), head=torch.tanh, allowed=some).logits()


def test_bad_weights():
    r = make(3, 4)
    for wrong in (torch.ones(3, 5), torch.ones(2, 4), torch.ones(4), torch.ones(3, 4, 2)):
        with pytest.raises(ValueError, match="weights: expected shape"):
            r.logits(wrong)


@pytest.mark.slow
def test_import_is_light():
    code = "import sys, attnlib as a; assert 'torch' not in sys.modules; assert a.Readout"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "Readout" in dir(attnlib)
    assert attnlib.__version__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        attnlib.Nothing  # noqa: B018
