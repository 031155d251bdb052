import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnlib.data import DataError, load
from attnlib.data.sets import sst

ROOT = os.environ.get("ATTNLIB_DATA")
needs_data = pytest.mark.skipif(not ROOT, reason="set ATTNLIB_DATA to a folder with the real data sets")
AUTHORS_CSV = Path(ROOT or ".") / "sst" / "sst_dataset.csv.gz"

LINES = (
    "(3 (2 An) (3 (3 honest) (2 (2 small) (2 film))))",
    "(2 (2 It) (2 exists))",
    "(0 (1 Dull) (0 (2 -LRB-) (2 (2 and) (2 (1 long) (2 -RRB-)))))",
)


def test_parse_tree_returns_root_label_and_leaves():
    assert sst.parse_tree(LINES[0]) == sst.Tree(3, ("An", "honest", "small", "film"))
    assert sst.parse_tree("(4 Superb)") == sst.Tree(4, ("Superb",))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("(3 (2 a) (4 b)", "1 parentheses are not closed"),
        ("(3 (2 a) (4 b)))", "text after the end"),
        ("(3 a) (2 b)", "text after the end"),
        (")", "closing parenthesis"),
        ("3 a", "text outside the tree: '3'"),
        ("(5 (2 a) (4 b))", "label '5'"),
        ("(good (2 a))", "label 'good'"),
        ("((2 a) (2 b))", "no label"),
        ("(3 (2 a) (4 ))", "neither word nor children"),
        ("(3 (2 a) ())", "neither word nor children"),
        ("(3 (2 a b))", "more than one word: 'a' 'b'"),
        ("(3 a (2 b))", "both the word 'a' and children"),
        ("(3 (2 b) a)", "both children and the word 'a'"),
        ("", "empty"),
        ("   ", "empty"),
    ],
)
def test_malformed_trees_are_refused_with_file_and_line(line, problem):
    with pytest.raises(DataError, match=r"train\.txt:7: .*") as caught:
        sst.parse_tree(line, "train.txt:7")
    assert problem in str(caught.value)


trees = st.recursive(
    st.tuples(st.integers(0, 4), st.from_regex(r"[^ ()\t\n\r]{1,8}", fullmatch=True)),
    lambda children: st.tuples(st.integers(0, 4), st.lists(children, min_size=1, max_size=4)),
    max_leaves=20,
)


def write(tree):
    label, rest = tree
    return f"({label} {rest if isinstance(rest, str) else ' '.join(map(write, rest))})"


def leaves(tree):
    return [tree[1]] if isinstance(tree[1], str) else [leaf for child in tree[1] for leaf in leaves(child)]


@pytest.mark.slow
@settings(deadline=None)
@given(trees, st.integers(0, 200))
def test_any_tree_is_read_back_and_any_prefix_of_it_refused(tree, cut):
    line = write(tree)
    assert sst.parse_tree(line) == sst.Tree(tree[0], tuple(leaves(tree)))
    with pytest.raises(DataError):
        sst.parse_tree(line[: cut % len(line)])


def test_tokenize_drops_brackets_and_punctuation_and_lowers():
    assert sst.tokenize(("-LRB-", "It", "'s", "well-made", "-RRB-", "...", "A\\/B")) == (
        "it", "s", "well", "made", "a", "b",
    )  # fmt: skip
    assert sst.tokenize(("...", "!")) == ()


def test_split_drops_neutral_and_names_lines():
    split = sst.split_from_lines(LINES, "dev", "dev.txt")
    assert split.ids == ("sst/dev/1", "sst/dev/3")
    assert split.labels.tolist() == [1, 0]
    assert split.texts[1] == ("dull", "and", "long")
    with pytest.raises(DataError, match=r"dev\.txt:2: no word is left"):
        sst.split_from_lines([LINES[0], "(3 ...)"], "dev", "dev.txt")
    with pytest.raises(DataError, match=r"dev\.txt: no labelled sentence"):
        sst.split_from_lines([LINES[1]], "dev", "dev.txt")


def test_five_classes_are_the_labels_of_the_roots():
    split = sst.split_from_lines(LINES, "dev", "dev.txt", sst.FIVE, "sst5")
    assert split.ids == ("sst5/dev/1", "sst5/dev/2", "sst5/dev/3")
    assert split.labels.tolist() == [3, 2, 0]


def write_set(folder, packed=False):
    folder.mkdir(parents=True)
    for name in ("train", "dev", "test"):
        lines = [
            f"({y} {' '.join(f'(2 {name}{i})' for i in range(n))})"
            for y, n in ((4, 3), (0, 7), (3, 8), (1, 9))
        ]
        text = "\n".join(lines) + "\n"
        if packed:
            (folder / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.txt").write_text(text)


@pytest.mark.parametrize("packed", [False, True])
def test_edited_files_load_without_verification_only(tmp_path, monkeypatch, nowhere, packed):
    write_set(tmp_path / "sst", packed)
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    corpus = load("sst", verify=False)
    assert [len(split) for split in corpus.splits.values()] == [2, 2, 2]
    # The vocabulary is of all training sentences: also word 8 of the longest, which the filter drops.
    assert "train8" in corpus.vocabulary.words
    assert "dev1" not in corpus.vocabulary.words
    with pytest.raises(DataError, match=r"(?s)train\.txt.*not the official file.*verify=False"):
        load("sst")


def test_five_classes_are_read_from_the_same_files(tmp_path, monkeypatch, nowhere):
    write_set(tmp_path / "sst")
    with (tmp_path / "sst" / "dev.txt").open("a") as file:
        file.write("(2 (2 a) (2 b) (2 c) (2 d) (2 e) (2 f))\n")
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    corpus = load("sst5", verify=False)
    assert (corpus.name, corpus.train.ids) == ("sst5", ("sst5/train/2", "sst5/train/3"))
    assert corpus.class_names == ("very negative", "negative", "neutral", "positive", "very positive")
    assert [split.labels.tolist() for split in corpus.splits.values()] == [[0, 3], [0, 3, 2], [0, 3]]
    assert corpus.vocabulary == load("sst", verify=False).vocabulary
    with pytest.raises(DataError, match="not the official file"):
        load("sst5")
    (tmp_path / "sst" / "test.txt").write_text("(0 (2 a) (2 b))\n" * 5)
    with pytest.raises(DataError, match="sst5: none of 5 test texts has more tokens than 5"):
        load("sst5", verify=False)


def test_a_malformed_tree_in_a_file_is_named(tmp_path, monkeypatch, nowhere):
    write_set(tmp_path / "sst")
    with (tmp_path / "sst" / "dev.txt").open("a") as file:
        file.write("(3 (2 unfinished)\n")
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"dev\.txt:5: 1 parentheses are not closed"):
        load("sst", verify=False)


@pytest.mark.data
@needs_data
def test_counts_are_the_papers():
    corpus = load("sst")
    assert [len(split) for split in corpus.splits.values()] == [6355, 821, 1725]
    assert np.bincount(corpus.train.labels).tolist() == [3034, 3321]
    assert np.bincount(corpus.dev.labels).tolist() == [397, 424]
    assert np.bincount(corpus.test.labels).tolist() == [863, 862]
    assert len(corpus.vocabulary) == 13826
    mean = [np.mean([len(text) for text in split.texts]) for split in (corpus.train, corpus.test)]
    assert np.round(mean, 2).tolist() == [18.7, 18.22]


@pytest.mark.data("sst")
def test_counts_of_five_classes():
    corpus = load("sst5")
    # Of 8544, 1101 and 2210 sentences; the vocabulary, of all of train, is as large as the authors'.
    assert [len(split) for split in corpus.splits.values()] == [7816, 1024, 2073]
    assert np.bincount(corpus.test.labels).tolist() == [264, 599, 348, 492, 370]
    assert len(corpus.vocabulary) == 15324


@pytest.mark.data
@needs_data
@pytest.mark.skipif(
    not AUTHORS_CSV.exists(), reason="the authors' sst_dataset.csv.gz is not in ATTNLIB_DATA/sst"
)
def test_texts_are_the_authors_but_for_two():
    authors = pd.read_csv(AUTHORS_CSV, keep_default_na=False)
    texts, labels, parts = [], [], []
    from attnlib.data import registry

    for path, content in registry.locate("sst", ["train.txt", "dev.txt", "test.txt"]).items():
        split = sst.split_from_lines(content.lines(), path.removesuffix(".txt"), content.where)
        texts += [" ".join(text) for text in split.texts]
        labels += split.labels.tolist()
        parts += [path.removesuffix(".txt")] * len(split)
    assert len(texts) == len(authors) == 9613
    assert labels == authors["label"].tolist()
    assert parts == authors["exp_split"].tolist()
    different = [
        (mine, theirs) for mine, theirs in zip(texts, authors["text"], strict=True) if mine != theirs
    ]
    assert len(different) == 2
    # Both are tokenizer splits inside a word: without spaces the texts agree.
    assert all(mine.replace(" ", "") == theirs.replace(" ", "") for mine, theirs in different)
