"""Archives and compressed files, read in place: nothing is unpacked onto the disk and no link is followed.

An archive is refused whole if the name of a member, or what a link points to, leads out of it; so is one
that grows beyond the limits below, or far beyond its own size, whatever sizes it announces. A link in place
of a file that is wanted is refused too; other links are left alone.
"""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

# Bytes of one file that is read into memory, decompressed. The largest of the known sets has half a gigabyte.
FILE_LIMIT = 2 << 30
# Bytes to which an archive, or a compressed file that is read as a stream, decompresses in all; and how many
# times its own size, if that is more than LEAST bytes. Of the known sets the most is 15 times.
ARCHIVE_LIMIT = 32 << 30
GROWS, LEAST = 200, 64 << 20
# Members of an archive. The largest known set has some 400,000.
MEMBERS_LIMIT = 2_000_000
# Bytes taken at a time.
PIECE = 1 << 20

_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class Refused(ValueError):
    """An archive or compressed file that is not read because of what it holds; the message says what."""


# What reading a damaged or foreign file raises in the standard library's decompressors and archive readers;
# RuntimeError is zipfile's for encrypted members and unknown compression.
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, Refused)
DAMAGE = (*BROKEN, ValueError, KeyError, RuntimeError, zipfile.BadZipFile)


class _Bounded(io.RawIOBase):
    """What a compressed file holds, read forwards only; Refused beyond the limits.

    The sizes in an archive's headers are its own word. This counts what comes out.
    """

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit = file, limit
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The number of bytes read so far."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read on until `offset`, or the end."""
        while self._at < offset and self.read(min(offset - self._at, PIECE)):
            pass
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes, so many or those that are left; a header can ask for more than there is memory."""
        if not 0 <= size <= FILE_LIMIT:
            raise Refused(f"it asks for {size} bytes at once; the limit is {FILE_LIMIT}")
        data = self._file.read(size)
        self._at += len(data)
        if self._at > self._limit:
            raise Refused(f"it decompresses to more than {self._limit} bytes")
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; the number of bytes, 0 at the end."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Member(NamedTuple):
    """One member of an archive; `link` is what it points to, None where it is no link."""

    name: str
    size: int
    is_file: bool
    link: str | None
    open: Callable[[], IO[bytes]]


def names(archive: Path) -> frozenset[str]:
    """The files and links in an archive; remembered, since listing a tar means decompressing all of it.

    Raises Refused for an archive that is not to be read, and what DAMAGE lists for a damaged one.
    """
    state = archive.stat()
    return _names(archive, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)
def _names(archive: Path, modified: int, size: int) -> frozenset[str]:
    return frozenset(member.name for member in _members(archive) if member.is_file or member.link is not None)


def files(archive: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield (name, content as a stream) of each file of an archive whose name is wanted, in its order.

    A stream is to be read before the next is taken. Raises as `names` does, and Refused for a wanted file
    that is a link.
    """
    for member in _members(archive):
        if not wanted(member.name):
            continue
        if member.link is not None:
            raise Refused(f"{member.name} in it is a link to {member.link!r}, and links are not followed")
        if member.is_file:
            with member.open() as file:
                yield member.name, file


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is in no archive, as a stream; one that ends in .gz is decompressed."""
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
        if path.suffix == ".gz":
            unpacked = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=file)))
            file = stack.enter_context(io.BufferedReader(_Bounded(unpacked, limit_of(path)), PIECE))
        yield file


def limit_of(path: Path) -> int:
    """Bytes to which an archive or compressed file may decompress, by its size."""
    return min(ARCHIVE_LIMIT, max(LEAST, GROWS * path.stat().st_size))


def whole(file: IO[bytes], limit: int) -> bytes:
    """All that a stream holds; Refused if that is more than so many bytes."""
    pieces, size = [], 0
    while piece := file.read(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise Refused(f"it has more than {limit} bytes decompressed")
    return b"".join(pieces)


def _leads_out(name: str) -> bool:
    """Whether a name may lead out of the folder in which it is read, on whichever system."""
    return bool(re.match(r"[/\\]|[A-Za-z]:", name)) or ".." in re.split(r"[/\\]", name)


def _members(archive: Path) -> Iterator[_Member]:
    """Yield the members of an archive, each to be opened before the next is taken.

    Refused at the first that leads out of the archive or makes it too large.
    """
    limit = limit_of(archive)
    with ExitStack() as stack:
        if archive.suffix == ".zip":
            members = _zip_members(stack.enter_context(zipfile.ZipFile(archive)))
        else:
            with archive.open("rb") as file:
                start = file.read(6)
            opener = next((known for magic, known in _OPENERS.items() if start.startswith(magic)), None)
            packed = stack.enter_context(opener(archive) if opener else archive.open("rb"))
            bounded = cast(IO[bytes], _Bounded(packed, limit))
            members = _tar_members(stack.enter_context(tarfile.open(fileobj=bounded, mode="r:")))
        total = 0
        for number, member in enumerate(members, start=1):
            total += member.size
            if number > MEMBERS_LIMIT or total > limit:
                raise Refused(f"it has more than {MEMBERS_LIMIT} members or decompresses to {total} bytes")
            if _leads_out(member.name):
                raise Refused(f"the name of its member {member.name!r} leads out of it")
            if member.link is not None and _leads_out(member.link):
                raise Refused(f"its member {member.name!r} is a link out of it, to {member.link!r}")
            yield member


def _tar_members(unpacked: tarfile.TarFile) -> Iterator[_Member]:
    for item in unpacked:
        link = item.linkname if item.issym() or item.islnk() else None
        open_ = cast(Callable[[], IO[bytes]], partial(unpacked.extractfile, item))
        yield _Member(item.name.removeprefix("./"), item.size, item.isfile(), link, open_)


def _zip_members(packed: zipfile.ZipFile) -> Iterator[_Member]:
    for item in packed.infolist():
        link = None
        if stat.S_ISLNK(item.external_attr >> 16):
            with packed.open(item) as file:
                link = file.read(4096).decode("utf-8", "replace")
        is_file = not item.is_dir() and link is None
        # zipfile never gives more of a member than it announces.
        name, open_ = item.filename.removeprefix("./"), partial(packed.open, item)
        yield _Member(name, item.file_size, is_file, link, open_)
