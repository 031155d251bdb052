import functools
import http.server
import threading

import pytest


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No data folder, an empty cache, nobody at the download address. Returns the cache folder."""
    monkeypatch.delenv("ATTNLIB_DATA", raising=False)
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ATTNLIB_DATA_URL", "http://127.0.0.1:9/nobody")
    return tmp_path / "cache" / "data"


@pytest.fixture
def mirror(nowhere, monkeypatch, tmp_path):
    """A folder served over http on 127.0.0.1, set as the download address.

    A file called NAME.cut is announced longer than it is when NAME is asked for.
    """
    folder = tmp_path / "mirror"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            cut = folder / (self.path.rsplit("/", 1)[-1] + ".cut")
            if not cut.exists():
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Length", str(cut.stat().st_size + 1000))
            self.end_headers()
            self.wfile.write(cut.read_bytes())
            return None

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("ATTNLIB_DATA_URL", f"http://127.0.0.1:{server.server_port}/")
    yield folder
    server.shutdown()
    server.server_close()
