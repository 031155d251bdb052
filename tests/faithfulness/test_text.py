"""The three ways to remove from an attention model, against the model itself, one text at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from attnlib.data.corpus import Vocabulary
from attnlib.explain.recurrent import input_gates, states_of_words
from attnlib.faithfulness import OPERATORS, attention_mask, removals
from attnlib.models import ENCODERS, Architecture, build, collate
from attnlib.models.reading import read
from tests import toy
from tests.kernels.cases import make, one, spread_out

KINDS = ("two classes", "four classes", "deep", "question", "candidates")
N_SETS = 3


def case(encoder, kind, n=5):
    """A model and texts with repeated words, words the vocabulary lacks, and one token at the least."""
    pair = kind in ("question", "candidates")
    n_classes = {"two classes": 2, "four classes": 4}.get(kind, 3)
    vocabulary = Vocabulary.build([toy.WORDS])
    layers = 2 if kind == "deep" else 0
    scorer = "scaled_dot" if pair else "additive"
    size = dict(pair=pair, dimension=8, hidden=16, layers=layers)
    model = build(Architecture(encoder, scorer, n_classes, len(vocabulary), **size)).eval()
    with torch.no_grad():
        for parameter in (*model.head.parameters(), *model.scorer.parameters()):
            parameter.mul_(4)  # so that words matter
    split = toy.split(n, seed=5, pair=pair, longest=6)
    strange = np.random.default_rng(1)
    texts = [tuple("zebra" if strange.random() < 0.2 else word for word in text) for text in split.texts]
    split = replace(split, texts=(("zebra",), *texts[1:]))
    if kind == "candidates":
        pairs = [(label, 2) if i % 3 else (label,) for i, label in enumerate(split.labels.tolist())]
        split = replace(split, candidates=pairs)
    return model, vocabulary, split


def all_three(model, vocabulary, split):
    return removals(model, split, vocabulary, read(model, split, vocabulary))


def some_sets(split, seed=0):
    """Random sets within the texts, [N, K, T]; the last of each text is all of it."""
    width = int(split.lengths.max())
    removed = np.random.default_rng(seed).random((len(split), N_SETS, width)) < 0.4
    removed[:, -1] = True
    return removed & (np.arange(width) < split.lengths[:, None])[:, None]


def expected(operator, model, vocabulary, single, gone):
    """Probabilities [C] of a split of one text without the tokens `gone` [T], by the definition."""
    text = single.texts[0]
    batch = collate(single, vocabulary, [0])
    if operator == "deletion":
        shorter = tuple(word for word, g in zip(text, gone, strict=True) if not g)
        return softmax(model(collate(replace(single, texts=(shorter,)), vocabulary, [0])).logits)
    places = torch.tensor([False, *gone, False])
    if operator == "zeroing":
        embedded = model.embedding(batch.ids) * ~places[None, :, None]
        return softmax(model(batch, embedded=embedded).logits)
    whole = model(batch)
    weights = whole.attention.double().masked_fill(places, 0)
    context = (weights / weights.sum()).float() @ whole.states[0]
    logits = model.head(context, whole.query)
    allowed = batch.allowed(logits.shape[1])
    return softmax(logits if allowed is None else logits.masked_fill(~allowed, -torch.inf))


def softmax(logits):
    return logits.double().softmax(1)[0].numpy()


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_operator_by_definition(encoder, kind):
    model, vocabulary, split = case(encoder, kind)
    removed = some_sets(split)
    found = all_three(model, vocabulary, split)
    assert tuple(found) == OPERATORS
    for operator, removal in found.items():
        assert removal.name == operator
        without = removal.without(removed)
        assert np.nanmax(np.abs(without - removal.intact[:, None])) > 1e-3
        for i, length in enumerate(split.lengths):
            single = split.select([i])
            intact = softmax(model(collate(single, vocabulary, [0])).logits)
            assert removal.intact[i] == pytest.approx(intact, abs=1e-5)
            for k in range(N_SETS):
                gone = removed[i, k, :length]
                if gone.all():
                    assert np.isnan(without[i, k]).all()
                else:
                    value = expected(operator, model, vocabulary, single, gone)
                    assert without[i, k] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_text_does_not_depend_on_the_others(encoder, monkeypatch):
    model, vocabulary, split = case(encoder, "question", 12)
    removed = some_sets(split)
    together = {name: r.without(removed) for name, r in all_three(model, vocabulary, split).items()}
    order = np.random.default_rng(2).permutation(12)[:9]
    mixed = split.select(order)
    width = int(mixed.lengths.max())
    monkeypatch.setattr("attnlib.faithfulness.text._TOKENS", 10)  # one or two texts at a time
    for name, removal in all_three(model, vocabulary, mixed).items():
        found = removal.without(removed[order, :, :width])
        np.testing.assert_allclose(found, together[name][order], atol=1e-6, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("encoder", ENCODERS)
def test_zeroing_an_unknown_word_changes_what_zero_does(encoder):
    # Its embedding is not zero to begin with, and its place stays.
    model, vocabulary, _ = case(encoder, "two classes")
    split, gone = replace(toy.split(1), texts=(("good", "zebra", "film"),)), np.array([False, True, False])
    removal = all_three(model, vocabulary, split)["zeroing"]
    found = removal.without(gone[None, None])[0, 0]
    assert found == pytest.approx(expected("zeroing", model, vocabulary, split, gone), abs=1e-6)
    assert np.abs(found - removal.intact[0]).max() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("encoder", ["bilstm", "bigru"])
def test_states_of_words_are_those_of_the_encoder(encoder):
    model, vocabulary, split = case(encoder, "two classes")
    batch, own = collate(split, vocabulary, range(len(split))), model.encoder
    table = tuple(input_gates(rnn, model.embedding.weight) for rnn in (own.forwards, own.backwards))
    found = states_of_words(own, table, batch.ids, batch.lengths)
    states = own(model.embedding(batch.ids), batch.lengths, batch.mask)[0]
    torch.testing.assert_close(found, states, atol=1e-6, rtol=0)
    assert (found[torch.arange(batch.ids.shape[1]) >= batch.lengths[:, None]] == 0).all()


@pytest.mark.parametrize(
    ("readout", "gone", "margin"),
    [
        # 1 − α of the second token has no correct digit; the weights that remain do.
        (one([2e-17, 1.0, 1e-17], [3.0, -1.0, 0.0]), [False, True, False], 2.0),
        # Where no weight remains the bias decides.
        (one([1.0, 0.0], [3.0, 2.0], bias=0.5), [True, False], 0.5),
    ],
)
def test_the_attention_mask_takes_what_remains_from_the_remainder(readout, gone, margin):
    found = attention_mask(readout).without(np.array([[gone]]))[0, 0, 1]
    assert found == pytest.approx(1 / (1 + np.exp(-margin)), rel=1e-12)


def test_the_attention_mask_needs_tokens_first():
    with pytest.raises(ValueError, match="readout: row 0 has a token after a masked position"):
        attention_mask(spread_out(make(4, 5))[0])
