"""Models trained with a penalty, beside the plain one."""

import numpy as np
import pytest
import torch

from attnlib.models.reading import conicity_of
from attnlib.prepare import flat as prepare
from attnlib.prepare.penalised import marked_evidence, marked_words, prepare_deceptive, prepare_diverse
from tests import toy


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        settings = dict(epochs=6, dimension=16, hidden=16, limit=40, progress=False)
        yield prepare.prepare("planted", "average", **settings)


def on_marked(run, marks):
    """The mean attention on marked tokens."""
    at = dict(zip(run.corpus.test.ids, marks["test"], strict=True))
    rows = zip(run.readout.alpha.numpy(), run.texts.ids, strict=True)
    return np.mean([alpha[: len(at[name])][at[name]].sum() for alpha, name in rows])


def test_a_deceptive_model_attends_elsewhere(base):
    marks = marked_evidence(base.corpus)
    hidden = prepare_deceptive(base, 10.0, marks, progress=False)
    assert hidden.texts.ids == base.texts.ids
    assert on_marked(hidden, marks) < 0.1 * on_marked(base, marks)
    assert hidden.settings["penalty"]["strength"] == 10
    again = prepare_deceptive(base, 10, marks, progress=False)
    assert torch.equal(again.readout.alpha, hidden.readout.alpha)
    other = prepare_deceptive(base, 10.0, marked_words(base.corpus, ["the"]), progress=False)
    assert other.settings["penalty"]["marks"] != hidden.settings["penalty"]["marks"]


def test_a_diverse_model_keeps_its_states_apart(base):
    apart = prepare_diverse(base, 1.0, progress=False)
    plain, other = (
        conicity_of(run.model, run.texts, run.corpus.vocabulary).mean().item() for run in (base, apart)
    )
    assert other < plain - 0.05
    with pytest.raises(ValueError, match="give the plain one"):
        prepare_diverse(apart, 0.5, progress=False)


def test_without_strength_it_is_the_base(base):
    assert prepare_deceptive(base, 0, marked_evidence(base.corpus)) is base
    assert prepare_diverse(base, 0.0) is base


@pytest.mark.parametrize("strength", [-1, float("nan"), float("inf"), "1", True])
def test_a_strength_that_is_none_is_refused(base, strength):
    with pytest.raises(ValueError, match="strength"):
        prepare_diverse(base, strength)


def test_marks_that_mark_nothing_are_refused(base):
    with pytest.raises(ValueError, match="holds the word 'zzz'"):
        marked_words(base.corpus, ["the", "zzz"])
    with pytest.raises(ValueError, match="no token of any training text"):
        marked_words(base.corpus, [])
    with pytest.raises(ValueError, match="has no evidence"):
        marked_evidence(toy.corpus())
    for marks in ({}, {"train": marked_evidence(base.corpus)["test"]}):
        with pytest.raises(ValueError, match=r"marks: \d+ for \d+ training texts; give what marked_words"):
            prepare_deceptive(base, 0.3, marks)


def test_marks_of_words_and_of_evidence(base):
    words = marked_words(base.corpus, ["the"])["train"]
    for text, row in zip(base.corpus.train.texts[:50], words, strict=False):
        assert row.tolist() == [word == "the" for word in text]
    found = marked_evidence(base.corpus)["test"]
    assert all(
        np.array_equal(row, marks != 0) for row, marks in zip(found, base.corpus.test.evidence, strict=True)
    )
