import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from attnlib.data import DataError, catalogue, load, registry
from attnlib.data.sets import agnews
from attnlib.data.splitting import filter_by_length

TITLES = {"1": "Talks resume", "2": "Cup final", "3": "Shares rise", "4": "New chip"}


def rows(n, start=0):
    """Rows class, title, description; descriptions of 6 to 15 words, no two alike."""
    return [
        (
            str(1 + i % 4),
            TITLES[str(1 + i % 4)],
            f'It "is" item, {word(start + i)}' + " and so on" * (1 + i // 4 % 4),
        )
        for i in range(n)
    ]


def word(number):
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def quoted(*fields):
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def write(folder, name, lines):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.gz").write_bytes(gzip.compress("".join(lines).encode()))


def write_official(folder, n=120):
    write(folder, "train.csv", [quoted(*row) for row in rows(n)])
    write(folder, "test.csv", [quoted(*row) for row in rows(40, 1000)])


def write_subsets(folder):
    """Subsets as at hand: labels from 0, from 0.0, or (in the third) world and sci_tech as words."""
    write(folder, "test.csv", [quoted(*row) for row in rows(40, 1000)])
    for k, (path, layout) in enumerate(agnews.SUBSETS.items()):
        written = {topic: label for label, topic in layout.labels.items()}
        lines = (
            ["text,label,label_text\n" if layout.columns == 3 else "text,label\n"] if layout.header else []
        )
        for number, title, text in rows(40, 100 * k):
            label = written.get(int(number) - 1)
            if label is not None:
                lines.append(quoted(f"{title} {text}", label, *["x"] * (layout.columns - 2)))
        write(folder, path, lines)


@pytest.fixture
def folder(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path / "ag_news"


def test_official_files_give_descriptions_of_two_classes(folder):
    write_official(folder)
    corpus = load("agnews", verify=False)
    assert (corpus.name, corpus.class_names) == ("agnews", ("world", "business"))
    # 60 items: 51 + 9, less the shortest and the longest of each part (4 lengths); 20 test items likewise.
    assert [len(split) for split in corpus.splits.values()] == [26, 4, 10]
    assert "item" in corpus.vocabulary.words
    assert not {"talks", "shares"} & set(corpus.vocabulary.words)
    assert corpus.test.ids[0].startswith("agnews/test/")
    assert all("qqq" not in text for text in corpus.train.texts)
    with pytest.raises(DataError, match=r"train\.csv\.gz is not the official file: expected git blob"):
        load("agnews")


def test_subsets_are_used_when_the_official_file_is_not_there_and_say_so(folder):
    write_subsets(folder)
    corpus = load("agnews", verify=False)
    assert corpus.name == "agnews_subset"
    assert "Not the paper's 60,000 training texts" in corpus.provenance["notes"][0]
    assert corpus.checksum == load("agnews_subset", verify=False).checksum
    assert all(text[:2] in {("talks", "resume"), ("shares", "rise")} for text in corpus.test.texts)
    assert {name.split("/")[1] for name in corpus.train.ids} == {
        "a_train", "a_dev", "b", "c", "d_train", "d_validation",
    }  # fmt: skip
    write_official(folder)
    assert load("agnews", verify=False).name == "agnews"
    assert load("agnews", train="subset", verify=False).name == "agnews_subset"
    with pytest.raises(ValueError, match="unknown train 'all'"):
        load("agnews", train="all")


FIRST = {"talks": "world", "cup": "sports", "shares": "business", "new": "sci/tech"}


def test_four_topics_of_official_files_are_descriptions_too(folder):
    write_official(folder, n=240)
    corpus = load("agnews4", verify=False)
    assert (corpus.name, corpus.class_names) == ("agnews4", ("world", "sports", "business", "sci/tech"))
    # 240 items: 204 + 36, less the shortest and the longest of each part (4 lengths); 40 test items likewise.
    assert [len(split) for split in corpus.splits.values()] == [98, 23, 20]
    assert np.bincount(corpus.test.labels).tolist() == [5, 5, 5, 5]
    # Row i is of topic i mod 4; the id is its line.
    for split in corpus.splits.values():
        assert [(int(name.split("/")[2]) - 1) % 4 for name in split.ids] == split.labels.tolist()
        assert split.sentences is None
    assert not set(FIRST) & set(corpus.vocabulary.words)
    two = load("agnews", verify=False)
    assert {name.removeprefix("agnews") for name in two.test.ids} == {
        name.removeprefix("agnews4")
        for name, y in zip(corpus.test.ids, corpus.test.labels, strict=True)
        if y in (0, 2)
    }


def test_four_topics_of_subsets_say_so(folder):
    write_subsets(folder)
    corpus = load("agnews4", verify=False)
    assert corpus.name == "agnews4_subset"
    assert "Not the paper's 120,000 training texts" in corpus.provenance["notes"][0]
    assert corpus.checksum == load("agnews4_subset", verify=False).checksum
    for split in corpus.splits.values():
        assert [FIRST[text[0]] for text in split.texts] == [corpus.class_names[y] for y in split.labels]
    with pytest.raises(DataError, match="not the official file"):
        load("agnews4")


def test_a_topic_without_items_is_named(folder):
    write_official(folder)
    write(folder, "test.csv", [quoted(*row) for row in rows(40) if row[0] != "2"])
    assert load("agnews", verify=False)
    with pytest.raises(DataError, match="ag_news: no item of the topic sports"):
        load("agnews4", verify=False)
    write(folder, "test.csv", [])
    with pytest.raises(DataError, match=r"test\.csv\.gz: no item; the file may be cut"):
        load("agnews4", verify=False)


def test_repeated_texts_texts_of_the_test_split_and_contradictions_are_dropped():
    def item(name, text, topic=0):
        return agnews.Item(name, text, topic)

    test = [item("t", "In test")]
    found = [
        item("a", "Once only"),
        item("b", "once, ONLY!"),
        item("c", "IN -- test"),
        item("d", "two minds"),
        item("e", "Two minds", topic=3),
        item("f", "last"),
    ]
    assert [kept.id for kept in agnews.distinct(found, test)] == ["a", "f"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"1","only two"\n', "expected 3 comma-separated fields, found 2"),
        ('"5","t","d"\n', "class '5' is not one of 1, 2, 3, 4"),
        ('"1","t"," "\n', "the text is empty"),
        ('"1","t","d" x\n', "expected after"),
        ('"1","t","open\n', "unexpected end of data"),
    ],
)
def test_bad_rows_are_named(folder, line, problem):
    write_official(folder)
    write(folder, "test.csv", [quoted("1", "t", "a\nb"), quoted("3", "t", "d"), line])
    with pytest.raises(DataError, match=rf"test\.csv\.gz:4: .*{problem}"):
        load("agnews", verify=False)


def test_single_files_are_downloaded_and_checked(mirror, nowhere, monkeypatch):
    train, test = (
        "".join(quoted(*row) for row in rows(n, start)).encode() for n, start in ((120, 0), (40, 1000))
    )
    members = tuple(
        replace(m, sha256=hashlib.sha256(text).hexdigest(), git_blob=None)
        for m, text in zip(catalogue.AG_NEWS.members, (train, test), strict=False)
    )
    monkeypatch.setitem(
        registry.DATA_SETS,
        "ag_news",
        replace(catalogue.AG_NEWS, members=members + catalogue.AG_NEWS.members[2:]),
    )
    (mirror / "train.csv").write_bytes(train)
    (mirror / "test.csv").write_bytes(b"moved")
    with pytest.raises(DataError, match=r"download of http://.*/test\.csv failed, nothing was kept"):
        load("agnews")
    (mirror / "test.csv").write_bytes(test)
    assert load("agnews").name == "agnews"
    assert sorted(path.name for path in (nowhere / "ag_news").iterdir()) == ["test.csv", "train.csv"]


def test_without_the_subset_the_message_names_the_official_release(folder):
    with pytest.raises(DataError, match=r"train_subset_a_train\.csv not found .* train='official'"):
        load("agnews_subset")


@pytest.mark.data("ag_news")
@pytest.mark.slow
def test_counts_of_the_subset():
    official = filter_by_length(
        agnews.split_of(
            agnews.official(registry.locate("ag_news", ["test.csv"])["test.csv"], "x", title=False),
            ("world", "business"),
        )
    )
    assert np.bincount(official.labels).tolist() == [1900, 1898]  # the paper's test split
    corpus = load("agnews", train="subset")
    assert np.bincount(corpus.test.labels).tolist() == [1899, 1897]
    assert sum(map(len, (corpus.train, corpus.dev))) in range(8360, 8381)


@pytest.mark.data("ag_news")
@pytest.mark.slow
def test_counts_of_four_topics():
    test = registry.locate("ag_news", ["test.csv"])["test.csv"]
    official = filter_by_length(agnews.split_of(agnews.official(test, "x", title=False), agnews.TOPICS))
    # The official 7600, less the shortest and the longest: all of them are in the last class.
    assert np.bincount(official.labels).tolist() == [1900, 1900, 1900, 1894]
    corpus = load("agnews4", train="subset")
    assert np.bincount(corpus.test.labels).tolist() == [1900, 1900, 1900, 1898]
    assert [len(split) for split in corpus.splits.values()] == [14378, 2536, 7598]
