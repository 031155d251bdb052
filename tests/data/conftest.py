import hashlib
import threading
from dataclasses import replace

import pytest

from attnlib.data import download
from attnlib.data.catalogue import DATA_SETS, Item
from tests.data.faulty import PATH, TEXT, Server, change, zipped

TEXTS = {f"{name}.txt": f"(3 (2 some) (4 {name}))\n".encode() for name in ("train", "dev", "test")}

# The official archive of `toy`.
ZIP = zipped({"readme.txt": b"hello"} | {f"trees/{name}": text for name, text in TEXTS.items()})


def folder_item(files, folder="train"):
    """A folder of files, path: content, with the checksum that its data set would have."""
    lines = "".join(f"{hashlib.sha256(text).hexdigest()} {path}\n" for path, text in sorted(files.items()))
    return Item(folder, suffix=".txt", count=len(files), sha256=hashlib.sha256(lines.encode()).hexdigest())


@pytest.fixture
def toy(monkeypatch):
    """A set called sst with small files of ours: same layout, own checksums; nobody is at its address."""
    items = tuple(Item(path, hashlib.sha256(text).hexdigest()) for path, text in TEXTS.items())
    base = "http://127.0.0.1:9/official"
    toy = replace(DATA_SETS["sst"], files=items, archive_hash=None, base=base)
    monkeypatch.setitem(DATA_SETS, "sst", toy)
    return toy


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No data folder, an empty cache, nobody at the download address. Returns the cache folder."""
    monkeypatch.delenv("ATTNLIB_DATA", raising=False)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ATTNLIB_DATA_URL", "http://127.0.0.1:9/nobody")
    return tmp_path / "cache" / "data"


@pytest.fixture
def root(tmp_path, monkeypatch, nowhere):
    """An empty folder of data sets, the only one; the cache is empty and nobody is at any address."""
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def mirror(server, nowhere, monkeypatch, tmp_path):
    """A folder that `server` serves, set as the download address."""
    server.folder = tmp_path / "mirror"
    server.folder.mkdir()
    monkeypatch.setenv("ATTNLIB_DATA_URL", f"{server.base}/")
    return server.folder


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.stop.set()
        server.shutdown()


@pytest.fixture
def served(server, nowhere, monkeypatch):
    """A set called sst with one file, an official address and one mirror, both on `server`."""
    monkeypatch.delenv("ATTNLIB_DATA_URL")
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    base, mirrors = f"{server.base}/official", (f"{server.base}/mirror/",)
    files = (Item(PATH, hashlib.sha256(TEXT).hexdigest()),)
    return change(monkeypatch, DATA_SETS["sst"], base=base, mirrors=mirrors, files=files, archive_hash=None)
