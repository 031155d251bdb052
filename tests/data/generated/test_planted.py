import numpy as np
import pytest

from attnlib.data import load
from attnlib.data.corpus import UNK
from attnlib.data.generated import planted


def words(text):
    return text.split()


def test_rule_by_hand():
    assert planted.score(words("the plot was dull")) == -1
    assert planted.score(words("the plot was hardly dull")) == 1
    assert planted.score(words("it was not long ago the plot was good")) == 1
    assert planted.planted_label(words("a good good dull film")) == 1
    text = words("not good but warm")
    assert planted.score(text) == 0
    with pytest.raises(ValueError, match="balance"):
        planted.planted_label(text)
    text = words("the film was not dull so the cast is bad and the story is great")
    assert planted.planted_evidence(text, 1).tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1]
    assert (planted.planted_evidence(text, 0) == -planted.planted_evidence(text, 1)).all()


def test_evidence_is_the_effect_of_erasing_each_token():
    split = planted.generate(150, "test", seed=5, negation=0.5, conflict=1.0, redundancy=(1, 6))
    for text, label, evidence in zip(split.texts, split.labels, split.evidence, strict=True):
        whole = planted.score(text)
        for t in range(len(text)):
            without = planted.score([*text[:t], "film", *text[t + 1 :]])
            assert evidence[t] == np.sign(whole - without) * (1 if label else -1)


def test_evidence_determines_the_label_without_noise():
    corpus = load("planted", n_train=300, n_dev=100, n_test=100, label_noise=0.0)
    for split in corpus.splits.values():
        for text, label, evidence in zip(split.texts, split.labels, split.evidence, strict=True):
            assert planted.planted_label(text) == label
            assert planted.planted_label([w for w, e in zip(text, evidence, strict=True) if e]) == label
            # Nothing speaks for the other class more than for this one, and neutral tokens say nothing.
            assert planted.score([w for w, e in zip(text, evidence, strict=True) if not e]) == 0


def test_defaults_are_noisy_balanced_and_hold_all_kinds_of_evidence():
    corpus = load("planted")
    assert [len(split) for split in corpus.splits.values()] == [2000, 400, 400]
    assert (corpus.train.lengths.min(), corpus.train.lengths.max()) == (8, 40)
    assert 0.45 < corpus.train.labels.mean() < 0.55
    given = list(map(planted.planted_label, corpus.test.texts))
    assert 0.94 <= np.mean(given == corpus.test.labels) < 0.99
    marks = np.concatenate(corpus.train.evidence)
    assert 0.1 < (marks == 1).mean() < 0.13
    assert 0.01 < (marks == -1).mean() < 0.02
    # Negators flip something in some places and nothing in others: the word alone is no evidence.
    tokens = np.concatenate(corpus.train.texts)
    for negator in planted.NEGATORS:
        assert 0.2 < (marks[tokens == negator] != 0).mean() < 0.98
    unknown = np.mean([i == UNK for t in corpus.test.texts for i in corpus.vocabulary.encode(t)])
    assert unknown < 0.01


@pytest.mark.parametrize("length", [(6, 6), (7, 7), (8, 9), (60, 90)])
def test_lengths_are_kept(length):
    split = planted.generate(200, "x", length=length, redundancy=(1, 9))
    assert length[0] <= split.lengths.min() <= split.lengths.max() <= length[1]
