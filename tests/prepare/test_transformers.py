"""The one call for stock transformers: cache, inputs of texts, pairs and scenes, refusals, repeats."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attnlib import data
from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness.transformers import removals
from attnlib.models.transformers import longest
from attnlib.prepare.transformers import prepare_transformer as prepare
from tests import toy

pytest.importorskip("transformers")

CHEAP = {"epochs": 1, "progress": False, "hidden": 16}


@pytest.fixture(autouse=True)
def _small(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "load", lambda name: replace(toy.corpus(pair=True), task="pair classification"))


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
