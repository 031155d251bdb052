"""ADE-Corpus-V2 (Gurulingappa et al. 2012): does a sentence of a case report tell of an adverse drug effect?

A public stand-in for the tweets of Jain & Wallace 2019 (see `adr`), with the drugs and effects marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.splitting import three_way
from attnlib.data.text import collapse, english, mask_digits

TEST = (0.2, 13020)
DEV = (0.15, 16377)
MIN_LENGTH, MAX_LENGTH = 5, 100


@dataclass
class Sentence:
    """A sentence with the places [begin, end) of the drugs and effects in it; line: of its first mention."""

    line: int
    text: str
    spans: list[tuple[int, int]]


def parse_relations(lines: Sequence[str], where: str) -> dict[str, Sentence]:
    """Return the distinct sentences of DRUG-AE.rel, by text, each with the spans of all its relations.

    A row is ``id|sentence|effect|begin|end|drug|begin|end``. Its offsets count in the abstract, which is not
    in the file: of the places in the sentence where effect and drug stand, those at the right distance are
    taken, else the first ones. Raises DataError, with file and line, for a malformed row, and for an effect
    or drug that its sentence does not hold.
    """
    found: dict[str, Sentence] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.split("|")
        if len(fields) != 8 or not all(fields[i].strip().isdecimal() for i in (3, 4, 6, 7)):
            raise DataError(
                f"{where}:{number}: expected id|sentence|effect|begin|end|drug|begin|end, found "
                f"{line[:60]!r}. Restore the official file or mend the line."
            )
        text, effect, drug = (collapse(fields[i]) for i in (1, 2, 5))
        places = [_places(text, term) for term in (effect, drug)]
        if not text or not all(places):
            raise DataError(
                f"{where}:{number}: the sentence does not hold its effect {effect!r} and drug {drug!r}. "
                f"Restore the official file or mend the line."
            )
        distance = int(fields[6]) - int(fields[3])
        e, d = next(
            ((e, d) for e in places[0] for d in places[1] if d - e == distance), (places[0][0], places[1][0])
        )
        sentence = found.setdefault(text, Sentence(number, text, []))
        sentence.spans += [(e, e + len(effect)), (d, d + len(drug))]
    return found


def _places(text: str, term: str) -> list[int]:
    return [i for i in range(len(text)) if text.startswith(term, i)] if term else []


def parse_negatives(lines: Sequence[str], where: str) -> dict[str, Sentence]:
    """Return the distinct sentences of ADE-NEG.txt, by text; a row is ``id NEG sentence``.

    Raises DataError, with file and line, for a malformed row.
    """
    found: dict[str, Sentence] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.split(" ", 2)
        if len(fields) != 3 or fields[1] != "NEG" or not fields[2].strip():
            raise DataError(
                f"{where}:{number}: expected id, NEG and a sentence, found {line[:60]!r}. Restore the "
                f"official file or mend the line."
            )
        text = collapse(fields[2])
        found.setdefault(text, Sentence(number, text, []))
    return found


def as_split(sentences: Sequence[tuple[str, int, Sentence]]) -> Split:
    """Return (id, label, sentence) rows as a split; evidence is +1 on tokens of drugs and effects."""
    tokenizer = english()
    texts, evidence = [], []
    for _, _, sentence in sentences:
        tokens = list(tokenizer(sentence.text))
        texts.append(mask_digits(token.text.lower() for token in tokens))
        marks = [any(b < t.idx + len(t.text) and t.idx < e for b, e in sentence.spans) for t in tokens]
        evidence.append(np.array(marks, dtype=np.int8))
    return Split(
        ids=tuple(name for name, _, _ in sentences),
        texts=tuple(texts),
        labels=np.array([label for _, label, _ in sentences], dtype=np.int64),
        evidence=tuple(evidence),
    )


@keep("ade_corpus_v2")
def load(verify: bool = True) -> Corpus:
    """Return ADE-Corpus-V2: sentences with an adverse drug effect (1) or without (0).

    Evidence marks the drugs and effects of class 1. `verify` checks each file's sha256. Raises DataError for
    missing, damaged or malformed files.
    """
    contents = registry.locate("ade_corpus_v2", ["DRUG-AE.rel", "ADE-NEG.txt"], verify)
    relations, rest = contents["DRUG-AE.rel"], contents["ADE-NEG.txt"]
    positive = parse_relations(relations.lines(), relations.where)
    negative = parse_negatives(rest.lines(), rest.where)
    both = positive.keys() & negative.keys()
    sentences = [(f"ade/DRUG-AE/{s.line}", 1, s) for s in positive.values()]
    sentences += [(f"ade/ADE-NEG/{s.line}", 0, s) for text, s in negative.items() if text not in both]
    labels = [label for _, label, _ in sentences]
    try:
        train, dev, test = three_way(labels, TEST, DEV)
    except (ValueError, IndexError) as error:
        raise DataError(f"ade_corpus_v2: too few sentences to split: {error}") from error
    every = as_split(sentences)
    return classification(
        "ade",
        {"train": every.select(train), "dev": every.select(dev), "test": every.select(test)},
        ("no effect", "adverse effect"),
        provenance(
            catalogue.ADE,
            {path: content.sha256 for path, content in contents.items()},
            [
                "Not the paper's tweets: sentences of medical case reports, with the same question.",
                f"Each sentence once; {len(both)} sentences that are in both files count as positive.",
                "Test 20 % by class (seed 13020), dev 15 % of the rest (seed 16377); sentences of one "
                "abstract may fall on both sides.",
                "spaCy tokens in lower case, those with a digit as 'qqq'; 6 to 99 tokens; vocabulary: words "
                "of at least 2 training texts, as the paper sets for its tweets.",
                "Evidence: tokens of the marked drugs and effects, class 1 only.",
            ],
        ),
        min_documents=2,
        minimum=MIN_LENGTH,
        maximum=MAX_LENGTH,
    )
