"""Every explanation method by its name, and the random scores they are measured against."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attnlib.explain import METHODS, PUBLISHED, TARGETS, Trained, explain
from attnlib.explain.attention import attention_times_gradient
from attnlib.kernels.baselines import random_scores
from attnlib.models.reading import read
from tests import toy
from tests.kernels.cases import make, spread_out

WITHOUT_CAPTUM = tuple(name for name in METHODS if not name.startswith(("input", "integ", "gradient by emb")))


def trained(pair=False):
    model, vocabulary = toy.model("average", n_classes=3, pair=pair, seed=1)
    split = toy.split(12, pair=pair)
    return Trained(model, split, vocabulary, read(model, split, vocabulary))


@pytest.mark.parametrize("pair", [False, True])
def test_every_method_scores_every_token_and_speaks_against_the_prediction_only_if_signed(pair):
    pytest.importorskip("captum")
    to = trained(pair)
    found = explain(to)
    assert list(found) == list(METHODS)
    for name, scores in found.items():
        assert scores.dtype == torch.float64
        assert scores.shape == to.readout.mask.shape
        assert scores.isfinite().all()
        assert (scores[~to.readout.mask] == 0).all()
        assert bool((scores < 0).any()) == METHODS[name].signed
    together = [tuple(scores.flatten().tolist()) for scores in found.values()]
    assert len(set(together)) == len(METHODS)  # no name stands for another's scores


def test_the_published_six_in_the_paper_s_order():
    names = [METHODS[name].published for name in PUBLISHED]
    assert names == ["Random", "RawAtt", "AttIN", "AttGrad", "InputGrad", "IG"]


def test_methods_come_in_the_order_asked_for_with_the_target_asked_for():
    to = trained()
    asked = ("gradient by attention logit", "attention", "attention × gradient")
    for target in TARGETS:
        found = explain(to, asked, target)
        assert tuple(found) == asked
        expected = attention_times_gradient(to.readout, target)
        assert torch.equal(found["attention × gradient"], expected)


def test_the_seed_is_that_of_the_random_scores_alone():
    to = trained()
    first, same, other = (explain(to, WITHOUT_CAPTUM, seed=seed) for seed in (1, 1, 2))
    for name in WITHOUT_CAPTUM:
        assert torch.equal(first[name], same[name])
        assert torch.equal(first[name], other[name]) == ("random" not in name)


def test_random_scores_follow_the_ids_of_the_texts():
    to = trained()
    some = Trained(to.model, to.texts.select([5, 2]), to.vocabulary, to.readout.select([5, 2]))
    renamed = to._replace(texts=replace(to.texts, ids=tuple(f"other {i}" for i in range(12))))
    for name in ("random", "signed random"):
        drawn = explain(to, name, seed=3)[name]
        width = some.readout.mask.shape[1]
        assert torch.equal(explain(some, [name], seed=3)[name], drawn[[5, 2], :width])
        assert not torch.equal(explain(renamed, [name], seed=3)[name], drawn)


def test_unknown_names_are_refused_with_the_known_ones():
    to = trained()
    with pytest.raises(
        ValueError, match="unknown method 'atention': known are random, .*Did you mean 'attention'"
    ):
        explain(to, ["attention", "atention"])
    with pytest.raises(ValueError, match="unknown target 'odds': known are probability, logit, margin"):
        explain(to, ["attention"], "odds")


@pytest.mark.parametrize(("signed", "low"), [(False, 0.0), (True, -1.0)])
def test_random_scores_are_uniform_between_their_bounds(signed, low):
    r = make(400, 20, seed=1, shortest=15)
    drawn = random_scores(r, seed=3, signed=signed, ids=range(400))[r.mask].numpy()
    assert low <= drawn.min() <= drawn.max() < 1
    share = np.array([0.02, 0.25, 0.5, 0.75, 0.98])
    assert np.quantile(drawn, share) == pytest.approx(low + (1 - low) * share, abs=0.04)


@pytest.mark.parametrize("ids", [None, [f"text {i}" for i in range(20)]], ids=["unnamed", "named"])
@pytest.mark.parametrize("signed", [False, True])
def test_random_scores_depend_on_the_seed_and_the_text_alone(signed, ids):
    r = make(20, 9, seed=2)
    drawn = random_scores(r, 5, signed, ids)
    assert torch.equal(random_scores(r, 5, signed, ids), drawn)
    assert not torch.equal(random_scores(r, 6, signed, ids), drawn)
    some = ids and [ids[7], ids[3]]
    assert torch.equal(random_scores(r.select([7, 3]), 5, signed, some), drawn[[7, 3]])
    wide, columns = spread_out(r)
    far = random_scores(wide, 5, signed, ids)
    assert torch.equal(far[:, columns], drawn)
    assert (far[~wide.mask] == 0).all()
    # What a model computed is not looked at: not in the last digit, and not at all.
    near = replace(r, alpha=r.alpha * (1 + 1e-6 * torch.rand_like(r.alpha)))
    other = replace(make(20, 9, seed=77), mask=r.mask, alpha=r.mask / r.lengths[:, None].double())
    for changed in (near, other):
        assert torch.equal(random_scores(changed, 5, signed, ids), drawn)


def test_the_tokens_and_texts_draw_independently():
    r = make(300, 8, seed=3, shortest=8)
    drawn = random_scores(r, ids=range(300)).numpy()
    assert np.corrcoef(drawn.T)[~np.eye(8, dtype=bool)] == pytest.approx(0, abs=0.25)
    assert np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1] == pytest.approx(0, abs=0.25)
    assert len(np.unique(drawn)) == drawn.size
    alike = random_scores(r)  # without names
    assert torch.equal(alike, alike[:1].expand(300, 8))
