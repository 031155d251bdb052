"""Where each data set comes from, and how its files are found, fetched and checked.

A file is looked up under ``$ATTNLIB_DATA/<set>``, then in the user cache, then the official archive is
downloaded into the cache. Files may lie unpacked, gzipped, or inside the archive; archives are read in place,
nothing is ever extracted. Every file is checked by the sha256 of its decompressed content.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

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
class Member:
    """One file of a data set: path inside the official archive and its checksum.

    sha256 is of the file's content, decompressed. Where only the git blob id (SHA-1) of the official file is
    known, that is checked instead.
    """

    path: str
    sha256: str | None = None
    git_blob: str | None = None

    def matches(self, content: bytes) -> bool:
        """Return whether content is the official file's."""
        if self.sha256 is not None:
            return hashlib.sha256(content).hexdigest() == self.sha256
        blob = b"blob %d\0" % len(content) + content
        return hashlib.sha1(blob, usedforsecurity=False).hexdigest() == self.git_blob


@dataclass(frozen=True)
class DataSet:
    """A public data set: official address, terms and files.

    `root` is the folder inside the official archive that all members share; `packed` names further archives
    of the same files that are accepted.
    """

    name: str
    title: str
    base: str
    archive: str
    root: str
    members: tuple[Member, ...]
    licence: str
    citation: str
    packed: tuple[str, ...] = ()
    archive_md5: str | None = None

    @property
    def address(self) -> str:
        """Official address of the archive."""
        return f"{self.base}/{self.archive}"

    def member(self, path: str) -> Member:
        """Return the registered file at `path`; KeyError if there is none."""
        for member in self.members:
            if member.path == path:
                return member
        raise KeyError(f"{self.name} has no registered file {path!r}")


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


SST = DataSet(
    name="sst",
    title="Stanford Sentiment Treebank, phrase-labelled trees",
    base="https://nlp.stanford.edu/sentiment",
    archive="trainDevTestTrees_PTB.zip",
    archive_md5="5c3b23ce88089053fd3efeb4a34f614d",
    root="trees",
    members=(
        Member("train.txt", "e2f3f41b0b1e6d4dddc0effe3bfc2d27ed8928079aa9a03d652311614fc5feb7"),
        Member("dev.txt", "0e9336aed6e4730e19f58d00a77b3f0297efdb755f7b5e598c98a05e3f97ea40"),
        Member("test.txt", "6e54806dee95cf80cd918e7dfb3f6770f6df24bf826f289a4d1f709e1c8f6761"),
    ),
    licence="no explicit licence; research use, cite",
    citation=(
        "Socher et al. 2013, Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank, "
        "EMNLP"
    ),
)

BABI = DataSet(
    name="babi",
    title="bAbI tasks 1-3, version 1.2, English",
    base="http://www.thespermwhale.com/jaseweston/babi",
    archive="tasks_1-20_v1-2.tar.gz",
    packed=("tasks_1-20_v1-2_en.tar.xz", "tasks_1-20_v1-2.tar.xz", "tasks_1-20_v1-2_en.tar.gz"),
    root="tasks_1-20_v1-2",
    members=(
        Member(
            "en/qa1_single-supporting-fact_train.txt",
            "c64ba9b1a49bbb111ffc4cd2ae4f129d25c012399dd7ade9679eea464b9afb05",
        ),
        Member(
            "en/qa1_single-supporting-fact_test.txt",
            "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b",
        ),
        Member(
            "en/qa2_two-supporting-facts_train.txt",
            "a4978af5bc0dc30191810e7c9949aaa6eae939ed0f6beb9fcb5f4330c2a27860",
        ),
        Member(
            "en/qa2_two-supporting-facts_test.txt",
            "eff93fb9cd81ba02eb765772cf7cc269769ed44ec71cbbbc19cfb16ee5eba0f6",
        ),
        Member(
            "en/qa3_three-supporting-facts_train.txt",
            "a6e78019f36a02a7ed71fe6aaded0b563ff09c8deec392931801fcd9c6af4d60",
        ),
        Member(
            "en/qa3_three-supporting-facts_test.txt",
            "17795c977100baf8188f386522ae301b62d6c1a13efc01b3aea781e588b4d57f",
        ),
        Member(
            "en-10k/qa1_single-supporting-fact_train.txt",
            "749ea9f7c99070feb2d88c975a254417a0dcc8274add4435ae5ae24c7afc7e9d",
        ),
        Member(
            "en-10k/qa1_single-supporting-fact_test.txt",
            "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b",
        ),
        Member(
            "en-10k/qa2_two-supporting-facts_train.txt",
            "d4074c0c5d54f70ce2f538056ce2b6ef6a313da336da4245f1a24f1298e37ef3",
        ),
        Member(
            "en-10k/qa2_two-supporting-facts_test.txt",
            "eff93fb9cd81ba02eb765772cf7cc269769ed44ec71cbbbc19cfb16ee5eba0f6",
        ),
        Member(
            "en-10k/qa3_three-supporting-facts_train.txt",
            git_blob="9b2b35ca4357ea8ee44692c71ec71892edf51399",
        ),
        Member(
            "en-10k/qa3_three-supporting-facts_test.txt",
            "17795c977100baf8188f386522ae301b62d6c1a13efc01b3aea781e588b4d57f",
        ),
    ),
    licence="CC BY 3.0",
    citation="Weston et al. 2015, Towards AI-Complete Question Answering: A Set of Prerequisite Toy Tasks",
)

DATA_SETS: dict[str, DataSet] = {data_set.name: data_set for data_set in (SST, BABI)}


def cache_folder() -> Path:
    """Return the folder for downloads: ``$ATTNLIB_CACHE/data``, else ``attnlib/data`` under the XDG cache."""
    if own := os.environ.get("ATTNLIB_CACHE"):
        return Path(own).expanduser() / "data"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "attnlib" / "data"


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
    if len(found) < len(members) and download:
        archive = _download(data_set, verify)
        inside = {path: f"{data_set.root}/{path}" for path in paths if path not in found}
        found.update(_read(data_set, archive, inside))
    for path in paths:
        if path not in found:
            places = " and ".join(str(folder) for folder in search_folders(name))
            raise DataError(f"{name}: {path} not found in {places}. {_advice(data_set)}")
    if verify:
        for path in paths:
            _check(data_set, members[path], found[path])
    return {path: found[path] for path in paths}


def _places(data_set: DataSet, folder: Path, paths: Sequence[str]) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield files under `folder` that hold some of `paths`: (file, {path: name inside the archive or ''})."""
    if not folder.is_dir():
        return
    left = list(paths)
    archive_stem = data_set.archive.split(".")[0]
    roots = (folder, folder / data_set.root, folder / archive_stem, folder / archive_stem / data_set.root)
    for path in paths:
        for candidate in (root / (path + ending) for root in roots for ending in ("", ".gz")):
            if candidate.is_file():
                left.remove(path)
                yield candidate, {path: ""}
                break
    for archive in (data_set.archive, *data_set.packed):
        if left and (folder / archive).is_file():
            inside = {path: f"{data_set.root}/{path}" for path in left}
            names = _archive_names(data_set, folder / archive)
            held = {path: name for path, name in inside.items() if name in names}
            left = [path for path in left if path not in held]
            if held:
                yield folder / archive, held


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


def _advice(data_set: DataSet) -> str:
    """Say how to provide the data set by hand."""
    folder = os.environ.get("ATTNLIB_DATA") or "$ATTNLIB_DATA"
    return f"Get {data_set.address} and put it, packed or unpacked, into {folder}/{data_set.name}."


def _check(data_set: DataSet, member: Member, content: Content) -> None:
    if not member.matches(content.data):
        expected = f"sha256 {member.sha256}" if member.sha256 else f"git blob {member.git_blob}"
        raise DataError(
            f"{data_set.name}: {content.where} is not the official file: expected {expected}, found sha256 "
            f"{content.sha256} ({len(content.data)} bytes). Delete it and get {data_set.address} again, or, "
            f"if you edited it on purpose, load with verify=False."
        )


def _download(data_set: DataSet, verify: bool) -> Path:
    """Fetch the official archive into the cache and return its path; nothing is left behind on failure."""
    try:
        import pooch
        import tqdm  # noqa: F401  (pooch's progress bar)
    except ImportError as error:
        raise DataError(
            f"{data_set.name}: files not found here; to download them: pip install 'attnlib[data]'. "
            f"Or: {_advice(data_set)}"
        ) from error
    mirror = os.environ.get("ATTNLIB_DATA_URL")
    address = f"{mirror.rstrip('/')}/{data_set.archive}" if mirror else data_set.address
    target = cache_folder() / data_set.name / data_set.archive
    # A mirror may have repacked the archive; the members' checksums decide there.
    md5 = f"md5:{data_set.archive_md5}" if data_set.archive_md5 and verify and not mirror else None
    folder = None
    # Its only messages here are "downloading" and advice on hashes that this module gives itself.
    pooch.get_logger().setLevel("WARNING")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Inside the cache, so that the last step is a rename on one file system.
        folder = Path(tempfile.mkdtemp(prefix=".download-", dir=target.parent))
        fetched = pooch.retrieve(
            address,
            known_hash=md5,
            fname=data_set.archive,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=60),
        )
        names = _archive_names(data_set, Path(fetched))
        held = {
            m.path: f"{data_set.root}/{m.path}"
            for m in data_set.members
            if f"{data_set.root}/{m.path}" in names
        }
        contents = _read(data_set, Path(fetched), held)
        if not contents:
            raise DataError(f"the archive holds none of the {len(data_set.members)} files of {data_set.name}")
        if verify:
            for path, content in contents.items():
                _check(data_set, data_set.member(path), content)
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
