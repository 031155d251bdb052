"""Where finished work is kept between runs, and how two processes share it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """`$ATTNLIB_CACHE`, else `attnlib` in the user's cache folder."""
    if chosen := os.environ.get("ATTNLIB_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "attnlib"


def digest(value: object) -> str:
    """A short name for anything that JSON can hold: the first 20 hex digits of its sha256."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]


def sources_digest(sources: Iterable[Path]) -> str:
    """A digest of what source files say, in their order, for caches that must not outlive their code."""
    return digest([hashlib.sha256(source.read_bytes()).hexdigest() for source in sources])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path`: another process that asks for the same one waits until this one is done."""
    from filelock import FileLock  # comes with torch

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        yield


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name when the block succeeds, and goes when it fails."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
