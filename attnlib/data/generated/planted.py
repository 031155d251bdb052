"""Generated reviews whose evidence is planted, so that every token's part in the label is known.

A text is a row of short clauses. Most are neutral; a few carry one polar word each ("the plot was dull"),
some of them behind a negator ("the plot was hardly dull"). The rule (`score`): each polar word counts +1 or
-1, a negator right before it flips that, everything else counts 0; the label is the sign of the sum, which is
never 0. So a text can hold suppressing tokens, which speak against its label, and negators also occur where
they flip nothing ("not long ago"). This is no natural language and no stand-in for SST: it is the instrument
on which an explanation can be compared with the truth.

Why no model reaches accuracy 1 at the defaults: `label_noise` flips the label of 3 % of the texts in every
split, so 0.97 is the ceiling even for the rule itself. Below the ceiling, the 160 polar words follow a Zipf
law, so many are seen only a few times in 2,000 texts, and negated and mixed texts have to be composed: a
logistic regression reaches about 0.7 on words, 0.84 on word pairs, a BiLSTM with attention about 0.9.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

import numpy as np

from attnlib.checks import refuse_string
from attnlib.data.corpus import Corpus, Split, Vocabulary


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


POSITIVE = _words("""
    good great funny lovely warm clever fresh charming brilliant strong rich moving witty superb bright
    graceful tender honest vivid elegant gripping delightful lively smart touching rewarding radiant
    thrilling inventive memorable playful polished sincere soulful stirring stunning subtle sublime tasteful
    timeless triumphant uplifting wise wonderful absorbing admirable affecting amusing appealing artful
    assured beguiling breezy captivating compelling convincing dazzling deft engaging exquisite fascinating
    flawless generous gorgeous heartfelt hilarious hypnotic imaginative impressive intelligent joyous
    luminous magical majestic masterful nimble perceptive poignant refreshing splendid
""")
NEGATIVE = _words("""
    bad dull weak boring silly flat cold stale clumsy awful tired empty lazy hollow bland messy shallow
    crude dreary tedious sloppy lifeless annoying pointless painful grating forced muddled murky mediocre
    lame laboured inept insipid irritating joyless leaden limp listless ludicrous mawkish meandering
    monotonous numbing overblown plodding pompous ponderous predictable pretentious repetitive ridiculous
    rote rough shoddy shrill slack sluggish smug soggy sour sterile stilted stupid tacky tasteless tawdry
    tiresome trite turgid uninspired unpleasant vapid vague wooden worthless wretched wearisome witless
    woeful
""")
NEGATORS = ("not", "never", "hardly")

# Frequent first: drawn with Zipf weights 1/rank.
NOUNS = _words("""
    film story plot script cast acting ending dialogue music scene hero villain opening score lead humour
    action camera pacing romance sequel editing premise setting tone chase finale chemistry narration
    lighting soundtrack costume makeup montage stunt subplot trailer voiceover backdrop choreography
""")
PEOPLE = _words("friends parents sister brother neighbour students critics cousin teacher children")
PLACES = _words("london paris rome vienna madrid lisbon prague oslo berlin dublin")
TIMES = _words("friday saturday sunday monday summer winter june april december thursday")

POLAR_CLAUSES = (
    "the {noun} was {polar}",
    "the {noun} is {polar}",
    "i found the {noun} {polar}",
    "this {noun} felt {polar}",
)
NEUTRAL_CLAUSES = (
    "we saw it last {time} with {people}",
    "the {noun} runs for two hours",
    "it was filmed in {place} last {time}",
    "my {people} chose the {noun}",
    "this is about the {noun} and the {noun}",
    "there is much {noun} in the {noun}",
    "it opens in {place}",
    "the {noun} came out last {time}",
    "it was not long ago",
    "i had never been to {place} before",
    "there was hardly anyone from {place}",
    "we talked about it",
    "then we left",
    "it ended",
    "the {noun} starts in {place} and moves to {place}",
)
LINKS = ("and", "so", "also", "though", "while", "yet", "well", "anyway")
LONGEST_POLAR_CLAUSE = 6  # i found the NOUN NEGATOR POLAR

_VALUE = {**dict.fromkeys(POSITIVE, 1), **dict.fromkeys(NEGATIVE, -1)}


def score(tokens: Sequence[str]) -> int:
    """Return the planted rule's sum: polar words' values, each flipped by a negator right before it."""
    return int(_effects(tokens)[0].sum())


def planted_label(tokens: Sequence[str]) -> int:
    """Return the label that the rule gives: 1 for a positive score, 0 for a negative one.

    Raises ValueError if the score is 0, which no generated text has.
    """
    total = score(tokens)
    if total == 0:
        raise ValueError(f"the planted rule gives no label: the polar words of {' '.join(tokens)!r} balance")
    return int(total > 0)


def planted_evidence(tokens: Sequence[str], label: int) -> np.ndarray:
    """Return int8 ``[T]``: +1 where a token speaks for `label`, -1 against, 0 neutral.

    By erasure: the sign of what the score loses, towards `label`, when a neutral word takes the token's
    place. So in "hardly dull" both words speak for class 1: without "dull" nothing is said, without "hardly"
    the opposite.
    """
    polar, flips = _effects(tokens)
    return (np.sign(polar + flips) * (1 if label else -1)).astype(np.int8)


def _effects(tokens: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return what the score loses without each polar word, and without each flipping negator: two ``[T]``."""
    refuse_string(tokens, "tokens")
    polar = np.zeros(len(tokens), dtype=np.int64)
    flips = np.zeros(len(tokens), dtype=np.int64)
    for t, token in enumerate(tokens):
        value = _VALUE.get(token, 0)
        if value and t and tokens[t - 1] in NEGATORS:
            polar[t], flips[t - 1] = -value, -2 * value
        else:
            polar[t] = value
    return polar, flips


def generate(
    n_texts: int,
    name: str,
    seed: int = 0,
    length: tuple[int, int] = (8, 40),
    redundancy: tuple[int, int] = (1, 5),
    negation: float = 0.25,
    conflict: float = 0.5,
    label_noise: float = 0.03,
) -> Split:
    """Return `n_texts` planted reviews with evidence; ids are ``planted/<name>/<number from 1>``.

    length: fewest and most tokens. redundancy: fewest and most polar words (fewer where the text is short).
    negation: share of polar words said through a negator. conflict: share of texts with room for it (3 polar
    words or more) that hold a minority against their label. label_noise: share of labels flipped; evidence is
    always with respect to the given label. Raises ValueError, naming the option, for values out of range.
    """
    if n_texts < 1:
        raise ValueError(f"number of texts must be at least 1, got {n_texts} for split {name!r}")
    if not LONGEST_POLAR_CLAUSE <= length[0] <= length[1]:
        raise ValueError(
            f"length must be (low, high) with {LONGEST_POLAR_CLAUSE} <= low <= high, got {length}"
        )
    if not 1 <= redundancy[0] <= redundancy[1]:
        raise ValueError(f"redundancy must be (low, high) with 1 <= low <= high, got {redundancy}")
    for option, share in (("negation", negation), ("conflict", conflict), ("label_noise", label_noise)):
        if not 0 <= share <= 1:
            raise ValueError(f"{option} must lie between 0 and 1, got {share}")
    rng = random.Random(f"planted {name} {seed}")
    texts, labels, evidence = [], [], []
    for _ in range(n_texts):
        tokens = _review(rng, int(rng.random() < 0.5), length, redundancy, negation, conflict)
        label = planted_label(tokens)
        if rng.random() < label_noise:
            label = 1 - label
        texts.append(tokens)
        labels.append(label)
        evidence.append(planted_evidence(tokens, label))
    ids = tuple(f"planted/{name}/{i}" for i in range(1, n_texts + 1))
    return Split(ids, tuple(texts), np.array(labels, dtype=np.int64), evidence=tuple(evidence))


def load(
    n_train: int = 2000,
    n_dev: int = 400,
    n_test: int = 400,
    seed: int = 0,
    length: tuple[int, int] = (8, 40),
    redundancy: tuple[int, int] = (1, 5),
    negation: float = 0.25,
    conflict: float = 0.5,
    label_noise: float = 0.03,
) -> Corpus:
    """Return the planted corpus, classes negative and positive; options as in `generate`.

    Same options, same texts, on every machine. Raises ValueError, naming the option, for values out of range.
    """
    rule = {
        "length": list(length),
        "redundancy": list(redundancy),
        "negation": negation,
        "conflict": conflict,
        "label_noise": label_noise,
    }
    sizes = {"train": n_train, "dev": n_dev, "test": n_test}
    splits = {
        name: generate(size, name, seed, length, redundancy, negation, conflict, label_noise)
        for name, size in sizes.items()
    }
    return Corpus(
        name="planted",
        task="classification",
        train=splits["train"],
        dev=splits["dev"],
        test=splits["test"],
        vocabulary=Vocabulary.build(splits["train"].texts),
        class_names=("negative", "positive"),
        provenance={
            "source": "generated by attnlib.data.generated.planted",
            "licence": "BSD-3-Clause, as attnlib",
            "citation": "",
            "settings": {"n_train": n_train, "n_dev": n_dev, "n_test": n_test, "seed": seed, **rule},
            "notes": [
                "Artificial reviews: label = sign of the summed polar words; a negator flips the next.",
                f"A share of {label_noise:g} of the labels is flipped, so accuracy is capped at about "
                f"{max(label_noise, 1 - label_noise):g}; rare and negated polar words keep models below.",
            ],
        },
    )


def _zipf(rng: random.Random, words: Sequence[str]) -> str:
    # random() alone is guaranteed to repeat across Python versions; choices() is not.
    weights = _zipf_weights(len(words))
    return words[bisect(weights, rng.random() * weights[-1])]


@cache
def _zipf_weights(n: int) -> list[float]:
    """Return the running sums of 1/rank."""
    return list(accumulate(1 / rank for rank in range(1, n + 1)))


def _below(rng: random.Random, n: int) -> int:
    return int(rng.random() * n)


def _fill(rng: random.Random, clause: str, polar: str = "") -> list[str]:
    slots = {"{noun}": NOUNS, "{people}": PEOPLE, "{place}": PLACES, "{time}": TIMES}
    words = [_zipf(rng, slots[word]) if word in slots else word for word in clause.split()]
    return " ".join(words).replace("{polar}", polar).split()


def _shuffle(rng: random.Random, items: list[list[str]]) -> None:
    for i in range(len(items) - 1, 0, -1):
        j = _below(rng, i + 1)
        items[i], items[j] = items[j], items[i]


def _review(
    rng: random.Random,
    label: int,
    length: tuple[int, int],
    redundancy: tuple[int, int],
    negation: float,
    conflict: float,
) -> tuple[str, ...]:
    """Return the tokens of one review that the rule gives `label`, of a length within bounds."""
    target = length[0] + _below(rng, length[1] - length[0] + 1)
    n_polar = redundancy[0] + _below(rng, redundancy[1] - redundancy[0] + 1)
    n_polar = max(1, min(n_polar, target // LONGEST_POLAR_CLAUSE))
    most_against = (n_polar - 1) // 2
    n_against = 1 + _below(rng, most_against) if most_against and rng.random() < conflict else 0
    clauses = []
    for i in range(n_polar):
        says = label if i >= n_against else 1 - label
        if rng.random() < negation:
            polar = f"{_zipf(rng, NEGATORS)} {_zipf(rng, NEGATIVE if says else POSITIVE)}"
        else:
            polar = _zipf(rng, POSITIVE if says else NEGATIVE)
        clauses.append(_fill(rng, POLAR_CLAUSES[_below(rng, len(POLAR_CLAUSES))], polar))
    # Neutral clauses up to the target length; a link word where one token is left over.
    left = target - sum(map(len, clauses))
    unused = list(NEUTRAL_CLAUSES)
    while left > 1:
        fitting = [clause for clause in unused if len(clause.split()) <= left]
        if not fitting:
            unused = list(NEUTRAL_CLAUSES)
            continue
        clause = fitting[_below(rng, len(fitting))]
        unused.remove(clause)
        clauses.append(_fill(rng, clause))
        left -= len(clauses[-1])
    _shuffle(rng, clauses)
    if left:
        clauses[-1].insert(0, _zipf(rng, LINKS))
    return tuple(word for clause in clauses for word in clause)
