"""What archives and compressed files may hold to do harm, downloaded or put there by hand."""

import gzip
import hashlib
import random
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from dataclasses import replace
from unittest import mock

import pytest

from attnlib.data import DataError, archives, files, places
from attnlib.data.catalogue import DATA_SETS, Item
from tests.data.faulty import ARCHIVE, OFFICIAL, PATH, TEXT, change, fails, left, load, tarred, zipped
from tests.data.sets.writing import write

# Archives. Zip and tar alike: what is in them beside, or in place of, the file that is wanted.
INSIDE = f"trees/{PATH}"
KINDS = ("zip", "tar", "tar.gz", "tar.xz", "tar.bz2", "txt.gz")
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


def test_a_file_may_have_four_times_its_official_size(served, nowhere):
    official = places.SIZES["sst"][PATH]
    assert places.most_bytes("sst", PATH) == 4 * official + archives.PIECE
    assert places.most_bytes("adr", "adr_dataset.csv") == archives.FILE_LIMIT
    write(nowhere / "sst", {PATH: bytes(256 << 20)}, "gzip")
    tracemalloc.start()
    for verify in (True, False):
        with pytest.raises(
            DataError, match=rf"train\.txt\.gz is refused: it has more than {4 * official + (1 << 20)}"
        ):
            files.locate("sst", [PATH], verify)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * official


def test_the_files_of_a_folder_have_their_limit_together(nowhere, monkeypatch):
    monkeypatch.setitem(places.SIZES, "imdb", {"train/neg": 100})
    monkeypatch.setattr(archives, "PIECE", 100)
    write(nowhere / "imdb", {f"train/neg/{n}_1.txt": b"so " * 40 for n in range(4)})
    assert len(files.locate("imdb", ["train/neg"], verify=False)) == 4
    write(nowhere / "imdb", {f"train/neg/{n}_1.txt": b"so " * 40 for n in range(5)})
    with pytest.raises(DataError, match=r"train/neg is refused: it has more than 20 bytes"):
        files.locate("imdb", ["train/neg"], verify=False)


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_an_archive_may_grow_so_far_beyond_its_size(served, nowhere, monkeypatch, kind):
    monkeypatch.setattr(archives, "LEAST", 1 << 18)
    members = {INSIDE: TEXT, "trees/zeros": bytes(4 << 20)}
    packed = (
        zipped(members, zipfile.ZIP_DEFLATED) if kind == "zip" else tarred(members, mode=f"w:{kind[-2:]}")
    )
    change(monkeypatch, served, archive=f"trees.{kind}")
    write(nowhere / "sst", {f"trees.{kind}": packed})
    with pytest.raises(DataError, match=r"trees\.\S+ is refused: it .*decompresses to "):
        load()
    monkeypatch.setattr(archives, "GROWS", 10_000)
    assert load() == TEXT


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_eight_gibibytes_is_refused(served, nowhere, monkeypatch, kind):
    change(monkeypatch, served, archive="trees.tar")
    header = tarfile.TarInfo("evil")
    header.type, header.size = kind, 8 << 30
    write(nowhere / "sst", {"trees.tar": header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)})
    with pytest.raises(DataError, match=r"trees\.tar is refused: it asks for 8589934592 bytes at once"):
        load()


def test_an_archive_of_another_checksum_is_not_opened(served, server, nowhere, monkeypatch):
    change(monkeypatch, served, archive_hash="md5:" + "0" * 32, mirrors=())
    server.pages[OFFICIAL] = zipped({INSIDE: TEXT})

    def opened(*words):
        raise AssertionError("it was opened")

    monkeypatch.setattr(archives, "_members", opened)
    fails(nowhere, "not the official archive: md5")


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


def tried(kind, root, times):
    """What became of an archive, or a gzipped file, damaged so many times: "right", "refused", or what else.

    root: the folder of $ATTNLIB_DATA.
    """
    draw, found = random.Random(kind), Counter()
    members = {"trees/a.txt": b"other " * 500, INSIDE: TEXT, "trees/z.txt": b"more " * 500}
    makers = {"zip": lambda: zipped(members, zipfile.ZIP_DEFLATED), "txt.gz": lambda: gzip.compress(TEXT)}
    packed = makers.get(kind, lambda: tarred(members, mode=f"w:{kind[4:]}"))()
    name = f"{PATH}.gz" if kind == "txt.gz" else f"trees.{kind}"
    item = Item(PATH, hashlib.sha256(TEXT).hexdigest())
    nobody = "http://127.0.0.1:9/nobody"
    small = replace(DATA_SETS["sst"], files=(item,), archive=f"trees.{kind}", archive_hash=None, base=nobody)
    (root / "sst").mkdir()
    with mock.patch.dict(DATA_SETS, {"sst": small}):
        for _ in range(times):
            way, at = draw.choice(("flip", "flip", "cut", "double", "gap")), draw.randrange(len(packed))
            changed = {
                "flip": packed[:at] + bytes([packed[at] ^ 1 << draw.randrange(8)]) + packed[at + 1 :],
                "cut": packed[:at],
                "double": packed[:at] + packed,
                "gap": packed[:at] + packed[at + draw.randrange(2000) :],
            }[way]
            (root / "sst" / name).write_bytes(changed)
            try:
                outcome = "right" if load() == TEXT else f"wrong: {way} at {at}"
            except DataError as error:
                outcome = "refused" if name in str(error) else f"unnamed: {error}"
            except Exception as error:
                outcome = f"unnamed: {error!r}"
            found[outcome] += 1
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_archive_is_read_rightly_or_refused_by_name(kind, root):
    found = tried(kind, root, 40)
    assert found.keys() <= {"right", "refused"}
    assert found["refused"] > 10
