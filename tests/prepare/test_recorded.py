"""A run from a recorded Readout says what the trained one says, and refuses what it lacks."""

import shutil

import pytest
import torch

from attnbook.runs import readouts as published
from attnlib import data, readouts
from attnlib.prepare import recorded
from attnlib.prepare.adversary import prepare_adversary
from attnlib.prepare.documents import prepare_documents
from attnlib.prepare.flat import prepare, prepare_like
from tests import toy

TEXTS = {"toy": toy.corpus(), "questions": toy.corpus(pair=True)}
MODEL = {"epochs": 2, "dimension": 8, "progress": False}
CONFIG = """readouts:
  - model: {dataset: toy, epochs: 2, dimension: 8, seed: [0, 1]}
    scores: [gradient, leave_one_out]
    single: true
  - {model: {dataset: toy, epochs: 2, dimension: 8, encoder: average}, sentences: true}
  - {model: {dataset: toy, epochs: 2, dimension: 8, seed: 2, limit: 5}}
  - {model: {dataset: questions, epochs: 2, dimension: 8}, single: true}
  - model: {dataset: toy, epochs: 2, dimension: 8, strength: [0, 0.01]}
    adversary: {variant: released, epochs: 1}
    sentences: true
    single: true
  - prepared_by: prepare_documents
    model: {dataset: toy, architecture: FLANnoenc, epochs: 1, vectors: random}
"""
SENTENCES = "id,label,text\n1,positive,Good film .\n2,none,so long\n"


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    folder, cache = tmp_path_factory.mktemp("readouts"), tmp_path_factory.mktemp("cache")
    (folder / "models.yaml").write_text(CONFIG)
    (folder / "sentences.csv").write_text(SENTENCES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNLIB_CACHE", str(cache))
        patch.setenv(readouts.FOLDER, str(folder))
        patch.setattr(data, "load", TEXTS.__getitem__)
        published.publish(folder / "models.yaml", folder)
        yield folder


def pair(**settings):
    """The trained run and the recorded one, which must not read a corpus."""
    trained = prepare(**MODEL | settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", None)
        return trained, prepare(**MODEL | settings, recorded="only")


@pytest.mark.parametrize("limit", [None, 7])
def test_it_says_what_the_trained_run_says(limit):
    trained, found = pair(dataset="toy", limit=limit)
    mask = trained.readout.mask
    width = mask.shape[1]
    for a, b in (
        (found.readout.alpha, trained.readout.alpha),
        (found.readout.scores, trained.readout.scores),
    ):
        torch.testing.assert_close(a[:, :width], b, atol=1e-7, rtol=0)
    torch.testing.assert_close(found.readout.logits(), trained.readout.logits(), atol=1e-5, rtol=0)
    assert found.name == trained.name
    assert found.settings == trained.settings
    assert found.test_metrics == trained.test_metrics
    assert found.history == trained.history
    assert found.corpus.class_names == trained.corpus.class_names
    assert found.texts.ids == tuple(trained.texts.ids)
    assert (found.texts.labels == trained.texts.labels).all()
    assert (found.texts.lengths == trained.texts.lengths).all()
    rows, known = found.frame(), trained.frame()
    assert rows.drop(columns="max_attention").equals(known.drop(columns="max_attention"))
    for name in ("gradient", "leave_one_out"):
        a, b = found.scores(name)[:, :width], trained.scores(name)
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-3, equal_nan=True)  # of half precision
        assert (a[~mask] == 0).all()


def test_half_precision_is_near():
    trained, found = pair(dataset="toy", encoder="average")
    torch.testing.assert_close(
        found.readout.probabilities(), trained.readout.probabilities(), atol=2e-3, rtol=0
    )


@pytest.mark.parametrize("strength", [0, 0.01])
def test_a_trained_adversary_is_recorded_beside_its_base(strength):
    base, recorded_base = pair(dataset="toy", limit=7)
    how = {"variant": "released", "epochs": 1, "progress": False}
    trained = prepare_adversary(base, strength, **how)
    found = prepare_adversary(recorded_base, strength, **how)
    width = trained.readout.mask.shape[1]
    torch.testing.assert_close(found.readout.alpha[:, :width], trained.readout.alpha, atol=1e-7, rtol=0)
    assert not trained.readout.alpha.equal(base.readout.alpha)
    assert found.texts.ids == tuple(trained.texts.ids)
    assert found.history == trained.history
    assert found.settings["adversary"]["strength"] == strength
    assert found.readable().words == (("good", "film"), ("so", "long"))


@pytest.mark.parametrize(
    ("strength", "how", "message"),
    [
        (0.5, {"variant": "released", "epochs": 1}, "strength=0.5. The nearest: .*strength=0.01"),
        (
            0.01,
            {"variant": "published", "epochs": 1},
            "'variant': 'released'}, not {.*'variant': 'published'}",
        ),
        (0.01, {"variant": "released", "epochs": 2}, "'epochs': 1.*, not .*'epochs': 2"),
    ],
)
def test_an_adversary_that_is_not_recorded_is_refused(strength, how, message):
    _, base = pair(dataset="toy")
    with pytest.raises(readouts.NotRecorded, match=message):
        prepare_adversary(base, strength, **how)


def test_a_question_keeps_its_head_and_offset():
    trained, found = pair(dataset="questions")
    torch.testing.assert_close(
        found.readout.probabilities(), trained.readout.probabilities(), atol=1e-6, rtol=0
    )


def test_a_document_model_is_named_by_its_architecture(monkeypatch):
    model = {"architecture": "FLANnoenc", "epochs": 1, "vectors": "random", "progress": False}
    trained = prepare_documents("toy", **model)
    monkeypatch.setattr(data, "load", None)
    found = prepare_documents("toy", **model, recorded="only")
    torch.testing.assert_close(found.readout.logits(), trained.readout.logits(), atol=1e-2, rtol=0)
    assert found.name == trained.name
    with pytest.raises(ValueError, match="no recorded Readout of dataset=toy encoder=FLANrnn"):
        prepare_documents("toy", **model | {"architecture": "FLANrnn"}, recorded="only")


def test_of_another_seed_on_the_same_texts():
    trained, found = pair(dataset="toy", limit=7)
    other = prepare_like(found, seed=1)
    assert other.recorded is not None
    assert other.texts.ids == found.texts.ids
    known = prepare_like(trained, seed=1, progress=False).readout
    torch.testing.assert_close(other.readout.logits(), known.logits(), atol=1e-5, rtol=0)


def test_texts_that_were_drawn():
    trained, found = pair(dataset="toy", seed=2, limit=5)
    assert found.texts.ids == tuple(trained.texts.ids)
    for limit in (None, 4, 6):
        with pytest.raises(ValueError, match="5 texts of this model are recorded: limit=5"):
            prepare("toy", seed=2, recorded="only", **MODEL | {"limit": limit})
    with pytest.raises(ValueError, match="5 texts of this model are recorded"):
        prepare_like(pair(dataset="toy")[1], seed=2)


def test_the_words_that_it_shows_are_the_books():
    shown = pair(dataset="toy", encoder="average")[1].readable()
    assert shown.words == (("good", "film"), ("so", "long"))
    assert shown.readout.lengths.tolist() == [2, 2]
    assert shown.ids == ("sentences/1", "sentences/2")
    trained = pair(dataset="toy")[0]
    assert trained.readable().words == tuple(trained.texts.texts)


def test_what_it_lacks_is_named():
    run = pair(dataset="toy")[1]
    for ask, name in (
        (lambda: run.model.encoder, "model.encoder"),
        (lambda: run.predict(run.texts), "predict"),
        (lambda: run.texts.texts, "texts.texts"),
        (lambda: run.texts.evidence, "texts.evidence"),
        (lambda: run.corpus.train, "corpus.train"),
        (lambda: run.corpus.vocabulary, "corpus.vocabulary"),
        (lambda: run.readouts, "corpus.splits"),
    ):
        with pytest.raises(ValueError, match=f"^run.{name}: this run is a recorded Readout.*'never'"):
            ask()
    with pytest.raises(ValueError, match="recorded scores 'attention': known are gradient, leave_one_out"):
        run.scores("attention")
    with pytest.raises(ValueError, match="unknown scores 'gradients'"):
        pair(dataset="toy")[0].scores("gradients")


def test_what_is_not_recorded_is_refused_before_data_are_read(monkeypatch):
    monkeypatch.setattr(data, "load", None)
    for given, message in (
        ({"seed": 7}, "seed=7 variant=released vectors=random. The nearest: .*seed=0"),
        ({"epochs": 3}, "has epochs=2, not 3"),
        ({"layers": 1}, "has layers=0, not 1"),
        ({"recorded": "yes"}, "unknown recorded 'yes'"),
    ):
        with pytest.raises(ValueError, match=message):
            prepare("toy", **MODEL | {"recorded": "only"} | given)


def test_auto_trains_where_data_are_at_hand_or_nothing_is_recorded(monkeypatch, capsys):
    known = {**MODEL, "recorded": "auto"}
    assert prepare("toy", **known).recorded is None
    monkeypatch.setattr(recorded, "here", lambda name: False)
    assert prepare("toy", seed=7, **known).recorded is None
    assert prepare("toy", **known | {"progress": True}).recorded is not None
    assert "a recorded Readout, not a training" in capsys.readouterr().err


def test_auto_does_not_train_over_a_file_that_is_wrong(monkeypatch, folder, tmp_path):
    monkeypatch.setattr(recorded, "here", lambda name: False)
    monkeypatch.setenv(readouts.FOLDER, str(shutil.copytree(folder, tmp_path / "copy")))
    path = tmp_path / "copy/toy-bilstm-additive-0.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    for choice in ("auto", "only"):
        with pytest.raises(ValueError, match=f"{path.name} is damaged"):
            prepare("toy", recorded=choice, **MODEL)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        prepare("toy", recorded="auto", **MODEL)


def test_without_a_folder_auto_trains(monkeypatch):
    monkeypatch.setattr(recorded, "here", lambda name: False)
    monkeypatch.delenv(readouts.FOLDER)
    assert prepare("toy", recorded="auto", **MODEL).recorded is None


def test_of_another_data_set_is_refused_as_of_a_trained_run():
    for run in pair(dataset="toy"):
        with pytest.raises(ValueError, match="^dataset: the texts under analysis are those of the first"):
            prepare_like(run, dataset="questions")


def test_data_are_at_hand_where_their_files_are(monkeypatch, tmp_path):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    assert recorded.here("planted")
    assert recorded.here("random")
    assert not recorded.here("sst")
    (tmp_path / "sst").mkdir()
    (tmp_path / "sst/train.txt").write_text("(3 (2 a) (4 film))\n")
    assert recorded.here("sst")
    assert recorded.here("sst5")
