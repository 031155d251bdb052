"""Where finished work is kept between runs, and how two processes share it."""

import errno
import glob
import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

Made = TypeVar("Made")

# What the system says of a folder that cannot be written.
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def cache_folder() -> Path:
    """`$ATTNLIB_CACHE`, else `attnlib` in the user's cache folder; OSError for a user without a home."""
    if chosen := os.environ.get("ATTNLIB_CACHE"):
        return expanded(chosen, "ATTNLIB_CACHE")
    return expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "ATTNLIB_CACHE") / "attnlib"


def expanded(path: str | os.PathLike[str], variable: str) -> Path:
    """A path with the home folder for ~. OSError where the user has none: `variable` is what to set then."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise OSError(f"{path}: this user has no home folder. Set {variable} to a folder") from None


def check_output(path: str | os.PathLike[str], what: str = "output", name: str | None = None) -> None:
    """ValueError unless what is made later can be written at `path`: asked for before the work begins.

    what: the path is called in messages. name: of a file that could lie there where `path` is a folder;
    None: `path` has to be a folder, or nothing yet.
    """
    path = Path(path)
    if name is None and path.is_file():
        raise ValueError(f"{what} {path} is a file: name a folder")
    if name is not None and path.is_dir():
        raise ValueError(f"{what} {path} is a folder: name a file, such as {path / name}")
    above = path if path.is_dir() else next(filter(Path.exists, path.absolute().parents))
    try:
        # More than the rights say: the file system may be read-only, or full.
        tempfile.TemporaryFile(dir=above).close()
    except OSError as error:
        raise ValueError(f"{what} {path}: nothing can be written in {above} ({error.strerror})") from None


def digest(value: object) -> str:
    """A short name for anything that JSON can hold, and arrays: the first 20 hex digits of its sha256."""
    return hashlib.sha256(written(value).encode()).hexdigest()[:20]


def file_name(name: str) -> str:
    """A name as the begin of a file's: ASCII, without spaces and the like, not too long.

    >>> file_name("it's mine (2)")
    'it_s_mine__2_'
    """
    return re.sub(r"[^\w.+=-]", "_", name, flags=re.ASCII)[:80]


def written(value: object) -> str:
    """JSON of a value; NumPy's numbers and arrays are those of Python."""
    return json.dumps(value, sort_keys=True, default=lambda array: array.tolist())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path`: another process that asks for the same one waits until this one is done.

    The lock goes with its process. What a killed one had half written beside `path` is taken away. In a
    folder that cannot be written a finished entry needs no lock; without one, OSError says what to do.
    """
    from filelock import FileLock  # comes with torch

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever may write in the folder may lock, whatever the umask of the first to do so.
        lock = FileLock(f"{path}.lock", mode=0o600 | (0o666 & path.parent.stat().st_mode))
        lock.acquire()
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        if not path.exists():
            raise OSError(
                error.errno, f"{path.parent} cannot be written: set ATTNLIB_CACHE to a folder that can"
            ) from error
        yield
        return
    try:
        take_away_rest(path)
        yield
    finally:
        lock.release()


def remember(
    path: Path,
    make: Callable[[], Made],
    save: Callable[[Path, Made], None],
    load: Callable[[Path], Made],
    optional: bool = False,
) -> Made:
    """What `make` gives: from the file at `path` where there is one, else made now and kept there.

    path: below `cache_folder()`, with a digest of everything that decides the result in its name. save:
    writes the file whole or not at all (`replacing`). load: reads it, ValueError where it is damaged; then
    it is made again, and a line says so. Two processes that ask for the same one make it once. optional: in
    a folder that cannot be written the result is made and not kept; else OSError says what to do before
    anything is made.
    """
    made: list[Made] = []
    try:
        with locked(path):
            if path.exists():
                try:
                    return load(path)
                except ValueError as error:
                    log.warning("%s; it is made again", error)
            made.append(make())
            save(path, made[0])
    except OSError as error:
        if not optional or error.errno not in READ_ONLY:
            raise
    return made[0] if made else make()


def take_away_rest(path: Path) -> None:
    """Remove what a killed process had half written of `path` (`replacing`); nobody may be writing it."""
    # Of this length: `.x-1-01234567.csv` is of x-1.csv, not of x.csv.
    for left in path.parent.glob(f".{glob.escape(path.stem)}-????????{glob.escape(path.suffix)}"):
        with suppress(PermissionError):  # of another user, in a shared folder
            left.unlink(missing_ok=True)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name when the block succeeds, and goes when it fails.

    Who may read it is up to the umask, as of any new file. OSError names `path`, where the system does not.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.urandom(4).hex()}{path.suffix}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        os.replace(temporary, path)
    except Exception as error:
        # A write that fails, as on a full disk, names no file; safetensors has an error of its own for it.
        said = re.search(r"\(os error (\d+)\)", str(error))
        number = int(said[1]) if said else isinstance(error, OSError) and error.errno
        if not number or getattr(error, "filename", None):
            raise
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def file_checksum(path: Path) -> str:
    """The sha256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
