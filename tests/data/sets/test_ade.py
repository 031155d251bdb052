import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import ade


def relation(text, effect, drug, offset=500):
    e, d = text.index(effect), text.index(drug)
    places = [(term, offset + at, offset + at + len(term)) for term, at in ((effect, e), (drug, d))]
    return "|".join(map(str, ("10", text, *places[0], *places[1])))


def letters(number):
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


POSITIVE = [
    relation(
        f"A severe rash in patient {letters(i)} followed 20 mg of drugx given daily.", "severe rash", "drugx"
    )
    for i in range(30)
]
NEGATIVE = [f"10 NEG Nothing of note was seen in the {letters(i)} patient at all." for i in range(60)]


def write(folder, positive=POSITIVE, negative=NEGATIVE):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "DRUG-AE.rel").write_text("\n".join(positive) + "\n")
    (folder / "ADE-NEG.txt").write_text("\n".join(negative) + "\n")


def test_sentences_are_distinct_and_split_by_class(tmp_path, monkeypatch, nowhere):
    shared = POSITIVE[0].split("|")[1]
    write(tmp_path / "ade_corpus_v2", POSITIVE + POSITIVE[:3], [*NEGATIVE, NEGATIVE[0], f"10 NEG {shared}"])
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    corpus = load("ade", verify=False)
    assert [len(split) for split in corpus.splits.values()] == [61, 11, 18]
    assert [int(split.labels.sum()) for split in corpus.splits.values()] == [20, 4, 6]
    assert "1 sentences that are in both files" in corpus.provenance["notes"][1]
    names = {name for split in corpus.splits.values() for name in split.ids}
    assert {"ade/DRUG-AE/30", "ade/ADE-NEG/60"} <= names
    for split in corpus.splits.values():
        for text, label, marks in zip(split.texts, split.labels, split.evidence, strict=True):
            marked = [token for token, mark in zip(text, marks, strict=True) if mark]
            assert marked == (["severe", "rash", "drugx"] if label else [])
    assert "qqq" in corpus.vocabulary.words
    with pytest.raises(DataError, match="not the official file"):
        load("ade")


def test_of_repeated_words_those_at_the_right_distance_are_marked():
    text = "drugx or pain, then pain after drugx"
    effect, drug = text.rindex("pain"), text.rindex("drugx")
    line = f"1|{text}|pain|{effect + 90}|{effect + 94}|drugx|{drug + 90}|{drug + 95}"
    assert ade.parse_relations([line], "x")[text].spans == [(effect, effect + 4), (drug, drug + 5)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1|a rash from x|rash|2|6|x|12", "expected id"),
        ("1|a rash from x|rash|two|6|x|12|13", "expected id"),
        ("1|a rash from x|pain|2|6|x|12|13", "does not hold its effect 'pain'"),
        ("1|a rash from x|rash|2|6||12|13", "and drug ''"),
        ("", "expected id"),
    ],
)
def test_malformed_relations_are_named(line, problem):
    with pytest.raises(DataError, match=rf"^rel:2: .*{problem}"):
        ade.parse_relations([POSITIVE[0], line], "rel")


@pytest.mark.parametrize("line", ["10 POS text", "10 NEG", "10 NEG  ", ""])
def test_malformed_negatives_are_named(line):
    with pytest.raises(DataError, match=r"^neg:2: expected id, NEG and a sentence"):
        ade.parse_negatives([NEGATIVE[0], line], "neg")


def test_too_few_sentences_are_refused(tmp_path, monkeypatch, nowhere):
    write(tmp_path / "ade_corpus_v2", POSITIVE[:1], NEGATIVE[:1])
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match="too few sentences"):
        load("ade", verify=False)


@pytest.mark.data("ade_corpus_v2")
@pytest.mark.slow
def test_counts():
    corpus = load("ade")
    assert [len(split) for split in corpus.splits.values()] == [14037, 2485, 4135]
    assert np.bincount(corpus.test.labels).tolist() == [3296, 839]
    assert all(
        marks.any() == label for marks, label in zip(corpus.train.evidence, corpus.train.labels, strict=True)
    )
