"""Readouts in the cache: the same bits for every kind of head, a file per question, none in training."""

from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from attnlib import data
from attnlib.cache.tensors import load_tensors, save_tensors
from attnlib.data.imposed import impose
from attnlib.models import Architecture, build
from attnlib.models.classifier import AttentionModel
from attnlib.models.reading import head_of, read
from attnlib.prepare import flat as prepare
from attnlib.prepare import run as shared
from attnlib.prepare.run import Plan
from tests import toy

CHEAP = {"epochs": 1, "dimension": 8, "progress": False}
SETTINGS = {"dataset": "toy", "device": "cpu"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "load", lambda name: toy.corpus(pair=name == "questions"))
    return tmp_path / "cache" / "readouts"


def entries(cache):
    return sorted(cache.glob("*.safetensors"))


def refuse(*_):
    raise AssertionError("nothing is to be read from a model here")


def assert_same_bits(first, second):
    for column in fields(first):
        one, other = getattr(first, column.name), getattr(second, column.name)
        assert (one is None) == (other is None)
        if isinstance(one, torch.Tensor):
            assert (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
            assert torch.equal(one, other)
            assert one.numpy().tobytes() == other.numpy().tobytes()
    weights = torch.stack([first.alpha, first.mask / first.lengths[:, None]], 1)
    assert torch.equal(first.logits(weights), second.logits(weights))


def model_and_texts(kind):
    texts = toy.split(40, pair=kind == "question")
    model, vocabulary = toy.model(pair=kind == "question", n_classes=3 if kind == "candidates" else 2)
    if kind == "candidates":
        texts = replace(texts, candidates=tuple(np.array([label, 2]) for label in texts.labels))
    if kind == "deep":
        model = build(Architecture("average", "additive", 3, len(vocabulary), dimension=8, layers=2))
    return model, vocabulary, texts


def planned(model, vocabulary, **settings):
    """A plan of a model that is trained already."""
    decided = {"corpus": SimpleNamespace(name="toy"), "settings": SETTINGS | settings, "name": {}}
    done = {"model": model, "device": "cpu", "recipe": refuse, "predict": refuse, "head": head_of}
    return Plan(**decided, **done, reading=lambda texts: partial(read, model, texts, vocabulary))


@pytest.mark.parametrize("kind", ["two classes", "candidates", "question", "deep"])
def test_what_is_kept_has_the_bits_of_what_is_read(kind, cache, monkeypatch):
    model, vocabulary, texts = model_and_texts(kind)
    fresh = shared.read(planned(model, vocabulary), texts)
    assert (fresh.head is None) == (kind in ("two classes", "candidates"))
    assert len(entries(cache)) == 1
    written = entries(cache)[0].stat().st_mtime_ns
    again = read(model, texts, vocabulary)
    monkeypatch.setattr(AttentionModel, "forward", refuse)
    kept = shared.read(planned(model, vocabulary), texts)
    assert_same_bits(again, fresh)
    assert_same_bits(fresh, kept)
    assert entries(cache)[0].stat().st_mtime_ns == written


@pytest.mark.slow
def test_whole_splits_are_kept_too_and_other_texts_are_read(monkeypatch):
    splits = prepare.prepare("toy", **CHEAP).readouts
    monkeypatch.setattr(AttentionModel, "forward", refuse)
    second = prepare.prepare("toy", **CHEAP)
    for name, readout in splits.items():
        assert_same_bits(readout, second.readouts[name])
    with pytest.raises(AssertionError, match="nothing is to be read"):
        prepare.prepare("toy", limit=10, **CHEAP)


def test_a_split_that_was_read_before_it_was_analysed_has_its_metrics():
    part = prepare.prepare("toy", limit=3, **CHEAP)
    assert len(part.readouts["test"]) > 3
    whole = prepare.prepare("toy", **CHEAP)
    assert whole.test_metrics == part.test_metrics != {}
    assert_same_bits(whole.readout, part.readouts["test"])


def test_what_decides_a_readout_names_its_file(cache, monkeypatch):
    model, vocabulary, texts = model_and_texts("two classes")
    other, _ = toy.model(seed=1)

    def ask(model=model, texts=texts, **settings):
        shared.read(planned(model, vocabulary, **settings), texts)
        return len(entries(cache))

    assert ask() == ask() == 1
    # Ids and labels are not read; words, their order and imposed weights are.
    assert ask(texts=replace(texts, ids=tuple(f"x{name}" for name in texts.ids))) == 1
    assert ask(model=other) == 2
    assert ask(torch="another version") == 3
    assert ask(texts=texts.select(slice(0, 10))) == 4
    assert ask(texts=replace(texts, texts=(texts.texts[0][::-1], *texts.texts[1:]))) == 5
    even = {name: np.full(n, 1 / n) for name, n in zip(texts.ids, texts.lengths, strict=True)}
    assert ask(texts=impose(texts, even)) == 6
    monkeypatch.setattr(shared, "function_digest", lambda function: "other code")
    assert ask() == 7


def test_a_damaged_file_is_read_again_with_a_warning(cache, caplog):
    model, vocabulary, texts = model_and_texts("two classes")
    fresh = shared.read(planned(model, vocabulary), texts)
    (path,) = entries(cache)
    whole = path.read_bytes()
    save_tensors(path, {"alpha": torch.ones(2)}, {})
    another, flipped = path.read_bytes(), whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:]
    for content in (another, flipped, whole[:-9], whole):
        caplog.clear()
        path.write_bytes(content)
        assert_same_bits(fresh, shared.read(planned(model, vocabulary), texts))
        assert (f"{path.name}" in caplog.text) == (content != whole)
        assert ("it is made again" in caplog.text) == (content != whole)
        assert load_tensors(path)[0].keys() > {"alpha"}  # mended


def test_a_model_in_training_keeps_nothing(cache):
    for _, run in prepare.every_epoch("toy", **(CHEAP | {"epochs": 2})):
        assert set(run.readouts) == {"train", "dev", "test"}
    assert not cache.exists()


def test_a_failed_reading_leaves_nothing(cache, monkeypatch):
    first = prepare.prepare("toy", **CHEAP)
    with monkeypatch.context() as patch:
        patch.setattr(AttentionModel, "forward", refuse)
        with pytest.raises(AssertionError):
            prepare.prepare("toy", limit=5, **CHEAP)
    (left,) = [path for path in cache.iterdir() if path.suffix != ".lock"]
    assert [left] == entries(cache)
    assert prepare.prepare("toy", **CHEAP).test_metrics == first.test_metrics
