"""Adversaries and guides from trained models: the cache, whose texts they are on, and refusals."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from attnlib import data
from attnlib.kernels import exact_adversary, tvd
from attnlib.prepare import adversary as prepare_adversary
from attnlib.prepare import flat as prepare
from attnlib.prepare import guides
from attnlib.readout import Readout
from tests import toy

CHEAP = {"epochs": 2, "dimension": 8, "progress": False}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(data, "load", lambda name: toy.corpus(pair=name == "questions"))
        yield prepare.prepare("toy", limit=20, **CHEAP)


@pytest.mark.slow
def test_another_model_is_read_on_the_very_texts(base):
    other = prepare.prepare_like(base, seed=5, progress=False)
    assert other.texts.ids == base.texts.ids
    assert other.settings["training"]["seed"] == 5
    assert not torch.equal(other.readout.alpha, base.readout.alpha)
    again = prepare.prepare("toy", seed=5, **CHEAP)
    assert again.settings == other.settings
    with pytest.raises(ValueError, match="dataset"):
        prepare.prepare_like(base, dataset="questions")


@pytest.mark.slow
def test_uniform_attention_is_the_same_on_every_token(base):
    uniform = prepare.prepare_like(base, scorer="uniform", progress=False).readout
    expected = uniform.mask / uniform.lengths[:, None]
    torch.testing.assert_close(uniform.alpha, expected.double(), atol=1e-7, rtol=0)


def test_imposed_weights_are_what_the_model_attends_with(base):
    guide, cheap = guides.attention(base), {"encoder": "average", "scorer": "imposed", "progress": False}
    assert [list(of) for of in guide.values()] == [list(split.ids) for split in base.corpus.splits.values()]
    guided = prepare.prepare_like(base, imposed=guide, **cheap)
    torch.testing.assert_close(guided.readout.alpha, base.readout.alpha, atol=1e-7, rtol=0)
    assert guided.texts.ids == base.texts.ids
    # Other weights make another model.
    other = prepare.prepare_like(base, imposed=guides.exact_adversarial(base, 0.05), **cheap)
    assert other.settings["data"] != guided.settings["data"]
    assert not torch.equal(other.readout.scores, guided.readout.scores)


def test_a_scorer_and_weights_that_do_not_go_together_are_refused(base):
    guide = guides.attention(base)
    with pytest.raises(ValueError, match="scorer is 'imposed', imposed weights are not given"):
        prepare.prepare_like(base, scorer="imposed")
    with pytest.raises(ValueError, match="scorer is 'additive', imposed weights are given"):
        prepare.prepare_like(base, imposed=guide)
    del guide["dev"]["toy/1/3"]
    with pytest.raises(ValueError, match="'toy/1/3'"):
        prepare.prepare_like(base, scorer="imposed", imposed=guide)


def test_the_exact_guide_keeps_the_output_and_leave_one_out_its_proportions(base):
    test = base.corpus.test
    exact = guides.exact_adversarial(base, 0.01)["test"]
    readout = base.readouts["test"]
    weights = torch.zeros_like(readout.alpha)
    for row, name in enumerate(test.ids):
        weights[row, : len(exact[name])] = torch.from_numpy(exact[name])
    assert float(tvd(readout.probabilities(weights), readout.probabilities()).max()) < 0.01 + 1e-5
    torch.testing.assert_close(weights, exact_adversary(readout, 0.01).weights)
    left_out = guides.leave_one_out_weights(base)["test"]
    for name, text in zip(test.ids, test.texts, strict=True):
        assert len(left_out[name]) == len(text)
        assert left_out[name].sum() == pytest.approx(1, abs=1e-9)
        if len(text) == 1:
            assert left_out[name].tolist() == [1.0]


def test_changes_are_normalised_and_no_change_at_all_is_uniform():
    mask = torch.tensor([[True, True, True], [True, True, False], [True, False, False]])
    alpha = mask / mask.sum(dim=1, keepdim=True)
    readout = Readout(alpha.double(), torch.zeros(3, 3, 2), torch.zeros(2), mask)
    nan = float("nan")
    changes = torch.tensor([[0.1, 0.3, 0.0], [0.0, 0.0, nan], [nan, nan, nan]], dtype=torch.float64)
    expected = torch.tensor([[0.25, 0.75, 0.0], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(guides.normalised(changes, readout), expected)


@pytest.mark.slow
def test_an_adversary_is_trained_once_and_every_setting_has_its_own(base, monkeypatch):
    settings = {"epochs": 2, "progress": False}
    first = prepare_adversary.prepare_adversary(base, 0.01, **settings)
    assert first.texts.ids == base.texts.ids
    assert len(first.history) == 2
    assert first.settings["adversary"]["seed"] == 1
    changes = ({"variant": "released"}, {"direction": "base || adversary"}, {"seed": 7})
    others = [prepare_adversary.prepare_adversary(base, 0.01, **settings, **change) for change in changes]
    others.append(prepare_adversary.prepare_adversary(base, 0.02, **settings))
    assert others[0].settings["adversary"]["seed"] == 0  # the released variant starts where the base did
    assert not any(torch.equal(other.readout.alpha, first.readout.alpha) for other in others)
    monkeypatch.setattr("attnlib.training.fit.epochs", None)
    again = prepare_adversary.prepare_adversary(base, 0.01, **settings)
    assert torch.equal(again.readout.alpha, first.readout.alpha)
    assert again.history == first.history


def test_controls_carry_chance_or_the_class_alone(base):
    corpus, words = base.corpus, base.corpus.vocabulary
    # A model that is always right.
    right = {
        name: SimpleNamespace(predictions=partial(torch.as_tensor, split.labels))
        for name, split in corpus.splits.items()
    }
    alone = guides.class_alone(SimpleNamespace(corpus=corpus, readouts=right), 3)
    drawn = guides.chance(corpus, 3)
    first, again, other = (list(guides.chance(corpus, seed)["test"].values()) for seed in (3, 3, 4))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))
    weight_of = {}
    for name, split in corpus.splits.items():
        for text, tokens, label in zip(split.ids, split.texts, split.labels.tolist(), strict=True):
            for guide in (drawn, alone):
                assert guide[name][text].shape == (len(tokens),)
                assert guide[name][text].sum() == pytest.approx(1, abs=1e-6)
                assert (guide[name][text] >= 0).all()
            # Of two words of a text, the same in all texts of that predicted class.
            ids, weights = words.encode(tokens)[1:-1], alone[name][text]
            for other, weight in zip(ids[1:], weights[1:], strict=True):
                known = weight_of.setdefault((label, ids[0], other), weight / weights[0])
                assert weight / weights[0] == pytest.approx(known, rel=1e-4)
    assert len({label for label, *_ in weight_of}) == 2
