"""A recorded Readout comes back as it was, to float32, and a file that is not one is refused by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from attnlib import Readout, readouts
from attnlib.cache.tensors import load_tensors, save_tensors
from attnlib.models.reading import read
from attnlib.readouts import Recorded
from tests import toy

FACTS = {"dataset": "sst", "class_names": ["negative", "positive"], "test_metrics": {"accuracy": 0.8}}


def recorded(n_classes=2, pair=False, words=False):
    model, vocabulary = toy.model("bilstm", n_classes=n_classes, pair=pair)
    split = toy.split(9, seed=2, pair=pair, longest=7)
    if pair:
        split = replace(split, candidates=tuple(np.array([0, 1]) for _ in split.ids))
    readout = read(model, split, vocabulary)
    gradient = torch.where(readout.mask, torch.rand(readout.alpha.shape), 0.0)
    ids = tuple(f"sst/test/{3 * i + 1}" for i in range(9))
    labels, texts = np.asarray(split.labels), tuple(split.texts) if words else None
    return Recorded(readout, ids, labels, {"gradient": gradient}, FACTS, texts)


@pytest.mark.parametrize("made", [dict(), dict(n_classes=5), dict(n_classes=4, pair=True), dict(words=True)])
def test_it_comes_back(made, tmp_path):
    before = recorded(**made)
    readouts.write(tmp_path / "one.safetensors", before)
    after = readouts.read(tmp_path / "one.safetensors")
    assert after.ids == before.ids
    assert (after.labels == before.labels).all()
    assert after.facts == FACTS
    assert after.words == before.words
    assert torch.equal(after.readout.mask, before.readout.mask)
    assert torch.equal(after.readout.scores, before.readout.scores)
    assert torch.equal(after.scores["gradient"], before.scores["gradient"])
    torch.testing.assert_close(after.readout.alpha, before.readout.alpha, atol=1e-7, rtol=0)
    outputs = after.readout.probabilities(), before.readout.probabilities()
    torch.testing.assert_close(*outputs, atol=1e-6, rtol=0)


def test_some_texts_of_it():
    whole = recorded()
    some = whole.select([4, 1])
    assert some.ids == (whole.ids[4], whole.ids[1])
    assert torch.equal(some.readout.alpha, whole.readout.alpha[[4, 1]])
    assert torch.equal(some.scores["gradient"][1], whole.scores["gradient"][1])


def test_what_cannot_be_written_is_named(tmp_path):
    good = recorded()
    alpha, mask = good.readout.alpha.clone(), good.readout.mask.clone()
    row = int(good.readout.lengths.argmax())
    alpha[row, 1], mask[row, 1] = 0, False
    alpha[row] /= alpha[row].sum()
    holes = Readout(alpha, good.readout.scores, good.readout.bias, mask)
    deep = Readout(good.readout.alpha, good.readout.scores, good.readout.bias, good.readout.mask, torch.tanh)
    for wrong, message in (
        (replace(good, readout=holes), "mask: has holes"),
        (replace(good, readout=deep), "head: cannot be written"),
        (replace(good, ids=("a/1", "b/2", *good.ids[2:])), "ids: expected one name and numbers"),
        (replace(good, ids=("x/one", *good.ids[1:])), "ids: expected one name and numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            readouts.write(tmp_path / "no.safetensors", wrong)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_none_is_refused_by_name(tmp_path):
    path = tmp_path / "one.safetensors"
    with pytest.raises(FileNotFoundError, match="one.safetensors"):
        readouts.read(path)
    recorded().readout.save(path)
    with pytest.raises(ValueError, match=r"one\.safetensors holds no recorded Readout"):
        readouts.read(path)
    readouts.write(path, recorded())
    tensors, metadata = load_tensors(path)
    save_tensors(tmp_path / "new.safetensors", tensors, metadata | {"version": "2"})
    with pytest.raises(ValueError, match="newer attnlib"):
        readouts.read(tmp_path / "new.safetensors")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"one\.safetensors is damaged"):
        readouts.read(path)


@pytest.fixture
def folder(tmp_path):
    rows = []
    for encoder, seed in (("bilstm", 0), ("bilstm", 1), ("average", 0)):
        name = f"sst-{encoder}-{seed}.safetensors"
        readouts.write(tmp_path / name, recorded())
        model = {"dataset": "sst", "encoder": encoder, "scorer": "additive", "seed": seed}
        rows.append({"file": name} | dict.fromkeys(readouts.NAMES, "") | model)
    pd.DataFrame(rows).to_csv(tmp_path / readouts.INDEX, index=False)
    return tmp_path


def test_a_model_is_found_by_what_tells_it(folder, monkeypatch):
    monkeypatch.setenv(readouts.FOLDER, str(folder))
    assert len(readouts.load("sst", encoder="average")) == 9
    assert readouts.index()["file"].tolist()[1] == "sst-bilstm-1.safetensors"
    nearest = "no recorded Readout of dataset=sst encoder=bilstm seed=7.*seed=0.*seed=1"
    with pytest.raises(ValueError, match=nearest):
        readouts.load("sst", encoder="bilstm", seed=7)
    with pytest.raises(ValueError, match=r"of dataset=imdb\. The nearest: dataset=sst"):
        readouts.load("imdb")
    with pytest.raises(ValueError, match="unknown name 'encodr'"):
        readouts.load("sst", encodr="bilstm")


def test_where_they_are_must_be_known(tmp_path, monkeypatch):
    monkeypatch.delenv(readouts.FOLDER, raising=False)
    with pytest.raises(FileNotFoundError, match="set \\$ATTNLIB_READOUTS"):
        readouts.load("sst")
    with pytest.raises(FileNotFoundError, match=r"no index\.csv"):
        readouts.load("sst", folder=tmp_path)


def test_what_can_be_left_out_is_and_comes_back(tmp_path):
    full, path = recorded(), tmp_path / "one.safetensors"
    scores = full.readout.scores.clone()
    scores[..., 0] = 0
    mask = full.readout.mask
    bare = Readout(mask / mask.sum(1, keepdim=True), scores, full.readout.bias, mask)
    readouts.write(path, replace(full, readout=bare))
    tensors, _ = load_tensors(path)
    assert "weights" not in tensors
    assert tensors["votes"].shape[1] == 1
    assert {tensors[name].dtype for name in ("lengths", "labels", "numbers")} == {torch.uint8}
    after = readouts.read(path).readout
    torch.testing.assert_close(after.alpha, bare.alpha, atol=1e-7, rtol=0)
    assert after.scores.equal(bare.scores)


def test_half_precision_is_normalised(tmp_path):
    before = recorded()
    readouts.write(tmp_path / "one.safetensors", before, torch.float16, torch.float16)
    after = readouts.read(tmp_path / "one.safetensors")
    torch.testing.assert_close(after.readout.alpha.sum(1), torch.ones(9, dtype=torch.float64))
    torch.testing.assert_close(after.readout.alpha, before.readout.alpha, atol=1e-3, rtol=0)
    found, expected = (each.scores["gradient"].double() for each in (after, before))
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
