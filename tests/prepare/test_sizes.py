"""Sizes of a model can be given; without them it is the one it was. What is printed is short."""

import pytest

from attnlib import data
from attnlib.checks import check_at_least, one_of, shown
from attnlib.prepare import documents, flat


@pytest.mark.parametrize(
    ("plan", "model"),
    [
        (flat.plan, ("planted", "convolution")),
        (flat.plan, ("planted", "bilstm")),
        (documents.plan, ("planted_documents", "HANrnn")),
    ],
)
def test_sizes_of_a_model(plan, model):
    usual, small = plan(*model, vectors="random"), plan(*model, vectors="random", hidden=8, dimension=5)
    assert plan(*model, vectors="random", hidden=None).settings == usual.settings
    sizes = small.settings["architecture"]
    assert (sizes["hidden"], sizes["dimension"]) == (8, 5)
    assert small.settings | {"architecture": None} == usual.settings | {"architecture": None}
    for wrong in ({"hidden": 3}, {"hidden": 8.0}, {"dimension": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}: must be a whole number ≥"):
            plan(*model, vectors="random", **wrong)


def test_nothing_prints_a_data_set():
    corpus, scenes = data.load("planted"), data.load_scenes("scenes")
    assert repr(corpus) == "Corpus('planted': 2000 train, 400 dev, 400 test; 2 classes)"
    split = "Split(400: planted/test/1 … planted/test/400; ids, texts, labels, evidence)"
    assert repr(corpus.test) == split
    for thing in (corpus.vocabulary, scenes, scenes.test, flat.plan("planted"), corpus.test.select([])):
        assert len(repr(thing)) < 160
        assert "\n" not in repr(thing)
    for thing in (corpus, ["word"] * 9999, "word" * 9999, {"a": "word" * 9999}):
        assert len(shown(thing)) < 400
        asked = () if thing is corpus else (data.load, flat.plan)  # which take a corpus
        for ask in (*asked, lambda value: check_at_least("seed", value, 0)):
            with pytest.raises((ValueError, TypeError)) as refused:
                ask(thing)
            assert len(str(refused.value)) < 2000


@pytest.mark.parametrize(("given", "meant"), [("SST", "sst"), ("BiLSTM", "bilstm"), ("Averge", "average")])
def test_a_name_in_another_case_is_guessed(given, meant):
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        one_of("name", given, ["sst", "bilstm", "average"])
