"""What archives and compressed files may hold to do harm, downloaded or put there by hand."""

import tarfile

import pytest

from attnlib.data import DataError, archives, files
from tests.data.faulty import ARCHIVE, OFFICIAL, PATH, TEXT, change, fails, left, load, tarred, zipped
from tests.data.sets.writing import write

# Archives. Zip and tar alike: what is in them beside, or in place of, the file that is wanted.
INSIDE = f"trees/{PATH}"
EVIL = {
    "a name with ..": ({INSIDE: TEXT, "trees/../../evil": b"x"}, "'trees/../../evil' leads out of it"),
    "an absolute name": ({INSIDE: TEXT, "/tmp/evil": b"x"}, "'/tmp/evil' leads out of it"),
    "a name of Windows": ({INSIDE: TEXT, "C:\\evil": b"x"}, "leads out of it"),
    "a link out of it": ({INSIDE: TEXT, "trees/evil": ("../../evil",)}, "a link out of it, to '../../evil'"),
    "an absolute link": ({INSIDE: TEXT, "trees/evil": ("/etc/passwd",)}, "a link out of it, to '/etc/p"),
    "a link in its place": ({INSIDE: ("other",), "trees/other": TEXT}, "is a link to 'other'"),
}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar with hard links"])
@pytest.mark.parametrize("evil", EVIL)
def test_an_archive_that_leads_out_of_itself_is_refused(served, server, nowhere, monkeypatch, kind, evil):
    members, words = EVIL[evil]
    name = ARCHIVE if kind == "zip" else "trees.tar.gz"
    change(monkeypatch, served, archive=name, mirrors=())
    link = tarfile.SYMTYPE if kind == "tar" else tarfile.LNKTYPE
    packed = zipped(members) if kind == "zip" else tarred(members, link)
    server.pages[f"/official/{name}"] = packed
    fails(nowhere, words)
    # The same archive from elsewhere, put there by hand.
    place = nowhere / "sst" / name
    place.write_bytes(packed)
    with pytest.raises(DataError, match=r"is refused: .*Delete it|nothing was kept: http\S* is refused"):
        load()
    assert not list(nowhere.parent.rglob("evil"))


def test_a_link_that_nobody_asks_for_is_left_alone(served, server, nowhere):
    server.pages[OFFICIAL] = zipped({INSIDE: TEXT, "trees/same.txt": (PATH,)})
    assert load() == TEXT
    assert left(nowhere) == [ARCHIVE]


@pytest.mark.parametrize("limit", ["FILE_LIMIT", "ARCHIVE_LIMIT", "MEMBERS_LIMIT"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz", "tar.bz2", "tar"])
def test_a_decompression_bomb_is_refused(served, server, nowhere, monkeypatch, kind, limit):
    members = {INSIDE: TEXT} | {f"trees/{n}": b"" for n in range(4)}
    name = f"trees.{kind}"
    change(monkeypatch, served, archive=name, mirrors=())
    modes = {"tar.gz": "w:gz", "tar.xz": "w:xz", "tar.bz2": "w:bz2", "tar": "w:"}
    packed = zipped(members) if kind == "zip" else tarred(members, mode=modes[kind])
    server.pages[f"/official/{name}"] = packed
    monkeypatch.setattr(archives, limit, 4 if limit == "MEMBERS_LIMIT" else 10_000)
    fails(nowhere, " is refused: ")
    monkeypatch.undo()


def test_a_tar_that_announces_too_much_is_refused_before_it_is_read(monkeypatch, tmp_path):
    # A header that asks for more than the limit at once: a long name of a gigabyte, say.
    monkeypatch.setattr(archives, "FILE_LIMIT", 10_000)
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, mode="w:gz", format=tarfile.GNU_FORMAT) as packed:
        packed.addfile(tarfile.TarInfo("x" * 20_000))
    with pytest.raises(archives.Refused, match=r"asks for \d+ bytes at once"):
        archives.names(path)


def test_a_gzipped_bomb_is_refused_whole_and_as_a_stream(served, nowhere, monkeypatch):
    write(nowhere / "sst", {PATH: bytes(3 << 20)}, "gzip")
    monkeypatch.setattr(archives, "FILE_LIMIT", 2 << 20)
    with pytest.raises(DataError, match=r"train\.txt\.gz is refused: it has more than 2097152 bytes"):
        load()
    monkeypatch.setattr(archives, "ARCHIVE_LIMIT", 2 << 20)
    refused = pytest.raises(DataError, match=r"train\.txt\.gz is refused: it decompresses to more")
    with refused, files.stream("sst", PATH) as (_, file):
        file.read()


@pytest.mark.parametrize("mode", ["w:gz", "w:"])
def test_a_file_in_an_archive_is_read_as_a_stream(served, nowhere, monkeypatch, mode):
    change(monkeypatch, served, archive="trees.tar.gz")
    members = {"trees/a": b"1" * 1000, INSIDE: b"one\ntwo\n", "trees/z": b"2" * 1000}
    write(nowhere / "sst", {"trees.tar.gz": tarred(members, mode=mode)})
    with files.stream("sst", PATH) as (where, file):
        assert where.endswith(f"trees.tar.gz!{INSIDE}")
        assert list(file) == [b"one\n", b"two\n"]


def test_encrypted_and_unknown_compression_are_named(served, nowhere):
    packed = bytearray(zipped({INSIDE: TEXT}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    packed[6] |= 1
    write(nowhere / "sst", {ARCHIVE: bytes(packed)})
    with pytest.raises(DataError, match=r"cannot be read .*encrypted"):
        load()
