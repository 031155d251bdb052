"""How the files of a data set are found, fetched and checked; `attnlib.data.catalogue` says what there is.

A file is looked up under ``$ATTNLIB_DATA/<set>``, then in the user cache, then the official archive is
downloaded into the cache. Files may lie unpacked, gzipped, or inside the archive; archives are read in place,
nothing is ever extracted (`attnlib.data.archives`). Every file is checked by the sha256 of its decompressed
content, where that of the official file is known, before anything is read out of it. Sets that may not be
shared are never downloaded; they say how to get them.

A download comes from the official address, else from the set's mirrors in their order. ``$ATTNLIB_DATA_URL``,
the address of a folder with files ``<set>/<file>`` (or ``<file>`` alone), comes before them: they are asked
only for what it does not have. What has arrived of a download is kept in ``.downloads`` in the cache if the
rest can be fetched later (`attnlib.data.download`).
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from attnlib import cache
from attnlib.checks import one_of
from attnlib.data import archives, places, rows
from attnlib.data.catalogue import DATA_SETS, DataSet, Item
from attnlib.data.download import SIZE_LIMIT, Failed, NotThere, retrieve
from attnlib.data.errors import DataError, needed
from attnlib.data.places import Content, cache_folder, search_folders


def find(name: str, path: str) -> Path | None:
    """What holds the file or folder `path` of a data set here: a file, a folder, an archive; or None.

    Names only are looked at; content is checked by `locate`.
    """
    data_set = DATA_SETS[name]
    held = (places.held(data_set, base, [data_set.item(path)]) for base in search_folders(name))
    return next((place for found in held for place, _ in found), None)


def at_hand(
    name: str, chosen: str | None, what: str = "train", choices: Mapping[str, Sequence[str]] | None = None
) -> tuple[str, Sequence[str]]:
    """Which choice of files of data set `name` to read: its name, and the files.

    choices: those of the catalogue, unless given. It is the one `chosen`; else the first whose files are all
    on this machine; else the first. ValueError for an unknown choice, of an option called `what`.
    """
    choices = choices or DATA_SETS[name].choices
    if chosen is not None:
        one_of(what, chosen, choices)
    here = (choice for choice, paths in choices.items() if all(find(name, path) for path in paths))
    choice = chosen or next(here, next(iter(choices)))
    return choice, choices[choice]


def locate(name: str, paths: Iterable[str], verify: bool = True) -> dict[str, Content]:
    """The files of data set `name`, by path: those in `paths`, and those in the folders among them.

    Lookup order: ``$ATTNLIB_DATA/<name>``, the user cache, the official archive. `verify` compares each
    content, or a whole folder, with the recorded checksum.

    Raises DataError for a file that is missing, damaged or of the wrong checksum, and for a failed download;
    the message says what, where and how to mend.
    """
    data_set = DATA_SETS[name]
    lacking = {path: data_set.item(path) for path in paths}
    found: dict[str, dict[str, Content]] = {path: {} for path in lacking}

    def look_in(base: Path) -> None:
        for place, items in places.held(data_set, base, list(lacking.values())):
            for item, contents, problem in places.read(data_set, place, items, verify):
                if problem:
                    mend = "Delete it, or, if you changed it on purpose, load with verify=False"
                    raise DataError(f"{name}: {problem}. {mend}. {places.advice(data_set)}")
                found[item.path] = contents
                del lacking[item.path]

    for base in search_folders(name):
        look_in(base)
    if all(item.official for item in lacking.values()) and _fetch(data_set, list(lacking.values()), verify):
        look_in(cache_folder() / name)
    if lacking:
        raise _not_found(data_set, list(lacking.values()))
    return {path: content for contents in found.values() for path, content in contents.items()}


@contextmanager
def stream(name: str, path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Open one large file of data set `name`; gives (place, for messages; the decompressed bytes).

    For files that do not fit in memory. Looked up as in `locate`, never downloaded or verified. Raises
    DataError for a missing file, and for one that turns out to be damaged while it is read.
    """
    data_set = DATA_SETS[name]
    place = find(name, path)
    if place is None:
        raise _not_found(data_set, [data_set.item(path)])
    try:
        with closing(places.opened(data_set, place, [data_set.item(path)])) as files:
            _, where, file = next(files)
            yield where, file
    # Not all of DAMAGE: a ValueError may be the caller's own.
    except archives.BROKEN as error:
        problem = f"{place} {places.damage(error)}. Delete it"
        raise DataError(f"{name}: {problem}. {places.advice(data_set)}") from error


def labelled_rows(
    name: str, path: str, columns: int, labels: Sequence[str], what: str
) -> Iterator[tuple[int, int, list[str]]]:
    """Yield (line on which it starts, class, other fields) of each row of a csv file, opened as by `stream`.

    The first field is one of the labels, whose place among them is the class; `what` it is, for errors. Rows
    may hold line ends and doubled quotes inside quoted fields. Raises DataError, with file and line, for a
    wrong number of fields, another label, or an open quote.
    """
    with stream(name, path) as (where, file):
        for line, (label, *fields) in rows.read_rows(rows.decoded(file, where), where, columns):
            with rows.row_at(f"{where}:{line}"):
                number = rows.one_of(label, labels, what)
            yield line, number, fields


# What `check` says of a file or folder; unknown: its checksum is.
STATES = ("right", "unknown", "missing", "wrong")


class Checked(NamedTuple):
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
        for place, items in places.held(data_set, base, data_set.files):
            summed = [item for item in items if item.has_checksum]
            for item, _, problem in places.read(data_set, place, summed) if summed else ():
                checked.append(Checked(item.path, "wrong" if problem else "right", str(place), problem))
            # A file without checksum of its own is as right as the official archive that it lies in.
            official = place.name == data_set.archive and data_set.archive_hash
            problem = places.other_archive(data_set, place) if official else ""
            state = "wrong" if problem else "right" if official else "unknown"
            others = [item for item in items if item not in summed]
            checked += [Checked(item.path, state, str(place), problem) for item in others]
    found = {row.path for row in checked}
    return checked + [Checked(item.path, "missing") for item in data_set.files if item.path not in found]


def get(name: str) -> list[Checked]:
    """Download what this machine lacks of data set `name`, if it may be had that way; then `check` all of it.

    Raises DataError for a failed download, and if nothing of a set that cannot be downloaded is here.
    """
    data_set = DATA_SETS[name]
    _fetch(data_set, [item for item in data_set.files if find(name, item.path) is None], verify=True)
    checked = check(name)
    if all(row.state == "missing" for row in checked):
        raise _not_found(data_set, data_set.files)
    return checked


def folder_sums(name: str, verify: bool) -> dict[str, str]:
    """Path and checksum of each folder of a data set, for provenance."""
    folders = [item for item in DATA_SETS[name].files if item.is_folder]
    return {folder.path: (folder.sha256 or "not known") if verify else "not verified" for folder in folders}


def sums(contents: Mapping[str, Content]) -> dict[str, str]:
    """Path and checksum of each file, for provenance."""
    return {path: content.sha256 for path, content in contents.items()}


def _not_found(data_set: DataSet, items: Sequence[Item]) -> DataError:
    """What to raise for items that are nowhere."""
    folders = " and ".join(map(str, search_folders(data_set.name)))
    lacking = ", ".join(item.path for item in items)
    other = "It is no part of the official release; the page 'Data' of the book says where it comes from. "
    more = ("" if items[0].official else other) + places.advice(data_set)
    return DataError(f"{data_set.name}: {lacking} not found in {folders}. {more}")


def _fetch(data_set: DataSet, lacking: Sequence[Item], verify: bool) -> bool:
    """Download what lacks of a data set, as far as it may be had that way; whether anything was."""
    if data_set.archive and not data_set.how:
        wanted: list[Item | None] = [None] if any(item.official for item in lacking) else []
    else:
        wanted = [item for item in lacking if item.url]
    for item in wanted:
        _download(data_set, item, verify)
    return bool(wanted)


def _download(data_set: DataSet, item: Item | None, verify: bool) -> None:
    """Fetch one file, or for None the official archive, into the cache.

    Of a failure nothing is left behind, unless it can be continued; the message says which. Nothing is
    fetched where ATTNLIB_OFFLINE is set: a computing node may have no way out.
    """
    name, advice = data_set.name, places.advice(data_set)
    if os.environ.get("ATTNLIB_OFFLINE"):
        remedy = f"Unset it, run attnlib data get {name} elsewhere, or: {advice}"
        raise DataError(f"{name}: not on this machine, and ATTNLIB_OFFLINE is set. {remedy}")
    for module in ("requests", "tqdm"):
        needed(module, f"{name}: not on this machine; downloading")
    file = item.path if item else data_set.archive
    target = cache_folder() / name / file
    # Not beside the target: what lies in a set's own folder is its files and nothing else.
    part = cache_folder() / ".downloads" / name / target.name
    items = [item] if item else [item for item in data_set.files if item.official]
    # A part is continued only where a checksum would tell if the two pieces did not fit.
    summed = all(i.has_checksum for i in items) or (item is None and bool(data_set.archive_hash))
    # Of an archive four times the official size too: a mirror of one's own may have packed it otherwise.
    most = places.most_bytes(name, item.path) if item else 4 * (data_set.size or SIZE_LIMIT)
    given = os.environ.get("ATTNLIB_DATA_URL", "").rstrip("/")
    own = [f"{given}/{name}/{file}", f"{given}/{file}"] if given else []
    # A mirror that is no folder is of the archive.
    mirrors = [m + file if m.endswith("/") else m for m in data_set.mirrors if m.endswith("/") or not item]
    public = [item.url if item and item.url else data_set.address, *mirrors]
    failures: list[tuple[str, Exception]] = []
    try:
        with cache.locked(part):
            # Another process may have had it while this one waited.
            if target.exists():
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            for address in [*own, *public]:
                official = item is None and address in public
                accept = partial(_accept, data_set, items, address, verify, official)
                try:
                    return retrieve(address, target, part, accept, verify and summed, most)
                except (Failed, ValueError) as error:
                    failures.append((address, error))
                    # Who names a mirror is told what is wrong with it, not served from elsewhere unawares.
                    if address in own and not isinstance(error, NotThere):
                        break
            kept = part.stat().st_size if part.exists() else 0
    except OSError as error:
        problem = f"a download cannot be written to {cache_folder()}: {error}"
        remedy = f"Make room there, or set ATTNLIB_CACHE to another folder. Or: {advice}"
        raise DataError(f"{name}: {problem}. {remedy}") from error
    (first, problem), *others = [(address, str(error).rstrip(".")) for address, error in failures]
    left = f"{kept} bytes are kept in {part} and the next try goes on there" if kept else "nothing was kept"
    also = "".join(f" {address} failed too: {error}." for address, error in others)
    remedy = f"Try again, set ATTNLIB_DATA_URL to the address of a mirror, or: {advice}"
    failed = f"download of {first} failed, {left}: {problem}.{also}"
    raise DataError(f"{name}: {failed} {remedy}") from failures[0][1]


def _accept(
    data_set: DataSet, items: Sequence[Item], address: str, verify: bool, official: bool, fetched: Path
) -> None:
    """Raise ValueError unless a download is what it should be; `address` is named in the message.

    official: whether the checksum of the archive decides too; a mirror of one's own may have repacked it.
    """
    problem = places.other_archive(data_set, fetched) if verify and official else ""
    if not problem:
        problems = [problem for _, _, problem in places.read(data_set, fetched, items, verify)]
        nothing = f"what came holds no file of {data_set.name}"
        problem = next(filter(None, problems), "" if problems else nothing)
    if problem:
        raise ValueError(problem.replace(str(fetched), address))
