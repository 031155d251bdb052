"""How the files of a data set are found, fetched and checked; `attnlib.data.catalogue` says what there is.

A file is looked up under ``$ATTNLIB_DATA/<set>``, then in the user cache, then the official archive is
downloaded into the cache. Files may lie unpacked, gzipped, or inside the archive; archives are read in place,
nothing is ever extracted (`attnlib.data.archives`). Every file is checked by the sha256 of its decompressed
content, where that of the official file is known. Sets that may not be shared are never downloaded; they say
how to get them.

A download comes from the official address, else from the set's mirrors in their order. ``$ATTNLIB_DATA_URL``,
the address of a folder with files ``<set>/<file>`` (or ``<file>`` alone), comes before them: they are asked
only for what it does not have. What has arrived of a download is kept in ``.downloads`` in the cache if the
rest can be fetched later (`attnlib.data.download`).
"""

from __future__ import annotations

import hashlib
import lzma
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from attnlib import cache
from attnlib.data import archives
from attnlib.data.archives import DAMAGE
from attnlib.data.catalogue import DATA_SETS, DataSet, Folder, Member
from attnlib.data.download import Failed, NotThere, retrieve
from attnlib.data.errors import DataError


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
    if data_set.downloaded_whole:
        if download and any(member.official for member in lacking.values()):
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
    places = (_folders_place(DATA_SETS[name], base, paths) for base in search_folders(name))
    return next((place for place in places if place is not None), None)


def _folders_place(data_set: DataSet, base: Path, paths: Sequence[str]) -> Path | None:
    """Return what holds all of the folders `paths` below one folder."""
    for root in _roots(data_set, base):
        if all((root / path).is_dir() for path in paths):
            return root
    for archive in _archives(data_set, base):
        # Only a set that also has single files comes in archives with and without the folders.
        if not data_set.members or all(
            any(item.startswith(data_set.inside(path) + "/") for item in _archive_names(data_set, archive))
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
    sums = _Sums(wanted)
    try:
        yield from _walk(data_set, place, sums)
    except DAMAGE as error:
        raise _damaged(data_set, place, error) from error
    for folder in wanted:
        if problem := sums.problem(folder, str(place), verify):
            raise DataError(
                f"{data_set.name}: {problem}. Get {data_set.address} again, or, if you changed files on "
                "purpose, load with verify=False."
            )


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
    held = inside[path]
    try:
        with archives.opened(place, held) if held else archives.opened_file(place) as file:
            yield f"{place}!{held}" if held else str(place), file
    # Not all of DAMAGE: a ValueError may be the caller's own.
    except (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, archives.Refused) as error:
        raise _damaged(data_set, place, error) from error


# What `check` says of a file or folder; unknown: its checksum is.
STATES = ("right", "unknown", "missing", "wrong")


@dataclass(frozen=True)
class Checked:
    """What `check` found of a file or folder, one of STATES.

    `where` is the file, folder or archive; `problem` says what is wrong.
    """

    path: str
    state: str
    where: str = ""
    problem: str = ""


def check(name: str) -> list[Checked]:
    """Compare all that this machine has of data set `name` with the recorded checksums, every copy of it.

    What has no checksum is not read. Raises DataError only as `search_folders` does.
    """
    data_set = DATA_SETS[name]
    checked: list[Checked] = []
    for base in search_folders(name):
        try:
            for place, inside in _places(data_set, base, [member.path for member in data_set.members]):
                checked += _check_place(data_set, place, inside)
            places = {folder: _folders_place(data_set, base, [folder.path]) for folder in data_set.folders}
        except DataError as error:
            # An archive that cannot be listed: what it should have held is not known.
            checked.append(Checked("archive", "wrong", str(base), str(error)))
            continue
        for place in dict.fromkeys(place for place in places.values() if place is not None):
            checked += _check_folders(data_set, place, [f for f, found in places.items() if found == place])
    found = {row.path for row in checked}
    paths = [member.path for member in data_set.members] + [folder.path for folder in data_set.folders]
    return checked + [Checked(path, "missing") for path in paths if path not in found]


def _check_place(data_set: DataSet, place: Path, inside: Mapping[str, str]) -> list[Checked]:
    members = {path: data_set.member(path) for path in inside}
    summed = {path: held for path, held in inside.items() if members[path].has_checksum}
    try:
        contents = _read(data_set, place, summed) if summed else {}
    except DataError as error:
        return [Checked(path, "wrong", str(place), str(error)) for path in inside]
    rows = []
    # A file without checksum of its own is as right as the official archive that it lies in.
    by_archive = "unknown"
    if any(inside.values()) and place.name == data_set.archive and data_set.archive_hash:
        method, _, expected = data_set.archive_hash.partition(":")
        with place.open("rb") as file:
            by_archive = "right" if hashlib.file_digest(file, method).hexdigest() == expected else "wrong"
    for path, member in members.items():
        if path in contents:
            problem = _difference(member, contents[path].where, contents[path].data) or ""
            rows.append(Checked(path, "wrong" if problem else "right", contents[path].where, problem))
        else:
            problem = f"{place} is not the official archive: its checksum is not {data_set.archive_hash}"
            rows.append(Checked(path, by_archive, str(place), problem if by_archive == "wrong" else ""))
    return rows


def _check_folders(data_set: DataSet, place: Path, folders: Sequence[Folder]) -> list[Checked]:
    summed = [folder for folder in folders if folder.sha256 is not None]
    rows = [Checked(folder.path, "unknown", str(place)) for folder in folders if folder not in summed]
    if summed:
        sums = _Sums(summed)
        damage = None
        try:
            for _ in _walk(data_set, place, sums):
                pass
        except DAMAGE as error:
            damage = str(_damaged(data_set, place, error))
        for folder in summed:
            problem = damage or sums.problem(folder, str(place)) or ""
            rows.append(Checked(folder.path, "wrong" if problem else "right", str(place), problem))
    return rows


def get(name: str) -> list[Checked]:
    """Download what this machine lacks of data set `name`, if it may be had that way; then `check` all of it.

    Raises DataError for a failed download, and if nothing of a set that cannot be downloaded is here.
    """
    data_set = DATA_SETS[name]
    lacking = [member for member in data_set.members if find(name, member.path) is None]
    if data_set.downloaded_whole:
        folders = [folder for folder in data_set.folders if find_folders(name, [folder.path]) is None]
        if folders or any(member.official for member in lacking):
            _download(data_set, verify=True)
    else:
        for member in lacking:
            if member.url:
                _download(data_set, True, member)
    checked = check(name)
    if all(row.state == "missing" for row in checked):
        raise _not_found(data_set, "every file")
    return checked


def _roots(data_set: DataSet, folder: Path) -> list[Path]:
    """Return the folders that may be the archive's root, unpacked below `folder`."""
    stem = data_set.archive.split(".")[0]
    return [folder, folder / data_set.root, folder / stem, folder / stem / data_set.root]


def _archives(data_set: DataSet, folder: Path) -> list[Path]:
    """Return the archives of the data set that lie in `folder`."""
    names = [name for name in (data_set.archive, *data_set.packed) if name]
    return [folder / name for name in names if (folder / name).is_file()]


class _Sums:
    """Checksums of the files of folders, gathered while they are read."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._sums: dict[str, dict[str, str]] = {folder.path: {} for folder in folders}
        self.folders = folders

    def add(self, content: Content) -> None:
        for folder in self.folders:
            if folder.holds(content.path):
                data = content.data.replace(b"\r", b"")
                self._sums[folder.path][content.path] = hashlib.sha256(data).hexdigest()

    def problem(self, folder: Folder, where: str, verify: bool = True) -> str | None:
        """Say how what was read of a folder, at `where`, differs from what was published; None if not."""
        held = self._sums[folder.path]
        if not held:
            return f"{where} holds no file {folder.path}/*{folder.suffix}"
        lines = "".join(f"{held[path]} {path}\n" for path in sorted(held))
        found = hashlib.sha256(lines.encode()).hexdigest()
        if not verify or folder.sha256 is None or found == folder.sha256:
            return None
        return (
            f"{folder.path} in {where} is not as published: {len(held)} of {folder.count} files, checksum "
            f"{found} instead of {folder.sha256}"
        )


def _walk(data_set: DataSet, place: Path, sums: _Sums) -> Iterator[Content]:
    """Yield the files of the folders of `sums`, which it gathers, from an unpacked root or an archive."""
    for content in _files(data_set, place, sums.folders):
        sums.add(content)
        yield content


def _files(data_set: DataSet, place: Path, wanted: Sequence[Folder]) -> Iterator[Content]:
    if place.is_dir():
        for folder in wanted:
            for file in sorted((place / folder.path).rglob(f"*{folder.suffix}")):
                if file.is_file():
                    yield Content(file.relative_to(place).as_posix(), str(file), file.read_bytes())
        return
    root = f"{data_set.root}/" if data_set.root else ""

    def is_wanted(name: str) -> bool:
        path = name.removeprefix(root)
        return name.startswith(root) and any(folder.holds(path) for folder in wanted)

    for name, data in archives.files(place, is_wanted):
        yield Content(name.removeprefix(root), f"{place}!{name}", data)


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
    """Return the files in an archive; DataError if it cannot be read."""
    try:
        return archives.names(archive)
    except DAMAGE as error:
        raise _damaged(data_set, archive, error) from error


def _read(data_set: DataSet, place: Path, inside: Mapping[str, str]) -> dict[str, Content]:
    """Read files from one place; members of an archive in one pass. Members it lacks are left out."""
    try:
        if "" in inside.values():
            (path,) = inside
            return {path: Content(path, str(place), archives.content(place))}
        wanted = {name: path for path, name in inside.items()}
        contents = archives.read(place, wanted)
    except DAMAGE as error:
        raise _damaged(data_set, place, error) from error
    return {wanted[name]: Content(wanted[name], f"{place}!{name}", data) for name, data in contents.items()}


def _damaged(data_set: DataSet, place: Path, error: Exception) -> DataError:
    return DataError(f"{data_set.name}: {place} {_damage(error)}. Delete it. {_advice(data_set)}")


def _damage(error: Exception) -> str:
    if isinstance(error, archives.Refused):
        return f"is refused: {error}"
    return f"cannot be read ({error}); it is truncated or not the file its name says"


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
    if problem := _difference(member, content.where, content.data):
        raise DataError(
            f"{data_set.name}: {problem}. Delete it and get {data_set.address} again, or, if you edited it "
            "on purpose, load with verify=False."
        )


def _difference(member: Member, where: str, data: bytes) -> str | None:
    """Say how content differs from the official file's; None if it does not, or no checksum is known."""
    if member.matches(data):
        return None
    expected = f"sha256 {member.sha256}" if member.sha256 else f"git blob {member.git_blob}"
    found = hashlib.sha256(data).hexdigest()
    return f"{where} is not the official file: expected {expected}, found sha256 {found} ({len(data)} bytes)"


def _addresses(data_set: DataSet, member: Member | None) -> tuple[list[str], list[str]]:
    """Return the addresses of the archive, or of one file: in $ATTNLIB_DATA_URL, and the public ones."""
    file = member.path if member else data_set.archive
    official = member.url if member and member.url else data_set.address
    mirrors = [
        mirror + file if mirror.endswith("/") else mirror
        for mirror in data_set.mirrors
        if mirror.endswith("/") or not member
    ]
    given = os.environ.get("ATTNLIB_DATA_URL", "").rstrip("/")
    own = [f"{given}/{data_set.name}/{file}", f"{given}/{file}"] if given else []
    return own, [official, *mirrors]


def _download(data_set: DataSet, verify: bool, member: Member | None = None) -> Path:
    """Fetch the official archive, or one file, into the cache and return its path.

    Of a failure nothing is left behind, unless it can be continued; the message says which. Nothing is
    fetched where ATTNLIB_OFFLINE is set: a computing node may have no way out.
    """
    if os.environ.get("ATTNLIB_OFFLINE"):
        raise DataError(
            f"{data_set.name}: not on this machine, and ATTNLIB_OFFLINE is set. Unset it, run python -m "
            f"attnlib.data get {data_set.name} elsewhere, or: {_advice(data_set)}"
        )
    try:
        import pooch  # noqa: F401
        import tqdm  # noqa: F401
    except ImportError as error:
        raise DataError(
            f"{data_set.name}: files not found here; to download them: pip install 'attnlib[data]'. "
            f"Or: {_advice(data_set)}"
        ) from error
    target = cache_folder() / data_set.name / (member.path if member else data_set.archive)
    # Not beside the target: what lies in a set's own folder is its files and nothing else.
    part = cache_folder() / ".downloads" / data_set.name / f"{target.name}.part"
    own, public = _addresses(data_set, member)
    # A part is continued only where a checksum would tell if the two pieces did not fit.
    resume = verify and _is_checked(data_set, member)
    failures: list[tuple[str, Exception]] = []
    try:
        with cache.locked(part):
            # Another process may have had it while this one waited.
            if target.exists():
                return target
            target.parent.mkdir(parents=True, exist_ok=True)
            for address in [*own, *public]:
                # A mirror of one's own may have repacked the archive; the members' checksums decide there.
                known_hash = None if address in own or not verify or member else data_set.archive_hash
                accept = partial(_accept, data_set, address=address, verify=verify, member=member)
                try:
                    retrieve(address, target, part, known_hash, accept, resume)
                    return target
                except (Failed, ValueError) as error:
                    failures.append((address, error))
                    # Who names a mirror is told what is wrong with it, not served from elsewhere unawares.
                    if address in own and not isinstance(error, NotThere):
                        break
            kept = part.stat().st_size if part.exists() else 0
    except OSError as error:
        raise DataError(
            f"{data_set.name}: a download cannot be written to {cache_folder()}: {error}. Make room there, "
            f"or set ATTNLIB_CACHE to another folder. Or: {_advice(data_set)}"
        ) from error
    (first, problem), *others = [(address, str(error).rstrip(".")) for address, error in failures]
    left = f"{kept} bytes are kept in {part} and the next try goes on there" if kept else "nothing was kept"
    also = "".join(f" {address} failed too: {error}." for address, error in others)
    raise DataError(
        f"{data_set.name}: download of {first} failed, {left}: {problem}.{also} Try again, set "
        f"ATTNLIB_DATA_URL to the address of a mirror, or: {_advice(data_set)}"
    ) from failures[0][1]


def _is_checked(data_set: DataSet, member: Member | None) -> bool:
    """Return whether every byte of a download that matters is covered by a checksum."""
    if member:
        return member.has_checksum
    official = [member for member in data_set.members if member.official]
    return data_set.archive_hash is not None or (
        all(member.has_checksum for member in official)
        and all(folder.sha256 is not None for folder in data_set.folders)
    )


def _accept(data_set: DataSet, fetched: Path, address: str, verify: bool, member: Member | None) -> None:
    """Raise ValueError unless a download is what it should be; `address` is named in the message."""
    try:
        if member:
            contents = {member.path: (address, archives.content(fetched))}
        else:
            # The listing reads all of it, so that what is unsafe or damaged anywhere is never kept.
            archives.names(fetched)
            inside = {data_set.inside(m.path): m.path for m in data_set.members}
            contents = {
                inside[name]: (f"{address}!{name}", data)
                for name, data in archives.read(fetched, inside).items()
            }
        sums = _Sums(data_set.folders)
        if data_set.folders:
            for _ in _walk(data_set, fetched, sums):
                pass
    except DAMAGE as error:
        raise ValueError(f"what came {_damage(error)}") from error
    if not contents and not data_set.folders:
        raise ValueError(f"the archive holds none of the {len(data_set.members)} files of {data_set.name}")
    problems = [sums.problem(folder, address, verify) for folder in data_set.folders]
    if verify:
        problems += [_difference(data_set.member(path), *held) for path, held in contents.items()]
    if found := [problem for problem in problems if problem]:
        raise ValueError(found[0])
