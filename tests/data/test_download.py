"""Every fault that a server or a connection may have, against a server on this machine."""

import hashlib
import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from attnlib.data import DataError, download
from attnlib.data.catalogue import DATA_SETS, Item
from attnlib.data.files import locate
from tests.data.faulty import ARCHIVE, MIRROR, OFFICIAL, PATH, TEXT, change, fails, left, load, zipped
from tests.data.sets.writing import write

GOOD = zipped({f"trees/{PATH}": TEXT})


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
def test_a_fault_is_named_and_leaves_nothing_and_the_mirror_is_next(served, server, nowhere, fault):
    page, words = FAULTS[fault]
    server.pages[OFFICIAL] = page
    message = fails(nowhere, words)
    assert "failed, nothing was kept" in message
    assert f"{server.base}{MIRROR} failed too: the server has no such file (404)." in message
    server.pages[MIRROR] = GOOD
    assert load() == TEXT
    assert left(nowhere) == [ARCHIVE]
    assert server.asked[-1] == (MIRROR, None)


def test_nobody_there(served, nowhere, monkeypatch):
    change(monkeypatch, served, base="http://127.0.0.1:9", mirrors=())
    fails(nowhere, "no connection: [Errno 111]" if sys.platform == "linux" else "no connection: ")


def test_a_wrong_checksum_of_the_archive_and_then_a_right_mirror(served, server, nowhere, monkeypatch):
    # Same files, other bytes.
    other = zipped({f"trees/{PATH}": TEXT, "readme": b"repacked"})
    change(monkeypatch, served, archive_hash=f"sha256:{hashlib.sha256(GOOD).hexdigest()}")
    server.pages.update({OFFICIAL: other})
    fails(nowhere, "not the official archive: sha256")
    server.pages[MIRROR] = GOOD
    assert load() == TEXT


@pytest.mark.parametrize("of", ["all downloads", "the archive"])
def test_size_limits(served, server, nowhere, monkeypatch, of):
    if of == "the archive":
        change(monkeypatch, served, size=25)
    else:
        monkeypatch.setattr(download, "SIZE_LIMIT", 100)
    server.pages[OFFICIAL] = GOOD
    fails(nowhere, f"announces {len(GOOD)} bytes; the limit is 100")
    server.pages[OFFICIAL] = lambda handler: handler.answer(GOOD, 0)
    fails(nowhere, "sends more than 100 bytes")


def test_a_download_goes_on_where_it_broke_off(served, server, nowhere):
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
    write(nowhere / ".downloads" / "sst", {ARCHIVE: content})


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
def test_a_part_is_continued_or_thrown_away(served, server, nowhere, part):
    content, server.pages[OFFICIAL], requests = PARTS[part]
    part_of(nowhere, content)
    assert load() == TEXT
    assert server.asked[0] == (OFFICIAL, f"bytes={len(content)}-")
    assert len(server.asked) == requests
    assert left(nowhere) == [ARCHIVE]


def test_a_wrong_download_is_begun_anew_only_once(served, server, nowhere, monkeypatch):
    change(monkeypatch, served, mirrors=())
    part_of(nowhere, b"x" * 1000)
    server.pages[OFFICIAL] = ranged(zipped({f"trees/{PATH}": TEXT[1:]}))
    fails(nowhere, "is not the official file")
    assert [asked for _, asked in server.asked] == ["bytes=1000-", None]


def test_what_no_checksum_covers_is_not_continued(served, server, nowhere, monkeypatch):
    change(monkeypatch, served, files=(Item(PATH),), mirrors=())
    server.pages[OFFICIAL] = ranged(GOOD, sends=1000)
    fails(nowhere, "ended after 1000 of")
    part_of(nowhere, GOOD[:500])
    server.pages[OFFICIAL] = ranged(GOOD)
    assert load() == TEXT
    assert {asked for _, asked in server.asked} == {None}


def test_an_interrupt_keeps_what_came(served, server, nowhere, monkeypatch):
    pieces = download._pieces

    def interrupted(*args):
        yield from pieces(*args)
        raise KeyboardInterrupt

    server.pages[OFFICIAL] = ranged(GOOD)
    monkeypatch.setattr(download, "_pieces", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load()
    assert left(nowhere) == [ARCHIVE]
    monkeypatch.setattr(download, "_pieces", pieces)
    assert load() == TEXT


def test_a_disk_that_cannot_be_written_is_named(served, server, nowhere):
    server.pages[OFFICIAL] = GOOD
    nowhere.parent.mkdir()
    nowhere.write_text("in the way")
    with pytest.raises(DataError, match="cannot be written to .*set ATTNLIB_CACHE to another folder"):
        load()


def test_two_that_ask_for_the_same_share_one_download(served, server, nowhere):
    def slow(handler):
        time.sleep(0.2)
        handler.answer(GOOD)

    server.pages[OFFICIAL] = slow
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(lambda _: load(), range(3))) == [TEXT] * 3
    assert len(server.asked) == 1


def test_the_folder_of_the_environment_comes_first(served, server, nowhere, monkeypatch):
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


def test_mirrors_of_single_files_are_folders(served, server, nowhere, monkeypatch):
    member = Item("train.csv", hashlib.sha256(TEXT).hexdigest(), url=f"{server.base}/official/a.csv")
    mirrors = (f"{server.base}/whole.zip", f"{server.base}/mirror/")
    change(monkeypatch, DATA_SETS["ag_news"], files=(member,), mirrors=mirrors)
    server.pages["/mirror/train.csv"] = TEXT
    assert locate("ag_news", ["train.csv"])["train.csv"].data == TEXT
    assert [path for path, _ in server.asked] == ["/official/a.csv", "/mirror/train.csv"]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(served, server, monkeypatch, terminal):
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", shown)
    server.pages[OFFICIAL] = GOOD
    load()
    assert (ARCHIVE in shown.getvalue()) == bool(shown.getvalue()) == terminal
