import pytest

from attnlib.data import DataError, load


def rows(n, part):
    return [f'"my {part} head hurts since i took it , no {"so " * (i % 4)}",{i % 2},{part}' for i in range(n)]


HEADER = "text,label,exp_split"


@pytest.fixture
def write(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    (tmp_path / "adr").mkdir()
    return lambda lines: (tmp_path / "adr" / "adr_dataset.csv").write_text("\n".join(lines) + "\n")


def test_dev_is_taken_out_of_train_if_the_file_has_none(write):
    write([HEADER, *rows(40, "train"), *rows(10, "test"), "too short,1,train"])
    corpus = load("adr")
    assert sum(len(split) for split in corpus.splits.values()) == 50
    assert len(corpus.test) == 10
    assert len(corpus.dev) in (6, 7)
    assert corpus.test.ids[0] == "adr/test/42"
    assert corpus.test.texts[0] == ("my", "test", "head", "hurts", "since", "i", "took", "it", ",", "no")
    write([HEADER, *rows(40, "train"), *rows(10, "test"), *rows(8, "dev")])
    assert [len(split) for split in load("adr").splits.values()] == [40, 8, 10]


def test_further_columns_are_ignored(write):
    write(["id," + HEADER, *(f"7,{row}" for row in rows(40, "train") + rows(10, "test"))])
    assert len(load("adr").test) == 10


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("some text,2,train", "label is '2', not 0 or 1"),
        ("some text,1,held", "exp_split is 'held'"),
        (" ,1,train", "the text is empty"),
        ("some text,1", "not as many fields"),
        ("some text,1,train,more", "not as many fields"),
        ('"open,1,train', "unexpected end"),
    ],
)
def test_bad_rows_are_named(write, line, problem):
    write([HEADER, '"two\nlines",0,train', line])
    with pytest.raises(DataError, match=rf"adr_dataset\.csv:4: .*{problem}"):
        load("adr")


def test_missing_columns_and_splits_are_named(write):
    write(["text,y,exp_split", "a,1,train"])
    with pytest.raises(DataError, match=r"adr_dataset\.csv:1: no column label"):
        load("adr")
    write([HEADER, "a b,1,train"])
    with pytest.raises(DataError, match="too few training rows"):
        load("adr")


def test_without_the_file_the_message_says_how_to_get_it(nowhere):
    with pytest.raises(DataError, match=r"(?s)adr_dataset\.csv not found.*not public.*stand-in.*'ade'"):
        load("adr")
