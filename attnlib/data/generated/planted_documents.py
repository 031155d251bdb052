"""Generated documents whose evidence is planted sentence by sentence, for the models of documents.

A document is a letter of 3 to 12 sentences about cooking, music, sailing or gardening. Some sentences mention
one thing of one topic and say how much it matters; the others are neutral. The rule (`topic_scores`): a
sentence counts +1 for the topic of its noun, +2 when it is emphatic ("it is mostly about the sails"), -1 when
it is denied ("it is not about the sails"), neutral ones 0; the label is the topic with the largest sum, never
tied. So sentences speak for the label, against it, or not at all, and which is known. Negators and emphatic
words also occur where they do nothing ("people mostly agree"). This is no natural language and no stand-in
for reviews: it is the instrument on which an explanation can be compared with the truth.

Why no model reaches accuracy 1 at the defaults: `label_noise` changes the label of 3 % of the documents in
every split, the nouns follow a Zipf law, so that many are seen a few times only, and counting takes more than
finding one telling word.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from attnlib.data.corpus import TASKS, Corpus, Split, Vocabulary
from attnlib.data.generated import drawing
from attnlib.data.generated.drawing import Bounds, Draw

_LISTS = drawing.word_lists("planted_documents")
TOPICS, _SLOTS = _LISTS["topics"], _LISTS["slots"]
NEGATORS, EMPHASES = _SLOTS["{negator}"], _SLOTS["{emphasis}"]
MOST_STATEMENTS = 6
EMPHATIC_SHARE, DENIED_SHARE, OTHER_TOPIC_SHARE = 0.2, 0.2, 0.4

_TOPIC_OF = {noun: number for number, nouns in enumerate(TOPICS.values()) for noun in nouns}


def statement(sentence: Sequence[str]) -> tuple[int, int] | None:
    """What a sentence says by the planted rule: (topic, -1, 1 or 2); None for a neutral one.

    >>> statement("it is mostly about the sails .".split())
    (2, 2)
    """
    topic = next((_TOPIC_OF[token] for token in sentence if token in _TOPIC_OF), None)
    if topic is None:
        return None
    if any(token in NEGATORS for token in sentence):
        return topic, -1
    return topic, 2 if any(token in EMPHASES for token in sentence) else 1


def topic_scores(sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """The planted rule's sum of each topic, int64 [4]."""
    scores = np.zeros(len(TOPICS), dtype=np.int64)
    for said in map(statement, sentences):
        if said is not None:
            scores[said[0]] += said[1]
    return scores


def planted_topic(sentences: Sequence[Sequence[str]]) -> int | None:
    """The topic with the largest sum; None when two share it."""
    scores = topic_scores(sentences)
    best = np.flatnonzero(scores == scores.max())
    return int(best[0]) if len(best) == 1 else None


def planted_evidence(sentence: Sequence[str], label: int) -> np.ndarray:
    """int8 [T]: 1 where a token of a sentence speaks for `label`, -1 against, 0 neutral.

    A statement for the label's topic, or a denial of another, speaks for it: without the sentence the label's
    lead over some topic is smaller. The tokens marked are the noun and the negator or the emphatic word.
    """
    said = statement(sentence)
    marks = np.zeros(len(sentence), dtype=np.int8)
    if said is not None:
        marked = [token in _TOPIC_OF or token in NEGATORS or token in EMPHASES for token in sentence]
        marks[marked] = 1 if (said[0] == label) == (said[1] > 0) else -1
    return marks


def generate(
    n_texts: int, name: str, seed: int = 0, sentences: Bounds = (3, 12), label_noise: float = 0.03
) -> Split:
    """Return `n_texts` planted documents with sentences and evidence.

    Ids are ``planted_documents/<name>/<number from 1>``. sentences: fewest and most. label_noise: share of
    labels changed to another topic; evidence is always with respect to the given label. Raises ValueError,
    naming the option, for values out of range.
    """
    drawing.check_bounds("sentences", sentences, 1)
    drawing.check_shares(label_noise=label_noise)
    draw = Draw(f"planted_documents {name} {seed}")
    documents, labels = [], []
    for _ in range(n_texts):
        label = draw.below(len(TOPICS))
        documents.append(_document(draw, label, sentences))
        labels.append(_other_topic(draw, label) if draw.share() < label_noise else label)
    ids = tuple(f"planted_documents/{name}/{i}" for i in range(1, n_texts + 1))
    texts = tuple(tuple(chain.from_iterable(document)) for document in documents)
    counts = tuple(np.array([len(sentence) for sentence in document]) for document in documents)
    pairs = zip(documents, labels, strict=True)
    evidence = tuple(np.concatenate([planted_evidence(s, label) for s in d]) for d, label in pairs)
    return Split(ids, texts, np.array(labels, dtype=np.int64), evidence=evidence, sentences=counts)


@drawing.loader(generate, train=2000, dev=400, test=400)
def load(splits: dict[str, Any], settings: dict[str, Any]) -> Corpus:
    """Return the planted documents, classes cooking, music, sailing and gardening.

    Options n_train … and as in `generate`. Same options, same texts, on every machine. Vocabulary: words with
    5 occurrences in train and dev. Raises ValueError, naming the option, for values out of range.
    """
    noise = settings["label_noise"]
    best = max(noise / (len(TOPICS) - 1), 1 - noise)
    about = drawing.about("planted_documents", __name__, settings, best=best)
    words = Vocabulary.build(chain(splits["train"].texts, splits["dev"].texts), min_occurrences=5)
    return Corpus(task=TASKS[0], **splits, vocabulary=words, **about)


def _document(draw: Draw, label: int, bounds: Bounds) -> list[list[str]]:
    """The sentences of one document that the rule gives `label`."""
    n_sentences = draw.between(bounds)
    n_statements = 1 + draw.below(min(n_sentences, MOST_STATEMENTS))
    while True:
        said = [_statement(draw, label) for _ in range(n_statements)]
        if planted_topic(said) == label:
            break
    neutral = [draw.fill(draw.one(_LISTS["neutral"]), _SLOTS) for _ in range(n_sentences - n_statements)]
    document = said + neutral
    draw.shuffle(document)
    return document


def _statement(draw: Draw, label: int) -> list[str]:
    topic = _other_topic(draw, label) if draw.share() < OTHER_TOPIC_SHARE else label
    kind = draw.share()
    plain = kind >= EMPHATIC_SHARE + DENIED_SHARE
    forms = _LISTS["plain" if plain else "emphatic" if kind < EMPHATIC_SHARE else "denied"]
    return draw.fill(draw.one(forms), {**_SLOTS, "{noun}": list(TOPICS.values())[topic]})


def _other_topic(draw: Draw, topic: int) -> int:
    return (topic + 1 + draw.below(len(TOPICS) - 1)) % len(TOPICS)
