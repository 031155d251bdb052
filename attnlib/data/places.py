"""Where the files of a data set may lie, and reading what lies there: files, folders and archives.

Nothing is fetched here, and nothing refused for its checksum; `attnlib.data.files` does both.
"""

import hashlib
import io
import os
import tomllib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from attnlib import cache
from attnlib.data import archives
from attnlib.data.catalogue import DataSet, Item
from attnlib.data.errors import DataError
from attnlib.data.rows import decoded, read_rows, require_columns

SIZES: dict[str, dict[str, int]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# Path, place for messages, content as a stream.
Opened = Generator[tuple[str, str, IO[bytes]], None, None]


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
        """The lines without line ends, less blank ones at the end, and a byte-order mark at the begin.

        DataError if not UTF-8.
        """
        file = io.BytesIO(self.data)
        # Not str.splitlines: it also splits at characters that are ordinary text here.
        lines = [line.removesuffix("\n").removesuffix("\r") for line in decoded(file, self.where)]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines

    def rows(self, columns: int | None = None, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
        """The rows of a csv file, as `rows.read_rows` yields them."""
        return read_rows((line + "\n" for line in self.lines()), self.where, columns, delimiter)

    def table(self, columns: Sequence[str], delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
        """The rows below the header of a csv file, of each the fields of these columns; others are not read.

        DataError for a file without one of them, and as of `rows.read_rows`.
        """
        rows = self.rows(delimiter=delimiter)
        _, header = next(rows, (1, []))
        require_columns(header, columns, self.where)
        places = [header.index(column) for column in columns]
        for line, fields in rows:
            yield line, [fields[place] for place in places]


def cache_folder() -> Path:
    """The folder for downloads, `data` in the library's cache."""
    return cache.cache_folder() / "data"


def search_folders(name: str) -> list[Path]:
    """The folders searched for data set `name`, first found first used.

    Raises DataError if $ATTNLIB_DATA is set but is no folder.
    """
    folders = [cache_folder() / name]
    if given := os.environ.get("ATTNLIB_DATA"):
        root = cache.expanded(given, "ATTNLIB_DATA")
        if not root.is_dir():
            raise DataError(f"ATTNLIB_DATA is {given!r}, which is not a folder. Correct or unset it.")
        folders.insert(0, root / name)
    return folders


def held(data_set: DataSet, base: Path, items: Sequence[Item]) -> Iterator[tuple[Path, list[Item]]]:
    """Yield the files, folders and archives below `base` that hold some of the items, and which."""
    stem = data_set.archive.split(".")[0]
    roots = [base, base / data_set.root, base / stem, base / stem / data_set.root]
    left = list(items)
    for item in items:
        endings, there = (("",), Path.is_dir) if item.is_folder else (("", ".gz"), Path.is_file)
        places = (root / f"{item.path}{ending}" for root in roots for ending in endings)
        if place := next(filter(there, places), None):
            left.remove(item)
            yield place, [item]
    for archive in (base / name for name in data_set.archives):
        here = left if archive.is_file() else []
        # Listing an archive takes as long as reading it; one of folders alone holds all of them.
        if here and not all(item.is_folder for item in data_set.files):
            # Who reads it is told of damage.
            with suppress(*archives.DAMAGE):
                paths = [_path(data_set, archive, name) for name in archives.names(archive)]
                here = [item for item in left if any(map(item.holds, paths))]
        left = [item for item in left if item not in here]
        if here:
            yield archive, here


def most_bytes(name: str, path: str) -> int:
    """How many bytes a file of a data set may have, or all files of a folder: what is longer is not read.

    Four times the official size, since copies may be edited; the limit of all files where it is not known.
    """
    official = SIZES.get(name, {}).get(path, archives.FILE_LIMIT)
    return min(4 * official + archives.PIECE, archives.FILE_LIMIT)


def _path(data_set: DataSet, archive: Path, name: str) -> str:
    """The path of a data set that a name inside an archive means; empty for a name outside its root.

    Archives other than the official one may be without that root.
    """
    root = f"{data_set.root}/" if data_set.root else ""
    inside = name.startswith(root) or archive.name in data_set.packed
    return name.removeprefix(root) if inside else ""


def opened(data_set: DataSet, place: Path, items: Sequence[Item]) -> Opened:
    """Yield the files of items that one place holds."""
    if place.is_dir():
        (item,) = items
        for file in sorted(place.rglob("*")):
            path = f"{item.path}/{file.relative_to(place).as_posix()}"
            if item.holds(path) and file.is_file():
                with archives.opened(file) as content:
                    yield path, str(file), content
    elif place.name in data_set.archives:

        def wanted(name: str) -> bool:
            return any(item.holds(_path(data_set, place, name)) for item in items)

        # One that is refused anywhere is refused whole; folders are read to the end anyway.
        if not items[0].is_folder:
            archives.names(place)
        for name, content in archives.files(place, wanted):
            yield _path(data_set, place, name), f"{place}!{name}", content
    else:
        with archives.opened(place) as content:
            yield items[0].path, str(place), content


def read(
    data_set: DataSet, place: Path, items: Sequence[Item], verify: bool = True
) -> Iterator[tuple[Item, dict[str, Content], str]]:
    """Yield those of the items that one place holds, with their files and what is wrong with these, or ""."""
    contents: dict[str, Content] = {}
    room = {item: most_bytes(data_set.name, item.path) for item in items}
    try:
        with closing(opened(data_set, place, items)) as files:
            for path, where, file in files:
                item = next(item for item in items if item.holds(path))
                contents[path] = Content(path, where, archives.whole(file, room[item]))
                room[item] -= len(contents[path].data)
                if len(contents) == len(items) and not any(item.is_folder for item in items):
                    break
    except archives.DAMAGE as error:
        yield from ((item, {}, f"{place} {damage(error)}") for item in items)
        return
    for item in items:
        its = {path: content for path, content in contents.items() if item.holds(path)}
        if its:
            where = str(place) if item.is_folder else its[item.path].where
            data = {path: content.data for path, content in its.items()}
            yield item, its, item.difference(data, where) if verify else ""


def other_archive(data_set: DataSet, archive: Path) -> str:
    """How an archive differs from the official one; empty if it does not, or no checksum is known."""
    if not data_set.archive_hash:
        return ""
    method, _, expected = data_set.archive_hash.partition(":")
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, method).hexdigest()
    return "" if found == expected else f"not the official archive: {method} {found} instead of {expected}"


def damage(error: Exception) -> str:
    """What is wrong with a file that cannot be read, after its name."""
    if isinstance(error, archives.Refused):
        return f"is refused: {error}"
    return f"cannot be read ({error}); it is truncated or not the file its name says"


def advice(data_set: DataSet) -> str:
    """Say how to provide the data set by hand."""
    folder = f"{os.environ.get('ATTNLIB_DATA') or '$ATTNLIB_DATA'}/{data_set.name}"
    if data_set.how:
        return f"{data_set.how} Put the files into {folder}."
    return f"Get {data_set.address} and put it, packed or unpacked, into {folder}."
