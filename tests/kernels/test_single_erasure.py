"""One token erased against another: by hand, by definition, and the error of the released code."""

import math

import pytest
import torch

from attnlib import Readout
from attnlib.kernels import erase_each, flip_table, jsd, naive, output_gradient, single_erasure
from attnlib.kernels.erasure import SingleErasure
from tests.kernels.cases import allowing, make, one, with_head

READOUTS = {
    "two classes": lambda: make(25, 8, 2, seed=1, scale=1.0),
    "five classes, ties": lambda: make(25, 8, 5, seed=2, scale=1.0, ties=True),
    "float32": lambda: make(25, 8, 3, seed=3, scale=1.0, dtype=torch.float32),
    "head": lambda: with_head(15, 6),
    "allowed": lambda: allowing(make(15, 6, 6, seed=4, scale=1.0), least=2),
}


@pytest.fixture(params=READOUTS)
def readout(request):
    return READOUTS[request.param]()


def effects(text):
    """JS, α and flip of each single erasure in a text, by definition, [T, 3]."""
    after = erase_each(text)[0]  # [T, C]
    flips = after.argmax(1) != text.predictions()
    return torch.stack((jsd(after, text.probabilities()), text.alpha[0], flips.double()), 1)


def check(readout, scores, how, seed=0):
    found = single_erasure(readout, scores, how, seed)
    tolerance = dict(rtol=0, atol=1e-6 if readout.head else 1e-12, equal_nan=True)
    if how == "average":
        flips = found.flips_top.double() - found.flips_other
        difference = torch.stack((found.delta_js, found.delta_attention, flips), 1)
        torch.testing.assert_close(difference, naive.single_erasure(readout, scores), **tolerance)
        assert (found.other == -1).all()
        return found
    for i, text in enumerate(naive.texts(readout)):
        each, r = effects(text), int(found.other[i])
        values = torch.stack((found.delta_js[i], found.delta_attention[i], found.flips_other[i]))
        if len(each) == 1:
            assert (r, found.flips_top[i].item(), values.isnan().all().item()) == (-1, False, True)
            continue
        top = int(scores[i, : len(each)].argmax())  # the first of the largest
        assert r in range(len(each))
        assert r != top if how == "drawn" else r > 0
        assert found.flips_top[i].item() == bool(each[top, 2])
        expected = torch.stack((*(each[top] - each[r])[:2], each[r, 2]))
        torch.testing.assert_close(values, expected, **tolerance)
    return found


@pytest.mark.parametrize("how", ["average", "drawn", "released"])
def test_by_definition(readout, how):
    assert (readout.lengths == 1).any()
    assert check(readout, readout.alpha, how, seed=3).flips_top.any()


@pytest.mark.parametrize("how", ["average", "released"])
def test_another_ranking(how):
    r = make(20, 7, 3, seed=5, scale=1.0)
    found = check(r, output_gradient(r), how)  # NaN off the mask
    assert not torch.equal(found.delta_js, single_erasure(r, r.alpha, how).delta_js)


def test_by_hand():
    # margins .5·2 + .3·1 − .2·4 = .5; without 0: −1, without 1: 2/7, without 2: 1.625
    r = one([0.5, 0.3, 0.2], [2.0, 1.0, -4.0])
    p = [1 / (1 + math.exp(-m)) for m in (0.5, -1.0, 2 / 7, 1.625)]
    both = torch.tensor([[x, 1 - x] for x in p], dtype=torch.float64)
    js0, js1, js2 = naive.jsd(both[1:], both[0]).tolist()
    found = single_erasure(r, r.alpha)
    assert found.delta_js.item() == pytest.approx(js0 - (js1 + js2) / 2)
    assert found.delta_attention.item() == pytest.approx(0.5 - 0.25)
    assert (found.flips_top.item(), found.flips_other.item(), found.other.item()) == (True, 0.0, -1)
    assert flip_table(found).tolist() == [[0, 100], [0, 0]]
    by_gradient = single_erasure(r, torch.tensor([[2.0, 5.0, 5.0]]))  # the first of the largest
    assert by_gradient.delta_js.item() == pytest.approx(js1 - (js0 + js2) / 2)
    assert (by_gradient.flips_top.item(), by_gradient.flips_other.item()) == (False, 0.5)
    assert flip_table(by_gradient).tolist() == [[0, 0], [50, 50]]


def test_one_token_and_one_weight():
    found = single_erasure(one([1.0], [2.0]), torch.tensor([[1.0]]), "drawn")
    assert [str(x.item()) for x in found] == ["nan", "nan", "False", "nan", "-1"]
    assert flip_table(found).isnan().all()
    # erasing the only weight leaves the bias, which decides otherwise; the other token changes nothing
    found = single_erasure(one([0.0, 1.0], [5.0, 3.0], bias=-1.0), torch.tensor([[0.0, 1.0]]))
    assert (found.flips_top.item(), found.flips_other.item(), found.delta_attention.item()) == (True, 0, 1)
    assert found.delta_js.item() > 0


# The released code uses a rank as a position: i* itself in a third of the draws, the first token never.
@pytest.mark.parametrize(
    ("how", "top", "never"), [("drawn", 2, 2), ("drawn", 0, 0), ("released", 2, 0), ("released", 0, 0)]
)
def test_what_is_drawn(how, top, never):
    alpha = torch.tensor([0.1, 0.2, 0.5, 0.2]).roll(top - 2).expand(1200, -1)
    r = Readout(alpha, torch.zeros(1200, 4, 2), torch.zeros(2), torch.ones(1200, 4, dtype=torch.bool))
    expected = [0 if t == never else 1 / 3 for t in range(4)]
    ids = [f"text {i}" for i in range(1200)]
    other = single_erasure(r, r.alpha, how, 5, ids).other
    assert (other.bincount(minlength=4) / 1200).tolist() == pytest.approx(expected, abs=0.05)
    assert not torch.equal(other, single_erasure(r, r.alpha, how, 6, ids).other)
    # without names texts of one length draw alike
    assert len(single_erasure(r, r.alpha, how, 5).other.unique()) == 1


@pytest.mark.slow
def test_the_average_is_the_mean_of_draws():
    r = make(1, 4, 3, seed=11, shortest=4)
    draws = [single_erasure(r, r.alpha, "drawn", seed).delta_js.item() for seed in range(300)]
    assert len(set(draws)) == 3
    spread = (max(draws) - min(draws)) / math.sqrt(300)
    found = single_erasure(r, r.alpha).delta_js.item()
    assert found == pytest.approx(sum(draws) / 300, abs=3 * spread)
    assert found == pytest.approx(sum(set(draws)) / 3)


def test_a_draw_goes_with_its_name():
    r, ids = make(25, 8, 5, seed=2), [f"text {i}" for i in range(25)]
    found = single_erasure(r, r.alpha, "drawn", 7, ids)
    some = single_erasure(r.select([9, 7]), r.alpha[[9, 7]], "drawn", 7, [ids[9], ids[7]])
    assert torch.equal(some.other, found.other[[9, 7]])


def test_flip_table_by_counting():
    top = torch.tensor([True] * 3 + [False] * 8)
    other = torch.tensor([1.0, 0, 0, 1, 1, 1, 0, 0, 0, 0, torch.nan], dtype=torch.float64)
    found = flip_table(SingleErasure(other, other, top, other, other))
    torch.testing.assert_close(found, torch.tensor([[10, 20], [30, 40]], dtype=torch.float64))


def test_what_is_refused():
    r = make(3, 4, seed=1, shortest=4)
    with pytest.raises(ValueError, match="unknown how 'mean': known are average, drawn, released"):
        single_erasure(r, r.alpha, "mean")
    with pytest.raises(ValueError, match=r"ranking_scores: expected shape \[3, 4\] .* got \[3, 3\]"):
        single_erasure(r, r.alpha[:, :3])
    broken = r.alpha.clone()
    broken[2, 1] = torch.nan
    with pytest.raises(ValueError, match="ranking_scores: row 2, token 1 is nan"):
        single_erasure(r, broken)
