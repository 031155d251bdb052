import numpy as np
import pytest

from attnlib.data import DataError, load
from attnlib.data.corpora import Row
from attnlib.data.sets import agnews
from tests.data.sets.writing import everything, quoted, sizes, write

TITLES = {"1": "Talks resume", "2": "Cup final", "3": "Shares rise", "4": "New chip"}
FIRST = {"talks": 0, "cup": 1, "shares": 2, "new": 3}
# How the subsets write the labels 0 to 3.
WRITTEN = {"b": ["world", None, None, "sci_tech"], "c": ["0.0", "1.0", "2.0", "3.0"]}


def rows(n, start=0):
    """Rows class, title, description; descriptions of 6 to 15 words, no two alike."""
    for i in range(n):
        word = "".join(chr(ord("a") + int(digit)) for digit in str(start + i))
        label = str(1 + i % 4)
        yield label, TITLES[label], f'It "is" item, {word}' + " and so on" * (1 + i // 4 % 4)


def write_official(root, n=120):
    parts = {"train.csv": rows(n), "test.csv": rows(40, 1000)}
    texts = {path: "".join(quoted(*row) for row in found) for path, found in parts.items()}
    write(root / "ag_news", texts, "gzip")


def write_subsets(root):
    """Subsets as at hand: some with a header, labels from 0, from 0.0, or in one as words."""
    texts = {"test.csv": "".join(quoted(*row) for row in rows(40, 1000))}
    for k, (part, columns) in enumerate(agnews.SUBSETS.items()):
        header = "text,label,label_text\n" if columns == 3 else "text,label\n"
        lines = [header] if part in ("c", "d_train") else []
        for number, title, text in rows(40, 100 * k):
            label = WRITTEN.get(part, ["0", "1", "2", "3"])[int(number) - 1]
            if label is not None:
                lines.append(quoted(f"{title} {text}", label, *["x"] * (columns - 2)))
        texts[f"train_subset_{part}.csv"] = "".join(lines)
    write(root / "ag_news", texts, "gzip")


def test_official_files_give_descriptions_of_two_classes_or_four(root):
    write_official(root, 240)
    two, four = load("agnews", verify=False), load("agnews4", verify=False)
    assert (two.name, two.class_names) == ("agnews", ("world", "business"))
    assert (four.name, four.class_names) == ("agnews4", ("world", "sports", "business", "sci/tech"))
    # 240 items: 204 + 36, less the shortest and the longest of each part (4 lengths); 40 test items likewise.
    assert sizes(four) == [98, 23, 20]
    assert np.bincount(four.test.labels).tolist() == [5, 5, 5, 5]
    # Row i is of topic i mod 4; the id is its line.
    assert all((int(name.split("/")[2]) - 1) % 4 == y for name, (_, y) in everything(four).items())
    # World and business are classes 0 and 2 of the four.
    pairs = zip(four.test.ids, four.test.labels.tolist(), strict=True)
    tested = {name.replace("agnews4", "agnews"): y // 2 for name, y in pairs if y % 2 == 0}
    assert tested == dict(zip(two.test.ids, two.test.labels, strict=True))
    for corpus in (two, four):
        assert not set(FIRST) & set(corpus.vocabulary.words)
        assert "item" in corpus.vocabulary.words
    with pytest.raises(DataError, match=r"train\.csv\.gz is not the official file: .*git blob"):
        load("agnews")


def test_subsets_are_used_when_the_official_file_is_not_there_and_say_so(root):
    write_subsets(root)
    for name, size in (("agnews", "60,000"), ("agnews4", "120,000")):
        corpus = load(name, verify=False)
        assert corpus.name == f"{name}_subset"
        assert f"Not the paper's {size} training texts" in corpus.provenance["notes"][0]
        assert corpus.checksum == load(f"{name}_subset", verify=False).checksum
        names = ("world", "sports", "business", "sci/tech")
        for text, label in everything(corpus).values():
            assert names[FIRST[text[0]]] == corpus.class_names[label]
        assert {name.split("/")[1] for name in corpus.train.ids} == set(agnews.SUBSETS)
    write_official(root)
    assert load("agnews", verify=False).name == "agnews"
    assert load("agnews", train="subset", verify=False).name == "agnews_subset"


@pytest.mark.parametrize(("written", "n"), [(write_official, 120), (write_subsets, 220)])
def test_all_topics_as_documents(root, written, n):
    written(root)
    corpus = load("agnews_topics", verify=False)
    assert corpus.class_names == ("world", "sports", "business", "sci/tech")
    assert all(FIRST[text[0]] == label for text, label in everything(corpus).values())
    assert np.bincount(corpus.test.labels).tolist() == [10] * 4
    assert corpus.test.ids[0] == "agnews_topics/test/1"
    # Five subsets of 40 and one of two classes.
    assert sizes(corpus) == [n - n // 10, n // 10, 40]
    assert corpus.provenance["notes"][0].startswith("Not the 120,000") == (written is write_subsets)


def test_repeated_texts_texts_of_the_test_split_and_contradictions_are_dropped():
    texts = {"a": "Once only", "b": "once, ONLY!", "c": "IN -- test", "d": "two minds", "f": "last"}
    found = [Row(name, 0, text) for name, text in texts.items()]
    found.append(Row("e", 3, "Two minds"))
    assert [row.name for row in agnews.distinct(found, [Row("t", 0, "In test")])] == ["a", "f"]


@pytest.mark.parametrize("name", ["agnews", "agnews4", "agnews_topics"])
@pytest.mark.parametrize("label", ["5", "0", "x"])
def test_a_class_that_does_not_exist_is_named_with_its_line(root, name, label):
    write_official(root)
    good = "".join(quoted(*row) for row in rows(40, 1000))
    write(root / "ag_news", {"test.csv": good + quoted(label, "Title", "A text.")}, "gzip")
    with pytest.raises(DataError, match=rf"test\.csv.*:41: the class is '{label}', not 1, 2, 3 or 4"):
        load(name, verify=False)
