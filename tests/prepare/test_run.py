"""Readouts in the cache: the same bits for every kind of head, a file per question, none in training."""

from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from attnlib import data
from attnlib.cache.tensors import save_tensors
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
        if column.name == "head":
            assert (one is None) == (other is None)
        elif one is None:
            assert other is None
        else:
            assert (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
            assert torch.equal(one, other)
            assert one.numpy().tobytes() == other.numpy().tobytes()
    weights = torch.stack([first.alpha, first.mask / first.lengths[:, None]], 1)
    assert torch.equal(first.logits(weights), second.logits(weights))


def with_candidates(split, n_classes):
    """Of each text the label and one more class may be the answer."""
    allowed = tuple(np.unique([label, (label + 1) % n_classes]) for label in split.labels)
    return replace(split, candidates=allowed)


def model_and_texts(kind):
    texts = toy.split(40, pair=kind == "question")
    if kind in ("two classes", "question"):
        model, vocabulary = toy.model(pair=kind == "question")
    elif kind == "candidates":
        model, vocabulary = toy.model(n_classes=3)
        texts = with_candidates(texts, 3)
    else:
        _, vocabulary = toy.model()
        shape = Architecture("average", "additive", 3, len(vocabulary), dimension=8, hidden=16, layers=2)
        model = build(shape)
    return model, vocabulary, texts


def planned(model, vocabulary, **settings):
    """A plan of a model that is trained already."""
    return Plan(
        corpus=SimpleNamespace(name="toy"),
        model=model,
        settings=SETTINGS | settings,
        name={},
        device="cpu",
        recipe=refuse,
        predict=refuse,
        reading=lambda texts: partial(read, model, texts, vocabulary),
        head=head_of,
    )


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
    assert whole.test_metrics == part.test_metrics
    assert whole.test_metrics
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
    turned = (texts.texts[0][::-1], *texts.texts[1:])
    assert texts.texts[0] != turned[0]
    assert ask(texts=replace(texts, texts=turned)) == 5
    even = {
        name: np.full(len(text), 1 / len(text)) for name, text in zip(texts.ids, texts.texts, strict=True)
    }
    assert ask(texts=impose(texts, even)) == 6
    monkeypatch.setattr(shared, "function_digest", lambda function: "other code")
    assert ask() == 7


@pytest.mark.parametrize("damage", ["a flipped byte", "cut", "another file"])
def test_a_damaged_file_is_read_again_with_a_warning(damage, cache, caplog):
    model, vocabulary, texts = model_and_texts("two classes")

    def ask():
        return shared.read(planned(model, vocabulary), texts)

    fresh = ask()
    (path,) = entries(cache)
    whole = path.read_bytes()
    if damage == "a flipped byte":
        path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:])
    elif damage == "cut":
        path.write_bytes(whole[:-9])
    else:
        save_tensors(path, {"alpha": torch.ones(2)}, {})
    assert_same_bits(fresh, ask())
    assert f"{path.name}" in caplog.text
    assert "it is made again" in caplog.text
    # Mended: whoever asks next finds it.
    caplog.clear()
    assert_same_bits(fresh, ask())
    assert not caplog.text


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
    left = [path for path in cache.iterdir() if path.suffix != ".lock"]
    assert left == entries(cache)
    assert len(left) == 1
    assert prepare.prepare("toy", **CHEAP).test_metrics == first.test_metrics
