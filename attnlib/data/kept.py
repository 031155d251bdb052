"""Corpora kept in the user's cache, since cutting texts into sentences and tokens takes seconds to minutes.

A corpus is read again from its files when one of them, an option, the code of this package, the catalogue, or
the version of a tokeniser has changed.
"""

import functools
import inspect
import json
import zipfile
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from attnlib import cache
from attnlib.cache.sources import function_digest
from attnlib.data import files
from attnlib.data.columns import Builder, Ragged, RowIds, Words
from attnlib.data.corpus import PARTS, Corpus, Split, Vocabulary

Loader = Callable[..., Corpus]
CUTTERS = ("scikit-learn", "sentencex", "spacy")
ABOUT = ("name", "task", "class_names", "provenance")


def keep(name: str) -> Callable[[Loader], Loader]:
    """Return a decorator for a loader that reads the files of data set `name`: it keeps what it returns."""

    def decorate(loader: Loader) -> Loader:
        @functools.wraps(loader)
        def load(*args: Any, **options: Any) -> Corpus:
            bound = inspect.signature(loader).bind(*args, **options)
            bound.apply_defaults()
            source = f"{loader.__module__}.{loader.__name__}"
            key = cache.digest([source, bound.arguments, files_here(name), versions(loader)])
            path = cache.cache_folder() / "corpora" / f"{name}-{key}.npz"
            # Files that are downloaded now belong to the key, so the next call reads once more.
            return cache.remember(path, lambda: loader(*args, **options), write, read)

        return load

    return decorate


def files_here(name: str) -> list[tuple[str, int, int]]:
    """Path, size and time of change (ns) of all files in the folders of data set `name`, sorted."""
    paths = [path for folder in files.search_folders(name) for path in folder.rglob("*") if path.is_file()]
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


@functools.cache
def versions(loader: Loader) -> list[str]:
    """A checksum of the sources that a loader works with, and the versions of what cuts and draws."""
    found = [package for name in CUTTERS for package in metadata.distributions(name=name)]
    return [function_digest(loader), *(f"{package.name} {package.version}" for package in found)]


def write(path: Path, corpus: Corpus) -> None:
    """Write a corpus without imposed weights; texts that share numbers share them in the file.

    Texts and questions are compact in all splits, with the same words, or in none.
    """
    known = Words()
    words: Iterable[str] = known
    arrays: dict[str, np.ndarray] = {"vocabulary": _packed(corpus.vocabulary.words)}
    numbered: dict[int, str] = {}
    about: dict[str, Any] = {name: getattr(corpus, name) for name in ABOUT}
    for part, split in corpus.splits.items():
        assert split.attention is None
        assert split.states is None
        for name, column in split.columns.items():
            label = f"{part}.{name}"
            if isinstance(column, np.ndarray):
                arrays[label] = column
            elif isinstance(column, RowIds):
                arrays[label], about[label] = column.lines, column.prefix
            elif name == "ids":
                arrays[label] = _packed(column)
            elif column is not None:
                rows = column if isinstance(column, Ragged) else _ragged(column, known)
                words = column.words if isinstance(column, Ragged) and column.words else words
                values = numbered.setdefault(id(rows.values), label)
                arrays |= {f"{label}.starts": rows.starts, f"{label}.counts": rows.counts}
                arrays[values] = rows.values
                about[label] = [values, isinstance(column, Ragged)]
    arrays |= {"words": _packed(words), "about": _packed([json.dumps(about)])}
    with cache.replacing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def read(path: Path) -> Corpus:
    """The corpus that `write` wrote; ValueError if the file is damaged."""
    try:
        # Every checksum: a wrong length in an array's header would end the reading before it is compared.
        with zipfile.ZipFile(path) as whole:
            if part := whole.testzip():
                raise ValueError(f"{part} has changed")
        with np.load(path) as held:
            return _corpus({name: held[name] for name in held.files})
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _corpus(arrays: dict[str, np.ndarray]) -> Corpus:
    about = json.loads(_unpacked(arrays["about"])[0])
    words = _unpacked(arrays["words"])
    splits = {}
    for part in PARTS:
        ids, prefix = arrays[f"{part}.ids"], about.get(f"{part}.ids")
        columns: dict[str, Any] = {"ids": RowIds(prefix, ids) if prefix else _unpacked(ids)}
        for name in ("texts", "questions", "evidence", "candidates", "sentences"):
            label = f"{part}.{name}"
            if label in about:
                values, compact = about[label]
                starts, counts = arrays[f"{label}.starts"], arrays[f"{label}.counts"]
                spelt = words if name in ("texts", "questions") else None
                rows = Ragged(arrays[values], starts, counts, spelt)
                columns[name] = rows if compact else tuple(rows)
        splits[part] = Split(**columns, labels=arrays[f"{part}.labels"])
    parts = {name: about[name] for name in ABOUT} | splits | {"class_names": tuple(about["class_names"])}
    return Corpus(**parts, vocabulary=Vocabulary(_unpacked(arrays["vocabulary"])))


def _ragged(column: Iterable[Any], known: Words) -> Ragged:
    """A column of tuples of words, or of arrays of numbers, as one array."""
    builder = Builder()
    for row in column:
        builder.append(row.tolist() if isinstance(row, np.ndarray) else map(known.__getitem__, row))
    return builder.finish()


def _packed(strings: Iterable[str]) -> np.ndarray:
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def _unpacked(packed: np.ndarray) -> tuple[str, ...]:
    return tuple(packed.tobytes().decode().split("\n")) if len(packed) else ()
