import pytest

from attnlib.data import DataError
from attnlib.data.files import labelled_rows
from attnlib.data.rows import one_of, read_rows, require_columns, row_at
from tests.data.sets.writing import quoted, write


def test_csv_rows_are_named_by_the_line_on_which_they_start():
    lines = [quoted("1", "two\nlines"), '"2","with ""quotes"""\n']
    split = "".join(lines).splitlines(keepends=True)
    assert list(read_rows(split, "x", 2)) == [(1, ["1", "two\nlines"]), (3, ["2", 'with "quotes"'])]


BAD = [
    ('"","a text"\n', "the class is '', not a, b or c"),
    ('"a"\n', "expected 2 comma-separated fields, found 1"),
    ("a,a text, and more\n", "expected 2 comma-separated fields, found 3"),
    ('"a","a text" more\n', "expected after"),
    ('"a","open\n', "unexpected end of data"),
    ('"a","caf\xe9"\n', "not UTF-8 text, 'utf-8' codec can't decode"),
]


@pytest.mark.parametrize(("line", "problem"), BAD)
def test_bad_rows_are_named(root, line, problem):
    text = quoted("a", "two\nlines") + quoted("b", "c") + line
    write(root / "yelp_full", {"test.csv": text.encode("latin-1")})
    rows = labelled_rows("yelp_full", "test.csv", 2, ("a", "b", "c"), "the class")
    assert next(rows) == (1, 0, ["two\nlines"])
    with pytest.raises(DataError, match=rf"test\.csv:4: .*{problem}"):
        list(rows)


def test_what_cannot_be_read_gets_the_name_of_its_place_once():
    for act, problem in (
        (lambda: int("x"), "invalid literal"),
        (lambda: {}["label"], "no field 'label'"),
        (lambda: one_of("x", ("a", "b"), "the label"), "the label is 'x', not a or b"),
    ):
        with pytest.raises(DataError, match=rf"^f:3: {problem}.*\. Mend it"), row_at("f"), row_at("f:3"):
            act()


def test_missing_columns_are_named():
    require_columns(["more", "a", "b"], ("a", "b"), "file.csv")
    with pytest.raises(DataError, match=r"file\.csv:1: no column b, c in the header"):
        require_columns(["a"], ("a", "c", "b"), "file.csv")
