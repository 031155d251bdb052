"""The one call for stock transformers: cache, inputs of texts, pairs and scenes, refusals, repeats."""

import numpy as np
import pytest
import torch

from attnbook.runs import results
from attnlib import data
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.generated import planted
from attnlib.data.generated import scenes as scenes_generated
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.models.transformers import longest
from attnlib.prepare.transformers import prepare_transformer as prepare

pytest.importorskip("transformers")

TEXTS = planted.load(n_train=60, n_dev=20, n_test=20)
SCENES = scenes_generated.load(n_train=60, n_dev=20, n_test=20)
CHEAP = {"epochs": 1, "progress": False, "hidden": 16}


def paired(n=12):
    """Pairs of texts of one to four words."""
    generator = np.random.default_rng(0)

    def texts():
        return tuple(
            tuple(f"w{i}" for i in generator.integers(9, size=1 + generator.integers(4))) for _ in range(n)
        )

    parts = [
        Split(tuple(f"{part}/{i}" for i in range(n)), texts(), np.arange(n) % 3, questions=texts())
        for part in ("train", "dev", "test")
    ]
    return Corpus(
        name="pairs",
        task="pair classification",
        train=parts[0],
        dev=parts[1],
        test=parts[2],
        vocabulary=Vocabulary.build([*parts[0].texts, *parts[0].questions]),
        class_names=("a", "b", "c"),
        provenance={},
    )


@pytest.fixture(autouse=True)
def _small(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    corpora = {"planted": TEXTS, "snli": paired()}
    load = data.load
    monkeypatch.setattr(data, "load", lambda name: corpora[name] if name in corpora else load(name))
    monkeypatch.setattr(data, "load_scenes", lambda name: SCENES)


@pytest.mark.parametrize(
    ("dataset", "kind"), [("planted", "bert"), ("scenes", "visual_bert"), ("scenes", "lxmert")]
)
def test_the_second_call_does_not_train_and_gives_the_same_bits(dataset, kind, monkeypatch, tmp_path):
    first = prepare(dataset, kind, **CHEAP)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "other"))
    again = prepare(dataset, kind, **CHEAP)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("attnlib.training.fit.epochs", None)
    cached = prepare(dataset, kind, **CHEAP)
    for other in (again, cached):
        assert other.test_metrics == first.test_metrics
        assert other.settings == first.settings
        assert not other.model.training
        for name, tensor in first.inputs.items():
            assert torch.equal(tensor, other.inputs[name])
        for name, tensor in first.model.state_dict().items():
            assert torch.equal(tensor, other.model.state_dict()[name])
    assert cached.history == first.history
    assert cached.history == first.history


def test_a_damaged_entry_of_the_cache_is_made_anew(tmp_path, caplog):
    first = prepare("scenes", **CHEAP)
    (path,) = (tmp_path / "cache" / "models").glob("scenes-*.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    assert prepare("scenes", **CHEAP).test_metrics == first.test_metrics
    assert "is no file of this model's parameters" in caplog.text


def test_the_limit_draws_instances_and_leaves_the_metrics(monkeypatch):
    whole, some = prepare("scenes", **CHEAP), prepare("scenes", limit=7, **CHEAP)
    assert len(some.texts) == len(some.inputs["visual_embeds"]) == 7
    assert some.test_metrics == whole.test_metrics
    rows = [whole.texts.ids.index(name) for name in some.texts.ids]
    for name, tensor in some.inputs.items():
        expected = whole.inputs[name][rows]
        torch.testing.assert_close(tensor, expected[:, : tensor.shape[1]])


def test_of_pairs_the_first_text_is_scored_and_removed():
    run = prepare("snli", "bert", **CHEAP)
    texts = run.texts.texts
    assert run.kind.mask(run.inputs).sum(dim=1).tolist() == [len(text) for text in texts]
    lengths = [len(text) + len(other) + 3 for text, other in zip(texts, run.texts.questions, strict=True)]
    assert run.inputs["attention_mask"].sum(dim=1).tolist() == lengths
    assert longest(run.corpus.test) == max(lengths)
    (scores,) = stock.explain(run.model, run.kind, run.inputs, ["attention"]).values()
    deletion = removals(run.model, run.kind, run.inputs)["deletion"]
    assert deletion.lengths.tolist() == [len(text) for text in texts]
    assert scores.shape == run.kind.mask(run.inputs).shape
    # The first word taken out of the text by hand.
    row = next(i for i, text in enumerate(texts) if len(text) > 1)
    one = {name: value[row : row + 1, : lengths[row]] for name, value in run.inputs.items()}
    kept = [i for i in range(lengths[row]) if i != 1]
    with torch.no_grad():
        expected = run.model(**{name: value[:, kept] for name, value in one.items()}).logits.softmax(1)
    gone = np.zeros((len(texts), 1, deletion.lengths.max()), dtype=bool)
    gone[row, 0, 0] = True
    np.testing.assert_allclose(deletion.without(gone)[row, 0], expected[0].numpy(), atol=1e-6)


def test_a_summary_says_which_model_it_is_of():
    run = prepare("scenes", "lxmert", **CHEAP)
    import pandas as pd

    table = results.of_run(
        run, pd.DataFrame({"metric": ["violation"], "value": [0.5]}), "violation/transformers"
    )
    assert table.loc[0, ["paper", "experiment", "dataset", "encoder", "scorer"]].tolist() == [
        "violation",
        "transformers",
        "scenes",
        "lxmert",
        "cross_attention",
    ]


def test_what_does_not_fit_is_refused_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr("attnlib.training.fit.epochs", None)
    with pytest.raises(ValueError, match=r"unknown kind 'visualbert'.*Did you mean 'visual_bert'"):
        prepare("scenes", "visualbert")
    with pytest.raises(ValueError, match="'sst' is of texts, lxmert reads questions about scenes"):
        prepare("sst", "lxmert")
    with pytest.raises(ValueError, match="'scenes' are scenes, bert reads texts"):
        prepare("scenes", "bert")
    with pytest.raises(ValueError, match="is question answering; bert reads classification and pairs"):
        prepare("babi1_generated", "bert")
    with pytest.raises(ValueError, match="seed: must be"):
        prepare("scenes", seed=-1)
    with pytest.raises(ValueError, match="epochs: must be"):
        prepare("scenes", epochs=0)
    with pytest.raises(ValueError, match="layers: must be a whole number ≥ 1, got 0"):
        prepare("scenes", layers=0)
