import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.catalogue import DATA_SETS
from attnlib.data.sets.cad import FILES, cut, edited
from tests.data.sets.writing import sizes, write

HEAD = "Sentiment\tText\tbatch_id\n"

# Original, revision, and the tokens of the original that are gone; aligned by hand.
EDITS = [
    ("a good film", "a bad film", "good"),
    ("The plot is dull and the end is worse .", "The plot is clever and the end is better .", "dull worse"),
    ("I did not like it", "I did like it", "not"),
    ("I liked it", "I never liked it", ""),
    ("so so good , see it", "so bad , skip it", "so good see"),
    ("nothing here works", "nothing here works", ""),
    ("8/10 , see it twice", "2/10 , see it once", "8/10 twice"),
    ("Great !", "GREAT !", ""),
    ("it drags and drags and ends", "it flies and sings and ends", "drags drags"),
    ("my time was wasted by this cast", "my time was well spent with this cast", "wasted by"),
    ("a b", "c", "a b"),
    ("a b", "", "a b"),
]


@pytest.mark.parametrize(("original", "revision", "gone"), EDITS)
def test_the_marks_are_those_made_by_hand(original, revision, gone):
    tokens = cut(original)
    marks = edited(tokens, cut(revision))
    assert marks.dtype == np.int8
    assert [token for token, mark in zip(tokens, marks, strict=True) if mark] == gone.split()


def row(label, text, batch):
    return f"{label}\t{text}\t{batch}\n"


def pair(batch, original="a good film", revision="a bad film", label="Positive"):
    turned = {"Positive": "Negative", "Negative": "Positive"}[label]
    return row(label, original, batch) + row(turned, revision, batch)


def texts(**changed):
    train = pair(4) + pair(9, "Dull .<br />Just 3/10", '"""Bold"" .<br />Just 9/10"', "Negative")
    given = {"train": train, "dev": pair(1), "test": pair(2)} | changed
    return {FILES[part]: HEAD + rows for part, rows in given.items()}


@pytest.mark.parametrize("layout", ["plain", "gzip"])
def test_reviews_are_the_originals_and_evidence_what_is_gone(root, layout):
    write(root / "cad", texts(), layout)
    corpus = load("cad", verify=False)
    assert sizes(corpus) == [2, 1, 1]
    assert corpus.train.ids == ("cad/train/2", "cad/train/4")
    assert corpus.train.labels.tolist() == [1, 0]
    assert corpus.class_names == ("negative", "positive")
    # Digits are told apart by the alignment, and by nothing after it.
    assert corpus.train.texts[1] == ("dull", ".", "just", "qqq")
    assert [marks.tolist() for marks in corpus.train.evidence] == [[0, 1, 0], [1, 0, 0, 1]]
    assert corpus.provenance["licence"].startswith("Apache-2.0")
    assert set(corpus.provenance["files"]) == {item.path for item in DATA_SETS["cad"].files}
    with pytest.raises(DataError, match="not the official"):
        load("cad")


def test_what_cannot_be_aligned_is_counted_and_said(root):
    rows = pair(1) + pair(2, "so dull", "so dull") + pair(3, "so dull", "so very dull")
    rows += pair(4, "bad from start to end", "I loved all of it") + row("Negative", "bad", 5)
    write(root / "cad", texts(train=rows))
    corpus = load("cad", verify=False)
    # Kept without a mark: nothing gone (2, 3), more than half gone (4). The lone row may be a revision.
    assert [int(marks.sum()) for marks in corpus.train.evidence] == [1, 0, 0, 0]
    said = corpus.provenance["notes"][-1]
    assert "2 reviews of which nothing is gone, and 1 of which more than half is" in said
    assert "Left out: 1 rows without a partner" in said


def test_half_is_not_yet_anew_and_partners_need_not_be_neighbours(root):
    half = pair(2, "so very bad film", "so very good book")
    rows = row("Positive", "a good film", 1) + half + row("Negative", "a bad film", 1)
    write(root / "cad", texts(train=rows))
    corpus = load("cad", verify=False)
    assert corpus.train.ids == ("cad/train/2", "cad/train/3")
    assert [marks.tolist() for marks in corpus.train.evidence] == [[0, 1, 0], [0, 0, 1, 1]]


BAD = [
    (row("Mixed", "a film", 7), 4, "the sentiment is 'Mixed'"),
    (row("Positive", "a film", ""), 4, "the review or the batch_id is empty"),
    (row("Positive", "<br />", 7), 4, "the review or the batch_id is empty"),
    (row("Positive", "a film", 1), 4, "a third row of batch_id 1"),
    (row("Positive", "a film", 7) * 2, 5, "both reviews of batch_id 7 are Positive"),
    ("Positive\ta film\n", 4, "expected 3 tab-separated fields, found 2"),
]


@pytest.mark.parametrize(("wrong", "line", "problem"), BAD)
def test_what_cannot_be_read_is_named(root, wrong, line, problem):
    write(root / "cad", texts(dev=pair(1) + wrong))
    with pytest.raises(DataError, match=rf"dev_paired\.tsv:{line}: {problem}"):
        load("cad", verify=False)


def test_a_file_without_its_columns_or_pairs_is_named(root):
    write(root / "cad", texts() | {FILES["dev"]: "Sentiment\tText\n"})
    with pytest.raises(DataError, match=r"dev_paired\.tsv:1: no column batch_id in the header"):
        load("cad", verify=False)
    write(root / "cad", texts(dev=""))
    with pytest.raises(DataError, match="cad: no pair in sentiment.*dev"):
        load("cad", verify=False)
