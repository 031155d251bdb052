import gzip
import zipfile

import numpy as np
import pytest

from attnlib.data import DataError, catalogue, load
from attnlib.data.sets import paraphrases

WORDS = ("red", "blue", "green", "black", "white")


def rows(n):
    """(first, second, label); both sentences say which row it is, with quotes as text and a number."""
    for i in range(n):
        word = WORDS[i % len(WORDS)]
        yield f'Is "{word} the first of row{i}?', f"The {word} second, x{i}", str(i % 2)


def mrpc(first, second, label):
    return "\t".join((label, "702876", "702977", first, second))


def qqp(first, second, label):
    return "\t".join(("133273", "213221", "213222", first, second, label))


def text(columns, lines, mark=""):
    return mark + "\r\n".join(["\t".join(columns), *lines]) + "\r\n"


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    monkeypatch.setattr(paraphrases, "MRPC_DEV", 10)
    for name in ("mrpc", "qqp"):
        (tmp_path / name).mkdir()
    return tmp_path


def write_mrpc(folder, parts):
    for path, lines in parts.items():
        # The marks of byte order are where they are in the copy at hand.
        mark = "" if "val" in path else "\ufeff"
        data = text(paraphrases.MRPC_COLUMNS, lines, mark).encode()
        (folder / "mrpc" / f"{path}.gz").write_bytes(gzip.compress(data))


def write_official(folder, n=40):
    lines = [mrpc(*row) for row in rows(n)]
    write_mrpc(folder, {paraphrases.MRPC_TRAIN: lines, paraphrases.MRPC_TEST: lines[:6]})


def write_parts(folder, n=40):
    lines = [mrpc(*row) for row in rows(n)]
    write_mrpc(folder, dict(zip(paraphrases.MRPC_PARTS, (lines[:-10], lines[-10:], lines[:6]), strict=True)))


def write_qqp(folder, training, test=None):
    test = [qqp(*row) for row in rows(6)] if test is None else test
    for name, lines in (("train", training), ("dev", test)):
        (folder / "qqp" / f"{name}.tsv").write_text(text(paraphrases.QQP_COLUMNS, lines), newline="")


def check(corpus):
    assert corpus.task == "pair classification"
    assert corpus.class_names == ("different", "paraphrase")
    for split in corpus.splits.values():
        for name, passage, question, label in zip(
            split.ids, split.texts, split.questions, split.labels, strict=True
        ):
            i = int(name.split("/")[2]) - 2
            word = WORDS[i % len(WORDS)]
            assert passage == ("the", word, "second", ",", "qqq")
            assert question == ("is", '"', word, "the", "first", "of", "qqq", "?")
            assert label == i % 2


def test_both_layouts_of_mrpc_give_the_same_corpus(folder):
    write_parts(folder)
    corpus = load("mrpc", verify=False)
    check(corpus)
    assert [len(split) for split in corpus.splits.values()] == [30, 10, 6]
    assert (corpus.train.ids[0], corpus.dev.ids[0]) == ("mrpc/train/2", "mrpc/train/32")
    assert "second" in corpus.vocabulary.words
    with pytest.raises(DataError, match=r"msr-para-train\.tsv\.gz is not the official file"):
        load("mrpc")
    write_official(folder)
    official = load("mrpc")
    check(official)
    assert list(official.provenance["files"]) == [paraphrases.MRPC_TRAIN, paraphrases.MRPC_TEST]
    assert official.checksum == corpus.checksum


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1\t1\t2\tonly one", "expected 5 fields, found 4"),
        ("1\t1\t2\ta\tb\tc", "expected 5 fields, found 6"),
        ("2\t1\t2\ta\tb", "the label is '2', not 0 or 1"),
        ("\t1\t2\ta\tb", "the label is ''"),
        ("1\t1\t2\t \tb", "a sentence is empty"),
        ("1\t1\t2\ta\t", "a sentence is empty"),
    ],
)
def test_bad_rows_of_mrpc_are_named(folder, line, problem):
    write_parts(folder)
    write_mrpc(folder, {"msr-para-val.tsv": [*(mrpc(*row) for row in rows(10)), line]})
    with pytest.raises(DataError, match=rf"msr-para-val\.tsv\.gz:12: {problem}"):
        load("mrpc", verify=False)


def test_files_of_mrpc_that_are_missing_cut_or_others_are_named(folder):
    with pytest.raises(DataError, match=r"msr_paraphrase_train\.txt not found in .* Get .*microsoft\.com"):
        load("mrpc")
    write_official(folder, n=10)
    with pytest.raises(DataError, match="mrpc: 10 training pairs, the last 10 of them for dev"):
        load("mrpc")
    write_official(folder)
    write_mrpc(folder, {paraphrases.MRPC_TEST: []})
    with pytest.raises(DataError, match="mrpc: no pair in test"):
        load("mrpc")
    (folder / "mrpc" / f"{paraphrases.MRPC_TEST}.gz").write_bytes(gzip.compress(b"a\tb\n1\t2\n"))
    with pytest.raises(
        DataError, match=r"msr_paraphrase_test\.txt\.gz:1: expected the header Quality, #1 ID"
    ):
        load("mrpc")


@pytest.mark.parametrize("packed", [False, True])
def test_the_first_tenth_of_quoras_pairs_is_dev_and_glues_dev_is_test(folder, packed):
    write_qqp(folder, [qqp(*row) for row in rows(59)])
    if packed:
        with zipfile.ZipFile(folder / "qqp" / "QQP-clean.zip", "w") as archive:
            for name in ("train", "dev"):
                archive.write(folder / "qqp" / f"{name}.tsv", f"QQP/{name}.tsv")
                (folder / "qqp" / f"{name}.tsv").unlink()
    corpus = load("qqp")
    check(corpus)
    assert corpus.name == "qqp"
    assert [len(split) for split in corpus.splits.values()] == [54, 5, 6]
    assert (corpus.dev.ids[0], corpus.train.ids[0], corpus.test.ids[0]) == (
        "qqp/train/2",
        "qqp/train/7",
        "qqp/dev/2",
    )
    # Each colour is in 10 or 11 training questions, and nothing is in fewer than 5.
    assert set(WORDS) < set(corpus.vocabulary.words)


def test_broken_rows_and_empty_questions_are_left_out_and_counted(folder):
    lines = [qqp(*row) for row in rows(40)]
    whole = [*lines]
    # A question with a line end in it, as in the official file, an empty question, and one field too many.
    lines[3:3] = ['1\t2\t3\t"What is', '"\tWhat?\t0', qqp("a", " ", "0"), qqp("", "b", "1")]
    lines.append(qqp("a", "b\tc", "0"))
    write_qqp(folder, lines)
    corpus = load("qqp")
    assert "3 rows without six fields and 2 with an empty question" in corpus.provenance["notes"][1]
    numbers = [int(name.split("/")[2]) for name in (*corpus.dev.ids, *corpus.train.ids)]
    assert numbers == [2, 3, 4, *range(9, 46)]
    assert len(corpus.dev) == 4
    write_qqp(folder, whole)
    other = load("qqp")
    assert [*other.dev.texts, *other.train.texts] == [*corpus.dev.texts, *corpus.train.texts]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (qqp("a", "b", "2"), "the label is '2', not 0 or 1"),
        (qqp("a", "b", ""), "the label is ''"),
    ],
)
def test_bad_labels_of_quoras_pairs_are_named(folder, line, problem):
    write_qqp(folder, [qqp(*row) for row in rows(40)], [qqp(*next(rows(1))), line])
    with pytest.raises(DataError, match=rf"qqp/dev\.tsv:3: {problem}"):
        load("qqp")


def test_files_of_quoras_pairs_that_are_missing_cut_or_others_are_named(folder):
    with pytest.raises(DataError, match=r"qqp: train\.tsv not found in .*gluebenchmark\.com.*'mrpc'"):
        load("qqp")
    write_qqp(folder, [qqp(*row) for row in rows(40)], [])
    with pytest.raises(DataError, match="qqp: no pair in test"):
        load("qqp")
    write_qqp(folder, [qqp(*row) for row in rows(9)])
    with pytest.raises(DataError, match="qqp: no pair in dev"):
        load("qqp")
    write_qqp(folder, [qqp(*next(rows(1))), *["a,b,c"] * 101])
    with pytest.raises(DataError, match=r"train\.tsv:3: the first of more than 100 rows"):
        load("qqp")
    (folder / "qqp" / "train.tsv").write_text("index\tquestion1\tquestion2\n")
    with pytest.raises(DataError, match=r"train\.tsv:1: expected the header id, qid1, qid2, question1"):
        load("qqp")


def test_quoras_pairs_are_never_downloaded(mirror):
    for member in catalogue.QQP.members:
        (mirror / member.path).write_text("x")
    with pytest.raises(DataError, match="not found"):
        load("qqp")


@pytest.mark.data("mrpc")
def test_counts_of_mrpc():
    corpus = load("mrpc")
    assert [len(split) for split in corpus.splits.values()] == [3576, 500, 1725]
    assert [np.bincount(split.labels).tolist() for split in corpus.splits.values()] == [
        [1169, 2407],
        [154, 346],
        [578, 1147],
    ]
    assert len(corpus.vocabulary) == 11731
