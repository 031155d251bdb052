"""Removal from stock transformers against the models themselves, instance by instance."""

from itertools import product

import numpy as np
import pytest
import torch

from attnlib.explain.transformers import methods as stock
from attnlib.faithfulness import violations
from attnlib.faithfulness.transformers import removals
from tests.stock import bert, embedded, lxmert, visual_bert


def probabilities(model, kind, inputs):
    with torch.no_grad():
        return model(**inputs)[kind.logits].double().softmax(1).numpy()


def without(inputs, kind, row, gone):
    """The inputs of one row, with the scored positions `gone` truly taken out of every list."""
    one = {name: value[row : row + 1] for name, value in inputs.items()}
    kept = [i for i in range(one[kind.features].shape[1]) if i - kind.ends not in gone]
    for name in (kind.features, kind.present, *kind.beside):
        if name in one:
            one[name] = one[name][:, kept]
    return one


@pytest.mark.parametrize("make", [bert, visual_bert, lxmert])
def test_against_the_model(make):
    model, kind, inputs = embedded(make)
    inputs[kind.present] = inputs[kind.present].clone()
    inputs[kind.present][1, -1] = 0
    ways = removals(model, kind, inputs, batch_size=3)
    assert list(ways) == ["deletion", "zeroing", "attention mask"][make is not bert :]
    lengths = ways["zeroing"].lengths
    sets = np.random.default_rng(0).random((2, 6, lengths.max())) < 0.4
    sets &= (np.arange(lengths.max()) < lengths[:, None])[:, None]
    sets[:, 0] = False
    for (name, removal), row, k in product(ways.items(), range(2), range(6)):
        gone, found = np.flatnonzero(sets[row, k]), removal.without(sets)[row, k]
        if len(gone) == lengths[row]:
            assert np.isnan(found).all()
            continue
        one = {key: value[row : row + 1].clone() for key, value in inputs.items()}
        if name == "deletion":
            one = without(inputs, kind, row, gone)
        elif name == "zeroing":
            one[kind.features][0, gone + kind.ends] = 0
            if make is lxmert:
                one["visual_pos"][0, gone] = 0
        else:
            one[kind.present][0, gone + kind.ends] = 0
        np.testing.assert_allclose(found, probabilities(model, kind, one)[0], atol=1e-6)


@pytest.mark.parametrize("make", [visual_bert, lxmert])
def test_for_regions_the_attention_mask_is_deletion(make):
    model, kind, inputs = embedded(make)
    removal = removals(model, kind, inputs)["attention mask"]
    found = removal.drop_of_each()
    whole = probabilities(model, kind, inputs)
    for row in range(2):
        y = whole[row].argmax()
        for region in range(4):
            shorter = probabilities(model, kind, without(inputs, kind, row, [region]))[0]
            assert found[row, region] == pytest.approx(whole[row, y] - shorter[y], abs=1e-6)


@pytest.mark.slow
def test_the_violation_test_takes_scores_and_removals_of_a_stock_model():
    model, kind, inputs = embedded(lxmert)
    scores = stock.explain(model, kind, inputs)
    for removal in removals(model, kind, inputs).values():
        assert violations(removal.drop_of_each(), removal).ratio == 0
        for found in scores.values():
            assert violations(found, removal).tested.all()
