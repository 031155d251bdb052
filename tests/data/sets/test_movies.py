import json

import numpy as np
import pytest

from attnlib.data import DataError, load
from tests.data.faulty import tarred
from tests.data.sets.writing import sizes, write

REVIEW = "a dull plot .\nit is never good , film - making at its worst ."


def line(number, label="NEG", spans=((1, 3, "dull plot"), (6, 8, "never good")), **changed):
    evidences = [[{"start_token": start, "end_token": end, "text": text}] for start, end, text in spans]
    given = {"annotation_id": f"r_{number}.txt", "classification": label, "evidences": evidences}
    return json.dumps(given | changed) + "\n"


def texts(**changed):
    lines = {"train": line(0) + line(1, "POS", ()), "val": line(2), "test": line(3)} | changed
    return {f"{part}.jsonl": text for part, text in lines.items()} | {
        f"docs/r_{number}.txt": REVIEW for number in range(4)
    }


@pytest.mark.parametrize("layout", ["plain", "gzip", "archive", "packed"])
def test_evidence_marks_the_words_of_the_spans(root, layout):
    held = texts()
    if layout in ("gzip", "packed"):
        docs = {path: held.pop(path) for path in list(held) if path.startswith("docs")}
        if layout == "packed":
            write(root / "eraser_movies", {"docs.tar.xz": tarred({p: t.encode() for p, t in docs.items()})})
        else:
            write(root / "eraser_movies", docs)
    how = {"packed": "gzip"}.get(layout, layout)
    write(root / "eraser_movies", held, how, "movies.tar.gz", "movies")
    corpus = load("eraser_movies", verify=False)
    assert sizes(corpus) == [2, 1, 1]
    assert corpus.train.ids == ("eraser_movies/train/1", "eraser_movies/train/2")
    assert corpus.train.labels.tolist() == [0, 1]
    marked = [np.array(corpus.test.texts[0])[corpus.test.evidence[0] == 1].tolist(), corpus.train.evidence[1]]
    assert marked[0] == ["dull", "plot", "never", "good"]
    assert not marked[1].any()
    assert "film" in corpus.vocabulary.words
    with pytest.raises(DataError, match="not (as published|the official)"):
        load("eraser_movies")


BAD = [
    (line(3, spans=((1, 3, "dull film"),)), "tokens 1 to 3 are not 'dull film'"),
    (line(3, label="MIXED"), "the classification is 'MIXED'"),
    (line(9), "no field 'docs/r_9.txt'"),
    ("{", "Expecting property name"),
]


@pytest.mark.parametrize(("wrong", "problem"), BAD)
def test_what_cannot_be_read_is_named(root, wrong, problem):
    write(root / "eraser_movies", texts(test=line(3) + wrong))
    with pytest.raises(DataError, match=rf"test\.jsonl:2: {problem}"):
        load("eraser_movies", verify=False)
