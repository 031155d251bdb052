"""A pretrained model in a folder, frozen under attention or fine-tuned whole, as a run of the book has it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from attnlib import faithfulness, kernels
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.prepare import prepare, prepare_like, prepare_transformer
from attnlib.prepare.penalised import prepare_diverse
from tests import toy
from tests.test_notebooks import ROOT, cells_in_a_fork, few  # noqa: F401
from tests.tiny_bert import tiny_bert

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_bert(tmp_path_factory.mktemp("tiny") / "mine"))


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path_factory.getbasetemp() / "pretrained"))


def frozen(folder, **more):
    return prepare(toy.corpus(), folder, **{"epochs": 4, "progress": False, **more})


@pytest.mark.parametrize("scorer", ["additive", "scaled_dot", "uniform"])
def test_frozen_states_under_attention_make_a_readout_of_words(folder, scorer):
    run = frozen(folder, scorer=scorer)
    assert run.name["encoder"] == "mine"
    assert run.name["vectors"] == "frozen"
    assert run.readout.lengths.tolist() == [len(text) for text in run.texts.texts]
    # By hand: weights and votes of the kept states.
    states = torch.from_numpy(run.texts.states[3]).float()[None]
    weights = run.model.scorer(states).softmax(1)[0]
    head = run.model.head.projection
    torch.testing.assert_close(run.readout.alpha[3, : len(weights)].float(), weights, atol=1e-5, rtol=1e-4)
    votes = (states @ head.weight.T)[0, :, 0]
    torch.testing.assert_close(run.readout.scores[3, : len(weights), 1], votes, atol=1e-4, rtol=1e-4)
    trained = {name for name, _ in run.model.named_parameters()}
    assert not any(name.startswith(("embedding", "encoder")) for name in trained)
    again = frozen(folder, scorer=scorer)
    assert again.readout.alpha.equal(run.readout.alpha)


def test_what_moves_weights_works_and_what_encodes_again_is_refused(folder):
    run = frozen(folder, limit=30)
    assert kernels.permutation_test(run.readout).shape == (30,)
    assert kernels.exact_adversary(run.readout, 0.05).jsd.ge(0).all()
    assert kernels.minimal_flip_set(run.readout).count.ge(1).all()
    other = prepare_like(run, scorer="uniform", progress=False)
    assert other.texts.ids == run.texts.ids
    for name in ("gradient", "leave_one_out", "input × gradient"):
        with pytest.raises(ValueError, match="frozen encoder's states are of whole texts"):
            run.scores(name)
    with pytest.raises(ValueError, match="a frozen encoder's states stay as they are"):
        prepare_diverse(run, 0.1)
    with pytest.raises(ValueError, match="frozen encoder's states are of whole texts"):
        faithfulness.removals(*run.trained)
    attention = faithfulness.attention_mask(run.readout)
    assert np.isfinite(faithfulness.violations(run.scores("attention × gradient"), attention).ratio)


def test_what_a_frozen_encoder_cannot_do_is_refused_before_it_is_loaded(folder):
    with pytest.raises(ValueError, match="frozen: it reads classification"):
        prepare(toy.corpus(pair=True), folder, progress=False)
    with pytest.raises(ValueError, match="leave vectors and dimension out"):
        frozen(folder, vectors="corpus")
    with pytest.raises(ValueError, match="unknown encoder 'miniml'.*Did you mean 'minilm'"):
        prepare(toy.corpus(), "miniml")
    with pytest.raises(ValueError, match="unknown encoder 'frozen'"):
        prepare(toy.corpus(), "frozen")


def test_fewer_training_texts_are_the_same_for_every_seed(folder):
    runs = [frozen(folder, train_limit=50, seed=seed) for seed in (0, 1)]
    assert len(runs[0].corpus.train) == 50
    assert runs[0].corpus.train.ids == runs[1].corpus.train.ids
    whole = frozen(folder)
    assert len(whole.corpus.train) == 160
    assert whole.settings["data"] != runs[0].settings["data"]


def fine_tuned(folder, corpus=None, **more):
    how = {"epochs": 1, "progress": False, "limit": 12, "transformer": folder, **more}
    return prepare_transformer(corpus or toy.corpus(), "bert", **how)


def test_a_fine_tuned_model_is_explained_and_tested_by_words(folder):
    run = fine_tuned(folder)
    assert (run.name["encoder"], run.name["variant"]) == ("mine", "pretrained")
    assert run.encoded.words == [list(text) for text in run.texts.texts]
    scores = run.explain(seed=1)
    assert list(scores) == list(stock.METHODS)
    ways = removals(run.model, run.kind, run.inputs, units=run.units)
    lengths = [len(text) for text in run.texts.texts]
    for removal in ways.values():
        assert removal.lengths.tolist() == lengths
    assert [len(row) for row in scores["rollout"]] == lengths
    table = faithfulness.measure_texts(scores, ways, run.texts.labels)
    assert set(table["operator"]) == {"deletion", "zeroing", "attention mask"}
    # Head by head, and the last layer's mean is what attention is.
    places = run.by_layer_and_head()
    assert set(places) == {(layer, head) for layer in (0, 1) for head in (None, 0, 1)}
    for row, expected in enumerate(scores["attention"]):
        np.testing.assert_allclose(places[1, None]["attention"][row], expected, atol=1e-6)
        heads = [places[1, head]["attention"][row] for head in (0, 1)]
        np.testing.assert_allclose(np.mean(heads, axis=0), expected, atol=1e-6)
    again = fine_tuned(folder)
    assert all(a.equal(b) for a, b in zip(run.model.parameters(), again.model.parameters(), strict=True))


def test_of_pairs_the_words_of_the_first_text_are_scored(folder):
    run = fine_tuned(folder, corpus=replace(toy.corpus(pair=True), task="pair classification"))
    assert run.encoded.words == [list(text) for text in run.texts.texts]
    (scores,) = run.explain(["attention"]).values()
    assert [len(row) for row in scores] == [len(text) for text in run.texts.texts]
    deletion = removals(run.model, run.kind, run.inputs, units=run.units)["deletion"]
    assert deletion.lengths.tolist() == [len(text) for text in run.texts.texts]


@pytest.mark.slow
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("jain_wallace/permutation", {"encoder": ...}),
        ("beyond/geometry", {"encoder": ...}),
        ("violation/transformers", {"kind": "bert", "transformer": ..., "measures": False}),
        ("violation/transformer_depth", {"kind": "bert", "transformer": ..., "depths": [1, 2]}),
    ],
)
def test_the_book_s_experiments_take_a_folder(name, how, folder, tmp_path):
    values = {key: folder if value is ... else value for key, value in how.items()}
    values |= {"dataset": "planted", "epochs": 1, "limit": 10, "output": str(tmp_path)}
    cells_in_a_fork(ROOT / f"notebooks/{name}.py", values)
    if name != "beyond/geometry":
        summary = pd.read_csv(tmp_path / "summary.csv")
        assert set(summary["encoder"]) == {"mine"}
        assert summary["metric"].isin(["can_flip", "violation"]).any()


def test_layers_are_the_first_ones_and_a_kind_of_scenes_is_refused(folder):
    run = fine_tuned(folder, layers=1)
    assert {layer for layer, _ in run.by_layer_and_head(methods=["attention"])} == {0}
    with pytest.raises(ValueError, match="layers is 3: the model in .* has 2"):
        fine_tuned(folder, layers=3)
    with pytest.raises(ValueError, match="reads texts, as the kind 'bert' does"):
        prepare_transformer("scenes", "lxmert", transformer=folder)
    with pytest.raises(ValueError, match="heads and a size of its own"):
        fine_tuned(folder, heads=2)


def test_the_learning_rate_ends_at_nothing_whatever_the_batches(folder):
    run = fine_tuned(folder, batch_size=128, epochs=2)
    rates = [row["learning_rate"] for row in run.history]
    assert 0 < rates[-1] < 5e-4
    assert run.settings["training"]["batch_size"] == 128
