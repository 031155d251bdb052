"""Film reviews and what people changed to turn their label: the sentiment pairs of Kaushik et al. 2020.

Editors revised reviews of IMDB so that the opposite label holds, and changed as little as that needs. The
corpus has the reviews as they were; evidence is what the editor took out or replaced.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import numpy as np

from attnlib.data import files
from attnlib.data.corpora import Row, make
from attnlib.data.corpus import PARTS, Corpus
from attnlib.data.errors import DataError
from attnlib.data.kept import keep
from attnlib.data.places import Content
from attnlib.data.rows import one_of, row_at
from attnlib.data.tokens import collapse, english, mask_digits

FILES = {part: f"sentiment/combined/paired/{part}_paired.tsv" for part in PARTS}
COLUMNS = ("Sentiment", "Text", "batch_id")
LABELS = ("Negative", "Positive")
# Where more than this share of a review is gone, it was written anew, and what stayed stayed by chance.
MOST = 0.5


def cut(text: str) -> tuple[str, ...]:
    """The tokens of a review in lower case, digits and all, without the mark-up ``<br />``.

    >>> cut("A 9/10.<br />Go!")
    ('a', '9/10', '.', 'go', '!')
    """
    return tuple(token.text.lower() for token in english()(collapse(text.replace("<br />", " "))))


def edited(original: Sequence[str], revision: Sequence[str]) -> np.ndarray:
    """Which tokens of the original are not in the revision, or replaced there: int8 [T], 1 or 0.

    The tokens that stay are those of difflib's alignment: the longest run that both share, and so on to its
    left and right. What is only put in leaves no mark, as no token of the original is gone.

    >>> edited("not a good film".split(), "a very bad film".split()).tolist()
    [1, 0, 1, 0]
    """
    marks = np.ones(len(original), dtype=np.int8)
    for start, _, length in SequenceMatcher(None, original, revision, autojunk=False).get_matching_blocks():
        marks[start : start + length] = 0
    return marks


def read(content: Content, found: Counter[str]) -> Iterator[Row]:
    """Yield the originals of one file, in which the original of a pair stands before its revision.

    found: counts what there is to say. "unmarked", reviews of which nothing is gone, and "anew", of which
    more than `MOST` is: both are kept, without a mark. "alone": rows whose batch_id no other row has; which
    of the two they are cannot be told, so they are left out.

    Raises DataError, with file and row, for columns or a label that are none of theirs, a review without a
    word, a row without batch_id or the third of one, and a pair of one label.
    """
    pairs: dict[str, list[Row]] = {}
    for line, (written, text, batch) in content.table(COLUMNS, "\t"):
        with row_at(f"{content.where}:{line}"):
            row = Row(line, one_of(written, LABELS, "the sentiment"), cut(text))
            pair = pairs.setdefault(batch, [])
            if not row.text or not batch.strip():
                raise ValueError("the review or the batch_id is empty")
            if len(pair) == 2:
                raise ValueError(f"a third row of batch_id {batch}")
            if pair and pair[0].label == row.label:
                raise ValueError(f"both reviews of batch_id {batch} are {written}")
            pair.append(row)
    for original, *revision in pairs.values():
        if not revision:
            found["alone"] += 1
            continue
        marks = edited(original.text, revision[0].text)
        gone = marks.mean()
        found["unmarked"] += gone == 0
        found["anew"] += gone > MOST
        evidence = marks * np.int8(gone <= MOST)
        yield original._replace(text=mask_digits(original.text), evidence=evidence)


@keep("cad")
def load(verify: bool = True) -> Corpus:
    """Return the original reviews, negative (0) or positive (1); evidence is what an editor took out.

    `verify` checks each file's sha256. Raises DataError for missing, damaged or malformed files.
    """
    contents, found = files.locate("cad", FILES.values(), verify), Counter[str](unmarked=0, anew=0, alone=0)
    parts = {part: list(read(contents[path], found)) for part, path in FILES.items()}
    if not all(parts.values()):
        empty = next(part for part, rows in parts.items() if not rows)
        raise DataError(f"cad: no pair in {FILES[empty]}; the file may be cut. Restore it.")
    return make("cad", parts, files.sums(contents), found)
