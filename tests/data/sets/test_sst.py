import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import sst
from tests.data.sets.writing import sizes, write

LINES = (
    "(3 (2 An) (3 (3 honest) (2 (2 small) (2 film))))",
    "(2 (2 It) (2 exists))",
    "(0 (1 Dull) (0 (2 -LRB-) (2 (2 and) (2 (1 long) (2 -RRB-)))))",
)


def test_trees_are_read_by_label_of_the_root_and_leaves():
    binary, five = list(sst.read(LINES)), list(sst.read(LINES, sst.CLASSES["sst5"]))
    assert [row[:3] for row in binary] == [
        (1, 1, "An honest small film"),
        (3, 0, "Dull -LRB- and long -RRB-"),
    ]
    assert [row[:2] for row in five] == [(1, 3), (2, 2), (3, 0)]
    assert sst.tokenize(binary[1].text) == ("dull", "and", "long")
    assert sst.tokenize("It 's well-made ... A\\/B !") == ("it", "s", "well", "made", "a", "b")
    assert sst.tokenize("... !") == ()


def write_set(root, layout="plain"):
    texts = {}
    for name in sst.PARTS:
        trees = [(4, 3), (0, 7), (3, 8), (1, 9), (2, 6)]
        lines = [f"({y} {' '.join(f'(2 {name}{i})' for i in range(n))})\n" for y, n in trees]
        texts[f"{name}.txt"] = "".join(lines)
    write(root / "sst", texts, layout)


@pytest.mark.parametrize("layout", ["plain", "gzip"])
def test_edited_files_load_without_verification_only(root, layout):
    write_set(root, layout)
    corpus = load("sst", verify=False)
    assert sizes(corpus) == [2, 2, 2]
    assert corpus.train.ids == ("sst/train/2", "sst/train/3")
    # The vocabulary is of all training sentences: also word 8 of the longest, which the filter drops.
    assert "train8" in corpus.vocabulary.words
    assert "dev1" not in corpus.vocabulary.words
    with pytest.raises(DataError, match=r"(?s)train\.txt.*not the official file.*verify=False"):
        load("sst")


def test_five_classes_are_read_from_the_same_files(root):
    write_set(root)
    corpus = load("sst5", verify=False)
    assert (corpus.name, corpus.class_names[4]) == ("sst5", "very positive")
    assert [split.labels.tolist() for split in corpus.splits.values()] == [[0, 3, 2]] * 3
    assert corpus.dev.ids[2] == "sst5/dev/5"
    (root / "sst" / "test.txt").write_text("(0 (2 a) (2 b))\n" * 5)
    with pytest.raises(DataError, match="sst5: none of 5 test texts is left"):
        load("sst5", verify=False)
