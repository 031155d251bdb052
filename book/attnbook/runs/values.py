"""Values of parameters, from a command line, a YAML file or Python: read by the type that is annotated.

Only plain values pass: None, bool, int, finite float, str, and lists and dicts of them. YAML has readers that
understand a word differently (in YAML 1.1 `no` is false, 010 is 8, 1:30 is 90; in others they are text, 10 or
text): such a word is refused unless it is quoted, or the annotation decides it.
"""

import argparse
import json
import math
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from attnlib.checks import one_of

PLAIN = (str, int, float, bool, list, tuple, dict, type(None))
TEXT, LIST, DICT = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))
NULL, BOOL, INT, FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))
MERGE, UNCLEAR = "tag:yaml.org,2002:merge", "!unclear"
# What every reader of YAML takes for the same thing.
CLEAR = {
    NULL: re.compile(r"|~|null|Null|NULL"),
    BOOL: re.compile(r"true|True|TRUE|false|False|FALSE"),
    INT: re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    FLOAT: re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
    MERGE: re.compile(r"<<"),
}
# The value of a word that is clear, by what it is.
SCALARS: dict[str, Callable[[str], Any]] = {INT: int, FLOAT: float}
SCALARS |= {NULL: lambda word: None, BOOL: lambda word: word.lower() == "true"}
# What Python reads as a number and YAML 1.1 does not.
PREFIXED = re.compile(r"[-+]?0(x[0-9a-f_]+|o[0-7_]+|b[01_]+)", re.IGNORECASE)
QUOTED = re.compile(r"""'([^']|'')*'|"([^"\\]|\\.)*\"""", re.DOTALL)


def is_instance(value: Any, kind: Any) -> bool:
    """Whether a value fits a simple annotation; a whole number is a float, a boolean is no number.

    None and Any fit all; the annotation `None` is type(None).
    """
    if kind is Any or kind is None:
        return True
    if typing.get_origin(kind) is typing.Literal:
        return any(value == member and type(value) is type(member) for member in typing.get_args(kind))
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return any(is_instance(value, member) for member in typing.get_args(kind))
    kind = typing.get_origin(kind) or kind
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def plain(value: Any) -> Any:
    """The value with NumPy's numbers as Python's; ValueError for what is no plain value."""
    value = value.item() if getattr(value, "shape", None) == () else value
    if type(value) is list:
        return [plain(each) for each in value]
    if type(value) is dict:
        if wrong := [key for key in value if type(key) is not str]:
            raise ValueError(f"has the key {wrong[0]!r}, which is no text")
        return {key: plain(each) for key, each in value.items()}
    if type(value) is float and not math.isfinite(value):
        raise ValueError(f"is {value}: give a finite number")
    if type(value) is str and (wrong := re.findall("[\ud800-\udfff]", value)):
        raise ValueError(f"is {value!r}, which is no text in UTF-8")
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise ValueError(
        f"is of type {type(value).__name__}: give None, true, false, a number, text, a list or dict of them"
    )


def fit(value: Any, kind: Any) -> Any:
    """A plain value of a type; text of another one is read as it (`read`). kind: None fits all.

    ValueError says what is wrong, without the parameter's name.
    """
    value = plain(value)
    if is_instance(value, kind):
        return value
    if isinstance(value, str):
        return read(value, kind)
    raise ValueError(f"is {value!r}: it must be {name_of(kind)}")


def read(text: str, kind: Any) -> Any:
    """The value of a type that a text says, as on a command line; ValueError as of `fit`.

    Text is taken as it is, without the quotes around the whole of it. Numbers are those that print back as
    themselves: 010 or 1_000 are none, 1e-2 and -.5 are floats. Lists and dicts are YAML. Where nothing
    (`Optional`) is allowed, that is null or None. kind: None reads YAML.
    """
    word = text.strip()
    if QUOTED.fullmatch(word):
        return fit(load(word), kind)
    tag = tag_of(word)
    if tag in SCALARS and is_instance(value := SCALARS[tag](word), kind):
        return plain(value)
    if kind is not None:
        if word == "None" and is_instance(None, kind):
            return None
        if is_instance("", kind):
            return plain(text)
        if tag in (UNCLEAR, INT, FLOAT):
            raise ValueError(f"is {text!r}: it must be {name_of(kind)}{advice(word, kind)}")
    with naming(f"is {text!r}"):
        value = plain(load(word))
    if is_instance(value, kind):
        return value
    raise ValueError(f"is {text!r}: it must be {name_of(kind)}")


def advice(word: str, kind: Any) -> str:
    """How to write a number that is written in a way that can be misread; empty for other words."""
    if is_instance(True, kind):
        return ", true or false"
    try:
        number = float(word)
        fitting = [each for each in (int(number), number) if each == number and is_instance(each, kind)]
    except (ValueError, OverflowError):
        return ""
    return f", such as {fitting[0]}" if fitting else ""


def read_all(
    declared: Mapping[str, str | None],
    what: str,
    values: Mapping[str, Any],
    words: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The parameters given by values (`fit`) and by the words of a command line (`read`), which win.

    declared: annotations of all parameters by name, None without one; what: has them, for messages.
    ValueError for an unknown name or an unfit value.
    """
    found = {}
    for given, way in ((values, fit), (words or {}, read)):
        for name, value in given.items():
            try:
                one_of("parameter", name, declared)
                found[name] = way(value, kind_of(declared[name]))
            except ValueError as error:
                unfit = f"parameter {name} " if name in declared else ""
                raise ValueError(f"{what}: {unfit}{error}") from None
    return found


def words_given(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None
) -> tuple[argparse.Namespace, dict[str, str]]:
    """Parse a command line with options `-p NAME VALUE`: the other options, and the values' words by name."""
    said = "a parameter, read by its type; lists are written as [1, 2]"
    names = ("NAME", "VALUE")
    parser.add_argument("-p", dest="given", nargs=2, action="append", default=[], metavar=names, help=said)
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # argparse takes -1e-3 for an option, and nothing that begins with a blank.
    shielded = [
        f" {word}" if i > 1 and arguments[i - 2] == "-p" else word for i, word in enumerate(arguments)
    ]
    options = parser.parse_args(shielded)
    return options, {name: word.removeprefix(" ") for name, word in options.given}


@cache
def kind_of(annotation: Any) -> Any:
    """The type that an annotation names; None for Any and for words beyond typing's and the plain types'."""
    names = vars(typing) | {kind.__name__: kind for kind in PLAIN[:-1]}
    kind: Any = annotation
    try:
        while isinstance(kind, str):
            kind = eval(kind, {"__builtins__": {}}, names)
    except Exception:
        return None
    return None if kind is Any else kind


def name_of(kind: Any) -> str:
    """A type as it is written in an annotation."""
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")


@cache
def tag_of(word: str) -> str:
    """What an unquoted word is in YAML: null, bool, int, float, text, or UNCLEAR where readers differ."""
    import yaml

    for tag, form in CLEAR.items():
        if form.fullmatch(word):
            return tag
    of_yaml = yaml.resolver.Resolver().resolve(yaml.ScalarNode, word, (True, False))
    if of_yaml != TEXT or word == "None" or PREFIXED.fullmatch(word):
        return UNCLEAR
    try:
        float(word)
    except ValueError:
        return TEXT
    return UNCLEAR


@cache
def dialect() -> Any:
    """The loader of YAML in which every word is clear or quoted."""
    import yaml  # comes with the book's tools

    class Loader(yaml.SafeLoader):
        yaml_constructors: typing.ClassVar[dict[Any, Any]] = {}

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            if kind is yaml.ScalarNode and implicit[0]:
                return tag_of(value)
            return {yaml.ScalarNode: TEXT, yaml.SequenceNode: LIST, yaml.MappingNode: DICT}[kind]

    def at(node: Any) -> str:
        return f"line {node.start_mark.line + 1}: "

    def word(loader: Any, node: Any) -> Any:
        if node.tag == UNCLEAR or (node.tag != TEXT and tag_of(node.value) != node.tag):
            raise ValueError(
                f"{at(node)}readers of YAML differ about {node.value}: put text into quotes "
                f"('{node.value}'), and write numbers plainly (10, 0.01), true, false or null"
            )
        return node.value if node.tag == TEXT else SCALARS[node.tag](node.value)

    def mapping(loader: Any, node: Any) -> dict[str, Any]:
        own = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != MERGE]
        if twice := {name for name in own if own.count(name) > 1}:
            raise ValueError(f"{at(node)}{sorted(twice)[0]} is there twice")
        loader.flatten_mapping(node)
        return loader.construct_mapping(node, deep=True)

    def other(loader: Any, node: Any) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        raise ValueError(f"{at(node)}{kind} is no plain value: null, true, false, numbers, text, [lists] are")

    for tag in (*SCALARS, TEXT, UNCLEAR):
        Loader.add_constructor(tag, word)
    Loader.add_constructor(LIST, lambda loader, node: loader.construct_sequence(node, deep=True))
    Loader.add_constructor(DICT, mapping)
    Loader.add_constructor(None, other)
    return Loader


def load(text: str | bytes) -> Any:
    """What YAML (or JSON) says, of plain values; ValueError names the line of what is unclear or no YAML."""
    import yaml

    try:
        return yaml.load(text, Loader=dialect())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ValueError(f"line {mark.line + 1}: no YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"no YAML: {' '.join(str(error).split())}") from None


@contextmanager
def naming(place: object) -> Iterator[None]:
    """A ValueError of the block begins with its place, such as a file."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def load_file(path: str | Path) -> Any:
    """What a YAML or JSON file says (`load`); errors name the file."""
    with naming(path):
        return plain(load(Path(path).read_bytes()))


def dump(value: Any, indent: int | None = None) -> str:
    """A plain value as JSON, which is YAML that `load` and `read` read as itself; indent: in lines."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=indent)
    # Line breaks of all kinds by their number: they would be folded.
    strange = {ord(sign): f"\\U{ord(sign):08x}" for sign in text if not sign.isprintable() and sign != "\n"}
    return text.translate(strange)
