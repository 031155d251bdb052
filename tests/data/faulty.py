"""A server on this machine that has every fault, archives for it, and a small data set that lies there."""

import http.server
import io
import tarfile
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from attnlib.data import DataError
from attnlib.data.catalogue import DATA_SETS
from attnlib.data.files import locate

PATH = "train.txt"
TEXT = bytes(range(97, 123)) * 400
ARCHIVE = DATA_SETS["sst"].archive
OFFICIAL, MIRROR = f"/official/{ARCHIVE}", f"/mirror/{ARCHIVE}"


def zipped(members, compression=zipfile.ZIP_STORED):
    """A zip archive; a member of type tuple is (target,) of a link."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            item = zipfile.ZipInfo(name)
            item.compress_type = compression
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


class Server(http.server.ThreadingHTTPServer):
    """Serves `pages`, by path: the content, or a function of the handler; then the files of `folder`.

    `asked` has (path, Range).
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.asked, self.base = {}, [], f"http://127.0.0.1:{self.server_port}"
        self.stop, self.folder = threading.Event(), "/nowhere"

    def handle_error(self, *args):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        page, file = self.server.pages.get(self.path), Path(f"{self.server.folder}{self.path}")
        if page is None and file.is_file():
            self.answer(file.read_bytes())
        elif page is None:
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


def change(monkeypatch, data_set, **changes):
    changed = replace(data_set, **changes)
    monkeypatch.setitem(DATA_SETS, data_set.name, changed)
    return changed


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
