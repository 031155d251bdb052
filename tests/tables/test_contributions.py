"""Scores of tokens beside their Shapley values."""

import math

import pytest
import torch
from scipy import stats

from attnlib.kernels import naive, shapley
from attnlib.tables.contributions import METRICS, against_all, centred, explanations, likeness, of_classes
from tests.kernels.cases import make, one, with_head


@pytest.mark.parametrize("classes", [2, 4])
def test_the_scores_one_token_at_a_time(classes):
    readout = make(12, 6, classes, seed=1, scale=1.0)
    found = explanations(readout)
    for i, text in enumerate(naive.texts(readout)):
        z, own = centred(text.scores[0]), centred(text.logits()[0])
        for t, weight in enumerate(text.alpha[0]):
            left_out = centred(naive.logits_without(text, torch.arange(len(z)) == t))
            expected = {
                "attention": weight.expand(classes),
                "gradient": z[t],
                "attention × gradient": weight * z[t],
                "centred product": weight * (z[t] - (own - centred(text.bias))),
                "leave-one-out": own - left_out,
            }
            assert list(expected) == list(found)
            for name, score in expected.items():
                torch.testing.assert_close(found[name][i, t], score, rtol=0, atol=1e-12)
    assert all((score[~readout.mask] == 0).all() for score in found.values())


def test_of_two_classes_leave_one_out_has_the_sign_of_the_centred_product():
    readout = make(50, 8, 2, seed=2, shortest=2)
    found = explanations(readout)
    product, change = (found[name][readout.mask] for name in ("centred product", "leave-one-out"))
    assert torch.equal(product.sign(), change.sign())


@pytest.mark.parametrize("name", ["attention × gradient", "centred product"])
def test_of_equal_weights_the_products_have_the_order_of_the_shapley_values(name):
    readout = one([0.125] * 8, torch.randn(8, generator=torch.Generator().manual_seed(3)).tolist())
    found = likeness(explanations(readout)[name][..., 1], shapley(readout).values[..., 1], readout.mask)
    assert found["tau"].item() == pytest.approx(1)
    assert found["distance"].item() > 0.01


def test_likeness():
    g = torch.Generator().manual_seed(4)
    x, y = torch.randn(2, 9, 7, generator=g, dtype=torch.float64)
    mask = torch.arange(7) < torch.randint(2, 8, (9, 1), generator=g)
    found = likeness(x.masked_fill(~mask, torch.nan), y.masked_fill(~mask, torch.nan), mask)
    assert tuple(found) == METRICS
    for i in range(9):
        a, b = x[i][mask[i]].tolist(), y[i][mask[i]].tolist()
        assert found["tau"][i].item() == pytest.approx(stats.kendalltau(a, b).statistic)
        cosine = sum(p * q for p, q in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)
        assert found["distance"][i].item() == pytest.approx(math.sqrt(2 - 2 * cosine))
        top = [max(range(len(s)), key=lambda t, s=s: abs(s[t])) for s in (a, b)]
        assert found["same_top"][i].item() == (top[0] == top[1])
        signs = [p * q > 0 for p, q in zip(a, b, strict=True)]
        assert found["same_sign"][i].item() == pytest.approx(sum(signs) / len(signs))


def test_where_it_is_not_defined():
    nothing, mask = torch.zeros(1, 3), torch.ones(1, 3, dtype=torch.bool)
    found = likeness(nothing, nothing, mask)
    assert all(found[name].isnan().all() for name in ("tau", "distance", "same_sign"))
    alone = likeness(nothing[:, :1] + 2, nothing[:, :1] + 1, mask[:, :1])
    assert alone["tau"].isnan().all()
    assert alone["distance"].item() == 0


def test_each_text_its_own_class():
    x = torch.arange(12.0).view(2, 2, 3)
    assert of_classes(x, torch.tensor([2, 0])).tolist() == [[2.0, 5.0], [6.0, 9.0]]


def test_a_head_is_refused():
    with pytest.raises(ValueError, match="linear head"):
        explanations(with_head(2, 3))


def test_against_all_changes_no_probability():
    readout = make(6, 4, 3, seed=5)
    found = against_all(readout)
    torch.testing.assert_close(found.probabilities(), readout.probabilities(), rtol=0, atol=1e-12)
    assert found.logits().sum(1).abs().max() < 1e-12
