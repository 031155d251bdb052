"""How the files of a data set are found, fetched and checked; `attnlib.data.catalogue` says what there is.

A file is looked up under ``$ATTNLIB_DATA/<set>``, then in the user cache, then the official archive is
downloaded into the cache. Files may lie unpacked, gzipped, or inside the archive; archives are read in place,
nothing is ever extracted. Every file is checked by the sha256 of its decompressed content, where that of the
official file is known. Sets that may not be shared are never downloaded; they say how to get them.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from attnlib import cache
from attnlib.data.catalogue import (
    DATA_SETS,
    DataSet,
    Folder,
    Member,
)
from attnlib.data.errors import DataError

# What reading a damaged or foreign file raises in the standard library's decompressors and archive readers.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Content:
    """A file's content with the place it was read from (for messages) and its sha256."""

    path: str
    where: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Checksum of the decompressed content."""
        return hashlib.sha256(self.data).hexdigest()

    def lines(self) -> list[str]:
        """Return the lines without line ends, less blank ones at the end. DataError if not UTF-8."""
        try:
            text = self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.data[: error.start].count(b"\n") + 1
            raise DataError(f"{self.where}:{line}: not UTF-8 text. Restore the official file.") from error
        # Not str.splitlines: it also splits at characters that are ordinary text here.
        lines = [line.removesuffix("\r") for line in text.split("\n")]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines


def cache_folder() -> Path:
    """Return the folder for downloads, `data` in the library's cache."""
    return cache.cache_folder() / "data"


def search_folders(name: str) -> list[Path]:
    """Return the folders searched for data set `name`, first found first used.

    Raises DataError if $ATTNLIB_DATA is set but is no folder.
    """
    folders = []
    if given := os.environ.get("ATTNLIB_DATA"):
        root = Path(given).expanduser()
        if not root.is_dir():
            raise DataError(
                f"ATTNLIB_DATA is {given!r}, which is not a folder. Correct or unset the variable."
            )
        folders.append(root / name)
    return [*folders, cache_folder() / name]


def find(name: str, path: str) -> Path | None:
    """Return the file or archive that holds `path` of data set `name` on this machine, or None.

    Names only are looked at; content is checked by `locate`.
    """
    data_set = DATA_SETS[name]
    data_set.member(path)
    for folder in search_folders(name):
        for place, _ in _places(data_set, folder, [path]):
            return place
    return None


def require(name: str, paths: Iterable[str], instead: str) -> None:
    """Raise DataError unless all of these files, which no official release holds, are on this machine."""
    for path in paths:
        if find(name, path) is None:
            places = " and ".join(str(folder) for folder in search_folders(name))
            raise DataError(
                f"{name}: {path} not found in {places}. It is no part of the official release; the page "
                f"'Data' of the book says where it comes from. Put it there, or {instead}."
            )


def locate(name: str, paths: Sequence[str], verify: bool = True, download: bool = True) -> dict[str, Content]:
    """Return the content of files of data set `name`, by path.

    Lookup order: ``$ATTNLIB_DATA/<name>``, the user cache, the official archive (if `download`). `verify`
    compares each content with the recorded sha256.

    Raises DataError for a file that is missing, damaged or of the wrong checksum, and for a failed download;
    the message says what, where and how to mend.
    """
    data_set = DATA_SETS[name]
    members = {path: data_set.member(path) for path in paths}
    found: dict[str, Content] = {}
    for folder in search_folders(name):
        missing = [path for path in paths if path not in found]
        for place, inside in _places(data_set, folder, missing):
            found.update(_read(data_set, place, inside))
    lacking = {path: member for path, member in members.items() if path not in found}
    if lacking and download and data_set.archive and not data_set.how:
        archive = _download(data_set, verify)
        found.update(_read(data_set, archive, {path: data_set.inside(path) for path in lacking}))
    elif download:
        for path, member in lacking.items():
            if member.url:
                found.update(_read(data_set, _download(data_set, verify, member), {path: ""}))
    for path in paths:
        if path not in found:
            raise _not_found(data_set, path)
    if verify:
        for path in paths:
            _check(data_set, members[path], found[path])
    return {path: found[path] for path in paths}


def find_folders(name: str, paths: Sequence[str]) -> Path | None:
    """Return what holds the folders `paths` of data set `name` on this machine: a folder, an archive or None.

    Names only are looked at; content is checked by `walk`.
    """
    data_set = DATA_SETS[name]
    for base in search_folders(name):
        for root in _roots(data_set, base):
            if all((root / path).is_dir() for path in paths):
                return root
        for archive in _archives(data_set, base):
            # Only a set that also has single files comes in archives with and without the folders.
            if not data_set.members or all(
                any(
                    item.startswith(data_set.inside(path) + "/") for item in _archive_names(data_set, archive)
                )
                for path in paths
            ):
                return archive
    return None


def walk(name: str, paths: Sequence[str], verify: bool = True, download: bool = True) -> Iterator[Content]:
    """Yield the files of folders of data set `name`, one at a time, in the order in which they are stored.

    Lookup and `verify` as in `locate`; checksums of whole folders are compared after the last file, so take
    all files before using any. Raises DataError as `locate` does.
    """
    data_set = DATA_SETS[name]
    wanted = [data_set.folder(path) for path in paths]
    place = find_folders(name, paths)
    if place is None:
        if not download or data_set.how:
            raise _not_found(data_set, ", ".join(paths))
        place = _download(data_set, verify)
    yield from _walk(data_set, place, wanted, verify)


@contextmanager
def stream(name: str, path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Open one large file of data set `name`; gives (place, for messages; the decompressed bytes).

    For files that do not fit in memory. Looked up as in `locate`, never downloaded or verified. Raises
    DataError for a missing file, and for one that turns out to be damaged while it is read.
    """
    data_set = DATA_SETS[name]
    data_set.member(path)
    places = (p for folder in search_folders(name) for p in _places(data_set, folder, [path]))
    place, inside = next(places, (None, {}))
    if place is None:
        raise _not_found(data_set, path)
    try:
        with ExitStack() as stack:
            if not inside[path]:
                file: IO[bytes] = stack.enter_context(place.open("rb"))
                if place.suffix == ".gz":
                    file = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=file)))
                yield str(place), file
            else:
                unpacked = stack.enter_context(tarfile.open(place))
                member = next(item for item in unpacked if item.name.removeprefix("./") == inside[path])
                held = unpacked.extractfile(member)
                assert held is not None
                yield f"{place}!{inside[path]}", held
    except (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError) as error:
        raise _damaged(data_set, place, error) from error


def _roots(data_set: DataSet, folder: Path) -> list[Path]:
    """Return the folders that may be the archive's root, unpacked below `folder`."""
    stem = data_set.archive.split(".")[0]
    return [folder, folder / data_set.root, folder / stem, folder / stem / data_set.root]


def _archives(data_set: DataSet, folder: Path) -> list[Path]:
    """Return the archives of the data set that lie in `folder`."""
    names = [name for name in (data_set.archive, *data_set.packed) if name]
    return [folder / name for name in names if (folder / name).is_file()]


def _walk(data_set: DataSet, place: Path, wanted: Sequence[Folder], verify: bool) -> Iterator[Content]:
    """Yield the files of the wanted folders from an unpacked root or an archive, then check the folders."""
    sums: dict[str, dict[str, str]] = {folder.path: {} for folder in wanted}
    try:
        for path, where, data in _files(data_set, place, wanted):
            for folder in wanted:
                if folder.holds(path):
                    sums[folder.path][path] = hashlib.sha256(data.replace(b"\r", b"")).hexdigest()
            yield Content(path, where, data)
    except DAMAGE as error:
        raise _damaged(data_set, place, error) from error
    for folder in wanted:
        held = sums[folder.path]
        if not held:
            raise DataError(
                f"{data_set.name}: {place} holds no file {folder.path}/*{folder.suffix}. {_advice(data_set)}"
            )
        lines = "".join(f"{held[path]} {path}\n" for path in sorted(held))
        found = hashlib.sha256(lines.encode()).hexdigest()
        if verify and folder.sha256 is not None and found != folder.sha256:
            raise DataError(
                f"{data_set.name}: {folder.path} in {place} is not as published: {len(held)} of "
                f"{folder.count} files, checksum {found} instead of {folder.sha256}. Get {data_set.address} "
                f"again, or, if you changed files on purpose, load with verify=False."
            )


def _files(data_set: DataSet, place: Path, wanted: Sequence[Folder]) -> Iterator[tuple[str, str, bytes]]:
    """Yield (path, place for messages, content) of every file of the wanted folders."""
    if place.is_dir():
        for folder in wanted:
            for file in sorted((place / folder.path).rglob(f"*{folder.suffix}")):
                if file.is_file():
                    yield file.relative_to(place).as_posix(), str(file), file.read_bytes()
        return
    root = f"{data_set.root}/" if data_set.root else ""
    with tarfile.open(place) as unpacked:
        for item in unpacked:
            name = item.name.removeprefix("./")
            path = name.removeprefix(root)
            if item.isfile() and name.startswith(root) and any(folder.holds(path) for folder in wanted):
                held = unpacked.extractfile(item)
                if held is not None:
                    yield path, f"{place}!{name}", held.read()


def _places(data_set: DataSet, folder: Path, paths: Sequence[str]) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield files under `folder` that hold some of `paths`: (file, {path: name inside the archive or ''})."""
    if not folder.is_dir():
        return
    left = list(paths)
    roots = _roots(data_set, folder)
    for path in paths:
        for candidate in (root / (path + ending) for root in roots for ending in ("", ".gz")):
            if candidate.is_file():
                left.remove(path)
                yield candidate, {path: ""}
                break
    for archive in _archives(data_set, folder) if left else ():
        inside = {path: data_set.inside(path) for path in left}
        names = _archive_names(data_set, archive)
        held = {path: name for path, name in inside.items() if name in names}
        left = [path for path in left if path not in held]
        if held:
            yield archive, held


def _archive_names(data_set: DataSet, archive: Path) -> frozenset[str]:
    """Return the files in an archive; remembered, since listing a tar means unpacking all of it."""
    state = archive.stat()
    try:
        return _listing(archive, state.st_mtime_ns, state.st_size)
    except DAMAGE as error:
        raise _damaged(data_set, archive, error) from error


@lru_cache(maxsize=16)
def _listing(archive: Path, modified: int, size: int) -> frozenset[str]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            return frozenset(packed.namelist())
    with tarfile.open(archive) as unpacked:
        return frozenset(item.name.removeprefix("./") for item in unpacked if item.isfile())


def _read(data_set: DataSet, place: Path, inside: dict[str, str]) -> dict[str, Content]:
    """Read files from one place; members of an archive in one pass. Members it lacks are left out."""
    try:
        if "" in inside.values():
            (path,) = inside
            data = gzip.decompress(place.read_bytes()) if place.suffix == ".gz" else place.read_bytes()
            return {path: Content(path, str(place), data)}
        wanted = {name: path for path, name in inside.items()}
        contents = {}
        if place.suffix == ".zip":
            with zipfile.ZipFile(place) as packed:
                for name in wanted.keys() & set(packed.namelist()):
                    contents[name] = packed.read(name)
        else:
            with tarfile.open(place) as unpacked:
                for item in unpacked:
                    name = item.name.removeprefix("./")
                    stream = unpacked.extractfile(item) if name in wanted and item.isfile() else None
                    if stream is not None:
                        contents[name] = stream.read()
                    if len(contents) == len(wanted):
                        break
    except DAMAGE as error:
        raise _damaged(data_set, place, error) from error
    return {wanted[name]: Content(wanted[name], f"{place}!{name}", data) for name, data in contents.items()}


def _damaged(data_set: DataSet, place: Path, error: Exception) -> DataError:
    return DataError(
        f"{data_set.name}: {place} cannot be read ({error}); it is truncated or not the file its name says. "
        f"Delete it. {_advice(data_set)}"
    )


def _not_found(data_set: DataSet, path: str) -> DataError:
    places = " and ".join(str(folder) for folder in search_folders(data_set.name))
    return DataError(f"{data_set.name}: {path} not found in {places}. {_advice(data_set)}")


def _advice(data_set: DataSet) -> str:
    """Say how to provide the data set by hand."""
    folder = f"{os.environ.get('ATTNLIB_DATA') or '$ATTNLIB_DATA'}/{data_set.name}"
    if data_set.how:
        return f"{data_set.how} Put the files into {folder}."
    return f"Get {data_set.address} and put it, packed or unpacked, into {folder}."


def _check(data_set: DataSet, member: Member, content: Content) -> None:
    if not member.matches(content.data):
        expected = f"sha256 {member.sha256}" if member.sha256 else f"git blob {member.git_blob}"
        raise DataError(
            f"{data_set.name}: {content.where} is not the official file: expected {expected}, found sha256 "
            f"{content.sha256} ({len(content.data)} bytes). Delete it and get {data_set.address} again, or, "
            f"if you edited it on purpose, load with verify=False."
        )


def _download(data_set: DataSet, verify: bool, member: Member | None = None) -> Path:
    """Fetch the official archive, or one file, into the cache and return its path.

    Nothing is left behind on failure.
    """
    try:
        import pooch
        import tqdm  # noqa: F401  (pooch's progress bar)
    except ImportError as error:
        raise DataError(
            f"{data_set.name}: files not found here; to download them: pip install 'attnlib[data]'. "
            f"Or: {_advice(data_set)}"
        ) from error
    mirror = os.environ.get("ATTNLIB_DATA_URL")
    file = member.path if member else data_set.archive
    official = member.url if member and member.url else data_set.address
    address = f"{mirror.rstrip('/')}/{file}" if mirror else official
    target = cache_folder() / data_set.name / file
    # A mirror may have repacked the archive; the members' checksums decide there.
    known_hash = data_set.archive_hash if verify and not mirror and not member else None
    folder = None
    # Its only messages here are "downloading" and advice on hashes that this module gives itself.
    pooch.get_logger().setLevel("WARNING")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Inside the cache, so that the last step is a rename on one file system.
        folder = Path(tempfile.mkdtemp(prefix=".download-", dir=target.parent))
        fetched = Path(
            pooch.retrieve(
                address,
                known_hash=known_hash,
                fname=target.name,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=60),
            )
        )
        _accept(data_set, fetched, verify, member)
        os.replace(fetched, target)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{data_set.name}: download of {address} failed, nothing was kept: {error}. Try again, set "
            f"ATTNLIB_DATA_URL to the address of a mirror, or: {_advice(data_set)}"
        ) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return target


def _accept(data_set: DataSet, fetched: Path, verify: bool, member: Member | None) -> None:
    """Raise DataError unless a download is what it should be."""
    if member:
        contents = _read(data_set, fetched, {member.path: ""})
    else:
        names = _archive_names(data_set, fetched)
        held = {m.path: data_set.inside(m.path) for m in data_set.members}
        contents = _read(data_set, fetched, {path: name for path, name in held.items() if name in names})
        if data_set.folders:
            for _ in _walk(data_set, fetched, data_set.folders, verify):
                pass
        elif not contents:
            raise DataError(f"the archive holds none of the {len(data_set.members)} files of {data_set.name}")
    if verify:
        for path, content in contents.items():
            _check(data_set, data_set.member(path), content)
