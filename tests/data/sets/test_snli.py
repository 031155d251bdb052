import json
import zipfile

import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import snli

CODES = {"entailment": ("0", "3"), "neutral": ("1", "1"), "contradiction": ("2", "2")}
PAIRS = [
    (f"A man in {color} plays 2 drums.", f"Somebody {verb} music.", label)
    for color in ("red", "blue")
    for verb, label in (("makes", "entailment"), ("likes", "neutral"), ("hates", "contradiction"))
] * 4


def write_tsv(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("validation", "test"):
        lines = ["premise\thypothesis\tlabel", *(f"{p}\t{h}\t{CODES[y][0]}" for p, h, y in PAIRS)]
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    for name in ("18k", "2k"):
        lines = [f"{CODES[y][1]}\t{CODES[y][1]}\t{p}\t{h}" for p, h, y in PAIRS]
        (folder / f"train_subset_{name}.tsv").write_text("\n".join(lines) + "\n")


def jsonl(pairs=PAIRS):
    pairs = [*pairs, ("No", "agreement", "-")]
    return "".join(
        json.dumps({"gold_label": y, "sentence1": p, "sentence2": h, "pairID": "x"}) + "\n"
        for p, h, y in pairs
    )


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    (tmp_path / "snli").mkdir()
    return tmp_path / "snli"


def check(corpus):
    assert corpus.task == "pair classification"
    assert corpus.class_names == ("contradiction", "entailment", "neutral")
    for split in corpus.splits.values():
        for text, question, label in zip(split.texts, split.questions, split.labels, strict=True):
            assert text[:3] == ("a", "man", "in")
            assert text[-3:] == ("qqq", "drums", ".")
            assert question[1] == ("hates", "makes", "likes")[label]


def test_both_label_codings_of_the_tab_separated_files_are_read(folder):
    write_tsv(folder)
    corpus = load("snli", verify=False)
    check(corpus)
    assert corpus.name == "snli_subset"
    assert [len(split) for split in corpus.splits.values()] == [48, 24, 24]
    assert "48 of them" in corpus.provenance["notes"][0]
    assert (corpus.train.ids[0], corpus.dev.ids[0]) == ("snli/train_subset_18k/1", "snli/dev/2")
    assert load("snli_subset", verify=False).checksum == corpus.checksum
    with pytest.raises(DataError, match="not the official file"):
        load("snli")


@pytest.mark.parametrize("packed", [False, True])
def test_official_files_come_first_and_pairs_without_gold_label_go(folder, packed):
    write_tsv(folder)
    if packed:
        with zipfile.ZipFile(folder / "snli_1.0.zip", "w") as archive:
            for path in snli.OFFICIAL.values():
                archive.writestr(f"snli_1.0/{path}", jsonl())
    else:
        for path in snli.OFFICIAL.values():
            (folder / path).write_text(jsonl())
    corpus = load("snli")
    check(corpus)
    assert corpus.name == "snli"
    assert [len(split) for split in corpus.splits.values()] == [24, 24, 24]
    # "hates": in 8 of the 48 training sentences; all words are in 3 or more.
    assert {"hates", "somebody", "red"} <= set(corpus.vocabulary.words)
    with pytest.raises(ValueError, match="unknown train 'all'"):
        load("snli", train="all")


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("validation.tsv", "p\th\t3", "expected premise, hypothesis and a label 0, 1 or 2"),
        ("validation.tsv", "p\th", "expected premise"),
        ("train_subset_2k.tsv", "0\t0\tp\th", "expected a label 1, 2 or 3 twice"),
        ("train_subset_2k.tsv", "1\t2\tp\th", "expected a label"),
        ("train_subset_2k.tsv", "1\t1\tp", "expected a label"),
    ],
)
def test_bad_rows_of_tab_separated_files_are_named(folder, name, line, problem):
    write_tsv(folder)
    with (folder / name).open("a") as file:
        file.write(line + "\n")
    number = len((folder / name).read_text().splitlines())
    with pytest.raises(DataError, match=rf"{name}:{number}: {problem}"):
        load("snli", verify=False)
    (folder / "test.tsv").write_text("a\tb\tc\n")
    (folder / name).write_text("".join((folder / name).read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError, match=r"test\.tsv:1: expected the header"):
        load("snli", verify=False)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "expected a JSON object"),
        ("[1]", "expected a JSON object"),
        ('{"sentence1": "a", "sentence2": "b"}', "expected a JSON object"),
        ('{"sentence1": "a", "sentence2": "b", "gold_label": "maybe"}', "gold_label 'maybe'"),
        ('{"sentence1": 1, "sentence2": "b", "gold_label": "neutral"}', "or a sentence"),
    ],
)
def test_bad_lines_of_official_files_are_named(folder, line, problem):
    for path in snli.OFFICIAL.values():
        (folder / path).write_text(jsonl())
    (folder / snli.OFFICIAL["dev"]).write_text(jsonl() + line + "\n")
    with pytest.raises(DataError, match=rf"snli_1\.0_dev\.jsonl:26: .*{problem}"):
        load("snli")
    (folder / snli.OFFICIAL["dev"]).write_text("")
    with pytest.raises(DataError, match="no pair with a gold label"):
        load("snli")


def test_without_the_subset_the_message_names_the_official_release(folder):
    with pytest.raises(DataError, match=r"train_subset_18k\.tsv not found .* train='official'"):
        load("snli_subset")


@pytest.mark.data("snli")
@pytest.mark.slow
def test_counts_are_the_papers():
    corpus = load("snli", train="subset")
    assert [len(split) for split in corpus.splits.values()] == [20000, 9842, 9824]
    assert np.bincount(corpus.test.labels).tolist() == [3237, 3368, 3219]
    assert len(corpus.vocabulary) == 5159
