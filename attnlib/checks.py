"""Checks of what is handed in, wherever it enters: labels, lists of tokens, single numbers, arrays."""

import difflib
import re
import reprlib
import sys
from collections.abc import Iterable, Mapping, Set
from importlib import import_module
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

OF_LABELS = (
    "Labels are column numbers 0…C−1: subtract 1 where they begin at 1, and map names, as in "
    "[numbers[name] for name in labels]"
)

# What a file of one's own data ends in; and a function that loads them.
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def own_path(given: object) -> Path | None:
    """The file of one's own that is given in place of a data set's name, if it is one; by its ending."""
    return Path(given).expanduser() if isinstance(given, str) and given.lower().endswith(ENDINGS) else None


def is_own(given: object) -> bool:
    """Whether a data set is given by a file, or as package.module:function, not by name (`data.own`).

    >>> is_own("films/mine.csv"), is_own("films.data:load"), is_own("sst")
    (True, True, False)
    """
    return own_path(given) is not None or (isinstance(given, str) and bool(_FUNCTION.fullmatch(given)))


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 160


def shown(value: Any) -> str:
    """A value as a message shows it: short, whatever was handed in; a data set is not printed."""
    return _SHORT.repr(value)


def is_tensor(value: Any) -> bool:
    """Whether it is a torch tensor; torch is not imported to find out, since data are read without it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def plain(values: Any) -> np.ndarray:
    """Any library's array as NumPy's: a tensor leaves graph and device, a sparse matrix gets its zeros."""
    if is_tensor(values):
        values = values.detach().cpu()
        return (values.double() if values.is_floating_point() else values).numpy()
    if hasattr(values, "toarray"):  # of scipy.sparse
        return np.asarray(values.toarray())
    if isinstance(values, list | tuple) and any(is_tensor(value) for value in values):
        values = [plain(value) for value in values]
    return np.asarray(values)


def first_row(bad: Any) -> int | None:
    """The first row that is bad, of an array or tensor of booleans [N]; None if none is.

    >>> first_row(np.array([False, True, True]))
    1
    """
    return int(bad.nonzero()[0][0]) if bad.any() else None


def numbers(values: Any, where: str) -> np.ndarray:
    """A copy of the same as float64; ValueError, which begins with `where`, for what is no number."""
    try:
        return plain(values).astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{where} {shown(values)}, where numbers are needed") from None


def whole_labels(
    labels: Any, what: str = "text", n: int | None = None, classes: int | None = None, name: str = "labels"
) -> np.ndarray:
    """A copy of labels as int64 [N]: a list, array, tensor or column of integers, one per `what`.

    ValueError, naming the row, for names, floats and booleans; unless there are `n` of them; and for a label
    outside the `classes` columns, where that number is known.
    """
    try:
        found = plain(labels)
    except ValueError:  # rows of unequal length
        found = np.empty((0, 0))
    needed = f"{name} must be integers, one per {what};"
    if found.ndim != 1:
        raise ValueError(f"{needed} got {found.dtype} of shape {found.shape}")
    if not np.issubdtype(found.dtype, np.integer):
        # A list of names and numbers is an array of names.
        for row, item in enumerate(labels if isinstance(labels, list | tuple) else found):
            if not isinstance(item, int | np.integer) or isinstance(item, bool):
                shown = repr(item.item() if isinstance(item, np.generic) else item)
                raise ValueError(f"{needed} row {row} is {shown}. {OF_LABELS}")
    if n is not None and len(found) != n:
        raise ValueError(f"{name}: {len(found)} for {n} {what}s")
    if classes is not None and (bad := first_row((found < 0) | (found >= classes))) is not None:
        outside = f"outside the {classes} classes 0-{classes - 1}"
        raise ValueError(f"{name}: row {bad} is {found[bad]}, {outside}. {OF_LABELS}")
    return found.astype(np.int64)


def check_at_least(name: str, value: Any, least: int) -> None:
    """ValueError unless a count is a whole number ≥ `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}: must be a whole number ≥ {least}, got {shown(value)}")


def check_number(name: str, value: Any, least: float, most: float, above: bool = False) -> float:
    """The value as a float; ValueError unless it is a number from `least` (or `above` it) to `most`."""
    # written so that NaN is refused
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not (real and least <= value <= most and not (above and value == least)):
        limits = f"> {least:g}, at most {most:g}" if above else f"in [{least:g}, {most:g}]"
        raise ValueError(f"{name}: must be a {'finite ' if above else ''}number {limits}, got {shown(value)}")
    return float(value)


def refuse_string(given: Any, where: str, needed: str = "list of tokens", remedy: str = "split it") -> None:
    """ValueError for a string where several are meant: its characters would pass for them."""
    if isinstance(given, str | bytes | bytearray):
        raise ValueError(f"{where} is a string, not a {needed}: {remedy}")


def tokens_of(text: Any, where: str, kinds: tuple[type, ...] = (str,)) -> list[Any]:
    """A text as a list of its tokens; ValueError, which begins with `where`, for anything else.

    kinds: what a token may be.
    """
    refuse_string(text, where)
    if not isinstance(text, Iterable) or isinstance(text, Mapping | Set):
        raise ValueError(f"{where} is {shown(text)} ({type(text).__name__}), not a list of tokens")
    tokens = list(text)
    for kind in set(map(type, tokens)):
        if not issubclass(kind, kinds):
            place = next(i for i, token in enumerate(tokens) if type(token) is kind)
            raise ValueError(
                f"{where} has {shown(tokens[place])} ({kind.__name__}) as token {place}: tokens are "
                "strings; drop it, or write it as one"
            )
    return tokens


def token_lists(texts: Any, name: str = "texts", kinds: tuple[type, ...] = (str,)) -> list[list[Any]]:
    """Texts as lists of tokens. ValueError names the row that is a string, holds anything but tokens, ….

    kinds: what a token may be.
    """
    refuse_string(texts, name, "list of texts", "make a list of texts, and of each a list of its tokens")
    return [tokens_of(text, f"{name}: row {row}", kinds) for row, text in enumerate(texts)]


def nearest(value: Any, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one is most like, in whatever case; None where none is near.

    >>> nearest("BiLTSM", ["bilstm", "average"])
    'bilstm'
    """
    small = {name.lower(): name for name in known}
    close = difflib.get_close_matches(shown(value).strip("'").lower(), small, n=1)
    return small[close[0]] if close else None


def one_of(parameter: str, value: str, known: Iterable[str]) -> None:
    """ValueError that lists the known values, unless `value` is one of them."""
    known = list(known)
    if value not in known:
        near = nearest(value, known)
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(f"unknown {parameter} {shown(value)}: known are {', '.join(known)}.{hint}")


def needed(module: str, why: str, extra: str, error: type[Exception] = ImportError) -> Any:
    """A module that comes with an extra of this package, imported; without it the error says how to get it.

    >>> needed("no_such_module", "this example needs", "some")
    Traceback (most recent call last):
    ImportError: this example needs no_such_module: pip install 'attnlib[some]'
    """
    try:
        return import_module(module)
    except ImportError as cause:
        raise error(f"{why} {module.split('.')[0]}: pip install 'attnlib[{extra}]'") from cause


def some_of(parameter: str, values: str | Iterable[str], known: Iterable[str]) -> list[str]:
    """One of the known values or several, each once; ValueError for an unknown one.

    >>> some_of("method", ["rollout", "relevance", "rollout"], ["relevance", "rollout"])
    ['rollout', 'relevance']
    """
    wanted = list(dict.fromkeys([values] if isinstance(values, str) else values))
    for value in wanted:
        one_of(parameter, value, known)
    return wanted
