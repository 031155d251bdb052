"""The built book: made once per session, by the same command as `make book`."""

import functools
import http.server
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from attnlib.cache import locked

ROOT = Path(__file__).parents[2]
SNAKEMAKE = [str(Path(sys.executable).parent / "snakemake"), "--profile", "profiles/local"]


def snakemake(*words, folder=ROOT):
    """Run Snakemake as the Makefile does; returns the finished process with its output as text.

    Snakemake refuses a second one in the same folder; another worker of pytest-xdist waits instead.
    """
    with locked(folder / "build/tests"):
        return subprocess.run(
            [*SNAKEMAKE, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@contextmanager
def served(folder):
    """The address at which a folder is served, with a slash at the end."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def site():
    """The folder of the built site; what is already built and up to date is taken as it is.

    Beside the runs lies what a killed one leaves, which the build must pass over. Of two workers of
    pytest-xdist one builds, the other finds nothing to do.
    """
    left = ROOT / "build/runs/.killed.ipynb"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    done = snakemake()
    left.unlink(missing_ok=True)
    logs = sorted((ROOT / "build/logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
    assert done.returncode == 0, (logs[-1].read_text(encoding="utf-8") if logs else done.stdout)[-4000:]
    return ROOT / "build/_build/html"
