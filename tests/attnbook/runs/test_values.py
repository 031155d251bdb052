"""Values of parameters: read by the annotated type, never by what a reader of YAML makes of a word."""

import datetime
import json
from enum import Enum
from pathlib import Path
from typing import Literal, Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnbook.runs import values

MAYBE_INT, MAYBE_TEXT = Optional[int], Optional[str]  # noqa: UP045


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("3", int, 3),
        ("-3", int, -3),
        ("+5", int, 5),
        (" 7 ", int, 7),
        ("'3'", int, 3),
        ("1e-2", float, 0.01),
        ("5E-3", float, 0.005),
        ("-.5", float, -0.5),
        (".5", float, 0.5),
        ("1.", float, 1.0),
        ("2", float, 2),
        ("-1e+3", float, -1000.0),
        ("true", bool, True),
        ("False", bool, False),
        ("None", MAYBE_INT, None),
        ("null", MAYBE_INT, None),
        ("~", MAYBE_INT, None),
        ("4", MAYBE_INT, 4),
        ("no", str, "no"),
        ("010", str, "010"),
        ("1e-2", str, "1e-2"),
        ("2026-11-29", str, "2026-11-29"),
        ("null", str, "null"),
        ("true", str, "true"),
        ("[UNK] good: a # b", str, "[UNK] good: a # b"),
        ("!!binary aGk=", str, "!!binary aGk="),
        (" a ", str, " a "),
        ("", str, ""),
        ("'no'", str, "no"),
        ('"a\\tb"', str, "a\tb"),
        ("'a' and 'b'", str, "'a' and 'b'"),
        ("None", MAYBE_TEXT, None),
        ("'None'", MAYBE_TEXT, "None"),
        ("on", MAYBE_TEXT, "on"),
        ("[a, b]", list, ["a", "b"]),
        ("[1, 1e-2, 'no', null, [2]]", list, [1, 0.01, "no", None, [2]]),
        ("{a: 1}", dict, {"a": 1}),
        ("[1]", list[int], [1]),
        ("null", Optional[list], None),  # noqa: UP045
        ("b", Literal["a", "b"], "b"),
        ("5", int | str, 5),
        ("auto", int | str, "auto"),
        ("[1]", None, [1]),
        ("a b", None, "a b"),
    ],
)
def test_a_text_is_read_by_the_annotated_type(text, kind, expected):
    found = values.read(text, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("010", int, "is '010': it must be int, such as 10"),
        ("08", int, "is '08': it must be int, such as 8"),
        ("-010", int, "such as -10"),
        ("00", int, "such as 0"),
        ("1_000", int, "such as 1000"),
        ("1e3", int, "such as 1000"),
        ("3.0", int, "such as 3"),
        ("2.5", int, "is '2.5': it must be int$"),
        ("1:30", int, "it must be int$"),
        ("0x1F", int, "it must be int$"),
        ("0o17", int, "it must be int$"),
        ("٣", int, "it must be int"),
        ("many", int, "is 'many': it must be int"),
        ("true", int, "it must be int"),
        ("[1]", int, "it must be int"),
        ("", int, "it must be int"),
        ("None", int, "it must be int"),
        ("010", MAYBE_INT, r"it must be Optional\[int\], such as 10"),
        ("no", MAYBE_INT, r"it must be Optional\[int\]"),
        ("010", float, "such as 10"),
        ("1_0.5", float, "such as 10.5"),
        ("nan", float, "it must be float"),
        (".inf", float, "it must be float"),
        ("1e999", float, "is inf: give a finite number"),
        ("yes", bool, "it must be bool, true or false"),
        ("on", bool, "true or false"),
        ("1", bool, "true or false"),
        ("a", list, "it must be list"),
        ("[1,2", list, "line 1: no YAML"),
        ("[010]", list, r"line 1: readers of YAML differ about 010: put text into quotes \('010'\)"),
        ("[a, no]", list, "differ about no"),
        ("[!!binary aGk=]", list, "line 1: binary is no plain value"),
        ("{a: 1:30}", dict, "differ about 1:30"),
        ("c", Literal["a", "b"], "it must be Literal"),
        ("010", None, "differ about 010"),
        ("yes", None, "differ about yes"),
        ("nan", None, "differ about nan"),
        ("!!binary aGk=", None, "binary is no plain value"),
        ("!!python/object/apply:os.getcwd []", None, "python/object/apply:os.getcwd is no plain value"),
        ("\udcff", str, "no text in UTF-8"),
    ],
)
def test_what_could_be_another_value_is_refused_with_the_remedy(text, kind, message):
    with pytest.raises(ValueError, match=message):
        values.read(text, kind)


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        b"code",
        bytearray(b"code"),
        (1, 2),
        {1, 2},
        frozenset(),
        datetime.date(2026, 11, 29),
        np.datetime64("2026-11-29"),
        1j,
        float("nan"),
        float("-inf"),
        Path("folder"),
        range(3),
        np.ones(2),
        Colour.RED,
        object(),
        {1: "a"},
        {"a": {None: 1}},
        [1, [b"code"]],
        {"a": [(1,)]},
        {"a": {"b": {"c": float("inf")}}},
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("kind", [None, str, list], ids=str)
def test_only_plain_values_pass_however_deep(value, kind):
    with pytest.raises(ValueError, match=r"is of type|finite number|which is no text"):
        values.fit(value, kind)


def test_numbers_of_numpy_become_pythons():
    found = values.plain([np.float64(0.5), np.int64(3), np.bool_(True), np.str_("a"), {"b": np.float32(2)}])
    assert found == [0.5, 3, True, "a", {"b": 2.0}]
    assert [type(value) for value in found] == [float, int, bool, str, dict]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [("1e-2", float, 0.01), ("7", int, 7), ("None", MAYBE_INT, None), ("[1]", list, [1]), ("no", str, "no")],
)
def test_text_in_a_file_fits_another_type_if_it_says_so(value, kind, expected):
    assert values.fit(value, kind) == expected


@pytest.mark.parametrize(
    ("value", "kind"), [("010", int), ("yes", bool), (1.0, int), (3, str), (True, int), (1, bool), ([], dict)]
)
def test_a_value_of_another_type_is_not_turned_into_it(value, kind):
    with pytest.raises(ValueError, match=f"it must be {kind.__name__}"):
        values.fit(value, kind)


# What YAML 1.1 makes of a word that YAML 1.2 and people read otherwise.
# fmt: off
SURPRISES = [
    "yes", "No", "ON", "off", "010", "-017", "08", "0x1F", "0b1", "0o7", "00", "1_000", "1_0.5", "1__0",
    "1:30", "190:20:30.15", "2026-11-29", "2001-12-14t21:59:43.10-05:00", ".inf", "-.Inf", ".NaN", "nan",
    "inf", "Infinity", "None", "=",
]
# fmt: on


@pytest.mark.parametrize("word", SURPRISES)
@pytest.mark.parametrize("where", ["x: {}", "x: [1, {}]", "x: {{y: {}}}", "a: 1\n{}: 2"])
def test_a_word_on_which_readers_of_yaml_differ_is_refused_and_quoted_is_text(word, where):
    line = where.count("\n") + 1
    with pytest.raises(ValueError, match=f"line {line}: readers of YAML differ about"):
        values.load(where.format(word))
    quoted = values.load(where.format(f"'{word}'"))
    assert repr(word) in repr(quoted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1e-2\nb: 5E-3\nc: -.5", {"a": 0.01, "b": 0.005, "c": -0.5}),
        ("a: null\nb:\nc: ~\nd: true\ne: FALSE", {"a": None, "b": None, "c": None, "d": True, "e": False}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("a: !!str 010", {"a": "010"}),
        ("a: 0beef\nb: 0b12ac\nc: 0o9", {"a": "0beef", "b": "0b12ac", "c": "0o9"}),
        ("a: 20news20\nb: base || adversary", {"a": "20news20", "b": "base || adversary"}),
        (json.dumps({"a": [1, 2.5, "no", None, "\u2028é"]}), {"a": [1, 2.5, "no", None, "\u2028é"]}),
        ("", None),
    ],
)
def test_yaml_and_json_are_read(text, expected):
    assert values.load(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 1: a is there twice"),
        ("b: [1, {a: 1, a: 1}]", "line 1: a is there twice"),
        ("a: !!set {b}", "line 1: set is no plain value"),
        ("a: !!timestamp 2026-11-29", "timestamp is no plain value"),
        ("a:\n  - !!omap [b: 1]", "line 2: omap is no plain value"),
        ("a: !mine b", "!mine is no plain value"),
        ("a: !!int 010", "differ about 010"),
        ("a: !!float 1:30", "differ about 1:30"),
        ("a: &x [*x]", "no YAML: found unconstructable recursive node"),
        ("a: [", "line 1: no YAML"),
        ("a: b: c", "line 1: no YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 1", "no YAML: but found another document"),
        ("? [a]\n: b", "no YAML"),
        ("[" * 500, "no YAML"),
        ("a: \x00", "no YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_named_with_its_line(text, message):
    with pytest.raises(ValueError, match=message):
        values.load(text)


def test_a_file_is_read_in_any_encoding_of_unicode_and_named_where_it_is_none(tmp_path):
    path = tmp_path / "file.yaml"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_bytes("word: é\n".encode(encoding))
        assert values.load_file(path) == {"word": "é"}
    for content, message in (
        (b"word: \xe9\n", "no YAML: unacceptable character #x00e9"),
        (b"1: a\n", "has the key 1"),
        (b"a: no\n", "line 1: readers"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"file.yaml: {message}"):
            values.load_file(path)


TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [*SURPRISES, "\x85", "a\u2028b", "a\n\n b ", "'", '"a" b', "- x", "# y"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
PLAIN = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8)
KINDS = {type(None): MAYBE_INT, bool: bool, int: int, float: float, list: list, dict: dict}


@settings(max_examples=25, deadline=None)
@given(PLAIN)
def test_what_is_written_is_read_as_itself(value):
    line = values.dump(value)
    for found in (values.load(line), values.load(values.dump(value, indent=1)), values.read(line, None)):
        assert found == value
        assert repr(found) == repr(value)
    for kind in (str, MAYBE_TEXT) if isinstance(value, str) else (KINDS[type(value)],):
        assert repr(values.read(line, kind)) == repr(value)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("int", int),
        ("Optional[int]", MAYBE_INT),
        ("'list | None'", list | None),
        ("Literal['a']", Literal["a"]),
        ("list[float]", list[float]),
        ("Any", None),
        ("np.ndarray", None),
        ("__import__('os')", None),
        (None, None),
    ],
)
def test_an_annotation_names_a_type_of_typing_or_none(annotation, kind):
    assert values.kind_of(annotation) == kind


def test_all_parameters_are_read_and_what_is_wrong_is_named_with_its_place():
    declared = {"seed": "int", "epsilon": "float", "dataset": "str", "other": None}
    found = values.read_all(
        declared, "page.py", {"seed": 1, "epsilon": "1e-2"}, {"seed": "2", "dataset": "no", "other": "[a]"}
    )
    assert found == {"seed": 2, "epsilon": 0.01, "dataset": "no", "other": ["a"]}
    for given_values, words, message in (
        ({"sead": 1}, {}, "page.py: unknown parameter 'sead': known are seed, .*Did you mean 'seed'"),
        ({}, {"sead": "1"}, "Did you mean 'seed'"),
        ({"seed": b"1"}, {}, "page.py: parameter seed is of type bytes"),
        ({}, {"seed": "010"}, "page.py: parameter seed is '010': it must be int, such as 10"),
    ):
        with pytest.raises(ValueError, match=message):
            values.read_all(declared, "page.py", given_values, words)
