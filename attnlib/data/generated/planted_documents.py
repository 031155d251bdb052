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

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain

import numpy as np

from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.data.generated.planted import PEOPLE, PLACES, TIMES, _below, _words, _zipf

# Frequent first: drawn with Zipf weights 1/rank.
TOPICS = {
    "cooking": _words("""
        soup bread oven sauce kettle recipe dough pepper butter roast onions stew pastry garlic noodles broth
        cinnamon skillet vinegar dumplings ladle marinade risotto casserole
    """),
    "music": _words("""
        violin choir melody piano drums chorus rhythm cello trumpet sonata flute tempo quartet octave overture
        harp clarinet cadence tenor prelude bassoon fugue viola encore
    """),
    "sailing": _words("""
        sails harbour anchor mast tide rudder regatta deck hull breeze keel jetty compass rigging spinnaker
        mooring lighthouse tiller buoy catamaran halyard bowsprit gangway topsail
    """),
    "gardening": _words("""
        roses compost seeds hedge lawn tulips greenhouse weeds shovel pruning orchard soil seedlings trellis
        mulch daffodils ivy rake perennials topsoil fertiliser wheelbarrow shrubs lavender
    """),
}
NEGATORS = ("not", "never", "hardly")
EMPHASES = ("mostly", "chiefly", "mainly")

PLAIN = (
    "the letter mentions the {noun} .",
    "{person} asked about the {noun} .",
    "there is a page on the {noun} .",
    "it is about the {noun} .",
    "then come the {noun} and some questions .",
)
EMPHATIC = ("it is {emphasis} about the {noun} .", "{person} talked {emphasis} of the {noun} .")
DENIED = ("it is {negator} about the {noun} .", "{person} was {negator} asking for the {noun} .")
NEUTRAL = (
    "i was in {place} last {time} .",
    "my {person} sends kind regards .",
    "it was not long ago .",
    "people mostly agree .",
    "we never met in {place} .",
    "i hardly know what to say .",
    "the train from {place} was late .",
    "{time} is mainly quiet here .",
    "we had a long talk with the {person} .",
    "please write soon .",
    "nothing else happened in {place} this {time} .",
    "they are chiefly from {place} .",
)
MOST_STATEMENTS = 6
EMPHATIC_SHARE, DENIED_SHARE, OTHER_TOPIC_SHARE = 0.2, 0.2, 0.4

_TOPIC_OF = {noun: number for number, nouns in enumerate(TOPICS.values()) for noun in nouns}


def statement(sentence: Sequence[str]) -> tuple[int, int] | None:
    """What a sentence says by the planted rule: (topic, -1, 1 or 2); None for a neutral one."""
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


def sentence_evidence(split: Split) -> tuple[np.ndarray, ...]:
    """Per document int8 [S]: 1 where a sentence speaks for the document's label, -1 against, 0 neutral.

    ValueError for a split without evidence or sentences.
    """
    if split.evidence is None or split.sentences is None:
        raise ValueError("sentence_evidence needs a split with evidence and sentences, as load() gives it")
    return tuple(
        np.sign(np.add.reduceat(marks.astype(np.int64), np.cumsum(lengths) - lengths)).astype(np.int8)
        for marks, lengths in zip(split.evidence, split.sentences, strict=True)
    )


def generate(
    n_texts: int,
    name: str,
    seed: int = 0,
    sentences: tuple[int, int] = (3, 12),
    label_noise: float = 0.03,
) -> Split:
    """Return `n_texts` planted documents with sentences and evidence.

    Ids are ``planted_documents/<name>/<number from 1>``. sentences: fewest and most. label_noise: share of
    labels changed to another topic; evidence is always with respect to the given label. Raises ValueError,
    naming the option, for values out of range.
    """
    if n_texts < 1:
        raise ValueError(f"number of texts must be at least 1, got {n_texts} for split {name!r}")
    if not 1 <= sentences[0] <= sentences[1]:
        raise ValueError(f"sentences must be (low, high) with 1 <= low <= high, got {sentences}")
    if not 0 <= label_noise <= 1:
        raise ValueError(f"label_noise must lie between 0 and 1, got {label_noise}")
    rng = random.Random(f"planted_documents {name} {seed}")
    documents, labels = [], []
    for _ in range(n_texts):
        label = _below(rng, len(TOPICS))
        documents.append(_document(rng, label, sentences))
        if rng.random() < label_noise:
            label = (label + 1 + _below(rng, len(TOPICS) - 1)) % len(TOPICS)
        labels.append(label)
    pairs = list(zip(documents, labels, strict=True))
    return Split(
        ids=tuple(f"planted_documents/{name}/{i}" for i in range(1, n_texts + 1)),
        texts=tuple(tuple(chain.from_iterable(document)) for document in documents),
        labels=np.array(labels, dtype=np.int64),
        evidence=tuple(np.concatenate([planted_evidence(s, label) for s in d]) for d, label in pairs),
        sentences=tuple(np.array([len(s) for s in document]) for document in documents),
    )


def load(
    n_train: int = 2000,
    n_dev: int = 400,
    n_test: int = 400,
    seed: int = 0,
    sentences: tuple[int, int] = (3, 12),
    label_noise: float = 0.03,
) -> Corpus:
    """Return the planted documents, classes cooking, music, sailing and gardening; options as in `generate`.

    Same options, same texts, on every machine. Vocabulary: words with 5 occurrences in train and dev. Raises
    ValueError, naming the option, for values out of range.
    """
    sizes = {"train": n_train, "dev": n_dev, "test": n_test}
    splits = {name: generate(size, name, seed, sentences, label_noise) for name, size in sizes.items()}
    return Corpus(
        name="planted_documents",
        task="classification",
        train=splits["train"],
        dev=splits["dev"],
        test=splits["test"],
        vocabulary=Vocabulary.build(chain(splits["train"].texts, splits["dev"].texts), min_occurrences=5),
        class_names=tuple(TOPICS),
        provenance={
            "source": "generated by attnlib.data.generated.planted_documents",
            "licence": "BSD-3-Clause, as attnlib",
            "citation": "",
            "settings": {
                "n_train": n_train,
                "n_dev": n_dev,
                "n_test": n_test,
                "seed": seed,
                "sentences": list(sentences),
                "label_noise": label_noise,
            },
            "notes": [
                "Artificial letters: the label is the topic with the largest sum over sentences, which count "
                "1, 2 (emphatic), -1 (denied) or 0.",
                f"A share of {label_noise:g} of the labels is changed, so that no model can do better than "
                f"about {max(label_noise / (len(TOPICS) - 1), 1 - label_noise):.2g}.",
            ],
        },
    )


def _document(rng: random.Random, label: int, bounds: tuple[int, int]) -> list[list[str]]:
    """The sentences of one document that the rule gives `label`."""
    n_sentences = bounds[0] + _below(rng, bounds[1] - bounds[0] + 1)
    n_statements = 1 + _below(rng, min(n_sentences, MOST_STATEMENTS))
    while True:
        said = [_statement(rng, label) for _ in range(n_statements)]
        if planted_topic(said) == label:
            break
    neutral = [_fill(rng, NEUTRAL[_below(rng, len(NEUTRAL))]) for _ in range(n_sentences - n_statements)]
    document = said + neutral
    for i in range(len(document) - 1, 0, -1):
        j = _below(rng, i + 1)
        document[i], document[j] = document[j], document[i]
    return document


def _statement(rng: random.Random, label: int) -> list[str]:
    topic = label
    if rng.random() < OTHER_TOPIC_SHARE:
        topic = (label + 1 + _below(rng, len(TOPICS) - 1)) % len(TOPICS)
    kind = rng.random()
    plain = kind >= EMPHATIC_SHARE + DENIED_SHARE
    forms: tuple[str, ...] = PLAIN if plain else EMPHATIC if kind < EMPHATIC_SHARE else DENIED
    return _fill(rng, forms[_below(rng, len(forms))], list(TOPICS.values())[topic])


def _fill(rng: random.Random, form: str, nouns: Sequence[str] = ()) -> list[str]:
    slots = {
        "{noun}": nouns,
        "{person}": PEOPLE,
        "{place}": PLACES,
        "{time}": TIMES,
        "{negator}": NEGATORS,
        "{emphasis}": EMPHASES,
    }
    return [_zipf(rng, slots[word]) if word in slots else word for word in form.split()]
