"""The data sets there are: where each comes from, its files and checksums, its licence and citation.

`catalogue.toml` beside this file lists them.

>>> DATA_SETS["sst"].address
'https://nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip'
>>> SET_OF["sst5"]
'sst'
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attnlib.checks import is_own


@dataclass(frozen=True)
class Item:
    """One file of a data set, or a folder of many small ones that are read together.

    path: inside the official archive. sha256: of the file's content, decompressed; where only the git blob id
    (SHA-1) of the official file is known, that is checked instead; where neither is known, nothing is. url:
    where a file is to be had that is in no archive. official: False for a file of no official release.

    suffix: None for a file; the files of a folder are all that end in it, `count` of them. The sha256 of a
    folder is of the lines ``<sha256 of the content> <path>``, in order of path; carriage returns are left out
    of the contents, since copies differ in them.
    """

    path: str
    sha256: str | None = None
    git_blob: str | None = None
    url: str | None = None
    official: bool = True
    suffix: str | None = None
    count: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether these are the files of a folder."""
        return self.suffix is not None

    @property
    def has_checksum(self) -> bool:
        """Whether `difference` can tell."""
        return self.sha256 is not None or self.git_blob is not None

    def holds(self, path: str) -> bool:
        """Whether a path of the data set is this file, or one of these."""
        if self.suffix is None:
            return path == self.path
        return path.startswith(f"{self.path}/") and path.endswith(self.suffix)

    def difference(self, files: Mapping[str, bytes], where: str) -> str:
        """How its files (path: content), read at `where`, differ from the official; "" if not known to."""
        if self.is_folder:
            sums = {path: _sha256(data.replace(b"\r", b"")) for path, data in files.items()}
            data = "".join(f"{sums[path]} {path}\n" for path in sorted(sums)).encode()
            problem = f"{self.path} in {where} is not as published: {len(files)} of {self.count} files"
        else:
            data = files[self.path]
            problem = f"{where} is not the official file: {len(data)} bytes"
        kind, expected, found = "sha256", self.sha256, _sha256(data)
        if self.git_blob:
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
            kind, expected, found = "git blob", self.git_blob, blob.hexdigest()
        return "" if expected in (None, found) else f"{problem}, {kind} {found} instead of {expected}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class DataSet:
    """A data set: official address, terms and files.

    `corpora`: names of `load` that read its files, beside its own. `root` is the folder inside the official
    archive that all files share; `packed` names further archives of these files, or some, that are accepted;
    archive_hash and size (bytes) are the official archive's, such as ``md5:5c3b…``; None where not known. An
    empty `archive` means single files. `how`: what to do by hand to get a set that cannot be downloaded.

    `choices`: of files, any one of which is enough, by name, the best first.

    `mirrors`: further addresses of the archive, tried in order after the official one. One that ends in ``/``
    is a folder: the name of the archive, or of a single file, is added.
    """

    name: str
    title: str
    base: str
    licence: str
    citation: str
    archive: str = ""
    root: str = ""
    corpora: Sequence[str] = ()
    files: tuple[Item, ...] = ()
    packed: Sequence[str] = ()
    mirrors: Sequence[str] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    archive_hash: str | None = None
    size: int | None = None
    how: str = ""

    @property
    def archives(self) -> tuple[str, ...]:
        """Names of archives that may hold the files."""
        return tuple(name for name in (self.archive, *self.packed) if name)

    @property
    def address(self) -> str:
        """Official address of the archive, or of the page about the data set."""
        return f"{self.base}/{self.archive}" if self.archive else self.base

    def item(self, path: str) -> Item:
        """The registered file or folder at `path`; KeyError if there is none."""
        return {item.path: item for item in self.files}[path]


_ENTRIES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
DATA_SETS: dict[str, DataSet] = {
    name: DataSet(name, **entry | {"files": tuple(Item(**item) for item in entry["files"])})
    for name, entry in _ENTRIES.items()
}

# Names of `load` that read the files of a set of another name.
SET_OF: dict[str, str] = {corpus: name for name, held in DATA_SETS.items() for corpus in held.corpora}


def own_files(name: str) -> bool:
    """Whether a data set, or a corpus of that name, may be made of files that no checksum holds fast.

    They are the user's own, and may change. False for what is generated.

    >>> own_files("adr"), own_files("mine.csv"), own_files("sst"), own_files("planted")
    (True, True, False, False)
    """
    if is_own(name):
        return True
    data_set = DATA_SETS.get(SET_OF.get(name, name))
    return data_set is not None and not all(item.has_checksum for item in data_set.files)
