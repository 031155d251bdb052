import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from attnlib.data import DataError, agnews, catalogue, load, registry
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
    write(folder, "test.csv", [quoted(*row) for row in rows(40, 1000)])
    for k, (path, layout) in enumerate(agnews.SUBSETS.items()):
        written = {y: label for label, y in reversed(layout.labels.items())}
        lines = (
            ["text,label,label_text\n" if layout.columns == 3 else "text,label\n"] if layout.header else []
        )
        for label, title, text in rows(40, 100 * k):
            number = agnews._NUMBERS[label]
            lines.append(
                quoted(f"{title} {text}", written.get(number, written[0]), *["x"] * (layout.columns - 2))
            )
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


def test_repeated_texts_texts_of_the_test_split_and_contradictions_are_dropped():
    def item(name, text, label=0):
        return agnews.Item(name, text, label)

    test = [item("t", "In test")]
    found = [
        item("a", "Once only"),
        item("b", "once, ONLY!"),
        item("c", "IN -- test"),
        item("d", "two minds"),
        item("e", "Two minds", agnews.OTHER),
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
            agnews.official(registry.locate("ag_news", ["test.csv"])["test.csv"], "x", title=False)
        )
    )
    assert np.bincount(official.labels).tolist() == [1900, 1898]  # the paper's test split
    corpus = load("agnews", train="subset")
    assert np.bincount(corpus.test.labels).tolist() == [1899, 1897]
    assert sum(map(len, (corpus.train, corpus.dev))) in range(8360, 8381)
