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
NONE = {"None": None, "null": None, "~": None}
AS_IT_IS = ["no", "010", "1e-2", "2026-11-29", "null", "true", "[UNK] good: a # b", "!!binary aGk="]
AS_IT_IS += [" a ", "", "'a' and 'b'"]


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (int, {"3": 3, "-3": -3, "+5": 5, " 7 ": 7, "'3'": 3}),
        (float, {"1e-2": 0.01, "5E-3": 0.005, "-.5": -0.5, ".5": 0.5, "1.": 1.0, "2": 2, "-1e+3": -1000.0}),
        (bool, {"true": True, "False": False}),
        (MAYBE_INT, NONE | {"4": 4}),
        (str, dict(zip(AS_IT_IS, AS_IT_IS, strict=True)) | {"'no'": "no", '"a\\tb"': "a\tb"}),
        (MAYBE_TEXT, {"None": None, "'None'": "None", "on": "on"}),
        (list, {"[a, b]": ["a", "b"], "[1, 1e-2, 'no', null, [2]]": [1, 0.01, "no", None, [2]]}),
        (dict, {"{a: 1}": {"a": 1}}),
        (list[int], {"[1]": [1]}),
        (Optional[list], {"null": None}),  # noqa: UP045
        (Literal["a", "b"], {"b": "b"}),
        (int | str, {"5": 5, "auto": "auto"}),
        (None, {"[1]": [1], "a b": "a b"}),
    ],
    ids=str,
)
def test_a_text_is_read_by_the_annotated_type(kind, texts):
    # The types too: True is no 1.
    assert repr({text: values.read(text, kind) for text in texts}) == repr(texts)


@pytest.mark.parametrize(
    ("kind", "texts", "message"),
    [
        (int, ["010", "1_0"], "it must be int, such as 10$"),
        (int, ["08", "00"], "it must be int, such as [08]$"),
        (int, ["1_000", "1e3", "1000.0"], "such as 1000$"),
        (int, ["-010"], "is '-010': it must be int, such as -10$"),
        (int, ["2.5", "1:30", "0x1F", "0o17", "many", "true", "[1]", "None", ""], "it must be int$"),
        (int, ["٣"], "it must be int, such as 3"),
        (MAYBE_INT, ["010"], r"it must be Optional\[int\], such as 10"),
        (MAYBE_INT, ["no"], r"it must be Optional\[int\]"),
        (float, ["010", "1_0"], "it must be float, such as 10"),
        (float, ["nan", ".inf"], "it must be float"),
        (float, ["1e999"], "is inf: give a finite number"),
        (bool, ["yes", "on", "1"], "it must be bool, true or false"),
        (list, ["a"], "it must be list"),
        (list, ["[1,2"], "line 1: no YAML"),
        (list, ["[010]"], r"line 1: readers of YAML differ about 010: put text into quotes \('010'\)"),
        (dict, ["{a: 1:30}"], "differ about 1:30"),
        (Literal["a", "b"], ["c"], "it must be Literal"),
        (None, ["010", "yes", "nan", "2026-11-29"], "readers of YAML differ about"),
        (None, ["!!binary aGk=", "!!python/object/apply:os.getcwd []"], "is no plain value"),
        (str, ["\udcff"], "no text in UTF-8"),
    ],
)
def test_what_could_be_another_value_is_refused_with_the_remedy(kind, texts, message):
    for text in texts:
        with pytest.raises(ValueError, match=message):
            values.read(text, kind)


Colour = Enum("Colour", "RED")
NOT_PLAIN = [b"code", bytearray(b"code"), (1, 2), {1, 2}, frozenset(), datetime.date(2026, 11, 29)]
NOT_PLAIN += [np.datetime64("2026-11-29"), 1j, float("nan"), float("-inf"), Path("folder"), range(3)]
NOT_PLAIN += [np.ones(2), Colour.RED, object(), {1: "a"}, {"a": {None: 1}}, [1, [b"code"]], {"a": [(1,)]}]


@pytest.mark.parametrize("value", [*NOT_PLAIN, {"a": {"b": float("inf")}}], ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("kind", [None, str, list], ids=str)
def test_only_plain_values_pass_however_deep(value, kind):
    with pytest.raises(ValueError, match=r"is of type|finite number|which is no text"):
        values.fit(value, kind)


def test_numbers_of_numpy_become_pythons():
    found = values.plain([np.float64(0.5), np.int64(3), np.bool_(True), np.str_("a"), {"b": np.float32(2)}])
    assert repr(found) == "[0.5, 3, True, 'a', {'b': 2.0}]"


def test_text_in_a_file_fits_another_type_if_it_says_so_and_no_other_value_is_turned_into_it():
    fitting = [("1e-2", float, 0.01), ("7", int, 7), ("None", MAYBE_INT, None), ("[1]", list, [1])]
    for value, kind, expected in [*fitting, ("no", str, "no")]:
        assert values.fit(value, kind) == expected
    others = [("010", int), ("yes", bool), (1.0, int), (3, str), (True, int), (1, bool), ([], dict)]
    for value, kind in others:
        with pytest.raises(ValueError, match=f"it must be {kind.__name__}"):
            values.fit(value, kind)


# What YAML 1.1 makes of a word that YAML 1.2 and people read otherwise.
SURPRISES = ["yes", "No", "ON", "off", "010", "-017", "08", "0x1F", "0b1", "0o7", "00", "1_000", "1_0.5"]
SURPRISES += ["1__0", "1:30", "190:20:30.15", "2026-11-29", "2001-12-14t21:59:43.10-05:00", ".inf", "-.Inf"]
SURPRISES += [".NaN", "nan", "inf", "Infinity", "None", "="]


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
    latin = (b"word: \xe9\n", "no YAML: unacceptable character #x00e9")
    for content, message in (latin, (b"1: a\n", "has the key 1"), (b"a: no\n", "line 1: readers")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"file.yaml: {message}"):
            values.load_file(path)


AWKWARD = [*SURPRISES, "\x85", "a\u2028b", "a\n\n b ", "'", '"a" b', "- x", "# y"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(AWKWARD)
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


def test_an_annotation_names_a_type_of_typing_or_none():
    kinds = {"int": int, "Optional[int]": MAYBE_INT, "'list | None'": list | None, "list[float]": list[float]}
    kinds |= {"Literal['a']": Literal["a"]}
    kinds |= dict.fromkeys(["Any", "np.ndarray", "__import__('os')", None])
    assert {annotation: values.kind_of(annotation) for annotation in kinds} == kinds


def test_all_parameters_are_read_and_what_is_wrong_is_named_with_its_place():
    declared = {"seed": "int", "epsilon": "float", "dataset": "str", "other": None}
    words = {"seed": "2", "dataset": "no", "other": "[a]"}
    found = values.read_all(declared, "page.py", {"seed": 1, "epsilon": "1e-2"}, words)
    assert found == {"seed": 2, "epsilon": 0.01, "dataset": "no", "other": ["a"]}
    for given_values, words, message in (
        ({"sead": 1}, {}, "page.py: unknown parameter 'sead': known are seed, .*Did you mean 'seed'"),
        ({}, {"sead": "1"}, "Did you mean 'seed'"),
        ({"seed": b"1"}, {}, "page.py: parameter seed is of type bytes"),
        ({}, {"seed": "010"}, "page.py: parameter seed is '010': it must be int, such as 10"),
    ):
        with pytest.raises(ValueError, match=message):
            values.read_all(declared, "page.py", given_values, words)
