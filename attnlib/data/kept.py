"""Corpora kept in the user's cache, since cutting texts into sentences and tokens takes seconds to minutes.

A corpus is read again from its files when one of them, an option, the code of this package, or the version of
a tokeniser has changed.
"""

from __future__ import annotations

import functools
import inspect
import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np

from attnlib import cache
from attnlib.cache.sources import function_digest
from attnlib.data import registry
from attnlib.data.compact import Builder, Ragged, RaggedBuilder, RowIds, Texts, Words
from attnlib.data.corpus import Corpus, Split, Vocabulary

Loader = Callable[..., Corpus]


def keep(name: str) -> Callable[[Loader], Loader]:
    """Return a decorator for a loader that reads the files of data set `name`: it keeps what it returns."""

    def decorate(loader: Loader) -> Loader:
        @functools.wraps(loader)
        def load(*args: Any, **options: Any) -> Corpus:
            bound = inspect.signature(loader).bind(*args, **options)
            bound.apply_defaults()
            source = f"{loader.__module__}.{loader.__name__}"
            key = cache.digest([source, bound.arguments, files(name), versions(loader)])
            path = cache.cache_folder() / "corpora" / f"{name}-{key}.npz"
            with cache.locked(path):
                found = read(path)
                if found is None:
                    found = loader(*args, **options)
                    # Files that were downloaded just now belong to the key, so the next call reads once more.
                    write(found, path)
            return found

        return load

    return decorate


def files(name: str) -> list[tuple[str, int, int]]:
    """Return path, size and time of change (ns) of all files in the folders of data set `name`, sorted."""
    found = []
    for folder in registry.search_folders(name):
        for path in folder.rglob("*"):
            if path.is_file():
                state = path.stat()
                found.append((str(path), state.st_size, state.st_mtime_ns))
    return sorted(found)


@functools.cache
def versions(loader: Loader) -> list[str]:
    """Return a checksum of the sources that a loader works with, and the versions of what cuts the texts."""
    known = [function_digest(loader)]
    for package in ("spacy", "sentencex"):
        try:
            known.append(metadata.version(package))
        except metadata.PackageNotFoundError:
            known.append("missing")
    return known


def _packed(strings: Sequence[str]) -> np.ndarray:
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def _unpacked(packed: np.ndarray) -> tuple[str, ...]:
    return tuple(packed.tobytes().decode().split("\n")) if len(packed) else ()


def _rows(column: Iterable[np.ndarray]) -> Ragged:
    builder = RaggedBuilder()
    for row in column:
        builder.append(row.tolist())
    return builder.finish()


def write(corpus: Corpus, path: Path) -> None:
    """Write a corpus. Columns that share numbers share them in the file.

    Texts are compact in all splits or in none, sentences are compact where there are any; there are no
    candidates and no imposed weights.
    """
    arrays: dict[str, Any] = {}
    shared: dict[int, str] = {}
    meta: dict[str, Any] = {
        "name": corpus.name,
        "task": corpus.task,
        "class_names": corpus.class_names,
        "provenance": corpus.provenance,
        "splits": {},
    }

    def ragged(rows: Ragged, label: str) -> str:
        values = shared.setdefault(id(rows.values), f"values{len(shared)}")
        arrays[values] = rows.values
        arrays[f"{label}.starts"], arrays[f"{label}.counts"] = rows.starts, rows.counts
        return values

    known = Words()

    def numbered(texts: Sequence[Sequence[str]]) -> Ragged:
        if isinstance(texts, Texts):
            assert texts.words is words
            return texts.rows
        builder = Builder(known)
        for text in texts:
            builder.append(text)
        return builder.finish().rows

    plain = not isinstance(corpus.train.texts, Texts)
    words = known.words if plain else cast(Texts, corpus.train.texts).words
    meta["plain"] = plain
    for part, split in corpus.splits.items():
        assert split.candidates is None
        assert split.attention is None
        assert isinstance(split.texts, Texts) != plain
        cut = split.sentences
        assert cut is None or isinstance(cut, Ragged)
        columns = {"texts": numbered(split.texts), "sentences": cut}
        columns["questions"] = None if split.questions is None else numbered(split.questions)
        columns["evidence"] = None if split.evidence is None else _rows(split.evidence)
        meta["splits"][part] = {
            name: None if column is None else ragged(column, f"{part}.{name}")
            for name, column in columns.items()
        }
        meta["splits"][part]["prefix"] = split.ids.prefix if isinstance(split.ids, RowIds) else None
        arrays[f"{part}.labels"] = split.labels
        arrays[f"{part}.ids"] = split.ids.lines if isinstance(split.ids, RowIds) else _packed(split.ids)
    arrays["words"] = _packed(words)
    arrays["vocabulary"] = _packed(corpus.vocabulary.words)
    arrays["meta"] = _packed([json.dumps(meta)])
    with cache.replacing(path) as temporary:
        np.savez(temporary, **arrays)


def read(path: Path) -> Corpus | None:
    """Return the corpus that `write` wrote; None if there is none, or it is damaged."""
    if not path.exists():
        return None
    try:
        # Every checksum: a wrong length in an array's header would end the reading before it is compared.
        with zipfile.ZipFile(path) as whole:
            if whole.testzip() is not None:
                return None
        with np.load(path) as held:
            return _corpus({name: held[name] for name in held.files})
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile):
        return None


def _corpus(arrays: dict[str, np.ndarray]) -> Corpus:
    meta = json.loads(_unpacked(arrays["meta"])[0])
    words = _unpacked(arrays["words"])

    def ragged(part: str, column: str) -> Ragged | None:
        label = f"{part}.{column}"
        values = meta["splits"][part][column]
        if values is None:
            return None
        return Ragged(arrays[values], arrays[f"{label}.starts"], arrays[f"{label}.counts"])

    def texts(part: str, column: str) -> Texts | None:
        rows = ragged(part, column)
        return None if rows is None else Texts(words, rows)

    splits = {}
    for part, about in meta["splits"].items():
        ids, found = arrays[f"{part}.ids"], texts(part, "texts")
        assert found is not None
        questions, evidence = texts(part, "questions"), ragged(part, "evidence")
        splits[part] = Split(
            ids=_unpacked(ids) if about["prefix"] is None else RowIds(about["prefix"], ids),
            texts=tuple(found) if meta["plain"] else found,
            labels=arrays[f"{part}.labels"],
            questions=None if questions is None else tuple(questions),
            evidence=None if evidence is None else tuple(evidence),
            sentences=ragged(part, "sentences"),
        )
    return Corpus(
        name=meta["name"],
        task=meta["task"],
        **splits,
        vocabulary=Vocabulary(_unpacked(arrays["vocabulary"])),
        class_names=tuple(meta["class_names"]),
        provenance=meta["provenance"],
    )
