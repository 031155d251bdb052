"""Every fault that a server, a connection or an archive may have, against a server on this machine."""

import gzip
import hashlib
import http.server
import io
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import replace

import pytest

from attnlib.data import DataError, archives, download, files
from attnlib.data.catalogue import DATA_SETS, Item
from attnlib.data.files import locate

PATH = "train.txt"
TEXT = bytes(range(97, 123)) * 400
ARCHIVE = DATA_SETS["sst"].archive


def zipped(members):
    """A zip archive; a member of type tuple is (target,) of a link."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            item = zipfile.ZipInfo(name)
            if isinstance(content, tuple):
                item.external_attr = 0o120777 << 16
                content = content[0]
            packed.writestr(item, content)
    return file.getvalue()


def tarred(members, kind=tarfile.SYMTYPE, mode="w:gz"):
    """A tar archive; a member of type tuple is (target,) of a link."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as packed:
        for name, content in members.items():
            item = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                item.type, item.linkname = kind, content[0]
                packed.addfile(item)
            else:
                item.size = len(content)
                packed.addfile(item, io.BytesIO(content))
    return file.getvalue()


GOOD = zipped({f"trees/{PATH}": TEXT})


class Server(http.server.ThreadingHTTPServer):
    """Serves `pages`: by path, the content, or a function of the handler. `asked` has (path, Range)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.asked, self.base = {}, [], f"http://127.0.0.1:{self.server_port}"
        self.stop = threading.Event()

    def handle_error(self, *args):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
        elif callable(page):
            page(self)
        else:
            self.answer(page)

    def answer(self, body, length=None, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length != 0:
            self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def ranged(content, sends=None):
    """A page that serves ranges; of the whole file it sends `sends` bytes only, and closes."""

    def page(handler):
        if asked := handler.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return handler.answer(b"", 0, 416)
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return handler.answer(content[start:], status=206, Content_Range=span)
        return handler.answer(content[:sends], len(content), Accept_Ranges="bytes")

    return page


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.stop.set()
        server.shutdown()


@pytest.fixture
def toy(server, nowhere, monkeypatch):
    """A set called sst with one file, an official address and one mirror, both on `server`."""
    monkeypatch.delenv("ATTNLIB_DATA_URL")
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    return change(
        monkeypatch,
        DATA_SETS["sst"],
        base=f"{server.base}/official",
        mirrors=(f"{server.base}/mirror/",),
        files=(Item(PATH, hashlib.sha256(TEXT).hexdigest()),),
        archive_hash=None,
    )


def change(monkeypatch, data_set, **changes):
    changed = replace(data_set, **changes)
    monkeypatch.setitem(DATA_SETS, data_set.name, changed)
    return changed


OFFICIAL, MIRROR = f"/official/{ARCHIVE}", f"/mirror/{ARCHIVE}"


def load():
    return locate("sst", [PATH])[PATH].data


def left(nowhere):
    """Files that are in the cache, but for locks."""
    return sorted(path.name for path in nowhere.rglob("*") if path.is_file() and path.suffix != ".lock")


def fails(nowhere, words, keeps=()):
    with pytest.raises(DataError) as caught:
        load()
    message = str(caught.value)
    assert words in message
    assert "download of http://127.0.0.1" in message
    assert "ATTNLIB_DATA_URL" in message
    assert left(nowhere) == list(keeps)
    return message


def stalls(handler):
    handler.answer(GOOD[:100], len(GOOD))
    handler.server.stop.wait(5)


def drips(handler):
    handler.answer(b"", len(GOOD))
    for byte in GOOD:
        if handler.server.stop.wait(0.05):
            return
        handler.wfile.write(bytes([byte]))


def says_nothing(handler):
    handler.server.stop.wait(5)


def goes_to(address):
    return lambda handler: handler.answer(b"", status=302, Location=address)


FAULTS = {
    "cut": (lambda h: h.answer(GOOD[:-40], len(GOOD)), f"ended after {len(GOOD) - 40} of {len(GOOD)} bytes"),
    "cut, length unknown": (lambda h: h.answer(GOOD[:-40], 0), "is truncated or not the file its name says"),
    "empty": (lambda h: h.answer(b""), "truncated"),
    "an error page": (lambda h: h.answer(b"<html>moved</html>"), "truncated"),
    "other content": (zipped({f"trees/{PATH}": b"other"}), "is not the official file: 5 bytes, sha256"),
    "other files": (zipped({"x": b"other"}), "holds no file of sst"),
    "stalls": (stalls, "the server sent nothing for 0.3 seconds after 100 of"),
    "drips": (drips, "bytes came in 0.3"),
    "says nothing": (says_nothing, "the server sent nothing for 0.3 seconds"),
    "redirects to itself": (goes_to(OFFICIAL), "more than 5 redirects, probably in a circle"),
    "redirects to a file": (goes_to("file:///etc/passwd"), "No connection adapters were found"),
    "not there": (None, "the server has no such file (404)"),
    "out of order": (lambda h: h.send_error(503), "the server answers 503"),
    "strange status": (lambda h: h.answer(b"", 0, 204), "the server answers 204"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_leaves_nothing_and_the_mirror_is_next(toy, server, nowhere, fault):
    page, words = FAULTS[fault]
    server.pages[OFFICIAL] = page
    message = fails(nowhere, words)
    assert "failed, nothing was kept" in message
    assert f"{server.base}{MIRROR} failed too: the server has no such file (404)." in message
    server.pages[MIRROR] = GOOD
    assert load() == TEXT
    assert left(nowhere) == [ARCHIVE]
    assert server.asked[-1] == (MIRROR, None)


def test_nobody_there(toy, nowhere, monkeypatch):
    change(monkeypatch, toy, base="http://127.0.0.1:9", mirrors=())
    fails(nowhere, "no connection: [Errno 111]" if sys.platform == "linux" else "no connection: ")


def test_a_wrong_checksum_of_the_archive_and_then_a_mirror_with_the_right_one(
    toy, server, nowhere, monkeypatch
):
    # Same files, other bytes.
    other = zipped({f"trees/{PATH}": TEXT, "readme": b"repacked"})
    change(monkeypatch, toy, archive_hash=f"sha256:{hashlib.sha256(GOOD).hexdigest()}")
    server.pages.update({OFFICIAL: other})
    fails(nowhere, "not the official archive: sha256")
    server.pages[MIRROR] = GOOD
    assert load() == TEXT


def test_size_limits(toy, server, nowhere, monkeypatch):
    monkeypatch.setattr(download, "SIZE_LIMIT", 100)
    server.pages[OFFICIAL] = GOOD
    fails(nowhere, f"announces {len(GOOD)} bytes; the limit is 100")
    server.pages[OFFICIAL] = lambda handler: handler.answer(GOOD, 0)
    fails(nowhere, "sends more than 100 bytes")


def test_a_download_goes_on_where_it_broke_off(toy, server, nowhere):
    server.pages[OFFICIAL] = ranged(GOOD, sends=1000)
    message = fails(nowhere, "ended after 1000 of", keeps=[f"{ARCHIVE}"])
    assert f"1000 bytes are kept in {nowhere}/.downloads/sst/{ARCHIVE} and the next try goes on" in message
    assert not list((nowhere / "sst").iterdir())
    # Also from another address.
    server.pages.update({OFFICIAL: None, MIRROR: ranged(GOOD)})
    assert load() == TEXT
    assert server.asked[-2:] == [(OFFICIAL, "bytes=1000-"), (MIRROR, "bytes=1000-")]
    assert left(nowhere) == [ARCHIVE]


def part_of(nowhere, content):
    folder = nowhere / ".downloads" / "sst"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{ARCHIVE}").write_bytes(content)


def other_place(handler):
    if handler.headers.get("Range"):
        handler.answer(GOOD[50:], status=206, Content_Range=f"bytes 50-{len(GOOD) - 1}/{len(GOOD)}")
    else:
        handler.answer(GOOD)


PARTS = {
    "right, ranges": (GOOD[:1000], ranged(GOOD), 1),
    "right, no ranges": (GOOD[:1000], GOOD, 1),
    "of another file": (b"x" * 1000, ranged(GOOD), 2),
    "too long": (b"x" * 100_000, ranged(GOOD), 2),
    "whole": (GOOD, ranged(GOOD), 2),
    "an answer from another place": (GOOD[:1000], other_place, 2),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_continued_or_thrown_away(toy, server, nowhere, part):
    content, server.pages[OFFICIAL], requests = PARTS[part]
    part_of(nowhere, content)
    assert load() == TEXT
    assert server.asked[0] == (OFFICIAL, f"bytes={len(content)}-")
    assert len(server.asked) == requests
    assert left(nowhere) == [ARCHIVE]


def test_a_wrong_download_is_begun_anew_only_once(toy, server, nowhere, monkeypatch):
    change(monkeypatch, toy, mirrors=())
    part_of(nowhere, b"x" * 1000)
    server.pages[OFFICIAL] = ranged(zipped({f"trees/{PATH}": TEXT[1:]}))
    fails(nowhere, "is not the official file")
    assert [asked for _, asked in server.asked] == ["bytes=1000-", None]


def test_what_no_checksum_covers_is_not_continued(toy, server, nowhere, monkeypatch):
    change(monkeypatch, toy, files=(Item(PATH),), mirrors=())
    server.pages[OFFICIAL] = ranged(GOOD, sends=1000)
    fails(nowhere, "ended after 1000 of")
    part_of(nowhere, GOOD[:500])
    server.pages[OFFICIAL] = ranged(GOOD)
    assert load() == TEXT
    assert {asked for _, asked in server.asked} == {None}


def test_an_interrupt_keeps_what_came(toy, server, nowhere, monkeypatch):
    copy = download._copy

    def interrupted(*args):
        copy(*args)
        raise KeyboardInterrupt

    server.pages[OFFICIAL] = ranged(GOOD)
    monkeypatch.setattr(download, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load()
    assert left(nowhere) == [f"{ARCHIVE}"]
    monkeypatch.setattr(download, "_copy", copy)
    assert load() == TEXT


def test_a_disk_that_cannot_be_written_is_named(toy, server, nowhere):
    server.pages[OFFICIAL] = GOOD
    nowhere.parent.mkdir()
    nowhere.write_text("in the way")
    with pytest.raises(DataError, match="cannot be written to .*set ATTNLIB_CACHE to another folder"):
        load()


def test_two_that_ask_for_the_same_share_one_download(toy, server, nowhere):
    def slow(handler):
        time.sleep(0.2)
        handler.answer(GOOD)

    server.pages[OFFICIAL] = slow
    found = []
    threads = [threading.Thread(target=lambda: found.append(load())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [TEXT] * 3
    assert len(server.asked) == 1


def test_the_folder_of_the_environment_comes_first(toy, server, nowhere, monkeypatch):
    monkeypatch.setenv("ATTNLIB_DATA_URL", f"{server.base}/own/")
    server.pages[OFFICIAL] = GOOD
    assert load() == TEXT
    assert [path for path, _ in server.asked] == [f"/own/sst/{ARCHIVE}", f"/own/{ARCHIVE}", OFFICIAL]
    (nowhere / "sst" / ARCHIVE).unlink()
    # A wrong file there is told, and not replaced unawares.
    server.pages[f"/own/sst/{ARCHIVE}"] = GOOD[:-10]
    server.asked.clear()
    message = fails(nowhere, "truncated")
    assert "failed too" not in message
    assert len(server.asked) == 1
    server.pages[f"/own/sst/{ARCHIVE}"] = GOOD
    assert load() == TEXT


def test_mirrors_of_single_files_are_folders(toy, server, nowhere, monkeypatch):
    member = Item("train.csv", hashlib.sha256(TEXT).hexdigest(), url=f"{server.base}/official/a.csv")
    mirrors = (f"{server.base}/whole.zip", f"{server.base}/mirror/")
    change(monkeypatch, DATA_SETS["ag_news"], files=(member,), mirrors=mirrors)
    server.pages["/mirror/train.csv"] = TEXT
    assert locate("ag_news", ["train.csv"])["train.csv"].data == TEXT
    assert [path for path, _ in server.asked] == ["/official/a.csv", "/mirror/train.csv"]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(toy, server, monkeypatch, terminal):
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", shown)
    server.pages[OFFICIAL] = GOOD
    load()
    assert (ARCHIVE in shown.getvalue()) == terminal
    assert bool(shown.getvalue()) == terminal


# Archives. Zip and tar alike: what is in them beside, or in place of, the file that is wanted.
INSIDE = f"trees/{PATH}"
EVIL = {
    "a name with ..": ({INSIDE: TEXT, "trees/../../evil": b"x"}, "'trees/../../evil' leads out of it"),
    "an absolute name": ({INSIDE: TEXT, "/tmp/evil": b"x"}, "'/tmp/evil' leads out of it"),
    "a name of Windows": ({INSIDE: TEXT, "C:\\evil": b"x"}, "leads out of it"),
    "a link out of it": ({INSIDE: TEXT, "trees/evil": ("../../evil",)}, "a link out of it, to '../../evil'"),
    "an absolute link": (
        {INSIDE: TEXT, "trees/evil": ("/etc/passwd",)},
        "a link out of it, to '/etc/passwd'",
    ),
    "a link in its place": ({INSIDE: ("other",), "trees/other": TEXT}, "is a link to 'other'"),
}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar with hard links"])
@pytest.mark.parametrize("evil", EVIL)
def test_an_archive_that_leads_out_of_itself_is_refused(toy, server, nowhere, monkeypatch, kind, evil):
    members, words = EVIL[evil]
    name = ARCHIVE if kind == "zip" else "trees.tar.gz"
    change(monkeypatch, toy, archive=name, mirrors=())
    link = tarfile.SYMTYPE if kind == "tar" else tarfile.LNKTYPE
    packed = zipped(members) if kind == "zip" else tarred(members, link)
    server.pages[f"/official/{name}"] = packed
    fails(nowhere, words)
    # The same archive from elsewhere, put there by hand.
    place = nowhere / "sst" / name
    place.write_bytes(packed)
    with pytest.raises(
        DataError, match=r"(is refused: .*Delete it|failed, nothing was kept: http\S* is refused)"
    ):
        load()
    assert not list(nowhere.parent.rglob("evil"))


def test_a_link_that_nobody_asks_for_is_left_alone(toy, server, nowhere):
    server.pages[OFFICIAL] = zipped({INSIDE: TEXT, "trees/same.txt": (PATH,)})
    assert load() == TEXT
    assert left(nowhere) == [ARCHIVE]


@pytest.mark.parametrize("limit", ["FILE_LIMIT", "ARCHIVE_LIMIT", "MEMBERS_LIMIT"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz", "tar.bz2", "tar"])
def test_a_decompression_bomb_is_refused(toy, server, nowhere, monkeypatch, kind, limit):
    members = {INSIDE: TEXT} | {f"trees/{n}": b"" for n in range(4)}
    name = f"trees.{kind}"
    change(monkeypatch, toy, archive=name, mirrors=())
    modes = {"tar.gz": "w:gz", "tar.xz": "w:xz", "tar.bz2": "w:bz2", "tar": "w:"}
    packed = zipped(members) if kind == "zip" else tarred(members, mode=modes[kind])
    server.pages[f"/official/{name}"] = packed
    monkeypatch.setattr(archives, limit, 4 if limit == "MEMBERS_LIMIT" else 10_000)
    fails(nowhere, " is refused: ")
    monkeypatch.undo()


def test_a_tar_that_announces_too_much_is_refused_before_it_is_read(monkeypatch, tmp_path):
    # A header that asks for more than the limit at once: a long name of a gigabyte, say.
    monkeypatch.setattr(archives, "FILE_LIMIT", 10_000)
    item = tarfile.TarInfo("x" * 20_000)
    path = tmp_path / "a.tar.gz"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.GNU_FORMAT) as packed:
        packed.addfile(item)
    path.write_bytes(file.getvalue())
    with pytest.raises(archives.Refused, match=r"asks for \d+ bytes at once"):
        archives.names(path)


def test_a_gzipped_bomb_is_refused_whole_and_as_a_stream(toy, nowhere, monkeypatch):
    (nowhere / "sst").mkdir(parents=True)
    (nowhere / "sst" / f"{PATH}.gz").write_bytes(gzip.compress(bytes(3 << 20)))
    monkeypatch.setattr(archives, "FILE_LIMIT", 2 << 20)
    with pytest.raises(DataError, match=r"train\.txt\.gz is refused: it has more than 2097152 bytes"):
        load()
    monkeypatch.setattr(archives, "ARCHIVE_LIMIT", 2 << 20)
    with (
        pytest.raises(DataError, match=r"train\.txt\.gz is refused: it decompresses to more"),
        files.stream("sst", PATH) as (_, file),
    ):
        file.read()


@pytest.mark.parametrize("mode", ["w:gz", "w:"])
def test_a_file_in_an_archive_is_read_as_a_stream(toy, nowhere, monkeypatch, mode):
    change(monkeypatch, toy, archive="trees.tar.gz")
    (nowhere / "sst").mkdir(parents=True)
    members = {"trees/a": b"1" * 1000, INSIDE: b"one\ntwo\n", "trees/z": b"2" * 1000}
    (nowhere / "sst" / "trees.tar.gz").write_bytes(tarred(members, mode=mode))
    with files.stream("sst", PATH) as (where, file):
        assert where.endswith(f"trees.tar.gz!{INSIDE}")
        assert list(file) == [b"one\n", b"two\n"]


def test_encrypted_and_unknown_compression_are_named(toy, nowhere):
    (nowhere / "sst").mkdir(parents=True)
    packed = bytearray(zipped({INSIDE: TEXT}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    packed[6] |= 1
    (nowhere / "sst" / ARCHIVE).write_bytes(packed)
    with pytest.raises(DataError, match=r"cannot be read .*encrypted"):
        load()
