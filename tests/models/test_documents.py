"""Document models: six architectures against a plain reading, padding, initial parameters, batches."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch

from attnlib.data.columns import Ragged
from attnlib.data.corpus import PAD, UNK, Split, Vocabulary
from attnlib.data.generated import planted_documents
from attnlib.explain import Trained, explain, leave_one_out
from attnlib.faithfulness import removals
from attnlib.models import collate, document_batches
from attnlib.models import documents as models
from attnlib.models.document_batches import DocumentBatch, Documents, training_batches
from attnlib.models.flans import FlatModel
from attnlib.models.vectors import Sentences, passes_over, random_unit_vectors, train_document_vectors
from attnlib.prepare.documents import released
from tests.data.test_columns import packed

SPLIT = planted_documents.generate(9, "test", sentences=(1, 6))
VOCABULARY = Vocabulary.build(SPLIT.texts)
DOCUMENTS = Documents.of(SPLIT, VOCABULARY)
EVERY = DOCUMENTS.batch(np.arange(len(DOCUMENTS)))


def model(encoder, n_classes=4, seed=0, **settings):
    sizes = dict(dimension=12, hidden=5) | settings
    architecture = models.DocumentArchitecture(encoder, n_classes, len(VOCABULARY), **sizes)
    return models.build_document_model(architecture, seed=seed).eval()


def encode(encoder, row):
    """States [T, m] of one unpadded row [T, d], by PyTorch's own layers."""
    if isinstance(encoder, models.DocumentGRU):
        right = encoder.forwards(row[None])[0][0]
        left = encoder.backwards(row[None].flip(1))[0][0].flip(0)
        return torch.cat([right, left], dim=1)
    if isinstance(encoder, models.DroppedConvolution):
        return torch.cat([layer(row.T[None])[0].T for layer in encoder.convolutions], dim=1).relu()
    return row


def pool(level, row):
    """Context, attention and states of one unpadded row: u = tanh(W h + b), α = softmax(c · u), Σ α h."""
    states = encode(level.encoder, row)
    hidden = torch.tanh(states @ level.scorer.states.weight.T + level.scorer.states.bias)
    attention = (hidden @ level.scorer.value.weight[0]).softmax(dim=0)
    return attention @ states, attention, states


@pytest.mark.parametrize("encoder", models.DOCUMENT_ENCODERS)
def test_a_flan_explains_itself_as_the_model_of_the_other_papers(encoder):
    subject, state = model(encoder), torch.get_rng_state()
    if subject.hierarchical:
        with pytest.raises(ValueError, match="attention is over sentences"):
            FlatModel(subject)
        return
    flat = FlatModel(subject)
    assert torch.get_rng_state().equal(state)
    with torch.no_grad():
        found = flat(collate(SPLIT, VOCABULARY, range(len(SPLIT))))
    torch.testing.assert_close(found.logits, subject(EVERY).logits)
    torch.testing.assert_close(found.attention[:, 1:-1], subject(EVERY).attention)
    again, quick = (leave_one_out(flat, SPLIT, VOCABULARY, encode_again=way) for way in (True, False))
    torch.testing.assert_close(quick, again, atol=1e-6, rtol=0, equal_nan=True)
    # One word gone, by the model's own reading of the shorter documents.
    readout = models.read_documents(subject, DOCUMENTS)
    ways = removals(flat, SPLIT, VOCABULARY, readout)
    first = np.zeros((len(SPLIT), 1, int(SPLIT.lengths.max())), bool)
    first[:, 0, 0] = True
    shorter = replace(SPLIT, texts=tuple(text[1:] for text in SPLIT.texts), sentences=None, evidence=None)
    with torch.no_grad():
        expected = subject(Documents.of(shorter, VOCABULARY).batch(np.arange(len(SPLIT)))).logits
    np.testing.assert_allclose(ways["deletion"].without(first)[:, 0], expected.softmax(1), atol=1e-6)
    scores = explain(Trained(flat, SPLIT, VOCABULARY, readout), ["attention", "input × gradient"])
    assert scores["input × gradient"][readout.mask].abs().min() > 0


@pytest.mark.parametrize("encoder", models.DOCUMENT_ENCODERS)
@torch.no_grad()
def test_each_architecture_is_what_it_says(encoder):
    subject = model(encoder).double()
    output = subject(EVERY)
    for i, (text, lengths) in enumerate(zip(SPLIT.texts, SPLIT.sentences, strict=True)):
        items = subject.embedding(torch.tensor(VOCABULARY.encode(text)[1:-1]))
        if encoder.startswith("HAN"):
            items = torch.stack([pool(subject.words, s)[0] for s in items.split(lengths.tolist())])
        context, attention, states = pool(subject.sentences or subject.words, items)
        n, logits = len(attention), subject.head.weight @ context + subject.head.bias
        found = output.logits[i], output.attention[i, :n], output.states[i, :n]
        torch.testing.assert_close(found, (logits, attention, states))
        assert output.mask[i].tolist() == [True] * n + [False] * (output.mask.shape[1] - n)
        assert (output.attention[i, n:] == 0).all()


@pytest.mark.parametrize("encoder", ["HANrnn", "HANconv", "HANnoenc"])
def test_grouping_and_encoding_again_change_nothing(encoder, monkeypatch):
    def gradients():
        subject = model(encoder).double().eval()
        subject(EVERY).logits.pow(2).sum().backward()
        return [parameter.grad for parameter in subject.parameters()]

    usual = gradients()
    monkeypatch.setattr(models, "GROUP_WORDS", 20)
    torch.testing.assert_close(gradients(), usual)
    monkeypatch.setattr(models, "MANY_WORDS", 1)
    again = mock.Mock(wraps=models.checkpoint)
    monkeypatch.setattr(models, "checkpoint", again)
    torch.testing.assert_close(gradients(), usual)
    assert again.call_count > 3


@pytest.mark.parametrize("size", [128, np.inf])
def test_runs_hold_each_length_once_few_items_and_no_more_than_they_may(size):
    lengths = [1] * 3000 + [7] * 500 + [900, 1500, 5000]
    found = list(document_batches.runs(lengths, 2048, size))
    assert [n for run in found for n in lengths[run]] == lengths
    for run, after in zip(found, [*found[1:], None], strict=True):
        n, longest = run.stop - run.start, lengths[run.stop - 1]
        assert n == 1 or (n <= size and n * longest <= 2048)
        # One more would be too many.
        assert after is None or n + 1 > size or (n + 1) * lengths[after.start] > 2048


@torch.no_grad()
def test_a_document_of_thousands_of_sentences():
    n = 4000
    lengths = np.tile([1, 2, 40], n)[:n]
    words = np.random.default_rng(0).integers(1, len(VOCABULARY), lengths.sum()).astype(np.int32)
    whole, sentences = Ragged.in_a_row(words, np.array([len(words)])), Ragged.in_a_row(lengths, np.array([n]))
    long = Documents(whole, np.array([1]), sentences)
    assert models.read_documents(model("HANrnn"), long).lengths.tolist() == [n]
    assert models.read_documents(model("FLANnoenc"), long).lengths.tolist() == [len(words)]


def test_the_gru_has_the_released_initial_parameters():
    torch.manual_seed(0)
    for layer in (models.DocumentGRU(200, 50).forwards, models.DocumentGRU(200, 50).backwards):
        bound = (6 / (200 + 150)) ** 0.5
        assert 0.95 * bound < layer.weight_ih_l0.abs().max() <= bound
        recurrent = layer.weight_hh_l0
        torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(50), atol=1e-5, rtol=0)
        assert (layer.bias_ih_l0 == 0).all()
        assert layer.bias_hh_l0.nonzero().flatten().tolist() == list(range(37, 74))
        assert layer.bias_hh_l0.unique().tolist() == [0, 1]


@pytest.mark.parametrize("encoder", models.DOCUMENT_ENCODERS)
def test_sizes_are_the_papers(encoder):
    subject = models.build_document_model(models.DocumentArchitecture(encoder, 5, 30))
    size = 200 if encoder.endswith("noenc") else 100
    levels = [subject.words, subject.sentences] if encoder.startswith("HAN") else [subject.words]
    for level in levels:
        assert level.scorer.states.weight.shape == (size, size)
        assert level.scorer.value.weight.shape == (1, size)
        assert level.scorer.value.bias is None
    assert subject.hierarchical == (len(levels) == 2) == (subject.sentences is not None)
    assert subject.head.weight.shape == (5, size)
    bound = (6 / (5 + size)) ** 0.5
    assert 0.9 * bound < subject.head.weight.abs().max() <= bound
    assert (subject.head.bias == 0).all()


def test_the_logits_are_dropped_in_the_released_variant_only():
    batch = DOCUMENTS.batch(np.tile(np.arange(9), 30))
    for encoder in ("HANnoenc", "FLANnoenc"):
        torch.manual_seed(0)
        for variant, share in (("released", 0.7), ("no_logit_dropout", 0)):
            dropped = released("yelp_full", encoder, variant)[0]["dropout_logits"]
            logits = model(encoder, dropout_logits=dropped).train()(batch).logits
            assert (logits == 0).float().mean() == pytest.approx(share, abs=0.05 * share)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("encoder", ["HANrnn", "FLANconv"])
def test_the_readout_is_the_model(encoder, n_classes):
    subject = model(encoder, n_classes)
    readout = models.read_documents(subject, DOCUMENTS)
    with torch.no_grad():
        torch.testing.assert_close(readout.logits().float(), subject(EVERY).logits, atol=1e-6, rtol=1e-5)
    assert readout.linear
    assert readout.scores.shape[2] == len(readout.bias) == n_classes
    expected = [len(s) for s in SPLIT.sentences] if encoder == "HANrnn" else list(map(len, SPLIT.texts))
    assert readout.lengths.tolist() == expected


def test_documents_are_the_split_in_numbers():
    assert DOCUMENTS.words.lengths.tolist() == [len(text) for text in SPLIT.texts]
    assert [row.tolist() for row in DOCUMENTS.sentences] == [s.tolist() for s in SPLIT.sentences]
    rows = np.array([4, 0, 7])
    batch, tokens = DOCUMENTS.batch(rows), [token for i in rows for token in SPLIT.texts[i]]
    assert [VOCABULARY.words[i - 4] for i in batch.words.tolist()] == tokens
    assert batch.sentences.tolist() == [n for i in rows for n in SPLIT.sentences[i]]
    assert batch.labels.tolist() == SPLIT.labels[rows].tolist()
    compact = Documents.of(replace(SPLIT, texts=packed(SPLIT.texts)), VOCABULARY)
    assert [row.tolist() for row in compact.words] == [row.tolist() for row in DOCUMENTS.words]


def test_words_unknown_or_spelt_like_a_symbol_are_unknown():
    split = Split(("a",), (("<pad>", "<end>", "soup", "zzz"),), np.array([0]))
    assert Documents.of(split, Vocabulary(("soup",))).words[0].tolist() == [UNK, UNK, 4, UNK]


@pytest.mark.parametrize("hierarchical", [True, False])
def test_training_batches_hold_each_document_once_within_the_limit(hierarchical):
    documents = Documents.of(planted_documents.generate(200, "batches"), VOCABULARY)
    limit = 60 if hierarchical else 700
    order = documents, hierarchical, limit, 16
    batches = list(training_batches(*order, np.random.default_rng(0)))
    assert sum(len(batch.labels) for batch in batches) == 200
    assert sorted(n for batch in batches for n in batch.lengths.tolist()) == sorted(documents.words.lengths)
    for batch in batches:
        padded = batch.sentences.max() if hierarchical else batch.lengths.max()
        assert len(batch.labels) <= 16
        assert len(batch.labels) == 1 or len(batch.labels) * padded <= limit
        # Buckets of like length: far closer together than the 3 to 12 sentences of all.
        assert batch.counts.max() - batch.counts.min() <= (4 if hierarchical else 12)
    assert len({len(batch.labels) for batch in batches}) > 1
    again, other = (list(training_batches(*order, np.random.default_rng(seed))) for seed in (0, 1))
    assert all(torch.equal(a.words, b.words) for a, b in zip(batches, again, strict=True))
    assert [len(a.words) for a in batches] != [len(a.words) for a in other]


def test_a_bucket_over_the_limit_is_cut_into_equal_parts():
    # 7 documents of one sentence of 10 words: 70 over 40 makes 2 parts, of 4 and 3.
    words = Ragged.in_a_row(np.ones(70, dtype=np.int32), np.full(7, 10))
    sentences = Ragged.in_a_row(np.full(7, 10), np.ones(7, dtype=int))
    documents = Documents(words, np.zeros(7, dtype=int), sentences)
    for hierarchical in (True, False):
        batches = training_batches(documents, hierarchical, 40, 64, np.random.default_rng(0))
        assert sorted(len(batch.labels) for batch in batches) == [3, 4]


@pytest.mark.parametrize("hierarchical", [True, False])
def test_evaluation_batches_hold_each_document_once(hierarchical, monkeypatch):
    monkeypatch.setattr(document_batches, "MOST_ITEMS", 20)
    batches = list(document_batches.evaluation_batches(DOCUMENTS, hierarchical, size=4))
    assert sorted(i for rows, _ in batches for i in rows) == list(range(9))
    for rows, batch in batches:
        longest = (batch.counts if hierarchical else batch.lengths).max()
        assert len(rows) == 1 or (len(rows) <= 4 and len(rows) * longest <= 20)


def test_hierarchical_models_refuse_texts_without_sentences():
    flat = Documents.of(replace(SPLIT, sentences=None), VOCABULARY)
    with pytest.raises(ValueError, match="reads sentences, but these texts have none: .*FLAN"):
        models.read_documents(model("HANrnn"), flat)
    with pytest.raises(ValueError, match="reads sentences, but the batch has none"):
        model("HANrnn")(DocumentBatch(torch.tensor([1]), torch.tensor([1]), torch.tensor([0])))
    whole = models.read_documents(model("FLANrnn"), DOCUMENTS)
    torch.testing.assert_close(models.read_documents(model("FLANrnn"), flat).alpha, whole.alpha)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "HANrn"}, "unknown architecture 'HANrn': known are HANrnn, .*Did you mean 'HANrnn'"),
        ({"variant": "published"}, "unknown variant 'published': known are released, no_logit_dropout"),
        ({"n_classes": 1}, "n_classes: must be a whole number ≥ 2, got 1"),
        ({"dropout_words": 1.0}, "dropout_words is 1.0"),
    ],
)
def test_impossible_architectures_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        models.DocumentArchitecture(**({"encoder": "HANrnn", "n_classes": 3, "n_words": 9} | change))


def test_vectors_of_another_shape_are_refused():
    architecture = models.DocumentArchitecture("HANrnn", 2, 5, dimension=12)
    with pytest.raises(ValueError, match=r"vectors have shape \[3, 12\]"):
        models.build_document_model(architecture, torch.zeros(3, 12))


def test_the_padding_row_stays_zero_and_each_word_gets_its_gradient():
    subject = model("FLANnoenc").train()
    assert (subject.embedding.weight[PAD] == 0).all()
    subject(EVERY).logits.pow(2).sum().backward()
    moved = subject.embedding.weight.grad.abs().sum(dim=1) > 0
    assert sorted(moved.nonzero().flatten().tolist()) == sorted(set(DOCUMENTS.words.joined().tolist()))


def test_vectors_have_length_one_and_follow_the_words(monkeypatch):
    monkeypatch.setattr("attnlib.models.vectors.WORDS_READ", 1)
    some = planted_documents.generate(150, "vectors")
    vocabulary = Vocabulary.build(some.texts, min_occurrences=5)
    table = train_document_vectors([some], vocabulary, dimension=8)
    lengths = table.norm(dim=1)
    assert (table[PAD] == 0).all()
    assert lengths[UNK] == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(lengths[4:], torch.ones(len(vocabulary.words)))
    assert torch.equal(table, train_document_vectors([some], vocabulary, dimension=8))
    assert not torch.equal(table, train_document_vectors([some], vocabulary, dimension=8, seed=1))
    torch.testing.assert_close(random_unit_vectors(7, 5).norm(dim=1), torch.tensor([0.0] + [1.0] * 6))


def test_sentences_for_vectors_are_those_of_the_texts(monkeypatch):
    texts, sentences = (("x", "rare", "y"), ("y",)), (np.array([2, 1]), np.array([1]))
    split = Split(("a", "b"), texts, np.array([0, 1]), sentences=sentences)
    vocabulary = Vocabulary(("x", "y"))
    assert list(Sentences([split], vocabulary)) == [["x", "<unk>"], ["y"], ["y"]]
    flat = replace(split, sentences=None)
    assert list(Sentences([flat], vocabulary)) == [["x", "<unk>", "y"], ["y"]]
    monkeypatch.setattr("attnlib.models.vectors.LONGEST", 2)
    twice = Sentences([flat], vocabulary)
    assert list(twice) == list(twice) == [["x", "<unk>"], ["y"], ["y"]]


def test_passes_fall_with_the_corpus():
    assert [passes_over(n) for n in (10, 1_000_000, 2_000_001, 100_000_000)] == [30, 30, 15, 5]
