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

from collections.abc import Sequence
from typing import Any

import numpy as np

from attnlib.checks import refuse_string
from attnlib.data.corpus import TASKS, Corpus, Split, Vocabulary
from attnlib.data.generated import drawing
from attnlib.data.generated.drawing import Bounds, Draw

_LISTS = drawing.word_lists("planted")
POSITIVE, NEGATIVE, NEGATORS = _LISTS["positive"], _LISTS["negative"], _LISTS["negators"]
LONGEST_POLAR_CLAUSE = 6  # i found the NOUN NEGATOR POLAR

_VALUE = {**dict.fromkeys(POSITIVE, 1), **dict.fromkeys(NEGATIVE, -1)}


def score(tokens: Sequence[str]) -> int:
    """Return the planted rule's sum: polar words' values, each flipped by a negator right before it.

    >>> score("the plot was hardly dull".split())
    1
    """
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
    length: Bounds = (8, 40),
    redundancy: Bounds = (1, 5),
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
    drawing.check_bounds("length", length, LONGEST_POLAR_CLAUSE)
    drawing.check_bounds("redundancy", redundancy, 1)
    drawing.check_shares(negation=negation, conflict=conflict, label_noise=label_noise)
    draw = Draw(f"planted {name} {seed}")
    texts, labels = [], []
    for _ in range(n_texts):
        texts.append(_review(draw, int(draw.share() < 0.5), length, redundancy, negation, conflict))
        label = planted_label(texts[-1])
        labels.append(1 - label if draw.share() < label_noise else label)
    evidence = tuple(map(planted_evidence, texts, labels))
    ids = tuple(f"planted/{name}/{i}" for i in range(1, n_texts + 1))
    return Split(ids, tuple(texts), np.array(labels, dtype=np.int64), evidence=evidence)


@drawing.loader(generate, train=2000, dev=400, test=400)
def load(splits: dict[str, Any], settings: dict[str, Any]) -> Corpus:
    """Return the planted corpus, classes negative and positive; options n_train … and as in `generate`.

    Same options, same texts, on every machine. Raises ValueError, naming the option, for values out of range.
    """
    noise = settings["label_noise"]
    about = drawing.about("planted", __name__, settings, best=max(noise, 1 - noise))
    return Corpus(task=TASKS[0], **splits, vocabulary=Vocabulary.build(splits["train"].texts), **about)


def _review(
    draw: Draw, label: int, length: Bounds, redundancy: Bounds, negation: float, conflict: float
) -> tuple[str, ...]:
    """Return the tokens of one review that the rule gives `label`, of a length within bounds."""
    slots = _LISTS["slots"]
    target = draw.between(length)
    n_polar = max(1, min(draw.between(redundancy), target // LONGEST_POLAR_CLAUSE))
    most_against = (n_polar - 1) // 2
    n_against = 1 + draw.below(most_against) if most_against and draw.share() < conflict else 0
    clauses = []
    for i in range(n_polar):
        says = label if i >= n_against else 1 - label
        if draw.share() < negation:
            polar = f"{draw.zipf(NEGATORS)} {draw.zipf(NEGATIVE if says else POSITIVE)}"
        else:
            polar = draw.zipf(POSITIVE if says else NEGATIVE)
        clauses.append(draw.fill(draw.one(_LISTS["polar_clauses"]).replace("{polar}", polar), slots))
    # Neutral clauses up to the target length; a link word where one token is left over.
    left = target - sum(map(len, clauses))
    unused: list[str] = []
    while left > 1:
        fitting = [clause for clause in unused if len(clause.split()) <= left]
        if not fitting:
            unused = list(_LISTS["neutral_clauses"])
            continue
        unused.remove(clause := draw.one(fitting))
        clauses.append(draw.fill(clause, slots))
        left -= len(clauses[-1])
    draw.shuffle(clauses)
    if left:
        clauses[-1].insert(0, draw.zipf(_LISTS["links"]))
    return tuple(word for clause in clauses for word in clause)
