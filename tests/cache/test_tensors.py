"""Tensors on disk: the same bits back, and every change of a byte noticed."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from attnlib.cache.tensors import load_model, load_tensors, save_model, save_tensors
from tests import toy

TENSORS = {
    "floats": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
    "half": torch.randn(5, generator=torch.Generator().manual_seed(1)).bfloat16(),
    "mask": torch.tensor([[True, False], [False, True]]),
    "whole": torch.arange(6).view(2, 3),
    "one": torch.tensor(2.5, dtype=torch.float64),
    "none": torch.zeros(0, 3),
}
METADATA = {"settings": '{"seed": 0}', "note": "ä"}


@pytest.fixture
def path(tmp_path):
    save_tensors(tmp_path / "a.safetensors", TENSORS, METADATA)
    return tmp_path / "a.safetensors"


def test_what_was_saved_comes_back_bit_for_bit(tmp_path):
    given = TENSORS | {"view": TENSORS["floats"].T}
    save_tensors(tmp_path / "a.safetensors", given, METADATA)
    tensors, metadata = load_tensors(tmp_path / "a.safetensors")
    assert metadata == METADATA
    torch.testing.assert_close(tensors, given, rtol=0, atol=0)


def test_every_byte_counts(path):
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 + place % 255
        path.write_bytes(changed)
        try:
            tensors, metadata = load_tensors(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            continue
        # White space in the header says nothing.
        assert metadata == METADATA
        assert all(torch.equal(tensors[name], tensor) for name, tensor in TENSORS.items())
        assert chr(whole[place]).isspace()


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_file_that_is_cut_off_is_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="is damaged, or no safetensors file"):
        load_tensors(path)


def test_files_of_others_are_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name, error, message in (
        ("missing.safetensors", FileNotFoundError, "no file"),
        ("other.safetensors", ValueError, "has no checksum: attnlib did not write it"),
        ("pickle.npy", ValueError, "no safetensors file"),
    ):
        with pytest.raises(error, match=message):
            load_tensors(tmp_path / name)


def test_a_model_is_whole_or_refused(tmp_path):
    model, path = toy.model()[0], tmp_path / "deep" / "model.safetensors"
    save_model(model, path, {"history": [{"epoch": 1}]})
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]
    other = toy.model(seed=9)[0]
    assert load_model(other, path) == {"history": [{"epoch": 1}]}
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    for refusing, end in ((toy.model("average")[0], None), (other, -50)):
        path.write_bytes(path.read_bytes()[:end])
        with pytest.raises(ValueError, match="no file of this model's parameters"):
            load_model(refusing, path)


def test_an_interrupted_save_leaves_nothing(tmp_path, monkeypatch):
    def broken(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("attnlib.cache.tensors.save_file", broken)
    with pytest.raises(KeyboardInterrupt):
        save_model(toy.model()[0], tmp_path / "model.safetensors", {})
    assert list(tmp_path.iterdir()) == []
