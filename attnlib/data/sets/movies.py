"""Film reviews with human rationales: the movies of ERASER (DeYoung et al. 2020).

Reviews of Pang & Lee 2004; Zaidan et al. 2007 marked some of the phrases that speak for the label in those of
train and dev, ERASER all of them in those of test.
"""

import json
from collections.abc import Iterator, Mapping

import numpy as np

from attnlib.data import files
from attnlib.data.corpora import Row, make
from attnlib.data.corpus import Corpus
from attnlib.data.kept import keep
from attnlib.data.places import Content
from attnlib.data.rows import one_of, row_at

FILES = {"train": "train.jsonl", "dev": "val.jsonl", "test": "test.jsonl"}
LABELS = ("NEG", "POS")


def read(contents: Mapping[str, Content], path: str) -> Iterator[Row]:
    """Yield the reviews of one part, cut at spaces as the spans count; evidence is +1 inside of a span.

    Raises DataError, with file and line, for another label, a review that is not there, and a span whose
    words are not those of the review.
    """
    for line, written in enumerate(contents[path].lines(), start=1):
        with row_at(f"{contents[path].where}:{line}"):
            given = json.loads(written)
            tokens = contents[f"docs/{given['annotation_id']}"].data.decode().split()
            marks = np.zeros(len(tokens), dtype=np.int8)
            for span in (span for group in given["evidences"] for span in group):
                inside = slice(span["start_token"], span["end_token"])
                if " ".join(tokens[inside]) != span["text"]:
                    raise ValueError(f"tokens {inside.start} to {inside.stop} are not {span['text']!r}")
                marks[inside] = 1
            label = one_of(given["classification"], LABELS, "the classification")
        yield Row(line, label, tokens, evidence=marks)


@keep("eraser_movies")
def load(verify: bool = True) -> Corpus:
    """Return ERASER's film reviews, negative (0) or positive (1); evidence is the human rationale.

    `verify` checks each file's sha256. Raises DataError for missing, damaged or malformed files.
    """
    contents = files.locate("eraser_movies", [*FILES.values(), "docs"], verify)
    parts = {part: read(contents, path) for part, path in FILES.items()}
    sums = {path: contents[path].sha256 for path in FILES.values()}
    return make("eraser_movies", parts, sums | files.folder_sums("eraser_movies", verify))
