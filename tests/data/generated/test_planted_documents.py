import numpy as np
import pytest

from attnlib.data.generated.planted_documents import (
    NEGATORS,
    TOPICS,
    generate,
    load,
    planted_evidence,
    planted_topic,
    statement,
    topic_scores,
)

COOKING, MUSIC, SAILING, GARDENING = range(4)


def sentence_evidence(split):
    """Per document: 1 where a sentence speaks for the document's label, -1 against, 0 neutral."""
    for marks, lengths in zip(split.evidence, split.sentences, strict=True):
        yield np.sign(np.add.reduceat(marks.astype(int), np.cumsum(lengths) - lengths))


def sentences_of(split, i):
    ends = np.cumsum(split.sentences[i])
    return [split.texts[i][end - n : end] for end, n in zip(ends, split.sentences[i], strict=True)]


def test_rule_by_hand():
    said = {
        "it is mostly about the soup .": (COOKING, 2),
        "it is not about the oven .": (COOKING, -1),
        "the letter mentions the violin .": (MUSIC, 1),
        "people mostly agree .": None,
        "it was not long ago .": None,
        "then come the sails and some questions .": (SAILING, 1),
        "there is a page on the choir .": (MUSIC, 1),
    }
    document = [sentence.split() for sentence in said]
    assert [statement(sentence) for sentence in document] == list(said.values())
    assert topic_scores(document).tolist() == [1, 2, 1, 0]
    assert planted_topic(document) == MUSIC
    assert planted_topic(document[:4]) is None
    for row, topic, sign in ((0, COOKING, 1), (0, MUSIC, -1), (1, COOKING, -1), (1, MUSIC, 1)):
        assert planted_evidence(document[row], topic).tolist() == [0, 0, sign, 0, 0, sign, 0]
    assert not planted_evidence(document[4], MUSIC).any()


def test_evidence_is_the_effect_of_erasing_each_sentence():
    split = generate(150, "test", seed=5)
    kinds = set()
    for i, (label, marks) in enumerate(zip(split.labels, sentence_evidence(split), strict=True)):
        document = sentences_of(split, i)
        whole = topic_scores(document)
        for s in range(len(document)):
            without = topic_scores(document[:s] + document[s + 1 :])
            # What the label's lead over each other topic loses: all of one sign, or 0.
            lost = np.delete((whole[label] - whole) - (without[label] - without), label)
            assert marks[s] == np.sign(lost).sum() // max(1, np.count_nonzero(lost))
            kinds.add(int(marks[s]))
    assert kinds == {-1, 0, 1}


@pytest.mark.slow
def test_every_document_has_the_rules_label_without_noise():
    corpus = load(n_train=300, n_dev=50, n_test=50, label_noise=0.0)
    for split in corpus.splits.values():
        marks = list(sentence_evidence(split))
        for i, label in enumerate(split.labels):
            document = sentences_of(split, i)
            assert planted_topic(document) == label
            telling = [s for s, mark in zip(document, marks[i], strict=True) if mark]
            assert planted_topic(telling) == label


@pytest.mark.slow
def test_defaults_are_noisy_balanced_and_of_the_sizes_asked_for():
    corpus = load()
    assert [len(split) for split in corpus.splits.values()] == [2000, 400, 400]
    counts = [len(s) for s in corpus.train.sentences]
    assert (min(counts), max(counts)) == (3, 12)
    assert np.bincount(corpus.train.labels).min() > 430
    test = corpus.test
    agree = np.mean([planted_topic(sentences_of(test, i)) == y for i, y in enumerate(test.labels)])
    assert 0.94 <= agree < 0.99
    marks = np.concatenate(list(sentence_evidence(corpus.train)))
    assert 0.2 < (marks == 1).mean() < 0.45
    assert 0.03 < (marks == -1).mean() < 0.25
    # A negator alone is no evidence: it stands in neutral sentences too.
    tokens, used = np.concatenate(corpus.train.texts), np.concatenate(corpus.train.evidence) != 0
    for negator in NEGATORS:
        assert 0.05 < used[tokens == negator].mean() < 0.95
    nouns = [noun for topic in TOPICS.values() for noun in topic]
    assert len(nouns) == len(set(nouns))
    assert len(set(corpus.vocabulary.words) & set(nouns)) > 0.9 * len(nouns)
