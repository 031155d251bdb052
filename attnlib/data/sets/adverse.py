"""Texts that tell of an adverse effect of a drug or not: tweets, and sentences of case reports.

Jain & Wallace 2019 used tweets, which may not be shared: `load_adr` reads the user's own file. The sentences
of ADE-Corpus-V2 (Gurulingappa et al. 2012; `load_ade`) are a public stand-in for them, with the drugs and
effects marked.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from attnlib.data import files
from attnlib.data.corpus import Corpus
from attnlib.data.csv_rows import read_rows
from attnlib.data.files import Content
from attnlib.data.kept import keep
from attnlib.data.recipes import Parts, Row, held_out
from attnlib.data.sets.corpora import make
from attnlib.data.sets.rows import one_of, require_columns, row_at
from attnlib.data.tokens import collapse, english, mask_digits

COLUMNS = ("text", "label", "exp_split")
PARTS = ("train", "dev", "test")


@dataclass
class Sentence:
    """A sentence with the places [begin, end) of the drugs and effects in it; line: of its first mention."""

    line: int
    text: str
    spans: list[tuple[int, int]] = field(default_factory=list)


def relations(lines: Iterable[str]) -> dict[str, Sentence]:
    """Return the distinct sentences of DRUG-AE.rel, by text, each with the spans of all its relations.

    A row is ``id|sentence|effect|begin|end|drug|begin|end``. Its offsets count in the abstract, which is not
    in the file: of the places in the sentence where effect and drug stand, those at the right distance are
    taken, else the first ones.

    >>> relations(["1|A rash from x|rash|92|96|x|102|103"])
    {'A rash from x': Sentence(line=1, text='A rash from x', spans=[(2, 6), (12, 13)])}
    """
    found: dict[str, Sentence] = {}
    for number, line in enumerate(lines, start=1):
        _, text, effect, begin, _, drug, other, _ = map(collapse, line.split("|"))
        pairs = [(e, d) for e in _places(text, effect) for d in _places(text, drug)]
        e, d = next(((e, d) for e, d in pairs if d - e == int(other) - int(begin)), pairs[0])
        sentence = found.setdefault(text, Sentence(number, text))
        sentence.spans += [(e, e + len(effect)), (d, d + len(drug))]
    return found


def _places(text: str, term: str) -> list[int]:
    return [match.start() for match in re.finditer(f"(?={re.escape(term)})", text)]


def negatives(lines: Iterable[str]) -> dict[str, Sentence]:
    """Return the distinct sentences of ADE-NEG.txt, by text; a row is ``id NEG sentence``."""
    found: dict[str, Sentence] = {}
    for number, line in enumerate(lines, start=1):
        text = collapse(line.split(" ", 2)[2])
        found.setdefault(text, Sentence(number, text))
    return found


def _row(name: str, label: int, sentence: Sentence) -> Row:
    """Return a sentence as a row; evidence is +1 on tokens of drugs and effects."""
    tokens = list(english()(sentence.text))
    marks = [any(b < t.idx + len(t.text) and t.idx < e for b, e in sentence.spans) for t in tokens]
    words = mask_digits(token.text.lower() for token in tokens)
    return Row(f"ade/{name}/{sentence.line}", label, words, evidence=np.array(marks, dtype=np.int8))


@keep("ade_corpus_v2")
def load_ade(verify: bool = True) -> Corpus:
    """Return ADE-Corpus-V2: sentences with an adverse drug effect (1) or without (0).

    Evidence marks the drugs and effects of class 1. `verify` checks each file's sha256. Raises DataError for
    missing or damaged files.
    """
    contents = files.locate("ade_corpus_v2", ["DRUG-AE.rel", "ADE-NEG.txt"], verify)
    positive = relations(contents["DRUG-AE.rel"].lines())
    negative = negatives(contents["ADE-NEG.txt"].lines())
    both = positive.keys() & negative.keys()
    rows = [_row("DRUG-AE", 1, sentence) for sentence in positive.values()]
    rows += [_row("ADE-NEG", 0, sentence) for text, sentence in negative.items() if text not in both]
    return make("ade", {"": rows}, files.sums(contents), {"both": len(both)})


def tweets(content: Content) -> Iterator[tuple[str, Row]]:
    """Yield (part, row) of a csv file with the columns text (tokens joined by spaces), label, exp_split.

    Further columns are ignored. Raises DataError, with file and line, for missing columns, a label other than
    0 or 1, an unknown split, or a row without text or with fields too few or too many.
    """
    lines = [line + "\n" for line in content.lines()]
    header = next(csv.reader(lines), [])
    require_columns(header, COLUMNS, f"{content.where}:1")
    for line, fields in read_rows(lines, content.where, len(header)):
        if line > 1:
            named = dict(zip(header, fields, strict=True))
            with row_at(f"{content.where}:{line}"):
                if not named["text"].split():
                    raise ValueError("the text is empty")
                part = PARTS[one_of(named["exp_split"], PARTS, "exp_split")]
                row = Row(line, one_of(named["label"], ("0", "1"), "the label"), named["text"])
            yield part, row


def load_adr() -> Corpus:
    """Return the tweets: adverse drug reaction mentioned (1) or not (0), from the user's own adr_dataset.csv.

    Raises DataError if there is no such file (the message says how to get it) or it is malformed.
    """
    contents = files.locate("adr", ["adr_dataset.csv"])
    rows: dict[str, list[Row]] = {part: [] for part in PARTS}
    for part, row in tweets(contents["adr_dataset.csv"]):
        rows[part].append(row)

    def divide(parts: Parts) -> Parts:
        return parts if len(parts["dev"]) else held_out(0.15, 16377)(parts)

    return make("adr", rows, files.sums(contents), tokenize=str.split, divide=divide)
